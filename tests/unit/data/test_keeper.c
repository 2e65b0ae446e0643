/* test_keeper.c - a store that somebody looks after. */
#include "config.h"

#include "data/keeper.h"

#include "support/unit.h"

#include <dirent.h>
#include <poll.h>
#include <string.h>

enum { MIB = 1 << 20, LIMIT_MS = 20000 };

static struct hayi_store *store;
static struct hayi_keeper *keeper;

static void setup(void)
{
    const struct hayi_store_config config = {(uint64_t)64 * MIB, NULL};
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&store, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(store, &config, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_keeper_new(store, &keeper, NULL), HAY_OK);
}

static void teardown(void)
{
    hayi_keeper_free(keeper);
    hayi_store_free(store);
}

static struct hayi_store_usage look(void)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(store, &usage);
    hayi_keeper_look(keeper, &usage);
    return usage;
}

static hayi_place put(size_t size)
{
    hayi_place place = 0;
    void *data = NULL;
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(store, size, &place, &data, NULL),
                          HAY_OK);
    memset(data, 3, size);
    hayi_store_seal(store, place, 0);
    return place;
}

static int threads(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    CU_ASSERT_PTR_NOT_NULL_FATAL(folder);
    for (struct dirent *e = readdir(folder); e != NULL; e = readdir(folder)) {
        count += e->d_name[0] != '.';
    }
    (void)closedir(folder);
    return count;
}

static void store_that_nobody_uses_costs_no_thread(void)
{
    int before = threads();
    (void)look();
    (void)put(100000);
    (void)look();
    CU_ASSERT_EQUAL(threads(), before);
    (void)put((size_t)8 * MIB);
    (void)look();
    CU_ASSERT(threads() > before);
}

static void full_store_is_relieved(void)
{
    struct hayi_store_usage usage;
    for (int i = 0; i < 7; i++) {
        (void)put((size_t)8 * MIB); /* 56 of 64 MiB */
    }
    usage = look();
    for (int i = 0; i < LIMIT_MS && usage.used_bytes > (uint64_t)40 * MIB;
         i++) {
        (void)poll(NULL, 0, 1);
        usage = look();
    }
    CU_ASSERT(usage.used_bytes <= (uint64_t)40 * MIB);
    CU_ASSERT_EQUAL(usage.object_count, 7);
    CU_ASSERT(usage.spills > 0);
}

static void store_below_the_mark_is_left_alone(void)
{
    for (int i = 0; i < 6; i++) {
        (void)put((size_t)8 * MIB); /* 48 of 64 MiB */
    }
    (void)look();
    hayi_keeper_free(keeper); /* after the step that it is at */
    keeper = NULL;
    struct hayi_store_usage usage;
    hayi_store_get_usage(store, &usage);
    CU_ASSERT_EQUAL(usage.used_bytes, (uint64_t)48 * MIB);
    CU_ASSERT_EQUAL(usage.spills, 0);
}

static CU_TestInfo tests[] = {
    {"store_that_nobody_uses_costs_no_thread",
     store_that_nobody_uses_costs_no_thread},
    {"full_store_is_relieved", full_store_is_relieved},
    {"store_below_the_mark_is_left_alone", store_below_the_mark_is_left_alone},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/keeper", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
