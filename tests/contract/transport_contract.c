/* transport_contract.c - see transport_contract.h.
 *
 * Every test begins with a meeting: each worker says that it is ready, the
 * manager answers; thus no frame of a test meets an end that is not in it.
 */
#include "config.h"

#include "contract/transport_contract.h"

#include "base/clock.h"

#include <poll.h>
#include <sched.h>
#include <stdalign.h>
#include <stdio.h>
#include <string.h>

enum {
    FRAME_ROOM = 64 << 10,
    PEERS_MAX = 8,
    FRAMES = 600, /* of the test of that name, each way */
    LIMIT = 5000, /* frames that are tried without polling */
    LIMIT_BYTES = 4096,
    HOPS = 2000,
    BELLS = 300,
    LAST_FRAMES = 9,
};

#define PATIENCE_NS UINT64_C(100000000000) /* a test that hangs has failed */

enum kind { READY, GO, DATA, ACK, DONE };

struct head {
    uint32_t kind;
    uint32_t number;
    uint32_t size;
    uint32_t seed;
};

/* What an end knows of a peer. */
struct lane {
    uint32_t sent;
    uint32_t got;
    uint64_t sent_bytes;
    uint64_t acked_bytes;
    uint32_t acked;
    uint32_t acks_owed;
};

struct actor {
    struct hayi_transport *t;
    unsigned complaints;
    uint32_t ready; /* workers at the meeting */
    bool gone;      /* GO has come */
    bool ended;     /* DONE has come */
    bool answering; /* from inside the sink */
    uint32_t downs;
    uint32_t rests; /* sleeps that were long enough to be one */
    struct lane lanes[PEERS_MAX];
};

struct battle {
    const struct hayi_contract *contract;
    struct actor actors[HAYI_CONTRACT_ENDS_MAX];
    uint64_t until_ns;
};

/* Frames READY may come while the test before is not over. */
static uint32_t early_ready[HAYI_CONTRACT_ENDS_MAX];
static alignas(8) unsigned char scratch[FRAME_ROOM];

#define COMPLAIN(actor, ...)                                                   \
    do {                                                                       \
        (actor)->complaints++;                                                 \
        printf("# peer %u: ", (actor)->t->self);                               \
        printf(__VA_ARGS__);                                                   \
        printf("\n");                                                          \
    } while (0)

/* ---- frames ------------------------------------------------------------- */

static uint32_t size_of(const struct hayi_transport *t, uint32_t number)
{
    uint32_t most = (uint32_t)t->frame_max;
    switch (number % 5) {
    case 0:
        return most - number / 5 % 40;
    case 1:
        return (uint32_t)sizeof(struct head) + number % 50;
    case 2:
        return 4080 + number % 40; /* around vader's eager limit */
    default:
        return (uint32_t)sizeof(struct head)
               + (number * 7919U) % (most - (uint32_t)sizeof(struct head));
    }
}

static hay_status tell(struct actor *a,
                       uint32_t peer,
                       enum kind kind,
                       uint32_t number,
                       uint32_t size)
{
    struct head head = {
        .kind = kind, .number = number, .size = size, .seed = number * 31U};
    for (uint32_t i = sizeof head; i < size; i++) {
        scratch[i] = (unsigned char)(head.seed + i);
    }
    memcpy(scratch, &head, sizeof head);
    hay_status st = a->t->ops->send(a->t, peer, scratch, size);
    if (st != HAY_OK && st != HAY_EAGAIN) {
        COMPLAIN(a, "send to %u: %s", peer, hay_status_name(st));
    }
    /* A copy was made: */
    memset(scratch, 0xee, size);
    return st;
}

static void check_data(struct actor *a,
                       uint32_t peer,
                       const struct head *head,
                       const unsigned char *byte,
                       size_t size)
{
    struct lane *lane = &a->lanes[peer];
    if (head->number != lane->got) {
        COMPLAIN(a, "frame %u of %u, due is %u", head->number, peer, lane->got);
    }
    if (head->size != size) {
        COMPLAIN(a, "frame of %zu bytes, sent were %u", size, head->size);
    }
    for (size_t i = sizeof *head; i < size; i++) {
        if (byte[i] != (unsigned char)(head->seed + i)) {
            COMPLAIN(a, "byte %zu of frame %u is wrong", i, head->number);
            return;
        }
    }
}

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    struct actor *a = context;
    struct head head = {0};
    if (size < sizeof head || peer >= PEERS_MAX || (uintptr_t)data % 8 != 0) {
        COMPLAIN(a, "%zu bytes from %u at %p", size, peer, data);
        return;
    }
    memcpy(&head, data, sizeof head);
    struct lane *lane = &a->lanes[peer];
    switch ((enum kind)head.kind) {
    case READY:
        a->ready++;
        break;
    case GO:
        a->gone = true;
        break;
    case DONE:
        a->ended = true;
        break;
    case DATA:
        check_data(a, peer, &head, data, size);
        lane->got++;
        if (!a->answering) {
            lane->acks_owed++;
        } else if (lane->sent < HOPS) {
            (void)tell(a, peer, DATA, lane->sent++, head.size);
        }
        break;
    case ACK:
        lane->acked++;
        lane->acked_bytes += head.number;
        break;
    }
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    struct actor *a = context;
    a->downs++;
    if (how == NULL || how[0] == '\0') {
        COMPLAIN(a, "no word about the death of %u", peer);
    }
}

/* ---- the runner --------------------------------------------------------- */

static uint32_t poll_end(struct actor *a)
{
    const struct hayi_transport_sink sink = {
        .frame = on_frame, .down = on_down, .context = a};
    return a->t->ops->poll(a->t, &sink);
}

static void poll_all(struct battle *b)
{
    uint32_t calls = 0;
    for (uint32_t i = 0; i < b->contract->end_count; i++) {
        calls += poll_end(&b->actors[i]);
    }
    if (calls == 0 && b->contract->idle != NULL) {
        b->contract->idle(b->contract->context);
    } else if (calls == 0) {
        (void)sched_yield();
    }
}

typedef bool (*step_fn)(struct actor *actor); /* true: this end is done */

/* Step and poll all ends until all are done. */
static void run(struct battle *b, step_fn step)
{
    bool done = false;
    while (!done) {
        done = true;
        for (uint32_t i = 0; i < b->contract->end_count; i++) {
            done = step(&b->actors[i]) && done;
        }
        if (hayi_clock_ns() > b->until_ns) {
            COMPLAIN(&b->actors[0], "nothing happens any more");
            return;
        }
        poll_all(b);
    }
}

static bool meet(struct actor *a)
{
    if (a->t->self != 0) {
        return a->gone;
    }
    if (a->gone || a->ready < a->t->peer_count - 1) {
        return a->gone;
    }
    for (uint32_t i = 1; i < a->t->peer_count; i++) {
        (void)tell(a, i, GO, 0, sizeof(struct head));
    }
    a->ready = 0;
    a->gone = true;
    return true;
}

static struct battle begin(struct hayi_contract *contract)
{
    struct battle b = {.contract = contract};
    b.until_ns = hayi_clock_ns() + PATIENCE_NS;
    for (uint32_t i = 0; i < contract->end_count; i++) {
        struct actor *a = &b.actors[i];
        a->t = contract->ends[i];
        a->ready = early_ready[i];
        if (a->t->self != 0) {
            (void)tell(a, 0, READY, 0, sizeof(struct head));
        }
    }
    run(&b, meet);
    return b;
}

bool hayi_contract_early(uint32_t end, const void *data, size_t size)
{
    struct head head = {0};
    if (size < sizeof head) {
        return false;
    }
    memcpy(&head, data, sizeof head);
    early_ready[end] += head.kind == READY;
    return head.kind == READY;
}

static unsigned end(struct battle *b)
{
    unsigned complaints = 0;
    for (uint32_t i = 0; i < b->contract->end_count; i++) {
        early_ready[i] = b->actors[i].ready;
        complaints += b->actors[i].complaints;
        if (b->actors[i].downs > 0) {
            printf("# a peer is said to be down\n");
            complaints++;
        }
    }
    (void)fflush(stdout);
    return complaints;
}

/* The peers that this end talks to. */
static uint32_t first_peer(const struct actor *a)
{
    return a->t->self == 0 ? 1 : 0;
}

static uint32_t last_peer(const struct actor *a)
{
    return a->t->self == 0 ? a->t->peer_count - 1 : 0;
}

/* ---- the tests ---------------------------------------------------------- */

static void pay_acks(struct actor *a, uint32_t peer)
{
    struct lane *lane = &a->lanes[peer];
    while (lane->acks_owed > 0) {
        uint32_t size = size_of(a->t, lane->got - lane->acks_owed);
        if (tell(a, peer, ACK, size, sizeof(struct head)) != HAY_OK) {
            return;
        }
        lane->acks_owed--;
    }
}

/* Send what credit and transport allow; true when all is acknowledged. */
static bool exchange(struct actor *a, uint32_t peer, uint32_t count)
{
    struct lane *lane = &a->lanes[peer];
    pay_acks(a, peer);
    while (lane->sent < count) {
        uint32_t size = size_of(a->t, lane->sent);
        uint64_t flying = lane->sent_bytes - lane->acked_bytes;
        if (flying + size > a->t->credit_bytes
            || lane->sent - lane->acked >= a->t->credit_frames
            || tell(a, peer, DATA, lane->sent, size) != HAY_OK) {
            break;
        }
        lane->sent++;
        lane->sent_bytes += size;
    }
    return lane->acked == count && lane->got == count && lane->acks_owed == 0;
}

static bool frames_step(struct actor *a)
{
    bool done = true;
    for (uint32_t i = first_peer(a); i <= last_peer(a); i++) {
        done = exchange(a, i, FRAMES) && done;
    }
    return done;
}

unsigned hayi_contract_frames(struct hayi_contract *contract)
{
    struct battle b = begin(contract);
    run(&b, frames_step);
    return end(&b);
}

/* As many as are accepted, with no poll in between. */
static void push(struct actor *a, uint32_t peer, bool alone)
{
    struct lane *lane = &a->lanes[peer];
    hay_status st = HAY_OK;
    uint32_t before = lane->sent;
    while (st == HAY_OK && lane->sent - before < LIMIT) {
        st = tell(a, peer, DATA, lane->sent, LIMIT_BYTES);
        lane->sent += st == HAY_OK;
    }
    uint32_t count = lane->sent - before;
    if (count < a->t->credit_frames) {
        COMPLAIN(a, "%u frames accepted, less than the credit", count);
    }
    if (alone && st != HAY_EAGAIN) {
        COMPLAIN(a, "%u frames accepted, and no limit", count);
    }
}

static bool limit_step(struct actor *a)
{
    bool done = true;
    if (a->t->self != 0) {
        pay_acks(a, 0);
        return a->ended;
    }
    for (uint32_t i = 1; i < a->t->peer_count; i++) {
        done = a->lanes[i].acked == a->lanes[i].sent && done;
    }
    return done;
}

static bool all_ended(struct actor *a)
{
    for (uint32_t i = 1; a->t->self == 0 && i < a->t->peer_count; i++) {
        (void)tell(a, i, DONE, 0, sizeof(struct head));
    }
    return true;
}

/* The manager's end, if it is here. */
static struct actor *manager_of(struct battle *b)
{
    return b->actors[0].t->self == 0 ? &b->actors[0] : NULL;
}

static bool manager_acked(struct actor *a)
{
    if (a->t->self == 0) {
        return limit_step(a);
    }
    pay_acks(a, 0);
    return true;
}

unsigned hayi_contract_limit(struct hayi_contract *contract)
{
    struct battle b = begin(contract);
    struct actor *m = manager_of(&b);
    if (m != NULL) {
        for (int round = 0; round < 2; round++) {
            for (uint32_t i = 1; i < m->t->peer_count; i++) {
                push(m, i, contract->end_count > 1);
            }
            run(&b, manager_acked);
        }
        (void)all_ended(m);
    }
    run(&b, limit_step);
    return end(&b);
}

static bool answer_step(struct actor *a)
{
    bool done = true;
    for (uint32_t i = first_peer(a); i <= last_peer(a); i++) {
        done = a->lanes[i].got == HOPS && a->lanes[i].sent == HOPS && done;
    }
    return done;
}

unsigned hayi_contract_answer(struct hayi_contract *contract)
{
    struct battle b = begin(contract);
    for (uint32_t i = 0; i < contract->end_count; i++) {
        struct actor *a = &b.actors[i];
        a->answering = true;
        for (uint32_t k = first_peer(a); k <= last_peer(a); k++) {
            uint32_t size = a->t->self == 0 ? 100 : 5000;
            (void)tell(a, k, DATA, a->lanes[k].sent++, size);
        }
    }
    run(&b, answer_step);
    return end(&b);
}

static void rest(struct actor *a)
{
    struct pollfd list[8];
    bool may_sleep = a->t->ops->announce(a->t);
    if (poll_end(a) == 0) {
        size_t count = a->t->ops->fds(a->t, list, 8);
        int rc = poll(list, count, may_sleep ? 60000 : 1);
        if (may_sleep && rc <= 0) {
            COMPLAIN(a, "nobody rang");
        }
        a->rests += may_sleep && rc > 0;
    }
    a->t->ops->awake(a->t);
}

/* Answers each frame, sleeps in between, until the end. */
static void bell_worker(struct actor *a, uint64_t until_ns)
{
    while (!a->ended && hayi_clock_ns() < until_ns) {
        struct lane *lane = &a->lanes[0];
        while (lane->sent < lane->got) {
            (void)tell(a, 0, DATA, lane->sent, size_of(a->t, lane->sent));
            lane->sent++;
        }
        if (poll_end(a) == 0 && !a->ended) {
            rest(a);
        }
    }
}

static void bell_manager(struct actor *a, uint64_t until_ns)
{
    for (uint32_t i = 0; i < BELLS; i++) {
        uint32_t peer = 1 + i % (a->t->peer_count - 1);
        struct lane *lane = &a->lanes[peer];
        uint32_t size = size_of(a->t, lane->sent + i % 3);
        (void)tell(a, peer, DATA, lane->sent, size);
        lane->sent++;
        while (lane->got < lane->sent && hayi_clock_ns() < until_ns) {
            if (poll_end(a) == 0) {
                rest(a);
            }
        }
    }
    if (a->rests < BELLS / 10) {
        COMPLAIN(a, "slept %u times only, this proves nothing", a->rests);
    }
    (void)all_ended(a);
}

unsigned hayi_contract_bell(struct hayi_contract *contract)
{
    struct battle b = begin(contract);
    struct actor *a = &b.actors[0];
    if (a->t->self == 0) {
        bell_manager(a, b.until_ns);
    } else {
        bell_worker(a, b.until_ns);
    }
    return end(&b);
}

unsigned hayi_contract_down(struct hayi_contract *contract,
                            void (*kill)(void *context))
{
    struct battle b = begin(contract);
    struct actor *m = manager_of(&b);
    struct actor *last = &b.actors[contract->end_count - 1];
    uint32_t peer = last->t->self;
    for (uint32_t i = 0; i < LAST_FRAMES; i++) {
        (void)tell(last, 0, DATA, i, 1000);
    }
    kill(contract->context);
    contract->end_count--;
    while (m->downs == 0 && hayi_clock_ns() < b.until_ns) {
        poll_all(&b);
    }
    if (m->lanes[peer].got != LAST_FRAMES || m->downs != 1) {
        COMPLAIN(m,
                 "%u frames of the dead, told %u times",
                 m->lanes[peer].got,
                 m->downs);
    }
    for (int i = 0; i < 1000; i++) {
        poll_all(&b);
    }
    if (m->downs != 1) {
        COMPLAIN(m, "a death is told %u times", m->downs);
    }
    if (m->t->ops->send(m->t, peer, scratch, 64) != HAY_EFARM) {
        COMPLAIN(m, "the dead can be sent to");
    }
    return m->complaints;
}
