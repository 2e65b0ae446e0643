/* test_random_nested.c - tasks in tasks against random workers, by seed.
 *
 * The workers here do what real ones may do: start what fits their cores, wait
 * without them, claim, go on, end, die.  After each event all must hold
 * (hayi_sched_check), and in the end each task was told once: nothing waits for
 * ever.
 */
#include "config.h"

#include "core/sched.h"
#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#define WORKERS 4
#define TASKS   120
#define STEPS   600
#define MEMORY  100u
#define ROUNDS  4000 /* of the end, each of a second */

/* A broken rule ends the run, so that its seed can be told. */
#define MUST(what)                                                             \
    do {                                                                       \
        if (!(what)) {                                                         \
            printf("# seed %u: line %d: %s\n", m.seed, __LINE__, #what);       \
            m.broken = true;                                                   \
            return;                                                            \
        }                                                                      \
    } while (0)

struct task {
    hayi_handle handle;
    struct hayi_needs needs;
    uint32_t parent; /* 1 + index; 0: the client */
    uint32_t parent_attempt;
    uint32_t depth;
    uint32_t retries;
    bool told;
    uint8_t state;
    hay_task_id culprit;
    /* its attempt */
    bool out;
    uint32_t worker;
    uint32_t attempt;
    bool runs;
    bool suspended;
    bool claims;
    bool several;
    uint32_t target; /* 1 + index of what it waits for; 0: none, or several */
    uint32_t host;   /* 1 + index */
    uint32_t guest;
    bool stop; /* it was told to end */
};

static struct model {
    unsigned seed;
    uint64_t dice;
    uint64_t now_ns;
    struct hayi_sched *sched;
    struct hayi_actions actions;
    struct task tasks[TASKS + 1]; /* from 1 */
    uint32_t count;
    uint32_t told;
    uint32_t alive[WORKERS]; /* cores; 0: dead */
    uint32_t recall[WORKERS];
    bool draining;
    bool broken;
    uint64_t deadlocks;
    uint64_t inlines;
    uint64_t denied;
    uint64_t followed;
} m;

static uint32_t dice(uint32_t sides)
{
    m.dice = m.dice * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m.dice >> 33) % sides;
}

static void take_actions(void);

static void step(struct hayi_event *event)
{
    hay_status st = hayi_sched_step(m.sched, m.now_ns, event, &m.actions);
    MUST(st == HAY_OK);
    hayi_sched_check(m.sched);
}

/* ---- what happens to attempts -------------------------------------------- */

static void forget_attempt(struct task *t)
{
    if (t->guest != 0) {
        m.tasks[t->guest].host = 0;
    }
    if (t->host != 0) {
        m.tasks[t->host].guest = 0;
    }
    t->out = t->runs = t->suspended = t->claims = t->several = t->stop = false;
    t->target = t->host = t->guest = 0;
}

static void end(struct task *t, enum hayi_outcome outcome, uint32_t follow)
{
    struct hayi_dep dep = {.task = 0};
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    e.u.ended.worker = t->worker;
    e.u.ended.task = t->handle;
    e.u.ended.attempt = t->attempt;
    e.u.ended.outcome = (uint8_t)outcome;
    e.u.ended.run_ns = t->runs ? 1000 : 0;
    if (follow != 0) {
        const struct task *f = &m.tasks[follow];
        dep.task = f->told ? 0 : f->handle;
        dep.ended = f->state;
        dep.culprit = f->culprit;
        e.u.ended.follow = &dep;
    }
    forget_attempt(t);
    step(&e);
}

static void give_back(struct task *t)
{
    struct hayi_event e = {.kind = HAYI_EVENT_RETURNED};
    e.u.returned.worker = t->worker;
    e.u.returned.task = t->handle;
    e.u.returned.attempt = t->attempt;
    forget_attempt(t);
    step(&e);
}

/* News of kind STARTED, RESUMED: they begin alike. */
static void news(const struct task *t, enum hayi_event_kind kind)
{
    struct hayi_event e = {.kind = kind};
    e.u.started.worker = t->worker;
    e.u.started.task = t->handle;
    e.u.started.attempt = t->attempt;
    if (kind == HAYI_EVENT_RESUMED) {
        e.u.resumed.worker = t->worker;
        e.u.resumed.task = t->handle;
        e.u.resumed.attempt = t->attempt;
    }
    step(&e);
}

static uint32_t cores_free(uint32_t worker)
{
    uint32_t used = 0;
    for (uint32_t i = 1; i <= m.count; i++) {
        const struct task *t = &m.tasks[i];
        uint32_t top = i;
        while (m.tasks[top].guest != 0) {
            top = m.tasks[top].guest;
        }
        if (t->out && t->runs && t->worker == worker && t->host == 0
            && !m.tasks[top].suspended) {
            used += t->needs.cores;
        }
    }
    return m.alive[worker] > used ? m.alive[worker] - used : 0;
}

/* ---- what the scheduler says --------------------------------------------- */

static void handed_out(const struct hayi_action *a)
{
    uint32_t index = (uint32_t)a->u.hand_out.payload;
    struct task *t = &m.tasks[index];
    MUST(!t->told && !t->out);
    MUST(m.alive[a->u.hand_out.worker] != 0);
    t->out = true;
    t->worker = a->u.hand_out.worker;
    t->attempt = a->u.hand_out.attempt;
    t->handle = a->u.hand_out.task;
    uint64_t bytes = 0;
    for (uint32_t i = 1; i <= m.count; i++) {
        if (m.tasks[i].out && m.tasks[i].worker == t->worker) {
            bytes += m.tasks[i].needs.memory_bytes;
        }
    }
    MUST(bytes <= MEMORY);
    if (a->u.hand_out.inline_of == 0) {
        return;
    }
    /* Of an ancestor: who ends leaves its children to its parent. */
    uint32_t at = t->parent;
    while (at != 0 && m.tasks[at].handle != a->u.hand_out.inline_of) {
        at = m.tasks[at].parent;
    }
    struct task *host = &m.tasks[at];
    MUST(at != 0);
    MUST(host->out && host->runs && host->worker == t->worker && host->claims);
    host->claims = false;
    m.inlines++;
    host->guest = index;
    t->host = at;
}

static void cancel_came(const struct hayi_action *a)
{
    for (uint32_t i = 1; i <= m.count; i++) {
        struct task *t = &m.tasks[i];
        if (!t->out || t->handle != a->u.cancel.task
            || t->attempt != a->u.cancel.attempt
            || t->worker != a->u.cancel.worker) {
            continue;
        }
        if (!t->runs) {
            end(t, HAYI_OUTCOME_CANCELLED, 0);
        } else if (!a->u.cancel.unstarted_only
                   && (a->u.cancel.force || dice(2) == 0)) {
            t->stop = true;
        }
        return;
    }
}

static void told(const struct hayi_action *a)
{
    struct task *t = &m.tasks[a->u.tell.payload];
    MUST(!t->told);
    MUST(!t->out);
    t->told = true;
    t->state = a->u.tell.state;
    t->culprit = a->u.tell.culprit != 0 ? a->u.tell.culprit : a->u.tell.payload;
    m.told++;
    m.deadlocks += a->u.tell.cause == HAY_CAUSE_DEADLOCK ? 1 : 0;
    m.followed += a->u.tell.followed ? 1 : 0;
}

static void claim_denied(const struct hayi_action *a)
{
    struct task *t = &m.tasks[a->u.claim_denied.cookie];
    MUST(t->out && t->claims && t->attempt == a->u.claim_denied.attempt);
    t->claims = false;
    m.denied++;
}

/* Actions may lead to events, and these to actions. */
static void take_actions(void)
{
    for (size_t i = 0; i < m.actions.count && !m.broken; i++) {
        const struct hayi_action a = m.actions.list[i];
        switch (a.kind) {
        case HAYI_ACTION_HAND_OUT:
            handed_out(&a);
            break;
        case HAYI_ACTION_CANCEL:
            cancel_came(&a);
            break;
        case HAYI_ACTION_TELL:
            told(&a);
            break;
        case HAYI_ACTION_RECALL:
            m.recall[a.u.recall.worker] += a.u.recall.count;
            break;
        case HAYI_ACTION_CLAIM_DENIED:
            claim_denied(&a);
            break;
        default:
            break;
        }
    }
    m.actions.count = 0;
}

/* ---- what workers do ----------------------------------------------------- */

static void submit(uint32_t parent)
{
    if (m.count == TASKS || m.draining) {
        return;
    }
    uint32_t index = ++m.count;
    struct task *t = &m.tasks[index];
    struct hayi_event e = {.kind = HAYI_EVENT_TASK};
    struct hayi_dep dep = {.task = 0};
    *t = (struct task){.parent = parent, .needs = {.cores = 1}};
    if (dice(8) == 0) {
        t->needs.cores = 1 + dice(2);
    }
    if (dice(3) == 0) {
        t->needs.memory_bytes = dice(MEMORY) + 1;
    }
    e.u.task.id = index;
    e.u.task.payload = index;
    e.u.task.needs = t->needs;
    e.u.task.retries = dice(3);
    e.u.task.priority = (int32_t)dice(2);
    e.u.task.once = dice(10) == 0;
    if (parent != 0) {
        const struct task *p = &m.tasks[parent];
        t->parent_attempt = p->attempt;
        t->depth = p->depth + 1;
        e.u.task.parent = p->handle;
        for (uint32_t i = m.count - 1; i > 0 && dice(2) == 0; i--) {
            const struct task *s = &m.tasks[i];
            if (s->parent == parent && s->parent_attempt == p->attempt) {
                dep.task = s->told ? 0 : s->handle;
                dep.ended = s->state;
                dep.culprit = s->culprit;
                e.u.task.deps = &dep;
                e.u.task.dep_count = 1;
                break;
            }
        }
    }
    step(&e);
    t->handle = e.u.task.task;
    take_actions();
}

/* A child of its present attempt that has not ended; 0: none. */
static uint32_t a_child(uint32_t index)
{
    const struct task *t = &m.tasks[index];
    uint32_t first = 1 + dice(m.count);
    for (uint32_t k = 0; k < m.count; k++) {
        uint32_t i = 1 + (first + k) % m.count;
        const struct task *c = &m.tasks[i];
        if (c->parent == index && c->parent_attempt == t->attempt && !c->told) {
            return i;
        }
    }
    return 0;
}

static void suspend(uint32_t index, uint32_t target, bool several)
{
    struct task *t = &m.tasks[index];
    struct hayi_event e = {.kind = HAYI_EVENT_SUSPENDED};
    t->suspended = true;
    t->several = several;
    t->target = several ? 0 : target;
    e.u.suspended.worker = t->worker;
    e.u.suspended.task = t->handle;
    e.u.suspended.attempt = t->attempt;
    e.u.suspended.waits_for = several ? 0 : m.tasks[target].handle;
    e.u.suspended.several = several;
    step(&e);
    take_actions();
}

static void claim(uint32_t index, uint32_t target)
{
    struct task *t = &m.tasks[index];
    struct hayi_event e = {.kind = HAYI_EVENT_CLAIM};
    t->claims = true;
    e.u.claim.worker = t->worker;
    e.u.claim.task = t->handle;
    e.u.claim.attempt = t->attempt;
    e.u.claim.child = dice(3) == 0 ? 0 : m.tasks[target].handle;
    e.u.claim.cookie = index;
    step(&e);
    take_actions();
}

/* The attempt waits, ends, or submits. */
static void work(uint32_t index)
{
    struct task *t = &m.tasks[index];
    uint32_t child = a_child(index);
    if (t->stop) {
        end(t, HAYI_OUTCOME_CANCELLED, 0);
        take_actions();
        return;
    }
    if (!m.draining && t->depth < 5 && dice(2) == 0) {
        submit(index);
        return;
    }
    if (child != 0 && dice(4) != 0) {
        if (dice(3) == 0) {
            claim(index, child);
        } else {
            suspend(index, child, dice(3) == 0);
        }
        return;
    }
    if (child != 0 && dice(2) == 0) {
        end(t, HAYI_OUTCOME_FINISHED, child);
    } else {
        uint32_t side = dice(10);
        end(t,
            side == 0   ? HAYI_OUTCOME_FARM
            : side == 1 ? HAYI_OUTCOME_FAILED
                        : HAYI_OUTCOME_FINISHED,
            0);
    }
    take_actions();
}

static bool may_go_on(uint32_t index)
{
    const struct task *t = &m.tasks[index];
    if (t->stop) {
        return true;
    }
    return t->several ? a_child(index) == 0 || dice(10) == 0
                      : m.tasks[t->target].told;
}

/* Something that the attempt can do now; false: nothing. */
static bool move(uint32_t index)
{
    struct task *t = &m.tasks[index];
    if (!t->out || t->guest != 0) {
        return false;
    }
    if (!t->runs) {
        if (t->host == 0 && cores_free(t->worker) < t->needs.cores) {
            return false;
        }
        if (t->host != 0 && dice(5) == 0) {
            give_back(t);
        } else {
            t->runs = true;
            if (dice(3) != 0) {
                news(t, HAYI_EVENT_STARTED);
            }
        }
        take_actions();
        return true;
    }
    if (t->suspended) {
        uint32_t base = index;
        while (m.tasks[base].host != 0) {
            base = m.tasks[base].host;
        }
        if (!may_go_on(index)
            || cores_free(t->worker) < m.tasks[base].needs.cores) {
            return false;
        }
        t->suspended = false;
        t->target = 0;
        news(t, HAYI_EVENT_RESUMED);
        take_actions();
        return true;
    }
    if (t->claims) {
        return false; /* there will be an answer */
    }
    work(index);
    return true;
}

static void answer_recalls(void)
{
    for (uint32_t w = 0; w < WORKERS; w++) {
        if (m.recall[w] == 0 || m.alive[w] == 0) {
            continue;
        }
        for (uint32_t i = m.count; i > 0 && m.recall[w] > 0; i--) {
            struct task *t = &m.tasks[i];
            if (t->out && !t->runs && t->worker == w && t->host == 0
                && dice(4) != 0) {
                m.recall[w]--;
                give_back(t);
            }
        }
        m.recall[w] = 0;
        struct hayi_event e = {.kind = HAYI_EVENT_RECALL_DONE};
        e.u.recall_done.worker = w;
        step(&e);
        take_actions();
    }
}

static void dispatch(uint64_t after_ns)
{
    m.now_ns += after_ns;
    struct hayi_event e = {.kind = HAYI_EVENT_TICK};
    step(&e);
    take_actions();
    hay_status st = hayi_sched_dispatch(m.sched, m.now_ns, &m.actions);
    MUST(st == HAY_OK);
    take_actions();
    hayi_sched_check(m.sched);
}

static void lose(uint32_t worker)
{
    uint32_t left = 0;
    for (uint32_t w = 0; w < WORKERS; w++) {
        left += m.alive[w] != 0 ? 1 : 0;
    }
    if (left < 2 || m.alive[worker] == 0) {
        return;
    }
    m.alive[worker] = 0;
    m.recall[worker] = 0;
    for (uint32_t i = 1; i <= m.count; i++) {
        if (m.tasks[i].out && m.tasks[i].worker == worker) {
            forget_attempt(&m.tasks[i]);
        }
    }
    struct hayi_event e = {.kind = HAYI_EVENT_LOST};
    e.u.lost.worker = worker;
    step(&e);
    take_actions();
}

static void cancel(uint32_t index)
{
    struct hayi_event e = {.kind = HAYI_EVENT_CANCEL};
    e.u.cancel.task = m.tasks[index].handle;
    e.u.cancel.force = dice(2) == 0;
    e.u.cancel.nested = dice(2) == 0;
    if (m.tasks[index].told) {
        return;
    }
    step(&e);
    take_actions();
}

/* Children of attempts that are no more. */
static void tell_unwanted(void)
{
    for (uint32_t i = m.count; i > 0; i--) {
        const struct task *t = &m.tasks[i];
        if (t->parent != 0 && !t->told
            && t->parent_attempt != m.tasks[t->parent].attempt
            && dice(2) == 0) {
            struct hayi_event e = {.kind = HAYI_EVENT_UNWANTED};
            e.u.unwanted.task = t->handle;
            step(&e);
            take_actions();
        }
    }
}

static void tell_stuck(void)
{
    char text[300];
    for (uint32_t i = 1; i <= m.count; i++) {
        if (!m.tasks[i].told) {
            hayi_sched_story(
                m.sched, m.tasks[i].handle, m.now_ns, text, sizeof(text));
            printf("# seed %u: task %u of %u: %s\n",
                   m.seed,
                   i,
                   m.tasks[i].parent,
                   text);
        }
    }
}

/* Work ends sooner or later than it was told before. */
static void set_end(void)
{
    struct hayi_event e = {.kind = HAYI_EVENT_DEADLINE};
    e.u.deadline.end_ns = m.now_ns + dice(3000) * 1000u;
    e.u.deadline.force_ns = e.u.deadline.end_ns + dice(300) * 1000u;
    step(&e);
    take_actions();
}

static void run(unsigned seed)
{
    struct hayi_sched_config config = {
        .worker_max = WORKERS, .seed = seed, .workers_expected = WORKERS};
    uint64_t sums[4] = {m.deadlocks, m.inlines, m.denied, m.followed};
    m = (struct model){.seed = seed, .dice = seed};
    m.deadlocks = sums[0];
    m.inlines = sums[1];
    m.denied = sums[2];
    m.followed = sums[3];
    m.sched = hayi_sched_new(&config);
    hayi_actions_init(&m.actions);
    for (uint32_t w = 0; w < WORKERS && !m.broken; w++) {
        struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
        m.alive[w] = 1 + dice(2);
        e.u.joined.worker = w;
        e.u.joined.cores = m.alive[w];
        e.u.joined.memory_bytes = MEMORY;
        step(&e);
    }
    uint32_t client_permille = 20 + dice(100);
    for (uint32_t i = 0; i < STEPS && !m.broken; i++) {
        if (dice(1000) < client_permille) {
            submit(0);
        }
        if (m.count > 0) {
            (void)move(1 + dice(m.count));
        }
        if (m.count > 0 && dice(100) == 0) {
            cancel(1 + dice(m.count));
        }
        if (dice(300) == 0) {
            lose(dice(WORKERS));
        }
        if (dice(50) == 0) {
            tell_unwanted();
        }
        if (seed % 3 == 0 && dice(1000) == 0) {
            set_end();
        }
        answer_recalls();
        dispatch(dice(20) == 0 ? 10000000 : 1000);
    }
    m.draining = true;
    for (uint32_t i = 0; i < ROUNDS && m.told < m.count && !m.broken; i++) {
        for (uint32_t k = 1; k <= m.count && !m.broken; k++) {
            (void)move(k);
        }
        answer_recalls();
        dispatch(1000000000);
    }
    if (!m.broken && m.told < m.count) {
        tell_stuck();
        m.broken = true;
    }
    hayi_actions_fini(&m.actions);
    hayi_sched_free(m.sched);
}

static void all_tasks_of_random_farms_end_once(void)
{
    bool broken = false;
    for (unsigned seed = 1; seed <= 300 && !broken; seed++) {
        run(seed);
        broken = m.broken;
    }
    CU_ASSERT_FALSE(broken);
    /* All of it was seen. */
    CU_ASSERT_TRUE(m.deadlocks > 0);
    CU_ASSERT_TRUE(m.inlines > 0);
    CU_ASSERT_TRUE(m.denied > 0);
    CU_ASSERT_TRUE(m.followed > 0);
    printf("# %u deadlocks, %u inline, %u denied, %u followed\n",
           (unsigned)m.deadlocks,
           (unsigned)m.inlines,
           (unsigned)m.denied,
           (unsigned)m.followed);
}

static CU_TestInfo tests[] = {
    {"all_tasks_of_random_farms_end_once", all_tasks_of_random_farms_end_once},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/random_nested", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
