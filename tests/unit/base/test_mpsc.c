/* test_mpsc.c - the queue of many producers. */
#include "config.h"

#include "base/mpsc.h"

#include "support/unit.h"

#include <pthread.h>
#include <stdlib.h>

struct entry {
    struct hayi_mpsc_node node; /* first */
    unsigned producer, number;
};

enum { PRODUCERS = 4, EACH = 50000 };

static struct hayi_mpsc queue;
static struct entry *entries; /* [PRODUCERS * EACH] */

static int setup_suite(void)
{
    entries = calloc(PRODUCERS * EACH, sizeof(*entries));
    return entries == NULL;
}

static int clean_suite(void)
{
    free(entries);
    return 0;
}

static void setup(void)
{
    hayi_mpsc_init(&queue);
}

static void empty_queue_gives_nothing(void)
{
    CU_ASSERT_PTR_NULL(hayi_mpsc_pop(&queue));
    CU_ASSERT_FALSE(hayi_mpsc_maybe(&queue));
    CU_ASSERT_PTR_NULL(hayi_mpsc_pop(&queue));
}

static void nodes_come_in_the_order_of_their_push(void)
{
    for (int i = 0; i < 3; i++) {
        hayi_mpsc_push(&queue, &entries[i].node);
        CU_ASSERT_TRUE(hayi_mpsc_maybe(&queue));
    }
    for (int i = 0; i < 3; i++) {
        CU_ASSERT_PTR_EQUAL(hayi_mpsc_pop(&queue), &entries[i].node);
    }
    CU_ASSERT_PTR_NULL(hayi_mpsc_pop(&queue));
}

static void queue_of_one_is_emptied_and_filled_again(void)
{
    for (int i = 0; i < 1000; i++) {
        hayi_mpsc_push(&queue, &entries[0].node);
        CU_ASSERT_PTR_EQUAL(hayi_mpsc_pop(&queue), &entries[0].node);
        CU_ASSERT_PTR_NULL(hayi_mpsc_pop(&queue));
        CU_ASSERT_FALSE(hayi_mpsc_maybe(&queue));
    }
}

static void push_between_pops_is_not_lost(void)
{
    hayi_mpsc_push(&queue, &entries[0].node);
    hayi_mpsc_push(&queue, &entries[1].node);
    CU_ASSERT_PTR_EQUAL(hayi_mpsc_pop(&queue), &entries[0].node);
    hayi_mpsc_push(&queue, &entries[0].node);
    CU_ASSERT_PTR_EQUAL(hayi_mpsc_pop(&queue), &entries[1].node);
    CU_ASSERT_PTR_EQUAL(hayi_mpsc_pop(&queue), &entries[0].node);
    CU_ASSERT_PTR_NULL(hayi_mpsc_pop(&queue));
}

static void *produce(void *argument)
{
    const unsigned producer = (unsigned)(size_t)argument;
    for (unsigned i = 0; i < EACH; i++) {
        struct entry *entry = &entries[producer * EACH + i];
        entry->producer = producer;
        entry->number = i;
        hayi_mpsc_push(&queue, &entry->node);
    }
    return NULL;
}

/* What a producer wrote is seen, and each one's order is kept. */
static void four_producers_lose_nothing(void)
{
    pthread_t threads[PRODUCERS];
    unsigned next[PRODUCERS] = {0};
    unsigned wrong = 0;
    for (size_t i = 0; i < PRODUCERS; i++) {
        CU_ASSERT_EQUAL_FATAL(
            pthread_create(&threads[i], NULL, produce, (void *)i), 0);
    }
    for (unsigned count = 0; count < PRODUCERS * EACH;) {
        struct entry *entry = (struct entry *)hayi_mpsc_pop(&queue);
        if (entry != NULL) {
            wrong += entry->number != next[entry->producer];
            next[entry->producer] = entry->number + 1;
            count++;
        }
    }
    for (int i = 0; i < PRODUCERS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    CU_ASSERT_EQUAL(wrong, 0);
    CU_ASSERT_PTR_NULL(hayi_mpsc_pop(&queue));
    CU_ASSERT_FALSE(hayi_mpsc_maybe(&queue));
}

static CU_TestInfo tests[] = {
    {"empty_queue_gives_nothing", empty_queue_gives_nothing},
    {"nodes_come_in_the_order_of_their_push",
     nodes_come_in_the_order_of_their_push},
    {"queue_of_one_is_emptied_and_filled_again",
     queue_of_one_is_emptied_and_filled_again},
    {"push_between_pops_is_not_lost", push_between_pops_is_not_lost},
    {"four_producers_lose_nothing", four_producers_lose_nothing},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/mpsc", setup_suite, clean_suite, setup, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
