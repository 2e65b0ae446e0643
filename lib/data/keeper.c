/* keeper.c - see keeper.h. */
#include "config.h"

#include "data/keeper.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    STEP_BYTES = 4 << 20, /* of pages that are made at a time */
    NICE = 10,
};

struct hayi_keeper {
    struct hayi_store *store;
    pthread_t thread;

    /* who looks */
    bool started;
    bool failed;

    /* both */
    _Atomic uint64_t wanted_bytes; /* pages to make in all */
    atomic_bool full;              /* above HAYI_KEEPER_HIGH */
    atomic_bool stop;
    atomic_uint asleep; /* futex; 1: the thread sleeps */

    /* the thread */
    uint64_t made_bytes;
    bool all_made;
};

static void wake(struct hayi_keeper *keeper)
{
    if (atomic_load(&keeper->asleep) != 0
        && atomic_exchange(&keeper->asleep, 0) != 0) {
        (void)syscall(SYS_futex,
                      (void *)&keeper->asleep,
                      FUTEX_WAKE_PRIVATE,
                      1,
                      NULL,
                      NULL,
                      0);
    }
}

static bool has_work(struct hayi_keeper *keeper)
{
    return atomic_load(&keeper->full)
           || (!keeper->all_made
               && keeper->made_bytes < atomic_load(&keeper->wanted_bytes));
}

static void work(struct hayi_keeper *keeper)
{
    if (atomic_exchange(&keeper->full, false)) {
        hayi_store_relieve(keeper->store, HAYI_KEEPER_LOW);
        return;
    }
    keeper->all_made = !hayi_store_prefault(keeper->store, STEP_BYTES);
    keeper->made_bytes += STEP_BYTES;
}

static void *keeper_main(void *argument)
{
    struct hayi_keeper *keeper = argument;
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    while (!atomic_load(&keeper->stop)) {
        if (has_work(keeper)) {
            work(keeper);
            continue;
        }
        (void)atomic_exchange(&keeper->asleep, 1);
        if (has_work(keeper) || atomic_load(&keeper->stop)) {
            (void)atomic_exchange(&keeper->asleep, 0);
            continue;
        }
        (void)syscall(SYS_futex,
                      (void *)&keeper->asleep,
                      FUTEX_WAIT_PRIVATE,
                      1,
                      NULL,
                      NULL,
                      0);
    }
    return NULL;
}

hay_status hayi_keeper_new(struct hayi_store *store,
                           struct hayi_keeper **out,
                           struct hayi_error *err)
{
    struct hayi_keeper *keeper = calloc(1, sizeof(*keeper));
    if (keeper == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    keeper->store = store;
    *out = keeper;
    return HAY_OK;
}

void hayi_keeper_free(struct hayi_keeper *keeper)
{
    if (keeper != NULL && keeper->started) {
        atomic_store(&keeper->stop, true);
        wake(keeper);
        (void)pthread_join(keeper->thread, NULL);
    }
    free(keeper);
}

void hayi_keeper_look(struct hayi_keeper *keeper,
                      const struct hayi_store_usage *usage)
{
    uint64_t used = usage->used_bytes;
    bool full = used > usage->limit_bytes / 1000 * HAYI_KEEPER_HIGH;
    bool more = used > atomic_load(&keeper->wanted_bytes) && used >= STEP_BYTES;
    if (keeper->failed || (!full && !more)) {
        return;
    }
    if (more) {
        atomic_store(&keeper->wanted_bytes, used);
    }
    if (full) {
        atomic_store(&keeper->full, true);
    }
    if (!keeper->started) {
        keeper->failed =
            pthread_create(&keeper->thread, NULL, keeper_main, keeper) != 0;
        keeper->started = !keeper->failed;
        return;
    }
    wake(keeper);
}
