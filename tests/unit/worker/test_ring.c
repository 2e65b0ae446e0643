/* test_ring.c - bytes through shared memory, and sleeping on them. */
#include "config.h"

#include "worker/ring.h"

#include "support/unit.h"

#include <pthread.h>
#include <string.h>

enum { SIZE = 64 };

static struct hayi_ring_head head;
static unsigned char memory[SIZE];
static struct hayi_ring writer, reader;

static void setup(void)
{
    memset(&head, 0, sizeof(head));
    writer = reader =
        (struct hayi_ring){.shared = &head, .data = memory, .size = SIZE};
}

static void what_is_put_is_taken_in_order_round_the_end(void)
{
    unsigned char next = 0;
    unsigned char expected = 0;
    for (int turn = 0; turn < 1000; turn++) {
        unsigned char bytes[SIZE];
        size_t size = (size_t)(turn * 7 % SIZE) + 1;
        for (size_t i = 0; i < size; i++) {
            bytes[i] = next++;
        }
        CU_ASSERT_EQUAL_FATAL(hayi_ring_put(&writer, bytes, size), size);
        CU_ASSERT_EQUAL(hayi_ring_filled(&reader), size);
        CU_ASSERT_EQUAL_FATAL(hayi_ring_take(&reader, bytes, SIZE), size);
        for (size_t i = 0; i < size; i++) {
            CU_ASSERT_EQUAL(bytes[i], expected++);
        }
    }
}

static void full_ring_takes_what_fits(void)
{
    unsigned char bytes[SIZE + 10] = {0};
    CU_ASSERT_EQUAL(hayi_ring_put(&writer, bytes, sizeof(bytes)), SIZE);
    CU_ASSERT_EQUAL(hayi_ring_put(&writer, bytes, 1), 0);
    CU_ASSERT_EQUAL(hayi_ring_take(&reader, bytes, 10), 10);
    CU_ASSERT_EQUAL(hayi_ring_room(&writer), 10);
    CU_ASSERT_EQUAL(hayi_ring_put(&writer, bytes, sizeof(bytes)), 10);
}

static void counters_that_cannot_be_damage_it(void)
{
    unsigned char bytes[SIZE] = {0};
    (void)hayi_ring_put(&writer, bytes, 8);
    atomic_store(&head.tail, 1000);
    CU_ASSERT_EQUAL(hayi_ring_take(&reader, bytes, SIZE), 0);
    CU_ASSERT_TRUE(reader.damaged);
    atomic_store(&head.head, 100);
    CU_ASSERT_EQUAL(hayi_ring_put(&writer, bytes, 1), 0);
    CU_ASSERT_TRUE(writer.damaged);
}

static atomic_uint asleep;
static atomic_uint got;

/* Reads 100,000 bytes, sleeping whenever there is none. */
static void *read_all(void *argument)
{
    (void)argument;
    unsigned char expected = 0;
    unsigned total = 0;
    while (total < 100000) {
        unsigned char bytes[SIZE];
        size_t n = hayi_ring_take(&reader, bytes, sizeof(bytes));
        for (size_t i = 0; i < n; i++) {
            got += bytes[i] == expected++;
        }
        total += (unsigned)n;
        if (n == 0) {
            hayi_doze_announce(&asleep);
            if (hayi_ring_filled(&reader) > 0) {
                hayi_doze_cancel(&asleep);
            } else {
                hayi_doze(&asleep, UINT64_MAX);
            }
        }
    }
    return NULL;
}

static void sleeper_is_woken_for_each_byte_it_would_miss(void)
{
    pthread_t thread;
    unsigned char next = 0;
    atomic_store(&got, 0);
    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, read_all, NULL), 0);
    for (unsigned total = 0; total < 100000;) {
        if (hayi_ring_put(&writer, &next, 1) == 1) {
            next++;
            total++;
        }
        hayi_rouse(&asleep);
    }
    CU_ASSERT_EQUAL(pthread_join(thread, NULL), 0);
    CU_ASSERT_EQUAL(atomic_load(&got), 100000);
}

static void room_is_told_of_once_when_asked_for(void)
{
    CU_ASSERT_FALSE(hayi_ring_room_wanted(&reader));
    hayi_ring_want_room(&writer);
    CU_ASSERT_TRUE(hayi_ring_room_wanted(&reader));
    CU_ASSERT_FALSE(hayi_ring_room_wanted(&reader));
}

static CU_TestInfo tests[] = {
    {"what_is_put_is_taken_in_order_round_the_end",
     what_is_put_is_taken_in_order_round_the_end},
    {"full_ring_takes_what_fits", full_ring_takes_what_fits},
    {"counters_that_cannot_be_damage_it", counters_that_cannot_be_damage_it},
    {"sleeper_is_woken_for_each_byte_it_would_miss",
     sleeper_is_woken_for_each_byte_it_would_miss},
    {"room_is_told_of_once_when_asked_for",
     room_is_told_of_once_when_asked_for},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/ring", NULL, NULL, setup, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
