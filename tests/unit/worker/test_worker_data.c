/* test_worker_data.c - a worker and the store of its node, by records. */
#include "config.h"

#include "worker_bed.h"

#include "data/store.h"
#include "wire/record.h"
#include "worker/worker_inside.h"

#include "support/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>

enum { BIG = 4 << 20 };

HAY_TASK(bed_makes)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, BIG, &data));
    memset(data, 1, BIG);
    return HAY_OK;
}

HAY_TASK(bed_makes_until_told)
{
    void *data = NULL;
    HAY_TRY(hay_return_alloc(task, BIG, &data));
    return bed_runs_until_told(task);
}

static struct hayi_buffer args;

static void setup(void)
{
    bed_setup();
    hayi_buffer_init(&args);
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&bed.store, NULL), HAY_OK);
}

static void teardown(void)
{
    bed_teardown();
    hayi_buffer_fini(&args);
}

/* One that is not in the process of the manager. */
static void joined(void)
{
    bed_open_worker(false, NULL);
    bed_welcome(1);
    bed_expect(1, "join 1 cores\n");
}

static uint64_t objects(void)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(bed.store, &usage);
    return usage.object_count;
}

/* Rounds until the worker has told this, among other things. */
static void until_told(const char *line)
{
    for (int i = 0; i < BED_LIMIT_MS && strstr(bed.told, line) == NULL; i++) {
        bed_turn();
        (void)poll(NULL, 0, strstr(bed.told, line) == NULL ? 1 : 0);
    }
    CU_ASSERT_PTR_NOT_NULL(strstr(bed.told, line));
}

static hayi_place put_named(size_t size, uint64_t name)
{
    hayi_place place = 0;
    void *data = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hayi_store_create(bed.store, size, &place, &data, NULL), HAY_OK);
    memset(data, 2, size);
    hayi_store_seal(bed.store, place, name);
    return place;
}

static hayi_place put(size_t size)
{
    return put_named(size, 0);
}

static void put_args(uint64_t handle, hayi_place place, size_t size)
{
    const uint32_t head[2] = {1, 0};
    const struct hayi_object_value object = {handle, place, size};
    args.size = 0;
    (void)hayi_buffer_append(&args, head, sizeof(head));
    CU_ASSERT_EQUAL_FATAL(
        hayi_value_append_object(&args, HAY_BYTES, NULL, &object), HAY_OK);
}

static void missing_input_brings_the_attempt_back(void)
{
    joined();
    hayi_place place = put(100000);
    hayi_store_drop(bed.store, place);
    put_args(77, place, 100000);
    bed_data_call(1, bed_counts, &args);
    bed_call(2, bed_counts);
    bed_expect(2, "returned 1.1 without 77\nended 2.1 finished exit=0\n");
    CU_ASSERT_EQUAL(atomic_load(&bed.ran), 1);
    /* It may come again, as the next attempt. */
    place = put(100000);
    put_args(77, place, 100000);
    bed_data_call(1, bed_counts, &args);
    bed_expect(1, "ended 1.1 finished exit=0\n");
}

static void object_is_dropped_at_the_managers_word(void)
{
    joined();
    hayi_place place = put(100000);
    const struct hayi_send_record drop = {.place = place};
    bed_say(HAYI_RECORD_DROP, &drop, sizeof(drop));
    bed_say(HAYI_RECORD_DROP, &drop, sizeof(drop)); /* stale: ignored */
    bed_call(1, bed_counts);
    bed_expect(1, "ended 1.1 finished exit=0\n");
    CU_ASSERT_EQUAL(objects(), 0);
}

static void replica_that_made_room_is_told(void)
{
    joined();
    (void)put_named((size_t)30 << 20, 501);
    (void)put((size_t)30 << 20);
    bed_turn();
    CU_ASSERT_PTR_NULL(strstr(bed.told, "gone"));
    (void)put((size_t)20 << 20);
    until_told("gone 501\n");
    CU_ASSERT_EQUAL(objects(), 2);
}

static void use_of_the_memory_is_told_when_it_changes(void)
{
    joined();
    bed_call(1, bed_makes);
    until_told("ended 1.1 finished exit=0\n");
    until_told("memory 62\n"); /* 4 of 64 MiB */
    CU_ASSERT_EQUAL(bed.told_count, 2);
    bed.told[0] = 0;
    bed.told_count = 0;
    bed_call(2, bed_counts);
    bed_expect(1, "ended 2.1 finished exit=0\n");
    CU_ASSERT_EQUAL(objects(), 1);
}

static void cancelled_task_leaves_nothing_in_the_store(void)
{
    joined();
    bed_call(1, bed_makes_until_told);
    while (sem_trywait(&bed.began) != 0) {
        bed_turn();
    }
    bed_cancel(1, false);
    until_told("ended 1.1 cancelled");
    CU_ASSERT_EQUAL(objects(), 0);
}

static void folder_that_is_not_there_is_refused_in_words(void)
{
    bed.spill_folder = "/no/such/folder";
    bed_open_worker(false, NULL);
    bed_welcome(1);
    until_told("refuse ");
    CU_ASSERT_NSTRING_EQUAL(bed.told, "refuse ", 7);
    CU_ASSERT_PTR_NOT_NULL(strstr(bed.told, "/no/such/folder"));
}

static void object_for_a_worker_without_a_store_ends_it(void)
{
    const struct hayi_send_record drop = {.place = 1};
    hayi_store_free(bed.store);
    bed.store = NULL;
    bed_joined(1, NULL);
    bed_say(HAYI_RECORD_DROP, &drop, sizeof(drop));
    bed_expect_end(HAYI_WORKER_BROKEN, "no store");
}

static void object_to_move_where_there_is_one_node_ends_it(void)
{
    const struct hayi_store_config config = {(uint64_t)64 << 20, NULL};
    const struct hayi_send_record record = {.bytes = 5, .peer = 1};
    CU_ASSERT_EQUAL(hayi_store_configure(bed.store, &config, NULL), HAY_OK);
    bed_joined(1, NULL);
    bed_say(HAYI_RECORD_RECEIVE, &record, sizeof(record));
    bed_expect_end(HAYI_WORKER_BROKEN, "to move");
}

/* Descriptors of this process that a command would have, beyond its own three.
 */
static int inherited(void)
{
    int count = 0;
    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        count += flags >= 0 && (flags & FD_CLOEXEC) == 0;
    }
    return count;
}

static void commands_do_not_inherit_the_store(void)
{
    struct hayi_store_usage usage;
    int before = inherited();
    joined();
    for (int i = 0; i < 12; i++) {
        (void)put((size_t)8 << 20); /* more than 64 MiB: the file, too */
    }
    hayi_store_get_usage(bed.store, &usage);
    CU_ASSERT(usage.spilled_bytes > 0);
    CU_ASSERT_EQUAL(inherited(), before);
}

static uint64_t used_mib(void)
{
    struct hayi_store_usage usage;
    hayi_store_get_usage(bed.store, &usage);
    return usage.used_bytes >> 20;
}

static void lose(uint32_t peer)
{
    const struct hayi_lost_record lost = {.peer = peer, .member = peer};
    bed_say(HAYI_RECORD_LOST, &lost, sizeof(lost));
    bed_turn();
}

static void store_is_kept_by_the_first_rank_that_lives(void)
{
    static const uint32_t before[] = {2, 5};
    bed.before = before;
    bed.before_count = 2;
    joined();
    for (int i = 0; i < 7; i++) {
        (void)put((size_t)8 << 20); /* 56 of 64 MiB */
    }
    lose(5);
    lose(7);
    lose(5);
    CU_ASSERT_PTR_NULL(bed.worker->data.keeper);
    CU_ASSERT_EQUAL(used_mib(), 56);
    lose(2);
    CU_ASSERT_PTR_NOT_NULL(bed.worker->data.keeper);
    for (int i = 0; i < BED_LIMIT_MS && used_mib() > 40; i++) {
        bed_turn();
        (void)poll(NULL, 0, 1);
    }
    CU_ASSERT(used_mib() <= 40);
    lose(3);
    CU_ASSERT_PTR_NOT_NULL(bed.worker->data.keeper);
}

static void what_a_dead_rank_has_sealed_is_told(void)
{
    joined();
    struct hayi_store_card card;
    struct hayi_store *dead = NULL;
    hayi_place place = 0;
    void *data;
    hayi_store_get_card(bed.store, &card);
    CU_ASSERT_EQUAL_FATAL(hayi_store_join(&card, 9, &dead, NULL), HAY_OK);
    const struct hayi_store_config config = {0, NULL};
    CU_ASSERT_EQUAL_FATAL(hayi_store_configure(dead, &config, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_create(dead, 100000, &place, &data, NULL),
                          HAY_OK);
    hayi_store_seal(dead, place, 0);
    const struct hayi_lost_record lost = {.peer = 3, .member = 9, .reap = 1};
    bed_say(HAYI_RECORD_LOST, &lost, sizeof(lost));
    bed_expect(1, "left 1\n");
    hayi_store_drop(bed.store, place);
    hayi_store_free(dead);
}

static void loss_before_the_welcome_counts(void)
{
    static const uint32_t before[] = {2};
    bed.before = before;
    bed.before_count = 1;
    bed_open_worker(false, NULL);
    lose(2);
    bed_welcome(1);
    bed_expect(1, "join 1 cores\n");
    CU_ASSERT_PTR_NOT_NULL(bed.worker->data.keeper);
}

static CU_TestInfo tests[] = {
    {"missing_input_brings_the_attempt_back",
     missing_input_brings_the_attempt_back},
    {"object_is_dropped_at_the_managers_word",
     object_is_dropped_at_the_managers_word},
    {"replica_that_made_room_is_told", replica_that_made_room_is_told},
    {"use_of_the_memory_is_told_when_it_changes",
     use_of_the_memory_is_told_when_it_changes},
    {"cancelled_task_leaves_nothing_in_the_store",
     cancelled_task_leaves_nothing_in_the_store},
    {"folder_that_is_not_there_is_refused_in_words",
     folder_that_is_not_there_is_refused_in_words},
    {"object_for_a_worker_without_a_store_ends_it",
     object_for_a_worker_without_a_store_ends_it},
    {"object_to_move_where_there_is_one_node_ends_it",
     object_to_move_where_there_is_one_node_ends_it},
    {"store_is_kept_by_the_first_rank_that_lives",
     store_is_kept_by_the_first_rank_that_lives},
    {"what_a_dead_rank_has_sealed_is_told",
     what_a_dead_rank_has_sealed_is_told},
    {"loss_before_the_welcome_counts", loss_before_the_welcome_counts},
    {"commands_do_not_inherit_the_store", commands_do_not_inherit_the_store},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/worker_data",
     bed_setup_suite,
     bed_clean_suite,
     setup,
     teardown,
     tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
