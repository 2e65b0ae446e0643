/* test_random_data.c - random farms of nodes, objects and their losses.
 *
 * A seed makes a farm of nodes with stores; tasks whose inputs are results of
 * others or objects of the client, and which make objects; fetches that end,
 * fail or find no room; stores that drop copies; workers that are lost; futures
 * that are released at any time.  The model knows what lies in which store and
 * checks that each task is told once, that nothing is fetched from or dropped
 * at a place that is not there, that a task is forgotten once and never run
 * after that, and that nothing is left in the end.
 * Every step may first be tried with a failing allocation.
 */
#include "config.h"

#include "model_data.h"

#include "core/alloc.h"

#include <stdlib.h>
#include <string.h>

/* ---- the client -------------------------------------------------------- */

/* A future has one reason less to live. */
static void unref(uint32_t id)
{
    struct task *t = &m.task[id];
    MUST(t->refs > 0);
    t->refs--;
    if (t->refs > 0 || !t->has) {
        return;
    }
    t->has = false;
    for (uint32_t i = 0; i < t->made_count; i++) {
        struct hayi_event e = {.kind = HAYI_EVENT_RELEASE};
        e.u.release.object = t->made[i];
        MUST(model_step(&e) == HAY_OK);
    }
}

/* Dependents that have ended leave their inputs. */
static void unref_told(void)
{
    for (uint32_t id = 1; id <= m.count; id++) {
        struct task *t = &m.task[id];
        while (t->told && !t->put && t->dep_count > 0) {
            unref(t->dep[--t->dep_count]);
        }
    }
}

static void put(void)
{
    if (m.count == TASKS || m.closed) {
        return;
    }
    struct hayi_event e = {.kind = HAYI_EVENT_PUT};
    e.u.put.node = model_dice(NODES);
    e.u.put.made.bytes = 1u << model_dice(28);
    e.u.put.made.place = m.place_count + 1;
    hay_status status = model_step(&e);
    MUST(status == HAY_OK || status == HAY_EINVAL);
    if (status == HAY_OK) {
        uint32_t id = ++m.count;
        MUST(model_new_place(e.u.put.node, e.u.put.made.object)
             == e.u.put.made.place);
        m.task[id] = (struct task){
            .put = true,
            .refs = 1,
            .client = true,
            .told = true,
            .has = true,
            .state = HAY_FINISHED,
            .made = {e.u.put.made.object},
            .made_count = 1,
        };
    }
}

static void submit(void)
{
    if (m.count == TASKS || m.closed) {
        return;
    }
    uint32_t id = ++m.count;
    struct task *t = &m.task[id];
    *t = (struct task){
        .refs = 1, .client = true, .made_count = model_dice(MADE + 1)};
    struct hayi_event e = {.kind = HAYI_EVENT_TASK};
    for (uint32_t n = model_dice(DEPS + 1); n > 0 && id > 1; n--) {
        uint32_t dep = 1 + model_dice(id - 1);
        if (m.task[dep].client) { /* else it can name it no more */
            t->dep[t->dep_count++] = dep;
            m.task[dep].refs++;
        }
    }
    e.u.task.id = id;
    e.u.task.payload = id;
    e.u.task.needs.cores = model_dice(4) == 0 ? 1 + model_dice(2) : 1;
    e.u.task.needs.worker = model_dice(10) == 0 ? 1 + model_dice(WORKERS) : 0;
    e.u.task.priority = model_dice(3) == 0 ? (int32_t)model_dice(5) - 2 : 0;
    e.u.task.retries = model_dice(3);
    e.u.task.category = model_dice(3);
    MUST(model_step(&e) == HAY_OK);
    t->handle = e.u.task.task;
}

static void answer_inputs(void)
{
    for (uint32_t id = 1; id <= m.count; id++) {
        struct task *t = &m.task[id];
        hayi_object list[DEPS * MADE + 1];
        struct hayi_event e = {.kind = HAYI_EVENT_INPUTS};
        if (!t->asked) {
            continue;
        }
        t->asked = false;
        for (uint32_t i = 0; i < t->dep_count; i++) {
            const struct task *d = &m.task[t->dep[i]];
            for (uint32_t j = 0; d->has && j < d->made_count; j++) {
                list[e.u.inputs.count++] = d->made[j];
            }
        }
        e.u.inputs.task = t->handle;
        e.u.inputs.list = list;
        MUST(model_step(&e) == HAY_OK);
        return;
    }
}

static void release(void)
{
    if (m.count == 0) {
        return;
    }
    uint32_t id = 1 + model_dice(m.count);
    if (m.task[id].client) {
        m.task[id].client = false;
        unref(id);
    }
}

static void want(void)
{
    if (m.count == 0 || m.want_count == WANTS) {
        return;
    }
    const struct task *t = &m.task[1 + model_dice(m.count)];
    struct hayi_event e = {.kind = HAYI_EVENT_WANT};
    if (!t->client || !t->has || t->made_count == 0) {
        return;
    }
    e.u.want.object = t->made[model_dice(t->made_count)];
    e.u.want.node = model_dice(NODES);
    e.u.want.move = model_dice(2) == 0;
    e.u.want.cookie = m.want_count;
    m.want[m.want_count++] = true;
    MUST(model_step(&e) == HAY_OK);
}

static void cancel(void)
{
    if (m.count > 0) {
        struct hayi_event e = {.kind = HAYI_EVENT_CANCEL};
        e.u.cancel.task = m.task[1 + model_dice(m.count)].handle;
        MUST(model_step(&e) == HAY_OK);
    }
}

/* ---- nodes and workers ------------------------------------------------- */

static void join(uint32_t w)
{
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    if (m.joined[w]) {
        return;
    }
    m.joined[w] = true;
    e.u.joined.worker = w;
    e.u.joined.node = m.node_of[w];
    e.u.joined.cores = 1 + model_dice(3);
    MUST(model_step(&e) == HAY_OK);
}

static bool node_alive(uint32_t node)
{
    bool there = node == 0;
    for (uint32_t w = 0; w < WORKERS; w++) {
        there = there || (model_alive(w) && m.node_of[w] == node);
    }
    return there;
}

static void lose(uint32_t w)
{
    struct hayi_event e = {.kind = HAYI_EVENT_LOST};
    if (!model_alive(w)) {
        return;
    }
    m.lost[w] = true;
    m.losses++;
    for (uint32_t i = 0; i < m.held_count;) {
        if (m.held[i].worker == w) {
            m.held[i] = m.held[--m.held_count];
        } else {
            i++;
        }
    }
    for (uint32_t i = 0; i < m.flight_count;) {
        struct flight *f = &m.flight[i];
        if (f->to == w) {
            m.place[f->place].flights--;
            *f = m.flight[--m.flight_count];
            continue;
        }
        if (f->from == w && !f->broken) {
            f->broken = true;
            m.place[f->place].flights--;
        }
        i++;
    }
    for (uint32_t i = 1; i <= m.place_count; i++) {
        if (m.place[i].node == m.node_of[w] && !node_alive(m.node_of[w])) {
            m.place[i].there = false;
        }
    }
    m.recall[w] = 0;
    e.u.lost.worker = w;
    MUST(model_step(&e) == HAY_OK);
}

static const struct place *find_place(uint32_t node, hayi_object object)
{
    for (uint32_t i = 1; i <= m.place_count; i++) {
        if (m.place[i].there && m.place[i].node == node
            && m.place[i].object == object) {
            return &m.place[i];
        }
    }
    return NULL;
}

/* Start an attempt, or give it back if an input is not there. */
static void start(uint32_t i)
{
    struct held *h = &m.held[i];
    const struct task *t = &m.task[h->payload];
    struct hayi_event e = {.kind = HAYI_EVENT_RETURNED};
    hayi_object missing[DEPS * MADE];
    e.u.returned.worker = h->worker;
    e.u.returned.task = h->task;
    e.u.returned.attempt = h->attempt;
    e.u.returned.missing = missing;
    if (h->running) {
        return;
    }
    for (uint32_t d = 0; d < t->dep_count; d++) {
        const struct task *dep = &m.task[t->dep[d]];
        for (uint32_t j = 0; dep->has && j < dep->made_count; j++) {
            if (find_place(m.node_of[h->worker], dep->made[j]) == NULL) {
                missing[e.u.returned.missing_count++] = dep->made[j];
            }
        }
    }
    if (e.u.returned.missing_count > 0) {
        *h = m.held[--m.held_count];
        MUST(model_step(&e) == HAY_OK);
        return;
    }
    h->running = true;
    e = (struct hayi_event){.kind = HAYI_EVENT_STARTED};
    e.u.started.worker = h->worker;
    e.u.started.task = h->task;
    e.u.started.attempt = h->attempt;
    MUST(model_step(&e) == HAY_OK);
}

static void end(uint32_t i)
{
    struct held h = m.held[i];
    struct task *t = &m.task[h.payload];
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    struct hayi_made made[MADE] = {{.bytes = 0}};
    uint32_t d = model_dice(20);
    bool first = !t->told;
    if (!h.running) {
        return;
    }
    m.held[i] = m.held[--m.held_count];
    e.u.ended.worker = h.worker;
    e.u.ended.task = h.task;
    e.u.ended.attempt = h.attempt;
    e.u.ended.run_ns = 1 + model_dice(1000) * 100;
    e.u.ended.outcome = HAYI_OUTCOME_FINISHED;
    if (d < 2) {
        e.u.ended.outcome = HAYI_OUTCOME_FAILED;
    } else if (d < 3) {
        e.u.ended.outcome = HAYI_OUTCOME_FARM;
    } else {
        e.u.ended.made = made;
        e.u.ended.made_count = t->made_count;
        e.u.ended.objects = t->made_count > 0;
    }
    for (size_t j = 0; j < e.u.ended.made_count; j++) {
        made[j].bytes = 1u << model_dice(28);
        made[j].place = model_new_place(m.node_of[h.worker], 0);
    }
    MUST(model_step(&e) == HAY_OK);
    if (!first || e.u.ended.made_count == 0) {
        return;
    }
    MUST(t->told && t->state == HAY_FINISHED);
    for (uint32_t j = 0; j < t->made_count; j++) {
        MUST(made[j].object != 0);
        t->made[j] = made[j].object;
    }
    t->has = true;
    if (t->refs == 0) {
        t->refs = 1; /* released before it was made */
        unref((uint32_t)h.payload);
    }
}

static void give_back(uint32_t w)
{
    if (m.recall[w] == 0) {
        return;
    }
    uint32_t count = m.recall[w] - 1;
    m.recall[w] = 0;
    for (uint32_t i = m.held_count; i > 0 && count > 0; i--) {
        struct held h = m.held[i - 1];
        if (h.worker == w && !h.running) {
            struct hayi_event e = {.kind = HAYI_EVENT_RETURNED};
            e.u.returned.worker = w;
            e.u.returned.task = h.task;
            e.u.returned.attempt = h.attempt;
            m.held[i - 1] = m.held[--m.held_count];
            MUST(model_step(&e) == HAY_OK);
            count--;
        }
    }
    struct hayi_event e = {.kind = HAYI_EVENT_RECALL_DONE};
    e.u.recall_done.worker = w;
    MUST(model_step(&e) == HAY_OK);
}

static void land(uint32_t i)
{
    struct flight f = m.flight[i];
    struct hayi_event e = {.kind = HAYI_EVENT_MOVED};
    m.flight[i] = m.flight[--m.flight_count];
    e.u.moved.transfer = f.transfer;
    e.u.moved.run_ns = 1 + model_dice(1000000);
    if (!f.broken) {
        m.place[f.place].flights--;
    }
    if (f.broken && model_dice(4) > 0) {
        e.u.moved.status = HAY_EFARM;
    } else if (!m.place[f.place].there && !f.broken) {
        e.u.moved.status = HAY_EFARM; /* the store had dropped it */
    } else if (model_dice(15) == 0) {
        e.u.moved.status = HAY_EIO;
        e.u.moved.report = 7;
    } else {
        e.u.moved.place = model_new_place(f.to_node, f.object);
    }
    MUST(model_step(&e) == HAY_OK);
}

/* A store makes room: it drops a copy that lies elsewhere, too. */
static void make_room(void)
{
    if (m.place_count == 0) {
        return;
    }
    struct place *place = &m.place[1 + model_dice(m.place_count)];
    struct hayi_event e = {.kind = HAYI_EVENT_GONE};
    if (!place->there || place->flights > 0 || place->object == 0) {
        return;
    }
    e.u.gone.node = place->node;
    e.u.gone.object = place->object;
    MUST(model_step(&e) == HAY_OK);
    place->there = false; /* a drop may have crossed the news */
}

static void memory(void)
{
    static const uint32_t used[] = {100, 700, 850, 970};
    struct hayi_event e = {.kind = HAYI_EVENT_MEMORY};
    e.u.memory.node = model_dice(NODES);
    e.u.memory.used_permille = used[model_dice(4)];
    MUST(model_step(&e) == HAY_OK);
}

/* ---- a run ------------------------------------------------------------- */

static void work(void)
{
    if (m.held_count > 0) {
        start(model_dice(m.held_count));
    }
    if (m.held_count > 0 && model_dice(2) == 0) {
        end(model_dice(m.held_count));
    }
}

/* Work ends sooner or later than it was told before. */
static void set_end(void)
{
    struct hayi_event e = {.kind = HAYI_EVENT_DEADLINE};
    e.u.deadline.end_ns = m.now_ns + model_dice(3000) * 1000u;
    e.u.deadline.force_ns = e.u.deadline.end_ns + model_dice(300) * 1000u;
    MUST(model_step(&e) == HAY_OK);
}

static void something_happens(void)
{
    uint32_t d = model_dice(100);
    if (m.seed % 3 == 0 && model_dice(400) == 0) {
        set_end();
    }
    if (d < 12) {
        submit();
    } else if (d < 15) {
        put();
    } else if (d < 17) {
        cancel();
    } else if (d < 22) {
        release();
    } else if (d < 24) {
        want();
    } else if (d < 40) {
        model_dispatch();
    } else if (d < 50) {
        answer_inputs();
    } else if (d < 75) {
        work();
    } else if (d < 90 && m.flight_count > 0) {
        land(model_dice(m.flight_count));
    } else if (d < 93) {
        give_back(model_dice(WORKERS));
    } else if (d < 94) {
        memory();
    } else if (d < 96) {
        make_room();
    } else if (d < 97 && model_dice(8) == 0) {
        lose(model_dice(WORKERS));
    } else if (d < 98) {
        join(model_dice(WORKERS));
    }
    unref_told();
}

static uint32_t untold(void)
{
    uint32_t count = 0;
    for (uint32_t id = 1; id <= m.count; id++) {
        count += m.task[id].told ? 0 : 1;
    }
    return count;
}

static void tell_stories(void)
{
    for (uint32_t id = 1; id <= m.count; id++) {
        char text[500];
        hayi_sched_story(m.sched, m.task[id].handle, m.now_ns, text, 500);
        if (!m.task[id].told) {
            printf("# task %u: %s\n", (unsigned)id, text);
        }
    }
}

static void run_out(void)
{
    struct hayi_event close = {.kind = HAYI_EVENT_CLOSE};
    close.u.close.cancel_pending = model_dice(4) == 0;
    m.closed = true;
    for (uint32_t n = 0; n < NODES; n++) {
        struct hayi_event e = {.kind = HAYI_EVENT_MEMORY};
        e.u.memory.node = n;
        MUST(model_step(&e) == HAY_OK);
    }
    MUST(model_step(&close) == HAY_OK);
    for (int round = 0; round < 4000 && !m.broken; round++) {
        struct hayi_event tick = {.kind = HAYI_EVENT_TICK};
        m.now_ns += 2000000;
        MUST(model_step(&tick) == HAY_OK);
        model_dispatch();
        answer_inputs();
        work();
        if (m.flight_count > 0) {
            land(0);
        }
        give_back(model_dice(WORKERS));
        unref_told();
        if (untold() == 0 && m.flight_count == 0 && m.held_count == 0) {
            break;
        }
    }
    MUST(untold() == 0);
    if (m.broken) {
        tell_stories();
    }
}

/* All futures are released: nothing is left anywhere. */
static void leave(void)
{
    struct hayi_sched_stats stats;
    for (uint32_t id = 1; id <= m.count; id++) {
        if (m.task[id].client) {
            m.task[id].client = false;
            unref(id);
        }
    }
    for (int round = 0; round < 2000 && !m.broken; round++) {
        model_dispatch();
        work();
        if (m.flight_count > 0) {
            land(0);
        }
    }
    hayi_sched_get_stats(m.sched, &stats);
    MUST(stats.unfinished == 0);
    MUST(stats.objects == 0);
    MUST(stats.kept == 0);
    MUST(stats.fetches == 0);
    for (uint32_t i = 1; i <= m.place_count; i++) {
        MUST(!m.place[i].there);
    }
    for (uint32_t i = 0; i < m.want_count; i++) {
        MUST(!m.want[i]);
    }
    for (uint32_t id = 1; id <= m.count; id++) {
        const struct task *t = &m.task[id];
        MUST(t->forgotten
             == (!t->put && t->state == HAY_FINISHED && t->made_count > 0));
    }
}

static void run(uint64_t seed, bool short_memory)
{
    memset(&m, 0, sizeof(m));
    m.seed = seed;
    m.random = seed * 2 + 1;
    m.hash = 14695981039346656037u;
    m.short_memory = short_memory;
    struct hayi_sched_config config = {
        .worker_max = WORKERS,
        .node_max = NODES,
        .lineage_max = model_dice(3) == 0 ? 1 + model_dice(10) : 0,
        .workers_expected = 1 + model_dice(WORKERS),
        .seed = seed,
        .ahead_max = model_dice(2) == 0 ? 2 : 0,
        .infeasible_ns = 20000000,
    };
    m.sched = hayi_sched_new(&config);
    MUST(m.sched != NULL);
    hayi_actions_init(&m.actions);
    uint32_t nodes = 1 + model_dice(NODES);
    for (uint32_t w = 0; w < WORKERS; w++) {
        m.node_of[w] = NODES - 1 - model_dice(nodes);
        if (w == 0 || model_dice(3) > 0) {
            join(w);
        }
    }
    uint32_t length = 200 + model_dice(1500);
    for (uint32_t i = 0; i < length && !m.broken; i++) {
        something_happens();
    }
    for (uint32_t w = 0; w < WORKERS && !m.broken; w++) {
        join(w);
    }
    if (!m.broken) {
        run_out();
    }
    if (!m.broken) {
        leave();
    }
    hayi_actions_fini(&m.actions);
    hayi_sched_free(m.sched);
}

static uint64_t seeds(void)
{
    const char *text = getenv("HAY_TEST_SEEDS");
    return text != NULL ? strtoull(text, NULL, 10) : 200;
}

static uint64_t first_seed(void)
{
    const char *text = getenv("HAY_TEST_FIRST_SEED");
    return text != NULL ? strtoull(text, NULL, 10) : 1;
}

static void nothing_is_lost_but_by_its_holder(void)
{
    uint32_t remakes = 0;
    uint32_t losses = 0;
    for (uint64_t i = 0; i < seeds() && !m.broken; i++) {
        run(first_seed() + i, false);
        remakes += m.remakes;
        losses += m.losses;
    }
    /* The dice did what they are for. */
    CU_ASSERT_TRUE(seeds() < 100 || remakes > 20);
    CU_ASSERT_TRUE(seeds() < 100 || losses > 20);
}

static void short_memory_loses_nothing(void)
{
    for (uint64_t i = 0; i < seeds() && !m.broken; i++) {
        run(first_seed() + 100000 + i, true);
    }
}

static void same_seed_same_actions(void)
{
    for (uint64_t seed = 1; seed <= 20 && !m.broken; seed++) {
        run(seed, false);
        uint64_t hash = m.hash;
        run(seed, false);
        CU_ASSERT_EQUAL(hash, m.hash);
    }
}

static CU_TestInfo tests[] = {
    {"nothing_is_lost_but_by_its_holder", nothing_is_lost_but_by_its_holder},
    {"short_memory_loses_nothing", short_memory_loses_nothing},
    {"same_seed_same_actions", same_seed_same_actions},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"core/random_data", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
