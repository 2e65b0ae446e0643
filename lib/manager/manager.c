/* manager.c - see manager.h: life and the round. */
#include "config.h"

#include "manager/manager_nested.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AHEAD_NS = 3000000, /* of work at a worker, a core; measured */
    SILENCE_NS_DEFAULT_S = 15,
    NS_PER_S = 1000000000,
};

void hayi_manager_panic(struct hayi_manager *manager, const char *what)
{
    struct hayi_error err;
    (void)hayi_fail(
        &err, HAY_EFARM, "hayfork: the manager: %s; the run ends", what);
    hayi_manager_break(manager, &err);
}

/* ---- stepping
 * ----------------------------------------------------------------- */

/* Actions are performed while the list stands still: performing may step the
 * core again (a loss), which works on a list of its own. */
static void perform_all(struct hayi_manager *manager,
                        struct hayi_actions *actions,
                        const struct hayi_report *report)
{
    manager->stepping++;
    for (size_t i = 0; i < actions->count; i++) {
        hayi_manager_perform(manager, &actions->list[i], report);
    }
    manager->stepping--;
    actions->count = 0;
}

/* What had to wait for the end of the outermost step. */
static void settle(struct hayi_manager *manager)
{
    if (manager->clients_lost && manager->stepping == 0) {
        hayi_manager_nested_settle(manager);
    }
}

void hayi_manager_step(struct hayi_manager *manager,
                       struct hayi_event *event,
                       const struct hayi_report *report)
{
    /* The room is lent to this step: a nested one begins with none. */
    struct hayi_actions actions = manager->actions;
    hayi_actions_init(&manager->actions);
    hay_status status =
        hayi_sched_step(manager->sched, manager->now_ns, event, &actions);
    manager->dispatch = true;
    uint64_t payload = 0;
    hayi_handle task = 0;
    if (event->kind == HAYI_EVENT_TASK) {
        payload = event->u.task.payload;
        task = event->u.task.task;
    } else if (event->kind == HAYI_EVENT_MAP) {
        payload = event->u.map.payload;
        task = event->u.map.task;
    }
    if (payload != 0 && status == HAY_OK) {
        ((hay_future *)(uintptr_t)payload)->task = task;
    }
    if (event->kind == HAYI_EVENT_ENDED && event->u.ended.made_count > 0) {
        hayi_manager_name_made(manager);
    }
    perform_all(manager, &actions, report);
    hayi_actions_fini(&manager->actions);
    manager->actions = actions;
    settle(manager);
    if (status == HAY_OK) {
        return;
    }
    /* Who waits for it has to be told all the same. */
    bool closed = status == HAY_ECLOSED;
    const struct hayi_action tell = {
        .kind = HAYI_ACTION_TELL,
        .u.tell = {.payload = payload,
                   .state = closed ? HAY_CANCELLED : HAY_FAILED,
                   .status = closed ? HAY_ECANCELLED : HAY_EFARM},
    };
    const struct hayi_action no = {
        .kind = HAYI_ACTION_ANSWER,
        .u.answer = {.cookie = event->u.cancel.cookie, .status = HAY_ENOMEM},
    };
    if (payload != 0) {
        hayi_manager_perform(manager, &tell, NULL);
    } else if (event->kind == HAYI_EVENT_CANCEL) {
        hayi_manager_perform(manager, &no, NULL);
    }
    if (status == HAY_ENOMEM) {
        hayi_manager_panic(manager, "out of memory for the scheduler");
    } else if (!closed) {
        char text[80];
        (void)snprintf(text,
                       sizeof(text),
                       "the scheduler refused event %d (%s)",
                       (int)event->kind,
                       hay_status_name(status));
        hayi_manager_panic(manager, text);
    }
}

static void fail_refused(struct hayi_manager *manager)
{
    while (manager->refused_count > 0) {
        const struct hayi_refused refused =
            manager->refused[--manager->refused_count];
        uint64_t now = manager->now_ns - manager->start_ns;
        const struct hayi_report report = {
            .start_ns = now, .end_ns = now, .reason = refused.text};
        struct hayi_event event = {
            .kind = HAYI_EVENT_ENDED,
            .u.ended = {.worker = refused.worker,
                        .task = refused.task,
                        .attempt = refused.attempt,
                        .outcome = refused.outcome,
                        .report = 1},
        };
        hayi_manager_step(manager, &event, &report);
    }
}

static void dispatch(struct hayi_manager *manager)
{
    struct hayi_actions actions = manager->actions;
    hayi_actions_init(&manager->actions);
    manager->dispatch = false;
    if (hayi_sched_dispatch(manager->sched, manager->now_ns, &actions)
        != HAY_OK) {
        manager->dispatch = true;
    }
    perform_all(manager, &actions, NULL);
    hayi_actions_fini(&manager->actions);
    manager->actions = actions;
    settle(manager);
    fail_refused(manager);
}

/* ---- the round
 * ------------------------------------------------------------------ */

static void publish(struct hayi_manager *manager)
{
    struct hayi_sched_stats stats;
    hay_executor *ex = manager->ex;
    hayi_sched_get_stats(manager->sched, &stats);
    manager->slack = stats.handed_out + stats.running < stats.cores;
    const uint64_t values[7] = {
        stats.pending,
        stats.ready,
        stats.handed_out + stats.running,
        manager->counted[HAY_FINISHED],
        manager->counted[HAY_FAILED],
        manager->counted[HAY_CANCELLED],
        manager->submitted,
    };
    for (size_t i = 0; i < 7; i++) {
        atomic_store_explicit(&ex->stat[i], values[i], memory_order_relaxed);
    }
    atomic_store(&ex->draining, stats.over);
}

/* After a long sleep of our own (a stopped process, a suspended machine) the
 * workers have had no chance to be heard. */
static void forgive_silence(struct hayi_manager *manager)
{
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        if (manager->peers[i].joined && !manager->peers[i].gone) {
            struct hayi_event event = {.kind = HAYI_EVENT_HEARD,
                                       .u.heard = {.worker = i - 1}};
            hayi_manager_step(manager, &event, NULL);
        }
    }
}

/* Workers that have not even joined are nobody's business of the core. */
static void check_unjoined(struct hayi_manager *manager)
{
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        struct hayi_peer *peer = &manager->peers[i];
        if (!peer->joined && !peer->gone && !manager->config.shared_memory
            && manager->now_ns - peer->link.heard_ns
                   > manager->silence_ns * 3) {
            hayi_manager_lose(manager, i - 1, "it never joined");
        }
    }
}

static bool flush_links(struct hayi_manager *manager)
{
    bool any = false;
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        struct hayi_peer *peer = &manager->peers[i];
        if (!manager->config.shared_memory) {
            hayi_link_heartbeat(
                &peer->link, manager->now_ns, HAYI_MANAGER_HEARTBEAT_NS);
        }
        any = hayi_link_flush(
                  &peer->link, manager->config.transport, manager->now_ns)
              || any;
    }
    return any;
}

static void on_bulk(void *context, uint64_t cookie, hay_status status)
{
    const struct hayi_manager *manager = context;
    hayi_mover_bulk(manager->mover, cookie, status);
}

bool hayi_manager_poll(struct hayi_manager *manager, uint64_t now_ns)
{
    const struct hayi_transport_sink sink = {.frame = hayi_manager_on_frame,
                                             .down = hayi_manager_on_down,
                                             .bulk = on_bulk,
                                             .up = hayi_manager_on_up,
                                             .context = manager};
    struct hayi_transport *transport = manager->config.transport;
    bool slept = manager->now_ns != 0
                 && now_ns - manager->now_ns > UINT64_C(2) * NS_PER_S;
    manager->now_ns = now_ns;
    if (slept) {
        forgive_silence(manager);
    }
    bool busy = transport->ops->poll(transport, &sink) > 0;
    busy = hayi_manager_take_inbox(manager) || busy;
    busy = hayi_manager_poll_data(manager) || busy;
    hayi_manager_walltime_poll(manager);
    if (now_ns >= hayi_sched_deadline_ns(manager->sched)) {
        struct hayi_event tick = {.kind = HAYI_EVENT_TICK};
        hayi_manager_step(manager, &tick, NULL);
    }
    if (manager->joined_count + manager->never_joined + 1
        < manager->peer_count) {
        check_unjoined(manager);
    }
    if (manager->dispatch) {
        dispatch(manager);
        publish(manager);
    }
    busy = hayi_manager_poll_journal(manager) || busy;
    if (manager->wake) {
        manager->wake = false;
        hayi_executor_wake(manager->ex);
    }
    hayi_manager_ping(manager);
    busy = flush_links(manager) || busy;
    hayi_manager_check_end(manager);
    if (!manager->ended) {
        hayi_manager_await(manager);
    }
    return busy;
}

bool hayi_manager_inbox(const struct hayi_manager *manager)
{
    return hayi_mpsc_maybe(&manager->inbox);
}

bool hayi_manager_has_slack(const struct hayi_manager *manager)
{
    return manager->slack;
}

uint64_t hayi_manager_deadline_ns(const struct hayi_manager *manager)
{
    uint64_t deadline = hayi_sched_deadline_ns(manager->sched);
    if (manager->broken && manager->give_up_ns < deadline) {
        deadline = manager->give_up_ns;
    }
    if (manager->await_ns != 0 && !manager->quiet && !manager->broken
        && manager->await_ns < deadline) {
        deadline = manager->await_ns;
    }
    if (manager->look_deadline_ns < deadline) {
        deadline = manager->look_deadline_ns;
    }
    if (!manager->config.shared_memory
        && manager->now_ns + HAYI_MANAGER_HEARTBEAT_NS < deadline) {
        deadline = manager->now_ns + HAYI_MANAGER_HEARTBEAT_NS;
    }
    return deadline;
}

void hayi_manager_rest(struct hayi_manager *manager)
{
    struct hayi_error err;
    hayi_manager_commit(manager);
    if (manager->run_folder != NULL
        && hayi_run_folder_flush(manager->run_folder, &err) != HAY_OK) {
        (void)fprintf(stderr, "hayfork: %s\n", err.text);
    }
}

bool hayi_manager_ended(const struct hayi_manager *manager)
{
    return manager->ended;
}

bool hayi_manager_orderly(const struct hayi_manager *manager)
{
    return !manager->broken && !manager->deaths;
}

bool hayi_manager_broken(const struct hayi_manager *manager)
{
    return manager->broken;
}

void hayi_manager_post(struct hayi_manager *manager, struct hayi_item *item)
{
    hayi_mpsc_push(&manager->inbox, &item->node);
    hayi_bell_ring(manager->config.bell);
}

/* ---- life
 * ------------------------------------------------------------------------ */

static hay_status make_peers(struct hayi_manager *manager,
                             struct hayi_error *err)
{
    const struct hayi_manager_config *config = &manager->config;
    uint32_t count = config->transport->peer_count;
    manager->peers = calloc(count, sizeof(*manager->peers));
    manager->peer_count = count - config->guests_max;
    if (manager->peers == NULL
        || hayi_manager_make_environment(manager, config->environment)
               != HAY_OK) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    for (uint32_t i = 1; i < manager->peer_count; i++) {
        struct hayi_peer *peer = &manager->peers[i];
        peer->name = config->names[i - 1];
        peer->offset_low = INT64_MIN;
        peer->offset_high = INT64_MAX;
        if (hayi_link_init(&peer->link, config->transport, i, config->epoch)
            != HAY_OK) {
            return hayi_fail(err, HAY_ENOMEM, "out of memory");
        }
        peer->link.heard_ns = manager->start_ns;
        hay_status status =
            hayi_manager_welcome(manager, peer, config->options, err);
        if (status != HAY_OK) {
            return status;
        }
    }
    return HAY_OK;
}

static hay_status prepare_data(struct hayi_manager *manager,
                               const hay_options *options,
                               struct hayi_error *err)
{
    hay_executor *ex = manager->ex;
    const struct hayi_store_config store = {
        .limit_bytes = options->memory_limit_bytes,
        .spill_folder = options->spill_folder,
    };
    hay_status status = hayi_store_configure(manager->ex->store, &store, err);
    if (status != HAY_OK) {
        return status;
    }
    ex->node_count = manager->config.transport->peer_count;
    ex->node_cores = calloc(ex->node_count, sizeof(*ex->node_cores));
    if (ex->node_cores == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    if (manager->config.shared_memory) {
        return HAY_OK;
    }
    const struct hayi_mover_config mover = {
        .transport = manager->config.transport,
        .store = manager->ex->store,
        .bell = manager->config.bell,
        .checksum = options->checksum,
    };
    return hayi_mover_new(&mover, &manager->mover, err);
}

hay_status hayi_manager_new(const struct hayi_manager_config *config,
                            struct hayi_manager **out,
                            struct hayi_error *err)
{
    struct hayi_manager *manager = calloc(1, sizeof(*manager));
    if (manager == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    const hay_options *options = config->options;
    manager->config = *config;
    manager->ex = config->ex;
    manager->start_ns = config->ex->start_ns;
    manager->silence_ns = options->silence_ns != 0
                              ? options->silence_ns
                              : UINT64_C(1) * SILENCE_NS_DEFAULT_S * NS_PER_S;
    manager->quiet = options->quiet;
    hayi_executor_retain(manager->ex);
    hayi_mpsc_init(&manager->inbox);
    hayi_actions_init(&manager->actions);
    hayi_buffer_init(&manager->args);
    hayi_buffer_init(&manager->env);
    hayi_buffer_init(&manager->value);
    const struct hayi_sched_config sched = {
        .worker_max = config->transport->peer_count - 1,
        .node_max = config->transport->peer_count,
        .workers_expected =
            config->transport->peer_count - 1 - config->guests_max,
        .seed = options->seed,
        .ahead_ns = AHEAD_NS,
        .straggler_permille = (uint32_t)(options->straggler_factor * 1000),
        .silence_ns = config->shared_memory ? 0 : manager->silence_ns,
        .resource_name = hayi_resources_name,
        .resource_context = config->ex->resources,
    };
    manager->sched = hayi_sched_new(&sched);
    hay_status status = manager->sched == NULL
                            ? hayi_fail(err, HAY_ENOMEM, "out of memory")
                            : hayi_manager_tell_limits(manager, err);
    if (status == HAY_OK) {
        status = hayi_manager_open_folder(manager, options, err);
    }
    if (status == HAY_OK) {
        status = prepare_data(manager, options, err);
    }
    if (status == HAY_OK) {
        status = make_peers(manager, err);
    }
    if (status == HAY_OK) {
        hayi_manager_walltime_open(manager, options);
    }
    if (status != HAY_OK) {
        hayi_manager_free(manager);
        return status;
    }
    if (config->guests_max == 0) {
        manager->config.options = NULL;
    }
    manager->config.names = NULL;
    manager->config.environment = NULL;
    *out = manager;
    return HAY_OK;
}

void hayi_manager_refuse_late(struct hayi_manager *manager)
{
    hay_executor *ex = manager->ex;
    hayi_manager_close_journal(manager); /* tells what was held */
    hayi_manager_refuse_wants(manager);
    hayi_executor_set_ended(ex);
    bool last;
    do {
        struct hayi_mpsc_node *node;
        last = hayi_executor_quiet(ex);
        while ((node = hayi_mpsc_pop(&manager->inbox)) != NULL) {
            hayi_executor_refuse(ex, (struct hayi_item *)node);
        }
    } while (!last);
}

void hayi_manager_free(struct hayi_manager *manager)
{
    if (manager == NULL) {
        return;
    }
    for (uint32_t i = 1; manager->peers != NULL && i < manager->peer_count;
         i++) {
        hayi_link_fini(&manager->peers[i].link);
        free(manager->peers[i].paths);
    }
    hayi_manager_rest(manager);
    hayi_manager_following_free(manager);
    hayi_manager_nested_free(manager);
    hayi_manager_close_journal(manager);
    hayi_manager_free_kept(manager);
    hayi_run_folder_close(manager->run_folder);
    hayi_sched_free(manager->sched);
    hayi_actions_fini(&manager->actions);
    hayi_buffer_fini(&manager->args);
    hayi_buffer_fini(&manager->env);
    hayi_buffer_fini(&manager->value);
    hayi_mover_free(manager->mover);
    free(manager->made);
    free(manager->run_folder_path);
    free(manager->deadline_file);
    free(manager->peers);
    free(manager->refused);
    free(manager->dep_values);
    free(manager->dep_sizes);
    free(manager->deps);
    free(manager->requests);
    hayi_executor_release(manager->ex);
    free(manager);
}
