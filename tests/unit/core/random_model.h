/* random_model.h - what test_random.c knows of a random farm: its tasks, what
 * its workers hold, the messages that lie about.
 *
 * Owns: the one model, m.
 * Never: included elsewhere.
 * Threads: one.
 */
#ifndef HAYI_TESTS_CORE_RANDOM_MODEL_H
#define HAYI_TESTS_CORE_RANDOM_MODEL_H

#include "core/sched.h"
#include "support/unit.h"

#include <stdio.h>

#define TASKS   60
#define ITEMS   200
#define WORKERS 5
#define HELD    600
#define QUEUE   2048

struct task {
    hayi_handle handle; /* 0: ended at once */
    uint32_t dep[3];
    bool any[3];
    uint32_t dep_count;
    uint32_t retries;
    uint32_t cores;
    uint32_t worker;
    bool map;
    uint64_t items;
    uint8_t item[ITEMS]; /* 0 waits, 1 is out, 2 is done */
    bool told;
    bool cancelled;
    uint32_t out; /* attempts, a second one included */
    uint32_t seconds;
    bool lost;
    uint32_t losses;
    hay_state state;
    int last; /* outcome of the last attempt; -1: none */
};

struct held {
    struct hayi_action give; /* its hand-out */
    bool running;
    bool token;
};

struct given {
    struct hayi_action give;
    bool beaten; /* by another attempt: its news is nobody's */
};

struct post {
    struct hayi_action action; /* to the worker */
    struct hayi_event event;   /* or from it */
};

struct queue {
    struct post list[QUEUE];
    size_t first;
    size_t count;
};

struct hand {
    bool joined;
    bool lost;
    uint32_t cores;
    uint32_t busy;
    struct held held[HELD];
    size_t held_count;
    struct given given[HELD]; /* that the core believes it to hold */
    size_t given_count;
    struct queue in;
    struct queue out;
};

static struct model {
    uint64_t seed;
    uint64_t random;
    struct hayi_sched *sched;
    struct hayi_actions actions;
    uint64_t now_ns;
    struct task task[TASKS + 1];
    uint32_t count;
    uint32_t told;
    struct hand hand[WORKERS];
    uint32_t workers;
    bool closed;
    bool cancelling;
    uint32_t all_ended;
    bool short_memory;
    bool stragglers;
    bool timed; /* work may end */
    uint64_t hash;
    bool broken;
} m;

#define MUST(condition)                                                        \
    do {                                                                       \
        if (!(condition) && !m.broken) {                                       \
            m.broken = true;                                                   \
            printf("# seed %llu, line %d: %s\n",                               \
                   (unsigned long long)m.seed,                                 \
                   __LINE__,                                                   \
                   #condition);                                                \
            CU_FAIL(#condition);                                               \
        }                                                                      \
    } while (0)

static uint32_t dice(uint32_t sides)
{
    m.random = m.random * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(m.random >> 33) % sides;
}

static struct post *queue_add(struct queue *q)
{
    MUST(q->count < QUEUE);
    struct post *post = &q->list[(q->first + q->count) % QUEUE];
    q->count++;
    *post = (struct post){.action = {.kind = 0}};
    return post;
}

static struct post *queue_take(struct queue *q)
{
    struct post *post = &q->list[q->first];
    q->first = (q->first + 1) % QUEUE;
    q->count--;
    return post;
}

#endif
