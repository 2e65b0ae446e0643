/* test_workers.c - accounts of workers and their order. */
#include "config.h"

#include "core/alloc.h"
#include "core/workers.h"
#include "support/unit.h"

#define WORKERS 20
#define ROWS    200

static struct hayi_table table;
static struct hayi_workers workers;
static const struct hayi_needs one = {.cores = 1};

static void setup(void)
{
    hayi_table_init(&table);
    (void)hayi_workers_init(&workers, &table, WORKERS, 7);
}

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    hayi_workers_fini(&workers);
    hayi_table_fini(&table);
}

static void join(uint32_t index, uint32_t cores)
{
    workers.list[index].cores = cores;
    hayi_workers_join(&workers, index);
}

static uint32_t book(uint32_t worker, uint32_t cost)
{
    CU_ASSERT_EQUAL(hayi_table_reserve(&table), HAY_OK);
    uint32_t index = hayi_table_take(&table);
    struct hayi_row *row = hayi_table_row(&table, index);
    row->state = HAYI_ROW_HELD;
    row->worker = worker;
    row->cost = cost;
    hayi_workers_book(&workers, index, &one);
    hayi_workers_check(&workers);
    return index;
}

static void unbook(uint32_t index)
{
    hayi_workers_unbook(&workers, index, &one);
    hayi_table_give(&table, index);
    hayi_workers_check(&workers);
}

static void idle_cores_come_first(void)
{
    join(0, 1);
    join(1, 3);
    CU_ASSERT_EQUAL(workers.heap[0].worker, 1);
    CU_ASSERT_EQUAL(workers.idle_cores, 4);
    for (int i = 0; i < 3; i++) {
        (void)book(1, 10);
    }
    CU_ASSERT_EQUAL(workers.heap[0].worker, 0);
    CU_ASSERT_EQUAL(workers.idle_cores, 1);
    CU_ASSERT_EQUAL(workers.ahead, 0);
}

static void busy_ones_go_by_work_per_core(void)
{
    join(0, 1);
    join(1, 2);
    (void)book(0, 100);
    (void)book(1, 150);
    (void)book(1, 150);
    CU_ASSERT_EQUAL(workers.heap[0].worker, 0);
    (void)book(0, 100);
    CU_ASSERT_EQUAL(workers.heap[0].worker, 1);
    CU_ASSERT_EQUAL(workers.ahead, 1);
}

static void unstarted_is_what_its_cores_cannot_run(void)
{
    join(0, 2);
    uint32_t row[5];
    for (int i = 0; i < 5; i++) {
        row[i] = book(0, 1000);
    }
    CU_ASSERT_EQUAL(hayi_worker_unstarted(&workers.list[0]), 3);
    CU_ASSERT_EQUAL(hayi_worker_ahead(&workers.list[0]), 3);
    CU_ASSERT(hayi_worker_unstarted_ns(&workers.list[0]) > 20000);
    CU_ASSERT(hayi_worker_unstarted_ns(&workers.list[0]) <= 24000);
    for (int i = 0; i < 5; i++) {
        unbook(row[(i + 2) % 5]);
    }
    CU_ASSERT_EQUAL(workers.idle_cores, 2);
}

static void lost_worker_leaves_the_order(void)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        join(i, 1 + i % 3);
    }
    uint32_t row = book(4, 5);
    for (uint32_t i = 0; i < WORKERS; i += 2) {
        hayi_workers_lose(&workers, i);
        hayi_workers_check(&workers);
    }
    CU_ASSERT_EQUAL(workers.heap_count, WORKERS / 2);
    CU_ASSERT_EQUAL(workers.lost, WORKERS / 2);
    unbook(row);
    CU_ASSERT_EQUAL(workers.held, 0);
}

static void random_bookings_keep_the_order(void)
{
    uint32_t row[ROWS];
    size_t count = 0;
    uint64_t dice = 1;
    for (uint32_t i = 0; i < WORKERS; i++) {
        join(i, 1 + i % 4);
    }
    for (int i = 0; i < 3000; i++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        uint32_t d = (uint32_t)(dice >> 33);
        if (count < ROWS && (d & 1) == 0) {
            row[count++] = book(workers.heap[0].worker, d % 1000);
        } else if (count > 0) {
            size_t at = d % count;
            unbook(row[at]);
            row[at] = row[--count];
        }
    }
}

static void amounts_are_met_or_not(void)
{
    struct hayi_worker *worker = &workers.list[2];
    worker->gpus = 2;
    worker->memory_bytes = 100;
    join(2, 4);
    struct hayi_needs needs = {.cores = 4, .gpus = 2, .memory_bytes = 100};
    CU_ASSERT_TRUE(hayi_worker_meets(worker, 2, &needs));
    worker->held_memory = 1;
    CU_ASSERT_TRUE(hayi_worker_meets(worker, 2, &needs));
    CU_ASSERT_FALSE(hayi_worker_fits(worker, 2, &needs));
    worker->held_memory = 0;
    needs.gpus = 3;
    CU_ASSERT_FALSE(hayi_worker_meets(worker, 2, &needs));
    needs.gpus = 0;
    needs.memory_bytes = 101;
    CU_ASSERT_FALSE(hayi_worker_meets(worker, 2, &needs));
    worker->memory_bytes = 0; /* not accounted */
    CU_ASSERT_TRUE(hayi_worker_fits(worker, 2, &needs));
    needs.worker = 2;
    CU_ASSERT_FALSE(hayi_worker_meets(worker, 2, &needs));
    needs.worker = 3;
    CU_ASSERT_TRUE(hayi_worker_meets(worker, 2, &needs));
}

static CU_TestInfo tests[] = {
    {"idle_cores_come_first", idle_cores_come_first},
    {"busy_ones_go_by_work_per_core", busy_ones_go_by_work_per_core},
    {"unstarted_is_what_its_cores_cannot_run",
     unstarted_is_what_its_cores_cannot_run},
    {"lost_worker_leaves_the_order", lost_worker_leaves_the_order},
    {"random_bookings_keep_the_order", random_bookings_keep_the_order},
    {"amounts_are_met_or_not", amounts_are_met_or_not},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/workers", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
