/* test_several.c - a manager of three workers, some of which are lost: their
 * attempts go to others, the others are told, late news count for nothing.
 *
 * The workers are played by the test, over the transport in virtual time.
 * Workers 1 and 2 share a node.
 */
#include "config.h"

#include "manager_bed.h"

#include "base/clock.h"
#include "client/nest_record.h"
#include "client/remote_executor.h"
#include "manager/manager_nested.h"
#include "transport/transport_sim.h"

#include "support/unit.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

enum { WORKERS = 3, TASKS = 3 };

struct player {
    struct hayi_transport *end; /* NULL: it is dead */
    struct hayi_link link;
    bool deaf;                       /* it neither hears nor speaks */
    bool fenced;                     /* it has heard that it was given up */
    struct bed_known has[TASKS + 2]; /* attempts that it got, by the task's id;
                                        attempt 0: none */
    unsigned lost[WORKERS + 1];      /* how often it was told, by peer */
    unsigned reaps[WORKERS + 1];
    unsigned stops;
};

static struct hayi_simnet *net;
static struct hayi_transport *manager_end;
static struct player players[WORKERS + 1];
static struct player *hearing;     /* whose record it is */
static struct hayi_remote *remote; /* a client in worker 2; NULL: none */
static uint64_t now_ns;

/* ---- the workers --------------------------------------------------------- */

static void say(struct player *p, uint16_t type, const void *head, size_t size)
{
    CU_ASSERT_EQUAL(hayi_link_append(&p->link, type, head, size), HAY_OK);
}

static hay_status
on_record(void *context, uint16_t type, const void *body, size_t size)
{
    struct player *p = hearing;
    struct hayi_error err;
    (void)context;
    if (remote != NULL && p == &players[2] && hayi_nest_is(type, false)) {
        CU_ASSERT_EQUAL(hayi_remote_take(remote, type, body, size, &err),
                        HAY_OK);
    } else if (type == HAYI_RECORD_TASK) {
        const struct hayi_task_record *head = body;
        CU_ASSERT_FATAL(head->id < TASKS + 2);
        p->has[head->id] = (struct bed_known){
            .task = head->task,
            .handed_ns = head->handed_ns,
            .attempt = head->attempt,
        };
    } else if (type == HAYI_RECORD_LOST) {
        const struct hayi_lost_record *head = body;
        CU_ASSERT_FATAL(head->peer <= WORKERS);
        p->lost[head->peer]++;
        p->reaps[head->peer] += head->reap;
    } else if (type == HAYI_RECORD_STOP) {
        p->stops++;
    } else if (type == HAYI_RECORD_PING) {
        struct hayi_ping pong = *(const struct hayi_ping *)body;
        pong.worker_ns = now_ns;
        say(p, HAYI_RECORD_PONG, &pong, sizeof(pong));
    }
    return HAY_OK;
}

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    (void)context;
    CU_ASSERT_EQUAL(peer, 0);
    hay_status status = hayi_channel_receive(
        hearing->link.channel, data, size, on_record, NULL, NULL);
    hearing->fenced = hearing->fenced || status == HAY_EFARM;
    CU_ASSERT_TRUE(status == HAY_OK || status == HAY_EFARM);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    (void)peer;
    (void)how;
}

static void turn(void)
{
    const struct hayi_transport_sink sink = {.frame = on_frame,
                                             .down = on_down};
    bool any = false;
    now_ns += 1000000;
    hayi_simnet_advance(net, now_ns);
    if (remote != NULL && !players[2].deaf) {
        CU_ASSERT_EQUAL(hayi_remote_pump(remote, false, &any), HAY_OK);
    }
    for (int i = 1; i <= WORKERS; i++) {
        hearing = &players[i];
        if (hearing->end != NULL && !hearing->deaf) {
            (void)hearing->end->ops->poll(hearing->end, &sink);
            hayi_link_heartbeat(&hearing->link, now_ns, SECOND_NS);
            (void)hayi_link_flush(&hearing->link, hearing->end, now_ns);
        }
    }
    (void)hayi_manager_poll(bed_manager, now_ns);
    if (remote != NULL) {
        hayi_remote_wake(remote);
    }
}

static void turns(int count)
{
    for (int i = 0; i < count; i++) {
        turn();
    }
}

static void join_at(int i, uint32_t node, uint32_t member)
{
    struct {
        struct hayi_join head;
        char host[8];
    } body = {.head = {.cores = 1,
                       .host_size = 5,
                       .store_of = node,
                       .member = member},
              .host = "node"};
    say(&players[i], HAYI_RECORD_JOIN, &body, sizeof(body));
}

static void join(int i)
{
    join_at(i, i == 2 ? 1 : (uint32_t)i, i == 2 ? 1 : 0);
}

static void finish(int i, uint64_t id)
{
    const struct bed_known *known = &players[i].has[id];
    const struct hayi_ended head = {
        .task = known->task,
        .handed_ns = known->handed_ns,
        .start_ns = known->handed_ns,
        .end_ns = known->handed_ns + 1,
        .attempt = known->attempt,
        .cores = 1,
        .outcome = HAYI_OUTCOME_FINISHED,
    };
    CU_ASSERT_NOT_EQUAL_FATAL(known->attempt, 0);
    say(&players[i], HAYI_RECORD_ENDED, &head, sizeof(head));
}

/* Who got this attempt, but for 'not'; 0: nobody. */
static int who_has(uint64_t id, uint32_t attempt, int not )
{
    for (int i = 1; i <= WORKERS; i++) {
        if (i != not &&players[i].has[id].attempt == attempt) {
            return i;
        }
    }
    return 0;
}

static void die(int i)
{
    hayi_simnet_kill(net, (uint32_t)i, false);
    players[i].deaf = true;
}

/* ---- fixture ------------------------------------------------------------- */

static void post(void *m, struct hayi_item *item)
{
    hayi_manager_post(m, item);
}

static hay_status joined(void *m, struct hayi_error *err)
{
    (void)m;
    (void)err;
    return HAY_OK;
}

static const struct hayi_manager_ops ops = {post, joined, NULL};

static void setup(void)
{
    static const struct hayi_worker_name names[WORKERS] = {
        {1, "node", 4711}, {2, "node", 4712}, {3, "node", 4713}};
    static char *environment[] = {NULL};
    const struct hayi_simnet_config config = {.peer_count = WORKERS + 1};
    hay_options options = HAY_OPTIONS_INIT;
    memset(players, 0, sizeof(players));
    now_ns = hayi_clock_ns();
    CU_ASSERT_EQUAL_FATAL(hayi_simnet_new(&config, &net), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_simnet_end(net, 0, &manager_end), HAY_OK);
    for (uint32_t i = 1; i <= WORKERS; i++) {
        struct player *p = &players[i];
        CU_ASSERT_EQUAL_FATAL(hayi_simnet_end(net, i, &p->end), HAY_OK);
        CU_ASSERT_EQUAL_FATAL(hayi_link_init(&p->link, p->end, 0, BED_EPOCH),
                              HAY_OK);
    }
    CU_ASSERT_EQUAL_FATAL(hayi_bell_init(&bed_bell), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_executor_new(&options, &bed_ex), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_store_new(&bed_ex->store, NULL), HAY_OK);
    bed_ex->workers_expected = WORKERS;
    const struct hayi_manager_config manager = {
        .transport = manager_end,
        .bell = &bed_bell,
        .ex = bed_ex,
        .options = &options,
        .names = names,
        .epoch = BED_EPOCH,
        .environment = environment,
    };
    CU_ASSERT_EQUAL_FATAL(hayi_manager_new(&manager, &bed_manager, NULL),
                          HAY_OK);
    bed_ex->ops = &ops;
    bed_ex->manager = bed_manager;
}

static void teardown(void)
{
    for (uint32_t w = 0; w < WORKERS; w++) {
        hayi_manager_lose(bed_manager, w, "the test is over");
    }
    hayi_manager_refuse_late(bed_manager);
    hayi_manager_free(bed_manager);
    bed_manager = NULL;
    hay_executor_free(bed_ex);
    bed_ex = NULL;
    manager_end->ops->close(manager_end, false);
    for (int i = 1; i <= WORKERS; i++) {
        hayi_link_fini(&players[i].link);
        players[i].end->ops->close(players[i].end, false);
    }
    hayi_simnet_free(net);
    hayi_bell_fini(&bed_bell);
}

/* ---- tests --------------------------------------------------------------- */

/* Each of the workers that have joined holds one, or more. */
static void submit_all(hay_future *list[TASKS])
{
    for (int i = 0; i < TASKS; i++) {
        list[i] = bed_submit(HAY_NO_ARGS, NULL);
    }
    turns(5);
}

/* Whoever has the last attempt of a task finishes it. */
static void finish_all(hay_future *list[TASKS])
{
    for (int round = 0; round < 10; round++) {
        for (uint64_t id = 1; id <= TASKS; id++) {
            int i = who_has(id, 2, 0);
            i = i != 0 ? i : who_has(id, 1, 0);
            if (!hay_future_done(list[id - 1]) && i != 0 && !players[i].deaf) {
                finish(i, id);
                turns(5);
            }
        }
    }
    for (int i = 0; i < TASKS; i++) {
        bed_check_end(list[i], HAY_OK, "");
    }
    hay_stats stats = {.size = sizeof(stats)};
    CU_ASSERT_EQUAL(hay_executor_stats(bed_ex, &stats), HAY_OK);
    CU_ASSERT_EQUAL(stats.finished, TASKS);
    CU_ASSERT_EQUAL(stats.failed, 0);
}

static void all_join(void)
{
    for (int i = 1; i <= WORKERS; i++) {
        join(i);
    }
    turns(5);
}

static void attempts_of_a_lost_worker_go_to_others(void)
{
    hay_future *list[TASKS];
    all_join();
    submit_all(list);
    uint64_t id = 1;
    while (id < TASKS && players[2].has[id].attempt == 0) {
        id++;
    }
    CU_ASSERT_EQUAL_FATAL(players[2].has[id].attempt, 1);
    die(2);
    turns(5);
    CU_ASSERT_NOT_EQUAL(who_has(id, 2, 2), 0);
    finish_all(list);
}

/* They were behind another one of the only core. */
static void attempts_that_never_began_are_not_counted(void)
{
    hay_future *list[TASKS];
    join(2);
    turns(5);
    submit_all(list);
    CU_ASSERT_EQUAL_FATAL(players[2].has[1].attempt, 1);
    CU_ASSERT_EQUAL_FATAL(players[2].has[2].attempt, 1);
    die(2);
    turns(5);
    join(1);
    join(3);
    turns(5);
    hay_future *first = hay_future_retain(list[0]);
    hay_future *second = hay_future_retain(list[1]);
    CU_ASSERT_NOT_EQUAL(who_has(2, 2, 2), 0); /* its number */
    finish_all(list);
    CU_ASSERT_EQUAL(bed_outcome_of(first).attempts, 2); /* it may have run */
    CU_ASSERT_EQUAL(bed_outcome_of(second).attempts, 1);
    hay_future_release(first);
    hay_future_release(second);
}

static void attempts_that_began_are_counted(void)
{
    hay_future *list[TASKS];
    all_join();
    submit_all(list);
    uint64_t id = 1;
    while (id < TASKS && players[2].has[id].attempt == 0) {
        id++;
    }
    const struct hayi_attempt_record started = {players[2].has[id].task, 1, 0};
    say(&players[2], HAYI_RECORD_STARTED, &started, sizeof(started));
    turns(3);
    die(2);
    turns(5);
    hay_future *again = hay_future_retain(list[id - 1]);
    finish_all(list);
    CU_ASSERT_EQUAL(bed_outcome_of(again).attempts, 2);
    hay_future_release(again);
}

static void others_are_told_of_a_lost_worker(void)
{
    all_join();
    die(2);
    turns(5);
    CU_ASSERT_EQUAL(players[1].lost[2], 1);
    CU_ASSERT_EQUAL(players[3].lost[2], 1);
    CU_ASSERT_EQUAL(players[1].reaps[2], 1); /* of its node */
    CU_ASSERT_EQUAL(players[3].reaps[2], 0);
    CU_ASSERT_EQUAL(players[1].stops, 0);
}

/* Who was to clear away after the first may not have come to it. */
static void second_loss_of_a_node_clears_away_after_both(void)
{
    for (int i = 1; i <= WORKERS; i++) {
        join_at(i, 1, (uint32_t)i - 1);
    }
    turns(5);
    die(2);
    turns(5);
    CU_ASSERT_EQUAL(players[1].reaps[2], 1);
    CU_ASSERT_EQUAL(players[3].reaps[2], 0);
    die(1);
    turns(5);
    CU_ASSERT_EQUAL(players[3].reaps[1], 1);
    CU_ASSERT_EQUAL(players[3].reaps[2], 1);
}

static void silent_worker_is_fenced_and_its_news_are_late(void)
{
    hay_future *list[TASKS];
    all_join();
    submit_all(list);
    uint64_t id = 1;
    while (id < TASKS && players[2].has[id].attempt == 0) {
        id++;
    }
    players[2].deaf = true;
    for (int s = 0; s < 17; s++) {
        now_ns += SECOND_NS;
        turns(3);
    }
    CU_ASSERT_EQUAL(players[1].lost[2], 1);
    CU_ASSERT_EQUAL(players[1].reaps[2], 0); /* it may live */
    int other = who_has(id, 2, 2);
    CU_ASSERT_NOT_EQUAL_FATAL(other, 0);
    players[2].deaf = false;
    finish(2, id);
    turns(5);
    CU_ASSERT_TRUE(players[2].fenced);
    CU_ASSERT_FALSE(hay_future_done(list[id - 1]));
    players[2].deaf = true;
    finish_all(list);
    /* Now it has died: what it has left can be cleared away. */
    die(2);
    turns(5);
    CU_ASSERT_EQUAL(players[1].reaps[2], 1);
}

/* ---- a client in worker 2 ---- */

static void *append(void *context, uint16_t type, size_t size)
{
    (void)context;
    return hayi_channel_append(players[2].link.channel, type, size);
}

static size_t unsent(void *context)
{
    (void)context;
    return hayi_channel_unsent(players[2].link.channel);
}

static void ring(void *context)
{
    (void)context;
}

struct client {
    hay_future *list[2];
    atomic_uint done;
};

/* As a task would, in a thread of its own. */
static void *client_main(void *argument)
{
    struct client *client = argument;
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(hay_submit(hayi_remote_executor(remote),
                                   bed_one,
                                   HAY_NO_ARGS,
                                   NULL,
                                   &client->list[i]),
                        HAY_OK);
    }
    atomic_store(&client->done, 1);
    return NULL;
}

static void open_client(struct client *client)
{
    struct hayi_error err;
    pthread_t thread;
    const struct hayi_remote_config config = {
        .store = bed_ex->store,
        .seed = 1,
        .workers_expected = WORKERS,
        .node_count = 2,
        .append = append,
        .unsent = unsent,
        .ring = ring,
    };
    CU_ASSERT_EQUAL_FATAL(hayi_remote_new(&config, &remote, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, client_main, client),
                          0);
    while (atomic_load(&client->done) == 0) {
        turn();
        (void)sched_yield();
    }
    (void)pthread_join(thread, NULL);
    turns(6);
}

static void close_client(struct client *client)
{
    struct hayi_error err;
    (void)hayi_fail(&err, HAY_EFARM, "the manager is gone");
    hayi_remote_break(remote, &err);
    for (int i = 0; i < 2; i++) {
        bed_check_end(client->list[i], HAY_EFARM, "the manager is gone");
    }
    hayi_remote_free(remote);
    remote = NULL;
}

/* The step that finds it silent has more to say of the tasks of its client: an
 * attempt of one was lost with it. */
static void tasks_of_a_silent_workers_client_outlast_the_step(void)
{
    struct client client = {.done = 0};
    join(2);
    turns(5);
    open_client(&client);
    CU_ASSERT_EQUAL(bed_manager->nested.count, 2);
    const struct bed_known *known =
        &players[2].has[hay_future_id(client.list[0])];
    const struct hayi_attempt_record started = {known->task, 1, 0};
    CU_ASSERT_EQUAL_FATAL(known->attempt, 1);
    say(&players[2], HAYI_RECORD_STARTED, &started, sizeof(started));
    join(1);
    join(3);
    turns(5);
    players[2].deaf = true;
    for (int s = 0; s < 17; s++) {
        now_ns += SECOND_NS;
        turns(3);
    }
    CU_ASSERT_EQUAL(players[1].lost[2], 1);
    CU_ASSERT_EQUAL(hay_executor_health(bed_ex), HAY_OK);
    CU_ASSERT_EQUAL(bed_manager->nested.count, 0);
    CU_ASSERT_EQUAL(bed_manager->nest_clients.count, 0);
    CU_ASSERT_EQUAL(atomic_load(&bed_ex->unfinished), 0);
    close_client(&client);
}

static void loss_before_joining_costs_nothing(void)
{
    hay_future *list[TASKS];
    join(1);
    join(3);
    turns(5);
    die(2);
    turns(5);
    CU_ASSERT_EQUAL(players[1].lost[2], 1);
    CU_ASSERT_EQUAL(players[1].reaps[2],
                    0); /* whose node it is, is not known */
    CU_ASSERT_EQUAL(hay_executor_health(bed_ex), HAY_OK);
    submit_all(list);
    finish_all(list);
}

static void last_loss_ends_the_run(void)
{
    hay_future *list[TASKS];
    all_join();
    submit_all(list);
    die(1);
    turns(5);
    die(3);
    turns(5);
    CU_ASSERT_EQUAL(hay_executor_health(bed_ex), HAY_OK);
    for (int i = 0; i < TASKS; i++) {
        CU_ASSERT_FALSE(hay_future_done(list[i]));
    }
    die(2);
    turns(5);
    CU_ASSERT_EQUAL(hay_executor_health(bed_ex), HAY_EFARM);
    for (int i = 0; i < TASKS; i++) {
        bed_check_end(list[i], HAY_EFARM, "worker");
    }
    now_ns += 3 * SECOND_NS;
    turns(2);
    CU_ASSERT_TRUE(hayi_manager_ended(bed_manager));
}

static CU_TestInfo tests[] = {
    {"attempts_of_a_lost_worker_go_to_others",
     attempts_of_a_lost_worker_go_to_others},
    {"attempts_that_never_began_are_not_counted",
     attempts_that_never_began_are_not_counted},
    {"attempts_that_began_are_counted", attempts_that_began_are_counted},
    {"others_are_told_of_a_lost_worker", others_are_told_of_a_lost_worker},
    {"second_loss_of_a_node_clears_away_after_both",
     second_loss_of_a_node_clears_away_after_both},
    {"silent_worker_is_fenced_and_its_news_are_late",
     silent_worker_is_fenced_and_its_news_are_late},
    {"tasks_of_a_silent_workers_client_outlast_the_step",
     tasks_of_a_silent_workers_client_outlast_the_step},
    {"loss_before_joining_costs_nothing", loss_before_joining_costs_nothing},
    {"last_loss_ends_the_run", last_loss_ends_the_run},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"manager/several",
     bed_setup_suite,
     bed_clean_suite,
     setup,
     teardown,
     tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
