/* node.c - the loop of a simulated worker.
 *
 * A turn: take the frames that have come, hear what ended in the slots, let
 * worker_state decide, do what it says, send the reports.  A revoke is tried
 * in the same turn or, by configuration, in the next one, when the attempt may
 * have begun or ended meanwhile.
 */
#include "config.h"

#include "sim/node_inside.h"

#include "wire/record.h"

#include <assert.h>
#include <stdlib.h>

#define ROUNDS_MAX 1000000u /* of one turn */

/* ---- life ---- */

void hayi_sim_channel_config(const struct hayi_transport *t,
                             struct hayi_channel_config *config)
{
    *config = (struct hayi_channel_config){.epoch = 1,
                                           .frame_max = t->frame_max,
                                           .credit_bytes = t->credit_bytes,
                                           .credit_frames = t->credit_frames};
}

struct hayi_sim_node *hayi_sim_node_new(struct hayi_sim_world *world,
                                        struct hayi_simnet *net,
                                        const struct hayi_sim_node_config *c)
{
    struct hayi_sim_node *node = calloc(1, sizeof *node);
    struct hayi_wstate_config state_config = {.cores = c->cores,
                                              .memory_bytes = c->memory_bytes,
                                              .backlog_ns = c->backlog_ns,
                                              .backlog_max = c->backlog_max};
    struct hayi_channel_config channel_config;

    if (node == NULL) {
        return NULL;
    }
    node->config = *c;
    node->world = world;
    node->net = net;
    hayi_wactions_init(&node->actions);
    node->state = hayi_wstate_new(&state_config);
    if (node->state == NULL
        || hayi_sim_slots_init(&node->slots, world, c->cores) != HAY_OK
        || hayi_simnet_end(net, c->index + 1, &node->transport) != HAY_OK) {
        hayi_sim_node_free(node);
        return NULL;
    }
    hayi_sim_channel_config(node->transport, &channel_config);
    node->channel = hayi_channel_new(&channel_config);
    if (node->channel == NULL) {
        hayi_sim_node_free(node);
        return NULL;
    }
    node->slots.node = c->index;
    node->slots.slow_permille = c->slow_permille;
    node->slots.started_ns = c->started_ns;
    node->slots.memory_bytes = c->memory_bytes;
    node->slots.suspended_max = c->suspended_max;
    return node;
}

void hayi_sim_node_free(struct hayi_sim_node *node)
{
    if (node == NULL) {
        return;
    }
    while (node->runs != NULL) {
        struct hayi_sim_run *run = node->runs;
        node->runs = run->all_next;
        free(run);
    }
    if (node->transport != NULL) {
        node->transport->ops->close(node->transport, true);
    }
    hayi_channel_free(node->channel);
    hayi_sim_slots_fini(&node->slots);
    hayi_wstate_free(node->state);
    hayi_wactions_fini(&node->actions);
    free(node->revokes);
    free(node);
}

void hayi_node_drop(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    *(run->all_prev == NULL ? &node->runs : &run->all_prev->all_next) =
        run->all_next;
    if (run->all_next != NULL) {
        run->all_next->all_prev = run->all_prev;
    }
    free(run);
}

void hayi_node_no_memory(struct hayi_sim_node *node)
{
    hayi_ledger_fail(&node->world->ledger, "the simulator has no memory");
}

/* ---- what worker_state says ---- */

void hayi_node_step(struct hayi_sim_node *node, const struct hayi_wevent *event)
{
    hay_status st = hayi_wstate_step(node->state, event, &node->actions);
    if (st != HAY_OK) {
        hayi_ledger_fail(&node->world->ledger,
                         "w%u: an event is refused: %s",
                         node->config.index,
                         hay_status_name(st));
    }
}

static void try_revoke(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    bool revoked = hayi_sim_slots_revoke(&node->slots, run);

    node->world->counts.late += !revoked;
    hayi_node_step(
        node,
        &(struct hayi_wevent){.kind = revoked ? HAYI_WEVENT_REVOKED
                                              : HAYI_WEVENT_REVOKE_LATE,
                              .u.revoked = {run->task, run->attempt}});
}

static void act_revoke(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    if (!node->config.late_revokes) {
        try_revoke(node, run);
        return;
    }
    if (node->revoke_count == node->revoke_room) {
        uint32_t room = node->revoke_room * 2 + 16;
        struct hayi_sim_run **more =
            realloc(node->revokes, room * sizeof(struct hayi_sim_run *));
        if (more == NULL) {
            hayi_node_no_memory(node);
            return;
        }
        node->revokes = more;
        node->revoke_room = room;
    }
    node->revokes[node->revoke_count++] = run;
    hayi_sim_node_wake(node);
}

static void act(struct hayi_sim_node *node, const struct hayi_waction *action)
{
    struct hayi_sim_run *run = action->cookie;
    struct hayi_sim_counts *counts = &node->world->counts;

    switch (action->kind) {
    case HAYI_WACTION_START:
        counts->backlog += action->backlog;
        run->cores = action->cores;
        run->core_count = action->core_count;
        hayi_sim_slots_give(&node->slots, run, action->backlog);
        break;
    case HAYI_WACTION_REVOKE:
        counts->revokes++;
        act_revoke(node, run);
        break;
    case HAYI_WACTION_STOP_IT:
        counts->stops++;
        hayi_sim_slots_stop(&node->slots, run, action->force);
        hayi_node_wake_if(node, run);
        break;
    case HAYI_WACTION_RETURNED:
        counts->returned++;
        hayi_node_tell_attempt(node, HAYI_RECORD_RETURNED, run);
        hayi_node_drop(node, run);
        node->urgent = true;
        break;
    case HAYI_WACTION_CANCELLED:
        counts->cancelled++;
        hayi_node_tell_cancelled(node, run);
        hayi_node_drop(node, run);
        break;
    case HAYI_WACTION_RESUME:
        hayi_node_unpark(run);
        run->backlog = action->backlog;
        run->cores = action->cores;
        run->core_count = action->core_count;
        hayi_sim_slots_give(&node->slots, run, action->backlog);
        break;
    case HAYI_WACTION_RECALL_DONE:
        counts->recalls++;
        node->recalls--;
        (void)hayi_node_append(node, HAYI_RECORD_RECALL_DONE, 0);
        node->urgent = true;
        break;
    }
}

/* Actions may bring events, which bring further actions: at most one round
 * more for each attempt that is held. */
static void carry_out(struct hayi_sim_node *node)
{
    size_t done = 0;
    uint32_t rounds = 0;

    do {
        if (rounds++ == ROUNDS_MAX) {
            hayi_ledger_fail(&node->world->ledger,
                             "w%u: a turn has no end",
                             node->config.index);
            break;
        }
        for (; done < node->actions.count; done++) {
            struct hayi_waction action = node->actions.list[done];
            act(node, &action);
        }
        if (hayi_wstate_dispatch(node->state, &node->actions) != HAY_OK) {
            hayi_node_no_memory(node);
        }
    } while (done < node->actions.count);
    node->actions.count = 0;
}

/* ---- what comes ---- */

static void arrived(struct hayi_sim_node *node,
                    const struct hayi_sim_run *as,
                    hayi_handle inline_of)
{
    struct hayi_sim_run *run = malloc(sizeof *run);
    const struct hayi_sim_spec *spec =
        &node->world->ledger.tasks[as->index].spec;

    if (run == NULL) {
        hayi_node_no_memory(node);
        return;
    }
    *run = *as;
    run->all_next = node->runs;
    if (node->runs != NULL) {
        node->runs->all_prev = run;
    }
    node->runs = run;
    if (inline_of != 0) {
        hayi_node_inline(node, run, inline_of);
        return;
    }
    hayi_node_step(node,
                   &(struct hayi_wevent){
                       .kind = HAYI_WEVENT_ARRIVED,
                       .u.arrived = {.task = run->task,
                                     .attempt = run->attempt,
                                     .kind = spec->command ? HAYI_WKIND_COMMAND
                                                           : HAYI_WKIND_THREAD,
                                     .prompt = run->prompt,
                                     .cores = run->core_count,
                                     .memory_bytes = run->memory_bytes,
                                     .priority = spec->priority,
                                     .depth = run->depth,
                                     .cookie = run}});
}

static void task_came(struct hayi_sim_node *node,
                      const struct hayi_task_record *record)
{
    arrived(node,
            &(struct hayi_sim_run){.task = record->task,
                                   .attempt = record->attempt,
                                   .index = (uint32_t)(record->id - 1),
                                   .prompt =
                                       (record->flags & HAYI_TASK_PROMPT) != 0,
                                   .depth = record->depth,
                                   .memory_bytes = record->memory_bytes,
                                   .core_count = record->cores},
            record->inline_of);
}

static void range_came(struct hayi_sim_node *node,
                       const struct hayi_range_record *record)
{
    arrived(node,
            &(struct hayi_sim_run){.task = record->task,
                                   .attempt = record->attempt,
                                   .index = (uint32_t)(record->id - 1),
                                   .range = true,
                                   .prompt = record->prompt != 0,
                                   .first = record->first,
                                   .count = record->count,
                                   .core_count = 1},
            record->inline_of);
}

static hay_status
record_came(void *context, uint16_t type, const void *body, size_t size)
{
    struct hayi_sim_node *node = context;
    struct hayi_wevent event = {.kind = HAYI_WEVENT_RECALL};

    (void)size;
    switch (type) {
    case HAYI_RECORD_TASK:
        task_came(node, body);
        break;
    case HAYI_RECORD_RANGE:
        range_came(node, body);
        break;
    case HAYI_RECORD_RECALL: {
        const struct hayi_recall *recall = body;
        event.u.recall.count = recall->count;
        event.u.recall.below = recall->below;
        event.u.recall.below_depth = recall->below_depth;
        node->recalls++;
        hayi_node_step(node, &event);
        break;
    }
    case HAYI_SIM_RECORD_KID_ENDED:
        hayi_node_kid_ended(node, body);
        break;
    case HAYI_RECORD_CANCEL: {
        const struct hayi_cancel_record *cancel = body;
        event.kind = HAYI_WEVENT_CANCEL;
        event.u.cancel.task = cancel->task;
        event.u.cancel.attempt = cancel->attempt;
        event.u.cancel.force = cancel->force != 0;
        event.u.cancel.unstarted_only = cancel->unstarted_only != 0;
        if (!hayi_node_cancel_inline(node, cancel)) {
            hayi_node_step(node, &event);
        }
        break;
    }
    case HAYI_RECORD_CLAIM_DENIED:
        hayi_node_claim_denied(node, body);
        break;
    default:
        hayi_ledger_fail(&node->world->ledger, "an unknown record came");
    }
    return HAY_OK;
}

static void
frame_came(void *context, uint32_t peer, const void *data, size_t size)
{
    struct hayi_sim_node *node = context;
    struct hayi_error err = {.status = HAY_OK};

    assert(peer == HAYI_NODE_SINK);
    if (node->dead) {
        return;
    }
    node->heard_ns = node->world->now_ns;
    hay_status st = hayi_channel_receive(
        node->channel, data, size, record_came, node, &err);
    if (st == HAY_EFARM || (st != HAY_OK && node->spoilt)) {
        hayi_sim_trace(
            node->world, "w%u ends: %s", node->config.index, err.text);
        hayi_sim_node_kill(node, false);
    } else if (st != HAY_OK) {
        hayi_ledger_fail(&node->world->ledger,
                         "w%u: a frame is refused: %s",
                         node->config.index,
                         err.text);
    }
}

static void peer_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    (void)peer;
    (void)how;
}

/* Try the revokes of the last turn, of what is still held. */
static void try_revokes(struct hayi_sim_node *node)
{
    for (uint32_t i = 0; i < node->revoke_count; i++) {
        if (node->revokes[i] != NULL) {
            try_revoke(node, node->revokes[i]);
        }
    }
    node->revoke_count = 0;
}

void hayi_node_forget_revokes(struct hayi_sim_node *node,
                              const struct hayi_sim_run *run)
{
    for (uint32_t i = 0; i < node->revoke_count; i++) {
        node->revokes[i] = node->revokes[i] == run ? NULL : node->revokes[i];
    }
}

static void hear_end(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    const struct hayi_sim_spec *spec =
        &node->world->ledger.tasks[run->index].spec;

    if (!run->inlined) {
        hayi_node_step(node,
                       &(struct hayi_wevent){
                           .kind = HAYI_WEVENT_ENDED,
                           .u.ended = {.task = run->task,
                                       .attempt = run->attempt,
                                       .run_ns = run->end_ns - run->begin_ns}});
    }
    if (!run->range && spec->kids > 0 && spec->wait == HAYI_SIM_WAIT_FOLLOW
        && run->outcome == HAYI_OUTCOME_FINISHED) {
        hayi_node_tell_nest(node, HAYI_SIM_RECORD_FOLLOWS, run, spec->kids - 1);
    }
    hayi_node_tell_ended(node, run);
    hayi_node_forget_revokes(node, run);
    hayi_node_drop(node, run);
}

static void hear_run(struct hayi_sim_node *node, struct hayi_sim_run *run)
{
    const struct hayi_sim_spec *spec =
        &node->world->ledger.tasks[run->index].spec;
    uint32_t news = run->news;

    run->listed = false;
    run->news = 0;
    if ((news & HAYI_SIM_NEWS_RESUMED) != 0) {
        hayi_node_hear_resumed(node, run);
    }
    if ((news & HAYI_SIM_NEWS_KIDS) != 0) {
        for (uint32_t i = 0; i < spec->kids; i++) {
            hayi_node_tell_nest(node, HAYI_SIM_RECORD_KID, run, i);
        }
    }
    if ((news & HAYI_SIM_NEWS_PARKED) != 0) {
        hayi_node_hear_park(node, run);
    } else if ((news & HAYI_SIM_NEWS_CLAIMS) != 0) {
        hayi_node_hear_claim(node, run);
    } else if ((news & HAYI_SIM_NEWS_ENDED) != 0) {
        hear_end(node, run);
    }
}

static void hear_slots(struct hayi_sim_node *node)
{
    while (node->slots.news != NULL) {
        struct hayi_sim_run *run = node->slots.news;
        node->slots.news = run->news_next;
        if (node->slots.news == NULL) {
            node->slots.news_last = &node->slots.news;
        }
        hear_run(node, run);
    }
}

static void turn(struct hayi_sim_node *node)
{
    const struct hayi_transport_sink sink = {
        .frame = frame_came, .down = peer_down, .context = node};

    node->turn_set = false;
    if (node->world->now_ns < node->paused_until_ns) {
        hayi_sim_node_wake(node);
        return;
    }
    if (hayi_dice_chance(&node->world->dice, 500)) {
        try_revokes(node); /* the answers may come before news of ends */
        carry_out(node);   /* while all that actions name is still held */
    }
    hear_slots(node);
    try_revokes(node);
    (void)node->transport->ops->poll(node->transport, &sink);
    if (node->dead) {
        return;
    }
    hear_slots(node); /* who had no answer to a claim may be parked now */
    carry_out(node);
    /* No revoke is under way now, and with it no recall. */
    if (node->revoke_count == 0 && node->recalls != 0) {
        hayi_ledger_fail(&node->world->ledger,
                         "w%u: a recall is not answered",
                         node->config.index);
    }
    if (node->urgent || hayi_wstate_hungry(node->state)
        || node->config.report_ns == 0) {
        node->urgent = false;
        hayi_node_flush(node);
    } else if (!node->flush_set && hayi_channel_sendable(node->channel)) {
        node->flush_set = true;
        hayi_sim_set_timer(node->world,
                           node->config.report_ns,
                           (struct hayi_sim_due){.timer = HAYI_SIM_NODE_FLUSH,
                                                 .node = node->config.index});
    }
}

void hayi_sim_node_wake(struct hayi_sim_node *node)
{
    uint64_t now_ns = node->world->now_ns;
    uint64_t after_ns =
        hayi_dice_below(&node->world->dice, node->config.turn_ns + 1);

    if (node->turn_set || node->dead) {
        return;
    }
    if (now_ns + after_ns < node->paused_until_ns) {
        after_ns = node->paused_until_ns - now_ns;
    }
    node->turn_set = true;
    hayi_sim_set_timer(node->world,
                       after_ns,
                       (struct hayi_sim_due){.timer = HAYI_SIM_NODE_TURN,
                                             .node = node->config.index});
}

/* ---- timers ---- */

static void join(struct hayi_sim_node *node)
{
    struct hayi_join *record =
        hayi_node_append(node, HAYI_RECORD_JOIN, sizeof *record);
    if (record != NULL) {
        *record =
            (struct hayi_join){.cores = node->config.cores,
                               .memory_bytes = node->config.memory_bytes
                                               + node->config.missing_bytes};
    }
    hayi_node_flush(node);
    node->heard_ns = node->world->now_ns;
    node->joined = true;
}

static void beat(struct hayi_sim_node *node)
{
    uint64_t silence_ns = node->config.silence_ns;

    if (node->world->now_ns < node->paused_until_ns) {
        node->heard_ns = node->paused_until_ns; /* it is it who was asleep */
    } else if (silence_ns != 0
               && node->world->now_ns - node->heard_ns > silence_ns) {
        hayi_sim_trace(node->world, "w%u hears nothing", node->config.index);
        hayi_sim_node_kill(node, false);
        return;
    } else {
        hayi_channel_ask_frame(node->channel);
        hayi_node_flush(node);
    }
    hayi_sim_set_timer(node->world,
                       node->config.beat_ns,
                       (struct hayi_sim_due){.timer = HAYI_SIM_NODE_BEAT,
                                             .node = node->config.index});
}

static void slot_due(struct hayi_sim_node *node, struct hayi_sim_due due)
{
    const struct hayi_sim_run *run =
        hayi_sim_slots_due(&node->slots, due.core, due.number);
    if (run != NULL) {
        hayi_node_tell_attempt(node, HAYI_RECORD_STARTED, run);
    }
    hayi_sim_node_wake(node);
}

void hayi_sim_node_timer(struct hayi_sim_node *node, struct hayi_sim_due due)
{
    if (node->dead) {
        return;
    }
    switch (due.timer) {
    case HAYI_SIM_NODE_JOIN:
        join(node);
        beat(node);
        break;
    case HAYI_SIM_NODE_TURN:
        turn(node);
        break;
    case HAYI_SIM_NODE_FLUSH:
        node->flush_set = false;
        if (node->world->now_ns >= node->paused_until_ns) {
            hayi_node_flush(node);
        } else {
            node->urgent = true;
            hayi_sim_node_wake(node);
        }
        break;
    case HAYI_SIM_NODE_BEAT:
        beat(node);
        break;
    case HAYI_SIM_SLOT:
        slot_due(node, due);
        break;
    default:
        assert(!"a timer of no node");
    }
}

void hayi_sim_node_pause(struct hayi_sim_node *node, uint64_t for_ns)
{
    node->paused_until_ns = node->world->now_ns + for_ns;
}

void hayi_sim_node_spoilt(struct hayi_sim_node *node)
{
    node->spoilt = true;
}

uint64_t hayi_sim_node_missing(const struct hayi_sim_node *node)
{
    return node->config.missing_bytes;
}

bool hayi_sim_node_dead(const struct hayi_sim_node *node)
{
    return node->dead;
}

void hayi_sim_node_leave(struct hayi_sim_node *node)
{
    const struct hayi_wevent stop = {.kind = HAYI_WEVENT_STOP};
    struct hayi_leave_record *record = NULL;
    if (node->dead || !node->joined || node->leaving) {
        return;
    }
    hayi_sim_trace(node->world, "w%u leaves", node->config.index);
    node->leaving = true;
    record = hayi_node_append(node, HAYI_RECORD_LEAVE, sizeof *record);
    if (record != NULL) {
        *record = (struct hayi_leave_record){.left_ns = 0};
    }
    hayi_node_step(node, &stop);
    node->urgent = true;
    hayi_sim_node_wake(node);
}

void hayi_sim_node_kill(struct hayi_sim_node *node, bool silent)
{
    if (!node->dead) {
        node->dead = true;
        hayi_simnet_kill(node->net, node->config.index + 1, silent);
        hayi_ledger_lost(&node->world->ledger, node->config.index);
    }
}

void hayi_sim_node_check(const struct hayi_sim_node *node)
{
    hayi_wstate_check(node->state);
}
