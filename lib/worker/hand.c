/* hand.c - see hand.h.
 *
 * When does the thread ring the loop?  At every end the loop would be woken a
 * thousand times for tasks of a microsecond, and its wake-ups would eat the
 * cores that the tasks need.  So: when half of what it was given is done, when
 * it has nothing left, when others wait for this very end ('prompt'), and at
 * the latest RING_NS after the last time.
 *
 * Who serves a slot: 'seat' says it.  The thread that has the seat looks for a
 * turn, then into the ring, then falls asleep in its seat (it says so, looks
 * once more, sleeps).  The loop takes a sleeping one out of its seat by a
 * compare-and-swap, to wake it there or to put another one in its place.  Each
 * thread sleeps on a word of its own, 'go', whoever it was that it gave its
 * seat to.
 */
#include "config.h"

#include "worker/hand.h"

#include "base/clock.h"
#include "worker/openmp.h"
#include "worker/topology.h"

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
    INLINE_MAX = 100,   /* tasks on one stack */
    SPARE_LOOKS = 16,   /* for one that is bound to a slot's core */
};

static _Thread_local struct hayi_hand *current;

struct hayi_hand *hayi_hand_current(void)
{
    return current;
}

/* ---- sleeping ------------------------------------------------------------ */

/* deadline_ns UINT64_MAX: without a limit.  false: it is over. */
static bool futex_wait(atomic_uint *word, uint64_t deadline_ns)
{
    const struct timespec until = {
        .tv_sec = (time_t)(deadline_ns / UINT64_C(1000000000)),
        .tv_nsec = (long)(deadline_ns % UINT64_C(1000000000)),
    };
    /* The bitset form takes an absolute time on the monotonic clock. */
    return syscall(SYS_futex,
                   (void *)word,
                   FUTEX_WAIT_BITSET_PRIVATE,
                   0,
                   deadline_ns == UINT64_MAX ? NULL : &until,
                   NULL,
                   FUTEX_BITSET_MATCH_ANY)
               == 0
           || errno != ETIMEDOUT;
}

static bool stopped(const struct hayi_hands *hands)
{
    return atomic_load(&hands->stop) != 0;
}

static void rouse(struct hayi_hand *hand)
{
    (void)atomic_exchange(&hand->go, 1);
    (void)syscall(
        SYS_futex, (void *)&hand->go, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

void hayi_hand_go(struct hayi_hand *hand, struct hayi_slot_thread *slot)
{
    hand->slot = slot;
    rouse(hand);
}

void hayi_hand_take_turn(struct hayi_hand *hand, struct hayi_slot_thread *slot)
{
    hand->resumed.task = hand->task;
    hayi_mpsc_push(hand->hands->news, &hand->resumed.node);
    hayi_hand_go(hand, slot);
}

/* Until somebody says go; then it has a slot.  false: there is an end. */
static bool sleep_idle(struct hayi_hand *hand)
{
    uint64_t deadline_ns = UINT64_MAX;
    if (hand->scratch.all_bytes > hand->scratch.keep_bytes) {
        deadline_ns = hayi_clock_ns() + KEEP_NS;
    }
    while (!stopped(hand->hands)) {
        if (atomic_exchange(&hand->go, 0) != 0) {
            return hand->slot != NULL && !stopped(hand->hands);
        }
        if (!futex_wait(&hand->go, deadline_ns)) {
            hayi_scratch_idle(&hand->scratch);
            deadline_ns = UINT64_MAX;
        }
    }
    return false;
}

/* ---- spare ones ---------------------------------------------------------- */

/* false: there are enough, it is to end. */
static bool add_spare(struct hayi_hand *hand)
{
    struct hayi_hands *hands = hand->hands;
    (void)pthread_mutex_lock(&hands->mutex);
    bool wanted = hands->spare_count < hands->spare_max;
    struct hayi_hand **list = wanted ? &hands->spare : &hands->over;
    hand->spare = *list;
    *list = hand;
    hands->spare_count += wanted;
    (void)pthread_mutex_unlock(&hands->mutex);
    return wanted;
}

void hayi_hand_put_away(struct hayi_hand *hand)
{
    if (!add_spare(hand)) {
        hayi_hand_go(hand, NULL);
    }
}

/* One that is bound to these cpus already, if it is among the last ones. */
static struct hayi_hand *take_spare(struct hayi_hands *hands, const int *cpus)
{
    (void)pthread_mutex_lock(&hands->mutex);
    struct hayi_hand **at = &hands->spare;
    for (int i = 0; i < SPARE_LOOKS && *at != NULL; i++) {
        if ((*at)->bound == cpus) {
            break;
        }
        at = &(*at)->spare;
    }
    if (*at == NULL || (*at)->bound != cpus) {
        at = &hands->spare;
    }
    struct hayi_hand *hand = *at;
    if (hand != NULL) {
        *at = hand->spare;
        hands->spare_count--;
    }
    (void)pthread_mutex_unlock(&hands->mutex);
    return hand;
}

/* ---- running ------------------------------------------------------------- */

static bool look(struct hayi_slot_thread *slot)
{
    return atomic_load(&slot->published)
               != atomic_load_explicit(&slot->head, memory_order_relaxed)
           || atomic_load(&slot->deep_count) != 0
           || atomic_load(&slot->turn) != NULL;
}

/* The deepest of those beside the ring; NULL: there is none. */
static struct hay_task *take_deep(struct hayi_slot_thread *slot)
{
    if (atomic_load(&slot->deep_count) == 0) {
        return NULL;
    }
    (void)pthread_mutex_lock(&slot->deep_mutex);
    struct hay_task *task = slot->deep;
    if (task != NULL) {
        slot->deep = task->deep_next;
        (void)atomic_fetch_sub(&slot->deep_count, 1);
        atomic_store(&task->deep_entry.state, HAYI_ENTRY_TAKEN);
    }
    (void)pthread_mutex_unlock(&slot->deep_mutex);
    return task;
}

/* The next that was not revoked; NULL if there is none, or it shall stop. */
static struct hay_task *take(const struct hayi_hands *hands,
                             struct hayi_slot_thread *slot)
{
    struct hay_task *deep = take_deep(slot);
    while (deep == NULL
           && atomic_load(&slot->published)
                  != atomic_load_explicit(&slot->head, memory_order_relaxed)
           && atomic_load_explicit(&hands->stop, memory_order_relaxed) == 0) {
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
    return deep;
}

/* To the cores of its task, which it may have changed with its slot. */
static void bind(struct hayi_hand *hand)
{
    const struct hay_task *task = hand->task;
    const struct hayi_slot_thread *slot = hand->slot;
    if (hand->limited != task->record.cores) {
        hand->limited = task->record.cores;
        hayi_openmp_limit(task->record.cores);
    }
    if (task->rebind && task->cpu_count > 0) {
        (void)hayi_topology_bind_thread(task->cpus, task->cpu_count);
        hand->bound = NULL;
    } else if (slot->cpu_count > 0 && hand->bound != slot->cpus) {
        (void)hayi_topology_bind_thread(slot->cpus, slot->cpu_count);
        hand->bound = slot->cpus;
    }
}

static void tell(struct hayi_hand *hand, struct hay_task *task)
{
    const struct hayi_slot_thread *slot = hand->slot;
    bool prompt = (task->record.flags & HAYI_TASK_PROMPT) != 0;
    uint64_t end_ns = task->end_ns;
    hayi_mpsc_push(hand->hands->news, &task->ended.node); /* the loop's now */
    uint32_t left = 0;
    uint32_t below = 0;
    if (slot != NULL) {
        left = atomic_load_explicit(&slot->published, memory_order_relaxed)
               - atomic_load_explicit(&slot->head, memory_order_relaxed)
               + atomic_load_explicit(&slot->deep_count, memory_order_relaxed);
        below = atomic_load_explicit(&slot->ring_below, memory_order_relaxed);
    }
    hand->untold = !prompt && left != 0 && left != below
                   && end_ns - hand->rung_ns <= RING_NS;
    if (!hand->untold) {
        hand->rung_ns = end_ns;
        hayi_bell_ring(hand->hands->loop_bell);
    }
}

/* Returns when it ended. */
static uint64_t run(struct hayi_hand *hand, struct hay_task *task, uint64_t now)
{
    hand->task = task;
    bind(hand);
    task->start_ns = now;
    task->scratch = &hand->scratch;
    hayi_task_run(task);
    hand->task = NULL;
    now = hayi_clock_ns();
    task->end_ns = now;
    tell(hand, task);
    return now;
}

/* Somebody else goes on here.  false: it was taken back. */
static bool hand_over(struct hayi_hand *hand)
{
    struct hayi_slot_thread *slot = hand->slot;
    struct hayi_hand *turn = atomic_exchange(&slot->turn, NULL);
    if (turn == NULL) {
        return false;
    }
    if (hand->untold) {
        hand->untold = false;
        hayi_bell_ring(hand->hands->loop_bell);
    }
    hand->slot = NULL;
    hayi_hand_take_turn(turn, slot);
    return true;
}

/* There is nothing to do.  false: nor will there be. */
static bool idle(struct hayi_hand *hand)
{
    struct hayi_slot_thread *slot = hand->slot;
    unsigned asleep = HAYI_SEAT_ASLEEP;
    if (hand->untold) { /* what was left had been revoked */
        hand->untold = false;
        hayi_bell_ring(hand->hands->loop_bell);
    }
    for (unsigned looks = 0; looks < SPIN_LOOKS; looks++) {
        if (look(slot) || stopped(hand->hands)) {
            return true;
        }
    }
    slot->sleeper = hand;
    (void)atomic_exchange(&slot->seat, HAYI_SEAT_ASLEEP);
    if ((look(slot) || stopped(hand->hands))
        && atomic_compare_exchange_strong(
            &slot->seat, &asleep, HAYI_SEAT_TAKEN)) {
        return true;
    }
    if (atomic_load(&slot->waiting) != 0) {
        /* All that the ring had was revoked: no end told of the room. */
        hayi_bell_ring(hand->hands->loop_bell);
    }
    return sleep_idle(hand);
}

/* Serve its slot, whichever that is after each task.  true: it is spare now. */
static bool serve(struct hayi_hand *hand)
{
    uint64_t now = 0;
    while (!stopped(hand->hands)) {
        struct hay_task *task = NULL;
        if (atomic_load(&hand->slot->turn) != NULL && hand_over(hand)) {
            return add_spare(hand);
        }
        task = take(hand->hands, hand->slot);
        if (task != NULL) {
            now = run(hand, task, now == 0 ? hayi_clock_ns() : now);
            continue;
        }
        now = 0;
        if (!idle(hand)) {
            return false;
        }
    }
    return false;
}

static void *hand_main(void *argument)
{
    struct hayi_hand *hand = argument;
    current = hand;
    while (sleep_idle(hand) && serve(hand)) {
    }
    hayi_scratch_fini(&hand->scratch);
    return NULL;
}

/* ---- waiting ------------------------------------------------------------- */

bool hayi_hand_wait_begin(struct hayi_hand *hand)
{
    struct hayi_hands *hands = hand->hands;
    struct hayi_slot_thread *slot = hand->slot;
    if (slot == NULL || stopped(hands)) {
        return false;
    }
    hand->untold = false;
    hand->slot = NULL;
    hand->suspended.task = hand->task;
    hand->wait_ns = hayi_clock_ns();
    (void)atomic_fetch_add(&hands->suspended, 1);
    atomic_store(&slot->seat, HAYI_SEAT_EMPTY);
    hayi_mpsc_push(hands->news, &hand->suspended.node);
    atomic_store(&hand->waits, HAYI_HAND_WAITS);
    hayi_bell_ring(hands->loop_bell);
    return true;
}

void hayi_hand_wake(struct hayi_hand *hand)
{
    unsigned waits = HAYI_HAND_WAITS;
    if (atomic_compare_exchange_strong(&hand->waits, &waits, HAYI_HAND_WOKEN)) {
        hand->wake.task = hand->task;
        hayi_mpsc_push(hand->hands->news, &hand->wake.node);
        hayi_bell_ring(hand->hands->loop_bell);
    }
}

bool hayi_hand_wait_end(struct hayi_hand *hand, uint64_t deadline_ns)
{
    while (atomic_exchange(&hand->go, 0) == 0) {
        if (stopped(hand->hands)) {
            break;
        }
        if (!futex_wait(&hand->go, deadline_ns)) {
            hayi_hand_wake(hand);
            deadline_ns = UINT64_MAX;
        }
    }
    atomic_store(&hand->waits, HAYI_HAND_RUNS);
    (void)atomic_fetch_sub(&hand->hands->suspended, 1);
    if (hand->slot == NULL || stopped(hand->hands)) {
        return false;
    }
    hand->task->waited_ns += hayi_clock_ns() - hand->wait_ns;
    bind(hand);
    return true;
}

/* ---- running children in place of waiting ---------------------------------
 */

void hayi_hand_claimed(struct hayi_hand *hand, struct hay_task *child)
{
    hand->claimed = child;
    rouse(hand);
}

static void run_inline(struct hayi_hand *hand, struct hay_task *child)
{
    struct hay_task *outer = hand->task;
    struct hayi_scratch scratch = {.keep_bytes = 0};
    hand->task = child;
    hand->inlined++;
    child->scratch = &scratch;
    child->start_ns = hayi_clock_ns();
    hayi_task_run(child);
    child->scratch = NULL;
    hayi_scratch_fini(&scratch);
    hand->inlined--;
    hand->task = outer;
    child->end_ns = hayi_clock_ns();
    tell(hand, child);
}

bool hayi_hand_run_child(struct hayi_hand *hand)
{
    struct hayi_hands *hands = hand->hands;
    if (atomic_load(&hands->suspended) < hands->suspended_max
        || hand->inlined >= INLINE_MAX || hand->slot == NULL
        || stopped(hands)) {
        return false;
    }
    hand->claim.task = hand->task;
    hayi_mpsc_push(hands->news, &hand->claim.node);
    hayi_bell_ring(hands->loop_bell);
    while (atomic_exchange(&hand->go, 0) == 0) {
        if (stopped(hands)) {
            return false;
        }
        (void)futex_wait(&hand->go, UINT64_MAX);
    }
    struct hay_task *child = hand->claimed;
    hand->claimed = NULL;
    if (child != NULL) {
        run_inline(hand, child);
    }
    return child != NULL;
}

/* ---- life ---------------------------------------------------------------- */

void hayi_hands_init(struct hayi_hands *hands)
{
    (void)pthread_mutex_init(&hands->mutex, NULL);
}

static void forget(struct hayi_hands *hands, struct hayi_hand *hand)
{
    struct hayi_hand **at = &hands->all;
    while (*at != hand) {
        at = &(*at)->next;
    }
    *at = hand->next;
    hands->count--;
    (void)pthread_join(hand->thread, NULL);
    free(hand);
}

/* Those that have ended. */
static void reap(struct hayi_hands *hands)
{
    (void)pthread_mutex_lock(&hands->mutex);
    struct hayi_hand *hand = hands->over;
    hands->over = NULL;
    (void)pthread_mutex_unlock(&hands->mutex);
    while (hand != NULL) {
        struct hayi_hand *next = hand->spare;
        forget(hands, hand);
        hand = next;
    }
}

static hay_status
make(struct hayi_hands *hands, struct hayi_hand **out, struct hayi_error *err)
{
    reap(hands);
    struct hayi_hand *hand = calloc(1, sizeof(*hand));
    if (hand == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a thread");
    }
    hand->hands = hands;
    hand->scratch.keep_bytes = hands->keep_bytes;
    hand->suspended =
        (struct hayi_news){.kind = HAYI_NEWS_SUSPENDED, .hand = hand};
    hand->wake = (struct hayi_news){.kind = HAYI_NEWS_WAKE, .hand = hand};
    hand->resumed = (struct hayi_news){.kind = HAYI_NEWS_RESUMED, .hand = hand};
    hand->claim = (struct hayi_news){.kind = HAYI_NEWS_CLAIM, .hand = hand};
    int error = pthread_create(&hand->thread, NULL, hand_main, hand);
    if (error != 0) {
        free(hand);
        return hayi_fail(
            err, HAY_EIO, "cannot start a slot's thread: %s", strerror(error));
    }
    hand->next = hands->all;
    hands->all = hand;
    hands->count++;
    *out = hand;
    return HAY_OK;
}

hay_status hayi_hands_serve(struct hayi_hands *hands,
                            struct hayi_slot_thread *slot,
                            struct hayi_error *err)
{
    struct hayi_hand *hand = take_spare(hands, slot->cpus);
    hay_status st = hand != NULL ? HAY_OK : make(hands, &hand, err);
    if (st == HAY_OK) {
        atomic_store(&slot->seat, HAYI_SEAT_TAKEN);
        hayi_hand_go(hand, slot);
    }
    return st;
}

void hayi_hands_fini(struct hayi_hands *hands)
{
    (void)atomic_exchange(&hands->stop, 1);
    for (struct hayi_hand *h = hands->all; h != NULL; h = h->next) {
        rouse(h);
    }
    while (hands->all != NULL) {
        forget(hands, hands->all);
    }
    (void)pthread_mutex_destroy(&hands->mutex);
}
