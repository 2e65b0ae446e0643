/* model_data.c - see model_data.h: each action is checked and done. */
#include "config.h"

#include "model_data.h"

#include "core/alloc.h"

#include <stdlib.h>

struct model m;

uint32_t model_dice(uint32_t sides)
{
    m.random = m.random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m.random >> 33) % sides;
}

uint32_t model_node_of(uint32_t worker)
{
    return worker == HAYI_MANAGER_SELF ? 0 : m.node_of[worker];
}

bool model_alive(uint32_t worker)
{
    return worker == HAYI_MANAGER_SELF
           || (worker < WORKERS && m.joined[worker] && !m.lost[worker]);
}

uint64_t model_new_place(uint32_t node, hayi_object object)
{
    MUST(m.place_count + 1 < PLACES);
    uint64_t place = ++m.place_count;
    m.place[place] =
        (struct place){.there = true, .node = node, .object = object};
    return place;
}

/* ---- actions ----------------------------------------------------------- */

static void see_hand_out(const struct hayi_action *a)
{
    const struct task *t = &m.task[a->u.hand_out.payload];
    uint32_t w = a->u.hand_out.worker;
    MUST(model_alive(w) && w != HAYI_MANAGER_SELF);
    MUST(!t->forgotten);
    MUST(!t->told || t->state == HAY_FINISHED);
    m.remakes += t->told ? 1 : 0;
    for (uint32_t i = 0; i < m.held_count; i++) {
        MUST(m.held[i].task != a->u.hand_out.task);
    }
    for (uint32_t i = 0; i < t->dep_count; i++) {
        MUST(m.task[t->dep[i]].told);
    }
    MUST(m.held_count < HELD);
    m.held[m.held_count++] = (struct held){
        .worker = w,
        .task = a->u.hand_out.task,
        .attempt = a->u.hand_out.attempt,
        .payload = a->u.hand_out.payload,
    };
}

static void see_fetch(const struct hayi_action *a)
{
    MUST(a->u.fetch.place > 0 && a->u.fetch.place <= m.place_count);
    struct place *place = &m.place[a->u.fetch.place];
    MUST(model_alive(a->u.fetch.from) && model_alive(a->u.fetch.to));
    MUST(place->there && place->object == a->u.fetch.object);
    MUST(place->node == model_node_of(a->u.fetch.from));
    MUST(place->node != model_node_of(a->u.fetch.to));
    place->flights++;
    MUST(m.flight_count < FLIGHTS);
    m.flight[m.flight_count++] = (struct flight){
        .transfer = a->u.fetch.transfer,
        .object = a->u.fetch.object,
        .place = a->u.fetch.place,
        .from = a->u.fetch.from,
        .to = a->u.fetch.to,
        .to_node = model_node_of(a->u.fetch.to),
    };
}

static void see_drop(const struct hayi_action *a)
{
    MUST(a->u.drop.place > 0 && a->u.drop.place <= m.place_count);
    struct place *place = &m.place[a->u.drop.place];
    MUST(place->there && place->node == a->u.drop.node);
    MUST(place->flights == 0);
    MUST(model_alive(a->u.drop.worker));
    MUST(model_node_of(a->u.drop.worker) == a->u.drop.node);
    place->there = false;
}

static void see_tell(const struct hayi_action *a)
{
    struct task *t = &m.task[a->u.tell.payload];
    MUST(!t->told);
    t->told = true;
    t->state = (hay_state)a->u.tell.state;
    MUST(a->u.tell.lost == 0 || a->u.tell.status == HAY_EFARM);
    MUST(t->made_count == 0 || t->state != HAY_FINISHED || !t->forgotten);
}

static void see_action(const struct hayi_action *a)
{
    struct task *t;
    switch (a->kind) {
    case HAYI_ACTION_HAND_OUT:
        see_hand_out(a);
        break;
    case HAYI_ACTION_RECALL:
        m.recall[a->u.recall.worker] = 1 + a->u.recall.count;
        break;
    case HAYI_ACTION_TELL:
        see_tell(a);
        break;
    case HAYI_ACTION_INPUTS:
        t = &m.task[a->u.inputs.payload];
        MUST(!t->told);
        t->asked = true;
        break;
    case HAYI_ACTION_FETCH:
        see_fetch(a);
        break;
    case HAYI_ACTION_DROP:
        see_drop(a);
        break;
    case HAYI_ACTION_WANTED:
        MUST(a->u.wanted.cookie < WANTS && m.want[a->u.wanted.cookie]);
        m.want[a->u.wanted.cookie] = false;
        break;
    case HAYI_ACTION_FORGET:
        t = &m.task[a->u.forget.payload];
        MUST(!t->forgotten && !t->put && t->made_count > 0);
        t->forgotten = true;
        break;
    case HAYI_ACTION_STATE:
        MUST(!m.task[a->u.state.payload].told);
        break;
    case HAYI_ACTION_ATTEMPT_ENDED:
        MUST(!m.task[a->u.attempt_ended.payload].told);
        break;
    default:
        break;
    }
}

static void see(void)
{
    for (size_t i = 0; i < m.actions.count; i++) {
        char line[300];
        hayi_action_print(&m.actions.list[i], line, sizeof(line));
        if (getenv("HAY_TEST_TRACE") != NULL) {
            printf("# %s\n", line);
        }
        for (const char *c = line; *c != '\0'; c++) {
            m.hash = (m.hash ^ (unsigned char)*c) * 1099511628211u;
        }
        see_action(&m.actions.list[i]);
    }
    m.actions.count = 0;
}

static void look_at_deps(struct hayi_event *e)
{
    static struct hayi_dep deps[DEPS];
    const struct task *t = &m.task[e->u.task.id];
    for (uint32_t i = 0; i < t->dep_count; i++) {
        const struct task *d = &m.task[t->dep[i]];
        deps[i] = (struct hayi_dep){
            .task = d->told ? 0 : d->handle,
            .objects = !d->told || d->has,
            .ended = (uint8_t)d->state,
            .culprit = t->dep[i],
        };
    }
    e->u.task.deps = deps;
    e->u.task.dep_count = t->dep_count;
}

hay_status model_step(struct hayi_event *e)
{
    hay_status status = HAY_ENOMEM;
    m.now_ns += model_dice(20) * 1000;
    while (status == HAY_ENOMEM) {
        if (e->kind == HAYI_EVENT_TASK) {
            look_at_deps(e);
        }
        hayi_alloc_fail_at(
            m.short_memory && model_dice(3) == 0 ? 1 + model_dice(4) : 0);
        status = hayi_sched_step(m.sched, m.now_ns, e, &m.actions);
        hayi_sched_check(m.sched);
        if (status == HAY_OK && e->kind == HAYI_EVENT_ENDED) {
            /* The objects are known before anything is done with them. */
            for (size_t i = 0; i < e->u.ended.made_count; i++) {
                const struct hayi_made *made = &e->u.ended.made[i];
                m.place[made->place].object = made->object;
                m.place[made->place].there = made->object != 0;
            }
        }
        see();
    }
    hayi_alloc_fail_at(0);
    return status;
}

void model_dispatch(void)
{
    hay_status status = HAY_ENOMEM;
    while (status == HAY_ENOMEM) {
        hayi_alloc_fail_at(
            m.short_memory && model_dice(3) == 0 ? 1 + model_dice(4) : 0);
        status = hayi_sched_dispatch(m.sched, m.now_ns, &m.actions);
        hayi_sched_check(m.sched);
        see();
    }
    hayi_alloc_fail_at(0);
}
