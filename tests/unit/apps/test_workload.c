/* test_workload.c - the workload: tasks that count as done. */
#include "config.h"

#include "support/unit.h"

#include "workload.h"

static struct workload w;
static struct fault fault;

static void setup(void)
{
    workload_init(&w, "t.hay");
}

static void teardown(void)
{
    workload_fini(&w);
}

static void add(uint64_t count)
{
    static const struct request plain = REQUEST_INIT;
    struct block block = {.text = ":",
                          .request = &plain,
                          .step = 1,
                          .count = count,
                          .array = true};
    uint32_t index;
    CU_ASSERT_EQUAL_FATAL(workload_add(&w, &block, &index, &fault), HAY_OK);
}

static void a_task_is_done_once(void)
{
    add(3);
    add(17);
    CU_ASSERT_EQUAL(w.done_count, 0);
    workload_set_done(&w, 19);
    workload_set_done(&w, 19);
    workload_set_done(&w, 2);
    CU_ASSERT_EQUAL(w.done_count, 2);
    CU_ASSERT(block_is_done(&w.blocks[1], 16));
    CU_ASSERT(block_is_done(&w.blocks[0], 2));
}

static void its_neighbours_are_not(void)
{
    add(17);
    CU_ASSERT(!block_is_done(&w.blocks[0], 8));
    workload_set_done(&w, 8);
    for (uint64_t i = 0; i < 17; i++) {
        CU_ASSERT_EQUAL(block_is_done(&w.blocks[0], i), i == 8);
    }
}

static CU_TestInfo tests[] = {
    {"a_task_is_done_once", a_task_is_done_once},
    {"its_neighbours_are_not", its_neighbours_are_not},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/workload", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
