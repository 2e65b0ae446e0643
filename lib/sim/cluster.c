/* cluster.c - the simulated manager, the wishes of its client, the clock.
 *
 * Time jumps to whatever is due next, a timer or a frame.  The manager works in
 * turns as the real one does: it takes all frames that have come, steps the
 * core for each record, dispatches once, and sends what came of it.
 *
 * The invariants are looked at after each event while that is cheap; then as
 * often as keeps their cost in proportion to that of the run.
 */
#include "config.h"

#include "sim/cluster_inside.h"

#include "sim/mail.h"
#include "wire/record.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define STORIES_MAX    3u /* told when a run is stuck */
#define STORY_SIZE     120u
#define CHECK_CREDIT   64u /* rows looked at for each event */
#define READ_AFTER_NS  20000u
#define STUCK_NS       60000000000u
#define STILL_MAX      5000000u /* things at one time, or it is a loop */
#define NET_FRAMES_MAX 1024u

/* ---- life ---- */

static bool make_net(struct hayi_sim *sim)
{
    uint32_t count = sim->config.worker_count;
    struct hayi_simnet_config config = {.peer_count = count + 1,
                                        .frame_max = sim->config.frame_max,
                                        .frames_max = NET_FRAMES_MAX,
                                        .delay_ns = hayi_sim_delay_ns,
                                        .context = sim};
    struct hayi_channel_config channel_config;

    if (hayi_simnet_new(&config, &sim->net) != HAY_OK
        || hayi_simnet_end(sim->net, 0, &sim->transport) != HAY_OK) {
        return false;
    }
    hayi_sim_channel_config(sim->transport, &channel_config);
    for (uint32_t i = 0; i < count; i++) {
        sim->links[i].channel = hayi_channel_new(&channel_config);
        sim->nodes[i] =
            hayi_sim_node_new(&sim->world, sim->net, &sim->config.nodes[i]);
        if (sim->links[i].channel == NULL || sim->nodes[i] == NULL) {
            return false;
        }
    }
    return true;
}

struct hayi_sim *hayi_sim_new(const struct hayi_sim_config *config)
{
    struct hayi_sim *sim = calloc(1, sizeof *sim);
    uint32_t count = config->worker_count;

    if (sim == NULL) {
        return NULL;
    }
    sim->config = *config;
    sim->config.sched.worker_max = count;
    sim->config.sched.workers_expected = count;
    sim->config.sched.seed = config->seed;
    sim->config.sched.node_max = config->node_count;
    if (config->bytes_per_us == 0) {
        sim->config.bytes_per_us = 1000;
    }
    if (config->stuck_ns == 0) {
        sim->config.stuck_ns = STUCK_NS;
    }
    if (config->sched.infeasible_ns == 0) { /* waiting for that is no stop */
        sim->config.sched.infeasible_ns = sim->config.stuck_ns / 4;
    }
    sim->tick_ns = UINT64_MAX;
    sim->world.trace = config->trace;
    sim->world.trace_context = config->trace_context;
    hayi_due_init(&sim->world.timers);
    hayi_dice_init(&sim->world.dice, config->seed);
    hayi_actions_init(&sim->actions);
    sim->nodes = calloc(count, sizeof(struct hayi_sim_node *));
    sim->links = calloc(count, sizeof sim->links[0]);
    sim->dirty = calloc(count, sizeof sim->dirty[0]);
    sim->join_ns = calloc(count, sizeof sim->join_ns[0]);
    sim->sched = hayi_sched_new(&sim->config.sched);
    if (hayi_ledger_init(&sim->world.ledger, count, config->node_count)
            != HAY_OK
        || sim->nodes == NULL || sim->links == NULL || sim->dirty == NULL
        || sim->join_ns == NULL || sim->sched == NULL || !make_net(sim)) {
        hayi_sim_free(sim);
        return NULL;
    }
    sim->world.ledger.stores.full_permille = config->full_permille;
    sim->world.ledger.stores.memory_limit = config->memory_limit;
    sim->world.ledger.stragglers = config->sched.straggler_permille != 0;
    for (uint32_t i = 0; i < count; i++) {
        struct hayi_sim_purse *has = &sim->world.ledger.wealth.workers[i].has;
        has->cores = config->nodes[i].cores;
        has->memory_bytes = config->nodes[i].memory_bytes;
    }
    memcpy(sim->join_ns, config->join_ns, count * sizeof sim->join_ns[0]);
    sim->config.nodes = NULL;
    sim->config.join_ns = NULL;
    return sim;
}

void hayi_sim_free(struct hayi_sim *sim)
{
    if (sim == NULL) {
        return;
    }
    for (uint32_t i = 0; i < sim->config.worker_count; i++) {
        hayi_sim_node_free(sim->nodes != NULL ? sim->nodes[i] : NULL);
        hayi_channel_free(sim->links != NULL ? sim->links[i].channel : NULL);
    }
    if (sim->transport != NULL) {
        sim->transport->ops->close(sim->transport, true);
    }
    hayi_simnet_free(sim->net);
    hayi_sched_free(sim->sched);
    hayi_actions_fini(&sim->actions);
    hayi_ledger_fini(&sim->world.ledger);
    hayi_due_fini(&sim->world.timers);
    free(sim->nodes);
    free(sim->links);
    free(sim->dirty);
    free(sim->join_ns);
    free(sim->wishes);
    free(sim->wants);
    free(sim->deps);
    free(sim);
}

/* ---- the manager tells the workers ---- */

void hayi_sim_mark_dirty(struct hayi_sim *sim, uint32_t worker)
{
    if (!sim->links[worker].dirty) {
        sim->links[worker].dirty = true;
        sim->dirty[sim->dirty_count++] = worker;
    }
}

static void flush(struct hayi_sim *sim, uint32_t worker)
{
    struct hayi_channel *channel = sim->links[worker].channel;

    sim->links[worker].dirty = false;
    while (!sim->links[worker].lost && hayi_channel_sendable(channel)) {
        const void *data;
        size_t size = hayi_channel_take_frame(channel, &data);
        if (size == 0) {
            return;
        }
        hay_status st =
            sim->transport->ops->send(sim->transport, worker + 1, data, size);
        if (st == HAY_EFARM) {
            return; /* it is down; the core knows, or will at once */
        }
        if (st != HAY_OK) {
            hayi_ledger_fail(&sim->world.ledger,
                             "the net is full in spite of credit");
            return;
        }
    }
}

/* ---- the core ---- */

void hayi_sim_wake_manager(struct hayi_sim *sim)
{
    if (!sim->turn_set) {
        uint64_t now_ns = sim->world.now_ns;
        uint64_t rest_ns =
            sim->held_up_ns > now_ns ? sim->held_up_ns - now_ns : 0;
        sim->turn_set = true;
        hayi_sim_set_timer(
            &sim->world,
            rest_ns
                + hayi_dice_below(&sim->world.dice, sim->config.turn_ns + 1),
            (struct hayi_sim_due){.timer = HAYI_SIM_MANAGER_TURN});
    }
}

static void write_to_worker(struct hayi_sim *sim,
                            const struct hayi_action *action)
{
    uint32_t worker = hayi_sim_mail_worker(action);
    if (sim->links[worker].lost) {
        hayi_ledger_fail(
            &sim->world.ledger, "w%u is lost, and spoken to", worker);
    }
    if (hayi_sim_mail_write(sim->links[worker].channel, action) != HAY_OK) {
        hayi_ledger_fail(&sim->world.ledger, "the simulator has no memory");
    }
    hayi_sim_mark_dirty(sim, worker);
}

static void act(struct hayi_sim *sim, const struct hayi_action *action)
{
    if (sim->world.trace != NULL) {
        char line[200];
        hayi_action_print(action, line, sizeof line);
        hayi_sim_trace(&sim->world, "core: %s", line);
    }
    hayi_ledger_action(&sim->world.ledger, action);
    switch (action->kind) {
    case HAYI_ACTION_HAND_OUT:
    case HAYI_ACTION_RECALL:
    case HAYI_ACTION_CANCEL:
    case HAYI_ACTION_CLAIM_DENIED:
        write_to_worker(sim, action);
        break;
    case HAYI_ACTION_RANGE_ENDED:
        hayi_sim_set_timer(
            &sim->world,
            READ_AFTER_NS,
            (struct hayi_sim_due){
                .timer = HAYI_SIM_READ,
                .number = (uint32_t)(action->u.range_ended.payload - 1)});
        break;
    case HAYI_ACTION_TELL:
        hayi_sim_trace(&sim->world,
                       "%" PRIu64 " is %s",
                       action->u.tell.payload - 1,
                       hay_state_name((hay_state)action->u.tell.state));
        sim->world.moved_ns = sim->world.now_ns;
        hayi_sim_release_after(sim, (uint32_t)(action->u.tell.payload - 1));
        hayi_sim_kid_told(sim, (uint32_t)(action->u.tell.payload - 1));
        break;
    case HAYI_ACTION_LET_GO:
        hayi_sim_trace(&sim->world, "w%u may go", action->u.let_go.worker);
        sim->world.moved_ns = sim->world.now_ns;
        hayi_sim_fence(sim, action->u.let_go.worker);
        break;
    case HAYI_ACTION_WORKER_LOST:
        hayi_sim_trace(&sim->world,
                       "w%u is lost%s",
                       action->u.worker_lost.worker,
                       action->u.worker_lost.silent ? ", silent" : "");
        sim->world.moved_ns = sim->world.now_ns;
        hayi_sim_check_silence(sim, action);
        hayi_sim_fence(sim, action->u.worker_lost.worker);
        break;
    case HAYI_ACTION_ATTEMPT_ENDED:
        hayi_sim_tell_unwanted(sim,
                               (uint32_t)(action->u.attempt_ended.payload - 1),
                               action->u.attempt_ended.attempt);
        break;
    case HAYI_ACTION_INPUTS:
        hayi_sim_set_timer(
            &sim->world,
            READ_AFTER_NS,
            (struct hayi_sim_due){
                .timer = HAYI_SIM_INPUTS,
                .number = (uint32_t)(action->u.inputs.payload - 1)});
        break;
    case HAYI_ACTION_FETCH:
        hayi_sim_fetch(sim, action);
        break;
    case HAYI_ACTION_DROP: {
        const char *rule = hayi_stores_drop(&sim->world.ledger.stores, action);
        if (rule != NULL) {
            hayi_ledger_fail(&sim->world.ledger, "%s", rule);
        }
        hayi_sim_pressure(sim, action->u.drop.node);
        break;
    }
    case HAYI_ACTION_WANTED:
        hayi_sim_wanted(sim, action);
        break;
    case HAYI_ACTION_STATE:
    case HAYI_ACTION_ANSWER:
    case HAYI_ACTION_ALL_ENDED:
    case HAYI_ACTION_FORGET:
        break;
    }
}

void hayi_sim_act_all(struct hayi_sim *sim)
{
    for (size_t i = 0; i < sim->actions.count; i++) {
        struct hayi_action action = sim->actions.list[i]; /* more may come */
        act(sim, &action);
    }
    sim->actions.count = 0;
}

/* Look at the invariants when enough has happened to pay for it. */
static void check(struct hayi_sim *sim)
{
    struct hayi_sched_stats stats;

    sim->credit += CHECK_CREDIT;
    if (!sim->config.check_all && sim->credit < sim->config.worker_count) {
        return;
    }
    hayi_sched_get_stats(sim->sched, &stats);
    if (sim->config.check_all
        || sim->credit >= stats.unfinished + sim->config.worker_count) {
        hayi_sched_check(sim->sched);
        sim->credit = 0;
    }
}

hay_status hayi_sim_step(struct hayi_sim *sim, struct hayi_event *event)
{
    hay_status st =
        hayi_sched_step(sim->sched, sim->world.now_ns, event, &sim->actions);
    sim->events++;
    if (st != HAY_OK && st != HAY_EINVAL) {
        hayi_ledger_fail(&sim->world.ledger,
                         "the core refuses an event of kind %d: %s",
                         (int)event->kind,
                         hay_status_name(st));
    }
    check(sim);
    return st;
}

static void set_tick(struct hayi_sim *sim)
{
    uint64_t deadline_ns = hayi_sched_deadline_ns(sim->sched);
    uint64_t now_ns = sim->world.now_ns;

    if (deadline_ns < sim->tick_ns) {
        sim->tick_ns = deadline_ns;
        hayi_sim_set_timer(&sim->world,
                           deadline_ns > now_ns ? deadline_ns - now_ns : 0,
                           (struct hayi_sim_due){.timer = HAYI_SIM_TICK});
    }
}

/* ---- the manager hears ---- */

static hay_status
record_came(void *context, uint16_t type, const void *body, size_t size);

struct sender {
    struct hayi_sim *sim;
    uint32_t worker;
};

static void
frame_came(void *context, uint32_t peer, const void *data, size_t size)
{
    struct hayi_sim *sim = context;
    struct sender sender = {sim, peer - 1};
    struct hayi_error err = {.status = HAY_OK};
    struct hayi_event event = {.kind = HAYI_EVENT_HEARD,
                               .u.heard = {.worker = peer - 1}};

    sim->links[peer - 1].heard_ns = sim->world.now_ns;
    if (sim->links[peer - 1].lost && hayi_sim_refuse(sim, peer - 1)) {
        return;
    }
    if (hayi_channel_receive(sim->links[peer - 1].channel,
                             data,
                             size,
                             record_came,
                             &sender,
                             &err)
        != HAY_OK) {
        if (!sim->links[peer - 1].spoilt) {
            hayi_ledger_fail(
                &sim->world.ledger, "a frame is refused: %s", err.text);
        }
        event.kind = HAYI_EVENT_LOST;
        event.u.lost.worker = peer - 1;
        (void)hayi_sim_step(sim, &event);
        hayi_sim_act_all(sim);
        return;
    }
    (void)hayi_sim_step(sim, &event);
    hayi_sim_mark_dirty(sim, peer - 1); /* credit may have come */
}

static void peer_down(void *context, uint32_t peer, const char *how)
{
    struct hayi_sim *sim = context;
    struct hayi_event event = {.kind = HAYI_EVENT_LOST,
                               .u.lost = {.worker = peer - 1}};
    (void)how;
    (void)hayi_sim_step(sim, &event);
}

/* An attempt, not of a map, is with its worker no more. */
static void came_back(struct hayi_ledger *ledger,
                      uint16_t type,
                      const void *body,
                      const struct hayi_ledger_out *out)
{
    const struct hayi_attempt_record *attempt = body;
    const struct hayi_ended *ended = body;
    if (type == HAYI_RECORD_RETURNED) {
        hayi_ledger_back(ledger, attempt->missing, out);
    } else if (type == HAYI_RECORD_ENDED) {
        hayi_ledger_back(ledger, (uint32_t)(ended->handed_ns >> 32) - 1, out);
    }
}

static hay_status
record_came(void *context, uint16_t type, const void *body, size_t size)
{
    const struct sender *sender = context;
    struct hayi_ledger *ledger = &sender->sim->world.ledger;
    struct hayi_event event;

    (void)size;
    if (hayi_sim_nest_came(sender->sim, sender->worker, type, body)) {
        hayi_sim_act_all(sender->sim);
        return HAY_OK;
    }
    if (hayi_sim_mail_read(sender->worker, type, body, &event) != HAY_OK) {
        hayi_ledger_fail(&sender->sim->world.ledger, "an unknown record");
        return HAY_OK;
    }
    if (event.kind == HAYI_EVENT_LEAVE) {
        ledger->leaving[sender->worker] = true;
        ledger->leave_count++;
    }
    if (event.kind == HAYI_EVENT_JOINED) {
        sender->sim->links[sender->worker].joined = true;
        hayi_sim_step_joined(sender->sim, &event);
        return HAY_OK;
    }
    if (event.kind == HAYI_EVENT_ENDED || event.kind == HAYI_EVENT_RETURNED) {
        bool end = event.kind == HAYI_EVENT_ENDED;
        const struct hayi_ledger_out out = {
            .task = end ? event.u.ended.task : event.u.returned.task,
            .attempt = end ? event.u.ended.attempt : event.u.returned.attempt,
            .worker = sender->worker,
        };
        hayi_wealth_back(
            &ledger->wealth, sender->worker, out.task, out.attempt);
        came_back(ledger, type, body, &out);
    }
    if (event.kind == HAYI_EVENT_ENDED && type == HAYI_RECORD_ENDED
        && !sender->sim->links[sender->worker].lost) {
        uint64_t report = event.u.ended.report;
        hayi_ledger_heard(
            ledger, (uint32_t)(report >> 32) - 1, (uint32_t)report);
    }
    if (event.kind == HAYI_EVENT_ENDED && type == HAYI_RECORD_ENDED
        && event.u.ended.outcome == HAYI_OUTCOME_FINISHED) {
        struct hayi_dep dep;
        (void)hayi_sim_follow(sender->sim, &event, &dep);
        hayi_sim_step_made(sender->sim, &event);
    } else {
        (void)hayi_sim_step(sender->sim, &event);
    }
    return HAY_OK;
}

static void manager_turn(struct hayi_sim *sim)
{
    const struct hayi_transport_sink sink = {
        .frame = frame_came, .down = peer_down, .context = sim};

    sim->turn_set = false;
    if (sim->world.now_ns < sim->held_up_ns) {
        hayi_sim_wake_manager(sim);
        return;
    }
    (void)sim->transport->ops->poll(sim->transport, &sink);
    if (hayi_sched_dispatch(sim->sched, sim->world.now_ns, &sim->actions)
        != HAY_OK) {
        hayi_ledger_fail(&sim->world.ledger, "no memory to dispatch");
    }
    check(sim);
    hayi_sim_act_all(sim);
    while (sim->dirty_count > 0) {
        flush(sim, sim->dirty[--sim->dirty_count]);
    }
    set_tick(sim);
}

static void tick(struct hayi_sim *sim)
{
    struct hayi_event event = {.kind = HAYI_EVENT_TICK};

    sim->tick_ns = UINT64_MAX;
    if (sim->world.now_ns < sim->held_up_ns) {
        hayi_sim_wake_manager(sim); /* which takes in the news that wait */
    } else if (hayi_sched_deadline_ns(sim->sched) <= sim->world.now_ns) {
        (void)hayi_sim_step(sim, &event);
        hayi_sim_act_all(sim);
        hayi_sim_wake_manager(sim);
    } else {
        set_tick(sim);
    }
}

/* ---- the run ---- */

static void timer_due(struct hayi_sim *sim, struct hayi_sim_due due)
{
    switch (due.timer) {
    case HAYI_SIM_WISH: {
        struct hayi_sim_wish wish = sim->wishes[due.number];
        hayi_sim_wish_comes(sim, &wish);
        break;
    }
    case HAYI_SIM_MANAGER_TURN:
        manager_turn(sim);
        break;
    case HAYI_SIM_TICK:
        tick(sim);
        break;
    case HAYI_SIM_READ:
        hayi_sim_read_items(sim, due.number);
        break;
    case HAYI_SIM_INPUTS:
        hayi_sim_tell_inputs(sim, due.number);
        break;
    case HAYI_SIM_FLIGHT:
        hayi_sim_land(sim, due.number);
        break;
    case HAYI_SIM_SPILL:
        hayi_sim_spill(sim, due.number);
        break;
    case HAYI_SIM_BEAT:
        hayi_sim_beat(sim);
        break;
    case HAYI_SIM_NODE_JOIN:
    case HAYI_SIM_NODE_TURN:
    case HAYI_SIM_NODE_FLUSH:
    case HAYI_SIM_NODE_BEAT:
    case HAYI_SIM_SLOT:
        hayi_sim_node_timer(sim->nodes[due.node], due);
        if (due.timer == HAYI_SIM_NODE_TURN) {
            hayi_sim_node_check(sim->nodes[due.node]);
        }
        break;
    }
}

static void set_time(struct hayi_sim *sim, uint64_t now_ns)
{
    sim->still = now_ns > sim->world.now_ns ? 0 : sim->still + 1;
    if (sim->still > STILL_MAX) {
        hayi_ledger_fail(&sim->world.ledger, "time stands still");
    }
    sim->world.now_ns = now_ns;
    sim->world.ledger.now_ns = now_ns;
    hayi_simnet_advance(sim->net, now_ns);
}

bool hayi_sim_advance(struct hayi_sim *sim)
{
    const struct hayi_due_entry *first = hayi_due_first(&sim->world.timers);
    uint64_t frame_ns = UINT64_MAX;
    bool frame = hayi_simnet_next(sim->net, &frame_ns);

    if (first == NULL && !frame) {
        return false;
    }
    if (first == NULL || frame_ns < first->at_ns) {
        set_time(sim, frame_ns);
        uint32_t peer = hayi_simnet_tell(sim->net);
        if (peer == 0) {
            hayi_sim_wake_manager(sim);
        } else {
            hayi_sim_node_wake(sim->nodes[peer - 1]);
        }
    } else {
        set_time(sim, first->at_ns);
        timer_due(sim, hayi_sim_next_timer(&sim->world));
    }
    return true;
}

/* Nothing moves: say of some tasks why. */
static void tell_stories(struct hayi_sim *sim, const char *why)
{
    const struct hayi_ledger *ledger = &sim->world.ledger;
    char text[STORIES_MAX * STORY_SIZE + 1] = "";
    size_t at = 0;
    uint32_t stories = 0;

    for (uint32_t i = 0; i < ledger->count && stories < STORIES_MAX; i++) {
        if (ledger->tasks[i].submitted && !ledger->tasks[i].told) {
            hayi_sched_story(sim->sched,
                             ledger->tasks[i].handle,
                             sim->world.now_ns,
                             text + at,
                             STORY_SIZE);
            at = strlen(text);
            stories++;
        }
    }
    hayi_ledger_fail(&sim->world.ledger,
                     "%s; %u of %u have ended, %u wants, closed %d; %s",
                     why,
                     ledger->told_count,
                     ledger->count,
                     sim->wants_open,
                     (int)ledger->closed,
                     text);
}

static void count_states(const struct hayi_sim *sim,
                         struct hayi_sim_result *result)
{
    const struct hayi_stores *stores = &sim->world.ledger.stores;
    struct hayi_sched_stats stats;

    hayi_sched_get_stats(sim->sched, &stats);
    *result = (struct hayi_sim_result){.end_ns = sim->world.now_ns,
                                       .events = sim->events,
                                       .stale = stats.stale,
                                       .fetched = stores->fetched,
                                       .dropped = stores->dropped,
                                       .full = stores->full,
                                       .pressed = stores->pressed,
                                       .broken = stores->broken,
                                       .remakes = sim->world.ledger.remakes,
                                       .losses = sim->world.ledger.loss_count,
                                       .let_go = sim->world.ledger.let_go,
                                       .ghosts = sim->world.ledger.ghosts,
                                       .late = sim->late,
                                       .counts = sim->world.counts};
    result->counts.granted = sim->world.ledger.wealth.granted;
    result->doubles = sim->world.ledger.doubles;
    result->beaten = sim->world.ledger.beaten;
    result->pauses = sim->world.ledger.pauses;
    for (uint32_t i = 0; i < sim->world.ledger.count; i++) {
        const struct hayi_ledger_task *task = &sim->world.ledger.tasks[i];
        result->finished += task->told && task->state == HAY_FINISHED;
        result->failed += task->told && task->state == HAY_FAILED;
        result->cancelled += task->told && task->state == HAY_CANCELLED;
    }
}

/* What is on its way to a dead worker is so until the core knows. */
static bool all_losses_known(const struct hayi_sim *sim)
{
    for (uint32_t i = 0; i < sim->config.worker_count; i++) {
        if (sim->world.ledger.lost[i] && !sim->links[i].lost) {
            return false;
        }
    }
    return true;
}

hay_status hayi_sim_run(struct hayi_sim *sim,
                        struct hayi_sim_result *result,
                        struct hayi_error *err)
{
    struct hayi_ledger *ledger = &sim->world.ledger;

    hayi_sim_tell_wealth(sim);
    for (uint32_t i = 0; i < sim->config.worker_count; i++) {
        hayi_sim_set_timer(
            &sim->world,
            sim->join_ns[i],
            (struct hayi_sim_due){.timer = HAYI_SIM_NODE_JOIN, .node = i});
    }
    if (sim->config.beat_ns != 0) {
        hayi_sim_beat(sim);
    }
    while ((!ledger->all_ended || sim->wants_open > 0)
           && ledger->err.status == HAY_OK) {
        if (!hayi_sim_advance(sim)) {
            tell_stories(sim, "nothing is left to happen");
        } else if (sim->world.now_ns - sim->world.moved_ns
                   > sim->config.stuck_ns) {
            tell_stories(sim, "nothing moves");
        }
    }
    hayi_sim_end_ghosts(sim);
    while (ledger->err.status == HAY_OK && sim->flights_open > 0) {
        if (!hayi_sim_advance(sim)) {
            tell_stories(sim, "a fetch never ends");
        }
    }
    hayi_sim_release_all(sim);
    if (ledger->err.status == HAY_OK) {
        if (all_losses_known(sim)) {
            hayi_ledger_emptied(ledger);
        }
        hayi_sched_check(sim->sched);
    }
    count_states(sim, result);
    if (err != NULL) {
        *err = ledger->err;
    }
    return ledger->err.status;
}
