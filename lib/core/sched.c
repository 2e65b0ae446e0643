/* sched.c - the scheduler's door: takes events, gives numbers.
 *
 * The rest of its work stands in task*.c, range.c, members.c (transitions),
 * drain.c (what follows from them), dispatch.c and recall.c (decisions);
 * state.h tells how they fit together.
 */
#include "config.h"

#include "core/alloc.h"
#include "core/demand.h"
#include "core/stragglers.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

/* Bytes per 1024 ns of a fetch as long as nothing was measured: 1 GB/s. */
#define RATE_FIRST 1024u

struct hayi_sched *hayi_sched_new(const struct hayi_sched_config *config)
{
    struct hayi_sched *s = hayi_alloc(1, sizeof(*s));
    if (s == NULL) {
        return NULL;
    }
    s->config = *config;
    if (s->config.workers_expected == 0) {
        s->config.workers_expected = 1;
    }
    if (s->config.ahead_ns == 0) {
        s->config.ahead_ns = 2000000;
    }
    if (s->config.ahead_max == 0) {
        s->config.ahead_max = 256;
    }
    if (s->config.range_ns == 0) {
        s->config.range_ns = 1000000;
    }
    if (s->config.node_max == 0) {
        s->config.node_max = 1;
    }
    if (s->config.reserve_ns == 0) {
        s->config.reserve_ns = 5000000000;
    }
    if (s->config.infeasible_ns == 0) {
        s->config.infeasible_ns = 60000000000;
    }
    if (s->config.lineage_max == 0) {
        s->config.lineage_max = 200000;
    }
    s->rate = RATE_FIRST;
    s->silence_at_ns = UINT64_MAX;
    s->recall_at_ns = UINT64_MAX;
    s->deadlock_at_ns = UINT64_MAX;
    s->low_rank = INT64_MAX;
    s->straggler_at_ns = UINT64_MAX;
    s->lacking_at_ns = UINT64_MAX;
    hayi_table_init(&s->table);
    hayi_edges_init(&s->edges);
    hayi_ready_init(&s->ready, &s->table);
    hayi_durations_init(&s->durations);
    hayi_maps_init(&s->maps);
    hayi_pauses_init(&s->pauses);
    hayi_objects_init(&s->objects);
    hayi_cargos_init(&s->cargos);
    hayi_requests_init(&s->requests);
    hayi_nest_init(&s->nest);
    hayi_leases_init(&s->leases);
    hayi_walltime_init(&s->walltime);
    if (config->worker_max == 0 || s->config.manager_node >= s->config.node_max
        || hayi_workers_init(
               &s->workers, &s->table, config->worker_max, config->seed)
               != HAY_OK
        || hayi_nodes_init(&s->nodes,
                           &s->cargos,
                           &s->workers,
                           s->config.node_max,
                           s->config.manager_node,
                           config->seed)
               != HAY_OK
        || hayi_fetches_init(&s->fetches, &s->objects, &s->nodes) != HAY_OK
        || hayi_pools_init(&s->pools, config->worker_max) != HAY_OK
        || hayi_gpus_init(&s->gpus, config->worker_max) != HAY_OK) {
        hayi_sched_free(s);
        return NULL;
    }
    return s;
}

void hayi_sched_free(struct hayi_sched *s)
{
    if (s == NULL) {
        return;
    }
    hayi_nest_fini(&s->nest);
    hayi_leases_fini(&s->leases);
    hayi_gpus_fini(&s->gpus);
    hayi_pools_fini(&s->pools);
    hayi_requests_fini(&s->requests);
    hayi_fetches_fini(&s->fetches);
    hayi_nodes_fini(&s->nodes);
    hayi_cargos_fini(&s->cargos);
    hayi_objects_fini(&s->objects);
    hayi_workers_fini(&s->workers);
    hayi_pauses_fini(&s->pauses);
    hayi_maps_fini(&s->maps);
    hayi_durations_fini(&s->durations);
    hayi_ready_fini(&s->ready);
    hayi_edges_fini(&s->edges);
    hayi_table_fini(&s->table);
    free(s);
}

void hayi_sched_mark(struct hayi_sched *s,
                     uint32_t index,
                     enum hayi_row_state state)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    if (row->state != HAYI_ROW_FREE) {
        assert(s->state_count[row->state] > 0);
        s->state_count[row->state]--;
    }
    s->state_count[state]++;
    row->state = (uint8_t)state;
    row->since_ns = s->now_ns;
    if (row->nested && state != HAYI_ROW_HELD) {
        hayi_claims_moved(s, index);
    }
}

void hayi_sched_drop(struct hayi_sched *s, uint32_t index)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    assert(row->state != HAYI_ROW_FREE);
    if (row->nested) {
        hayi_nested_end(s, index);
    }
    assert(s->state_count[row->state] > 0);
    s->state_count[row->state]--;
    hayi_table_give(&s->table, index);
}

uint32_t hayi_sched_current(struct hayi_sched *s,
                            uint32_t worker,
                            hayi_handle task,
                            uint32_t attempt)
{
    if (worker >= s->workers.max
        || !hayi_worker_there(&s->workers.list[worker])) {
        s->stale++;
        return 0;
    }
    s->workers.list[worker].heard_ns = s->now_ns;
    uint32_t index = hayi_table_find(&s->table, task);
    if (index != 0) {
        const struct hayi_row *row = hayi_sched_row(s, index);
        if ((row->state == HAYI_ROW_HELD || row->state == HAYI_ROW_RUNNING)
            && row->worker == worker && row->attempt == attempt) {
            return index;
        }
    }
    index = s->twins != 0 ? hayi_stragglers_find(s, worker, task, attempt) : 0;
    if (index != 0) {
        return index;
    }
    s->stale++;
    return 0;
}

static hay_status learn(struct hayi_sched *s, const struct hayi_event *event)
{
    uint32_t category = event->u.duration.category & HAYI_CATEGORY_MASK;
    hay_status status = hayi_durations_reserve(&s->durations, category);
    if (status == HAY_OK) {
        hayi_durations_learn(&s->durations, category, event->u.duration.run_ns);
    }
    return status;
}

static hay_status take(struct hayi_sched *s,
                       struct hayi_event *event,
                       struct hayi_actions *actions)
{
    switch (event->kind) {
    case HAYI_EVENT_TASK:
        return hayi_task_submit(s, event, actions);
    case HAYI_EVENT_MAP:
        return hayi_range_submit(s, event, actions);
    case HAYI_EVENT_MAP_READ:
        return hayi_range_read(s, event, actions);
    case HAYI_EVENT_CANCEL:
        return hayi_task_cancel(s, event, actions);
    case HAYI_EVENT_CLOSE:
        return hayi_drain_close(s, event);
    case HAYI_EVENT_REQUEST:
        return hayi_requests_intern(&s->requests,
                                    event->u.request.variants,
                                    event->u.request.count,
                                    &event->u.request.request);
    case HAYI_EVENT_POOL:
        return hayi_members_pool(s, event);
    case HAYI_EVENT_JOINED:
        return hayi_members_joined(s, event);
    case HAYI_EVENT_HEARD:
        hayi_members_heard(s, event->u.heard.worker);
        return HAY_OK;
    case HAYI_EVENT_LOST:
        return hayi_members_lost(s, event->u.lost.worker, false, actions);
    case HAYI_EVENT_STARTED:
        return hayi_task_started(s, event, actions);
    case HAYI_EVENT_ENDED:
        return hayi_task_ended(s, event, actions);
    case HAYI_EVENT_RETURNED:
        return hayi_task_returned(s, event, actions);
    case HAYI_EVENT_RECALL_DONE:
        hayi_recall_done(s, event->u.recall_done.worker);
        return HAY_OK;
    case HAYI_EVENT_DEADLINE:
        return hayi_walltime_set(s, event);
    case HAYI_EVENT_DURATION:
        return learn(s, event);
    case HAYI_EVENT_LEAVE:
        return hayi_leave_take(s, event);
    case HAYI_EVENT_TICK:
        hayi_walltime_tick(s);
        return hayi_task_resume(s, actions) == HAY_OK
                   ? hayi_members_tick(s, actions)
                   : HAY_ENOMEM;
    case HAYI_EVENT_INPUTS:
    case HAYI_EVENT_PUT:
    case HAYI_EVENT_HOLD:
    case HAYI_EVENT_RELEASE:
    case HAYI_EVENT_WANT:
    case HAYI_EVENT_MOVED:
    case HAYI_EVENT_GONE:
    case HAYI_EVENT_MEMORY:
        return hayi_data_take(s, event, actions);
    case HAYI_EVENT_SUSPENDED:
    case HAYI_EVENT_RESUMED:
    case HAYI_EVENT_CLAIM:
    case HAYI_EVENT_UNWANTED:
        return hayi_nested_take(s, event, actions);
    }
    return HAY_EINVAL;
}

hay_status hayi_sched_step(struct hayi_sched *s,
                           uint64_t now_ns,
                           struct hayi_event *event,
                           struct hayi_actions *actions)
{
    if (now_ns > s->now_ns) {
        s->now_ns = now_ns;
    }
    if (hayi_drain_wanted(s)) {
        hay_status status = hayi_drain(s, actions);
        if (status != HAY_OK) {
            return status;
        }
        if ((event->kind == HAYI_EVENT_TASK && event->u.task.dep_count > 0)
            || (event->kind == HAYI_EVENT_ENDED
                && event->u.ended.follow != NULL)) {
            /* Its inputs may have ended just now: the caller looks again. */
            return HAY_ENOMEM;
        }
    }
    hay_status status = take(s, event, actions);
    if (status == HAY_OK && hayi_drain_wanted(s)) {
        /* The event is taken; what does not fit into memory now is backlog. */
        (void)hayi_drain(s, actions);
    }
    return status;
}

uint64_t hayi_sched_deadline_ns(const struct hayi_sched *s)
{
    if (hayi_drain_wanted(s)) {
        return s->now_ns;
    }
    uint64_t at_ns = hayi_pauses_first_ns(&s->pauses);
    at_ns = s->silence_at_ns < at_ns ? s->silence_at_ns : at_ns;
    at_ns = s->straggler_at_ns < at_ns ? s->straggler_at_ns : at_ns;
    at_ns = s->lacking_at_ns < at_ns ? s->lacking_at_ns : at_ns;
    at_ns = s->deadlock_at_ns < at_ns ? s->deadlock_at_ns : at_ns;
    at_ns = s->recall_at_ns < at_ns ? s->recall_at_ns : at_ns;
    uint64_t end_ns = hayi_walltime_next_ns(s);
    return end_ns < at_ns ? end_ns : at_ns;
}

uint64_t
hayi_sched_place(const struct hayi_sched *s, hayi_object object, uint32_t node)
{
    uint32_t index = hayi_objects_find(&s->objects, object);
    if (index == 0) {
        return 0;
    }
    const struct hayi_replica *replica =
        hayi_objects_on(&s->objects, index, node);
    return replica == NULL ? 0 : replica->place;
}

size_t hayi_sched_unknown(const struct hayi_sched *s,
                          uint32_t node,
                          uint64_t *places,
                          size_t count)
{
    return hayi_objects_unknown(&s->objects, node, places, count);
}

void hayi_sched_get_stats(const struct hayi_sched *s,
                          struct hayi_sched_stats *stats)
{
    *stats = (struct hayi_sched_stats){
        .pending =
            s->state_count[HAYI_ROW_PENDING] + s->state_count[HAYI_ROW_GATHER],
        .ready =
            s->state_count[HAYI_ROW_READY] + s->state_count[HAYI_ROW_PAUSED]
            + s->state_count[HAYI_ROW_ALONE] + s->state_count[HAYI_ROW_SHELVED],
        .shelved = s->state_count[HAYI_ROW_SHELVED] + s->walltime.maps,
        .over = s->walltime.over,
        .handed_out = s->state_count[HAYI_ROW_HELD],
        .running = s->state_count[HAYI_ROW_RUNNING],
        .unfinished = s->unfinished,
        .stale = s->stale,
        .objects = s->objects.live,
        .kept = s->cargos.kept,
        .fetches = s->fetches.flying,
        .suspended = s->nest.waiting,
        .workers = s->workers.heap_count,
        .cores = (uint32_t)s->workers.cores,
    };
    stats->memory_bytes =
        sizeof(*s) + hayi_table_bytes(&s->table) + hayi_edges_bytes(&s->edges)
        + hayi_ready_bytes(&s->ready) + hayi_workers_bytes(&s->workers)
        + hayi_durations_bytes(&s->durations) + hayi_objects_bytes(&s->objects)
        + hayi_cargos_bytes(&s->cargos) + hayi_nodes_bytes(&s->nodes)
        + hayi_fetches_bytes(&s->fetches) + hayi_pauses_bytes(&s->pauses)
        + hayi_nest_bytes(&s->nest) + hayi_requests_bytes(&s->requests)
        + hayi_pools_bytes(&s->pools) + hayi_gpus_bytes(&s->gpus)
        + hayi_leases_bytes(&s->leases) + s->maps.room * sizeof(*s->maps.list);
}

const struct hayi_variant *hayi_sched_variant(const struct hayi_sched *s,
                                              uint32_t request,
                                              uint32_t variant)
{
    if (request == 0 || request >= s->requests.count
        || variant >= hayi_request_at(&s->requests, request)->count) {
        return NULL;
    }
    return &hayi_request_at(&s->requests, request)->variants[variant];
}
