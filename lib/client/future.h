/* future.h - the inside of a future, shared by the client and the manager.
 *
 * A future is also the entry by which its task is submitted: one allocation
 * with the task's specification behind it.
 *
 * Owns: the specification, the result, what was asked to be told at its end.
 * Never: calls user code on the manager's thread.
 * Threads: see the groups of fields.
 */
#ifndef HAYI_CLIENT_FUTURE_H
#define HAYI_CLIENT_FUTURE_H

#include "base/mpsc.h"
#include "core/sched.h"
#include "journal/journal_log.h"
#include "wire/record.h"

/* What the manager's inbox holds. */
enum hayi_item_kind {
    HAYI_ITEM_SUBMIT = 1, /* a struct hay_future */
    HAYI_ITEM_CANCEL,     /* a struct hayi_cancel_item */
    HAYI_ITEM_MAP_READ,   /* a struct hayi_map_read_item */
    HAYI_ITEM_CLOSE,      /* a struct hayi_close_item */
    HAYI_ITEM_PUT,        /* a struct hay_future with its result */
    HAYI_ITEM_RELEASE,    /* a struct hay_future that nobody holds any more */
    HAYI_ITEM_WANT,       /* a struct hayi_want_item */
};
struct hayi_item {
    struct hayi_mpsc_node node;
    uint16_t kind;
    uint16_t begun;  /* of a future, the manager's: attempts that began and
                        were not the last one */
    uint32_t listed; /* of a future, the manager's: finished tasks that it
                        remembers with this one as an input */
};

/* What was submitted; read only after the submit.  Travels as it is, without
 * 'user' (nest_record.h): no other addresses in it. */
struct hayi_spec {
    uint8_t kind; /* enum hayi_task_kind */
    bool has_index : 1;
    bool once : 1;    /* it must not run twice */
    bool process : 1; /* in a process slot */
    bool has_limits : 1;
    bool has_key : 1;      /* what it is, for the journal */
    uint16_t name_size;    /* without the 0 */
    uint8_t category_size; /* without the 0 */
    uint8_t pause;         /* before a retry, see hayi_spec_pause_ms() */
    uint16_t retries;
    union {
        uint32_t function; /* registry index */
        int32_t fake_exit;
    };
    int32_t priority;
    struct hayi_needs needs;
    uint32_t dep_count;     /* all of deps[] */
    uint32_t arg_dep_count; /* the first ones are the places in the arguments */
    uint32_t any_count;     /* the last ones need only end */
    uint32_t args_size;     /* functions: value.h; commands: command.h */
    uint64_t stream_key;
    hayi_handle parent; /* the task that submits it; 0: the client */
    uint64_t index;     /* of a command; fake: duration_ns */
    void *user;
    /* Behind it: deps[dep_count] (hay_future *, counted), args[args_size]
     * padded to 8, then limits if it has some, then its key if it has one, then
     * name and 0 and category and 0, each only if not "". */
};

/* Most tasks have none.  0: no such limit. */
struct hayi_limits {
    uint64_t time_ns;
    uint64_t grace_ns; /* 0: the worker's default */
    uint64_t memory_bytes;
    uint64_t output_bytes;
    uint64_t warn_ns;
    bool late; /* it may start after the end of work */
    uint32_t memory_retries;
    uint32_t memory_doublings; /* the manager's: so often twice the limit */
};

/* What a task is, to be found again in a journal (see journal_log.h, and who
 * fills it: resume.h).  Of a task that is taken from there: as recorded. */
struct hayi_spec_key {
    struct hayi_journal_key key;
    uint32_t ordinal; /* of an unnamed one among those with its key */
    uint8_t why;      /* hay_why */
    bool absent;      /* it has none after all, and runs in any case */
};

/* A pause in one byte: 4 bits of mantissa, 4 of exponent, of 10 ms, rounded up.
 */
#define HAYI_PAUSE_MS_MAX 3600000u
uint8_t hayi_spec_pause(uint64_t pause_ms);
uint32_t hayi_spec_pause_ms(const struct hayi_spec *spec);

/* A map's further fields. */
struct hayi_map_state;

/* How it ended; made by the manager.  Travels as it is (nest_record.h), which
 * has to know the addresses in it. */
struct hayi_result {
    hay_status status;
    int32_t exit_code;
    int32_t signal;
    uint8_t cause; /* hay_cause */
    uint32_t attempts;
    uint32_t worker;
    hay_task_id culprit;
    uint64_t start_ns, end_ns;   /* since the farm's start */
    uint64_t memory_peak_bytes;  /* of the last attempt; 0: not measured */
    char *reason;                /* malloc'ed, or NULL */
    const char *capture_path[2]; /* owned by the executor; or NULL */
    uint64_t capture_offset[2], capture_length[2];
    /* Objects in value[], in order, each held once for this future.  Their
     * 'object' is the scheduler's; 'place' is in the store of the client's node
     * as it was at the end; 0: it was not there. */
    uint32_t object_count;
    hayi_object *files; /* [file_count] malloc'ed: what a command wrote, held
                           for this future; the manager's alone */
    uint32_t file_count;
    _Atomic(struct hayi_views *) views; /* the client's, see objects.h */
    size_t value_size; /* bytes of value[]: value.h; 0: HAY_NONE */
    uint64_t value[];
};

struct hayi_watch;
#define HAYI_WATCH_CLOSED ((struct hayi_watch *)1)

struct hay_future {
    struct hayi_item item; /* first; the inbox's while it is submitted */
    /* any thread */
    atomic_uint refs;
    atomic_uchar state;  /* hay_state; release at the end, acquire by readers */
    atomic_uchar waited; /* somebody sleeps until it ends */
    atomic_uchar managed; /* whoever drops the last count posts it as
                             HAYI_ITEM_RELEASE instead of freeing it; set by the
                             manager before it drops its own */
    uint8_t remembered;   /* the manager's: what it still needs it for */
    _Atomic(struct hayi_watch *) watches; /* a stack; CLOSED once done */
    /* set before the submit, then read only */
    hay_executor *ex;
    hay_task_id id;
    struct hayi_map_state *map; /* of a map; or NULL */
    struct hayi_spec *spec;     /* in the same allocation; what hangs on it
                                   (deps) is dropped when it ends */
    /* manager's thread */
    hayi_handle task; /* 0 before it knows it and after its end */
    /* written by the manager before the end, then read only */
    struct hayi_result *result;
};

/* What a future is made with. */
struct hayi_future_plan {
    size_t dep_count;
    size_t args_size;
    const char *name;     /* NULL: none */
    const char *category; /* NULL: none */
    bool limits;          /* with room for them */
    bool key;             /* with room for it */
};
/* A future with room for all of it, one allocation, one count (the manager's);
 * the names are filled in, the rest of the specification is 0.  NULL when
 * memory is short.  A future that is not submitted is freed with
 * hayi_future_discard(); its deps are then not released. */
hay_future *hayi_future_new(hay_executor *ex,
                            const struct hayi_future_plan *plan);
void hayi_future_discard(hay_future *future);
/* One from bytes that came from another process: the specification, with room
 * for its deps, and what stands behind them; NULL as above. */
hay_future *hayi_future_restore(hay_executor *ex,
                                const struct hayi_spec *spec,
                                const void *text,
                                size_t text_size);
/* Bytes of what stands behind the deps: arguments, names. */
size_t hayi_spec_text_size(const struct hayi_spec *spec);

static inline hay_future **hayi_spec_deps_room(struct hayi_spec *spec)
{
    return (hay_future **)(void *)(spec + 1);
}

static inline void *hayi_spec_args_room(struct hayi_spec *spec)
{
    return hayi_spec_deps_room(spec) + spec->dep_count;
}

/* Has it ended?  As hay_future_done(), but ordered with the flags of sleepers.
 */
bool hayi_future_ended(hay_future *future);
/* "task 17 (fit)" or "map 3". */
void hayi_future_label(const hay_future *future, char *text, size_t size);

static inline hay_future *const *hayi_spec_deps(const struct hayi_spec *spec)
{
    return (hay_future *const *)(const void *)(spec + 1);
}

static inline const void *hayi_spec_args(const struct hayi_spec *spec)
{
    return hayi_spec_deps(spec) + spec->dep_count;
}

/* NULL: none. */
struct hayi_limits *hayi_spec_limits_room(struct hayi_spec *spec);
/* All 0 if it has none. */
const struct hayi_limits *hayi_spec_limits(const struct hayi_spec *spec);
/* NULL: none. */
struct hayi_spec_key *hayi_spec_key_room(struct hayi_spec *spec);
const struct hayi_spec_key *hayi_spec_key(const struct hayi_spec *spec);
const char *hayi_spec_name(const struct hayi_spec *spec);
const char *hayi_spec_category(const struct hayi_spec *spec);

/* Manager: the task has ended.  result: taken; malloc'ed, may be NULL; of a put
 * that finishes: the one that it came with, with its objects' handles.  Where
 * it has no reason, one is worded: from the exit code or the signal, or from
 * the input that failed ("task 3 (prep): exit status 1").  Publishes result and
 * state, drops the counts of its inputs, fires the watches, gives back the
 * manager's own count.  true: somebody may be asleep in a wait; call
 * hayi_executor_wake() after the batch. */
bool hayi_future_complete(hay_future *future,
                          hay_state state,
                          struct hayi_result *result);
/* Manager: the end of a future that nobody holds, which came as
 * HAYI_ITEM_RELEASE and is not needed any more: frees it. */
void hayi_future_free_record(hay_future *future);
/* Manager: READY or RUNNING. */
void hayi_future_set_state(hay_future *future, hay_state state);

/* Manager: items first .. first+count-1 of a map were worked on, for the first
 * time; failures: the failed ones among them, or as many as are known, words
 * copied; failed_total: how many of these items failed.  true as above. */
bool hayi_map_range_done(hay_future *map,
                         uint64_t first,
                         uint64_t count,
                         const hay_map_failure *failures,
                         size_t failure_count,
                         uint64_t failed_total);
/* Manager: a map's memory and options. */
struct hayi_map_view {
    const void *in; /* NULL: indices */
    void *out;
    size_t in_size, out_size;
    uint64_t first_index;
    uint64_t count;
    uint64_t range_max; /* 0: adapts */
    uint64_t unread_max;
    bool stop_on_failure;
};
void hayi_map_get_view(const hay_future *map, struct hayi_map_view *view);
/* Make it a map; false: out of memory. */
bool hayi_map_attach(hay_future *future, const struct hayi_map_view *view);
/* Before it is submitted. */
void hayi_map_set_view(hay_future *map, const struct hayi_map_view *view);

/* Whom the manager answers if not this process; peer 0: this one. */
struct hayi_nest_from {
    uint32_t peer;
    uint32_t client;
    uint64_t cookie;
};
struct hayi_cancel_item {
    struct hayi_item item;
    hay_future *future; /* counted until answered; not so with 'from' */
    bool force;
    bool nested; /* with all that it has submitted */
    struct hayi_nest_from from;
    /* The answer; see hayi_cancel_answered(). */
    hay_status status;
    atomic_uint done; /* 1: answered, whoever asked frees it; 2: nobody asks any
                         more, whoever answers frees it */
};
/* Manager: the answer is there; wake the executor afterwards. */
void hayi_cancel_answered(struct hayi_cancel_item *item, hay_status status);
/* Whoever asked: false: nobody has answered, the item is not the caller's any
 * more. */
bool hayi_cancel_take(struct hayi_cancel_item *item, hay_status *status);
/* The node of this process, where the client is. */
#define HAYI_NODE_CLIENT UINT32_MAX
enum hayi_want_state {
    HAYI_WANT_OPEN = 0,
    HAYI_WANT_ANSWERED,
    HAYI_WANT_GIVEN_UP, /* nobody waits for it any more */
};
/* Bring objects to a node. */
struct hayi_want_item {
    struct hayi_item item;
    hay_future *future;    /* finished; counted until answered */
    uint32_t node;         /* or HAYI_NODE_CLIENT */
    uint32_t object_first; /* of the future's objects, in the order of its */
    uint32_t object_count; /*     value: the ones wanted, at least one */
    bool move;             /* then drop them elsewhere */
    /* The manager's, until hayi_want_answered(). */
    uint32_t left;           /* objects that are not there yet */
    struct hayi_error error; /* status HAY_OK, or HAY_EFARM, HAY_EIO with words
                              */
    /* any thread */
    struct hayi_nest_from from;   /* 'state' is not used then */
    atomic_uint state;            /* enum hayi_want_state */
    struct hayi_want_item *older; /* the client's */
    uint64_t places[]; /* [object_count]: in the store of that node */
};
/* Manager: 'error' and 'places' are filled; the item is not the manager's any
 * more (the client frees it, or it is freed here if nobody waits).  Wakes. */
void hayi_want_answered(struct hayi_want_item *item);
struct hayi_map_read_item {
    struct hayi_item item; /* the manager frees it */
    hay_future *map;       /* counted */
    uint64_t count;        /* items read so far */
};
struct hayi_close_item {
    struct hayi_item item; /* the manager frees it */
    bool cancel_pending;
};

#endif
