/* bulk_contract.c - see bulk_contract.h.
 *
 * What is sent from whom to whom is a plan that both ends know.  All data are
 * pieces of one pattern.  Every test ends with a meeting, in bulk messages too,
 * so that no frame of a later test meets an end that is still in this one.
 */
#include "config.h"

#include "contract/bulk_contract.h"

#include "base/clock.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGES = 30, /* of a plan, each way */
    TAGS = 5,
    GUARD = 64, /* bytes behind what is received */
    GUARD_BYTE = 0xee,
    LARGEST = 64 << 20,
    PEERS_MAX = 8,
    LIMIT = 100000,
    LIMIT_TAG = 77,
    MEET_TAG = 99,
    LEAVE_TAG = 100,
    COOKIES = 2 * PEERS_MAX * MESSAGES,
};

#define PATIENCE_NS UINT64_C(100000000000)

struct message {
    uint32_t tag;
    uint32_t seed;
    size_t send_size;
    size_t receive_size;
};

typedef struct message (*plan_fn)(uint32_t from, uint32_t to, uint32_t number);

struct actor {
    struct hayi_transport *t;
    unsigned complaints;
    plan_fn plan;
    uint32_t posted[2 * PEERS_MAX]; /* sends to, receives from */
    unsigned char *rooms[COOKIES];
    uint8_t told[COOKIES];
    hay_status statuses[COOKIES];
    uint32_t left; /* to be told */
    uint32_t index;
    bool meeting;
};

static unsigned char *pattern;

#define COMPLAIN(actor, ...)                                                   \
    do {                                                                       \
        (actor)->complaints++;                                                 \
        printf("# peer %u: ", (actor)->t->self);                               \
        printf(__VA_ARGS__);                                                   \
        printf("\n");                                                          \
    } while (0)

static bool make_pattern(void)
{
    uint64_t x = 88172645463325252U;
    size_t size = LARGEST + (1 << 16);
    if (pattern != NULL) {
        return true;
    }
    pattern = malloc(size);
    for (size_t i = 0; pattern != NULL && i < size; i += sizeof x) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(pattern + i, &x, sizeof x);
    }
    return pattern != NULL;
}

/* ---- the runner --------------------------------------------------------- */

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    struct actor *a = context;
    if (a->meeting && hayi_contract_early(a->index, data, size)) {
        return;
    }
    COMPLAIN(a, "a frame of %zu bytes from %u", size, peer);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    struct actor *a = context;
    COMPLAIN(a, "peer %u is down: %s", peer, how);
}

static void on_bulk(void *context, uint64_t cookie, hay_status status)
{
    struct actor *a = context;
    if (cookie >= COOKIES) {
        COMPLAIN(a, "an unknown cookie");
        return;
    }
    if (++a->told[cookie] > 1) {
        COMPLAIN(a, "cookie %u is told again", (unsigned)cookie);
        return;
    }
    a->statuses[cookie] = status;
    a->left--;
}

struct battle {
    const struct hayi_contract *contract;
    struct actor *actors;
    uint64_t until_ns;
};

static bool begin(struct hayi_contract *contract, struct battle *b)
{
    *b = (struct battle){.contract = contract};
    b->until_ns = hayi_clock_ns() + PATIENCE_NS;
    b->actors = calloc(contract->end_count, sizeof *b->actors);
    if (!make_pattern() || b->actors == NULL) {
        printf("# no memory\n");
        return false;
    }
    for (uint32_t i = 0; i < contract->end_count; i++) {
        b->actors[i].t = contract->ends[i];
        b->actors[i].index = i;
    }
    return true;
}

typedef bool (*step_fn)(struct actor *actor); /* true: this end is done */

static void run(struct battle *b, step_fn step)
{
    bool done = false;
    while (!done) {
        uint32_t calls = 0;
        done = true;
        for (uint32_t i = 0; i < b->contract->end_count; i++) {
            struct actor *a = &b->actors[i];
            const struct hayi_transport_sink sink = {.frame = on_frame,
                                                     .down = on_down,
                                                     .context = a,
                                                     .bulk = on_bulk};
            done = step(a) && done;
            calls += a->t->ops->poll(a->t, &sink);
        }
        if (calls == 0) {
            (void)sched_yield();
        }
        if (hayi_clock_ns() > b->until_ns) {
            COMPLAIN(&b->actors[0], "nothing happens any more");
            return;
        }
    }
}

static uint32_t first_peer(const struct actor *a)
{
    return a->t->self == 0 ? 1 : 0;
}

static uint32_t last_peer(const struct actor *a)
{
    return a->t->self == 0 ? a->t->peer_count - 1 : 0;
}

/* Workers tell the manager that they are done, then it tells them. */
static uint64_t word; /* sent and received; its value does not matter */

static void post_word(struct actor *a, uint32_t peer, bool send, uint32_t tag)
{
    const struct hayi_transport_ops *ops = a->t->ops;
    uint64_t cookie = 2 * peer + (send ? 0 : 1);
    hay_status st =
        send ? ops->bulk_send(a->t, peer, tag, &word, sizeof word, cookie)
             : ops->bulk_receive(a->t, peer, tag, &word, sizeof word, cookie);
    if (st != HAY_OK) {
        COMPLAIN(a, "meeting %u: %s", peer, hay_status_name(st));
        return;
    }
    a->told[cookie] = 0;
    a->left++;
}

static bool all_told(struct actor *a)
{
    return a->left == 0;
}

static bool meet_step(struct actor *a)
{
    if (a->left > 0 || a->posted[0] > 0) {
        return a->left == 0;
    }
    a->posted[0] = 1; /* the manager: all are there */
    for (uint32_t i = first_peer(a); i <= last_peer(a); i++) {
        if (a->t->self == 0) {
            post_word(a, i, true, LEAVE_TAG);
        }
    }
    return a->left == 0;
}

static unsigned end(struct battle *b)
{
    unsigned complaints = 0;
    for (uint32_t i = 0; i < b->contract->end_count; i++) {
        struct actor *a = &b->actors[i];
        memset(a->posted, 0, sizeof a->posted);
        a->meeting = true;
        for (uint32_t peer = first_peer(a); peer <= last_peer(a); peer++) {
            post_word(a, peer, a->t->self != 0, MEET_TAG);
            if (a->t->self != 0) {
                post_word(a, peer, false, LEAVE_TAG);
            }
        }
    }
    run(b, meet_step);
    for (uint32_t i = 0; i < b->contract->end_count; i++) {
        complaints += b->actors[i].complaints;
        for (uint32_t k = 0; k < COOKIES; k++) {
            free(b->actors[i].rooms[k]);
        }
    }
    free(b->actors);
    (void)fflush(stdout);
    return complaints;
}

/* ---- plans -------------------------------------------------------------- */

static uint64_t cookie_of(uint32_t peer, bool send, uint32_t number)
{
    return (2 * (uint64_t)peer + (send ? 0 : 1)) * MESSAGES + number;
}

/* In the receiver's order tags fall. */
static uint32_t receive_order(uint32_t index)
{
    uint32_t each = MESSAGES / TAGS;
    return index % each * TAGS + (TAGS - 1 - index / each);
}

static struct message plan_sizes(uint32_t from, uint32_t to, uint32_t number)
{
    static const size_t sizes[] = {
        1, 3, 4096, 32768, 33793, 100001, (1 << 20) + 1, (8 << 20) + 5};
    size_t size = sizes[number % (sizeof sizes / sizeof sizes[0])];
    if (number == MESSAGES - 1 && from + to == 1) {
        size = LARGEST;
    }
    return (struct message){.tag = number % TAGS,
                            .seed = (number * 131 + from * 7 + to) % 4096,
                            .send_size = size,
                            .receive_size = size};
}

static struct message plan_unequal(uint32_t from, uint32_t to, uint32_t number)
{
    struct message message = plan_sizes(from, to, number % 7 + 1);
    message.tag = number % TAGS;
    message.seed = number;
    if (number % 3 == 1) {
        message.receive_size += 1 + number;
    } else if (number % 3 == 2) {
        message.send_size += 1 + number;
    }
    if (number % 9 == 4) {
        message.send_size = 0; /* a refusal */
    }
    return message;
}

static bool post(struct actor *a, uint32_t peer, bool send, uint32_t number)
{
    const struct hayi_transport_ops *ops = a->t->ops;
    uint32_t self = a->t->self;
    uint64_t cookie = cookie_of(peer, send, number);
    struct message m =
        send ? a->plan(self, peer, number) : a->plan(peer, self, number);
    hay_status st = HAY_OK;
    if (send) {
        const void *data = pattern + m.seed;
        st = ops->bulk_send(a->t, peer, m.tag, data, m.send_size, cookie);
    } else {
        unsigned char *room = malloc(m.receive_size + GUARD);
        if (room == NULL) {
            COMPLAIN(a, "no memory");
            return false;
        }
        memset(room, GUARD_BYTE, m.receive_size + GUARD);
        a->rooms[cookie] = room;
        st = ops->bulk_receive(a->t, peer, m.tag, room, m.receive_size, cookie);
    }
    if (st != HAY_OK) {
        COMPLAIN(
            a, "message %u with %u: %s", number, peer, hay_status_name(st));
        return false;
    }
    a->left++;
    return true;
}

static bool plan_step(struct actor *a)
{
    for (uint32_t peer = first_peer(a); peer <= last_peer(a); peer++) {
        uint32_t *sends = &a->posted[2 * peer];
        uint32_t *receives = &a->posted[2 * peer + 1];
        /* A few at a time, so that some come before they are expected. */
        for (int i = 0; i < 4 && *sends < MESSAGES; i++) {
            (void)post(a, peer, true, (*sends)++);
        }
        for (int i = 0; i < 3 && *receives < MESSAGES; i++) {
            (void)post(a, peer, false, receive_order((*receives)++));
        }
        if (*sends < MESSAGES || *receives < MESSAGES) {
            return false;
        }
    }
    return a->left == 0;
}

static void check_receive(struct actor *a, uint32_t peer, uint32_t number)
{
    uint64_t cookie = cookie_of(peer, false, number);
    struct message m = a->plan(peer, a->t->self, number);
    const unsigned char *room = a->rooms[cookie];
    bool equal = m.send_size == m.receive_size;
    hay_status due = m.send_size == 0 ? HAY_EEMPTY : HAY_EMISMATCH;
    due = equal ? HAY_OK : due;
    if (a->statuses[cookie] != due) {
        COMPLAIN(a,
                 "message %u from %u (%zu bytes, room for %zu): %s",
                 number,
                 peer,
                 m.send_size,
                 m.receive_size,
                 hay_status_name(a->statuses[cookie]));
    } else if (equal && memcmp(room, pattern + m.seed, m.send_size) != 0) {
        COMPLAIN(a, "message %u from %u came with other bytes", number, peer);
    }
    for (size_t i = 0; i < GUARD; i++) {
        if (room[m.receive_size + i] != GUARD_BYTE) {
            COMPLAIN(a, "message %u from %u: written beyond", number, peer);
            return;
        }
    }
}

static void check_plan(struct actor *a)
{
    for (uint32_t peer = first_peer(a); peer <= last_peer(a); peer++) {
        for (uint32_t i = 0; i < MESSAGES; i++) {
            hay_status st = a->statuses[cookie_of(peer, true, i)];
            if (st != HAY_OK) {
                COMPLAIN(a, "send %u: %s", i, hay_status_name(st));
            }
            check_receive(a, peer, i);
        }
    }
}

static unsigned run_plan(struct hayi_contract *contract, plan_fn plan)
{
    struct battle b;
    if (!begin(contract, &b)) {
        return 1;
    }
    for (uint32_t i = 0; i < contract->end_count; i++) {
        b.actors[i].plan = plan;
    }
    run(&b, plan_step);
    for (uint32_t i = 0; i < contract->end_count; i++) {
        if (b.actors[i].left == 0) {
            check_plan(&b.actors[i]);
        }
    }
    return end(&b);
}

unsigned hayi_contract_bulk(struct hayi_contract *contract)
{
    return run_plan(contract, plan_sizes);
}

unsigned hayi_contract_bulk_unequal(struct hayi_contract *contract)
{
    return run_plan(contract, plan_unequal);
}

/* ---- limits ------------------------------------------------------------- */

static uint64_t numbers[LIMIT];
static uint64_t number_in;

/* posted[1]: receives that have ended; statuses are those of cookie 1. */
static bool limit_step(struct actor *a)
{
    uint32_t dear = a->t->peer_count - 1; /* the receiver */
    if (a->t->self != dear || (a->posted[1] > 0 && number_in == UINT64_MAX)) {
        return a->left == 0 || a->t->self == 0;
    }
    if (a->left > 0) {
        return false;
    }
    if (a->posted[1] > 0 && number_in != a->posted[1] - 1) {
        COMPLAIN(a, "number %u came late or early", a->posted[1] - 1);
        number_in = UINT64_MAX;
        return true;
    }
    a->told[1] = 0;
    hay_status st = a->t->ops->bulk_receive(
        a->t, 0, LIMIT_TAG, &number_in, sizeof number_in, 1);
    if (st != HAY_OK) {
        COMPLAIN(a, "receive: %s", hay_status_name(st));
        return true;
    }
    a->posted[1]++;
    a->left++;
    return false;
}

static hay_status send_number(struct actor *a, uint64_t value, uint32_t index)
{
    uint32_t to = a->t->peer_count - 1;
    numbers[index] = value;
    hay_status st = a->t->ops->bulk_send(
        a->t, to, LIMIT_TAG, &numbers[index], sizeof value, index + 2);
    if (st == HAY_OK) {
        a->left++;
    }
    return st;
}

/* The manager's last step: there is room again for the number that ends it. */
static bool last_step(struct actor *a)
{
    if (a->t->self == 0 && a->posted[0] > 0
        && send_number(a, UINT64_MAX, a->posted[0]) == HAY_OK) {
        a->posted[0] = 0;
    }
    return limit_step(a) && (a->t->self != 0 || a->posted[0] == 0)
           && all_told(a);
}

unsigned hayi_contract_bulk_limit(struct hayi_contract *contract)
{
    struct battle b;
    if (!begin(contract, &b)) {
        return 1;
    }
    struct actor *a = &b.actors[0];
    number_in = 0;
    if (a->t->self == 0) {
        uint32_t count = 0;
        hay_status st = HAY_OK;
        while (count + 3 < COOKIES && st == HAY_OK) {
            st = send_number(a, count, count);
            count += st == HAY_OK;
        }
        if (st != HAY_EAGAIN || count < 64) {
            COMPLAIN(a, "send %u: %s", count, hay_status_name(st));
        }
        a->posted[0] = count;
    }
    run(&b, last_step);
    return end(&b);
}

unsigned hayi_contract_bulk_drop(struct hayi_contract *contract)
{
    struct battle b;
    unsigned complaints = 0;
    if (!begin(contract, &b)) {
        return 1;
    }
    for (uint32_t i = 0; i < contract->end_count; i++) {
        struct actor *a = &b.actors[i];
        for (uint32_t peer = first_peer(a); peer <= last_peer(a); peer++) {
            post_word(a, peer, false, LIMIT_TAG);
            a->t->ops->bulk_drop(a->t, peer);
        }
    }
    run(&b, all_told);
    for (uint32_t i = 0; i < contract->end_count; i++) {
        struct actor *a = &b.actors[i];
        for (uint32_t peer = first_peer(a); peer <= last_peer(a); peer++) {
            hay_status st = a->t->ops->bulk_send(
                a->t, peer, LIMIT_TAG, &word, sizeof word, 0);
            if (a->statuses[2 * peer + 1] != HAY_EFARM || st != HAY_EFARM) {
                COMPLAIN(a,
                         "dropped %u: %s, then %s",
                         peer,
                         hay_status_name(a->statuses[2 * peer + 1]),
                         hay_status_name(st));
            }
        }
        complaints += a->complaints;
    }
    free(b.actors);
    return complaints;
}
