/* test_idmap.c - pointers by number. */
#include "config.h"

#include "base/idmap.h"

#include "support/unit.h"

#include <string.h>

enum { MANY = 5000 };

static struct hayi_idmap map;
static int things[MANY];

static uint64_t number(int i)
{
    return (uint64_t)i * (uint64_t)i + 1;
}

static void setup(void)
{
    memset(&map, 0, sizeof(map));
}

static void teardown(void)
{
    hayi_idmap_fini(&map);
}

static void empty_one_has_nothing(void)
{
    CU_ASSERT_PTR_NULL(hayi_idmap_get(&map, 1));
    CU_ASSERT_PTR_NULL(hayi_idmap_take(&map, 1));
    CU_ASSERT_PTR_NULL(hayi_idmap_any(&map));
}

static void what_was_put_is_found_until_taken(void)
{
    for (int i = 0; i < MANY; i++) {
        CU_ASSERT_TRUE(hayi_idmap_put(&map, number(i), &things[i]));
    }
    CU_ASSERT_EQUAL(map.count, MANY);
    CU_ASSERT_PTR_NULL(hayi_idmap_get(&map, 3));
    for (int i = 0; i < MANY; i++) {
        CU_ASSERT_PTR_EQUAL(hayi_idmap_get(&map, number(i)), &things[i]);
    }
    for (int i = 0; i < MANY; i += 2) {
        CU_ASSERT_PTR_EQUAL(hayi_idmap_take(&map, number(i)), &things[i]);
        CU_ASSERT_PTR_NULL(hayi_idmap_get(&map, number(i)));
    }
    for (int i = 1; i < MANY; i += 2) {
        CU_ASSERT_PTR_EQUAL(hayi_idmap_get(&map, number(i)), &things[i]);
    }
    CU_ASSERT_EQUAL(map.count, MANY / 2);
}

/* A window of numbers that wanders, as those of tasks do. */
static void wandering_window_stays_small(void)
{
    for (uint64_t id = 1; id <= 100000; id++) {
        CU_ASSERT_TRUE(hayi_idmap_put(&map, id, &things[id % MANY]));
        if (id > 20) {
            CU_ASSERT_PTR_EQUAL(hayi_idmap_take(&map, id - 20),
                                &things[(id - 20) % MANY]);
        }
    }
    CU_ASSERT_EQUAL(map.count, 20);
    CU_ASSERT_TRUE(map.room <= 64);
}

static void any_empties_it(void)
{
    for (uint64_t id = 1; id <= 100; id++) {
        (void)hayi_idmap_put(&map, id, &things[id]);
    }
    size_t met = 0;
    int *thing;
    while ((thing = hayi_idmap_any(&map)) != NULL) {
        CU_ASSERT_PTR_NOT_NULL(
            hayi_idmap_take(&map, (uint64_t)(thing - things)));
        met++;
    }
    CU_ASSERT_EQUAL(met, 100);
}

static CU_TestInfo tests[] = {
    {"empty_one_has_nothing", empty_one_has_nothing},
    {"what_was_put_is_found_until_taken", what_was_put_is_found_until_taken},
    {"wandering_window_stays_small", wandering_window_stays_small},
    {"any_empties_it", any_empties_it},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/idmap", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
