/* child_area.h - the memory that a rank, a child that runs functions for it,
 * and the child's keeper share; and the records in its two rings.
 *
 * One file in memory for each child, made by the rank: a child that scribbles
 * over it spoils its own.  The rank keeps what it needs (which attempts it has
 * given, how far each ring was read) in its own memory.
 *
 * An attempt that was given has a number, counted from 1, and the cell of that
 * number modulo HAYI_CHILD_CELLS; the cell's word is the number and a state,
 * and who changes it first - the child that takes it, the rank that wants it
 * back - has it.
 *
 * Grammar: rank: (TASK | RANGE | ANSWER | RECORD | RESUME)* LEAVE?;
 *     child: (READY | REFUSE)
 *     (ENDED | CREATE | ABANDON | PIN | UNPIN | LOG | RECORD | WAIT | WAKE)*.
 *
 * A function that waits: WAIT, and from then on it runs only to read RECORDs;
 * the rank takes back what the child has not begun.  WAKE: it need not wait any
 * more; RESUME: these are its cores now.
 *
 * Owns: nothing.
 * Never: holds a pointer.
 * Threads: see the groups of fields.
 */
#ifndef HAYI_WORKER_CHILD_AREA_H
#define HAYI_WORKER_CHILD_AREA_H

#include "worker/ring.h"

#include <assert.h>

enum {
    HAYI_CHILD_CELLS = 256,            /* attempts on their way; a power of 2 */
    HAYI_CHILD_RING_BYTES = 128 << 10, /* of each direction */
    HAYI_CHILD_AT_DOWN = 8 << 10,      /* where they lie: rank to child, */
    HAYI_CHILD_AT_UP = HAYI_CHILD_AT_DOWN + HAYI_CHILD_RING_BYTES, /* back */
    HAYI_CHILD_AT_GPUS = HAYI_CHILD_AT_UP + HAYI_CHILD_RING_BYTES,
    HAYI_CHILD_GPUS_BYTES = 16 << 10, /* room for struct hayi_node_gpus */
    HAYI_CHILD_AREA_BYTES = HAYI_CHILD_AT_GPUS + HAYI_CHILD_GPUS_BYTES,
    HAYI_CHILD_CPUS_MAX = 64, /* of which it knows that it is bound to them */
    HAYI_CHILD_EXIT_BROKEN = 125, /* out of memory, or a spoiled area */
};
#define HAYI_CHILD_MAGIC UINT64_C(0x3164696863796168)

enum hayi_cell_state {
    HAYI_CELL_GIVEN = 0,
    HAYI_CELL_TAKEN = 1,   /* the child runs it, or has run it */
    HAYI_CELL_REVOKED = 2, /* the rank has it again */
};
/* The word of a cell. */
static inline uint32_t hayi_cell_word(uint32_t number, enum hayi_cell_state s)
{
    return number << 2 | (uint32_t)s;
}

struct hayi_child_cell {
    atomic_uint word;
    atomic_uint token; /* 1: the attempt is asked to stop */
};

/* A file of the rank's that the child opens as /proc/PID/fd/FD. */
struct hayi_child_file {
    int32_t fd; /* -1: none */
    int32_t reserved;
    uint64_t inode;
};

struct hayi_child_area {
    /* the rank, before the child is made */
    uint64_t magic;
    uint64_t seed;
    uint64_t identity;              /* hash of hayi_registry_identity() */
    uint64_t memory_max_bytes;      /* leaves when it has grown by so much */
    uint64_t units_at, units_bytes; /* of the store's memory */
    struct hayi_child_file store, spill;
    uint64_t gpu_mask; /* of all its attempts; written before its start */
    uint32_t deals_gpus;
    int32_t rank_pid;
    uint32_t worker;
    uint32_t tasks_max; /* leaves after so many; 0: never */
    uint32_t scratch_keep_bytes;

    /* the keeper; valid when it has ended */
    alignas(64) atomic_int child_pid;
    atomic_int wait_status; /* of waitpid() */
    _Atomic uint64_t max_rss_bytes;
    atomic_uint over_memory;            /* number of the attempt for which it
                                           was killed; 0: it was not */
    _Atomic uint64_t memory_used_bytes; /* by that attempt */

    /* the rank */
    alignas(64) atomic_uint_fast64_t work_end_ns; /* UINT64_MAX: none */

    /* any */
    alignas(64) atomic_uint rank_asleep;
    alignas(64) atomic_uint child_asleep;

    /* the rank */
    alignas(64)
        atomic_uint wake_at; /* the child wakes it at this number's end */

    /* the child: what it runs; number 0: nothing.  Whoever measures it looks
     * here: 'running' is written last at the start, first at the end. */
    alignas(64) atomic_uint running;
    atomic_uint reserved;
    _Atomic uint64_t running_since_ns;
    _Atomic uint64_t memory_limit_bytes;  /* of the attempt; 0: none, else see
                                             hayi_minder_watch() */
    _Atomic uint64_t memory_before_bytes; /* at its start */
    hay_map_range at;                     /* of a range: where it works */

    struct hayi_ring_head down, up;
    alignas(64) struct hayi_child_cell cells[HAYI_CHILD_CELLS];
};
static_assert(sizeof(struct hayi_child_area) <= HAYI_CHILD_AT_DOWN,
              "the rings begin behind it");

enum hayi_child_kind {
    /* rank to child */
    HAYI_CHILD_TASK = 1, /* struct hayi_child_task */
    HAYI_CHILD_RANGE,    /* the same */
    HAYI_CHILD_ANSWER,   /* struct hayi_child_answer: to CREATE, PIN */
    HAYI_CHILD_LEAVE,    /* end yourself */
    HAYI_CHILD_RECORD,   /* opaque, either way: for the clients of both */
    HAYI_CHILD_RESUME,   /* struct hayi_child_resume: to WAKE */
    /* child to rank */
    HAYI_CHILD_READY,
    HAYI_CHILD_REFUSE,  /* words: it cannot serve, and ends */
    HAYI_CHILD_ENDED,   /* struct hayi_child_ended */
    HAYI_CHILD_CREATE,  /* struct hayi_child_create */
    HAYI_CHILD_ABANDON, /* struct hayi_child_create: place */
    HAYI_CHILD_LOG,     /* words */
    HAYI_CHILD_WAIT,    /* struct hayi_child_wait */
    HAYI_CHILD_WAKE,
    HAYI_CHILD_PIN,   /* struct hayi_child_create: place */
    HAYI_CHILD_UNPIN, /* the same */
};

/* Where an object lies. */
struct hayi_child_object {
    uint64_t place;
    uint64_t size_bytes;
    uint64_t offset;  /* in the file */
    uint64_t spilled; /* 1: in the spill file, 0: in the store's */
};

/* Tail: the record (wire/record.h), cpus[cpu_count] and gpus[gpu_count]
 * (int32_t), variables ("NAME=VALUE", each with its 0), objects[object_count].
 */
struct hayi_child_task {
    uint64_t record_size;
    uint64_t object_count;
    uint64_t memory_limit_bytes;
    uint32_t number;
    uint32_t cpu_count;
    uint32_t core;
    uint32_t core_count;
    uint32_t gpu_count;
    uint32_t given_size; /* of the variables */
};

/* Tail: the record (wire/nest.h). */
struct hayi_child_record {
    uint32_t type; /* enum hayi_record_type */
    uint32_t reserved;
};

struct hayi_child_wait {
    uint64_t waits_for; /* the number of a task; 0: several, or none */
    uint32_t several;
    uint32_t reserved;
};

/* Tail: cpus[cpu_count] (int32_t). */
struct hayi_child_resume {
    uint32_t cpu_count;
    uint32_t core;
    uint32_t core_count;
    uint32_t reserved;
};

struct hayi_child_create {
    uint64_t place; /* ABANDON, PIN, UNPIN */
    uint64_t size_bytes;
};

/* Tail: words with their 0, if it failed. */
struct hayi_child_answer {
    struct hayi_child_object object;
    uint64_t words_size;
    int32_t status;
    uint32_t reserved;
};

/* Tail: words with their 0, result, failures, failure words, sealed[].place
 * (uint64_t). */
struct hayi_child_ended {
    uint64_t start_ns, end_ns;
    uint64_t words_size, result_size, failures_size, text_size, sealed_size;
    uint64_t items_done, items_failed;
    uint64_t follow; /* the number of the task whose result it has; or 0 */
    uint32_t number;
    int32_t status;
    int32_t exit_code;
    uint8_t outcome;
    uint8_t cause;
    uint8_t leaves; /* the child ends itself now */
    uint8_t client; /* it may have submitted tasks */
};
static_assert(sizeof(struct hayi_child_ended) == 96, "no holes");

#endif
