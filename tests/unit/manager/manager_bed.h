/* manager_bed.h - a manager whose worker is played by the test: real records
 * over the in-process transport, printed and compared.
 *
 * Owns: the manager, its executor, both ends of the transport.
 * Never: runs a task; a record that a worker does not get fails the test.
 * Threads: one.
 */
#ifndef HAYI_TESTS_MANAGER_BED_H
#define HAYI_TESTS_MANAGER_BED_H

#include "data/store.h"
#include "manager/manager_inside.h"

enum { BED_OBJECT = 100000 }; /* bytes */
enum { BED_EPOCH = 9, BED_LOG_MAX = 8000, BED_IDS = 3000, BED_PATH_MAX = 64 };
#define SECOND_NS UINT64_C(1000000000)

/* What the worker knows of a task, by the task's id. */
struct bed_known {
    uint64_t task;
    uint64_t handed_ns;
    uint32_t attempt;
};
extern struct bed_known bed_known[BED_IDS]; /* by hay_task_id */

extern struct hayi_transport *bed_ends[2]; /* the manager's, the worker's */
extern struct hayi_link bed_worker;
extern struct hayi_bell bed_bell;
extern hay_executor *bed_ex;
extern struct hayi_manager *bed_manager;
extern double bed_argument;            /* of the last call, if it has one */
extern uint64_t bed_place, bed_object; /* of its first argument; or 0 */
extern bool bed_answer_ranges;         /* at once, with the items doubled */
extern char bed_told[BED_LOG_MAX];     /* what the manager has told */
extern bool bed_fenced;                /* the worker was given up */
/* Of a client in the worker; NULL: there is none. */
extern void (*bed_nested)(uint16_t type, const void *body, size_t size);
extern uint64_t bed_ahead_ns;             /* of the manager's clock */
extern uint64_t bed_worker_ahead_ns;      /* of the worker's */
extern char bed_run_folder[BED_PATH_MAX]; /* not there yet */

HAY_TASK_DECLARE(bed_one);
HAY_MAP_DECLARE(bed_items); /* of doubles */

/* Fixture. */
int bed_setup_suite(void);
int bed_clean_suite(void);
void bed_setup(void);
void bed_teardown(void);
void bed_open_manager(bool shared_memory, hay_output output, const char *path);
/* With a worker of so many cores that has joined. */
void bed_ready(uint32_t cores);
/* Breaks the run, waits until all has been told, frees. */
void bed_end_manager(void);
void bed_close_end(int i);

/* One round of everybody. */
void bed_turn(void);
/* After some rounds these are the lines that the manager has told since the
 * last call. */
void bed_expect(const char *lines);

/* The worker. */
void bed_say(uint16_t type, const void *head, size_t size);
void bed_join(uint32_t cores);
struct bed_end {
    uint8_t outcome;
    int exit_code;
    bool unstarted;
    const char *reason;
    const void *value;
    size_t value_size;
    bool objects;
    const struct hayi_capture_record *capture;
    uint64_t run_ns; /* 0: 1 */
};
void bed_ended(hay_task_id id, struct bed_end end);
void bed_finished(hay_task_id id);
void bed_finished_double(hay_task_id id, double x);
/* With a new object (object 0), whose place is returned, or an older one. */
uint64_t bed_finished_object(hay_task_id id, uint64_t object);
void bed_failed(hay_task_id id, const char *reason);

/* The client. */
hay_future *bed_submit(hay_args args, const hay_task_options *options);
/* hay_future_cancel() would wait for the manager, which is in this thread. */
hay_status bed_cancel(hay_future *future, bool force);
void bed_close_executor(bool cancel_pending);
hay_outcome bed_outcome_of(const hay_future *future);
/* It has ended so, with these words in its reason; releases it. */
void bed_check_end(hay_future *future, hay_status status, const char *words);

#endif
