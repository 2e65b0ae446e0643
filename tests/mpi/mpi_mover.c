/* mpi_mover.c - movers over MPI, a store at each rank as if on another node;
 * started by t_mover.sh under mpirun: mpi_mover SCENARIO.
 *
 * Rank 0 prints "ok mpi/mover/..." or "not ok ...".
 */
#include "config.h"

#include "base/bell.h"
#include "base/clock.h"
#include "contract/mover_contract.h"
#include "data/mover.h"
#include "transport/transport_mpi.h"

#include <mpi.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOVES = 4 };

#define SIZE     ((uint64_t)40 << 20)
#define LIMIT_NS UINT64_C(90000000000)

static struct hayi_mpi_start start;
static struct hayi_transport *t;
static unsigned complaints;

static int report(const char *name, unsigned count)
{
    complaints += count;
    if (t->self == 0) {
        printf("%s mpi/mover/%s\n", complaints > 0 ? "not ok" : "ok", name);
    }
    (void)fflush(stdout);
    unsigned bad = complaints;
    complaints = 0;
    return bad > 0;
}

static void must_open(void)
{
    static const char text[] = "hayfork test\n";
    struct hayi_error err = {HAY_OK, ""};
    start.identity = text;
    start.identity_size = sizeof text - 1;
    start.mpi_owned = true;
    if (hayi_mpi_start(&start, &err) != HAY_OK) {
        printf("not ok mpi/mover/start: %s\n", err.text);
        exit(1);
    }
    t = start.transport;
}

static int run_contract(void)
{
    must_open();
    struct hayi_contract contract = {.ends = {t}, .end_count = 1};
    int bad = report("sizes", hayi_contract_move_sizes(&contract));
    bad |= report("checked", hayi_contract_move_checked(&contract));
    bad |= report("spilled", hayi_contract_move_spilled(&contract));
    bad |= report("dropped", hayi_contract_move_dropped(&contract));
    bad |= report("refused", hayi_contract_move_refused(&contract));
    t->ops->close(t, true);
    return bad;
}

/* ---- a death ------------------------------------------------------------ */

static struct hayi_store *store;
static struct hayi_mover *mover;
static struct hayi_bell bell;
static uint32_t ended;
static uint32_t failed;
static bool down;

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    (void)context;
    (void)data;
    printf("# a frame of %zu bytes from %u\n", size, peer);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    printf("# peer %u: peer %u is down: %s\n", t->self, peer, how);
    hayi_mover_peer_down(mover, peer);
    down = true;
}

static void on_bulk(void *context, uint64_t cookie, hay_status status)
{
    (void)context;
    hayi_mover_bulk(mover, cookie, status);
}

static void turn(void)
{
    static const struct hayi_transport_sink sink = {
        .frame = on_frame, .down = on_down, .bulk = on_bulk};
    struct hayi_moved moved;
    (void)t->ops->poll(t, &sink);
    (void)hayi_mover_poll(mover);
    while (hayi_mover_next(mover, &moved)) {
        ended++;
        if (moved.status == HAY_EFARM) {
            failed++;
        } else if (moved.status != HAY_OK) {
            printf("# peer %u: %s\n", t->self, moved.words);
            complaints++;
        }
    }
}

static bool make_mover(void)
{
    struct hayi_error err = {HAY_OK, ""};
    const struct hayi_store_config config = {.limit_bytes = SIZE * 40};
    hay_status st = hayi_bell_init(&bell);
    if (st == HAY_OK) {
        st = hayi_store_new(&store, &err);
    }
    if (st == HAY_OK) {
        st = hayi_store_configure(store, &config, &err);
    }
    if (st == HAY_OK) {
        const struct hayi_mover_config with = {t, store, &bell, false};
        st = hayi_mover_new(&with, &mover, &err);
    }
    if (st != HAY_OK) {
        printf("# start: %s\n", err.text);
    }
    return st == HAY_OK;
}

/* MOVES objects each way. */
static void exchange(uint32_t peer)
{
    for (uint32_t i = 0; i < MOVES; i++) {
        hayi_place place = 0;
        void *data = NULL;
        if (hayi_store_create(store, SIZE, &place, &data, NULL) != HAY_OK) {
            complaints++;
            return;
        }
        memset(data, (int)i, SIZE);
        hayi_store_seal(store, place, 0);
        uint32_t out = (t->self * 8 + peer) * MOVES + i;
        uint32_t in = (peer * 8 + t->self) * MOVES + i;
        hayi_mover_send(mover, out, place, SIZE, peer);
        hayi_mover_receive(mover, in, 1 + in, SIZE, peer);
        hayi_store_drop(store, place);
    }
}

static void await(uint32_t count)
{
    uint64_t until = hayi_clock_ns() + LIMIT_NS;
    while (ended < count && hayi_clock_ns() < until) {
        turn();
    }
    if (ended != count || hayi_mover_busy(mover)) {
        printf("# peer %u: %u of %u ended\n", t->self, ended, count);
        complaints++;
    }
}

/* The last rank dies when a transfer of its own has ended, with others in the
 * middle; rank 0 sees it, rank 1 is told (here it looks). */
static int run_death(void)
{
    must_open();
    uint32_t victim = t->peer_count - 1;
    if (!make_mover()) {
        return 1;
    }
    (void)MPI_Barrier(MPI_COMM_WORLD);
    if (t->self == victim) {
        for (uint32_t i = 0; i < victim; i++) {
            exchange(i);
        }
        while (ended == 0) {
            turn();
        }
        (void)raise(SIGKILL);
    }
    exchange(victim);
    while (t->self == 0 ? !down : kill(start.peers[victim].pid, 0) == 0) {
        turn();
    }
    hayi_mover_peer_down(mover, victim);
    await(2 * MOVES);
    if (failed == 0) {
        printf("# peer %u: nothing failed\n", t->self);
        complaints++;
    }
    failed = 0;
    exchange(1 - t->self);
    await(4 * MOVES);
    complaints += failed;
    if (t->self == 1) {
        while (!down) { /* rank 0 goes last */
            turn();
        }
        hayi_mpi_leave(complaints > 0);
    }
    hayi_mpi_leave(report("death", 0));
}

int main(int argc, char **argv)
{
    const char *scenario = argc > 1 ? argv[1] : "";
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!hayi_mpi_launched()) {
        (void)fprintf(stderr, "start it with mpirun; see t_mover.sh\n");
        return 2;
    }
    if (strcmp(scenario, "contract") == 0) {
        return run_contract();
    }
    if (strcmp(scenario, "death") == 0) {
        return run_death();
    }
    (void)fprintf(stderr, "no scenario \"%s\"\n", scenario);
    return 2;
}
