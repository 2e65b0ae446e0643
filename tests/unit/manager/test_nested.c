/* test_nested.c - a client in a worker, and the manager's side of it: real
 * records between the two; the worker itself is played. */
#include "config.h"

#include "manager_bed.h"

#include "base/clock.h"
#include "client/nest_record.h"
#include "client/remote_executor.h"
#include "manager/manager_nested.h"

#include "support/unit.h"
#include "wire/value.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS = 300000 };

static struct hayi_remote *remote;
static hay_executor *ex; /* the client's */
static bool answer_tasks;
static uint32_t broken; /* the client that was told so */
static size_t longest;  /* record that the client has written */

/* ---- the connection --------------------------------------------------------
 */

static void *append(void *context, uint16_t type, size_t size)
{
    (void)context;
    longest = size > longest ? size : longest;
    return hayi_channel_append(bed_worker.channel, type, size);
}

static size_t unsent(void *context)
{
    (void)context;
    return hayi_channel_unsent(bed_worker.channel);
}

static void ring(void *context)
{
    (void)context;
}

static void nested(uint16_t type, const void *body, size_t size)
{
    struct hayi_error err;
    if (type == HAYI_RECORD_NEST_BROKEN) {
        broken = ((const struct hayi_nest_head *)body)->client;
        return;
    }
    CU_ASSERT_EQUAL(hayi_remote_take(remote, type, body, size, &err), HAY_OK);
}

/* Each task that was handed out ends with twice its argument. */
static void answer_handed_out(void)
{
    const char *line = strstr(bed_told, "task ");
    while (answer_tasks && line != NULL) {
        bed_finished_double(strtoull(line + 5, NULL, 10), 2 * bed_argument);
        line = strstr(line + 1, "task ");
        bed_told[0] = 0;
    }
}

static void turn(void)
{
    bool any = false;
    CU_ASSERT_EQUAL(hayi_remote_pump(remote, false, &any), HAY_OK);
    bed_turn();
    hayi_remote_wake(remote);
    answer_handed_out();
}

struct call {
    void (*function)(void);
    atomic_uint done;
};

static void *client_main(void *argument)
{
    struct call *call = argument;
    call->function();
    atomic_store(&call->done, 1);
    return NULL;
}

/* As a task would, in a thread of its own. */
static void as_client(void (*function)(void))
{
    struct call call = {.function = function};
    pthread_t thread;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, client_main, &call), 0);
    while (atomic_load(&call.done) == 0) {
        turn();
        (void)sched_yield();
    }
    (void)pthread_join(thread, NULL);
    for (int i = 0; i < 6; i++) {
        turn();
    }
}

static void open_client(void)
{
    struct hayi_error err;
    const struct hayi_remote_config config = {
        .store = bed_ex->store,
        .seed = 1,
        .workers_expected = 1,
        .node_count = 2,
        .append = append,
        .unsent = unsent,
        .ring = ring,
    };
    CU_ASSERT_EQUAL_FATAL(hayi_remote_new(&config, &remote, &err), HAY_OK);
    ex = hayi_remote_executor(remote);
    bed_nested = nested;
}

static void setup(void)
{
    bed_setup();
    bed_open_manager(false, HAY_OUTPUT_DEFAULT, NULL);
    bed_join(2);
    bed_expect("welcome\n");
    answer_tasks = true;
    longest = 0;
    open_client();
}

static void teardown(void)
{
    struct hayi_error err;
    (void)hayi_fail(&err, HAY_EFARM, "the test is over");
    hayi_remote_break(remote, &err);
    hayi_remote_free(remote);
    bed_nested = NULL;
    bed_teardown();
}

/* ---- tests -----------------------------------------------------------------
 */

static hay_future *submit(hay_arg argument)
{
    hay_future *future = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hay_submit(ex, bed_one, HAY_ARGS(argument), NULL, &future), HAY_OK);
    return future;
}

static void check_double(hay_future *future, double expected)
{
    double y = 0;
    CU_ASSERT_EQUAL(hay_result_double(future, HAY_FOREVER, &y), HAY_OK);
    CU_ASSERT_EQUAL(y, expected);
}

static void submit_and_wait(void)
{
    hay_future *future = submit(hay_double(2.5));
    check_double(future, 5);
    CU_ASSERT_EQUAL(hay_future_id(future), 1);
    hay_future_release(future);
}

static void task_ends_where_it_was_submitted(void)
{
    as_client(submit_and_wait);
    CU_ASSERT_EQUAL(bed_manager->nested.count, 0); /* was released */
    CU_ASSERT_EQUAL(atomic_load(&bed_ex->unfinished), 0);
}

static void submit_chain(void)
{
    hay_future *a = submit(hay_double(1));
    hay_future *b = submit(hay_ref(a));
    hay_future_release(a);
    hay_future *c = submit(hay_ref(b));
    check_double(b, 4);
    check_double(c, 8);
    hay_future *d = submit(hay_ref(b)); /* that has ended long ago */
    check_double(d, 8);
    hay_future_release(b);
    hay_future_release(c);
    hay_future_release(d);
}

static void futures_are_inputs_by_their_number(void)
{
    as_client(submit_chain);
    CU_ASSERT_EQUAL(bed_manager->nested.count, 0);
}

static void submit_many_forgotten(void)
{
    for (int i = 0; i < 1000; i++) {
        CU_ASSERT_EQUAL(
            hay_submit(ex, bed_one, HAY_ARGS(hay_double(i)), NULL, NULL),
            HAY_OK);
    }
}

static void task_that_nobody_holds_is_not_kept(void)
{
    as_client(submit_many_forgotten);
    CU_ASSERT_EQUAL(bed_manager->nested.count, 0);
    CU_ASSERT_EQUAL(bed_manager->submitted, 1000);
    CU_ASSERT_EQUAL(atomic_load(&ex->unfinished), 0);
    for (int i = 0; i < 2000 && atomic_load(&bed_ex->unfinished) > 0; i++) {
        turn();
    }
    CU_ASSERT_EQUAL(atomic_load(&bed_ex->unfinished), 0);
}

static hay_future *held[2];

static void submit_two(void)
{
    held[0] = submit(hay_double(1));
    held[1] = submit(hay_ref(held[0]));
}

static void wait_for_two(void)
{
    double y = 0;
    CU_ASSERT_EQUAL(hay_result_double(held[0], HAY_FOREVER, &y), HAY_ETASK);
    CU_ASSERT_EQUAL(hay_result_double(held[1], HAY_FOREVER, &y),
                    HAY_EDEPENDENCY);
}

static void failure_comes_with_its_words(void)
{
    answer_tasks = false;
    as_client(submit_two);
    bed_failed(1, "there is no peak");
    as_client(wait_for_two);
    CU_ASSERT_EQUAL(bed_outcome_of(held[0]).exit_code, 3);
    CU_ASSERT_EQUAL(bed_outcome_of(held[0]).worker, 7);
    CU_ASSERT_EQUAL(bed_outcome_of(held[1]).culprit, 1);
    bed_check_end(held[0], HAY_ETASK, "there is no peak");
    bed_check_end(held[1], HAY_EDEPENDENCY, "task 1: there is no peak");
    bed_told[0] = 0;
}

static void wait_for_what_is_too_long(void)
{
    double y = 0;
    CU_ASSERT_EQUAL(hay_result_double(held[0], HAY_FOREVER, &y), HAY_ETOOBIG);
}

static void submit_one(void)
{
    held[0] = submit(hay_double(1));
}

/* It came in one record, and does not go on in one. */
static void result_that_is_too_long_is_told_in_words(void)
{
    struct hayi_buffer value;
    const size_t size = HAYI_RECORD_MAX - 160;
    const struct hayi_value_head head = {.type = HAY_BYTES, .size = size - 16};
    hayi_buffer_init(&value);
    CU_ASSERT_EQUAL(hayi_buffer_append(&value, &head, sizeof(head)), HAY_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(hayi_buffer_extend(&value, size - 16));
    answer_tasks = false;
    as_client(submit_one);
    bed_ended(1,
              (struct bed_end){.value = value.data, .value_size = value.size});
    as_client(wait_for_what_is_too_long);
    bed_check_end(held[0], HAY_ETOOBIG, "its results have 16777056 bytes");
    CU_ASSERT_FALSE(hayi_manager_broken(bed_manager));
    hayi_buffer_fini(&value);
    bed_told[0] = 0;
}

static void submit_too_many_items(void)
{
    static double in[1];
    static double out[1];
    const uint64_t count = HAYI_NEST_WHOLE_MAX / sizeof(in[0]);
    hay_future *map = NULL;
    CU_ASSERT_EQUAL(hay_map(ex, bed_items, NULL, in, count, out, &map),
                    HAY_ETOOBIG);
    CU_ASSERT_PTR_NULL(map);
    CU_ASSERT_PTR_NOT_NULL(strstr(hay_error_text(), "items of 8 bytes"));
}

static void map_whose_items_do_not_travel_is_refused(void)
{
    as_client(submit_too_many_items);
    CU_ASSERT_EQUAL(bed_manager->submitted, 0);
}

static void cancel_second(void)
{
    CU_ASSERT_EQUAL(hay_future_cancel(held[1], 0), HAY_OK);
    CU_ASSERT_EQUAL(hay_future_state(held[1]), HAY_CANCELLED);
    CU_ASSERT_EQUAL(hay_future_cancel(held[1], 0), HAY_OK);
}

static void cancel_is_answered(void)
{
    answer_tasks = false;
    as_client(submit_two);
    as_client(cancel_second);
    bed_finished_double(1, 2);
    for (int i = 0; i < 6; i++) {
        turn();
    }
    bed_check_end(held[0], HAY_OK, "");
    bed_check_end(held[1], HAY_ECANCELLED, "");
    bed_told[0] = 0;
}

static void submit_map(void)
{
    double *in = malloc(ITEMS * sizeof(*in));
    double *out = calloc(ITEMS, sizeof(*out));
    hay_future *map = NULL;
    uint64_t done = 0;
    size_t good = 0;
    for (int i = 0; i < ITEMS; i++) {
        in[i] = i;
    }
    CU_ASSERT_EQUAL_FATAL(hay_map(ex, bed_items, NULL, in, ITEMS, out, &map),
                          HAY_OK);
    CU_ASSERT_EQUAL(hay_future_wait(map, HAY_FOREVER), HAY_OK);
    CU_ASSERT_EQUAL(hay_map_progress(map, &done, NULL), HAY_OK);
    CU_ASSERT_EQUAL(done, ITEMS);
    for (int i = 0; i < ITEMS; i++) {
        good += (int)out[i] == 2 * i;
    }
    CU_ASSERT_EQUAL(good, ITEMS);
    hay_future_release(map);
    free(in);
    free(out);
}

static void items_of_a_map_travel_in_pieces(void)
{
    bed_answer_ranges = true;
    as_client(submit_map);
    CU_ASSERT_TRUE(longest <= HAYI_NEST_PIECE + sizeof(struct hayi_nest_piece));
    CU_ASSERT_EQUAL(bed_manager->nested.count, 0);
    CU_ASSERT_EQUAL_FATAL(bed_manager->nest_clients.count, 1);
    const struct hayi_nest_client *client =
        hayi_idmap_any(&bed_manager->nest_clients);
    CU_ASSERT_PTR_NULL(client->whole.body);
    bed_answer_ranges = false;
    bed_told[0] = 0;
}

static void put_two(void)
{
    static char bytes[BED_OBJECT];
    const void *data = NULL;
    size_t size = 0;
    hay_future *small = NULL;
    hay_future *large = NULL;
    CU_ASSERT_EQUAL_FATAL(hay_put(ex, hay_double(3), &small), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hay_put(ex, hay_bytes(bytes, sizeof(bytes)), &large),
                          HAY_OK);
    hay_future *future = submit(hay_ref(small));
    check_double(future, 6);
    hay_future_release(future);
    CU_ASSERT_EQUAL(hay_result_bytes(large, HAY_FOREVER, &data, &size), HAY_OK);
    CU_ASSERT_EQUAL(size, sizeof(bytes));
    future = submit(hay_ref(large));
    CU_ASSERT_EQUAL(hay_future_wait(future, HAY_FOREVER), HAY_OK);
    hay_future_release(future);
    hay_future_release(small);
    hay_future_release(large);
}

static void what_is_put_is_an_object_of_the_farm(void)
{
    struct hayi_sched_stats stats;
    struct hayi_store_usage usage;
    as_client(put_two);
    CU_ASSERT_NOT_EQUAL(bed_place, 0);
    for (int i = 0; i < 20; i++) {
        turn();
    }
    hayi_sched_get_stats(bed_manager->sched, &stats);
    CU_ASSERT_EQUAL(stats.objects, 0);
    hayi_store_get_usage(bed_ex->store, &usage);
    CU_ASSERT_EQUAL(usage.used_bytes, 0);
}

/* Nobody will ever release them. */
static void check_let_go(void)
{
    CU_ASSERT_EQUAL(bed_manager->nested.count, 0);
    CU_ASSERT_EQUAL(bed_manager->nest_clients.count, 0);
    CU_ASSERT_PTR_NULL(bed_manager->peers[1].nest_clients);
    CU_ASSERT_EQUAL(atomic_load(&bed_ex->unfinished), 0);
    struct hayi_error err;
    (void)hayi_fail(&err, HAY_EFARM, "the manager is gone");
    hayi_remote_break(remote, &err);
    bed_check_end(held[0], HAY_EFARM, "the manager is gone");
    bed_check_end(held[1], HAY_EFARM, "the manager is gone");
    bed_told[0] = 0;
}

static void clients_of_a_lost_worker_let_go(void)
{
    answer_tasks = false;
    as_client(submit_two);
    CU_ASSERT_EQUAL(bed_manager->nested.count, 2);
    hayi_manager_lose(bed_manager, 0, "the test says so");
    check_let_go();
}

/* Here the loss is found within a step, at whose end they go. */
static void clients_of_a_silent_worker_let_go(void)
{
    answer_tasks = false;
    as_client(submit_two);
    turn();
    turn();
    CU_ASSERT_EQUAL(bed_manager->nested.count, 2);
    const struct bed_known *first = &bed_known[hay_future_id(held[0])];
    const struct hayi_attempt_record started = {first->task, first->attempt, 0};
    CU_ASSERT_EQUAL(first->attempt, 1);
    bed_say(HAYI_RECORD_STARTED, &started, sizeof(started));
    turn();
    for (int i = 1; i <= 17; i++) {
        bed_ahead_ns = (uint64_t)i * SECOND_NS;
        (void)hayi_manager_poll(bed_manager, hayi_clock_ns() + bed_ahead_ns);
    }
    check_let_go();
    bed_ahead_ns = 0;
}

static void closed_client_lets_go(void)
{
    const struct hayi_nest_head closed = {0, 0};
    answer_tasks = false;
    as_client(submit_two);
    bed_say(HAYI_RECORD_NEST_CLOSED, &closed, sizeof(closed));
    turn();
    turn();
    CU_ASSERT_EQUAL(bed_manager->nested.count, 0);
    struct hayi_error err;
    (void)hayi_fail(&err, HAY_EFARM, "it is over");
    hayi_remote_break(remote, &err);
    bed_check_end(held[0], HAY_EFARM, "");
    bed_check_end(held[1], HAY_EFARM, "");
    bed_told[0] = 0;
}

/* ---- what cannot be trusted ------------------------------------------------
 */

static hay_future *known; /* the only input that there is */

static hay_future *find(void *context, hay_task_id id)
{
    (void)context;
    return id == hay_future_id(known) ? known : NULL;
}

static hay_status read_submit(const void *body, size_t size)
{
    struct hayi_error err;
    hay_future *future = NULL;
    hay_status status =
        hayi_nest_submit_read(bed_ex, body, size, find, NULL, &future, &err);
    if (status == HAY_OK) {
        hayi_future_discard(future);
    }
    return status;
}

static void damaged_submit_is_refused(void)
{
    answer_tasks = false;
    as_client(submit_two);
    known = held[0];
    size_t size = hayi_nest_submit_size(held[1]);
    unsigned char *body = malloc(size);
    hayi_nest_submit_write(held[1], 0, false, body);
    CU_ASSERT_EQUAL(read_submit(body, size), HAY_OK);
    for (size_t i = 0; i < size; i++) {
        CU_ASSERT_EQUAL(read_submit(body, i), HAY_EMISMATCH);
    }
    struct hayi_nest_submit *head = (void *)body;
    head->deps_size += 8;
    CU_ASSERT_EQUAL(read_submit(body, size), HAY_EMISMATCH);
    head->deps_size -= 8;
    head->text_size = UINT64_MAX;
    CU_ASSERT_EQUAL(read_submit(body, size), HAY_EMISMATCH);
    hayi_nest_submit_write(held[1], 0, false, body);
    known = held[1];
    CU_ASSERT_EQUAL(read_submit(body, size), HAY_EINVAL);
    free(body);
    bed_finished_double(1, 2);
    bed_told[0] = 0;
    bed_expect("task 2.1 prompt\n");
    bed_finished_double(2, 2);
    for (int i = 0; i < 6; i++) {
        turn();
    }
    bed_check_end(held[0], HAY_OK, "");
    bed_check_end(held[1], HAY_OK, "");
}

static void record_that_is_cut_is_refused(void)
{
    static const uint16_t types[] = {
        HAYI_RECORD_NEST_GRANT,
        HAYI_RECORD_NEST_STATE,
        HAYI_RECORD_NEST_ENDED,
        HAYI_RECORD_NEST_ANSWER,
        HAYI_RECORD_NEST_RANGE,
    };
    static const uint64_t body[16];
    struct hayi_error err;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        for (size_t size = 0; size < 16; size += 8) {
            CU_ASSERT_EQUAL(
                hayi_remote_take(remote, types[i], body, size, &err),
                HAY_EMISMATCH);
        }
    }
    /* Of futures that are not there. */
    CU_ASSERT_EQUAL(
        hayi_remote_take(
            remote, HAYI_RECORD_NEST_ENDED, body, sizeof(body), &err),
        HAY_EMISMATCH);
    CU_ASSERT_EQUAL(
        hayi_remote_take(
            remote, HAYI_RECORD_NEST_STATE, body, sizeof(body), &err),
        HAY_EMISMATCH);
}

/* The child of a process slot may have written over its own memory. */
static void child_that_lies_is_given_up_alone(void)
{
    const struct hayi_nest_submit lie = {.client = 3, .id = 1000};
    broken = 0;
    bed_say(HAYI_RECORD_NEST_SUBMIT, &lie, sizeof(lie));
    for (int i = 0; i < 6; i++) {
        turn();
    }
    CU_ASSERT_EQUAL(broken, 3);
    CU_ASSERT_FALSE(bed_manager->peers[1].gone);
    as_client(submit_and_wait); /* the rank's own client goes on */
}

static CU_TestInfo tests[] = {
    {"task_ends_where_it_was_submitted", task_ends_where_it_was_submitted},
    {"futures_are_inputs_by_their_number", futures_are_inputs_by_their_number},
    {"task_that_nobody_holds_is_not_kept", task_that_nobody_holds_is_not_kept},
    {"failure_comes_with_its_words", failure_comes_with_its_words},
    {"result_that_is_too_long_is_told_in_words",
     result_that_is_too_long_is_told_in_words},
    {"map_whose_items_do_not_travel_is_refused",
     map_whose_items_do_not_travel_is_refused},
    {"cancel_is_answered", cancel_is_answered},
    {"items_of_a_map_travel_in_pieces", items_of_a_map_travel_in_pieces},
    {"what_is_put_is_an_object_of_the_farm",
     what_is_put_is_an_object_of_the_farm},
    {"clients_of_a_lost_worker_let_go", clients_of_a_lost_worker_let_go},
    {"clients_of_a_silent_worker_let_go", clients_of_a_silent_worker_let_go},
    {"closed_client_lets_go", closed_client_lets_go},
    {"damaged_submit_is_refused", damaged_submit_is_refused},
    {"record_that_is_cut_is_refused", record_that_is_cut_is_refused},
    {"child_that_lies_is_given_up_alone", child_that_lies_is_given_up_alone},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"manager/nested",
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
