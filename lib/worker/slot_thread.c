/* slot_thread.c - see slot_thread.h.
 *
 * When does the thread ring the loop?  At every end the loop would be woken a
 * thousand times for tasks of a microsecond, and its wake-ups would eat the
 * cores that the tasks need.  So: when half of what it was given is done, when
 * it has nothing left, when others wait for this very end ('prompt'), and at
 * the latest RING_NS after the last time.
 */
#include "config.h"

#include "worker/slot_thread.h"

#include "base/clock.h"
#include "client/executor.h"
#include "worker/topology.h"

#include <dlfcn.h>
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    RING_NS = 500000,
    SPIN_LOOKS = 100,   /* before it sleeps */
    KEEP_NS = 50000000, /* before it gives back much private memory */
};

/* wait_ns 0: without a limit.  false: so long has passed. */
static bool futex_wait(atomic_uint *word, uint32_t value, long wait_ns)
{
    const struct timespec limit = {.tv_nsec = wait_ns};
    return syscall(SYS_futex,
                   (void *)word,
                   FUTEX_WAIT_PRIVATE,
                   value,
                   wait_ns > 0 ? &limit : NULL,
                   NULL,
                   0)
               == 0
           || errno != ETIMEDOUT;
}

static void futex_wake(atomic_uint *word)
{
    (void)syscall(
        SYS_futex, (void *)word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* ---- the loop's side ----------------------------------------------------- */

static bool has_room(struct hayi_slot_thread *slot)
{
    uint32_t head = atomic_load_explicit(&slot->head, memory_order_acquire);
    return slot->tail - head < HAYI_SLOT_RING;
}

static void put(struct hayi_slot_thread *slot, struct hay_task *task)
{
    struct hayi_slot_entry *entry = &slot->ring[slot->tail % HAYI_SLOT_RING];
    entry->task = task;
    task->entry = entry;
    atomic_store_explicit(
        &entry->state, HAYI_ENTRY_GIVEN, memory_order_release);
    slot->tail++;
}

void hayi_slot_refill(struct hayi_slot_thread *slot)
{
    bool moved = false;
    while (slot->overflow != NULL && has_room(slot)) {
        struct hay_task *task = slot->overflow;
        slot->overflow = task->overflow_next;
        put(slot, task);
        moved = true;
    }
    if (moved) {
        hayi_slot_wake(slot);
    }
}

void hayi_slot_give(struct hayi_slot_thread *slot, struct hay_task *task)
{
    task->entry = NULL;
    if (slot->overflow == NULL && has_room(slot)) {
        put(slot, task);
        return;
    }
    task->overflow_next = NULL;
    if (slot->overflow == NULL) {
        slot->overflow = task;
    } else {
        slot->overflow_last->overflow_next = task;
    }
    slot->overflow_last = task;
}

void hayi_slot_wake(struct hayi_slot_thread *slot)
{
    uint32_t head = atomic_load_explicit(&slot->head, memory_order_relaxed);
    atomic_store_explicit(
        &slot->ring_below, (slot->tail - head) / 2, memory_order_relaxed);
    (void)atomic_exchange(&slot->published, slot->tail);
    if (atomic_load(&slot->asleep) != 0
        && atomic_exchange(&slot->asleep, 0) != 0) {
        futex_wake(&slot->asleep);
    }
}

static bool revoke_overflow(struct hayi_slot_thread *slot,
                            struct hay_task *task)
{
    struct hay_task *before = NULL;
    for (struct hay_task *t = slot->overflow; t != NULL; t = t->overflow_next) {
        if (t == task) {
            if (before == NULL) {
                slot->overflow = t->overflow_next;
            } else {
                before->overflow_next = t->overflow_next;
            }
            if (slot->overflow_last == t) {
                slot->overflow_last = before;
            }
            return true;
        }
        before = t;
    }
    return false;
}

bool hayi_slot_revoke(struct hayi_slot_thread *slot, struct hay_task *task)
{
    if (task->entry == NULL) {
        return revoke_overflow(slot, task);
    }
    if (task->entry->task != task) {
        return false; /* long ended, and its place was given again */
    }
    uint32_t given = HAYI_ENTRY_GIVEN;
    if (!atomic_compare_exchange_strong(
            &task->entry->state, &given, HAYI_ENTRY_REVOKED)) {
        return false;
    }
    task->entry = NULL;
    return true;
}

bool hayi_slot_runs(const struct hay_task *task)
{
    return task->entry != NULL
           && atomic_load_explicit(&task->entry->state, memory_order_acquire)
                  == HAYI_ENTRY_TAKEN;
}

/* ---- the thread ---------------------------------------------------------- */

static bool look(struct hayi_slot_thread *slot)
{
    return atomic_load(&slot->published)
           != atomic_load_explicit(&slot->head, memory_order_relaxed);
}

/* false: stop. */
static bool wait_for_work(struct hayi_slot_thread *slot)
{
    for (unsigned looks = 0; atomic_load(&slot->stop) == 0; looks++) {
        if (look(slot)) {
            return true;
        }
        if (looks < SPIN_LOOKS) {
            continue;
        }
        long wait_ns = slot->scratch.all_bytes > slot->keep_bytes ? KEEP_NS : 0;
        (void)atomic_exchange(&slot->asleep, 1);
        if (look(slot) || atomic_load(&slot->stop) != 0) {
            (void)atomic_exchange(&slot->asleep, 0);
            continue;
        }
        if (!futex_wait(&slot->asleep, 1, wait_ns)) {
            hayi_scratch_idle(&slot->scratch);
        }
    }
    return false;
}

/* The next that was not revoked; NULL if there is none, or it shall stop. */
static struct hay_task *take(struct hayi_slot_thread *slot)
{
    while (look(slot)
           && atomic_load_explicit(&slot->stop, memory_order_relaxed) == 0) {
        uint32_t head = atomic_load_explicit(&slot->head, memory_order_relaxed);
        struct hayi_slot_entry *entry = &slot->ring[head % HAYI_SLOT_RING];
        struct hay_task *task = entry->task;
        uint32_t given = HAYI_ENTRY_GIVEN;
        bool ours = atomic_compare_exchange_strong(
            &entry->state, &given, HAYI_ENTRY_TAKEN);
        atomic_store_explicit(&slot->head, head + 1, memory_order_release);
        if (ours) {
            return task;
        }
    }
    return NULL;
}

/* A function that uses OpenMP shall use as many threads as it has cores.  The
 * library has the call only if the program brings it. */
static void limit_openmp(uint32_t cores)
{
    typedef void (*set_fn)(int);
    static _Thread_local set_fn set;
    static _Thread_local uint32_t current;
    if (current == 0) {
        void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
        memcpy(&set, &symbol, sizeof(set));
    }
    if (current != cores) {
        current = cores;
        if (set != NULL) {
            set((int)cores);
        }
    }
}

static void bind(struct hayi_slot_thread *slot, const struct hay_task *task)
{
    limit_openmp(task->record.cores);
    if (task->rebind && task->cpu_count > 0) {
        (void)hayi_topology_bind_thread(task->cpus, task->cpu_count);
        slot->moved = true;
    } else if (slot->moved) {
        (void)hayi_topology_bind_thread(slot->cpus, slot->cpu_count);
        slot->moved = false;
    }
}

static void tell(struct hayi_slot_thread *slot, struct hay_task *task)
{
    bool prompt = (task->record.flags & HAYI_TASK_PROMPT) != 0;
    uint64_t end_ns = task->end_ns;
    hayi_mpsc_push(slot->ended, &task->node); /* the loop's from here on */
    uint32_t left = atomic_load_explicit(&slot->published, memory_order_relaxed)
                    - atomic_load_explicit(&slot->head, memory_order_relaxed);
    uint32_t below =
        atomic_load_explicit(&slot->ring_below, memory_order_relaxed);
    slot->untold = !prompt && left != 0 && left != below
                   && end_ns - slot->rung_ns <= RING_NS;
    if (!slot->untold) {
        slot->rung_ns = end_ns;
        hayi_bell_ring(slot->loop_bell);
    }
}

static void *slot_main(void *argument)
{
    struct hayi_slot_thread *slot = argument;
    hayi_thread_set_no_wait(true); /* it would wait for itself */
    slot->scratch.keep_bytes = slot->keep_bytes;
    if (slot->cpu_count > 0) {
        (void)hayi_topology_bind_thread(slot->cpus, slot->cpu_count);
    }
    while (wait_for_work(slot)) {
        uint64_t now = hayi_clock_ns();
        for (;;) {
            struct hay_task *task = take(slot);
            if (task == NULL) {
                break;
            }
            bind(slot, task);
            task->start_ns = now;
            task->scratch = &slot->scratch;
            hayi_task_run(task);
            now = hayi_clock_ns();
            task->end_ns = now;
            tell(slot, task);
        }
        if (slot->untold) { /* what was left had been revoked */
            slot->untold = false;
            hayi_bell_ring(slot->loop_bell);
        }
    }
    hayi_scratch_fini(&slot->scratch);
    return NULL;
}

hay_status hayi_slot_start(struct hayi_slot_thread *slot,
                           struct hayi_error *err)
{
    int error = pthread_create(&slot->thread, NULL, slot_main, slot);
    if (error != 0) {
        return hayi_fail(
            err, HAY_EIO, "cannot start a slot's thread: %s", strerror(error));
    }
    slot->started = true;
    return HAY_OK;
}

void hayi_slot_stop(struct hayi_slot_thread *slot)
{
    if (!slot->started) {
        return;
    }
    (void)atomic_exchange(&slot->stop, 1);
    (void)atomic_exchange(&slot->asleep, 0);
    futex_wake(&slot->asleep);
    (void)pthread_join(slot->thread, NULL);
    slot->started = false;
}
