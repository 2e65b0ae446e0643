/* bench_data_store.c - the store of a node: putting, getting, spilling.
 *
 * The raw side of putting is memcpy into memory that is warm, as the store's is
 * since freed room is used again first.
 */
#include "config.h"

#include "bench_data.h"
#include "bench_support.h"

#include "data/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    PUTS = 32,
    SMALL = 64 << 10,
    SMALLS = 20000,
    PINS = 100000,
    SPILL_LEAST = 8,
};

struct store_bed {
    struct hayi_store *store;
    unsigned char *from;
    unsigned char *to; /* of the raw memcpy */
    size_t spilled;    /* pieces */
    hayi_place *places;
};

static struct hayi_store *new_store(uint64_t limit)
{
    struct hayi_store *store = NULL;
    struct hayi_error err;
    const struct hayi_store_config config = {
        .limit_bytes = limit, .spill_folder = data_options.folder};
    if (hayi_store_new(&store, &err) != HAY_OK
        || hayi_store_configure(store, &config, &err) != HAY_OK) {
        data_die("store", err.text);
    }
    return store;
}

static hayi_place
put(struct hayi_store *store, const void *from, size_t size, uint64_t name)
{
    hayi_place place;
    void *data = NULL;
    struct hayi_error err;
    if (hayi_store_create(store, size, &place, &data, &err) != HAY_OK) {
        data_die("create", err.text);
    }
    memcpy(data, from, size);
    hayi_store_seal(store, place, name);
    return place;
}

static double rate(size_t count, size_t size, double began)
{
    return (double)count * (double)size / (bench_now_s() - began) * 1e-9;
}

/* ---- 8 MiB --------------------------------------------------------------- */

static double put_large(void *context)
{
    const struct store_bed *bed = context;
    double began = bench_now_s();
    for (int i = 0; i < PUTS; i++) {
        hayi_store_drop(bed->store, put(bed->store, bed->from, DATA_PIECE, 0));
    }
    return rate(PUTS, DATA_PIECE, began);
}

static double copy_large(void *context)
{
    const struct store_bed *bed = context;
    double began = bench_now_s();
    for (int i = 0; i < PUTS; i++) {
        memcpy(bed->to, bed->from, DATA_PIECE);
        __asm__ volatile("" : : "r"(bed->to) : "memory");
    }
    return rate(PUTS, DATA_PIECE, began);
}

/* ---- 64 KiB -------------------------------------------------------------- */

/* Puts, gets and frees a second. */
static double put_small(void *context)
{
    const struct store_bed *bed = context;
    double began = bench_now_s();
    for (int i = 0; i < SMALLS; i++) {
        const void *data = NULL;
        uint64_t size = 0;
        hayi_place place = put(bed->store, bed->from, SMALL, 0);
        if (hayi_store_pin(bed->store, place, &data, &size, NULL) != HAY_OK) {
            data_die("pin", "an object is not there");
        }
        hayi_store_unpin(bed->store, place);
        hayi_store_drop(bed->store, place);
    }
    return SMALLS / (bench_now_s() - began);
}

static double copy_small(void *context)
{
    const struct store_bed *bed = context;
    double began = bench_now_s();
    for (int i = 0; i < SMALLS; i++) {
        memcpy(bed->to, bed->from, SMALL);
        __asm__ volatile("" : : "r"(bed->to) : "memory");
    }
    return SMALLS / (bench_now_s() - began);
}

/* ---- getting, in another process of the node ------------------------------
 */

/* Microseconds of a look at 8 MiB that another process has put; written to
 * 'out'. */
static void look(struct hayi_store *store, hayi_place place, int out)
{
    double us = 0;
    double began = bench_now_s();
    for (int i = 0; i < PINS; i++) {
        const void *data = NULL;
        uint64_t size = 0;
        if (hayi_store_pin(store, place, &data, &size, NULL) != HAY_OK
            || size != DATA_PIECE) {
            _exit(1);
        }
        hayi_store_unpin(store, place);
    }
    us = (bench_now_s() - began) / PINS * 1e6;
    _exit(write(out, &us, sizeof us) == sizeof us ? 0 : 1);
}

static void get_row(const struct store_bed *bed)
{
    struct hayi_store_card card;
    int pipe_fds[2];
    double us = 0;
    hayi_place place = put(bed->store, bed->from, DATA_PIECE, 0);
    hayi_store_get_card(bed->store, &card);
    if (!data_wanted("get.8M") || pipe(pipe_fds) != 0) {
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        struct hayi_store *store = NULL;
        const struct hayi_store_config config = {.limit_bytes = 0};
        if (hayi_store_join(&card, 1, &store, NULL) != HAY_OK
            || hayi_store_configure(store, &config, NULL) != HAY_OK) {
            _exit(1);
        }
        look(store, place, pipe_fds[1]);
    }
    (void)close(pipe_fds[1]);
    int status = 1;
    bool told = read(pipe_fds[0], &us, sizeof us) == sizeof us;
    (void)close(pipe_fds[0]);
    (void)waitpid(pid, &status, 0);
    hayi_store_reap(bed->store, 1);
    hayi_store_drop(bed->store, place);
    if (!told || status != 0) {
        data_die("get.8M", "another process cannot read the store");
    }
    data_value("get.8M", us, "us", "no copy, goal 5 us");
}

/* ---- spilling ------------------------------------------------------------ */

static double spill_and_restore(struct store_bed *bed, bool restores)
{
    struct hayi_store_usage usage;
    uint64_t bytes = bed->spilled * (uint64_t)DATA_PIECE;
    struct hayi_store *store = new_store(2 * bytes);
    for (size_t i = 0; i < bed->spilled; i++) {
        bed->places[i] = put(store, bed->from, DATA_PIECE, 0);
    }
    double began = bench_now_s();
    hayi_store_relieve(store, 0);
    double seconds = bench_now_s() - began;
    hayi_store_get_usage(store, &usage);
    if (usage.spilled_bytes < bytes) {
        data_die("spill", "not all was spilled");
    }
    if (restores) {
        began = bench_now_s();
        for (size_t i = 0; i < bed->spilled; i++) {
            const void *data = NULL;
            uint64_t size = 0;
            struct hayi_error err;
            if (hayi_store_pin(store, bed->places[i], &data, &size, &err)
                != HAY_OK) {
                data_die("restore", err.text);
            }
            if (memcmp(data, bed->from, 4096) != 0) {
                data_die("restore", "other bytes came back");
            }
            hayi_store_unpin(store, bed->places[i]);
        }
        seconds = bench_now_s() - began;
    }
    hayi_store_free(store);
    return (double)bytes / seconds * 1e-9;
}

static double spill(void *context)
{
    return spill_and_restore(context, false);
}

static double restore(void *context)
{
    return spill_and_restore(context, true);
}

static double raw_spill(void *context)
{
    const struct store_bed *bed = context;
    return data_direct_write(data_options.folder, bed->spilled);
}

static double raw_restore(void *context)
{
    const struct store_bed *bed = context;
    return data_direct_read(data_options.folder, bed->spilled);
}

void data_store_rows(void)
{
    struct store_bed bed = {
        .store = new_store((uint64_t)16 * DATA_PIECE),
        .from = data_memory(DATA_PIECE),
        .to = data_memory(DATA_PIECE),
        .spilled = data_pieces(1e9, SPILL_LEAST),
    };
    bed.places = calloc(bed.spilled, sizeof *bed.places);
    if (bed.places == NULL) {
        data_die("memory", "too little");
    }
    data_row("put.8M", "GB/s", put_large, copy_large, &bed, 0.8);
    get_row(&bed);
    data_row("putget.64K", "1/s", put_small, copy_small, &bed, 0);
    data_row("spill", "GB/s", spill, raw_spill, &bed, 0.85);
    data_row("restore", "GB/s", restore, raw_restore, &bed, 0.85);
    hayi_store_free(bed.store);
    free(bed.places);
    free(bed.from);
    free(bed.to);
}
