/* test_extents.c - runs of units from a bitmap. */
#include "config.h"

#include "data/extents.h"

#include "support/unit.h"

#include <pthread.h>
#include <string.h>

enum { UNITS = 1000, WORDS = 16, THREADS = 4, ROUNDS = 20000 };

static _Atomic uint64_t words[WORDS];
static struct hayi_extents_head head;
static struct hayi_extents extents = {&head, words, UNITS};

static void setup(void)
{
    for (int i = 0; i < WORDS; i++) {
        atomic_init(&words[i], 0);
    }
    memset(&head, 0, sizeof(head));
}

static void first_run_begins_at_zero_and_the_next_behind_it(void)
{
    uint64_t a, b;
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 3, 1, &a));
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 200, 1, &b));
    CU_ASSERT_EQUAL(a, 0);
    CU_ASSERT_EQUAL(b, 3);
    CU_ASSERT_EQUAL(hayi_extents_count(&extents), 203);
    CU_ASSERT_EQUAL(atomic_load(&head.used), 203);
    CU_ASSERT_EQUAL(atomic_load(&head.top), 203);
}

static void freed_run_is_used_again_before_fresh_units(void)
{
    uint64_t a, b, c;
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 100, 1, &a));
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 100, 1, &b));
    hayi_extents_free(&extents, a, 100);
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 70, 1, &c));
    CU_ASSERT_EQUAL(c, 0);
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 30, 1, &c));
    CU_ASSERT_EQUAL(c, 70);
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 1, 1, &c));
    CU_ASSERT_EQUAL(c, 200);
}

static void last_unit_is_given_and_none_behind_it(void)
{
    uint64_t a;
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, UNITS - 1, 1, &a));
    CU_ASSERT_FALSE(hayi_extents_claim(&extents, 2, 1, &a));
    CU_ASSERT_TRUE(hayi_extents_claim(&extents, 1, 1, &a));
    CU_ASSERT_EQUAL(a, UNITS - 1);
    CU_ASSERT_FALSE(hayi_extents_claim(&extents, 1, 1, &a));
    CU_ASSERT_FALSE(hayi_extents_claim(&extents, UNITS + 1, 1, &a));
    CU_ASSERT_EQUAL(hayi_extents_count(&extents), UNITS);
}

static void aligned_run_leaves_the_gap_to_small_ones(void)
{
    uint64_t a;
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 1, 1, &a));
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 130, 128, &a));
    CU_ASSERT_EQUAL(a, 128);
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 127, 1, &a));
    CU_ASSERT_EQUAL(a, 1);
}

static void part_of_a_run_can_be_given_back(void)
{
    uint64_t a;
    CU_ASSERT_TRUE_FATAL(hayi_extents_claim(&extents, 300, 1, &a));
    hayi_extents_free(&extents, a + 65, 300 - 65);
    CU_ASSERT_TRUE(hayi_extents_all_claimed(&extents, a, 65));
    CU_ASSERT_FALSE(hayi_extents_all_claimed(&extents, a, 66));
    CU_ASSERT_EQUAL(hayi_extents_count(&extents), 65);
    CU_ASSERT_EQUAL(atomic_load(&head.used), 65);
}

/* A hint that stands too high must not hide what is free. */
static void hints_hide_nothing(void)
{
    uint64_t a;
    for (int i = 0; i < HAYI_EXTENTS_CLASSES; i++) {
        atomic_store(&head.hints[i], WORDS);
    }
    CU_ASSERT_TRUE(hayi_extents_claim(&extents, 5, 1, &a));
    CU_ASSERT_EQUAL(a, 0);
}

static _Atomic unsigned owners[UNITS];
static _Atomic unsigned clashes;

static void *hammer(void *argument)
{
    unsigned seed = 1 + (unsigned)(size_t)argument;
    uint64_t first[8], count[8];
    unsigned held = 0;
    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 1664525 + 1013904223;
        if (held < 8 && (seed >> 16 & 1)) {
            count[held] = 1 + (seed >> 20) % 100;
            if (hayi_extents_claim(&extents,
                                   count[held],
                                   seed >> 18 & 1 ? 64 : 1,
                                   &first[held])) {
                for (uint64_t i = 0; i < count[held]; i++) {
                    clashes += atomic_fetch_add(&owners[first[held] + i], 1);
                }
                held++;
            }
        } else if (held > 0) {
            held--;
            for (uint64_t i = 0; i < count[held]; i++) {
                atomic_fetch_sub(&owners[first[held] + i], 1);
            }
            hayi_extents_free(&extents, first[held], count[held]);
        }
    }
    while (held-- > 0) {
        for (uint64_t i = 0; i < count[held]; i++) {
            atomic_fetch_sub(&owners[first[held] + i], 1);
        }
        hayi_extents_free(&extents, first[held], count[held]);
    }
    return NULL;
}

static void threads_never_get_the_same_unit(void)
{
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&threads[i], NULL, hammer, (void *)i), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(atomic_load(&clashes), 0);
    CU_ASSERT_EQUAL(hayi_extents_count(&extents), 0);
    CU_ASSERT_EQUAL(atomic_load(&head.used), 0);
}

static CU_TestInfo tests[] = {
    {"first_run_begins_at_zero_and_the_next_behind_it",
     first_run_begins_at_zero_and_the_next_behind_it},
    {"freed_run_is_used_again_before_fresh_units",
     freed_run_is_used_again_before_fresh_units},
    {"last_unit_is_given_and_none_behind_it",
     last_unit_is_given_and_none_behind_it},
    {"aligned_run_leaves_the_gap_to_small_ones",
     aligned_run_leaves_the_gap_to_small_ones},
    {"part_of_a_run_can_be_given_back", part_of_a_run_can_be_given_back},
    {"hints_hide_nothing", hints_hide_nothing},
    {"threads_never_get_the_same_unit", threads_never_get_the_same_unit},
    CU_TEST_INFO_NULL,
};
static const CU_SuiteInfo suites[] = {
    {"data/extents", NULL, NULL, setup, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
