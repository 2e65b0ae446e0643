/* test_random_requests.c - random farms whose tasks ask for resources.
 *
 * Workers with gpus and amounts, pools, requests of a few variants, losses,
 * cancels, returns; memory that is short now and then.  After each step
 * hayi_sched_check() books everything once more and compares.  In the end each
 * task was told once, and the farm has all its resources back.
 */
#include "config.h"

#include "core/alloc.h"
#include "core/state.h"
#include "support/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORKERS   5u
#define TASKS     120u
#define REQUESTS  8u
#define RESOURCES 4u
#define POOLS     2u /* the first ones */
#define ONE       HAYI_AMOUNT_ONE

struct attempt {
    hayi_handle task;
    uint32_t id;
    uint32_t attempt;
    bool started;
    bool cancelled;
};

struct worker {
    struct attempt held[TASKS];
    uint32_t count;
    bool joined;
    bool lost;
};

static struct {
    struct hayi_sched *sched;
    struct hayi_actions actions;
    struct worker worker[WORKERS];
    hayi_handle task[TASKS + 1];
    bool told[TASKS + 1];
    uint32_t request[REQUESTS];
    uint32_t count;
    uint32_t told_count;
    uint64_t now_ns;
    uint64_t random;
    uint64_t seed;
    bool short_memory;
    bool broken;
} m;

static uint32_t dice(uint32_t sides)
{
    m.random = m.random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m.random >> 33) % sides;
}

#define MUST(what)                                                             \
    do {                                                                       \
        if (!(what) && !m.broken) {                                            \
            m.broken = true;                                                   \
            printf(                                                            \
                "# seed %" PRIu64 ", line %d: %s\n", m.seed, __LINE__, #what); \
            CU_FAIL(#what);                                                    \
        }                                                                      \
    } while (0)

/* ---- what the core does ---- */

static void forget(struct worker *worker, uint32_t i)
{
    worker->held[i] = worker->held[--worker->count];
}

static void see_cancel(const struct hayi_action *a)
{
    struct worker *worker = &m.worker[a->u.cancel.worker];
    for (uint32_t i = 0; i < worker->count; i++) {
        struct attempt *held = &worker->held[i];
        if (held->task == a->u.cancel.task
            && held->attempt == a->u.cancel.attempt
            && !(a->u.cancel.unstarted_only && held->started)) {
            held->cancelled = true;
        }
    }
}

static void see(void)
{
    for (size_t i = 0; i < m.actions.count; i++) {
        const struct hayi_action *a = &m.actions.list[i];
        if (a->kind == HAYI_ACTION_HAND_OUT) {
            struct worker *worker = &m.worker[a->u.hand_out.worker];
            MUST(worker->joined && !worker->lost && worker->count < TASKS);
            MUST(!m.told[a->u.hand_out.payload]);
            worker->held[worker->count++] = (struct attempt){
                .task = a->u.hand_out.task,
                .id = (uint32_t)a->u.hand_out.payload,
                .attempt = a->u.hand_out.attempt,
            };
        } else if (a->kind == HAYI_ACTION_TELL) {
            MUST(!m.told[a->u.tell.payload]);
            m.told[a->u.tell.payload] = true;
            m.told_count++;
        } else if (a->kind == HAYI_ACTION_CANCEL) {
            see_cancel(a);
        } else if (a->kind == HAYI_ACTION_WORKER_LOST) {
            m.worker[a->u.worker_lost.worker].lost = true;
            m.worker[a->u.worker_lost.worker].count = 0;
        }
    }
    m.actions.count = 0;
}

static void memory_may_fail(void)
{
    hayi_alloc_fail_at(m.short_memory && dice(2) == 0 ? 1 + dice(5) : 0);
}

static hay_status step(struct hayi_event *e)
{
    hay_status status = HAY_ENOMEM;
    m.now_ns += dice(4) == 0 ? 1000000 * dice(20) : dice(1000);
    while (status == HAY_ENOMEM) {
        memory_may_fail();
        status = hayi_sched_step(m.sched, m.now_ns, e, &m.actions);
        hayi_sched_check(m.sched);
        see();
    }
    hayi_alloc_fail_at(0);
    return status;
}

static void dispatch(void)
{
    hay_status status = HAY_ENOMEM;
    while (status == HAY_ENOMEM) {
        memory_may_fail();
        status = hayi_sched_dispatch(m.sched, m.now_ns, &m.actions);
        hayi_sched_check(m.sched);
        see();
    }
    hayi_alloc_fail_at(0);
}

/* ---- what happens ---- */

static void make_requests(void)
{
    for (uint32_t i = 0; i < REQUESTS; i++) {
        struct hayi_variant v[3];
        struct hayi_event e = {.kind = HAYI_EVENT_REQUEST};
        e.u.request.variants = v;
        e.u.request.count = 1 + dice(3);
        for (size_t k = 0; k < e.u.request.count; k++) {
            v[k] = (struct hayi_variant){.cores = 1 + dice(3)};
            v[k].cores = dice(10) == 0 ? HAYI_CORES_ALL : v[k].cores;
            v[k].gpu_units = dice(3) == 0 ? (1 + dice(3)) * ONE : 0;
            v[k].gpu_units = dice(3) == 0 ? dice(ONE) : v[k].gpu_units;
            v[k].memory_bytes = dice(2) * dice(100);
            for (uint32_t r = 0; r < RESOURCES; r++) {
                if (dice(3) == 0) {
                    v[k].amounts[v[k].amount_count].resource = r;
                    v[k].amounts[v[k].amount_count++].units = 1 + dice(3 * ONE);
                }
            }
        }
        MUST(step(&e) == HAY_OK);
        m.request[i] = e.u.request.request;
    }
}

static void set_pool(uint32_t resource)
{
    struct hayi_event e = {.kind = HAYI_EVENT_POOL};
    e.u.pool.resource = resource;
    e.u.pool.units = (1 + dice(5)) * ONE;
    MUST(step(&e) == HAY_OK);
}

static void join(uint32_t w)
{
    struct hayi_amount amounts[RESOURCES];
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    e.u.joined.worker = w;
    e.u.joined.cores = 1 + dice(4);
    e.u.joined.gpus = dice(4);
    e.u.joined.memory_bytes = dice(2) * 150;
    e.u.joined.amounts = amounts;
    for (uint32_t r = POOLS; r < RESOURCES; r++) {
        amounts[e.u.joined.amount_count].resource = r;
        amounts[e.u.joined.amount_count++].units = dice(4 * ONE);
    }
    m.worker[w].joined = true;
    MUST(step(&e) == HAY_OK);
}

static void submit(void)
{
    if (m.count == TASKS) {
        return;
    }
    uint32_t id = ++m.count;
    struct hayi_event e = {.kind = HAYI_EVENT_TASK};
    e.u.task.id = id;
    e.u.task.payload = id;
    e.u.task.needs.cores = 1;
    e.u.task.retries = dice(3);
    e.u.task.priority = dice(4) == 0 ? (int32_t)dice(3) : 0;
    e.u.task.category = dice(2);
    if (dice(3) > 0) {
        e.u.task.needs.request =
            m.request[dice(REQUESTS)] & (HAYI_REQUEST_MAX - 1);
    } else if (dice(3) == 0) {
        e.u.task.needs.gpus = 1;
    }
    e.u.task.needs.worker = dice(10) == 0 ? 1 + dice(WORKERS) : 0;
    MUST(step(&e) == HAY_OK);
    m.task[id] = e.u.task.task;
}

static void end(uint32_t w, uint32_t i)
{
    struct attempt held = m.worker[w].held[i];
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    e.u.ended.worker = w;
    e.u.ended.task = held.task;
    e.u.ended.attempt = held.attempt;
    e.u.ended.run_ns = 1000 * dice(5000);
    e.u.ended.outcome = HAYI_OUTCOME_FINISHED;
    if (held.cancelled) {
        e.u.ended.outcome = HAYI_OUTCOME_CANCELLED;
    } else if (dice(6) == 0) {
        e.u.ended.outcome = HAYI_OUTCOME_FAILED;
    }
    forget(&m.worker[w], i);
    MUST(step(&e) == HAY_OK);
}

static void work(uint32_t w)
{
    struct worker *worker = &m.worker[w];
    if (worker->count == 0) {
        return;
    }
    uint32_t i = dice(worker->count);
    struct attempt *held = &worker->held[i];
    struct hayi_event e = {.kind = HAYI_EVENT_STARTED};
    e.u.started.worker = w;
    e.u.started.task = held->task;
    e.u.started.attempt = held->attempt;
    if (held->started || held->cancelled || dice(3) == 0) {
        end(w, i);
    } else if (dice(5) == 0) {
        e.kind = HAYI_EVENT_RETURNED;
        forget(worker, i);
        MUST(step(&e) == HAY_OK);
    } else {
        held->started = true;
        MUST(step(&e) == HAY_OK);
    }
}

static void lose(uint32_t w)
{
    struct hayi_event e = {.kind = HAYI_EVENT_LOST};
    e.u.lost.worker = w;
    m.worker[w].lost = true;
    m.worker[w].joined = true;
    MUST(step(&e) == HAY_OK);
}

static void cancel(uint32_t id)
{
    struct hayi_event e = {.kind = HAYI_EVENT_CANCEL};
    e.u.cancel.task = m.task[id];
    e.u.cancel.force = dice(2) == 0;
    MUST(step(&e) == HAY_OK);
}

static void something_happens(void)
{
    uint32_t d = dice(100);
    uint32_t w = dice(WORKERS);
    if (d < 25) {
        submit();
    } else if (d < 45) {
        dispatch();
    } else if (d < 92) {
        work(w);
    } else if (d < 94 && !m.worker[w].joined) {
        join(w);
    } else if (d < 95 && dice(10) == 0 && !m.worker[w].lost) {
        lose(w);
    } else if (d < 97 && m.count > 0) {
        cancel(1 + dice(m.count));
    } else if (d < 98) {
        set_pool(dice(POOLS));
    }
}

/* All comes to its end, and everything is given back. */
static void run_out(void)
{
    struct hayi_event tick = {.kind = HAYI_EVENT_TICK};
    struct hayi_event close = {.kind = HAYI_EVENT_CLOSE};
    MUST(step(&close) == HAY_OK);
    for (int round = 0; round < 5000 && m.told_count < m.count; round++) {
        m.now_ns += 1000000;
        MUST(step(&tick) == HAY_OK);
        dispatch();
        for (uint32_t w = 0; w < WORKERS; w++) {
            work(w);
        }
    }
    MUST(m.told_count == m.count);
    for (uint32_t id = 1; id <= m.count && m.broken; id++) {
        char text[500];
        if (!m.told[id]) {
            hayi_sched_story(m.sched, m.task[id], m.now_ns, text, sizeof(text));
            printf("# task %" PRIu32 ": %s\n", id, text);
        }
    }
    MUST(m.sched->leases.live == 0);
    for (uint32_t r = 0; r < POOLS; r++) {
        MUST(m.sched->pools.farm_list[r].held == 0);
    }
    dispatch();
    MUST(m.sched->reserve.count == 0);
}

static void run(uint64_t seed, bool short_memory)
{
    memset(&m, 0, sizeof(m));
    m.seed = seed;
    m.random = seed * 2 + 1;
    m.short_memory = short_memory;
    struct hayi_sched_config config = {
        .worker_max = WORKERS,
        .workers_expected = 1 + dice(WORKERS),
        .seed = seed,
        .ahead_max = dice(2) == 0 ? 2 : 0,
        .reserve_ns = 1 + dice(20) * 1000000,
        .infeasible_ns = 20000000,
    };
    m.sched = hayi_sched_new(&config);
    MUST(m.sched != NULL);
    hayi_actions_init(&m.actions);
    make_requests();
    for (uint32_t r = 0; r < POOLS; r++) {
        set_pool(r);
    }
    for (uint32_t w = 0; w < config.workers_expected; w++) {
        join(w);
    }
    uint32_t length = 100 + dice(900);
    for (uint32_t i = 0; i < length && !m.broken; i++) {
        something_happens();
    }
    run_out();
    hayi_actions_fini(&m.actions);
    hayi_sched_free(m.sched);
}

static uint64_t seeds(void)
{
    const char *text = getenv("HAY_TEST_SEEDS");
    uint64_t count = text != NULL ? strtoull(text, NULL, 10) : 0;
    return count > 0 ? count : 150;
}

static void each_task_ends_once_and_gives_all_back(void)
{
    for (uint64_t seed = 1; seed <= seeds() && !m.broken; seed++) {
        run(seed, false);
    }
}

static void short_memory_changes_nothing_in_that(void)
{
    m.broken = false;
    for (uint64_t seed = 1; seed <= seeds() / 2 && !m.broken; seed++) {
        run(seed, true);
    }
}

static CU_TestInfo tests[] = {
    {"each_task_ends_once_and_gives_all_back",
     each_task_ends_once_and_gives_all_back},
    {"short_memory_changes_nothing_in_that",
     short_memory_changes_nothing_in_that},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/random_requests", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
