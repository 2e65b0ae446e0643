/* worker_bed.h - a worker whose manager is played by the test: real records
 * over the in-process transport, printed and compared.
 *
 * Owns: the worker, both ends of the transport, a spawner not handed on.
 * Never: forks; a record that a manager does not get fails the test.
 * Threads: one, apart from the worker's own, which run the tasks below.
 */
#ifndef HAYI_TESTS_WORKER_BED_H
#define HAYI_TESTS_WORKER_BED_H

#include "transport/link.h"
#include "worker/worker_inside.h"

#include <semaphore.h>

enum { BED_EPOCH = 5, BED_LOG_MAX = 8000, BED_LIMIT_MS = 20000 };

struct bed {
    struct hayi_transport *ends[2]; /* the manager's, the worker's */
    struct hayi_link manager;
    struct hayi_bell bell;
    struct hayi_topology *topology;
    struct hayi_cpumask mask;
    struct hayi_spawner *spawner; /* forked before any thread */
    struct hayi_worker *worker;
    struct hayi_store *store; /* borrowed by the worker; NULL: none */
    const char *spill_folder; /* of the welcome; NULL: the default */
    const uint32_t *before;   /* [before_count]: keep the store before it; NULL:
                                 it never keeps it */
    size_t before_count;
    uint64_t ahead_ns;      /* of the worker's clock */
    char told[BED_LOG_MAX]; /* what the worker has told, a line a record */
    unsigned told_count;
    bool hide_started;  /* true: on a slow machine any start may be told */
    sem_t began, go_on; /* of a gate */
    atomic_uint ran;
};
extern struct bed bed;

HAY_TASK_DECLARE(bed_counts); /* in ran, its value is its id */
HAY_TASK_DECLARE(bed_gate);
HAY_TASK_DECLARE(bed_runs_until_told);
HAY_TASK_DECLARE(bed_talks);

/* Fixture. */
int bed_setup_suite(void);
int bed_clean_suite(void);
void bed_setup(void);
void bed_teardown(void);
void bed_open_worker(bool shared_memory, struct hayi_spawner *with);
/* A worker of so many cores that has joined. */
void bed_joined(uint32_t slots, struct hayi_spawner *with);

/* One round of everybody. */
void bed_turn(void);
/* Until the worker has told so many records since the last call, all lines of
 * which must be these. */
void bed_expect(unsigned count, const char *lines);

/* Turns until so many have been told, or the time is up. */
void bed_await(unsigned count);
/* Until the worker has ended, so and with these words. */
void bed_expect_end(enum hayi_worker_end end, const char *words);

/* The manager. */
void bed_say(uint16_t type, const void *head, size_t size);
void bed_welcome(uint32_t slots);
struct hayi_task_record bed_task_of(uint64_t number, uint8_t kind);
void bed_hand_out(struct hayi_task_record head,
                  const void *args,
                  size_t args_size);
void bed_call(uint64_t number, hay_task_fn function);
void bed_fake(uint64_t number, uint64_t duration_ns);
void bed_command(uint64_t number, const char *line);
/* With HAYI_TASK_DATA and these arguments. */
void bed_data_call(uint64_t number,
                   hay_task_fn function,
                   const struct hayi_buffer *args);
void bed_cancel(uint64_t number, bool force);
void bed_recall(uint32_t count);
void bed_stop(bool at_once);

#endif
