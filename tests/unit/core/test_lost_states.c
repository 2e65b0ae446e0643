/* test_lost_states.c - a worker is lost: one test for each state in which a
 * task can be then.
 *
 * Worker 0, on node 1, is the one that is lost; worker 1, on node 2, takes over
 * what there is.  After the loss comes all the news that the lost one may still
 * tell; nothing may follow from it.  Then all that is handed out ends well, and
 * each task must have been told just once.
 */
#include "config.h"

#include "bed_data.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND UINT64_C(1000000000)
#define ROUNDS 40

static bool helped;     /* worker 1 has joined */
static size_t answered; /* of the text */
static size_t ranges;   /* that have ended */
static hayi_object input[BED_IDS];

static void setup(void)
{
    bed_data_setup();
    bed_config.workers_expected = 2;
    bed_config.infeasible_ns = SECOND;
    bed_open();
    bed_join_on(0, 1, 1);
    helped = false;
    answered = 0;
    ranges = 0;
    memset(input, 0, sizeof input);
}

static void help(void)
{
    helped = true;
    bed_join_on(1, 1, 2);
}

static void run(uint64_t id)
{
    bed_dispatch();
    bed_started(id);
}

/* All that an attempt could tell; the core must not mind. */
static void tell_late(const struct bed_attempt *a)
{
    uint64_t stale = bed_stats().stale;
    struct hayi_event e = {.kind = HAYI_EVENT_STARTED};
    e.u.started.worker = a->worker;
    e.u.started.task = a->task;
    e.u.started.attempt = a->attempt;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    e.kind = HAYI_EVENT_RETURNED;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    e = (struct hayi_event){.kind = HAYI_EVENT_SUSPENDED};
    e.u.suspended.worker = a->worker;
    e.u.suspended.task = a->task;
    e.u.suspended.attempt = a->attempt;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    e.kind = HAYI_EVENT_RESUMED;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    e = (struct hayi_event){.kind = HAYI_EVENT_ENDED};
    e.u.ended.worker = a->worker;
    e.u.ended.task = a->task;
    e.u.ended.attempt = a->attempt;
    e.u.ended.items = a->count;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    CU_ASSERT_EQUAL(bed_stats().stale, stale + 5);
}

/* What the last actions ask of the farm: inputs, fetches. */
static void answer(void)
{
    const char *at = bed.text + answered;
    answered = bed.size;
    while ((at = strchr(at, ' ')) != NULL) {
        uint64_t number = 0;
        if (at - bed.text >= 6 && strncmp(at - 6, "inputs", 6) == 0) {
            number = strtoull(at + 2, NULL, 10);
            const hayi_object list[2] = {input[number], 0};
            bed_inputs(number, list);
            at = bed.text + answered;
            answered = bed.size;
        } else if (at - bed.text >= 5 && strncmp(at - 5, "fetch", 5) == 0) {
            bed_moved((uint32_t)strtoull(at + 1, NULL, 10), HAY_OK);
            at = bed.text + answered;
            answered = bed.size;
        } else {
            at++;
        }
    }
}

static void end_all(void)
{
    for (int i = 0; i < ROUNDS && bed_stats().unfinished > 0; i++) {
        struct hayi_event tick = {.kind = HAYI_EVENT_TICK};
        bed.now_ns += SECOND;
        CU_ASSERT_EQUAL(bed_step(&tick), HAY_OK);
        bed_dispatch();
        answer();
        for (; ranges < bed.range_count; ranges++) {
            bed.last[bed.ranges[ranges].id].task = 0;
            if (bed.ranges[ranges].worker != 0) {
                bed_range_ended(ranges, bed.ranges[ranges].count, 0, 1000);
            }
        }
        for (uint64_t id = 1; id < BED_IDS; id++) {
            if (bed.last[id].task != 0 && bed.last[id].worker != 0) {
                bed_ended(id, HAYI_OUTCOME_FINISHED, 1000);
                bed.last[id].task = 0;
            }
        }
    }
    CU_ASSERT_EQUAL(bed_stats().unfinished, 0);
}

/* It is lost; somebody else is there, at the latest from now on. */
static void lose(void)
{
    struct bed_attempt old[BED_IDS];
    bed_forget();
    answered = 0;
    if (!helped) {
        help();
    }
    memcpy(old, bed.last, sizeof old);
    bed_lost(0);
    size_t size = bed.size;
    for (uint64_t id = 1; id < BED_IDS; id++) {
        if (old[id].task != 0 && old[id].worker == 0) {
            tell_late(&old[id]);
        }
    }
    CU_ASSERT_EQUAL(bed.size, size);
    end_all();
}

static void ended_once(uint64_t id, const char *how)
{
    char words[40];
    (void)snprintf(words, sizeof words, "tell p%u ", (unsigned)id);
    bool once = bed_count(words) == 1;
    (void)snprintf(words, sizeof words, "tell p%u %s", (unsigned)id, how);
    once = once && bed_count(words) == 1;
    if (!once) {
        printf("# %s\n", bed.text);
    }
    CU_ASSERT_TRUE(once);
}

/* ---- before it goes out ------------------------------------------------- */

static void pending(void)
{
    const uint64_t after[2] = {1, 0};
    bed_task(1, NULL);
    bed_task(2, after);
    run(1);
    CU_ASSERT_TRUE(bed_tells(2, "1 of its inputs have not ended"));
    lose();
    ended_once(1, "finished");
    ended_once(2, "finished");
}

static void ready(void)
{
    bed_task(1, NULL);
    lose();
    ended_once(1, "finished");
    CU_ASSERT_EQUAL(bed_count("attempt_ended"), 0);
}

static void ready_for_the_lost_one_alone(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.needs.worker = 1;
    (void)bed_submit(&e);
    lose();
    ended_once(1, "failed HAY_EINFEASIBLE");
}

static void ready_for_the_lost_one_or_any(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.needs.worker = 1;
    e.u.task.needs.or_any = 1;
    (void)bed_submit(&e);
    lose();
    ended_once(1, "finished");
}

static void resting_after_a_failure(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 1;
    e.u.task.pause_ms = 100;
    (void)bed_submit(&e);
    run(1);
    bed_ended(1, HAYI_OUTCOME_FAILED, 1000);
    bed.last[1].task = 0;
    CU_ASSERT_TRUE(bed_tells(1, "it rests before the next"));
    lose();
    ended_once(1, "finished");
}

/* Two workers were lost with it: it waits until a worker is idle. */
static void waiting_for_a_worker_of_its_own(void)
{
    struct hayi_event e = bed_task_event(2);
    e.u.task.needs.worker = 1;
    (void)bed_submit(&e);
    run(2);
    bed_task(1, NULL);
    for (uint32_t w = 2; w < 4; w++) {
        bed_join_on(w, 1, 2);
        bed_dispatch();
        if (bed.last[1].worker == 0) {
            bed_returned(1);
            bed_dispatch();
        }
        CU_ASSERT_EQUAL(bed.last[1].worker, w);
        bed_started(1);
        bed_lost(w);
        bed.last[1].task = 0;
        bed_dispatch();
    }
    CU_ASSERT_TRUE(bed_tells(1, " alone on one"));
    lose();
    ended_once(1, "finished");
    ended_once(2, "failed HAY_EINFEASIBLE");
}

/* ---- with objects ------------------------------------------------------- */

static void use(uint64_t id, hayi_object object)
{
    struct hayi_event e = bed_task_event(id);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    input[id] = object;
    (void)bed_submit(&e);
}

static void inputs(uint64_t id)
{
    const hayi_object list[2] = {input[id], 0};
    bed_inputs(id, list);
}

static void asked_for_its_inputs(void)
{
    use(1, bed_put(0, MIB));
    CU_ASSERT_TRUE(bed_tells(1, "asks which objects are its inputs"));
    help();
    bed_forget();
    bed_lost(0);
    inputs(1);
    end_all();
    ended_once(1, "finished");
}

static void unplaced(void)
{
    hayi_object object = bed_put(0, MIB);
    struct hayi_event e = bed_task_event(1);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    e.u.task.needs.worker = 2;
    input[1] = object;
    (void)bed_submit(&e);
    inputs(1);
    CU_ASSERT_TRUE(bed_tells(1, "no worker that is here can run it"));
    lose();
    ended_once(1, "finished");
}

static void fetching_its_inputs(void)
{
    use(1, bed_put(0, MIB));
    inputs(1);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("to w0"), 1);
    lose();
    ended_once(1, "finished");
    CU_ASSERT_EQUAL(bed_count("to w1"), 1);
}

static void assigned_behind_others(void)
{
    bed_task(1, NULL);
    run(1);
    use(2, bed_put(1, MIB));
    inputs(2);
    lose();
    ended_once(1, "finished");
    ended_once(2, "failed HAY_EFARM"); /* nobody can make its input again */
}

static void waiting_for_an_input_that_is_made_again(void)
{
    hayi_object object = 0;
    bed_join_on(2, 1, 3);
    bed_task(1, NULL);
    run(1);
    uint32_t first = bed.last[1].worker;
    bed_made(1, 1, MIB, &object);
    bed.last[1].task = 0;
    bed_lost(first); /* the only copy */
    use(2, object);
    inputs(2);
    bed_dispatch();
    CU_ASSERT_TRUE(bed_tells(2, "is made again first"));
    if (first == 0) {
        help();
        bed_forget();
        end_all();
    } else {
        CU_ASSERT_EQUAL(bed.last[1].worker, 0); /* is making it */
        lose();
    }
    CU_ASSERT_EQUAL(bed_count("tell p1 "), 0);
    /* The bench makes no objects when it ends all: that is no maker's end. */
    CU_ASSERT_EQUAL(bed_count("tell p2 "), 1);
}

static void ready_where_its_inputs_are(void)
{
    bed_task(8, NULL);
    bed_task(9, NULL);
    run(8); /* 9 waits behind it: there is no room for more */
    use(1, bed_put(0, MIB));
    inputs(1);
    bed_dispatch();
    bed_moved(1, HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[1].attempt, 0);
    CU_ASSERT_TRUE(bed_tells(1, "ready"));
    lose();
    ended_once(1, "finished");
    CU_ASSERT_EQUAL(bed_count("to w1"), 1); /* once more */
}

static void work_ends(uint64_t in_ns)
{
    struct hayi_event e = {.kind = HAYI_EVENT_DEADLINE};
    e.u.deadline.end_ns = bed.now_ns + in_ns;
    e.u.deadline.force_ns = e.u.deadline.end_ns + 2 * SECOND;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
}

static void shelved(void)
{
    struct hayi_event known = {
        .kind = HAYI_EVENT_DURATION,
        .u.duration = {.category = 1, .run_ns = 90 * SECOND}};
    struct hayi_event e = bed_task_event(2);
    CU_ASSERT_EQUAL(bed_step(&known), HAY_OK);
    work_ends(30 * SECOND);
    bed_task(1, NULL);
    run(1);
    e.u.task.category = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_stats().shelved, 1);
    lose();
    ended_once(1, "finished");
    ended_once(2, "cancelled");
    CU_ASSERT_EQUAL(bed_count("hand_out w1 p2 "), 0);
}

/* ---- out ---------------------------------------------------------------- */

static void running_beyond_the_end_of_work(void)
{
    struct hayi_event tick = {.kind = HAYI_EVENT_TICK};
    work_ends(SECOND);
    bed_task(1, NULL);
    run(1);
    bed.now_ns += SECOND;
    CU_ASSERT_EQUAL(bed_step(&tick), HAY_OK);
    CU_ASSERT_TRUE(bed_stats().over);
    lose();
    ended_once(1, "cancelled");
    CU_ASSERT_EQUAL(bed_count("hand_out"), 0);
}

static void held_as_the_first(void)
{
    bed_task(1, NULL);
    bed_dispatch();
    lose();
    ended_once(1, "finished");
    CU_ASSERT_EQUAL(bed_count("attempt_ended p1"), 1); /* it may have begun */
}

static void held_behind_another(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    run(1);
    CU_ASSERT_EQUAL(bed.last[2].attempt, 1);
    lose();
    ended_once(1, "finished");
    ended_once(2, "finished");
    CU_ASSERT_EQUAL(bed_count("attempt_ended p2"), 0);
}

static void held_and_cancelled(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    run(1);
    bed_cancel(2, false);
    CU_ASSERT_EQUAL(bed_count("answer 1002 HAY_EPENDING"), 1);
    lose();
    ended_once(1, "finished");
    ended_once(2, "cancelled");
}

static void held_and_recalled(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    run(1);
    struct hayi_event e = bed_task_event(3);
    e.u.task.priority = 5;
    (void)bed_submit(&e);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("recall w0"), 1);
    lose();
    for (uint64_t id = 1; id <= 3; id++) {
        ended_once(id, "finished");
    }
}

static void held_when_all_is_closed(void)
{
    bed_task(1, NULL);
    bed_task(2, NULL);
    run(1);
    bed_close(true);
    lose();
    ended_once(1, "cancelled");
    ended_once(2, "cancelled");
    CU_ASSERT_EQUAL(bed_count("all_ended"), 1);
}

static void running(void)
{
    bed_task(1, NULL);
    run(1);
    lose();
    ended_once(1, "finished");
    CU_ASSERT_EQUAL(bed_count("attempt_ended p1 attempt 1 w0 farm"), 1);
}

static void running_once_only(void)
{
    struct hayi_event e = bed_task_event(1);
    e.u.task.once = true;
    (void)bed_submit(&e);
    run(1);
    lose();
    ended_once(1, "failed HAY_EFARM");
}

static void running_and_cancelled_by_force(void)
{
    bed_task(1, NULL);
    run(1);
    bed_cancel(1, true);
    lose();
    ended_once(1, "cancelled");
}

/* Task 1 of 'late' ms has a second attempt on worker 1. */
static void with_second_attempt(void)
{
    bed_teardown();
    bed_config.straggler_permille = 2000;
    bed_open();
    bed_join_on(0, 1, 1);
    for (uint64_t id = 2; id <= 11; id++) {
        bed_task(id, NULL);
        run(id);
        bed.now_ns += SECOND / 20;
        bed_ended(id, HAYI_OUTCOME_FINISHED, SECOND / 20);
        bed.last[id].task = 0;
    }
    bed_task(1, NULL);
    run(1);
    help();
    bed.now_ns += SECOND;
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.last[1].worker, 1);
    CU_ASSERT_EQUAL(bed.last[1].attempt, 2);
}

static void running_with_a_second_attempt_elsewhere(void)
{
    with_second_attempt();
    lose();
    ended_once(1, "finished");
    CU_ASSERT_EQUAL(bed_count("hand_out"), 0); /* that one goes on */
}

static void running_as_the_second_attempt(void)
{
    with_second_attempt();
    bed_forget();
    struct bed_attempt second = bed.last[1];
    bed_lost(1);
    tell_late(&second);
    bed.last[1] = (struct bed_attempt){
        .task = second.task, .attempt = 1, .worker = 0, .id = 1};
    bed_ended(1, HAYI_OUTCOME_FINISHED, SECOND);
    bed.last[1].task = 0;
    end_all();
    ended_once(1, "finished");
}

/* ---- tasks in tasks ------------------------------------------------------ */

static void waiting_for_a_child(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_suspended(1, 2);
    CU_ASSERT_EQUAL(bed_stats().suspended, 1);
    lose();
    ended_once(1, "finished");
    ended_once(2, "finished");
}

static void going_on_after_a_wait(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_suspended(1, 2);
    run(2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1000);
    bed.last[2].task = 0;
    bed_resumed(1);
    lose();
    ended_once(1, "finished");
}

static void running_within_its_parent(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_claim(1, 2);
    CU_ASSERT_EQUAL(bed.last[2].attempt, 1);
    bed_started(2);
    lose();
    ended_once(1, "finished");
    ended_once(2, "finished");
}

static void claimed_and_on_its_way_back(void)
{
    help();
    bed_task(1, NULL);
    bed_task(9, NULL);
    bed_dispatch();
    uint64_t here = bed.last[1].worker == 0 ? 1 : 9;
    bed_started(1);
    bed_started(9);
    bed_child(2, 10 - here, NULL);
    bed_dispatch();
    if (bed.last[2].task != 0 && bed.last[2].worker == 0) {
        bed_claim(10 - here, 2);
    }
    lose();
    ended_once(1, "finished");
    ended_once(9, "finished");
    ended_once(2, "finished");
}

static void following_another_task(void)
{
    bed_task(1, NULL);
    run(1);
    bed_child(2, 1, NULL);
    bed_follow(1, 2);
    bed.last[1].task = 0;
    lose();
    ended_once(1, "finished");
    ended_once(2, "finished");
}

/* ---- maps ---------------------------------------------------------------- */

static void map_with_ranges_out(void)
{
    struct hayi_event e = bed_map_event(1, 100);
    (void)bed_submit(&e);
    bed_dispatch();
    CU_ASSERT(bed.range_count >= 1);
    bed_range_started(0);
    lose();
    ended_once(1, "finished");
}

static void map_with_nothing_to_hand_out(void)
{
    struct hayi_event e = bed_map_event(1, 1);
    (void)bed_submit(&e);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.range_count, 1);
    lose();
    ended_once(1, "finished");
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
}

static void map_with_a_range_that_came_back(void)
{
    struct hayi_event e = bed_map_event(1, 10);
    (void)bed_submit(&e);
    bed_dispatch();
    for (size_t i = 0; i < bed.range_count; i++) {
        bed_range_returned(i);
    }
    bed_recall_done(0);
    lose();
    ended_once(1, "finished");
}

static void map_that_is_cancelled(void)
{
    struct hayi_event e = bed_map_event(1, 100);
    (void)bed_submit(&e);
    bed_dispatch();
    bed_range_started(0);
    bed_cancel(1, false);
    lose();
    ended_once(1, "cancelled");
}

/* ---- at an end ----------------------------------------------------------- */

static void ended_while_others_hear_of_it(void)
{
    const uint64_t after[2] = {1, 0};
    bed_task(1, NULL);
    bed_task(2, after);
    run(1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 1000);
    CU_ASSERT_EQUAL(bed_count("tell p1 finished"), 1);
    lose();
    CU_ASSERT_EQUAL(bed_count("tell p1 "), 0);
    ended_once(2, "finished");
}

#define TEST(name)                                                             \
    {                                                                          \
        "lost_while_" #name, name                                              \
    }
static CU_TestInfo tests[] = {
    TEST(pending),
    TEST(ready),
    TEST(ready_for_the_lost_one_alone),
    TEST(ready_for_the_lost_one_or_any),
    TEST(resting_after_a_failure),
    TEST(waiting_for_a_worker_of_its_own),
    TEST(asked_for_its_inputs),
    TEST(unplaced),
    TEST(fetching_its_inputs),
    TEST(assigned_behind_others),
    TEST(waiting_for_an_input_that_is_made_again),
    TEST(ready_where_its_inputs_are),
    TEST(shelved),
    TEST(held_as_the_first),
    TEST(held_behind_another),
    TEST(held_and_cancelled),
    TEST(held_and_recalled),
    TEST(held_when_all_is_closed),
    TEST(running),
    TEST(running_once_only),
    TEST(running_beyond_the_end_of_work),
    TEST(running_and_cancelled_by_force),
    TEST(running_with_a_second_attempt_elsewhere),
    TEST(running_as_the_second_attempt),
    TEST(waiting_for_a_child),
    TEST(going_on_after_a_wait),
    TEST(running_within_its_parent),
    TEST(claimed_and_on_its_way_back),
    TEST(following_another_task),
    TEST(map_with_ranges_out),
    TEST(map_with_nothing_to_hand_out),
    TEST(map_with_a_range_that_came_back),
    TEST(map_that_is_cancelled),
    TEST(ended_while_others_hear_of_it),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/lost_states", NULL, NULL, setup, bed_teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
