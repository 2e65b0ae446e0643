/* sched.h - the scheduler: decides which task runs where, and when again.
 *
 * Owns: the table of unfinished tasks, their edges, the ready queues, the
 *     accounts of workers, what was learned of durations; where objects are,
 *     and how lost ones are made again.
 * Never: reads a clock, sends a message, opens a file, starts a thread.
 *     Time and events come in through hayi_sched_step(); what must be done
 *     next goes out as actions, in the order in which it must be done.
 * Threads: one caller at a time; no locks inside.
 *
 * The same seed and the same events give the same actions, byte for byte.
 */
#ifndef HAYI_CORE_SCHED_H
#define HAYI_CORE_SCHED_H

#include "base/error.h"
#include "core/variant.h"

#include <hayfork/hayfork.h>

/* Row index in the low 32 bits, generation in the high ones; 0 is none. */
typedef uint64_t hayi_handle;

/* An object: immutable bytes on one or more nodes.  0 is none. */
typedef uint64_t hayi_object;

/* Instead of a worker's index: the manager's own process, which can send and
 * receive where no worker shares its node. */
#define HAYI_MANAGER_SELF UINT32_MAX

/* What a task asks of a worker.  Equal needs share a class inside. */
struct hayi_needs {
    uint32_t cores; /* at least 1 */
    /* 0: cores, gpus and memory_bytes count; else the number of a REQUEST,
     * whose variants count instead of them. */
    uint32_t request : 23;
    uint32_t or_any : 1; /* once 'worker' is lost, any other one will do */
    uint32_t gpus : 8;   /* whole ones */
    uint64_t memory_bytes;
    uint32_t worker; /* 1 + index of the only worker allowed; 0: any */
    uint32_t node;   /* 1 + index of the node where its inputs are; 0: any.
                        The scheduler fills it in; 0 in events */
};

/* How an attempt ended, as its worker tells it. */
enum hayi_outcome {
    HAYI_OUTCOME_FINISHED = 0,
    HAYI_OUTCOME_FAILED = 1,    /* the task failed: retries count */
    HAYI_OUTCOME_FARM = 2,      /* the farm failed it: limit, lost worker */
    HAYI_OUTCOME_CANCELLED = 3, /* agreed to stop, or was forced */
};

enum hayi_event_kind {
    HAYI_EVENT_TASK = 1,    /* submit a task */
    HAYI_EVENT_MAP,         /* submit a map */
    HAYI_EVENT_MAP_READ,    /* an iterator has read up to ... */
    HAYI_EVENT_CANCEL,      /* the client asks for the end of a task */
    HAYI_EVENT_CLOSE,       /* no further submit; cancel what has not begun? */
    HAYI_EVENT_REQUEST,     /* which variants a task may ask for */
    HAYI_EVENT_POOL,        /* a resource is the farm's, not a worker's */
    HAYI_EVENT_JOINED,      /* a worker offers its cores */
    HAYI_EVENT_HEARD,       /* a message came from a worker */
    HAYI_EVENT_LOST,        /* a worker's death was noticed, joined or not */
    HAYI_EVENT_STARTED,     /* an attempt began to run */
    HAYI_EVENT_ENDED,       /* an attempt ended */
    HAYI_EVENT_RETURNED,    /* an attempt came back unstarted */
    HAYI_EVENT_RECALL_DONE, /* all of a recall has come back by now */
    HAYI_EVENT_TICK,        /* time has passed: judge who is silent; give it
                                        after the news that wait */
    HAYI_EVENT_INPUTS,      /* the answer to HAYI_ACTION_INPUTS */
    HAYI_EVENT_PUT,         /* the client has made an object */
    HAYI_EVENT_HOLD,        /* a further future holds an object */
    HAYI_EVENT_RELEASE,     /* a future that held an object is gone */
    HAYI_EVENT_WANT,        /* the client wants an object on a node */
    HAYI_EVENT_MOVED,       /* a fetch has ended */
    HAYI_EVENT_GONE,        /* a node dropped a replica to make room */
    HAYI_EVENT_MEMORY,      /* how full a node's store is */
    HAYI_EVENT_SUSPENDED,   /* a running attempt waits, without its cores */
    HAYI_EVENT_RESUMED,     /* ... and goes on, on cores of its own again */
    HAYI_EVENT_CLAIM,       /* a running attempt would run a child itself */
    HAYI_EVENT_UNWANTED,    /* nobody will hear of a child's end */
    HAYI_EVENT_DEADLINE,    /* when work ends, as far as it is known */
    HAYI_EVENT_DURATION,    /* how long tasks of a category took before */
    HAYI_EVENT_LEAVE,       /* a worker leaves in order, now or later */
};

/* An input that the task waits for.  'any': its end is enough. */
struct hayi_dep {
    hayi_handle task; /* unfinished, or 0 if it has ended before ... */
    bool any;
    bool objects;        /* its result is an argument; 'ended': and holds
                            objects */
    uint8_t ended;       /* ... then a hay_state: FINISHED, FAILED, CANCELLED */
    hay_task_id culprit; /* for FAILED: the first task that failed */
};

/* An object that a task has made, on its worker's node. */
struct hayi_made {
    uint64_t bytes;
    uint64_t place;     /* the node's word for it */
    bool soft;          /* a file: its bytes count where tasks are placed, but
                           it is never fetched nor dropped */
    hayi_object object; /* out; 0: the news was not current, it is nobody's */
};

struct hayi_event {
    enum hayi_event_kind kind;
    union {
        struct {
            hay_task_id id;
            uint64_t payload; /* the caller's word for it; never looked at */
            struct hayi_needs needs;
            int32_t priority;
            uint32_t retries;       /* at most 65,535 */
            uint8_t memory_retries; /* tries with twice the memory, each after
                                       an attempt of cause MEMORY_LIMIT */
            uint32_t pause_ms; /* before the second attempt, twice that before
                                  the next one, and so on; 0: none */
            bool saves; /* it saves its state when work ends: it may start
                           although it will not end in time */
            bool late;  /* it may start after the end of work */
            bool once;  /* it is not run again after a lost worker */
            bool apart; /* it runs in a process of its own: if others
                           that do not run on a worker that is lost, it
                           did not kill it */
            uint32_t category; /* small number; tasks of like duration */
            const struct hayi_dep *deps; /* borrowed during the step */
            size_t dep_count;
            hayi_handle parent; /* the task that submits it; 0: the client */
            uint16_t depth;     /* if 'parent' has ended by now: what the depth
                                   of this task is; else ignored */
            hayi_handle task;   /* out: the new task; 0 if it ended at once */
        } task;
        struct {
            hay_task_id id;
            uint64_t payload;
            int32_t priority;
            uint32_t category;
            uint64_t count;      /* items; 0 is fine: finishes at once */
            uint64_t range_max;  /* items in one hand-out; at least 1 */
            uint64_t unread_max; /* 0: no bound */
            bool stop_on_failure;
            uint32_t request;   /* of each range, as of hayi_needs; 0: a core */
            hayi_handle parent; /* as of a task */
            uint16_t depth;
            hayi_handle task; /* out */
        } map;
        struct {
            hayi_handle task;
            uint64_t count; /* items read so far */
        } map_read;
        struct {
            hayi_handle task; /* a stale one: answered HAY_EINVAL */
            bool force;
            bool nested; /* with all that it submitted and that has not ended,
                            and what that submitted, and so on */
            uint64_t cookie; /* comes back in the answer */
        } cancel;
        struct {
            bool cancel_pending;
        } close;
        struct {
            const struct hayi_variant *variants; /* borrowed; the first one that
                                                    fits is taken */
            size_t count;                        /* 1 .. HAYI_VARIANT_MAX */
            uint32_t request; /* out: its number from 1; equal ones share it */
        } request;
        struct {
            uint32_t resource; /* no worker that has joined names it */
            uint64_t units;    /* of the whole farm; may be told again */
        } pool;
        struct {
            uint32_t worker; /* index, 0 .. worker_max-1 */
            uint32_t node;   /* index, 0 .. node_max-1 */
            uint32_t cores;
            uint32_t gpus; /* at most HAYI_GPU_MAX */
            uint64_t memory_bytes;
            const struct hayi_amount *amounts; /* borrowed; what it has */
            size_t amount_count;
        } joined;
        struct {
            uint32_t worker;
        } heard, recall_done;
        struct {
            uint32_t worker;
        } lost;
        struct {
            uint32_t worker;
            hayi_handle task; /* of a map: the range's handle */
            uint32_t attempt;
            /* returned: these inputs are not on its node (any more) */
            const hayi_object *missing; /* borrowed */
            size_t missing_count;
        } started, returned;
        struct {
            uint32_t worker;
            hayi_handle task;
            uint32_t attempt;
            uint8_t outcome; /* enum hayi_outcome */
            uint8_t cause;   /* hay_cause; only MEMORY_LIMIT matters here, and
                                WALLTIME of a CANCELLED one: there is more to
                                do, what comes after it cannot run either */
            uint64_t run_ns; /* from its start to its end */
            uint64_t items;  /* of a range: done in order, failed included */
            uint64_t failed; /* of a range: failed ones among them */
            uint64_t report; /* the caller's word; comes back in actions */
            struct hayi_made *made; /* of a finished one; 'object' is filled */
            size_t made_count;
            bool objects; /* its result holds objects: those it made, or others
                             that are held for its future by HOLD */
            /* FINISHED: its result is that of another task, which it submitted;
             * as an input that must finish.  Borrowed; NULL: of its own. */
            const struct hayi_dep *follow;
            bool followed; /* out: it is told as the end of 'follow', now or
                              later; false: this news does not count */
        } ended;
        struct {
            hayi_handle task;        /* a stale one is ignored */
            const hayi_object *list; /* borrowed; one may be there twice */
            size_t count;
        } inputs;
        struct {
            uint32_t node;
            struct hayi_made made; /* held by its future from the start; if it
                                      is lost, its dependents fail */
        } put;
        struct {
            hayi_object object;
        } hold, release;
        struct {
            hayi_object object;
            uint32_t node;
            bool move;       /* then drop it on all other nodes */
            uint64_t cookie; /* comes back in HAYI_ACTION_WANTED */
        } want;
        struct {
            uint32_t transfer; /* of HAYI_ACTION_FETCH */
            uint64_t place;    /* if it is there now */
            uint64_t run_ns;   /* that its bytes were under way */
            hay_status status; /* OK; EIO: no room at the receiver (a full
                                  disk); others: the sender has not got it, or
                                  the connection broke */
            uint64_t report;   /* the caller's word, for a task that fails */
        } moved;
        struct {
            uint32_t node;
            hayi_object object;
        } gone;
        struct {
            uint32_t node;
            uint32_t used_permille; /* of the limit of its store */
        } memory;
        struct {
            uint32_t worker;
            hayi_handle task;
            uint32_t attempt;
            /* suspended: the task that it waits for, a child of its; or 0:
             * 'several' of them, or nothing that is a task */
            hayi_handle waits_for;
            bool several;
        } suspended, resumed;
        struct {
            uint32_t worker;
            hayi_handle task; /* it runs, and waits with its cores */
            uint32_t attempt;
            hayi_handle child; /* that it waits for; 0: any child of its */
            uint64_t cookie;   /* comes back in HAYI_ACTION_CLAIM_DENIED */
        } claim;
        struct {
            hayi_handle task; /* a stale one is ignored */
        } unwanted;
        struct {
            uint64_t end_ns;   /* nothing starts from then on, and nothing that
                                  is known to end later; UINT64_MAX: no end */
            uint64_t force_ns; /* not before that: what still runs is cancelled
                                  by force.  All that is cancelled for it has
                                  the cause WALLTIME; once end_ns has passed it
                                  cannot be told again */
        } deadline;
        struct {
            uint32_t category;
            uint64_t run_ns; /* of one that finished */
        } duration;
        struct {
            uint32_t worker;
            uint64_t end_ns; /* 0: it leaves, and gives back by itself what it
                                has not begun; else it will leave: what is known
                                to end later does not start there; UINT64_MAX:
                                not as far as is known */
        } leave;
    } u;
};

enum hayi_action_kind {
    HAYI_ACTION_HAND_OUT = 1,  /* send an attempt to a worker */
    HAYI_ACTION_RECALL,        /* ask a worker for unstarted ones */
    HAYI_ACTION_CANCEL,        /* tell a worker to cancel an attempt */
    HAYI_ACTION_STATE,         /* a task's state changed (not to its end) */
    HAYI_ACTION_ATTEMPT_ENDED, /* an attempt ended and will be tried again */
    HAYI_ACTION_RANGE_ENDED,   /* a range of a map is done (the map goes on) */
    HAYI_ACTION_TELL,          /* a task has ended for good */
    HAYI_ACTION_ANSWER,        /* the answer to a cancel */
    HAYI_ACTION_WORKER_LOST,   /* a worker counts as lost from now on */
    HAYI_ACTION_ALL_ENDED,     /* closed, and no unfinished task is left */
    HAYI_ACTION_INPUTS,        /* say by an event which objects a task needs */
    HAYI_ACTION_FETCH,         /* bring an object from node to node */
    HAYI_ACTION_DROP,          /* free an object on a node */
    HAYI_ACTION_WANTED,        /* the answer to a WANT */
    HAYI_ACTION_FORGET,        /* a finished task will not be run again */
    HAYI_ACTION_CLAIM_DENIED,  /* the other answer to a CLAIM than HAND_OUT */
    HAYI_ACTION_LET_GO,        /* a worker that leaves may end */
};

struct hayi_action {
    enum hayi_action_kind kind;
    union {
        struct {
            uint32_t worker;
            hayi_handle task; /* of a range: its own */
            uint64_t payload; /* of a range: the map's */
            uint32_t attempt;
            int32_t priority;
            uint16_t depth; /* of tasks in tasks: deeper ones of a priority go
                               first */
            hayi_handle inline_of;   /* not 0: this task there has claimed it,
                                        and runs it on its own cores; or it is
                                        returned */
            struct hayi_needs needs; /* cores and memory are those of the
                                        variant that was chosen */
            uint32_t variant;        /* of needs.request; from 0 */
            uint64_t gpu_mask;       /* the gpus that it gets, or shares */
            bool prompt; /* others wait for its end: report it at once */
            bool range;
            uint64_t first; /* of a range */
            uint64_t count;
        } hand_out;
        struct {
            uint32_t worker;
            uint32_t count;       /* at most so many, the last ones first */
            int32_t below;        /* only those of lower priority than this;
                                     INT32_MAX: all */
            uint16_t below_depth; /* and those of just this priority that are
                                     less deep */
        } recall;
        struct {
            uint32_t worker;
            hayi_handle task;
            uint32_t attempt;
            bool force;
            bool unstarted_only; /* if it runs already, leave it alone */
        } cancel;
        struct {
            uint64_t payload;
            uint8_t state; /* hay_state: RUNNING; READY of a task that was
                              submitted with inputs, or failed and will be
                              tried again (others are ready from the start) */
            uint32_t worker;
        } state;
        struct {
            uint64_t payload;
            uint32_t attempt;
            uint32_t worker;
            uint8_t outcome;
            bool grown; /* the next ones may use twice the memory */
            uint64_t report;
            uint64_t since_ns; /* it was heard to run, or was handed out */
        } attempt_ended;
        struct {
            uint64_t payload;
            uint64_t first;
            uint64_t count;     /* that ended: in order, failed ones included */
            uint64_t failed;    /* of them */
            uint64_t unreached; /* the last ones of 'count', failed as well:
                                   no worker got to them, no report has words
                                   for them (FAILED, FARM) */
            uint32_t worker;
            uint8_t outcome;
            uint8_t losses; /* workers lost with it; 0: another cause */
            uint64_t report;
        } range_ended;
        struct {
            uint64_t payload;
            uint8_t state;     /* FINISHED, FAILED, CANCELLED */
            hay_status status; /* HAY_OK, ETASK, EFARM, EDEPENDENCY,
                                  ECANCELLED, EINFEASIBLE */
            hay_task_id culprit;
            uint32_t attempt; /* of the last attempt; 0: never started */
            uint32_t worker;
            uint64_t report;   /* of the last ENDED or MOVED; 0: none */
            hayi_object lost;  /* EFARM: this input is on no node any more and
                                  cannot be made again; 0: another cause */
            uint32_t lost_by;  /* 1 + the worker that was lost with its last
                                  copy; 0: it went otherwise */
            uint32_t losses;   /* EFARM: workers lost while it may have run on
                                  them, 'worker' is the last one */
            uint8_t cause;     /* enum hay_cause: LOST_WORKER, DEADLOCK,
                                  DEPENDENCY, INFEASIBLE, WALLTIME; 0: as
                                  reported */
            bool followed;     /* its result is that of the task it followed */
            uint64_t since_ns; /* lost with its worker: as in attempt_ended */
        } tell;
        struct {
            uint64_t cookie;
            hay_status status; /* OK, EPENDING, ERUNNING, EINVAL */
        } answer;
        struct {
            uint32_t worker;
            bool silent;       /* judged by its silence */
            uint32_t attempts; /* that it held: of tasks, and ranges of maps */
            uint32_t again;    /* of them: run again; the others end */
        } worker_lost;
        struct {
            uint64_t payload;
            hayi_handle task; /* for the event */
        } inputs;
        struct {
            uint32_t transfer; /* number, not used twice within 2^20 */
            hayi_object object;
            uint64_t bytes;
            uint64_t place;    /* at the sender */
            uint32_t from, to; /* workers, or HAYI_MANAGER_SELF */
            bool keep;         /* it is not to be dropped there to make room */
        } fetch;
        struct {
            uint32_t node;
            uint32_t worker; /* one that lives there, or HAYI_MANAGER_SELF */
            uint64_t place;
        } drop;
        struct {
            uint64_t cookie;
            hay_status status; /* OK; EFARM: it is lost, or cannot get there;
                                  EIO: no room there */
            uint64_t report;   /* of the MOVED that failed; or 0 */
        } wanted;
        struct {
            uint64_t payload;
        } forget;
        struct {
            uint32_t worker;
            hayi_handle task; /* that claimed */
            uint32_t attempt;
            uint64_t cookie;
        } claim_denied;
        struct {
            uint32_t worker; /* it counts as gone from now on; not as lost */
        } let_go;
    } u;
};

struct hayi_actions {
    struct hayi_action *list;
    size_t count;
    size_t room;
};
void hayi_actions_init(struct hayi_actions *actions);
void hayi_actions_fini(struct hayi_actions *actions);
/* One line of text for an action, for tests and logs. */
void hayi_action_print(const struct hayi_action *action,
                       char *text,
                       size_t size);

struct hayi_sched_config {
    uint32_t worker_max;       /* indices of workers stay below; at least 1 */
    uint32_t node_max;         /* indices of nodes stay below; 0: 1 */
    uint32_t manager_node;     /* where the manager's process is */
    uint64_t lineage_max;      /* finished tasks remembered to make their
                                  objects again, the last ones; 0: 200,000 */
    uint32_t workers_expected; /* what no worker can meet is failed once so many
                                  have joined; 0: 1 */
    uint64_t seed;             /* ties */
    uint64_t silence_ns; /* a worker not heard for so long is lost; 0: never */
    uint64_t ahead_ns;   /* work to hold ahead at a worker; 0: 2 ms */
    uint32_t ahead_max;  /* unstarted tasks a core ahead; 0: 256 */
    uint64_t range_ns;   /* aimed length of a range; 0: 1 ms */
    uint64_t reserve_ns; /* a task that others pass for so long gets a worker
                            kept free for it; 0: 5 s */
    uint64_t infeasible_ns; /* what no worker can meet any more after a loss
                               waits so long for one that can; 0: 60 s */
    /* The name of a resource, for words; NULL: its number is told. */
    const char *(*resource_name)(void *context, uint32_t resource);
    void *resource_context;
    uint32_t straggler_permille; /* an attempt may get a second one on an idle
                                    worker after so many thousandths of its
                                    usual time; 0: never */
};

struct hayi_sched;

/* NULL when memory is short. */
struct hayi_sched *hayi_sched_new(const struct hayi_sched_config *config);
void hayi_sched_free(struct hayi_sched *sched);

/* Tasks in tasks.  A task may submit others, its children, while it runs.  They
 * live on their own: they may outlive it, and what an attempt submitted that is
 * tried again stays, and is submitted anew by the next attempt (UNWANTED tells
 * that nobody waits for the old ones any more).
 *
 * A running attempt that waits for children is SUSPENDED: its cores are booked
 * no more, all else stays.  It is RESUMED when its worker has cores for it
 * again; before all that has not begun there.  Of attempts that run one within
 * another (see below) the innermost one is suspended and resumed.
 *
 * A worker that keeps too many suspended ones has another way: a CLAIM for a
 * child that has not begun.  The answer, at once or when the child has come
 * back from where it was held, is a HAND_OUT with 'inline_of', which books no
 * cores (of several that could be meant it is the child that is waited for, or
 * one that may stand before it), or CLAIM_DENIED: all run, have ended, or need
 * what the parent has not got.  Then the parent must be suspended after all:
 * nobody ever waits for a task on cores that the task may need.
 *
 * A worker that LEAVES runs what it has begun to its end and gets nothing more.
 * What is on its node alone is brought to nodes that stay (what cannot be
 * brought there is made again, if that can be done, when it is needed).  Then
 * it is LET_GO.  If it is lost before, its attempts run again, and none of them
 * is suspected.
 *
 * When suspended attempts hold what all tasks that they wait for need (memory,
 * gpus), these tasks fail, HAY_CAUSE_DEADLOCK. */

/* Take one event; append what must be done to 'actions' (the caller empties
 * it).  now_ns: never goes back.  event: only its "out" fields are written.
 * HAY_ENOMEM: the event was not taken.  There may be actions of earlier events
 * all the same: do them, look again whether the inputs of a task, or what an
 * attempt follows, have ended, and give the event once more.  HAY_ECLOSED: a
 * submit after CLOSE. News of attempts that are not current is counted and
 * dropped. Hand-outs are decided in hayi_sched_dispatch(). */
hay_status hayi_sched_step(struct hayi_sched *sched,
                           uint64_t now_ns,
                           struct hayi_event *event,
                           struct hayi_actions *actions);

/* Hand out what can be handed out; recall what lies better elsewhere.  Call
 * once after a batch of events.  HAY_ENOMEM: call again later. */
hay_status hayi_sched_dispatch(struct hayi_sched *sched,
                               uint64_t now_ns,
                               struct hayi_actions *actions);

/* When to send a TICK at the latest; UINT64_MAX: no need. */
uint64_t hayi_sched_deadline_ns(const struct hayi_sched *sched);

struct hayi_sched_stats {
    uint64_t pending, ready, handed_out, running; /* tasks, maps and ranges */
    uint64_t suspended;                           /* of those that run */
    uint64_t unfinished; /* tasks and maps that have not ended */
    uint64_t stale;      /* news that was dropped */
    uint64_t objects;    /* that are held, or on their way out */
    uint64_t kept;       /* finished tasks remembered for their objects */
    uint64_t fetches;    /* under way */
    uint64_t shelved;    /* of those that are ready: not enough time is left */
    bool over;           /* no time is left for anything */
    uint32_t workers;    /* joined, not lost, and not about to leave */
    uint32_t cores;      /* of them */
    size_t memory_bytes; /* that the scheduler holds */
};
void hayi_sched_get_stats(const struct hayi_sched *sched,
                          struct hayi_sched_stats *stats);

/* Would the first wait for itself, if it were to have the result of the other
 * one, which may wait for it by inputs, by following, or suspended?  Such an
 * event of its end is not allowed. */
bool hayi_sched_circular(const struct hayi_sched *sched,
                         hayi_handle task,
                         hayi_handle follow);

/* A variant of a request that was made by an event; NULL: there is none. */
const struct hayi_variant *hayi_sched_variant(const struct hayi_sched *sched,
                                              uint32_t request,
                                              uint32_t variant);

/* Attempts that the worker has still although others were faster. */
uint32_t hayi_sched_beaten(const struct hayi_sched *sched, uint32_t worker);

/* The node's word for an object that is there; 0: it is not. */
uint64_t hayi_sched_place(const struct hayi_sched *sched,
                          hayi_object object,
                          uint32_t node);

/* Of places[count] on a node, none of them twice, those at which no object is
 * known to be: put to the front, sorted; how many.  Looks at all objects.  0 as
 * well if memory is short. */
size_t hayi_sched_unknown(const struct hayi_sched *sched,
                          uint32_t node,
                          uint64_t *places,
                          size_t count);

/* The story of an unfinished task: its state, since when, and the one reason
 * that holds it.  Writes at most size bytes, ends with 0. */
void hayi_sched_story(const struct hayi_sched *sched,
                      hayi_handle task,
                      uint64_t now_ns,
                      char *text,
                      size_t size);

enum hayi_awaited_how {
    HAYI_AWAITED_RUNS,  /* an attempt or a range of it */
    HAYI_AWAITED_WAITS, /* ... for tasks in tasks */
    HAYI_AWAITED_HELD,  /* by a worker that has not begun it, as far as known */
    HAYI_AWAITED_STORY, /* see hayi_sched_story() */
};

/* A task or map that the end of all waits for. */
struct hayi_awaited {
    hayi_handle task;
    uint64_t payload;
    hay_task_id id;
    enum hayi_awaited_how how;
    uint32_t worker; /* that has it; not for a story */
    uint64_t since_ns;
};
/* Of those that have not ended the one that has run longest; of those that do
 * not run, where none does, the one that is longest where it is.  Looks at what
 * the workers hold, and if that is nothing at no more than 65,536 others.
 * false: there is none. */
bool hayi_sched_awaited(const struct hayi_sched *sched,
                        struct hayi_awaited *awaited);

/* Walks over everything and asserts what must hold; slow, for tests. */
void hayi_sched_check(const struct hayi_sched *sched);

#endif
