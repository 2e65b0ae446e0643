/* test_reserve.c - large requests are not starved. */
#include "config.h"

#include "bed_ask.h"

#include "core/reserve.h"
#include "support/unit.h"

#include <string.h>

#define SECOND UINT64_C(1000000000)

enum { LICENCE = 3 };

static uint64_t next_id;

static void setup(void)
{
    bed_setup();
    bed_config.reserve_ns = 5 * SECOND;
    bed_config.ahead_max = 1;
    bed_open();
    next_id = 10;
}

static uint32_t cores(uint32_t count)
{
    struct hayi_variant v[] = {{.cores = count}, {.cores = 0}};
    return bed_request(v);
}

static uint32_t licences(uint64_t units)
{
    struct hayi_variant v[] = {
        {.cores = 1, .amount_count = 1, .amounts = {{LICENCE, 0, units}}},
        {.cores = 0},
    };
    return bed_request(v);
}

static void ends(uint64_t id)
{
    bed_started(id);
    bed_ended(id, HAYI_OUTCOME_FINISHED, SECOND);
}

/* Small ones of one second keep coming: one ends, the next one is there. */
static void flood(uint32_t request, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        for (uint64_t id = 10; id < BED_IDS; id++) {
            if (bed.last[id].attempt != 0 && bed.task[id] != 0) {
                ends(id);
                bed.task[id] = 0;
                break;
            }
        }
        bed.now_ns += SECOND / 4;
        bed.last[next_id].attempt = 0;
        bed_ask(next_id, request);
        next_id = next_id + 1 < BED_IDS ? next_id + 1 : 10;
        bed_dispatch();
    }
}

static bool is_out(uint64_t id)
{
    return bed.last[id].attempt != 0;
}

static void a_large_task_gets_a_worker_after_a_while(void)
{
    uint32_t small = cores(1);
    bed_offer(0, 4, 0, NULL);
    bed_offer(1, 4, 0, NULL);
    for (int i = 0; i < 12; i++) {
        bed_ask(next_id++, small);
    }
    bed_dispatch();
    bed_ask(1, cores(4));
    flood(small, 19);
    CU_ASSERT_FALSE(is_out(1));
    CU_ASSERT_EQUAL(strncmp(bed_reason(1),
                            "it is the next of its kind; the 2 "
                            "workers that could run it are full",
                            66),
                    0);
    flood(small, 40);
    CU_ASSERT_TRUE(is_out(1));
}

static void nobody_lower_passes_but_a_higher_one_does(void)
{
    uint32_t small = cores(1);
    bed_offer(0, 2, 0, NULL);
    bed_ask(10, small);
    bed_ask(11, small);
    bed_dispatch();
    bed_ask(1, cores(2));
    bed_ask(12, small);
    ends(10);
    bed_dispatch();
    CU_ASSERT_TRUE(is_out(12)); /* it passes */
    bed.now_ns += 6 * SECOND;
    bed_ask(13, small);
    ends(11);
    bed_dispatch();
    CU_ASSERT_FALSE(is_out(13));
    CU_ASSERT_STRING_EQUAL(
        bed_reason(1),
        "it is the next of its kind; the 1 workers that could run it are full; "
        "worker 0 is kept free for it");
    bed_ask_first(2, small, 1);
    bed_dispatch();
    CU_ASSERT_TRUE(is_out(2));
    CU_ASSERT_FALSE(is_out(13));
    ends(12);
    ends(2);
    bed_dispatch();
    CU_ASSERT_TRUE(is_out(1));
    bed_ended(1, HAYI_OUTCOME_FINISHED, SECOND);
    bed_dispatch();
    CU_ASSERT_TRUE(is_out(13));
}

static void what_is_kept_is_open_when_its_task_is_cancelled(void)
{
    uint32_t small = cores(1);
    bed_offer(0, 2, 0, NULL);
    bed_ask(10, small);
    bed_ask(11, small);
    bed_dispatch();
    bed_ask(1, cores(2));
    bed_ask(12, small);
    ends(10);
    bed_dispatch();
    bed.now_ns += 6 * SECOND;
    bed_ask(13, small);
    ends(11);
    bed_dispatch();
    CU_ASSERT_FALSE(is_out(13));
    bed_cancel(1, false);
    bed_dispatch();
    CU_ASSERT_TRUE(is_out(13));
}

static void a_pool_is_kept_too(void)
{
    uint32_t one = licences(ONE);
    bed_pool(LICENCE, 3 * ONE);
    bed_offer(0, 8, 0, NULL);
    for (int i = 0; i < 5; i++) {
        bed_ask(next_id++, one);
    }
    bed_dispatch();
    bed_ask(1, licences(3 * ONE));
    flood(one, 19);
    CU_ASSERT_FALSE(is_out(1));
    flood(one, 2);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(bed_reason(1), "; what gets free is kept for it"));
    flood(one, 1);
    CU_ASSERT_TRUE(is_out(1));
}

static void a_lost_worker_is_kept_for_nobody(void)
{
    uint32_t small = cores(1);
    bed_offer(0, 2, 0, NULL);
    bed_offer(1, 2, 0, NULL);
    for (int i = 0; i < 8; i++) {
        bed_ask(next_id++, small);
    }
    bed_dispatch();
    bed_ask(1, cores(2));
    flood(small, 21);
    CU_ASSERT_FALSE(is_out(1));
    const char *kept = strstr(bed_reason(1), "; worker ");
    CU_ASSERT_PTR_NOT_NULL_FATAL(kept);
    bed_lost(kept[9] == '0' ? 0 : 1);
    flood(small, 40);
    CU_ASSERT_TRUE(is_out(1));
}

static void one_class_alone_keeps_nothing(void)
{
    uint32_t small = cores(1);
    bed_offer(0, 2, 0, NULL);
    for (uint64_t id = 10; id < 20; id++) {
        bed_ask(id, small);
    }
    bed_dispatch();
    bed.now_ns += 20 * SECOND;
    ends(10);
    bed_dispatch();
    bed_dispatch();
    CU_ASSERT_PTR_NULL(strstr(bed_reason(19), "kept"));
    CU_ASSERT_PTR_NULL(strstr(bed_reason(13), "kept"));
}

static CU_TestInfo tests[] = {
    {"a_large_task_gets_a_worker_after_a_while",
     a_large_task_gets_a_worker_after_a_while},
    {"nobody_lower_passes_but_a_higher_one_does",
     nobody_lower_passes_but_a_higher_one_does},
    {"what_is_kept_is_open_when_its_task_is_cancelled",
     what_is_kept_is_open_when_its_task_is_cancelled},
    {"a_pool_is_kept_too", a_pool_is_kept_too},
    {"a_lost_worker_is_kept_for_nobody", a_lost_worker_is_kept_for_nobody},
    {"one_class_alone_keeps_nothing", one_class_alone_keeps_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/reserve", NULL, NULL, setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
