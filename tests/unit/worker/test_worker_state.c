/* test_worker_state.c - events in, printed actions compared. */
#include "config.h"

#include "support/unit.h"
#include "worker/worker_state.h"

#include <stdio.h>
#include <string.h>

#define TEXT_SIZE 4000

static struct hayi_wstate *state;
static struct hayi_wactions actions;
static char text[TEXT_SIZE];

static void teardown(void)
{
    hayi_wstate_free(state);
    state = NULL;
    hayi_wactions_fini(&actions);
}

static void open_worker(uint32_t cores, uint64_t memory, uint32_t backlog_max)
{
    struct hayi_wstate_config config = {
        .cores = cores, .memory_bytes = memory, .backlog_max = backlog_max};

    teardown();
    hayi_wactions_init(&actions);
    state = hayi_wstate_new(&config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(state);
}

static void step(const struct hayi_wevent *event)
{
    CU_ASSERT_EQUAL(hayi_wstate_step(state, event, &actions), HAY_OK);
    hayi_wstate_check(state);
}

/* One-core thread attempts unless the test says otherwise. */
static struct hayi_wevent arrival(hayi_handle task)
{
    return (struct hayi_wevent){
        .kind = HAYI_WEVENT_ARRIVED,
        .u.arrived = {
            .task = task, .attempt = 1, .kind = HAYI_WKIND_THREAD, .cores = 1}};
}

static void arrive(hayi_handle first, hayi_handle last)
{
    for (hayi_handle task = first; task <= last; task++) {
        struct hayi_wevent event = arrival(task);
        step(&event);
    }
}

static void arrive_wide(hayi_handle task, uint32_t cores, int32_t priority)
{
    struct hayi_wevent event = arrival(task);
    event.u.arrived.cores = cores;
    event.u.arrived.priority = priority;
    step(&event);
}

static void end(hayi_handle task, uint64_t run_ns)
{
    step(&(struct hayi_wevent){
        .kind = HAYI_WEVENT_ENDED,
        .u.ended = {.task = task, .attempt = 1, .run_ns = run_ns}});
}

static void recall(uint32_t count, int32_t below)
{
    step(&(struct hayi_wevent){.kind = HAYI_WEVENT_RECALL,
                               .u.recall = {count, below}});
}

static void cancel(hayi_handle task, bool force)
{
    step(&(struct hayi_wevent){
        .kind = HAYI_WEVENT_CANCEL,
        .u.cancel = {.task = task, .attempt = 1, .force = force}});
}

static void answer(hayi_handle task, bool in_time)
{
    step(&(struct hayi_wevent){.kind = in_time ? HAYI_WEVENT_REVOKED
                                               : HAYI_WEVENT_REVOKE_LATE,
                               .u.revoked = {.task = task, .attempt = 1}});
}

/* The actions since the last call, after a dispatch, joined by "; ", without
 * the ".0#1" of generation and attempt. */
static const char *got(void)
{
    size_t at = 0;

    CU_ASSERT_EQUAL(hayi_wstate_dispatch(state, &actions), HAY_OK);
    hayi_wstate_check(state);
    text[0] = '\0';
    for (size_t i = 0; i < actions.count; i++) {
        char line[200];
        hayi_waction_print(&actions.list[i], line, sizeof line);
        char *tag = strstr(line, ".0#1");
        if (tag != NULL) {
            memmove(tag, tag + 4, strlen(tag + 4) + 1);
        }
        at += (size_t)snprintf(
            text + at, sizeof text - at, "%s%s", i == 0 ? "" : "; ", line);
    }
    actions.count = 0;
    return text;
}

#define ASSERT_GOT(expected)                                                   \
    do {                                                                       \
        CU_ASSERT_STRING_EQUAL(got(), expected);                               \
        if (strcmp(text, expected) != 0) {                                     \
            printf("# got: %s\n", text);                                       \
        }                                                                      \
    } while (0)

/* The durations of threads are known to be 100 us: five may wait behind one,
 * if backlog_max allows it. */
static void learn_short(void)
{
    arrive(900, 900);
    (void)got();
    end(900, 100000);
    (void)got();
}

static void attempts_start_by_priority_then_arrival(void)
{
    open_worker(2, 0, 0);
    arrive(1, 2);
    arrive_wide(3, 1, 5);
    ASSERT_GOT("start 3 cores 0; start 1 cores 1");
    arrive_wide(4, 1, 1);
    end(3, 1000000);
    ASSERT_GOT("start 4 cores 0");
    end(1, 1000000);
    ASSERT_GOT("start 2 cores 1");
}

static void no_backlog_before_a_duration_is_known_or_when_it_is_long(void)
{
    uint32_t queued = 0;
    uint32_t in_slots = 0;

    open_worker(1, 0, 0);
    arrive(1, 3);
    ASSERT_GOT("start 1 cores 0");
    end(1, 600000);
    ASSERT_GOT("start 2 cores 0");
    hayi_wstate_counts(state, &queued, &in_slots);
    CU_ASSERT_EQUAL(queued, 1);
    CU_ASSERT_EQUAL(in_slots, 1);
}

static void short_attempts_are_given_ahead_and_spread_evenly(void)
{
    open_worker(2, 0, 3);
    learn_short();
    arrive(1, 7);
    ASSERT_GOT("start 1 cores 0; start 2 cores 1; start 3 backlog cores 0; "
               "start 4 backlog cores 1; start 5 backlog cores 0; "
               "start 6 backlog cores 1");
    end(1, 100000);
    ASSERT_GOT("start 7 backlog cores 0");
}

static void a_slot_takes_ahead_only_what_its_kind_is(void)
{
    struct hayi_wevent event = arrival(2);

    open_worker(1, 0, 0);
    learn_short();
    arrive(1, 1);
    event.u.arrived.kind = HAYI_WKIND_COMMAND;
    step(&event);
    ASSERT_GOT("start 1 cores 0");
    end(1, 1000);
    ASSERT_GOT("start 2 cores 0");
}

static void a_wide_head_drains_the_cores(void)
{
    open_worker(3, 0, 0);
    learn_short();
    arrive(1, 3);
    ASSERT_GOT("start 1 cores 0; start 2 cores 1; start 3 cores 2");
    arrive_wide(10, 2, 0);
    arrive(4, 5);
    ASSERT_GOT("");
    end(1, 100000);
    ASSERT_GOT("");
    end(3, 100000);
    ASSERT_GOT("start 10 cores 0,2; start 4 backlog cores 1; "
               "start 5 backlog cores 1");
    end(10, 5000000);
    ASSERT_GOT("revoke 5");
}

static void higher_priority_passes_a_wide_head(void)
{
    open_worker(2, 0, 0);
    arrive(1, 1);
    (void)got();
    arrive_wide(10, 2, 0);
    arrive_wide(11, 1, 1);
    ASSERT_GOT("start 11 cores 1");
}

static void cores_are_near_to_the_gpus(void)
{
    static const uint32_t cores[] = {0, 0, 1, 1, 1};
    uint32_t gpus[64] = {1, 0, UINT32_MAX};
    const struct hayi_wstate_config config = {
        .cores = 5, .core_numa = cores, .gpu_numa = gpus};
    struct hayi_wevent event = arrival(1);
    teardown();
    hayi_wactions_init(&actions);
    state = hayi_wstate_new(&config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(state);
    event.u.arrived.gpu_mask = 1;
    step(&event);
    ASSERT_GOT("start 1 cores 2");
    event = arrival(2);
    event.u.arrived.gpu_mask = 4; /* nobody knows where */
    step(&event);
    ASSERT_GOT("start 2 cores 0");
    arrive_wide(3, 2, 0); /* of one node, though 1 is free */
    ASSERT_GOT("start 3 cores 3,4");
    end(1, 1);
    event = arrival(4);
    event.u.arrived.gpu_mask = 2;
    step(&event);
    ASSERT_GOT("start 4 cores 1");
}

static void memory_is_accounted_backlogs_included(void)
{
    struct hayi_wevent event;

    open_worker(2, 100, 0);
    learn_short();
    for (hayi_handle task = 1; task <= 4; task++) {
        event = arrival(task);
        event.u.arrived.memory_bytes = 30;
        step(&event);
    }
    ASSERT_GOT("start 1 cores 0; start 2 cores 1; start 3 backlog cores 0");
    end(2, 100000);
    ASSERT_GOT("start 4 cores 1");
    event = arrival(5);
    event.u.arrived.memory_bytes = 101;
    CU_ASSERT_EQUAL(hayi_wstate_step(state, &event, &actions), HAY_EINVAL);
}

static void an_idle_core_takes_back_from_the_longest_backlog(void)
{
    open_worker(2, 0, 4);
    learn_short();
    arrive(1, 6);
    (void)got();
    end(1, 100000);
    end(3, 100000);
    end(5, 100000);
    ASSERT_GOT("revoke 6");
    ASSERT_GOT("");
    answer(6, true);
    ASSERT_GOT("start 6 cores 0");
    end(6, 100000);
    ASSERT_GOT("revoke 4");
    answer(4, false);
    ASSERT_GOT("revoke 4");
}

static void a_revoke_that_came_too_late_leaves_it(void)
{
    open_worker(2, 0, 2);
    learn_short();
    arrive(1, 3);
    (void)got();
    end(2, 100000);
    ASSERT_GOT("revoke 3");
    end(1, 100000);
    answer(3, false);
    ASSERT_GOT("");
    end(3, 100000);
    CU_ASSERT_TRUE(hayi_wstate_hungry(state));
    ASSERT_GOT("");
}

static void the_end_of_an_attempt_answers_its_revoke(void)
{
    open_worker(1, 0, 3);
    learn_short();
    arrive(1, 3);
    (void)got();
    recall(1, INT32_MAX);
    ASSERT_GOT("revoke 3");
    end(1, 1000);
    end(2, 1000);
    end(3, 1000);
    ASSERT_GOT("recall-done");
    answer(3, false);
    ASSERT_GOT("");
}

static void recall_takes_the_tail_of_the_queue_first(void)
{
    open_worker(1, 0, 0);
    arrive(1, 3);
    arrive_wide(4, 1, 2);
    arrive_wide(5, 1, -1);
    ASSERT_GOT("start 4 cores 0");
    recall(2, INT32_MAX);
    ASSERT_GOT("returned 5; returned 3; recall-done");
    recall(9, 0);
    ASSERT_GOT("recall-done");
    recall(9, 1);
    ASSERT_GOT("returned 2; returned 1; recall-done");
}

static void recall_then_takes_from_backlogs_and_is_done_once(void)
{
    open_worker(2, 0, 3);
    learn_short();
    arrive(1, 7);
    (void)got();
    recall(4, INT32_MAX);
    ASSERT_GOT("returned 7; revoke 5; revoke 6; revoke 3");
    answer(5, true);
    answer(3, false);
    ASSERT_GOT("returned 5");
    answer(6, true);
    ASSERT_GOT("returned 6; recall-done");
}

static void cancel_of_a_queued_one_is_done_at_once(void)
{
    open_worker(1, 0, 0);
    arrive(1, 2);
    (void)got();
    cancel(2, false);
    ASSERT_GOT("cancelled 2");
    cancel(1, false);
    ASSERT_GOT("stop 1");
    cancel(1, true);
    ASSERT_GOT("stop 1 force");
    cancel(7, true);
    ASSERT_GOT("");
}

static void cancel_in_a_backlog_revokes_first(void)
{
    open_worker(1, 0, 0);
    learn_short();
    arrive(1, 3);
    (void)got();
    cancel(2, true);
    cancel(3, false);
    ASSERT_GOT("revoke 2; revoke 3");
    answer(3, true);
    end(1, 1000);
    answer(2, false);
    ASSERT_GOT("cancelled 3; stop 2 force");
}

static void cancel_of_unstarted_only_lets_a_running_one_run(void)
{
    struct hayi_wevent event = {
        .kind = HAYI_WEVENT_CANCEL,
        .u.cancel = {.task = 1, .attempt = 1, .unstarted_only = true}};

    open_worker(1, 0, 0);
    learn_short();
    arrive(1, 3);
    (void)got();
    step(&event);
    event.u.cancel.task = 2;
    step(&event);
    event.u.cancel.task = 3;
    step(&event);
    ASSERT_GOT("revoke 2; revoke 3");
    end(1, 1000);
    answer(2, false);
    answer(3, true);
    ASSERT_GOT("cancelled 3");
}

static void a_revoke_serves_a_cancel_and_a_recall(void)
{
    open_worker(1, 0, 0);
    learn_short();
    arrive(1, 2);
    (void)got();
    recall(5, INT32_MAX);
    cancel(2, false);
    ASSERT_GOT("revoke 2");
    answer(2, true);
    ASSERT_GOT("cancelled 2; recall-done");
}

static void stop_gives_back_all_that_has_not_begun(void)
{
    open_worker(1, 0, 3);
    learn_short();
    arrive(1, 4);
    (void)got();
    step(&(struct hayi_wevent){.kind = HAYI_WEVENT_STOP});
    ASSERT_GOT("returned 4; revoke 3; revoke 2");
    answer(3, true);
    answer(2, true);
    arrive(5, 5);
    ASSERT_GOT("returned 3; returned 2; returned 5");
    end(1, 1000);
    ASSERT_GOT("");
}

static void hungry_when_a_slot_has_nothing_next(void)
{
    open_worker(2, 0, 0);
    CU_ASSERT_TRUE(hayi_wstate_hungry(state));
    learn_short();
    arrive(1, 3);
    (void)got();
    CU_ASSERT_TRUE(hayi_wstate_hungry(state));
    arrive(4, 4);
    (void)got();
    CU_ASSERT_FALSE(hayi_wstate_hungry(state));
}

static void what_can_never_run_is_refused(void)
{
    struct hayi_wevent event = arrival(1);

    open_worker(2, 0, 0);
    event.u.arrived.cores = 3;
    CU_ASSERT_EQUAL(hayi_wstate_step(state, &event, &actions), HAY_EINVAL);
    event.u.arrived.cores = 0;
    CU_ASSERT_EQUAL(hayi_wstate_step(state, &event, &actions), HAY_EINVAL);
    event.u.arrived.cores = 1;
    event.u.arrived.kind = 9;
    CU_ASSERT_EQUAL(hayi_wstate_step(state, &event, &actions), HAY_EINVAL);
    arrive(1, 1);
    event.u.arrived.kind = HAYI_WKIND_THREAD;
    CU_ASSERT_EQUAL(hayi_wstate_step(state, &event, &actions), HAY_EINVAL);
    ASSERT_GOT("start 1 cores 0");
}

/* ---- waiting ---- */

static void arrive_deep(hayi_handle task, uint16_t depth, int32_t priority)
{
    struct hayi_wevent event = arrival(task);
    event.u.arrived.depth = depth;
    event.u.arrived.priority = priority;
    step(&event);
}

static void news(enum hayi_wevent_kind kind, hayi_handle task)
{
    step(&(struct hayi_wevent){.kind = kind,
                               .u.suspended = {.task = task, .attempt = 1}});
}

static void deeper_ones_go_first_within_a_priority(void)
{
    open_worker(1, 0, 0);
    arrive_deep(1, 0, 0);
    arrive_deep(2, 3, 0);
    arrive_deep(3, 0, 1);
    arrive_deep(4, 3, 0);
    ASSERT_GOT("start 3 cores 0");
    end(3, 10000000);
    ASSERT_GOT("start 2 cores 0");
    end(2, 10000000);
    ASSERT_GOT("start 4 cores 0");
    end(4, 10000000);
    ASSERT_GOT("start 1 cores 0");
}

static void who_waits_gives_its_core_and_goes_on_before_what_has_not_begun(void)
{
    open_worker(1, 0, 1);
    arrive(1, 3);
    ASSERT_GOT("start 1 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 1);
    ASSERT_GOT("start 2 cores 0");
    news(HAYI_WEVENT_WAKE, 1);
    ASSERT_GOT("resume 1 backlog cores 0");
    end(2, 10000000);
    ASSERT_GOT("");
    news(HAYI_WEVENT_RESUMED, 1);
    end(1, 10000000);
    ASSERT_GOT("start 3 cores 0");
}

static void a_free_core_is_given_at_once(void)
{
    open_worker(1, 0, 0);
    arrive(1, 1);
    ASSERT_GOT("start 1 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 1);
    ASSERT_GOT("");
    arrive(2, 2);
    news(HAYI_WEVENT_WAKE, 1);
    ASSERT_GOT("resume 1 cores 0");
    news(HAYI_WEVENT_RESUMED, 1);
    end(1, 10000000);
    ASSERT_GOT("start 2 cores 0");
}

static void one_that_waits_for_its_turn_goes_where_a_core_is_free(void)
{
    open_worker(2, 0, 1);
    arrive(1, 1);
    ASSERT_GOT("start 1 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 1);
    arrive(2, 4);
    ASSERT_GOT("start 2 cores 0; start 3 cores 1");
    news(HAYI_WEVENT_WAKE, 1);
    ASSERT_GOT("resume 1 backlog cores 0");
    end(3, 10000000);
    ASSERT_GOT("revoke 1");
    answer(1, true);
    ASSERT_GOT("resume 1 cores 1");
    news(HAYI_WEVENT_RESUMED, 1);
    end(2, 10000000);
    ASSERT_GOT("start 4 cores 0");
}

static void a_turn_that_was_taken_is_not_taken_back(void)
{
    open_worker(2, 0, 1);
    arrive(1, 1);
    ASSERT_GOT("start 1 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 1);
    arrive(2, 4);
    ASSERT_GOT("start 2 cores 0; start 3 cores 1");
    news(HAYI_WEVENT_WAKE, 1);
    ASSERT_GOT("resume 1 backlog cores 0");
    end(3, 10000000);
    ASSERT_GOT("revoke 1");
    answer(1, false);
    ASSERT_GOT("start 4 cores 1");
}

static void one_turn_a_slot_and_the_deepest_first(void)
{
    open_worker(1, 0, 1);
    arrive_deep(1, 1, 0);
    arrive_deep(2, 2, 0);
    ASSERT_GOT("start 2 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 2);
    ASSERT_GOT("start 1 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 1);
    arrive(3, 3);
    ASSERT_GOT("start 3 cores 0");
    news(HAYI_WEVENT_WAKE, 1);
    news(HAYI_WEVENT_WAKE, 2);
    ASSERT_GOT("resume 2 backlog cores 0");
    end(3, 10000000);
    ASSERT_GOT("");
    news(HAYI_WEVENT_RESUMED, 2);
    ASSERT_GOT("resume 1 backlog cores 0");
}

static void a_wide_one_waits_for_all_its_cores(void)
{
    open_worker(2, 0, 0);
    arrive_wide(1, 2, 0);
    ASSERT_GOT("start 1 cores 0,1");
    news(HAYI_WEVENT_SUSPENDED, 1);
    arrive(2, 4);
    ASSERT_GOT("start 2 cores 0; start 3 cores 1");
    news(HAYI_WEVENT_WAKE, 1);
    end(2, 10000000);
    ASSERT_GOT("");
    end(3, 10000000);
    ASSERT_GOT("resume 1 cores 0,1");
    news(HAYI_WEVENT_RESUMED, 1);
    end(1, 10000000);
    ASSERT_GOT("start 4 cores 0");
}

static void who_ends_while_it_waits_gives_its_memory(void)
{
    open_worker(1, 100, 0);
    struct hayi_wevent event = arrival(1);
    event.u.arrived.memory_bytes = 80;
    step(&event);
    ASSERT_GOT("start 1 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 1);
    event.u.arrived.task = 2;
    step(&event);
    ASSERT_GOT("");
    end(1, 10000000);
    ASSERT_GOT("start 2 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 2);
    arrive(3, 3);
    ASSERT_GOT("start 3 cores 0");
    end(2, 10000000);
    ASSERT_GOT("");
}

static void who_waits_keeps_its_memory(void)
{
    open_worker(2, 100, 0);
    struct hayi_wevent event = arrival(1);
    event.u.arrived.memory_bytes = 80;
    step(&event);
    ASSERT_GOT("start 1 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 1);
    event.u.arrived.task = 2;
    step(&event);
    ASSERT_GOT("");
    news(HAYI_WEVENT_WAKE, 1);
    ASSERT_GOT("resume 1 cores 0");
    news(HAYI_WEVENT_RESUMED, 1);
    end(1, 1000);
    ASSERT_GOT("start 2 cores 0");
}

static void who_waits_is_told_of_its_cancel_and_never_recalled(void)
{
    open_worker(1, 0, 1);
    arrive(1, 2);
    ASSERT_GOT("start 1 cores 0");
    news(HAYI_WEVENT_SUSPENDED, 1);
    ASSERT_GOT("start 2 cores 0");
    cancel(1, false);
    ASSERT_GOT("stop 1");
    news(HAYI_WEVENT_WAKE, 1);
    ASSERT_GOT("resume 1 backlog cores 0");
    cancel(1, false);
    recall(10, INT32_MAX);
    ASSERT_GOT("stop 1; recall-done");
    step(&(struct hayi_wevent){.kind = HAYI_WEVENT_STOP});
    ASSERT_GOT("revoke 2"); /* it may not have begun: 1 goes on before it */
    answer(2, false);
    ASSERT_GOT("");
}

static void a_wait_answers_the_revoke_of_a_cancel(void)
{
    open_worker(1, 0, 2);
    learn_short();
    arrive(1, 2);
    ASSERT_GOT("start 1 cores 0; start 2 backlog cores 0");
    cancel(2, false);
    ASSERT_GOT("revoke 2");
    end(1, 1000);
    news(HAYI_WEVENT_SUSPENDED, 2);
    ASSERT_GOT("stop 2");
    answer(2, false);
    ASSERT_GOT("");
}

static CU_TestInfo tests[] = {
    {"cores_are_near_to_the_gpus", cores_are_near_to_the_gpus},
    {"attempts_start_by_priority_then_arrival",
     attempts_start_by_priority_then_arrival},
    {"no_backlog_before_a_duration_is_known_or_when_it_is_long",
     no_backlog_before_a_duration_is_known_or_when_it_is_long},
    {"short_attempts_are_given_ahead_and_spread_evenly",
     short_attempts_are_given_ahead_and_spread_evenly},
    {"a_slot_takes_ahead_only_what_its_kind_is",
     a_slot_takes_ahead_only_what_its_kind_is},
    {"a_wide_head_drains_the_cores", a_wide_head_drains_the_cores},
    {"higher_priority_passes_a_wide_head", higher_priority_passes_a_wide_head},
    {"memory_is_accounted_backlogs_included",
     memory_is_accounted_backlogs_included},
    {"an_idle_core_takes_back_from_the_longest_backlog",
     an_idle_core_takes_back_from_the_longest_backlog},
    {"a_revoke_that_came_too_late_leaves_it",
     a_revoke_that_came_too_late_leaves_it},
    {"the_end_of_an_attempt_answers_its_revoke",
     the_end_of_an_attempt_answers_its_revoke},
    {"recall_takes_the_tail_of_the_queue_first",
     recall_takes_the_tail_of_the_queue_first},
    {"recall_then_takes_from_backlogs_and_is_done_once",
     recall_then_takes_from_backlogs_and_is_done_once},
    {"cancel_of_a_queued_one_is_done_at_once",
     cancel_of_a_queued_one_is_done_at_once},
    {"cancel_in_a_backlog_revokes_first", cancel_in_a_backlog_revokes_first},
    {"cancel_of_unstarted_only_lets_a_running_one_run",
     cancel_of_unstarted_only_lets_a_running_one_run},
    {"a_revoke_serves_a_cancel_and_a_recall",
     a_revoke_serves_a_cancel_and_a_recall},
    {"stop_gives_back_all_that_has_not_begun",
     stop_gives_back_all_that_has_not_begun},
    {"hungry_when_a_slot_has_nothing_next",
     hungry_when_a_slot_has_nothing_next},
    {"what_can_never_run_is_refused", what_can_never_run_is_refused},
    {"deeper_ones_go_first_within_a_priority",
     deeper_ones_go_first_within_a_priority},
    {"who_waits_gives_its_core_and_goes_on_before_what_has_not_begun",
     who_waits_gives_its_core_and_goes_on_before_what_has_not_begun},
    {"a_free_core_is_given_at_once", a_free_core_is_given_at_once},
    {"one_that_waits_for_its_turn_goes_where_a_core_is_free",
     one_that_waits_for_its_turn_goes_where_a_core_is_free},
    {"a_turn_that_was_taken_is_not_taken_back",
     a_turn_that_was_taken_is_not_taken_back},
    {"one_turn_a_slot_and_the_deepest_first",
     one_turn_a_slot_and_the_deepest_first},
    {"a_wide_one_waits_for_all_its_cores", a_wide_one_waits_for_all_its_cores},
    {"who_ends_while_it_waits_gives_its_memory",
     who_ends_while_it_waits_gives_its_memory},
    {"who_waits_keeps_its_memory", who_waits_keeps_its_memory},
    {"who_waits_is_told_of_its_cancel_and_never_recalled",
     who_waits_is_told_of_its_cancel_and_never_recalled},
    {"a_wait_answers_the_revoke_of_a_cancel",
     a_wait_answers_the_revoke_of_a_cancel},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/worker_state", NULL, NULL, NULL, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
