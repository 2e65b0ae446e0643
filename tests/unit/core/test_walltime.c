/* test_walltime.c - what starts before the end of work, and what ends. */
#include "config.h"

#include "bed.h"
#include "core/alloc.h"
#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

#define S UINT64_C(1000000000)

static void setup(void)
{
    bed_setup();
    bed_open();
}

static void deadline(uint64_t end_ns, uint64_t force_ns)
{
    struct hayi_event e = {
        .kind = HAYI_EVENT_DEADLINE,
        .u.deadline = {.end_ns = end_ns, .force_ns = force_ns}};
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
}

static void known(uint32_t category, uint64_t run_ns)
{
    struct hayi_event e = {
        .kind = HAYI_EVENT_DURATION,
        .u.duration = {.category = category, .run_ns = run_ns}};
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
}

static void submit(uint64_t id, uint32_t category)
{
    struct hayi_event e = bed_task_event(id);
    e.u.task.category = category;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

static void tick(uint64_t now_ns)
{
    struct hayi_event e = {.kind = HAYI_EVENT_TICK};
    bed.now_ns = now_ns;
    CU_ASSERT_EQUAL(bed_step(&e), HAY_OK);
    bed_dispatch();
}

/* One core; tasks of category 1 take 10 s, of 2 take 3 s. */
static void one_core(uint64_t end_ns)
{
    bed_join(0, 1);
    known(1, 10 * S);
    known(2, 3 * S);
    deadline(end_ns, end_ns + 5 * S);
    bed_forget();
}

static void what_does_not_fit_is_held_back_and_others_start(void)
{
    one_core(9 * S);
    submit(1, 1);
    submit(2, 2);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 "), 0);
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p2 "), 1);
    CU_ASSERT_EQUAL(bed_stats().shelved, 1);
    bed_forget();
    BED_STORY(1,
              "what is left of the walltime is less than it is expected to "
              "take");
}

static void what_just_fits_starts(void)
{
    one_core(10 * S);
    submit(1, 1);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 "), 1);
}

static void what_is_not_known_starts(void)
{
    one_core(1 * S);
    submit(1, 7);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 "), 1);
}

static void who_saves_its_state_starts(void)
{
    one_core(9 * S);
    struct hayi_event e = bed_task_event(1);
    e.u.task.category = 1;
    e.u.task.saves = true;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 "), 1);
}

static void submit_late(uint64_t id)
{
    struct hayi_event e = bed_task_event(id);
    e.u.task.category = 1;
    e.u.task.late = true;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

static void what_puts_things_in_order_starts_after_the_end(void)
{
    one_core(9 * S);
    submit_late(1); /* it would not fit, either */
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 "), 1);
    bed_started(1);
    submit_late(2); /* waits for the core when work ends */
    tick(9 * S);
    submit_late(3);
    submit(4, 2);
    CU_ASSERT_EQUAL(bed_count("tell p4 cancelled"), 1);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 10 * S);
    bed_dispatch();
    bed_started(2);
    bed_ended(2, HAYI_OUTCOME_FINISHED, 1 * S);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p2 "), 1);
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p3 "), 1);
    bed_started(3);
    tick(14 * S); /* what runs is ended then, whatever it is */
    CU_ASSERT_EQUAL(bed_count("cancel w0 row 3 attempt 1 force"), 1);
}

static void the_longest_goes_first_near_the_end(void)
{
    one_core(20 * S);
    submit(1, 2);
    submit(2, 2);
    submit(3, 1);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p3 "), 1);
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1); /* none waits behind it */
}

static void far_from_the_end_the_first_one_goes_first(void)
{
    one_core(1000 * S);
    submit(1, 2);
    submit(2, 1);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 "), 1);
}

static void what_waits_is_put_in_order_when_the_end_comes_near(void)
{
    one_core(1000 * S);
    submit(1, 1);
    bed_dispatch();
    bed_started(1);
    for (uint64_t id = 2; id <= 6; id++) {
        submit(id, id % 2 == 0 ? 2 : 1);
    }
    bed.now_ns = 975 * S;
    bed_dispatch();
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FINISHED, 10 * S);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p3 "), 1);
}

static void a_higher_priority_goes_before_the_longest(void)
{
    one_core(20 * S);
    submit(1, 1);
    struct hayi_event e = bed_task_event(2);
    e.u.task.category = 2;
    e.u.task.priority = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p2 "), 1);
    CU_ASSERT_EQUAL(bed_count("hand_out"), 1);
}

static void more_time_frees_what_was_held_back(void)
{
    one_core(9 * S);
    submit(1, 1);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_stats().shelved, 1);
    deadline(30 * S, 40 * S);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p1 "), 1);
    CU_ASSERT_EQUAL(bed_stats().shelved, 0);
}

static void at_the_end_what_has_not_begun_is_cancelled(void)
{
    uint64_t after[] = {1, 0};
    bed_join(0, 1);
    deadline(10 * S, 15 * S);
    submit(1, 0);
    submit(2, 0);
    bed_task(3, after);
    bed_dispatch();
    bed_started(1);
    bed_forget();
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), 10 * S);
    tick(10 * S);
    CU_ASSERT_EQUAL(bed_count("tell p3 cancelled HAY_ECANCELLED"), 1);
    CU_ASSERT_EQUAL(bed_count("walltime"), 2 - bed_count("unstarted_only"));
    CU_ASSERT(bed_stats().over);
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), 15 * S);
    bed_forget();
    submit(4, 0); /* too late as well */
    BED_EXPECT("tell p4 cancelled HAY_ECANCELLED culprit 0 attempt 0 w0 report "
               "0 walltime");
}

static void what_runs_on_is_ended_by_force(void)
{
    bed_join(0, 1);
    deadline(10 * S, 15 * S);
    submit(1, 0);
    bed_dispatch();
    bed_started(1);
    tick(10 * S);
    bed_forget();
    tick(15 * S);
    BED_EXPECT("cancel w0 row 1 attempt 1 force");
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), UINT64_MAX);
    bed_ended(1, HAYI_OUTCOME_CANCELLED, 15 * S);
    BED_EXPECT("tell p1 cancelled HAY_ECANCELLED culprit 0 attempt 1 w0 report "
               "101 walltime");
}

static void who_fails_because_it_was_told_to_end_has_not_failed(void)
{
    bed_join(0, 1);
    deadline(10 * S, 15 * S);
    submit(1, 0);
    bed_dispatch();
    bed_started(1);
    tick(15 * S);
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 15 * S);
    CU_ASSERT_EQUAL(bed_count("walltime"), 1);
}

static void who_ends_in_time_after_all_is_finished(void)
{
    bed_join(0, 1);
    deadline(10 * S, 15 * S);
    submit(1, 0);
    bed_dispatch();
    bed_started(1);
    tick(12 * S);
    bed_ended(1, HAYI_OUTCOME_FINISHED, 12 * S);
    CU_ASSERT_EQUAL(bed_count("tell p1 finished"), 1);
    CU_ASSERT_EQUAL(bed_count("walltime"), 0);
}

static void what_the_client_cancelled_is_not_the_walltimes(void)
{
    bed_join(0, 1);
    deadline(10 * S, 15 * S);
    submit(1, 0);
    bed_dispatch();
    bed_started(1);
    bed_cancel(1, true);
    tick(15 * S);
    bed_ended(1, HAYI_OUTCOME_CANCELLED, 15 * S);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_count("walltime"), 0);
}

static void what_fails_near_the_end_with_tries_left_is_not_done(void)
{
    bed_join(0, 1);
    deadline(10 * S, 15 * S);
    struct hayi_event e = bed_task_event(1);
    e.u.task.retries = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    bed_started(1);
    tick(11 * S);
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 11 * S);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_count("walltime"), 1);
}

/* It was warned, and says that there is more to do. */
static void what_is_unfinished_holds_up_what_comes_after_it(void)
{
    bed_join(0, 1);
    deadline(100 * S, 115 * S);
    submit(1, 0);
    struct hayi_dep dep = {.task = bed.task[1], .any = true};
    struct hayi_event e = bed_task_event(2);
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    bed_started(1);
    bed_forget();
    struct hayi_event end = {
        .kind = HAYI_EVENT_ENDED,
        .u.ended = {.task = bed.last[1].task,
                    .attempt = 1,
                    .outcome = HAYI_OUTCOME_CANCELLED,
                    .cause = HAY_CAUSE_WALLTIME,
                    .run_ns = S},
    };
    CU_ASSERT_EQUAL(bed_step(&end), HAY_OK);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_count("tell p2 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_count("walltime"), 2);
}

static void nobody_waits_for_the_end_in_vain(void)
{
    one_core(9 * S);
    submit(1, 1);
    bed_dispatch();
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), S);
    bed_forget();
    tick(S);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_count("walltime"), 1);
}

static void nobody_waits_at_all_when_no_more_comes(void)
{
    one_core(9 * S);
    submit(1, 1);
    bed_close(false);
    bed_dispatch();
    CU_ASSERT_EQUAL(hayi_sched_deadline_ns(bed.sched), bed.now_ns);
    tick(bed.now_ns);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_count("all_ended"), 1);
}

static void a_map_stops_where_its_items_do_not_fit(void)
{
    bed_join(0, 1);
    deadline(10 * S, 15 * S);
    struct hayi_event e = bed_map_event(1, 100);
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_dispatch();
    CU_ASSERT_EQUAL_FATAL(bed.range_count, 1);
    bed_range_started(0);
    bed.now_ns = 6 * S;
    bed_range_ended(0, 1, 0, 6 * S);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed.range_count, 1);
    CU_ASSERT_EQUAL(bed_stats().shelved, 1);
    bed_forget();
    tick(10 * S);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_count("walltime"), 1);
}

/* Its parent holds a core, and waits for it. */
static void a_child_is_not_held_back(void)
{
    one_core(9 * S);
    submit(1, 2);
    bed_dispatch();
    bed_started(1);
    bed_forget();
    struct hayi_event e = bed_task_event(2);
    e.u.task.category = 1;
    e.u.task.parent = bed.last[1].task;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_suspended(1, 2);
    bed_dispatch();
    CU_ASSERT_EQUAL(bed_count("hand_out w0 p2 "), 1);
}

static void who_fails_for_its_child_is_the_walltimes(void)
{
    bed_join(0, 1);
    deadline(10 * S, 15 * S);
    submit(1, 0);
    bed_dispatch();
    bed_started(1);
    uint64_t after[] = {1, 0};
    bed_child(2, 1, after);
    tick(10 * S);
    CU_ASSERT_EQUAL(bed_count("tell p2 cancelled"), 1);
    bed_forget();
    bed_ended(1, HAYI_OUTCOME_FAILED, 10 * S);
    CU_ASSERT_EQUAL(bed_count("tell p1 cancelled"), 1);
    CU_ASSERT_EQUAL(bed_count("walltime"), 1);
}

/* Memory that is short at any allocation loses nothing. */
static void short_memory_leaves_the_rest_for_later(void)
{
    bed_join(0, 1);
    known(1, 10 * S);
    for (uint64_t id = 1; id <= 20; id++) {
        submit(id, 1);
    }
    deadline(10 * S, 15 * S);
    bed_forget();
    struct hayi_actions actions;
    hayi_actions_init(&actions);
    struct hayi_event e = {.kind = HAYI_EVENT_TICK};
    bed.now_ns = 10 * S;
    for (uint64_t n = 1; n < 50; n++) {
        hayi_alloc_fail_at(n);
        (void)hayi_sched_step(bed.sched, bed.now_ns, &e, &actions);
        hayi_alloc_fail_at(0);
        hayi_sched_check(bed.sched);
    }
    CU_ASSERT_EQUAL(hayi_sched_step(bed.sched, bed.now_ns, &e, &actions),
                    HAY_OK);
    size_t told = 0;
    for (size_t i = 0; i < actions.count; i++) {
        told += actions.list[i].kind == HAYI_ACTION_TELL ? 1 : 0;
    }
    CU_ASSERT_EQUAL(told, 20);
    hayi_actions_fini(&actions);
}

/* ---- a farm in virtual time ---------------------------------------------- */

enum { WORKERS = 4, CORES = 8, TASKS = 500, KINDS = 6 };

/* Seconds, +- a tenth. */
static const uint64_t usual_s[KINDS] = {2, 5, 9, 20, 33, 60};

struct attempt {
    hayi_handle task;
    uint64_t id, begin_ns, end_ns;
    uint32_t number, worker;
    bool runs, over;
};

struct farm {
    struct hayi_sched *sched;
    uint64_t now_ns, work_ns; /* that finished attempts took */
    uint64_t dice;
    uint32_t finished, left, killed;
    struct attempt attempts[TASKS * 2];
    size_t count;
    uint64_t length_ns[TASKS + 1];
    uint32_t free_cores[WORKERS];
};

static uint64_t roll(struct farm *f)
{
    f->dice = f->dice * UINT64_C(6364136223846793005) + 1442695040888963407;
    return f->dice >> 33;
}

static void begin_attempts(struct farm *f);

static void perform(struct farm *f, struct hayi_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        const struct hayi_action *a = &actions->list[i];
        if (a->kind == HAYI_ACTION_HAND_OUT) {
            CU_ASSERT_FATAL(f->count
                            < sizeof(f->attempts) / sizeof(*f->attempts));
            f->attempts[f->count++] = (struct attempt){
                .task = a->u.hand_out.task,
                .id = a->u.hand_out.payload,
                .number = a->u.hand_out.attempt,
                .worker = a->u.hand_out.worker,
            };
        } else if (a->kind == HAYI_ACTION_CANCEL) {
            f->killed += a->u.cancel.force ? 1 : 0;
            CU_ASSERT(!a->u.cancel.unstarted_only);
        } else if (a->kind == HAYI_ACTION_TELL) {
            f->finished += a->u.tell.state == HAY_FINISHED ? 1 : 0;
            f->left += a->u.tell.cause == HAY_CAUSE_WALLTIME ? 1 : 0;
        }
    }
    hayi_actions_fini(actions);
    hayi_sched_check(f->sched);
}

static void give(struct farm *f, struct hayi_event *event)
{
    struct hayi_actions actions;
    hayi_actions_init(&actions);
    CU_ASSERT_EQUAL_FATAL(hayi_sched_step(f->sched, f->now_ns, event, &actions),
                          HAY_OK);
    perform(f, &actions);
    hayi_actions_init(&actions);
    CU_ASSERT_EQUAL_FATAL(hayi_sched_dispatch(f->sched, f->now_ns, &actions),
                          HAY_OK);
    perform(f, &actions);
    begin_attempts(f);
}

static void begin_attempts(struct farm *f)
{
    for (size_t i = 0; i < f->count; i++) {
        struct attempt *a = &f->attempts[i];
        if (a->runs || a->over || f->free_cores[a->worker] == 0) {
            continue;
        }
        f->free_cores[a->worker]--;
        a->runs = true;
        a->begin_ns = f->now_ns;
        a->end_ns = f->now_ns + f->length_ns[a->id];
        struct hayi_event e = {
            .kind = HAYI_EVENT_STARTED,
            .u.started = {.worker = a->worker,
                          .task = a->task,
                          .attempt = a->number},
        };
        struct hayi_actions actions;
        hayi_actions_init(&actions);
        CU_ASSERT_EQUAL_FATAL(
            hayi_sched_step(f->sched, f->now_ns, &e, &actions), HAY_OK);
        perform(f, &actions);
    }
}

/* The attempt that ends next; NULL. */
static struct attempt *next_end(struct farm *f)
{
    struct attempt *found = NULL;
    for (size_t i = 0; i < f->count; i++) {
        struct attempt *a = &f->attempts[i];
        if (a->runs && !a->over
            && (found == NULL || a->end_ns < found->end_ns)) {
            found = a;
        }
    }
    return found;
}

static void end_attempt(struct farm *f, struct attempt *a)
{
    struct hayi_event e = {
        .kind = HAYI_EVENT_ENDED,
        .u.ended = {.worker = a->worker,
                    .task = a->task,
                    .attempt = a->number,
                    .run_ns = a->end_ns - a->begin_ns},
    };
    a->over = true;
    f->free_cores[a->worker]++;
    f->work_ns += a->end_ns - a->begin_ns;
    give(f, &e);
}

static void open_farm(struct farm *f, uint64_t seed, uint64_t end_ns)
{
    const struct hayi_sched_config config = {
        .worker_max = WORKERS, .workers_expected = WORKERS, .seed = seed};
    *f = (struct farm){.sched = hayi_sched_new(&config), .dice = seed};
    CU_ASSERT_PTR_NOT_NULL_FATAL(f->sched);
    for (uint32_t w = 0; w < WORKERS; w++) {
        struct hayi_event e = {.kind = HAYI_EVENT_JOINED,
                               .u.joined = {.worker = w, .cores = CORES}};
        f->free_cores[w] = CORES;
        give(f, &e);
    }
    struct hayi_event e = {
        .kind = HAYI_EVENT_DEADLINE,
        .u.deadline = {.end_ns = end_ns, .force_ns = end_ns + 30 * S}};
    give(f, &e);
}

/* 500 tasks of kinds in turn, in an order that does not help. */
static void fill_farm(struct farm *f)
{
    for (uint64_t id = 1; id <= TASKS; id++) {
        uint64_t kind = roll(f) % KINDS;
        uint64_t ns = usual_s[kind] * S;
        f->length_ns[id] = ns * (900 + roll(f) % 201) / 1000;
        struct hayi_event e = bed_task_event(id);
        e.u.task.category = (uint32_t)kind;
        give(f, &e);
    }
}

static void learn_kinds(struct farm *f)
{
    for (int i = 0; i < 30 * KINDS; i++) {
        uint64_t ns = usual_s[i % KINDS] * S * (900 + roll(f) % 201) / 1000;
        struct hayi_event e = {
            .kind = HAYI_EVENT_DURATION,
            .u.duration = {.category = (uint32_t)i % KINDS, .run_ns = ns}};
        give(f, &e);
    }
}

/* Until nothing runs and all have been told of. */
static void run_farm(struct farm *f)
{
    while (f->finished + f->left < TASKS) {
        struct attempt *a = next_end(f);
        uint64_t tick_ns = hayi_sched_deadline_ns(f->sched);
        if (a != NULL && a->end_ns <= tick_ns) {
            f->now_ns = a->end_ns;
            end_attempt(f, a);
            continue;
        }
        CU_ASSERT_FATAL(tick_ns != UINT64_MAX);
        struct hayi_event e = {.kind = HAYI_EVENT_TICK};
        f->now_ns = tick_ns > f->now_ns ? tick_ns : f->now_ns;
        give(f, &e);
    }
}

static void no_known_task_is_killed_and_the_time_is_used(void)
{
    /* All of it would take 5 min and more of all cores. */
    static const uint64_t ends_s[] = {70, 100, 150, 200, 280};
    for (uint64_t seed = 1; seed <= 20; seed++) {
        static struct farm f;
        uint64_t end_ns = ends_s[seed % 5] * S;
        open_farm(&f, seed, end_ns);
        learn_kinds(&f);
        fill_farm(&f);
        run_farm(&f);
        double used = (double)f.work_ns / ((double)end_ns * WORKERS * CORES);
        if (f.killed > 0 || used < 0.9) {
            printf("# seed %d: %u killed, %.3f used, %u finished\n",
                   (int)seed,
                   f.killed,
                   used,
                   f.finished);
        }
        CU_ASSERT_EQUAL(f.killed, 0);
        CU_ASSERT(used >= 0.9);
        CU_ASSERT(f.left > 0);
        hayi_sched_free(f.sched);
    }
}

/* The kinds are learned on the way. */
static void what_is_learned_on_the_way_is_enough(void)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        static struct farm f;
        open_farm(&f, seed, 280 * S);
        fill_farm(&f);
        run_farm(&f);
        double used = (double)f.work_ns / (280e9 * WORKERS * CORES);
        CU_ASSERT_EQUAL(f.killed, 0);
        CU_ASSERT(used >= 0.9);
        hayi_sched_free(f.sched);
    }
}

static CU_TestInfo tests[] = {
    {"what_does_not_fit_is_held_back_and_others_start",
     what_does_not_fit_is_held_back_and_others_start},
    {"what_just_fits_starts", what_just_fits_starts},
    {"what_is_not_known_starts", what_is_not_known_starts},
    {"who_saves_its_state_starts", who_saves_its_state_starts},
    {"what_puts_things_in_order_starts_after_the_end",
     what_puts_things_in_order_starts_after_the_end},
    {"the_longest_goes_first_near_the_end",
     the_longest_goes_first_near_the_end},
    {"far_from_the_end_the_first_one_goes_first",
     far_from_the_end_the_first_one_goes_first},
    {"what_waits_is_put_in_order_when_the_end_comes_near",
     what_waits_is_put_in_order_when_the_end_comes_near},
    {"a_higher_priority_goes_before_the_longest",
     a_higher_priority_goes_before_the_longest},
    {"more_time_frees_what_was_held_back", more_time_frees_what_was_held_back},
    {"at_the_end_what_has_not_begun_is_cancelled",
     at_the_end_what_has_not_begun_is_cancelled},
    {"what_runs_on_is_ended_by_force", what_runs_on_is_ended_by_force},
    {"who_fails_because_it_was_told_to_end_has_not_failed",
     who_fails_because_it_was_told_to_end_has_not_failed},
    {"who_ends_in_time_after_all_is_finished",
     who_ends_in_time_after_all_is_finished},
    {"what_the_client_cancelled_is_not_the_walltimes",
     what_the_client_cancelled_is_not_the_walltimes},
    {"what_fails_near_the_end_with_tries_left_is_not_done",
     what_fails_near_the_end_with_tries_left_is_not_done},
    {"what_is_unfinished_holds_up_what_comes_after_it",
     what_is_unfinished_holds_up_what_comes_after_it},
    {"nobody_waits_for_the_end_in_vain", nobody_waits_for_the_end_in_vain},
    {"nobody_waits_at_all_when_no_more_comes",
     nobody_waits_at_all_when_no_more_comes},
    {"a_map_stops_where_its_items_do_not_fit",
     a_map_stops_where_its_items_do_not_fit},
    {"a_child_is_not_held_back", a_child_is_not_held_back},
    {"who_fails_for_its_child_is_the_walltimes",
     who_fails_for_its_child_is_the_walltimes},
    {"short_memory_leaves_the_rest_for_later",
     short_memory_leaves_the_rest_for_later},
    {"no_known_task_is_killed_and_the_time_is_used",
     no_known_task_is_killed_and_the_time_is_used},
    {"what_is_learned_on_the_way_is_enough",
     what_is_learned_on_the_way_is_enough},
    CU_TEST_INFO_NULL,
};

static void teardown(void)
{
    hayi_alloc_fail_at(0);
    bed_teardown();
}

static const CU_SuiteInfo suites[] = {
    {"core/walltime", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
