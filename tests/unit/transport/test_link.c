/* test_link.c - a link over a transport that has no room now and then. */
#include "config.h"

#include "transport/link.h"

#include "support/unit.h"

#include <string.h>

enum { FRAME_MAX = 4096 };

static unsigned sends;    /* that were tried */
static unsigned refusals; /* to come */
static bool dead;
static struct hayi_channel *far; /* the peer's end */
static unsigned records;
static uint64_t wrong;

static hay_status
on_record(void *context, uint16_t type, const void *body, size_t size)
{
    uint64_t number;
    (void)context;
    (void)type;
    memcpy(&number, body, sizeof(number));
    wrong += number != records || size != 800;
    records++;
    return HAY_OK;
}

static hay_status send_frame(struct hayi_transport *t,
                             uint32_t peer,
                             const void *data,
                             size_t size)
{
    (void)t;
    wrong += peer != 3;
    sends++;
    if (dead) {
        return HAY_EFARM;
    }
    if (refusals > 0) {
        refusals--;
        return HAY_EAGAIN;
    }
    /* Aligned, and apart from the link's own memory. */
    uint64_t frame[FRAME_MAX / 8];
    memcpy(frame, data, size);
    wrong +=
        hayi_channel_receive(far, frame, size, on_record, NULL, NULL) != HAY_OK;
    return HAY_OK;
}

static const struct hayi_transport_ops ops = {.send = send_frame};
static struct hayi_transport transport = {
    .ops = &ops,
    .self = 0,
    .peer_count = 4,
    .frame_max = FRAME_MAX,
    .credit_bytes = 1 << 20,
    .credit_frames = 1000,
};
static struct hayi_link near;

static void setup(void)
{
    const struct hayi_channel_config config = {.epoch = 1,
                                               .frame_max = FRAME_MAX,
                                               .credit_bytes = 1 << 20,
                                               .credit_frames = 1000};
    CU_ASSERT_EQUAL(hayi_link_init(&near, &transport, 3, 1), HAY_OK);
    far = hayi_channel_new(&config);
    sends = refusals = records = 0;
    wrong = 0;
    dead = false;
}

static void teardown(void)
{
    hayi_link_fini(&near);
    hayi_channel_free(far);
}

static void append(uint64_t number)
{
    uint64_t body[100] = {number};
    CU_ASSERT_EQUAL(hayi_link_append(&near, 1, body, sizeof(body)), HAY_OK);
}

static void what_is_appended_is_sent(void)
{
    append(0);
    append(1);
    CU_ASSERT_TRUE(hayi_link_flush(&near, &transport, 77));
    CU_ASSERT_EQUAL(records, 2);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_EQUAL(near.sent_ns, 77);
    CU_ASSERT_FALSE(hayi_link_flush(&near, &transport, 78));
    CU_ASSERT_EQUAL(sends, 1);
    CU_ASSERT_EQUAL(near.sent_ns, 77);
}

/* What is appended while a frame waits moves the memory that it lies in. */
static void frame_that_waits_is_sent_once_and_unharmed(void)
{
    enum { ROUNDS = 60, EACH = 12 };
    uint64_t number = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < EACH; i++) {
            append(number++);
        }
        refusals = round % 4 == 0 ? 0 : 1;
        (void)hayi_link_flush(&near, &transport, 1);
    }
    (void)hayi_link_flush(&near, &transport, 2);
    CU_ASSERT_EQUAL(records, ROUNDS * EACH);
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_FALSE(near.pending);
}

static void heartbeat_is_an_empty_frame_after_a_while(void)
{
    near.sent_ns = 1000;
    hayi_link_heartbeat(&near, 1999, 1000);
    CU_ASSERT_FALSE(hayi_link_flush(&near, &transport, 1999));
    hayi_link_heartbeat(&near, 2000, 1000);
    refusals = 1;
    CU_ASSERT_FALSE(hayi_link_flush(&near, &transport, 2000));
    CU_ASSERT_TRUE(hayi_link_flush(&near, &transport, 2001));
    CU_ASSERT_EQUAL(records, 0);
    CU_ASSERT_EQUAL(wrong, 0);
}

static void nothing_is_sent_to_a_dead_peer(void)
{
    append(0);
    dead = true;
    CU_ASSERT_FALSE(hayi_link_flush(&near, &transport, 1));
    CU_ASSERT_TRUE(near.down);
    CU_ASSERT_EQUAL(hayi_link_append_words(&near, 2, "nobody hears"), HAY_OK);
    append(1);
    CU_ASSERT_FALSE(hayi_link_flush(&near, &transport, 2));
    CU_ASSERT_EQUAL(sends, 1);
}

static CU_TestInfo tests[] = {
    {"what_is_appended_is_sent", what_is_appended_is_sent},
    {"frame_that_waits_is_sent_once_and_unharmed",
     frame_that_waits_is_sent_once_and_unharmed},
    {"heartbeat_is_an_empty_frame_after_a_while",
     heartbeat_is_an_empty_frame_after_a_while},
    {"nothing_is_sent_to_a_dead_peer", nothing_is_sent_to_a_dead_peer},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"transport/link", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
