/* test_ranges.c - lists of intervals, compared with a plain table of bits. */
#include "config.h"

#include "base/philox.h"
#include "client/ranges.h"
#include "support/unit.h"

#include <string.h>

enum { ITEMS = 300 };
static struct hayi_ranges ranges;

static void setup(void)
{
    hayi_ranges_init(&ranges);
}

static void teardown(void)
{
    hayi_ranges_fini(&ranges);
}

static void neighbours_are_joined(void)
{
    CU_ASSERT_TRUE(hayi_ranges_insert(&ranges, (struct hayi_range){0, 3}));
    CU_ASSERT_TRUE(hayi_ranges_insert(&ranges, (struct hayi_range){6, 9}));
    CU_ASSERT_EQUAL(ranges.count, 2);
    CU_ASSERT_TRUE(hayi_ranges_insert(&ranges, (struct hayi_range){3, 6}));
    CU_ASSERT_EQUAL(ranges.count, 1);
    CU_ASSERT_EQUAL(ranges.list[0].end, 9);
}

static void appended_ones_join_only_behind_what_is_fixed(void)
{
    CU_ASSERT_TRUE(hayi_ranges_append(&ranges, (struct hayi_range){4, 5}, 0));
    CU_ASSERT_TRUE(hayi_ranges_append(&ranges, (struct hayi_range){5, 6}, 0));
    CU_ASSERT_EQUAL(ranges.count, 1);
    CU_ASSERT_TRUE(hayi_ranges_append(&ranges, (struct hayi_range){6, 7}, 1));
    CU_ASSERT_EQUAL(ranges.count, 2);
    hayi_ranges_drop(&ranges, 1);
    CU_ASSERT(ranges.count == 1 && ranges.list[0].first == 6);
}

static void compare(const bool *set)
{
    struct hayi_range range;
    size_t at = 0;
    for (size_t i = 0; i < ranges.count; i++) {
        CU_ASSERT(ranges.list[i].first < ranges.list[i].end);
        CU_ASSERT(i == 0 || ranges.list[i - 1].end < ranges.list[i].first);
    }
    while (at < ITEMS && hayi_ranges_from(&ranges, at, &range)) {
        for (; at < range.first; at++) {
            CU_ASSERT_FALSE(set[at]);
        }
        for (; at < range.end; at++) {
            CU_ASSERT_TRUE(set[at]);
        }
    }
    for (; at < ITEMS; at++) {
        CU_ASSERT_FALSE(set[at]);
    }
}

static void any_order_gives_the_same_set(void)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        bool set[ITEMS];
        struct hayi_stream stream;
        memset(set, 0, sizeof(set));
        hayi_stream_init(&stream, seed, 0, 0);
        hayi_ranges_fini(&ranges);
        for (int i = 0; i < 400; i++) {
            uint64_t first = hayi_stream_next(&stream) % ITEMS;
            uint64_t end = first;
            uint64_t length = 1 + hayi_stream_next(&stream) % 5;
            while (end < ITEMS && !set[end] && end - first < length) {
                set[end++] = true;
            }
            if (end > first) {
                CU_ASSERT_TRUE(hayi_ranges_insert(
                    &ranges, (struct hayi_range){first, end}));
            }
        }
        compare(set);
    }
}

static CU_TestInfo tests[] = {
    {"neighbours_are_joined", neighbours_are_joined},
    {"appended_ones_join_only_behind_what_is_fixed",
     appended_ones_join_only_behind_what_is_fixed},
    {"any_order_gives_the_same_set", any_order_gives_the_same_set},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"client/ranges", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
