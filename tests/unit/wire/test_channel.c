/* test_channel.c - records through channels: frames, credit, bad frames.
 *
 * malloc(), calloc() and realloc() are wrapped by the linker; after a number of
 * calls that the test sets they fail.
 */
#include "config.h"

#include "support/unit.h"
#include "wire/channel.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME = 256, CREDIT = 1024, FRAMES = 8, EPOCH = 77 };

static struct hayi_channel *a;
static struct hayi_channel *b;
static long allocations_left = -1; /* -1: without limit */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool may_allocate(void)
{
    if (allocations_left < 0) {
        return true;
    }
    if (allocations_left == 0) {
        return false;
    }
    allocations_left--;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return may_allocate() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return may_allocate() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *old, size_t size)
{
    return may_allocate() ? __real_realloc(old, size) : NULL;
}

static struct hayi_channel *channel_of(size_t frame_max,
                                       size_t credit_bytes,
                                       uint32_t credit_frames,
                                       uint32_t epoch)
{
    struct hayi_channel_config config = {
        .epoch = epoch,
        .frame_max = frame_max,
        .credit_bytes = credit_bytes,
        .credit_frames = credit_frames,
    };
    return hayi_channel_new(&config);
}

static void setup(void)
{
    a = channel_of(FRAME, CREDIT, FRAMES, EPOCH);
    b = channel_of(FRAME, CREDIT, FRAMES, EPOCH);
}

static void teardown(void)
{
    allocations_left = -1;
    hayi_channel_free(a);
    hayi_channel_free(b);
    a = NULL;
    b = NULL;
}

/* ---- records with contents that can be checked -------------------------- */

struct seen {
    uint32_t count; /* records that came */
    uint32_t next;  /* number of the next */
    bool good;
    hay_status answer; /* of each() from the record 'answer_at' on */
    uint32_t answer_at;
};

static size_t size_of(uint32_t number)
{
    return (number * 37U + number / 5U) % 700U;
}

static void put(struct hayi_channel *c, uint32_t number)
{
    size_t size = size_of(number);
    unsigned char *body = hayi_channel_append(c, (uint16_t)number, size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(body);
    CU_ASSERT_EQUAL((uintptr_t)body % 8, 0);
    memset(body, (int)(number & 0xff), size);
}

static hay_status
each(void *context, uint16_t type, const void *body, size_t size)
{
    struct seen *seen = context;
    const unsigned char *byte = body;
    if (seen->answer != HAY_OK && seen->count == seen->answer_at) {
        return seen->answer;
    }
    seen->good = seen->good && type == (uint16_t)seen->next
                 && size == size_of(seen->next) && (uintptr_t)body % 8 == 0;
    for (size_t i = 0; seen->good && i < size; i++) {
        seen->good = byte[i] == (seen->next & 0xff);
    }
    seen->next++;
    seen->count++;
    return HAY_OK;
}

static hay_status
give(struct hayi_channel *to, const void *frame, size_t size, struct seen *seen)
{
    struct hayi_error err;
    return hayi_channel_receive(to, frame, size, each, seen, &err);
}

/* One frame from one to the other; its size. */
static size_t
move(struct hayi_channel *from, struct hayi_channel *to, struct seen *seen)
{
    const void *frame = NULL;
    size_t size = hayi_channel_take_frame(from, &frame);
    if (size > 0) {
        CU_ASSERT_EQUAL(give(to, frame, size, seen), HAY_OK);
    }
    return size;
}

static void move_all(struct seen *at_a, struct seen *at_b)
{
    while (move(a, b, at_b) + move(b, a, at_a) > 0) {
    }
}

/* ---- what is told about records ----------------------------------------- */

static void new_channel_is_silent(void)
{
    const void *frame = NULL;
    CU_ASSERT_FALSE(hayi_channel_sendable(a));
    CU_ASSERT_EQUAL(hayi_channel_unsent(a), 0);
    CU_ASSERT_EQUAL(hayi_channel_take_frame(a, &frame), 0);
}

static void records_share_a_frame(void)
{
    struct seen seen = {.good = true};
    unsigned char *body = NULL;
    for (int i = 0; i < 5; i++) {
        body = hayi_channel_append(a, 9, 3);
        memcpy(body, "abc", 3);
    }
    CU_ASSERT_EQUAL(hayi_channel_unsent(a), 5 * 16);
    CU_ASSERT_TRUE(hayi_channel_sendable(a));
    const void *frame = NULL;
    CU_ASSERT_EQUAL(hayi_channel_take_frame(a, &frame), 32 + 5 * 16);
    CU_ASSERT_EQUAL(hayi_channel_unsent(a), 0);
    (void)give(b, frame, 32 + 5 * 16, &seen);
    CU_ASSERT_EQUAL(seen.count, 5);
    CU_ASSERT_FALSE(hayi_channel_sendable(a));
}

static void records_of_all_sizes_come_whole_and_in_order(void)
{
    struct seen at_a = {.good = true};
    struct seen at_b = {.good = true};
    for (uint32_t i = 0; i < 3000; i++) {
        put(a, i);
        if (i % 3 == 0) {
            put(b, i / 3);
        }
        if (i % 7 == 0) {
            move_all(&at_a, &at_b);
        }
    }
    move_all(&at_a, &at_b);
    CU_ASSERT_TRUE(at_a.good && at_b.good);
    CU_ASSERT_EQUAL(at_b.count, 3000);
    CU_ASSERT_EQUAL(at_a.count, 1000);
    CU_ASSERT_EQUAL(hayi_channel_unsent(a) + hayi_channel_unsent(b), 0);
}

static hay_status
big_each(void *context, uint16_t type, const void *body, size_t size)
{
    size_t *sum = context;
    const unsigned char *byte = body;
    CU_ASSERT_EQUAL(type, 3);
    CU_ASSERT_EQUAL(byte[0], 1);
    CU_ASSERT_EQUAL(byte[size - 1], 2);
    *sum += size;
    return HAY_OK;
}

static void largest_record_spans_many_frames(void)
{
    size_t sum = 0;
    for (int i = 0; i < 3; i++) {
        unsigned char *body = hayi_channel_append(a, 3, HAYI_RECORD_MAX);
        CU_ASSERT_PTR_NOT_NULL_FATAL(body);
        memset(body, 0, HAYI_RECORD_MAX);
        body[0] = 1;
        body[HAYI_RECORD_MAX - 1] = 2;
    }
    alignas(8) unsigned char frame[FRAME];
    size_t size = 0;
    do {
        size = hayi_channel_next_frame(a, frame);
        if (size > 0) {
            (void)hayi_channel_receive(b, frame, size, big_each, &sum, NULL);
            continue;
        }
        size = hayi_channel_next_frame(b, frame);
        if (size > 0) {
            (void)hayi_channel_receive(a, frame, size, big_each, &sum, NULL);
        }
    } while (size > 0);
    CU_ASSERT_EQUAL(sum, 3 * (size_t)HAYI_RECORD_MAX);
}

/* 64 MiB through a queue that is never empty: would take minutes if each frame
 * moved the rest. */
static void long_queue_is_linear(void)
{
    struct seen at_b = {.good = true};
    struct seen at_a = {.good = true};
    uint32_t count = 0;
    for (; hayi_channel_unsent(a) < (8U << 20); count++) {
        put(a, count);
    }
    for (uint32_t i = 0; i < 200000; i++) {
        put(a, count++);
        (void)move(a, b, &at_b);
        (void)move(b, a, &at_a);
    }
    move_all(&at_a, &at_b);
    CU_ASSERT_TRUE(at_b.good);
    CU_ASSERT_EQUAL(at_b.count, count);
}

static hay_status
echo(void *context, uint16_t type, const void *body, size_t size)
{
    void *place = hayi_channel_append(context, type, size);
    memcpy(place, body, size);
    return HAY_OK;
}

static void record_may_be_answered_while_it_is_delivered(void)
{
    struct seen seen = {.good = true};
    for (uint32_t i = 0; i < 50; i++) {
        put(a, i);
    }
    const void *frame = NULL;
    size_t size = 1;
    while (size > 0) {
        size = hayi_channel_take_frame(a, &frame);
        if (size > 0) {
            (void)hayi_channel_receive(b, frame, size, echo, b, NULL);
        }
        size += move(b, a, &seen);
    }
    CU_ASSERT_TRUE(seen.good);
    CU_ASSERT_EQUAL(seen.count, 50);
}

/* The transport had no room, records are appended meanwhile. */
static void frame_may_be_had_again(void)
{
    struct seen seen = {.good = true};
    struct seen back = {.good = true};
    uint32_t count = 0;
    const void *frame = NULL;
    for (int round = 0; round < 500; round++) {
        put(a, count++);
        size_t size = hayi_channel_take_frame(a, &frame);
        for (int i = 0; i < round % 5; i++) {
            put(a, count++);
        }
        while (size > 0) {
            CU_ASSERT_EQUAL(hayi_channel_again(a, &frame), size);
            CU_ASSERT_EQUAL(give(b, frame, size, &seen), HAY_OK);
            (void)move(b, a, &back);
            size = hayi_channel_take_frame(a, &frame);
            if (size > 0 && count % 3 > 0) {
                put(a, count++);
            }
        }
        hayi_channel_ask_frame(a);
        CU_ASSERT_EQUAL(hayi_channel_take_frame(a, &frame), HAYI_FRAME_HEAD);
        CU_ASSERT_EQUAL(hayi_channel_again(a, &frame), HAYI_FRAME_HEAD);
        CU_ASSERT_EQUAL(give(b, frame, HAYI_FRAME_HEAD, &seen), HAY_OK);
    }
    move_all(&back, &seen);
    CU_ASSERT_EQUAL(seen.count, count);
    CU_ASSERT_TRUE(seen.good);
}

/* ---- credit ------------------------------------------------------------- */

static void unacknowledged_stays_within_bytes(void)
{
    for (uint32_t i = 0; i < 100; i++) {
        put(a, i);
    }
    size_t sum = 0;
    size_t size = 0;
    const void *frame = NULL;
    while ((size = hayi_channel_take_frame(a, &frame)) > 0) {
        CU_ASSERT(size <= FRAME);
        sum += size;
    }
    CU_ASSERT(sum <= CREDIT);
    CU_ASSERT(sum > CREDIT - 64);
    CU_ASSERT_FALSE(hayi_channel_sendable(a));
    CU_ASSERT(hayi_channel_unsent(a) > 0);
}

static void unacknowledged_stays_within_frames(void)
{
    uint32_t frames = 0;
    const void *frame = NULL;
    for (uint32_t i = 0; i < 100; i++) {
        (void)hayi_channel_append(a, 1, 0);
        frames += hayi_channel_take_frame(a, &frame) > 0;
    }
    CU_ASSERT_EQUAL(frames, FRAMES);
}

static void acknowledgement_is_due_at_half_of_the_credit(void)
{
    struct seen seen = {.good = true};
    for (int i = 0; i < FRAMES / 2; i++) {
        CU_ASSERT_FALSE(hayi_channel_sendable(b));
        put(a, (uint32_t)i);
        (void)move(a, b, &seen);
    }
    CU_ASSERT_TRUE(hayi_channel_sendable(b));
    const void *frame = NULL;
    CU_ASSERT_EQUAL(hayi_channel_take_frame(b, &frame), HAYI_FRAME_HEAD);
    CU_ASSERT_FALSE(hayi_channel_sendable(b));
}

static void acknowledgements_cause_none(void)
{
    struct seen seen = {.good = true};
    for (uint32_t i = 0; i < 64; i++) {
        hayi_channel_ask_frame(a);
        CU_ASSERT_TRUE(hayi_channel_sendable(a));
        CU_ASSERT_EQUAL(move(a, b, &seen), HAYI_FRAME_HEAD);
        CU_ASSERT_FALSE(hayi_channel_sendable(a));
        CU_ASSERT_FALSE(hayi_channel_sendable(b));
    }
}

static void heartbeats_go_without_credit(void)
{
    struct seen seen = {.good = true};
    for (uint32_t i = 0; i < 100; i++) {
        put(a, i);
    }
    while (move(a, b, &seen) > 0) {
    }
    CU_ASSERT_FALSE(hayi_channel_sendable(a));
    hayi_channel_ask_frame(a);
    CU_ASSERT_EQUAL(move(a, b, &seen), HAYI_FRAME_HEAD);
}

static void empty_frame_may_be_lost(void)
{
    struct seen seen = {.good = true};
    struct seen back = {.good = true};
    for (uint32_t i = 0; i < 100; i++) {
        put(a, i);
    }
    const void *frame = NULL;
    for (int round = 0; round < 1000 && seen.count < 100; round++) {
        while (move(a, b, &seen) > 0) {
        }
        if (round % 2 == 0 && hayi_channel_take_frame(b, &frame) > 0) {
            hayi_channel_ask_frame(b);
        } else {
            (void)move(b, a, &back);
        }
    }
    CU_ASSERT_EQUAL(seen.count, 100);
    CU_ASSERT_TRUE(seen.good);
}

static void acknowledgement_rides_on_data(void)
{
    struct seen seen = {.good = true};
    struct seen back = {.good = true};
    for (uint32_t i = 0; i < 1000; i++) {
        (void)hayi_channel_append(a, (uint16_t)i, 0);
        CU_ASSERT(move(a, b, &seen) > HAYI_FRAME_HEAD);
        (void)hayi_channel_append(b, (uint16_t)i, 0);
        CU_ASSERT(move(b, a, &back) > HAYI_FRAME_HEAD);
        CU_ASSERT_FALSE(hayi_channel_sendable(b));
    }
}

static void smallest_credit_does_not_stall(void)
{
    static const struct {
        size_t frame;
        size_t credit;
        uint32_t frames;
    } list[] = {{40, 80, 1}, {40, 80, 2}, {64, 97, 3}, {256, 256, 64}};
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        struct seen at_a = {.good = true};
        struct seen at_b = {.good = true};
        teardown();
        a = channel_of(list[i].frame, list[i].credit, list[i].frames, EPOCH);
        b = channel_of(list[i].frame, list[i].credit, list[i].frames, EPOCH);
        for (uint32_t k = 0; k < 40; k++) {
            put(a, k);
            put(b, k);
        }
        move_all(&at_a, &at_b);
        CU_ASSERT_TRUE(at_a.good && at_b.good);
        CU_ASSERT_EQUAL(at_a.count, 40);
        CU_ASSERT_EQUAL(at_b.count, 40);
    }
}

/* ---- frames that are wrong ---------------------------------------------- */

/* Places in the heads. */
enum {
    AT_MAGIC = 0,
    AT_EPOCH = 4,
    AT_SEQUENCE = 8,
    AT_SIZE = 12,
    AT_ACKED_BYTES = 16,
    AT_ACKED_FRAMES = 24,
    AT_RESERVED = 28,
    AT_RECORD_RESERVED = 34,
    AT_RECORD_SIZE = 36,
};

static void change(unsigned char *frame, size_t at, uint32_t value)
{
    memcpy(frame + at, &value, sizeof value);
}

static void damaged_heads_are_refused_and_change_nothing(void)
{
    static const struct {
        size_t at;
        uint32_t value;
    } list[] = {{AT_MAGIC, 1},
                {AT_EPOCH, EPOCH + 1},
                {AT_SEQUENCE, 1},
                {AT_SEQUENCE, UINT32_MAX},
                {AT_SIZE, 0},
                {AT_SIZE, 7},
                {AT_SIZE, UINT32_MAX},
                {AT_ACKED_BYTES, 1},
                {AT_ACKED_BYTES + 4, 1},
                {AT_ACKED_FRAMES, 1},
                {AT_RESERVED, 1},
                {AT_RECORD_SIZE, HAYI_RECORD_MAX + 1},
                {AT_RECORD_SIZE, UINT32_MAX},
                {AT_RECORD_RESERVED, 0x10001}};
    struct seen seen = {.good = true};
    put(a, 0);
    put(a, 1);
    alignas(8) unsigned char frame[FRAME];
    size_t size = hayi_channel_next_frame(a, frame);
    for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
        alignas(8) unsigned char bad[FRAME];
        memcpy(bad, frame, sizeof bad);
        change(bad, list[i].at, list[i].value);
        CU_ASSERT_EQUAL(give(b, bad, size, &seen), HAY_EMISMATCH);
    }
    CU_ASSERT_EQUAL(seen.count, 0);
    CU_ASSERT_EQUAL(give(b, frame, size, &seen), HAY_OK);
    CU_ASSERT_EQUAL(seen.count, 2);
    CU_ASSERT_TRUE(seen.good);
}

static void wrong_sizes_of_frames_are_refused(void)
{
    struct seen seen = {.good = true};
    put(a, 5);
    alignas(8) unsigned char frame[2 * FRAME] = {0};
    size_t size = hayi_channel_next_frame(a, frame);
    for (size_t i = 0; i <= 2 * FRAME; i++) {
        if (i != size) {
            CU_ASSERT_EQUAL(give(b, frame, i, &seen), HAY_EMISMATCH);
        }
    }
    CU_ASSERT_EQUAL(give(b, frame, size, &seen), HAY_OK);
}

static void frame_is_taken_once(void)
{
    struct seen seen = {.good = true};
    put(a, 0);
    alignas(8) unsigned char frame[FRAME];
    size_t size = hayi_channel_next_frame(a, frame);
    CU_ASSERT_EQUAL(give(b, frame, size, &seen), HAY_OK);
    CU_ASSERT_EQUAL(give(b, frame, size, &seen), HAY_EMISMATCH);
    CU_ASSERT_EQUAL(seen.count, 1);
}

/* Random bytes behind a good head: refused or taken, never out of bounds (the
 * address sanitizer looks). */
static void random_pieces_do_no_harm(void)
{
    uint32_t dice = 1;
    for (int round = 0; round < 2000; round++) {
        struct seen seen = {.good = true};
        alignas(8) unsigned char frame[FRAME];
        teardown();
        setup();
        for (uint32_t part = 0; part < 4; part++) {
            (void)memset(frame, 0, sizeof frame);
            size_t piece = 8 * (1 + (dice >> 8) % 28);
            change(frame, AT_MAGIC, 0x48594652);
            change(frame, AT_EPOCH, EPOCH);
            change(frame, AT_SEQUENCE, part);
            change(frame, AT_SIZE, (uint32_t)piece);
            for (size_t i = 32; i < 32 + piece; i += 4) {
                dice = dice * 1664525U + 1013904223U;
                change(frame, i, (dice >> 9) & ((dice >> 28) ? 0x1f : ~0U));
                if (i % 8 == 0) {
                    frame[i + 2] = frame[i + 3] = 0;
                }
            }
            (void)give(b, frame, 32 + piece, &seen);
        }
    }
}

static void status_of_the_receiver_is_passed_on(void)
{
    struct seen seen = {.good = true, .answer = HAY_ECLOSED, .answer_at = 1};
    (void)hayi_channel_append(a, 0, 0);
    (void)hayi_channel_append(a, 1, 37);
    (void)hayi_channel_append(a, 2, 0);
    const void *frame = NULL;
    size_t size = hayi_channel_take_frame(a, &frame);
    CU_ASSERT_EQUAL(give(b, frame, size, &seen), HAY_ECLOSED);
    CU_ASSERT_EQUAL(seen.count, 1);
}

/* ---- memory ------------------------------------------------------------- */

static void append_without_memory_changes_nothing(void)
{
    struct seen seen = {.good = true};
    put(a, 0);
    allocations_left = 0;
    CU_ASSERT_PTR_NULL(hayi_channel_append(a, 1, 100000));
    allocations_left = -1;
    put(a, 1);
    struct seen back = {.good = true};
    move_all(&back, &seen);
    CU_ASSERT_EQUAL(seen.count, 2);
    CU_ASSERT_TRUE(seen.good);
}

static void frame_can_be_given_again_after_want_of_memory(void)
{
    struct seen seen = {.good = true};
    struct seen back = {.good = true};
    for (uint32_t i = 0; i < 20; i++) {
        put(a, i);
    }
    uint32_t refused = 0;
    const void *frame = NULL;
    for (;;) {
        size_t size = hayi_channel_take_frame(a, &frame);
        if (size == 0 && move(b, a, &back) == 0) {
            break;
        }
        if (size == 0) {
            continue;
        }
        allocations_left = 0;
        uint32_t before = seen.count;
        hay_status st = give(b, frame, size, &seen);
        allocations_left = -1;
        if (st == HAY_ENOMEM) {
            refused++;
            CU_ASSERT_EQUAL(seen.count, before);
            st = give(b, frame, size, &seen);
        }
        CU_ASSERT_EQUAL(st, HAY_OK);
    }
    CU_ASSERT(refused > 0);
    CU_ASSERT_EQUAL(seen.count, 20);
    CU_ASSERT_TRUE(seen.good);
}

static void no_channel_without_memory(void)
{
    allocations_left = 0;
    struct hayi_channel *none = channel_of(FRAME, CREDIT, FRAMES, EPOCH);
    allocations_left = -1;
    CU_ASSERT_PTR_NULL(none);
    hayi_channel_free(none);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(new_channel_is_silent),
    TEST(records_share_a_frame),
    TEST(records_of_all_sizes_come_whole_and_in_order),
    TEST(largest_record_spans_many_frames),
    TEST(long_queue_is_linear),
    TEST(record_may_be_answered_while_it_is_delivered),
    TEST(frame_may_be_had_again),
    TEST(unacknowledged_stays_within_bytes),
    TEST(unacknowledged_stays_within_frames),
    TEST(acknowledgement_is_due_at_half_of_the_credit),
    TEST(acknowledgements_cause_none),
    TEST(heartbeats_go_without_credit),
    TEST(empty_frame_may_be_lost),
    TEST(acknowledgement_rides_on_data),
    TEST(smallest_credit_does_not_stall),
    TEST(damaged_heads_are_refused_and_change_nothing),
    TEST(wrong_sizes_of_frames_are_refused),
    TEST(frame_is_taken_once),
    TEST(random_pieces_do_no_harm),
    TEST(status_of_the_receiver_is_passed_on),
    TEST(append_without_memory_changes_nothing),
    TEST(frame_can_be_given_again_after_want_of_memory),
    TEST(no_channel_without_memory),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"wire/channel", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
