/* cluster_net.c - what goes wrong between the simulated manager and its
 * workers: links that are slow, cut for a time, or lose and repeat frames;
 * workers that were given up and do not know it.
 *
 * What is sent over a cut link comes when it is whole again, as with TCP.  A
 * worker that the core counts as lost is told so when that happens, and for
 * each of its frames that come later; it must end itself then.
 */
#include "config.h"

#include "sim/cluster_inside.h"

#include <stdalign.h>

#define GHOSTS_NS 60000000000u /* in which all lost workers must have ended */

uint64_t
hayi_sim_delay_ns(void *context, uint32_t from, uint32_t to, size_t size)
{
    struct hayi_sim *sim = context;
    uint32_t peer = from == 0 ? to : from;
    uint64_t delay_ns =
        sim->config.latency_ns
        + hayi_dice_below(&sim->world.dice, sim->config.jitter_ns + 1);
    (void)size;
    if (from == to) {
        return delay_ns;
    }
    const struct sim_link *link = &sim->links[peer - 1];
    uint64_t cut_ns = link->cut_ns[to == 0 ? 1 : 0];
    if (cut_ns > sim->world.now_ns) {
        delay_ns += cut_ns - sim->world.now_ns;
    }
    return delay_ns + link->slow_ns;
}

static void tell_given_up(struct hayi_sim *sim, uint32_t worker)
{
    alignas(8) unsigned char frame[HAYI_FRAME_HEAD];

    hayi_channel_fence(sim->links[worker].channel, frame);
    (void)sim->transport->ops->send(
        sim->transport, worker + 1, frame, sizeof frame);
}

void hayi_sim_fence(struct hayi_sim *sim, uint32_t worker)
{
    sim->links[worker].lost = true;
    tell_given_up(sim, worker);
}

void hayi_sim_check_silence(struct hayi_sim *sim,
                            const struct hayi_action *action)
{
    uint32_t worker = action->u.worker_lost.worker;
    if (action->u.worker_lost.silent
        && sim->world.now_ns - sim->links[worker].heard_ns
               < sim->config.sched.silence_ns) {
        hayi_ledger_fail(
            &sim->world.ledger, "w%u counts as silent, and was heard", worker);
    }
}

/* Nobody may be silent for much longer without being lost. */
static void check_silent(struct hayi_sim *sim, uint32_t worker)
{
    const struct sim_link *link = &sim->links[worker];
    if (link->joined && !link->lost
        && sim->world.now_ns - link->heard_ns
               > sim->config.sched.silence_ns * 2) {
        hayi_ledger_fail(
            &sim->world.ledger, "w%u is silent, and nobody minds", worker);
    }
}

bool hayi_sim_refuse(struct hayi_sim *sim, uint32_t worker)
{
    sim->late++;
    tell_given_up(sim, worker);
    return !sim->config.late_news || sim->links[worker].spoilt;
}

void hayi_sim_spoil(struct hayi_sim *sim, const struct hayi_sim_wish *wish)
{
    uint32_t peer = wish->worker + 1;

    hayi_sim_trace(&sim->world,
                   "a frame %s w%u %s",
                   wish->nested ? "of" : "to",
                   wish->worker,
                   wish->flag ? "comes twice" : "is lost");
    sim->links[wish->worker].spoilt = true;
    hayi_sim_node_spoilt(sim->nodes[wish->worker]);
    hayi_simnet_spoil(sim->net,
                      wish->nested ? peer : 0,
                      wish->nested ? 0 : peer,
                      !wish->flag);
}

/* Workers that have not even joined are nobody's business of the core. */
static void check_unjoined(struct hayi_sim *sim, uint32_t worker)
{
    const struct sim_link *link = &sim->links[worker];
    if (!link->joined && !link->lost
        && sim->world.now_ns - link->heard_ns
               > sim->config.sched.silence_ns * 3) {
        struct hayi_event event = {.kind = HAYI_EVENT_LOST,
                                   .u.lost = {.worker = worker}};
        hayi_sim_trace(&sim->world, "w%u never joined", worker);
        (void)hayi_sim_step(sim, &event);
        hayi_sim_act_all(sim);
    }
}

void hayi_sim_beat(struct hayi_sim *sim)
{
    if (sim->world.now_ns >= sim->held_up_ns) {
        for (uint32_t i = 0; i < sim->config.worker_count; i++) {
            check_unjoined(sim, i);
            check_silent(sim, i);
            if (!sim->links[i].lost) {
                hayi_channel_ask_frame(sim->links[i].channel);
                hayi_sim_mark_dirty(sim, i);
            }
        }
        hayi_sim_wake_manager(sim);
    }
    hayi_sim_set_timer(&sim->world,
                       sim->config.beat_ns,
                       (struct hayi_sim_due){.timer = HAYI_SIM_BEAT});
}

void hayi_sim_end_ghosts(struct hayi_sim *sim)
{
    struct hayi_ledger *ledger = &sim->world.ledger;
    uint64_t end_ns = sim->world.now_ns + GHOSTS_NS;
    uint32_t next = 0;

    while (ledger->err.status == HAY_OK && next < sim->config.worker_count) {
        if (!sim->links[next].lost || hayi_sim_node_dead(sim->nodes[next])) {
            next++;
        } else if (sim->world.now_ns > end_ns || !hayi_sim_advance(sim)) {
            hayi_ledger_fail(ledger, "w%u is lost and works on", next);
        }
    }
}
