/* task.h - one attempt at a worker: what it was given, what it gives back, and
 * what the running function sees of it (struct hay_task).
 *
 * Owns: its copy of the arguments, its result, its words, objects that it makes
 *     until they are sealed.
 * Never: decides; its state is worker_state's.
 * Threads: the loop makes and frees it; while it is in a slot the slot's thread
 *     owns the fields of the second group.
 */
#ifndef HAYI_WORKER_TASK_H
#define HAYI_WORKER_TASK_H

#include "base/buffer.h"
#include "base/mpsc.h"
#include "base/philox.h"
#include "core/sched.h"
#include "data/store.h"
#include "wire/record.h"
#include "wire/value.h"
#include "worker/registry.h"
#include "worker/scratch.h"

/* How a command, or a function that fails by it, says that it is unfinished. */
#define HAYI_EXIT_UNFINISHED 75

struct hayi_crash;
struct hayi_files;
struct hayi_node_gpus;
struct hayi_guest;
struct hayi_inputs;
struct hayi_hand;
struct hayi_slot_process;

enum {
    HAYI_MISSING_MAX = 1000, /* objects that a returned attempt names */
};

/* A place in a slot, see slot_thread.h. */
struct hayi_slot_entry {
    atomic_uint state; /* enum hayi_slot_entry_state */
    struct hay_task *task;
};

/* Tasks that were freed, for the next ones: their memory is too large for the
 * quick lists of malloc.  Owned by the loop that makes and frees them. */
struct hayi_task_spares {
    struct hay_task *first; /* linked by held_after */
    uint32_t count;
};
void hayi_task_spares_fini(struct hayi_task_spares *spares);

/* What all tasks of a worker share. */
struct hayi_task_farm {
    struct hayi_task_spares *spares; /* NULL: none are kept */
    uint64_t seed;
    uint32_t worker;
    /* Sends a line to rank 0's log; from any thread. */
    void (*log)(void *context, const char *text);
    void *context;
    struct hayi_store *store; /* of this node, borrowed; NULL: no objects */
    struct hayi_guest *guest; /* in a child: instead of the store; or NULL */
    hay_executor *executor;   /* that tasks submit to, borrowed; NULL: none */
    const char *run_folder;   /* borrowed; NULL: none, or in a child */
    struct hayi_files *files; /* open arrays, borrowed; NULL with no store */
    const struct hayi_node_gpus
        *gpus; /* of this worker; by the bits of gpu_mask */
    /* The end of work, hayi_clock_ns(), UINT64_MAX: none; borrowed.  NULL: it
     * is not known here. */
    const atomic_uint_fast64_t *work_end_ns;
    bool deals_gpus; /* some rank of this node has gpus: who has none of them
                        shall see none */
};

/* Of a result that is large: where its bytes are. */
struct hayi_product {
    hayi_place place; /* an object of ours, not sealed yet; 0: none */
    const void *data; /* there, or in scratch, or of an argument passed on;
                         NULL: in the value itself */
    uint64_t bytes;   /* of the data, wherever it is */
};

/* One of several results. */
struct hayi_part {
    struct hayi_buffer value;
    struct hayi_product made;
};

/* What a task's thread tells the loop; see hand.h. */
struct hayi_news {
    struct hayi_mpsc_node node;
    uint8_t kind;           /* enum hayi_news_kind */
    struct hayi_hand *hand; /* NULL: it is in a process slot */
    struct hay_task *task;
};

struct hay_task {
    struct hayi_news ended; /* first; in the loop's queue */

    /* loop, before it is given to a slot; then read only */
    const struct hayi_task_farm *farm;
    struct hayi_task_record record;
    struct hayi_range_record range; /* if is_range */
    bool is_range;
    bool kept;         /* among the spare ones when it is freed */
    const void *args;  /* in this allocation */
    const void *items; /* a range's input; or NULL */
    const char *name;
    const char *got; /* "gpus=0.5 licences=2": amounts of its request; or "" */
    const struct hayi_function *function;
    const int *cpus; /* leased, operating system numbers; or NULL */
    size_t cpu_count;
    const int32_t *gpu_numbers; /* in a child, which knows no more of them; */
    uint32_t gpu_count;         /* at most HAYI_GPUS_MAX */
    int *own_cpus;              /* where they lie, if they are not neighbours */
    uint32_t core;              /* index of the first leased core */
    uint32_t core_count;
    bool rebind; /* its lease is not the slot's own core */

    /* loop */
    struct hayi_slot_entry *entry;   /* its place in a slot's ring; or NULL */
    struct hay_task *before, *after; /* list of those in slots */
    struct hay_task *held_before, *held_after; /* list of all */
    struct hay_task *overflow_next;    /* while its slot's ring is full */
    struct hayi_slot_entry deep_entry; /* 'entry' if it is not in the ring */
    struct hay_task *deep_next;
    struct hayi_slot_process *process; /* that has it; or NULL */
    struct hayi_slot_process *told_by; /* its thread has told its end; NULL */
    struct hayi_hand *hand;            /* while it waits: its thread */
    struct hayi_hand *claimer;         /* while it claims a child: its thread */
    struct hay_task *next_claim;       /* list of those */
    struct hay_task *next_inline; /* list of those with 'outer', which may be
                                     in the other one, too */
    bool listed;
    bool started_told;
    uint64_t given_ns; /* when it was given to a slot */

    /* any thread */
    atomic_bool client;     /* it may have submitted something */
    struct hay_task *outer; /* that waits, and runs it in its place, with its
                               cores; or NULL; set before it begins */
    atomic_uint cancelled;  /* the token */
    atomic_uint *token;     /* where the function looks: there, or in memory
                               shared with the rank */

    /* the slot's thread */
    uint64_t start_ns, end_ns;
    uint64_t waited_ns;          /* of that, without cores */
    const hay_future *waits_for; /* while it waits: for what; NULL: ... */
    uint64_t waits_for_id;       /* ... the same, of a child's; or 0 */
    bool waits_several;          /* ... several futures, or nothing of that */
    uint64_t children;           /* submitted, by the item 'child_item' */
    uint64_t child_item;
    uint8_t outcome; /* enum hayi_outcome */
    int32_t exit_code;
    int32_t signal;
    uint8_t cause; /* hay_cause; 0: what the outcome tells */
    uint64_t memory_peak_bytes;
    struct hayi_buffer result;  /* one value; or a range's output */
    struct hayi_product made;   /* of the one value */
    struct hayi_kept in_folder; /* that result as a file */
    hay_future *follow; /* its result is that of this one, counted; or NULL */
    uint64_t follow_id; /* the same, of a child's; or 0 */
    struct hayi_part *parts;      /* several results; or NULL */
    size_t part_count, part;      /* the one that is set next */
    size_t part_bytes;            /* of their values that are not objects */
    uint64_t result_bytes;        /* of all its results */
    bool store_failed;            /* there was no room for its result */
    bool too_large;               /* its result was above its limit */
    struct hayi_scratch *scratch; /* the slot's, borrowed; NULL: no data */
    struct hayi_inputs *inputs;   /* while it runs, with HAYI_TASK_DATA */
    uint64_t *missing; /* handles of inputs that are not here: it did not run */
    size_t missing_count;
    struct hayi_stream random;
    uint64_t random_item; /* whose stream it is */
    bool random_ready;
    const hay_map_range *at; /* the range being worked on */
    hay_map_range *at_room;  /* where it shall stand, for others; or NULL */
    uint64_t at_first;       /* its first item in the attempt's range */
    uint64_t items_done, items_failed;
    uint32_t tries_left; /* of the item; one that fails: */
    bool once_more;
    struct hayi_range_failure *failures;
    size_t failure_count, failure_room;
    struct hayi_buffer failure_text;
    struct hayi_crash *crash; /* of a range in a process slot; malloc'ed */
    struct hayi_error error;  /* last: what is behind its first letter is not
                                 cleared for each task */
};

/* Copies the record and its tail.  HAY_ENOMEM, HAY_EMISMATCH. */
hay_status hayi_task_new(const struct hayi_task_farm *farm,
                         const void *body,
                         size_t size,
                         struct hay_task **task,
                         struct hayi_error *err);
hay_status hayi_task_new_range(const struct hayi_task_farm *farm,
                               const void *body,
                               size_t size,
                               struct hay_task **task,
                               struct hayi_error *err);
void hayi_task_free(struct hay_task *task);

/* Slot: run the function, fill outcome, result and words (not the times).  With
 * HAYI_TASK_DATA: task->missing_count > 0: it did not run, and has no outcome.
 */
void hayi_task_run(struct hay_task *task);
/* The one that this thread runs, the innermost one; NULL. */
struct hay_task *hayi_task_current(void);

/* For the files that make it up. */
/* It has no result of another task. */
void hayi_task_drop_follow(struct hay_task *task);
/* Argument 'index' with its data; false: there is none. */
bool hayi_task_arg(const struct hay_task *task,
                   size_t index,
                   struct hayi_value *value);
/* The words of task->error go to the thread as well; 'status'. */
hay_status hayi_task_fail_call(struct hay_task *task, hay_status status);
/* Its function is to be called, its inputs are open (task_data.c calls it, too,
 * for what has no function). */
void hayi_task_conclude(struct hay_task *task, hay_status status);
void hayi_task_run_data(struct hay_task *task);

#endif
