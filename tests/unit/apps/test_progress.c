/* test_progress.c - what is told of the time that is left. */
#include "config.h"

#include "progress.h"
#include "support/unit.h"

#include <fcntl.h>
#include <unistd.h>

#define SECOND_NS UINT64_C(1000000000)

static struct progress p;
static struct progress_counts counts;
static uint64_t now_ns;

/* Told each fifth of a second, as on a terminal, for so many seconds; 'rate'
 * tasks a second end meanwhile.  What is printed is thrown away. */
static void pass(unsigned seconds, unsigned rate)
{
    int before = dup(STDERR_FILENO);
    int nowhere = open("/dev/null", O_WRONLY);
    (void)dup2(nowhere, STDERR_FILENO);
    for (unsigned i = 0; i < 5 * seconds; i++) {
        now_ns += SECOND_NS / 5;
        counts.done += i % 5 == 4 ? rate : 0;
        progress_tell(&p, &counts, now_ns);
    }
    (void)dup2(before, STDERR_FILENO);
    (void)close(before);
    (void)close(nowhere);
}

static void setup(void)
{
    now_ns = 1000 * SECOND_NS;
    counts = (struct progress_counts){.total = 1000, .cores = 4};
    progress_init(&p, PROGRESS_LINE, 80, now_ns);
}

static bool is_about(double seconds, double expected)
{
    return seconds > expected * 0.8 && seconds < expected * 1.2;
}

static void steady_run_is_estimated_by_its_speed(void)
{
    CU_ASSERT_EQUAL(progress_left_s(&p, &counts), 0); /* nothing is known */
    pass(100, 4);
    CU_ASSERT_TRUE(is_about(progress_left_s(&p, &counts), 150));
    counts.growing = true;
    CU_ASSERT_EQUAL(progress_left_s(&p, &counts), 0);
}

/* A worker of four is silent for a while, then lost: nothing ends meanwhile. */
static void loss_does_not_make_the_estimate_jump(void)
{
    pass(100, 4);
    double before = progress_left_s(&p, &counts);
    for (int second = 0; second < 15; second++) {
        double last = progress_left_s(&p, &counts);
        pass(1, 0);
        double left = progress_left_s(&p, &counts);
        CU_ASSERT_TRUE(left >= last && left < last + 6);
    }
    counts.cores = 3;
    pass(1, 3);
    CU_ASSERT_TRUE(progress_left_s(&p, &counts) < 2 * before);
    pass(100, 3);
    CU_ASSERT_TRUE(is_about(progress_left_s(&p, &counts), 297.0 / 3));
}

static void cores_that_are_lost_make_it_longer_at_once(void)
{
    pass(100, 4);
    counts.cores = 2;
    CU_ASSERT_TRUE(is_about(progress_left_s(&p, &counts), 300));
}

static void what_an_earlier_run_did_does_not_count_as_speed(void)
{
    counts.total = 2000;
    counts.done = counts.before = 1000;
    pass(4, 4);
    CU_ASSERT_TRUE(is_about(progress_left_s(&p, &counts), 246));
    CU_ASSERT_TRUE(p.rate < 5);
}

static CU_TestInfo tests[] = {
    {"steady_run_is_estimated_by_its_speed",
     steady_run_is_estimated_by_its_speed},
    {"loss_does_not_make_the_estimate_jump",
     loss_does_not_make_the_estimate_jump},
    {"cores_that_are_lost_make_it_longer_at_once",
     cores_that_are_lost_make_it_longer_at_once},
    {"what_an_earlier_run_did_does_not_count_as_speed",
     what_an_earlier_run_did_does_not_count_as_speed},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"apps/progress", NULL, NULL, setup, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
