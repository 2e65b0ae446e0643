/* bench_mpi_data.c - objects from node to node: the mover, from store to store,
 * against raw MPI between the same two ranks with warm buffers.
 *
 *     mpirun -n 2 bench_mpi_data [--tsv] [--rounds 5] [--scale 1] [--raw]
 *
 * On one host give mpirun --mca btl tcp,self, since between nodes there is no
 * shared memory.  Rank 0 sends, rank 1 receives; a round moves the same bytes
 * first by Isend and Irecv (4 under way), then as objects (4 under way), each
 * received into room that was used before.  The time is rank 1's, from its go
 * to its last byte.  --raw: only that, for scripts that compare.
 */
#include "config.h"

#include "bench_support.h"

#include "base/bell.h"
#include "base/clock.h"
#include "data/mover.h"
#include "data/store.h"
#include "transport/transport_mpi.h"

#include <mpi.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS_MAX = 99,
    AHEAD = 4, /* under way */
    TAG_GO = 1,
    TAG_DATA = 2,
    TAG_END = 3,
    NAMES_FROM = 1000,
};

/* One size: what a round moves. */
struct load {
    size_t bytes; /* of an object */
    size_t count; /* a multiple of AHEAD */
};

struct bed {
    int rank;
    struct hayi_transport *transport;
    struct hayi_store *store;
    struct hayi_mover *mover;
    struct hayi_bell bell;
    unsigned char *buffers[AHEAD]; /* of the raw side */
    uint32_t transfer;
};

static void die(const char *what, const char *words)
{
    (void)fprintf(stderr, "bench_mpi_data: %s: %s\n", what, words);
    (void)MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

/* Rank 1 says go, and then its time counts. */
static void go(const struct bed *bed)
{
    char word = 0;
    if (bed->rank == 1) {
        (void)MPI_Send(&word, 1, MPI_CHAR, 0, TAG_GO, MPI_COMM_WORLD);
    } else {
        (void)MPI_Recv(
            &word, 1, MPI_CHAR, 1, TAG_GO, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
}

/* ---- raw ----------------------------------------------------------------- */

static void start_raw(const struct bed *bed,
                      const struct load *load,
                      size_t i,
                      MPI_Request *request)
{
    void *buffer = bed->buffers[i % AHEAD];
    int size = (int)load->bytes;
    if (bed->rank == 0) {
        (void)MPI_Isend(
            buffer, size, MPI_BYTE, 1, TAG_DATA, MPI_COMM_WORLD, request);
    } else {
        (void)MPI_Irecv(
            buffer, size, MPI_BYTE, 0, TAG_DATA, MPI_COMM_WORLD, request);
    }
}

static double raw(const struct bed *bed, const struct load *load)
{
    MPI_Request requests[AHEAD];
    double began = bench_now_s();
    go(bed);
    for (size_t i = 0; i < load->count; i++) {
        if (i >= AHEAD) {
            (void)MPI_Wait(&requests[i % AHEAD], MPI_STATUS_IGNORE);
        }
        start_raw(bed, load, i, &requests[i % AHEAD]);
    }
    (void)MPI_Waitall(AHEAD, requests, MPI_STATUSES_IGNORE);
    return (double)load->bytes * (double)load->count / (bench_now_s() - began)
           * 1e-9;
}

/* ---- objects ------------------------------------------------------------- */

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    (void)context;
    (void)peer;
    (void)data;
    (void)size;
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    (void)context;
    (void)peer;
    die("the other rank is gone", how);
}

static void on_bulk(void *context, uint64_t cookie, hay_status status)
{
    struct bed *bed = context;
    hayi_mover_bulk(bed->mover, cookie, status);
}

static hayi_place put(struct bed *bed, size_t bytes)
{
    hayi_place place;
    void *data = NULL;
    struct hayi_error err;
    if (hayi_store_create(bed->store, bytes, &place, &data, &err) != HAY_OK) {
        die("store", err.text);
    }
    memset(data, (int)(bytes >> 20), bytes);
    hayi_store_seal(bed->store, place, 0);
    return place;
}

/* Drive both until a transfer has ended. */
static struct hayi_moved wait_moved(struct bed *bed)
{
    const struct hayi_transport_sink sink = {
        .frame = on_frame, .down = on_down, .context = bed, .bulk = on_bulk};
    struct hayi_moved moved;
    while (!hayi_mover_next(bed->mover, &moved)) {
        bool any = bed->transport->ops->poll(bed->transport, &sink) > 0;
        any = hayi_mover_poll(bed->mover) || any;
        if (!any) {
            (void)sched_yield();
        }
    }
    if (moved.status != HAY_OK) {
        die("move", moved.words);
    }
    return moved;
}

static void
start_move(struct bed *bed, const struct load *load, hayi_place place)
{
    uint32_t transfer = bed->transfer++;
    if (bed->rank == 0) {
        hayi_mover_send(bed->mover, transfer, place, load->bytes, 1);
    } else {
        hayi_mover_receive(bed->mover,
                           transfer,
                           NAMES_FROM + (uint64_t)transfer,
                           load->bytes,
                           0);
    }
}

static double objects(struct bed *bed, const struct load *load)
{
    hayi_place place = bed->rank == 0 ? put(bed, load->bytes) : 0;
    double began = bench_now_s();
    go(bed);
    for (size_t i = 0; i < load->count + AHEAD; i++) {
        if (i >= AHEAD) {
            struct hayi_moved moved = wait_moved(bed);
            if (moved.received) { /* read by a task, then freed */
                hayi_store_drop(bed->store, moved.place);
            }
        }
        if (i < load->count) {
            start_move(bed, load, place);
        }
    }
    double rate = (double)load->bytes * (double)load->count
                  / (bench_now_s() - began) * 1e-9;
    if (bed->rank == 0) {
        hayi_store_drop(bed->store, place);
    }
    return rate;
}

/* ---- rows ---------------------------------------------------------------- */

static void tell(bool tsv, const char *size, const char *part, double value)
{
    char text[64];
    (void)snprintf(text, sizeof text, "data.move.%s.%s", size, part);
    if (tsv) {
        bench_line(
            true, text, value, strcmp(part, "ratio") == 0 ? "ratio" : "GB/s");
    } else {
        printf("  %-36s %10.3f\n", text, value);
    }
    (void)fflush(stdout);
}

static void row(struct bed *bed,
                const struct load *load,
                const char *size,
                size_t rounds,
                bool only_raw,
                bool tsv)
{
    double a[ROUNDS_MAX];
    double b[ROUNDS_MAX];
    for (int i = 0; i < AHEAD; i++) {
        bed->buffers[i] = realloc(bed->buffers[i], load->bytes);
        if (bed->buffers[i] == NULL) {
            die("memory", "too little");
        }
        memset(bed->buffers[i], i, load->bytes);
    }
    /* One of each first, which makes the rooms warm. */
    for (size_t i = 0; i <= rounds; i++) {
        size_t at = i == 0 ? 0 : i - 1;
        b[at] = raw(bed, load);
        a[at] = only_raw ? 1 : objects(bed, load);
    }
    if (bed->rank != 1) {
        return;
    }
    double ours = bench_median(a, rounds);
    double limit = bench_median(b, rounds);
    tell(tsv, size, "raw", limit);
    if (!only_raw) {
        tell(tsv, size, "ours", ours);
        tell(tsv, size, "ratio", ours / limit);
    }
}

static void open_bed(struct bed *bed, struct hayi_mpi_start *start)
{
    struct hayi_error err;
    const struct hayi_store_config config = {.limit_bytes = (uint64_t)1 << 30,
                                             .spill_folder = ""};
    if (hayi_mpi_start(start, &err) != HAY_OK) {
        (void)fprintf(stderr, "bench_mpi_data: %s\n", err.text);
        exit(1);
    }
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &bed->rank);
    bed->transport = start->transport;
    if (bed->transport->peer_count != 2) {
        die("mpirun", "two ranks are needed, -n 2");
    }
    if (hayi_bell_init(&bed->bell) != HAY_OK
        || hayi_store_new(&bed->store, &err) != HAY_OK
        || hayi_store_configure(bed->store, &config, &err) != HAY_OK) {
        die("store", err.text);
    }
    const struct hayi_mover_config mover = {
        .transport = bed->transport, .store = bed->store, .bell = &bed->bell};
    if (hayi_mover_new(&mover, &bed->mover, &err) != HAY_OK) {
        die("mover", err.text);
    }
}

int main(int argc, char **argv)
{
    bool tsv = bench_has(argc, argv, "--tsv");
    bool only_raw = bench_has(argc, argv, "--raw");
    double rounds = bench_number(argc, argv, "--rounds", 5);
    double scale = bench_number(argc, argv, "--scale", 1);
    struct bed bed = {.transfer = 1};
    struct hayi_mpi_start start = {.identity = "", .mpi_owned = true};
    static const struct {
        const char *name;
        size_t bytes;
    } sizes[] = {{"8M", 8 << 20}, {"16M", 16 << 20}, {"64M", 64 << 20}};
    if (!(rounds >= 1 && rounds <= ROUNDS_MAX && scale > 0 && scale <= 100)) {
        (void)fprintf(stderr, "bench_mpi_data: --rounds 1 .. 99, --scale\n");
        return 2;
    }
    open_bed(&bed, &start);
    if (bed.rank == 1) {
        bench_title(tsv, "from node to node, GB/s");
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        double count = scale * (double)(1 << 30) / (double)sizes[i].bytes;
        struct load load = {sizes[i].bytes,
                            AHEAD * (1 + (size_t)count / AHEAD)};
        row(&bed, &load, sizes[i].name, (size_t)rounds, only_raw, tsv);
    }
    go(&bed);
    bed.transport->ops->close(bed.transport, true);
    hayi_mover_free(bed.mover);
    hayi_store_free(bed.store);
    for (int i = 0; i < AHEAD; i++) {
        free(bed.buffers[i]);
    }
    free(start.peers);
    free(start.blobs);
    return 0;
}
