/* test_transport_entrance.c - guests and the entrances of peers that are there
 * from the start: bulk messages, straight from one to the other. */
#include "config.h"

#include "base/clock.h"
#include "support/unit.h"
#include "transport/transport_zmq.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Peer 0 is the hub, 1 and 2 have entrances, guests are 3 and 4. */
enum { MEMBERS = 2, GUESTS = 2, ENDS = 1 + MEMBERS + GUESTS, SIZE = 5000001 };

#define PATIENCE_NS UINT64_C(60000000000)

static const char identity[] = "hayfork test\n";

struct told {
    unsigned bulks;
    unsigned downs;
    uint64_t cookie; /* of the last */
    hay_status status;
    char words[300];
};

static struct hayi_transport *ends[ENDS];
static struct told told[ENDS];
static struct hayi_door doors[1 + MEMBERS];

static void ignore_frame(void *context, uint32_t peer, const void *d, size_t n)
{
    (void)context;
    (void)peer;
    (void)d;
    (void)n;
}

static void note_down(void *context, uint32_t peer, const char *how)
{
    struct told *own = context;
    (void)peer;
    own->downs++;
    (void)snprintf(own->words, sizeof own->words, "%s", how);
}

static void note_bulk(void *context, uint64_t cookie, hay_status status)
{
    struct told *own = context;
    own->bulks++;
    own->cookie = cookie;
    own->status = status;
}

static void
ignore_up(void *context, uint32_t peer, const struct hayi_guest *who)
{
    (void)context;
    (void)peer;
    (void)who;
}

static void poll_all(void)
{
    for (uint32_t i = 0; i < ENDS; i++) {
        const struct hayi_transport_sink sink = {.frame = ignore_frame,
                                                 .down = note_down,
                                                 .bulk = note_bulk,
                                                 .up = ignore_up,
                                                 .context = &told[i]};
        if (ends[i] != NULL) {
            (void)ends[i]->ops->poll(ends[i], &sink);
        }
    }
}

static bool until(const unsigned *count, unsigned wanted)
{
    uint64_t last = hayi_clock_ns() + PATIENCE_NS;
    while (*count < wanted && hayi_clock_ns() < last) {
        poll_all();
        (void)sched_yield();
    }
    return *count >= wanted;
}

static void open_end(uint32_t self)
{
    struct hayi_error err = {HAY_OK, ""};
    const struct hayi_zmq_listen listen = {.address = "127.0.0.1",
                                           .self = self,
                                           .first = 1 + MEMBERS,
                                           .guests_max = GUESTS,
                                           .identity = identity,
                                           .identity_size = sizeof identity};
    CU_ASSERT_EQUAL_FATAL(
        hayi_zmq_listen(&listen, &ends[self], &doors[self], &err), HAY_OK);
}

static void enter(uint32_t number)
{
    struct hayi_error err = {HAY_OK, ""};
    const struct hayi_zmq_knock knock = {.door = &doors[0],
                                         .identity = identity,
                                         .identity_size = sizeof identity,
                                         .host = "guesthost",
                                         .pid = 1};
    struct hayi_zmq_entered entered = {0, 0};
    struct hayi_transport *guest = NULL;
    hay_status status = hayi_zmq_knock(&knock, &guest, &err);
    CU_ASSERT_EQUAL_FATAL(status, HAY_OK);
    uint64_t last = hayi_clock_ns() + PATIENCE_NS;
    do {
        poll_all();
        status = hayi_zmq_enter(guest, &entered, &err);
    } while (status == HAY_EAGAIN && hayi_clock_ns() < last);
    CU_ASSERT_EQUAL_FATAL(status, HAY_OK);
    CU_ASSERT_EQUAL(entered.number, number);
    ends[number] = guest;
}

static void setup(void)
{
    struct hayi_zmq_member members[MEMBERS];
    struct hayi_error err = {HAY_OK, ""};
    memset(told, 0, sizeof told);
    memset(ends, 0, sizeof ends);
    for (uint32_t i = 0; i <= MEMBERS; i++) {
        open_end(i);
    }
    for (uint32_t i = 1; i <= MEMBERS; i++) {
        hayi_zmq_member(&doors[i], "rankhost", &members[i - 1]);
        hayi_zmq_let_in(ends[i], doors[0].guest_public);
        members[i - 1].addresses.count = 1; /* where it is bound to */
        members[i - 1].addresses.address[0] = 0x0100007f;
    }
    CU_ASSERT_EQUAL_FATAL(hayi_zmq_members(ends[0], members, &err), HAY_OK);
    for (uint32_t i = 0; i < GUESTS; i++) {
        enter(1 + MEMBERS + i);
    }
}

static void close_end(uint32_t i)
{
    if (ends[i] != NULL) {
        ends[i]->ops->close(ends[i], true);
        ends[i] = NULL;
    }
}

static void close_all(void)
{
    for (uint32_t i = 0; i < ENDS; i++) {
        close_end(ENDS - 1 - i);
    }
}

static unsigned char *filled(unsigned seed)
{
    unsigned char *bytes = malloc(SIZE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    for (uint32_t i = 0; i < SIZE; i++) {
        bytes[i] = (unsigned char)(i * 7 + i / 1000 + seed);
    }
    return bytes;
}

static hay_status
put(uint32_t self, uint32_t peer, const void *data, size_t size)
{
    return ends[self]->ops->bulk_send(ends[self], peer, 5, data, size, 1);
}

static hay_status take(uint32_t self, uint32_t peer, void *data, size_t size)
{
    return ends[self]->ops->bulk_receive(ends[self], peer, 5, data, size, 2);
}

/* ---- cases -------------------------------------------------------------- */

static void message_of(uint32_t from, uint32_t to, bool receiver_first)
{
    unsigned char *data = filled(from * 10 + to);
    unsigned char *room = calloc(1, SIZE);
    unsigned sent = told[from].bulks;
    unsigned got = told[to].bulks;
    CU_ASSERT_PTR_NOT_NULL_FATAL(room);
    if (receiver_first) {
        CU_ASSERT_EQUAL(take(to, from, room, SIZE), HAY_OK);
        poll_all();
    }
    CU_ASSERT_EQUAL(put(from, to, data, SIZE), HAY_OK);
    if (!receiver_first) {
        poll_all();
        CU_ASSERT_EQUAL(take(to, from, room, SIZE), HAY_OK);
    }
    CU_ASSERT_TRUE(until(&told[from].bulks, sent + 1));
    CU_ASSERT_TRUE(until(&told[to].bulks, got + 1));
    CU_ASSERT_EQUAL(told[from].status, HAY_OK);
    CU_ASSERT_EQUAL(told[to].status, HAY_OK);
    CU_ASSERT_EQUAL(memcmp(data, room, SIZE), 0);
    free(data);
    free(room);
}

static void messages_go_both_ways_whoever_begins(void)
{
    message_of(1, 3, true);
    message_of(3, 1, true);
    message_of(3, 2, false);
    message_of(2, 4, false);
    message_of(3, 4, true); /* the old way, through the hub */
    message_of(0, 3, false);
}

static void guests_at_one_entrance_are_kept_apart(void)
{
    unsigned char *first = filled(1);
    unsigned char *second = filled(2);
    unsigned char *rooms[2] = {calloc(1, SIZE), calloc(1, SIZE)};
    CU_ASSERT_FATAL(rooms[0] != NULL && rooms[1] != NULL);
    CU_ASSERT_EQUAL(take(1, 3, rooms[0], SIZE), HAY_OK);
    CU_ASSERT_EQUAL(take(1, 4, rooms[1], SIZE), HAY_OK);
    CU_ASSERT_EQUAL(put(4, 1, second, SIZE), HAY_OK);
    CU_ASSERT_EQUAL(put(3, 1, first, SIZE), HAY_OK);
    CU_ASSERT_TRUE(until(&told[1].bulks, 2));
    CU_ASSERT_EQUAL(memcmp(first, rooms[0], SIZE), 0);
    CU_ASSERT_EQUAL(memcmp(second, rooms[1], SIZE), 0);
    free(first);
    free(second);
    free(rooms[0]);
    free(rooms[1]);
}

static void refusals_and_other_sizes_are_told(void)
{
    unsigned char room[8];
    CU_ASSERT_EQUAL(take(3, 1, room, sizeof room), HAY_OK);
    CU_ASSERT_EQUAL(put(1, 3, NULL, 0), HAY_OK);
    CU_ASSERT_TRUE(until(&told[3].bulks, 1));
    CU_ASSERT_EQUAL(told[3].status, HAY_EEMPTY);
    CU_ASSERT_EQUAL(take(1, 3, room, sizeof room), HAY_OK);
    CU_ASSERT_EQUAL(put(3, 1, "four", 4), HAY_OK);
    CU_ASSERT_TRUE(until(&told[1].bulks, 2));
    CU_ASSERT_EQUAL(told[1].status, HAY_EMISMATCH);
}

static void what_is_begun_with_a_dropped_peer_ends(void)
{
    unsigned char room[8];
    CU_ASSERT_EQUAL(take(3, 1, room, sizeof room), HAY_OK);
    CU_ASSERT_EQUAL(take(1, 4, room, sizeof room), HAY_OK);
    ends[3]->ops->bulk_drop(ends[3], 1);
    ends[3]->ops->bulk_drop(ends[3], 2);
    ends[1]->ops->bulk_drop(ends[1], 4);
    CU_ASSERT_TRUE(until(&told[3].bulks, 1));
    CU_ASSERT_EQUAL(told[3].status, HAY_EFARM);
    CU_ASSERT_TRUE(until(&told[1].bulks, 1));
    CU_ASSERT_EQUAL(told[1].status, HAY_EFARM);
    CU_ASSERT_EQUAL(take(3, 1, room, sizeof room), HAY_EFARM);
    CU_ASSERT_EQUAL(put(3, 2, room, sizeof room), HAY_EFARM);
    CU_ASSERT_EQUAL(take(1, 4, room, sizeof room), HAY_EFARM);
    CU_ASSERT_EQUAL(told[3].downs + told[1].downs, 0);
    message_of(3, 4, true);
}

/* The manager says who is dead; a guest judges nobody for long. */
static void who_is_out_of_reach_is_named_and_nothing_else_fails(void)
{
    unsigned char room[8];
    close_end(1);
    CU_ASSERT_EQUAL(take(3, 1, room, sizeof room), HAY_OK);
    message_of(2, 3, true);
    CU_ASSERT_TRUE(until(&told[3].downs, 1));
    CU_ASSERT_EQUAL(told[3].bulks, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(told[3].words, "worker 1 on rankhost"));
    CU_ASSERT_PTR_NOT_NULL(strstr(told[3].words, "worker 3 on guesthost"));
    ends[3]->ops->bulk_drop(ends[3], 1);
    CU_ASSERT_TRUE(until(&told[3].bulks, 2));
    CU_ASSERT_EQUAL(told[3].status, HAY_EFARM);
    CU_ASSERT_EQUAL(told[3].downs, 1);
}

static void strangers_do_not_come_in(void)
{
    unsigned char room[8];
    hayi_zmq_let_in(ends[1], doors[2].guest_public); /* not the hub's */
    CU_ASSERT_EQUAL(take(1, 3, room, sizeof room), HAY_OK);
    CU_ASSERT_EQUAL(put(3, 1, "12345678", 8), HAY_OK);
    CU_ASSERT_TRUE(until(&told[3].downs, 1));
    CU_ASSERT_PTR_NOT_NULL(strstr(told[3].words, "the connection broke"));
    CU_ASSERT_EQUAL(told[1].bulks + told[3].bulks, 0);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(messages_go_both_ways_whoever_begins),
    TEST(guests_at_one_entrance_are_kept_apart),
    TEST(refusals_and_other_sizes_are_told),
    TEST(what_is_begun_with_a_dropped_peer_ends),
    TEST(who_is_out_of_reach_is_named_and_nothing_else_fails),
    TEST(strangers_do_not_come_in),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"transport/entrance", NULL, NULL, setup, close_all, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
#ifdef __SANITIZE_THREAD__
    /* See test_transport_zmq.c. */
    (void)argc;
    (void)argv;
    (void)suites;
    (void)printf("skip transport/entrance: libzmq knows no thread sanitizer\n");
    return 77;
#else
    return hayi_unit_main(suites, argc, argv);
#endif
}
