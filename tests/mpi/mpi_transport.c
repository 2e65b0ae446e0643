/* mpi_transport.c - the MPI transport under the contract, and with dying peers;
 * started by t_transport.sh under mpirun: mpi_transport SCENARIO.
 *
 * Rank 0 prints "ok mpi/transport/..." or "not ok ...".
 */
#include "config.h"

#include "base/clock.h"
#include "contract/bulk_contract.h"
#include "transport/transport_mpi.h"
#include "wire/channel.h"

#include <mpi.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EPOCH = 5, PEERS_MAX = 16, BODY = 3000 };

#define LIMIT_NS UINT64_C(90000000000) /* ends what hangs only */

static struct hayi_mpi_start start;
static struct hayi_transport *t;
static const char *scenario;
static unsigned complaints;

static void complain(const char *format, ...)
    __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    printf("# peer %u: ", t != NULL ? t->self : 0);
    (void)vprintf(format, list);
    printf("\n");
    va_end(list);
    complaints++;
}

static int report(const char *name)
{
    if (t == NULL || t->self == 0) {
        printf("%s mpi/transport/%s\n", complaints > 0 ? "not ok" : "ok", name);
    }
    (void)fflush(stdout);
    return complaints > 0;
}

static bool open_farm(struct hayi_error *err)
{
    static const char text[] = "hayfork test\n";
    start.identity = text;
    start.identity_size = sizeof text - 1;
    if (hayi_mpi_start(&start, err) != HAY_OK) {
        return false;
    }
    t = start.transport;
    return true;
}

static void must_open(void)
{
    struct hayi_error err = {HAY_OK, ""};
    if (!open_farm(&err)) {
        printf("not ok mpi/transport/%s: %s\n", scenario, err.text);
        exit(1);
    }
}

/* ---- the contract ------------------------------------------------------- */

static int check(const char *name, unsigned count)
{
    complaints += count;
    int bad = report(name);
    complaints = 0;
    return bad;
}

static int battery(void)
{
    struct hayi_contract contract = {.ends = {t}, .end_count = 1};
    int bad = check("frames", hayi_contract_frames(&contract));
    bad |= check("limit", hayi_contract_limit(&contract));
    bad |= check("answer", hayi_contract_answer(&contract));
    bad |= check("bell", hayi_contract_bell(&contract));
    bad |= check("bulk", hayi_contract_bulk(&contract));
    bad |= check("bulk_unequal", hayi_contract_bulk_unequal(&contract));
    bad |= check("bulk_limit", hayi_contract_bulk_limit(&contract));
    return bad | check("frames_again", hayi_contract_frames(&contract));
}

static int run_contract(void)
{
    must_open();
    int bad = battery();
    t->ops->close(t, true);
    return bad;
}

/* In a communicator that is ours, with another rank as manager, twice. */
static int run_guest(void)
{
    int level = 0;
    int size = 0;
    (void)MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &level);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &size);
    MPI_Comm comm = MPI_COMM_WORLD;
    int bad = 0;
    for (int round = 0; round < 2; round++) {
        uint32_t blob = 0;
        int rank = 0;
        (void)MPI_Comm_rank(comm, &rank);
        blob = (uint32_t)rank * 3;
        start = (struct hayi_mpi_start){
            .blob = &blob,
            .blob_size = sizeof blob,
            .comm = &comm,
            .manager = (uint32_t)(size - 1 - round),
        };
        must_open();
        for (uint32_t i = 0; i < t->peer_count; i++) {
            uint32_t other = 0;
            memcpy(
                &other, (char *)start.blobs + i * sizeof other, sizeof other);
            if (other != (i + start.manager) % t->peer_count * 3) {
                complain("blob of peer %u is of rank %u", i, other / 3);
            }
        }
        bad |= battery();
        t->ops->close(t, true);
        free(start.peers);
        free(start.blobs);
    }
    (void)MPI_Finalize();
    return bad;
}

static int run_level(void)
{
    int level = 0;
    struct hayi_error err = {HAY_OK, ""};
    MPI_Comm comm = MPI_COMM_WORLD;
    (void)MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    start = (struct hayi_mpi_start){.comm = &comm};
    if (open_farm(&err) || err.status != HAY_EMISMATCH
        || strstr(err.text, "SERIALIZED") == NULL) {
        complain("thread level: %s", err.text);
    }
    int rank = 0;
    (void)MPI_Comm_rank(comm, &rank);
    (void)MPI_Finalize();
    return rank == 0 ? report("thread_level") : complaints > 0;
}

static int run_mismatch(void)
{
    struct hayi_error err = {HAY_OK, ""};
    const char *rank = getenv("OMPI_COMM_WORLD_RANK");
    bool other = rank != NULL && strtol(rank, NULL, 10) >= 2;
    const char *text = other ? "one\nthree 3\nfour\n" : "one\ntwo\nfour\n";
    start.mpi_owned = true;
    start.identity = text;
    start.identity_size = strlen(text);
    if (hayi_mpi_start(&start, &err) != HAY_EMISMATCH
        || strstr(err.text, "rank 2") == NULL
        || strstr(err.text, "has \"three 3\" where rank 0 has \"two\"")
               == NULL) {
        complain("mismatch: %s", err.text);
    }
    bool first = rank != NULL && strtol(rank, NULL, 10) == 0;
    return first ? report("mismatch") : complaints > 0;
}

/* ---- deaths ------------------------------------------------------------- */

/* Channels to all, as manager and worker have them. */
static struct hayi_channel *channels[PEERS_MAX];
static uint32_t got[PEERS_MAX];
static uint32_t downs[PEERS_MAX];
static bool echo; /* send each record back */

static hay_status
on_record(void *context, uint16_t type, const void *body, size_t size)
{
    uint32_t peer = *(uint32_t *)context;
    uint32_t number = 0;
    memcpy(&number, body, sizeof number);
    if (number != got[peer]) {
        complain("record %u of %u, due is %u", number, peer, got[peer]);
    }
    got[peer]++;
    if (echo) {
        void *place = hayi_channel_append(channels[peer], type, size);
        memcpy(place, body, size);
    }
    return HAY_OK;
}

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    struct hayi_error err = {HAY_OK, ""};
    (void)context;
    if (downs[peer] > 0) {
        complain("a frame of %u after its death", peer);
    }
    if (hayi_channel_receive(channels[peer], data, size, on_record, &peer, &err)
        != HAY_OK) {
        complain("frame of %u: %s", peer, err.text);
    }
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    printf("# peer %u: peer %u is down: %s\n", t->self, peer, how);
    if (++downs[peer] > 1) {
        complain("the death of %u is told again", peer);
    }
}

static void open_channels(void)
{
    const struct hayi_channel_config config = {
        .epoch = EPOCH,
        .frame_max = t->frame_max,
        .credit_bytes = t->credit_bytes,
        .credit_frames = t->credit_frames,
    };
    for (uint32_t i = 0; i < t->peer_count; i++) {
        channels[i] = hayi_channel_new(&config);
    }
}

/* Frames for a peer as far as credit and transport allow; how many. */
static uint32_t flush(uint32_t peer)
{
    uint32_t count = 0;
    const void *data = NULL;
    while (downs[peer] == 0 && hayi_channel_sendable(channels[peer])) {
        size_t size = hayi_channel_take_frame(channels[peer], &data);
        hay_status st = t->ops->send(t, peer, data, size);
        if (st == HAY_EAGAIN && size == HAYI_FRAME_HEAD) {
            hayi_channel_ask_frame(channels[peer]);
            break;
        }
        if (st != HAY_OK) {
            if (st != HAY_EFARM) {
                complain("send to %u: %s", peer, hay_status_name(st));
            }
            break;
        }
        count++;
    }
    return count;
}

static void on_bulk(void *context, uint64_t cookie, hay_status status);

static const struct hayi_transport_sink sink = {.frame = on_frame,
                                                .down = on_down,
                                                .bulk = on_bulk};

static void turn(void)
{
    for (uint32_t i = 0; i < t->peer_count; i++) {
        (void)flush(i);
    }
    if (t->ops->poll(t, &sink) == 0) {
        struct pollfd list[8];
        bool may_sleep = t->ops->announce(t);
        if (t->ops->poll(t, &sink) == 0) {
            size_t count = t->ops->fds(t, list, 8);
            (void)poll(list, count, may_sleep ? 100 : 1);
        }
        t->ops->awake(t);
    }
}

static void put(uint32_t peer, uint32_t number, size_t size)
{
    void *body = hayi_channel_append(channels[peer], 1, size);
    memset(body, 0, size);
    memcpy(body, &number, sizeof number);
}

/* Workers: send records back until the manager is gone. */
static int serve(void)
{
    uint64_t until = hayi_clock_ns() + LIMIT_NS;
    echo = true;
    while (downs[0] == 0 && hayi_clock_ns() < until) {
        turn();
    }
    if (downs[0] == 0) {
        complain("the manager's end was not noticed");
    }
    hayi_mpi_leave(complaints > 0);
}

/* 'count' records there and back. */
static void talk(uint32_t peer, uint32_t count)
{
    uint32_t first = got[peer];
    uint64_t until = hayi_clock_ns() + LIMIT_NS;
    for (uint32_t i = 0; i < count; i++) {
        put(peer, first + i, BODY);
        if (i % 50 == 49) {
            turn();
        }
    }
    while (got[peer] < first + count && hayi_clock_ns() < until
           && downs[peer] == 0) {
        turn();
    }
    if (got[peer] != first + count) {
        complain("%u of %u records came back from %u",
                 got[peer] - first,
                 count,
                 peer);
    }
}

static void await_down(uint32_t peer)
{
    uint64_t began = hayi_clock_ns();
    while (downs[peer] == 0 && hayi_clock_ns() - began < LIMIT_NS) {
        turn();
    }
    uint64_t took = (hayi_clock_ns() - began) / 1000000;
    if (downs[peer] == 0) {
        complain("the death of %u was not told", peer);
    } else if (took > 30000) {
        complain("the death of %u was told after %u ms", peer, (unsigned)took);
    }
}

/* After a death: the others are well, the dead cannot be sent to, the manager
 * ends in good order. */
static int survive(uint32_t dead, const char *name)
{
    for (uint32_t i = 1; i < t->peer_count; i++) {
        if (i != dead) {
            talk(i, 500);
        }
    }
    char byte[64] = {0};
    if (t->ops->send(t, dead, byte, sizeof byte) != HAY_EFARM) {
        complain("the dead can be sent to");
    }
    turn();
    return report(name);
}

/* The last worker sends its last words and is killed by itself. */
static void last_words(void)
{
    for (uint32_t i = 0; i < 20; i++) {
        put(0, i, i % 2 == 0 ? 100 : 2000);
    }
    while (hayi_channel_unsent(channels[0]) > 0) {
        (void)flush(0);
        (void)t->ops->poll(t, &sink);
    }
    /* Until MPI has handed all of it over. */
    while (!t->ops->announce(t)) {
        (void)t->ops->poll(t, &sink);
    }
    (void)raise(SIGKILL);
}

static int run_death(void)
{
    start.mpi_owned = true;
    must_open();
    open_channels();
    uint32_t dying = t->peer_count - 1;
    if (t->self == dying) {
        last_words();
    }
    if (t->self != 0) {
        return serve();
    }
    await_down(dying);
    if (got[dying] != 20) {
        complain("%u of 20 last words came", got[dying]);
    }
    hayi_mpi_leave(survive(dying, "death_after_last_words"));
}

static bool is_stopped(int pid)
{
    char path[64];
    char line[512] = "";
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return false;
    }
    (void)fgets(line, sizeof line, file);
    (void)fclose(file);
    const char *after = strrchr(line, ')');
    return after != NULL && after[1] == ' ' && after[2] == 'T';
}

/* A worker is stopped, gets all that the credit allows in records of 'size'
 * bytes and some heartbeats, and is killed. */
static int run_flood(size_t size)
{
    char name[60];
    start.mpi_owned = true;
    must_open();
    open_channels();
    if (t->self != 0) {
        return serve();
    }
    uint32_t victim = t->peer_count - 1;
    int pid = start.peers[victim].pid;
    talk(victim, 100);
    (void)kill(pid, SIGSTOP);
    while (!is_stopped(pid)) {
        (void)usleep(1000);
    }
    uint32_t frames = 0;
    for (uint32_t i = 0; i < 1000 || hayi_channel_unsent(channels[victim]) == 0;
         i++) {
        put(victim, i, size);
        if (size < t->frame_max / 2 || i % 8 == 7) {
            frames += flush(victim);
        }
    }
    for (int i = 0; i < 10; i++) {
        hayi_channel_ask_frame(channels[victim]);
        frames += flush(victim);
        turn();
    }
    talk(1, 200);
    (void)kill(pid, SIGKILL);
    await_down(victim);
    (void)snprintf(name, sizeof name, "flood_of_%zu_bytes", size);
    printf("# %u frames were under way\n", frames);
    hayi_mpi_leave(survive(victim, name));
}

/* The manager dies: every worker notices. */
static int run_orphan(void)
{
    start.mpi_owned = true;
    must_open();
    open_channels();
    if (t->self == 0) {
        for (uint32_t i = 1; i < t->peer_count; i++) {
            talk(i, 10);
        }
        (void)raise(SIGKILL);
    }
    echo = true;
    await_down(0);
    printf("%s mpi/transport/orphan_%u\n",
           complaints > 0 ? "not ok" : "ok",
           t->self);
    hayi_mpi_leave(complaints > 0);
}

/* ---- bulk messages and deaths ------------------------------------------- */

enum { PIECES = 12, PIECE = 4 << 20 };

static unsigned char *pieces[PEERS_MAX][2 * PIECES];
static uint32_t under_way[PEERS_MAX];
static uint32_t ended[PEERS_MAX];
static uint32_t failed[PEERS_MAX];
static uint32_t refused[PEERS_MAX]; /* MPI told of the death at once */
static uint32_t sent[PEERS_MAX];    /* of PIECES */

static void begun(uint32_t peer, hay_status status)
{
    if (status == HAY_OK) {
        under_way[peer]++;
    } else if (status == HAY_EFARM) {
        refused[peer]++;
    } else {
        complain("bulk with %u: %s", peer, hay_status_name(status));
    }
}

/* One after the other. */
static void send_piece(uint32_t peer)
{
    void *data = pieces[peer][sent[peer]++];
    begun(peer, t->ops->bulk_send(t, peer, 1, data, PIECE, peer + PEERS_MAX));
}

static void on_bulk(void *context, uint64_t cookie, hay_status status)
{
    uint32_t peer = (uint32_t)cookie % PEERS_MAX;
    (void)context;
    under_way[peer]--;
    ended[peer]++;
    if (status == HAY_EFARM || status == HAY_EMPI) {
        failed[peer]++;
    } else if (status != HAY_OK) {
        complain("bulk with %u: %s", peer, hay_status_name(status));
    }
    if (cookie >= PEERS_MAX && sent[peer] < PIECES && status == HAY_OK) {
        send_piece(peer);
    }
}

/* PIECES each way. */
static void post_pieces(uint32_t peer)
{
    for (int i = 0; i < 2 * PIECES; i++) {
        if (pieces[peer][i] == NULL) {
            pieces[peer][i] = calloc(1, PIECE);
        }
        if (i >= PIECES) {
            void *data = pieces[peer][i];
            begun(peer, t->ops->bulk_receive(t, peer, 1, data, PIECE, peer));
        }
    }
    sent[peer] = 0;
    send_piece(peer);
}

static void await_pieces(uint32_t peer)
{
    uint64_t until = hayi_clock_ns() + LIMIT_NS;
    while (under_way[peer] > 0 && hayi_clock_ns() < until) {
        turn();
    }
    if (under_way[peer] > 0) {
        complain("%u pieces with %u do not end", under_way[peer], peer);
    }
}

static bool is_dead(int pid)
{
    return kill(pid, 0) != 0;
}

/* A worker dies after 'ends' bulk messages with the two others have ended; the
 * manager sees it, the other worker is told (here it looks). */
static int run_bulk_death(uint32_t ends)
{
    start.mpi_owned = true;
    must_open();
    open_channels();
    uint32_t victim = t->peer_count - 1;
    (void)MPI_Barrier(MPI_COMM_WORLD); /* all have started */
    echo = t->self != 0;
    for (uint32_t i = 0; i < t->peer_count; i++) {
        if (i != t->self && (t->self == victim || i == victim)) {
            post_pieces(i);
        }
    }
    if (t->self == victim) {
        while (ended[0] + ended[1] < ends) {
            turn();
        }
        (void)raise(SIGKILL);
    }
    if (t->self == 0) {
        await_down(victim);
    } else {
        while (!is_dead(start.peers[victim].pid)) {
            turn();
        }
        t->ops->bulk_drop(t, victim);
    }
    await_pieces(victim);
    uint32_t over = ended[victim] + refused[victim];
    if (over != PIECES + sent[victim] || failed[victim] == 0) {
        complain("%u have ended, %u failed, %u were refused",
                 ended[victim],
                 failed[victim],
                 refused[victim]);
    }
    uint32_t other = 1 - t->self;
    post_pieces(other);
    await_pieces(other);
    if (failed[other] + refused[other] > 0) {
        complain("%u failed between the living",
                 failed[other] + refused[other]);
    }
    if (t->self != 0) {
        return serve();
    }
    char name[60];
    (void)snprintf(name, sizeof name, "bulk_death_after_%u", ends);
    hayi_mpi_leave(survive(victim, name));
}

int main(int argc, char **argv)
{
    scenario = argc > 1 ? argv[1] : "";
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (!hayi_mpi_launched()) {
        (void)fprintf(stderr, "start it with mpirun; see t_transport.sh\n");
        return 2;
    }
    if (strcmp(scenario, "contract") == 0) {
        start.mpi_owned = true;
        return run_contract();
    }
    if (strcmp(scenario, "guest") == 0) {
        return run_guest();
    }
    if (strcmp(scenario, "level") == 0) {
        return run_level();
    }
    if (strcmp(scenario, "mismatch") == 0) {
        return run_mismatch();
    }
    if (strcmp(scenario, "death") == 0) {
        return run_death();
    }
    if (strcmp(scenario, "flood") == 0 && argc > 2) {
        return run_flood((size_t)strtoul(argv[2], NULL, 10));
    }
    if (strcmp(scenario, "bulk_death") == 0 && argc > 2) {
        return run_bulk_death((uint32_t)strtoul(argv[2], NULL, 10));
    }
    if (strcmp(scenario, "orphan") == 0) {
        return run_orphan();
    }
    (void)fprintf(stderr, "no scenario \"%s\"\n", scenario);
    return 2;
}
