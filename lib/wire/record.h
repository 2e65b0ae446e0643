/* record.h - the records that the manager and its workers exchange.
 *
 * Each is a fixed head, below, and for some a tail whose parts follow in the
 * order told, each padded to 8 bytes.  All ranks of a farm are of one
 * architecture (checked at start), so heads are sent as they lie in memory.
 *
 * Owns: nothing.
 * Never: trusts a length: hayi_record_parts() checks head and tail against the
 *     size that came.
 * Threads: any.
 */
#ifndef HAYI_WIRE_RECORD_H
#define HAYI_WIRE_RECORD_H

#include "base/error.h"

#include <assert.h>
#include <string.h>

enum hayi_record_type {
    /* manager to worker */
    HAYI_RECORD_WELCOME = 1,
    HAYI_RECORD_TASK,
    HAYI_RECORD_RANGE,
    HAYI_RECORD_RECALL,
    HAYI_RECORD_CANCEL,
    HAYI_RECORD_PING,
    HAYI_RECORD_STOP,
    HAYI_RECORD_SEND,         /* send an object to another rank */
    HAYI_RECORD_RECEIVE,      /* make room for one and receive it */
    HAYI_RECORD_DROP,         /* free one */
    HAYI_RECORD_LOST,         /* another rank is gone */
    HAYI_RECORD_CLAIM_DENIED, /* an attempt cannot run its child itself */
    HAYI_RECORD_DEADLINE,     /* when work ends */
    /* worker to manager */
    HAYI_RECORD_JOIN,
    HAYI_RECORD_STARTED,
    HAYI_RECORD_ENDED,
    HAYI_RECORD_RANGE_ENDED,
    HAYI_RECORD_RETURNED,
    HAYI_RECORD_RECALL_DONE,
    HAYI_RECORD_PONG,
    HAYI_RECORD_LOG,
    HAYI_RECORD_REFUSE, /* the worker cannot serve; tail: words */
    HAYI_RECORD_BYE,
    HAYI_RECORD_MOVED,     /* a receive has ended */
    HAYI_RECORD_GONE,      /* replicas were dropped; tail: their objects */
    HAYI_RECORD_MEMORY,    /* how full the node's store is */
    HAYI_RECORD_SUSPENDED, /* an attempt waits, without its cores */
    HAYI_RECORD_RESUMED,   /* it has been given cores again */
    HAYI_RECORD_CLAIM,     /* an attempt would run its child itself */
    HAYI_RECORD_LEFT,      /* what a dead rank has left sealed; tail: places */
    HAYI_RECORD_LEAVE,     /* the worker leaves, now or later */
    /* of clients in workers, see nest.h; worker to manager */
    HAYI_RECORD_NEST_ASK = 64,
    HAYI_RECORD_NEST_SUBMIT,
    HAYI_RECORD_NEST_PUT,
    HAYI_RECORD_NEST_CANCEL,
    HAYI_RECORD_NEST_WANT,
    HAYI_RECORD_NEST_RELEASE,
    HAYI_RECORD_NEST_READ,
    HAYI_RECORD_NEST_PIECE,
    HAYI_RECORD_NEST_CLOSED,
    /* manager to worker */
    HAYI_RECORD_NEST_GRANT = 96,
    HAYI_RECORD_NEST_STATE,
    HAYI_RECORD_NEST_ENDED,
    HAYI_RECORD_NEST_ANSWER,
    HAYI_RECORD_NEST_RANGE,
    HAYI_RECORD_NEST_BROKEN,
};

enum hayi_task_kind {
    HAYI_TASK_FUNCTION = 1,
    HAYI_TASK_COMMAND,
    HAYI_TASK_FAKE,
    HAYI_TASK_MAP,
    HAYI_TASK_PUT, /* of futures only: a value of the caller's */
};

/* Tail: run folder, working folder, environment ("A=B" strings, each with its
 * 0), spill folder, resources (request.h) that a node has. */
struct hayi_welcome {
    uint64_t seed;
    uint64_t silence_ns;
    uint64_t run_folder_size; /* with the 0; 0: none */
    uint64_t cwd_size;
    uint64_t env_size;
    uint64_t spill_folder_size;  /* with the 0; 0: the node's default */
    uint64_t memory_limit_bytes; /* of the node's store; 0: its default */
    uint64_t resources_size;     /* with the 0; 0: none */
    uint32_t slots;
    uint32_t output; /* hay_output */
    uint32_t umask_bits;
    uint32_t no_pin;
    uint32_t worker; /* the number it shall show */
    uint32_t checksum;
    uint32_t gpus;            /* of a node; HAY_GPUS_FOUND: what is there */
    uint32_t child_tasks_max; /* as in hay_options */
    uint64_t child_memory_max_bytes;
    uint64_t child_idle_ns;
    uint32_t suspended_max;
    uint32_t run_epoch; /* of the starts on the run folder, from 1; 0 */
};

/* Tail: arguments (value.h) or command (command.h), name with its 0, what it
 * got besides ("gpus=0.5 licences=2", request.h) with its 0. */
struct hayi_task_record {
    uint64_t task; /* hayi_handle */
    uint64_t id;
    uint64_t stream_key;
    uint64_t handed_ns; /* manager's clock; comes back in the report */
    uint64_t memory_bytes;
    uint64_t time_limit_ns;
    uint64_t grace_ns;           /* 0: the worker's default */
    uint64_t memory_limit_bytes; /* of this attempt; 0: none */
    uint64_t output_limit_bytes; /* 0: none */
    uint64_t warn_ns;            /* of a command: so long before the end of work
                                    it gets SIGUSR1; 0: no warning */
    uint64_t index;              /* of a command; duration_ns of a fake */
    uint64_t args_size;
    uint64_t inline_of; /* the attempt of this task, which waits here, runs it
                           on its cores; 0: it has its own */
    uint64_t gpu_mask;  /* of the worker's gpus, those dealt to it */
    uint32_t attempt;
    uint32_t function;
    int32_t priority;
    uint32_t cores;
    int32_t fake_exit;
    uint16_t depth;     /* of nesting */
    uint16_t name_size; /* with the 0 */
    uint16_t got_size;  /* with the 0; 0: nothing */
    uint8_t kind;       /* enum hayi_task_kind */
    uint8_t flags;      /* HAYI_TASK_... */
    uint8_t variant;    /* of its request, from 0 */
    uint8_t reserved[3];
};
enum {
    HAYI_TASK_PROMPT = 1,
    HAYI_TASK_DATA = 2, /* among its arguments are objects, regions, outputs */
    HAYI_TASK_PROCESS = 4, /* in a process slot */
    HAYI_TASK_KEEP = 8,    /* a large result is written into the run folder */
};

/* Tail: the items' input, unless it is addressed; what it got besides, as of a
 * task. */
struct hayi_range_record {
    uint64_t task;
    uint64_t id; /* of the map */
    uint64_t stream_key;
    uint64_t handed_ns;
    uint64_t first; /* item number in the map, from 0 */
    uint64_t count;
    uint64_t first_index; /* of item 0 */
    uint64_t in_address;  /* in this process's memory; or 0 */
    uint64_t out_address;
    uint64_t in_bytes;  /* of the tail */
    uint64_t inline_of; /* as of a task */
    uint64_t gpu_mask;  /* from here as of a task */
    uint64_t memory_bytes;
    uint64_t time_limit_ns;      /* of each item; 0: none */
    uint64_t grace_ns;           /* 0: the worker's default */
    uint64_t memory_limit_bytes; /* of each item; 0: none */
    uint32_t cores;
    uint32_t attempt;
    uint32_t function;
    int32_t priority;
    uint8_t prompt;
    uint8_t stop_on_failure;
    uint8_t indices; /* the items are their indices */
    uint8_t process; /* in a process slot */
    uint16_t depth;  /* of nesting */
    uint16_t got_size;
    uint16_t retries; /* of each item */
    uint8_t variant;
    uint8_t memory_retries; /* of each item, with twice the limit each */
    uint32_t pause_ms;      /* before an item's second try, then doubled */
    uint32_t begin_ms;      /* it rests so long before its first item */
    uint8_t reserved[4];
};

struct hayi_recall {
    uint32_t count;
    int32_t below;
    uint16_t below_depth; /* and those of just this priority less deep */
    uint8_t reserved[6];
};

struct hayi_cancel_record {
    uint64_t task;
    uint32_t attempt;
    uint8_t force;
    uint8_t unstarted_only;
    uint8_t reserved[2];
};

struct hayi_deadline_record {
    uint64_t left_ns; /* until the end of work; UINT64_MAX: there is none */
};

struct hayi_leave_record {
    uint64_t left_ns; /* 0: it leaves now; else: until then something may begin
                         and end here; UINT64_MAX: no such time is known */
};

struct hayi_ping {
    uint64_t manager_ns;
    uint64_t worker_ns; /* in the answer */
};

/* Tail of STOP: none. */
struct hayi_stop {
    uint32_t at_once; /* do not wait for what runs */
    uint32_t reserved;
};

/* Tail: host name with its 0, resources (request.h) with their 0: this rank's
 * part of what its node has. */
struct hayi_join {
    uint64_t memory_bytes;
    uint64_t worker_ns;
    uint32_t cores;
    uint32_t gpus;
    int32_t pid;
    uint32_t host_size;
    uint32_t store_of; /* the peer whose store this rank uses: its node */
    uint32_t member;   /* our number there */
    uint32_t resources_size;
    uint32_t reserved;
};

/* Tail of RETURNED: missing[missing] (uint64_t), inputs that are not on this
 * node. */
struct hayi_attempt_record { /* STARTED, RETURNED, RESUMED, CLAIM_DENIED */
    uint64_t task;
    uint32_t attempt;
    uint32_t missing;
};

struct hayi_suspended_record { /* SUSPENDED, CLAIM */
    uint64_t task;
    uint64_t waits_for;    /* hayi_handle, a child that it waits for; or 0: */
    uint64_t waits_for_id; /* its number (nest.h); or 0: */
    uint32_t attempt;
    uint32_t several; /* several tasks; 0: nothing that is a task */
};

struct hayi_send_record { /* SEND, RECEIVE, DROP */
    uint64_t object; /* RECEIVE: told when it is dropped to make room; 0: it is
                        not to be dropped */
    uint64_t place;  /* SEND, DROP: in the store of this node */
    uint64_t bytes;
    uint32_t transfer;
    uint32_t peer; /* the other end */
};

struct hayi_lost_record {
    uint32_t peer;
    uint32_t reap;   /* it is dead for sure: clear away what it has left in the
                        store that you have shared */
    uint32_t member; /* its number there */
    uint32_t reserved;
};

/* Tail: words with their 0, if it failed. */
struct hayi_moved_record {
    uint64_t place;
    uint64_t run_ns;
    uint32_t transfer;
    int32_t status; /* hay_status */
    uint64_t words_size;
};

/* Tail: objects[count] (uint64_t). */
struct hayi_gone_record {
    uint64_t count;
};

/* Tail: places[count] (uint64_t). */
struct hayi_left_record {
    uint64_t count;
};

struct hayi_memory_record {
    uint64_t used_permille;
};

struct hayi_capture_record {
    uint64_t offset[2];
    uint64_t length[2];
    uint32_t slot;
    uint32_t file;
};

/* Of results/TASK.ATTEMPT in the run folder, see data/kept.h. */
struct hayi_kept {
    uint64_t bytes; /* 0: there is none */
    uint64_t hash;
};

/* Tail: capture record (if HAYI_ENDED_CAPTURE), reason with its 0, value, what
 * it had with its 0: for tasks.tsv "CPUS<tab>GPUS<tab>MEM<tab>RESOURCES", kept
 * (if HAYI_ENDED_KEPT). */
struct hayi_ended {
    uint64_t task;
    uint64_t handed_ns;
    uint64_t start_ns; /* worker's clock */
    uint64_t end_ns;
    uint64_t waited_ns; /* of that, without cores */
    uint64_t value_size;
    uint64_t memory_peak_bytes; /* of its processes together; 0: not measured */
    uint32_t attempt;
    int32_t exit_code;
    int32_t signal;
    uint32_t slot;
    uint32_t cores;
    uint16_t reason_size; /* with the 0; 0: none */
    uint16_t had_size;    /* with the 0; 0: there is no tasks.tsv */
    uint8_t outcome;      /* enum hayi_outcome */
    uint8_t flags;
    uint8_t cause; /* hay_cause; 0: what the outcome tells (its status, the
                      farm) */
    uint8_t reserved[5];
};
enum {
    HAYI_ENDED_CAPTURE = 1,
    HAYI_ENDED_OBJECTS = 2, /* the value is or holds objects */
    HAYI_ENDED_FOLLOW = 4,  /* the value is a struct hayi_follow: the result is
                               that of another task */
    HAYI_ENDED_CLIENT = 8,  /* it may have submitted tasks */
    HAYI_ENDED_KEPT = 16,   /* its value is in the run folder, too */
};
struct hayi_follow {
    uint64_t id;      /* of the task */
    uint64_t address; /* where the manager is in this process: of the future,
                         with a count of its own; else 0 */
};

/* Tail: failures[failures], their words (each with its 0), output of the items
 * (unless it was addressed). */
struct hayi_range_ended {
    uint64_t task;
    uint64_t handed_ns;
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t waited_ns;
    uint64_t items; /* done in order */
    uint64_t failed;
    uint64_t text_size;
    uint64_t out_bytes;
    uint32_t attempt;
    uint32_t failures; /* told, may be fewer than failed */
    uint32_t slot;
    uint8_t outcome;
    uint8_t reserved[3];
};
struct hayi_range_failure {
    uint64_t item; /* within the range */
    int32_t status;
    int32_t code;
};

/* Tail of LOG and REFUSE: words with their 0. */
struct hayi_words {
    uint64_t size;
};

static_assert(sizeof(struct hayi_task_record) == 144, "no holes");
static_assert(sizeof(struct hayi_range_record) == 168, "no holes");
static_assert(sizeof(struct hayi_ended) == 88, "no holes");
static_assert(sizeof(struct hayi_range_ended) == 88, "no holes");
static_assert(sizeof(struct hayi_welcome) == 120, "no holes");
static_assert(sizeof(struct hayi_send_record) == 32, "no holes");
static_assert(sizeof(struct hayi_moved_record) == 32, "no holes");

#define HAYI_PAD8(size) (((size_t)(size) + 7u) & ~(size_t)7u)

/* Bytes of a record with these parts in its tail. */
static inline size_t
hayi_record_size(size_t head, const uint64_t *parts, size_t count)
{
    size_t size = HAYI_PAD8(head);
    for (size_t i = 0; i < count; i++) {
        size += HAYI_PAD8(parts[i]);
    }
    return size;
}

/* Writes a head or a part of a tail at 'at' (8-byte aligned), with its padding;
 * where the next one goes.  data: NULL if size is 0. */
static inline unsigned char *
hayi_record_put(void *at, const void *data, uint64_t size)
{
    unsigned char *bytes = at;
    if (size == 0) {
        return bytes;
    }
    memcpy(bytes, data, size);
    for (size_t i = size; i < HAYI_PAD8(size); i++) {
        bytes[i] = 0;
    }
    return bytes + HAYI_PAD8(size);
}

/* Where the parts of a tail begin: at[count].  HAY_EMISMATCH: they do not fit
 * into 'size'.  'strings': bit i says that part i, if not empty, ends with 0.
 */
hay_status hayi_record_parts(const void *body,
                             size_t size,
                             size_t head,
                             const uint64_t *parts,
                             size_t count,
                             uint32_t strings,
                             const void **at,
                             struct hayi_error *err);

#endif
