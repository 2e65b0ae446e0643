/* mover_contract.c - see mover_contract.h.
 *
 * A test is a plan: transfer n of each pair has this size and this trouble.
 * Transfers are numbered through all tests, so that a rank that is early in the
 * next one disturbs nobody.
 */
#include "config.h"

#include "contract/mover_contract.h"

#include "base/bell.h"
#include "base/clock.h"
#include "data/mover.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PEERS_MAX = 4,
    MOVES_MAX = 24, /* of a pair, one way */
};

#define MIB         ((uint64_t)1 << 20)
#define PATIENCE_NS UINT64_C(100000000000)

enum trouble { WELL, NO_ROOM, LACKS, OTHER_SIZE, DROPPED };

struct move {
    uint64_t size;
    enum trouble trouble;
};

struct plan {
    const struct move *moves;
    uint32_t count;
    uint64_t limit_bytes;
    bool spills;
    bool checksum;
};

struct end {
    struct hayi_transport *t;
    struct hayi_store *store;
    struct hayi_bell bell;
    struct hayi_mover *mover;
    uint32_t left; /* transfers to be told, both ways */
    uint8_t told[2][PEERS_MAX][MOVES_MAX];
    hayi_place sources[PEERS_MAX][MOVES_MAX];
};

struct battle {
    const struct hayi_contract *contract;
    const struct plan *plan;
    struct end ends[HAYI_CONTRACT_ENDS_MAX];
    unsigned complaints;
};

static uint32_t base; /* of the numbers of this test's transfers */

#define COMPLAIN(b, e, ...)                                                    \
    do {                                                                       \
        (b)->complaints++;                                                     \
        printf("# peer %u: ", (e)->t->self);                                   \
        printf(__VA_ARGS__);                                                   \
        printf("\n");                                                          \
    } while (0)

static uint32_t number_of(uint32_t from, uint32_t to, uint32_t index)
{
    return base + (from * PEERS_MAX + to) * MOVES_MAX + index;
}

static unsigned char byte_of(uint32_t number, uint64_t at)
{
    uint64_t x = (at / 8 + number) * UINT64_C(0x9E3779B97F4A7C15);
    return (unsigned char)(x >> (at % 8 * 8));
}

/* ---- one end ------------------------------------------------------------ */

static bool open_end(struct battle *b, struct end *e)
{
    struct hayi_error err = {HAY_OK, ""};
    const struct hayi_store_config config = {
        .limit_bytes = b->plan->limit_bytes,
        .spill_folder = b->plan->spills ? NULL : "",
    };
    const struct hayi_mover_config mover = {
        .transport = e->t, .bell = &e->bell, .checksum = b->plan->checksum};
    hay_status st = hayi_bell_init(&e->bell);
    if (st == HAY_OK) {
        st = hayi_store_new(&e->store, &err);
    }
    if (st == HAY_OK) {
        st = hayi_store_configure(e->store, &config, &err);
    }
    struct hayi_mover_config with_store = mover;
    with_store.store = e->store;
    if (st == HAY_OK) {
        st = hayi_mover_new(&with_store, &e->mover, &err);
    }
    if (st != HAY_OK) {
        COMPLAIN(b, e, "start: %s", err.text);
    }
    return st == HAY_OK;
}

static void close_end(struct end *e)
{
    hayi_mover_free(e->mover);
    hayi_store_free(e->store);
    hayi_bell_fini(&e->bell);
}

static void put(struct battle *b, struct end *e, uint32_t to, uint32_t index)
{
    struct hayi_error err = {HAY_OK, ""};
    const struct move *move = &b->plan->moves[index];
    uint32_t number = number_of(e->t->self, to, index);
    uint64_t size = move->size + (move->trouble == OTHER_SIZE ? 1 : 0);
    hayi_place place = 0;
    void *data = NULL;
    hay_status st = hayi_store_create(e->store, size, &place, &data, &err);
    if (st != HAY_OK) {
        COMPLAIN(b, e, "object of %u: %s", number, err.text);
        return;
    }
    unsigned char *bytes = data;
    for (uint64_t i = 0; i < size; i++) {
        bytes[i] = byte_of(number, i);
    }
    hayi_store_seal(e->store, place, 0);
    if (move->trouble == LACKS) {
        hayi_store_drop(e->store, place);
    }
    e->sources[to][index] = place;
}

static void
start(struct battle *b, struct end *e, uint32_t peer, uint32_t index)
{
    const struct move *move = &b->plan->moves[index];
    uint32_t self = e->t->self;
    uint32_t out = number_of(self, peer, index);
    uint32_t in = number_of(peer, self, index);
    /* Sometimes the receiver is told first. */
    if ((out ^ in) % 3 == 0) {
        hayi_mover_receive(e->mover, in, 0, move->size, peer);
    }
    hayi_place place = e->sources[peer][index];
    hayi_mover_send(e->mover, out, place, move->size, peer);
    if (move->trouble == DROPPED) {
        hayi_store_drop(e->store, place);
    }
    if ((out ^ in) % 3 != 0) {
        hayi_mover_receive(e->mover, in, 0, move->size, peer);
    }
    e->left += 2;
}

static void check_bytes(struct battle *b,
                        struct end *e,
                        hayi_place place,
                        uint64_t due,
                        uint32_t number)
{
    struct hayi_error err = {HAY_OK, ""};
    const void *data = NULL;
    uint64_t size = 0;
    hay_status st = hayi_store_pin(e->store, place, &data, &size, &err);
    if (st != HAY_OK || size != due) {
        COMPLAIN(b, e, "transfer %u came as nothing: %s", number, err.text);
        return;
    }
    const unsigned char *bytes = data;
    for (uint64_t i = 0; i < size; i++) {
        if (bytes[i] != byte_of(number, i)) {
            COMPLAIN(b, e, "transfer %u: a byte is wrong", number);
            break;
        }
    }
    hayi_store_unpin(e->store, place);
    hayi_store_drop(e->store, place);
}

static hay_status due_status(enum trouble trouble, bool received)
{
    switch (trouble) {
    case NO_ROOM:
        return received ? HAY_EIO : HAY_OK;
    case LACKS:
        return HAY_EFARM;
    case OTHER_SIZE:
        return received ? HAY_EFARM : HAY_EMISMATCH;
    default:
        return HAY_OK;
    }
}

static void
check(struct battle *b, struct end *e, const struct hayi_moved *moved)
{
    uint32_t place =
        (moved->transfer - base) % (PEERS_MAX * PEERS_MAX * MOVES_MAX);
    uint32_t index = place % MOVES_MAX;
    uint32_t to = place / MOVES_MAX % PEERS_MAX;
    uint32_t from = place / MOVES_MAX / PEERS_MAX;
    uint32_t peer = moved->received ? from : to;
    const struct move *move = &b->plan->moves[index];
    if (e->t->self != (moved->received ? to : from)
        || ++e->told[moved->received][peer][index] > 1) {
        COMPLAIN(b, e, "transfer %u is told wrongly", moved->transfer);
        return;
    }
    e->left--;
    hay_status due = due_status(move->trouble, moved->received);
    if (moved->status != due || (due != HAY_OK && moved->words[0] == '\0')) {
        COMPLAIN(b,
                 e,
                 "transfer %u (%s): %s, \"%s\"",
                 moved->transfer,
                 moved->received ? "in" : "out",
                 hay_status_name(moved->status),
                 moved->words);
    } else if (moved->received && due == HAY_OK) {
        check_bytes(b, e, moved->place, move->size, moved->transfer);
    } else if (!moved->received && move->trouble != DROPPED) {
        hayi_store_drop(e->store, e->sources[peer][index]);
    }
}

/* ---- the runner --------------------------------------------------------- */

static void
on_frame(void *context, uint32_t peer, const void *data, size_t size)
{
    (void)context;
    (void)data;
    printf("# a frame of %zu bytes from %u\n", size, peer);
}

static void on_down(void *context, uint32_t peer, const char *how)
{
    struct end *e = context;
    printf("# peer %u: peer %u is down: %s\n", e->t->self, peer, how);
}

static void on_bulk(void *context, uint64_t cookie, hay_status status)
{
    struct end *e = context;
    hayi_mover_bulk(e->mover, cookie, status);
}

static bool turn(struct battle *b, struct end *e)
{
    const struct hayi_transport_sink sink = {
        .frame = on_frame, .down = on_down, .context = e, .bulk = on_bulk};
    struct hayi_moved moved;
    bool any = e->t->ops->poll(e->t, &sink) > 0;
    any = hayi_mover_poll(e->mover) || any;
    while (hayi_mover_next(e->mover, &moved)) {
        check(b, e, &moved);
        any = true;
    }
    return any;
}

static void run(struct battle *b)
{
    uint64_t until = hayi_clock_ns() + PATIENCE_NS;
    uint32_t left = 1;
    while (left > 0) {
        bool any = false;
        left = 0;
        for (uint32_t i = 0; i < b->contract->end_count; i++) {
            any = turn(b, &b->ends[i]) || any;
            left += b->ends[i].left;
        }
        if (!any) {
            (void)sched_yield();
        }
        if (hayi_clock_ns() > until) {
            COMPLAIN(b, &b->ends[0], "%u transfers do not end", left);
            return;
        }
    }
}

static void each_move(struct battle *b,
                      void (*call)(struct battle *b,
                                   struct end *e,
                                   uint32_t peer,
                                   uint32_t index))
{
    for (uint32_t i = 0; i < b->contract->end_count; i++) {
        struct end *e = &b->ends[i];
        for (uint32_t k = 0; k < b->plan->count; k++) {
            for (uint32_t peer = 0; peer < e->t->peer_count; peer++) {
                if (peer != e->t->self) {
                    call(b, e, peer, k);
                }
            }
        }
    }
}

static unsigned carry_out(struct hayi_contract *contract,
                          const struct plan *plan)
{
    struct battle *b = calloc(1, sizeof(*b));
    if (b == NULL) {
        return 1;
    }
    b->contract = contract;
    b->plan = plan;
    bool open = true;
    for (uint32_t i = 0; i < contract->end_count; i++) {
        b->ends[i].t = contract->ends[i];
        open = open_end(b, &b->ends[i]) && open;
    }
    if (open) {
        each_move(b, put);
        each_move(b, start);
        run(b);
    }
    for (uint32_t i = 0; i < contract->end_count; i++) {
        if (open && hayi_mover_busy(b->ends[i].mover)) {
            COMPLAIN(b, &b->ends[i], "the mover is still busy");
        } else if (open) {
            hayi_store_check(b->ends[i].store);
        }
        close_end(&b->ends[i]);
    }
    base += PEERS_MAX * PEERS_MAX * MOVES_MAX;
    unsigned complaints = b->complaints;
    free(b);
    (void)fflush(stdout);
    return complaints;
}

/* ---- the tests ---------------------------------------------------------- */

enum { SIZES = 11 };
static const struct move sizes[SIZES] = {
    {.size = 64 * MIB},
    {.size = 1},
    {.size = 17},
    {.size = 20000},
    {.size = 65536},
    {.size = MIB},
    {.size = 8 * MIB},
    {.size = 8 * MIB + 1},
    {.size = 12 * MIB},
    {.size = 17 * MIB + 5},
    {.size = 100000},
};

unsigned hayi_contract_move_sizes(struct hayi_contract *contract)
{
    const struct plan plan = {sizes, SIZES, 2048 * MIB, true, false};
    return carry_out(contract, &plan);
}

unsigned hayi_contract_move_checked(struct hayi_contract *contract)
{
    const struct plan plan = {sizes + 1, SIZES - 1, 2048 * MIB, true, true};
    return carry_out(contract, &plan);
}

unsigned hayi_contract_move_spilled(struct hayi_contract *contract)
{
    struct move moves[12];
    for (uint32_t i = 0; i < 12; i++) {
        moves[i] = (struct move){.size = i % 3 == 0 ? 100000 : 5 * MIB + i};
    }
    const struct plan plan = {moves, 12, 24 * MIB, true, false};
    return carry_out(contract, &plan);
}

unsigned hayi_contract_move_dropped(struct hayi_contract *contract)
{
    static const struct move moves[] = {{20000, DROPPED},
                                        {3 * MIB, DROPPED},
                                        {21 * MIB, DROPPED},
                                        {8 * MIB, DROPPED}};
    const struct plan plan = {moves, 4, 1024 * MIB, true, false};
    return carry_out(contract, &plan);
}

/* An object with NO_ROOM is larger than what all others leave. */
unsigned hayi_contract_move_refused(struct hayi_contract *contract)
{
    static const struct move moves[] = {{20000, LACKS},
                                        {100000, OTHER_SIZE},
                                        {30 * MIB, LACKS},
                                        {40000, WELL},
                                        {9 * MIB, OTHER_SIZE},
                                        {9 * MIB, LACKS},
                                        {2 * MIB, WELL}};
    const struct plan plan = {moves, 7, 1024 * MIB, false, false};
    const struct plan checked = {moves, 7, 1024 * MIB, false, true};
    static const struct move large[] = {
        {20000, WELL}, {40 * MIB, NO_ROOM}, {10 * MIB, WELL}};
    uint64_t others = contract->ends[0]->peer_count - 1;
    const struct plan full = {
        large, 3, others * 51 * MIB + 30 * MIB, false, false};
    return carry_out(contract, &plan) + carry_out(contract, &checked)
           + carry_out(contract, &full);
}
