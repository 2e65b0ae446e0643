/* manager_inside.h - the struct of manager.h, for the files that make it up:
 * manager.c (life, the round), manager_inbox.c (what the client wants),
 * manager_records.c (what workers say), manager_actions.c (what the core says),
 * manager_end.c (stopping, losses), manager_data.c (objects),
 * manager_awaits.c (words while the end waits),
 * manager_waits.c (attempts that wait), manager_wants.c (objects for the
 * client), manager_nested*.c (clients in workers).
 *
 * Owns: see manager.h.
 * Never: included elsewhere.
 * Threads: the loop's own, but for the inbox.
 */
#ifndef HAYI_MANAGER_MANAGER_INSIDE_H
#define HAYI_MANAGER_MANAGER_INSIDE_H

#include "base/buffer.h"
#include "base/idmap.h"
#include "data/mover.h"
#include "data/store.h"
#include "journal/journal.h"
#include "manager/manager.h"
#include "observe/run_folder.h"
#include "transport/link.h"
#include "wire/command.h"
#include "wire/record.h"

enum {
    HAYI_MANAGER_HEARTBEAT_NS = 1000000000,
    HAYI_MANAGER_HEARD_NS = 200000000, /* the core hears of frames so often */
    HAYI_MANAGER_PING_NS = 2000000000,
    HAYI_MANAGER_FENCE_NS = 100000000,   /* between two fences of a worker */
    HAYI_MANAGER_INBOX_BATCH = 1024,     /* items a round, then hand-outs */
    HAYI_MANAGER_LEAVE_NS = 2000000000,  /* from "at once" to giving up */
    HAYI_MANAGER_BEATEN_NS = 2000000000, /* for attempts that were beaten, at
                                            the end */
    HAYI_MANAGER_SLOTS_MAX = 65536,      /* of a worker, whose paths are kept */
    HAYI_MANAGER_WORDS = 64,             /* why moves failed, the last ones */
    HAYI_MANAGER_WORDS_REPORT = 16, /* the report that is the first of them;
                                       1 is what has just come */
    HAYI_MANAGER_NESTED = 4, /* in 'remembered' of a future: a client in a
                                worker holds it (manager_nested.h) */
};

/* Paths of a slot's append files, of their newest generation. */
struct hayi_slot_paths {
    uint32_t file;
    const char *path[2];
};

struct hayi_peer {
    struct hayi_link link;
    struct hayi_worker_name name;
    /* once it has joined */
    bool joined;
    uint32_t node;
    uint32_t member; /* its number in the store of the node */
    uint32_t cores, gpus;
    uint64_t memory_bytes;

    bool bye;           /* has left in order */
    bool leaving;       /* it is about to, ... */
    uint64_t let_go_ns; /* ... and was told since that it may */
    bool gone;          /* dead, or given up */
    bool dead;          /* for sure: the transport has told */
    char how[160];      /* it was lost */
    uint64_t fence_ns;  /* when it was told last that it was given up */
    uint64_t heard_event_ns;
    uint64_t ping_ns;
    /* worker's clock minus ours lies between these */
    int64_t offset_low, offset_high;
    int64_t offset_ns;
    struct hayi_nest_client *nest_clients; /* the newest first */
    bool clients_lost; /* they are gone, and end when no step is under way */
    struct hayi_slot_paths *paths; /* [path_count], by slot */
    size_t path_count;
};

/* What a report says, decoded; lives during one step. */
struct hayi_report {
    uint64_t start_ns, end_ns; /* since the farm's start */
    int32_t exit_code;
    int32_t signal;
    uint8_t cause; /* hay_cause */
    uint64_t memory_peak_bytes;
    uint32_t slot;
    uint32_t cores;
    const char *reason; /* "" if none */
    const char *had;    /* for tasks.tsv; "" or NULL: nothing */
    const void *value;
    size_t value_size;
    uint32_t object_count;                     /* in the value */
    bool has_made;                             /* some of them are new */
    const struct hayi_capture_record *capture; /* or NULL */
    const struct hayi_kept *kept; /* the value in the run folder; or NULL */
    /* of a range */
    const struct hayi_range_failure *failures;
    uint32_t failure_count;
    const char *failure_text;
    size_t failure_text_size;
    const void *out;
    size_t out_bytes;
};

/* A hand-out that could not be written: it fails in the next step. */
struct hayi_refused {
    uint32_t worker;
    hayi_handle task;
    uint32_t attempt;
    uint8_t outcome; /* enum hayi_outcome */
    char text[160];
};

/* Ends that are not durable yet, in the order of their numbers. */
struct hayi_held_end {
    hay_future *future;
    uint64_t number; /* in the journal */
};
struct hayi_held_ends {
    struct hayi_held_end *list; /* a ring of 'room', a power of two */
    size_t first, count, room;
};

struct hayi_manager {
    struct hayi_manager_config config;
    hay_executor *ex;
    struct hayi_sched *sched;
    struct hayi_actions actions;
    uint32_t stepping;                  /* steps within steps */
    bool clients_lost;                  /* of some peer: see below */
    struct hayi_peer *peers;            /* [the transport's], 0 unused */
    uint32_t peer_count;                /* that are there, or were */
    struct hayi_buffer env;             /* of commands, as WELCOME has it */
    struct hayi_run_folder *run_folder; /* or NULL */
    char *run_folder_path;
    struct hayi_journal *journal; /* or NULL */
    struct hayi_held_ends held;
    uint32_t run_epoch;  /* of the starts on the folder, from 1; 0: none */
    uint64_t first_ns;   /* start_ns, since the folder's first run began */
    uint64_t kept_bytes; /* of results in the folder */
    uint64_t kept_max;
    bool recorded; /* something was appended since 'commit_ns' */
    uint64_t commit_ns;
    uint64_t stall_ns;   /* when to tell that the disk does not answer */
    bool journal_failed; /* and was told */
    hay_output output;
    uint64_t silence_ns;
    uint64_t start_ns;
    uint64_t now_ns;
    bool wake;     /* somebody may sleep on what ended in this round */
    bool slack;    /* the workers have cores that nothing runs on */
    bool dispatch; /* something changed since the last dispatch */

    /* the walltime, see manager_walltime.c */
    uint64_t deadline_ns; /* Unix time; 0: not known */
    char *deadline_file;  /* or NULL */
    uint64_t look_deadline_ns;

    bool stopping;      /* STOP was sent */
    uint64_t beaten_ns; /* all has ended: so long beaten attempts may last; 0 */
    bool quiet;         /* no words while the end waits */
    uint64_t await_ns;  /* when to say the next; 0: nobody waits yet */
    uint64_t await_pause_ns; /* before that one */
    bool broken;
    bool deaths;           /* a worker of the start was lost, the run goes on
                              or not */
    uint32_t never_joined; /* of these */
    uint64_t give_up_ns;   /* after a break: when not to wait any more */
    bool ended;

    struct hayi_refused *refused;
    size_t refused_count, refused_room;
    struct hayi_mover *mover; /* or NULL: one node */
    struct hayi_want *wants;  /* that are not answered yet */
    hay_future *kept;         /* released futures that are still needed */
    uint64_t look_ns;         /* when to look at the store again */
    uint32_t used_permille;   /* of it, as the core was told */
    uint32_t words_next;
    char words[HAYI_MANAGER_WORDS][240];
    struct hayi_buffer value; /* a report's value, with its new objects */
    struct hayi_made *made;
    size_t made_count, made_room;
    bool told;                /* the report of this step was current */
    struct hayi_idmap nested; /* struct hayi_nested by the future's number */
    struct hayi_idmap nest_clients; /* by peer and number */
    struct hayi_idmap
        following; /* struct hayi_following by the task's handle */

    struct hayi_buffer args; /* room for filled arguments */
    const void **dep_values;
    size_t *dep_sizes;
    size_t dep_room;
    struct hayi_dep *deps;
    size_t deps_room;
    uint32_t *requests; /* the core's numbers of the client's; 0: not told */
    size_t requests_room;
    uint64_t counted[6]; /* ended tasks by hay_state */
    uint64_t submitted;
    uint32_t joined_count;
    uint32_t last_function; /* that came in without a category, */
    uint32_t last_category; /* and the core's number for it; */
    bool last_known;        /* if there was one */

    /* any thread */
    struct hayi_mpsc inbox;
};

/* The core's payload is the future. */
static inline hay_future *hayi_manager_future(uint64_t payload)
{
    return (hay_future *)(uintptr_t)payload;
}

/* manager.c: step the core and do what it says; the report, if any. */
void hayi_manager_step(struct hayi_manager *manager,
                       struct hayi_event *event,
                       const struct hayi_report *report);
/* Out of memory and the like: the run cannot go on. */
void hayi_manager_panic(struct hayi_manager *manager, const char *what);

/* manager_inbox.c */
bool hayi_manager_take_inbox(struct hayi_manager *manager);
/* All that was posted before this call. */
void hayi_manager_drain_inbox(struct hayi_manager *manager);
/* An input as the core sees it.  argument: its result is one. */
struct hayi_dep
hayi_manager_dep(const hay_future *input, bool any, bool argument);
void hayi_manager_take_item(struct hayi_manager *manager,
                            struct hayi_item *item);

/* manager_records.c */
hay_status hayi_manager_welcome(struct hayi_manager *manager,
                                struct hayi_peer *peer,
                                const hay_options *options,
                                struct hayi_error *err);
/* Before the first welcome.  HAY_ENOMEM. */
hay_status hayi_manager_make_environment(struct hayi_manager *manager,
                                         char *const *environment);
void hayi_manager_on_frame(void *context,
                           uint32_t peer,
                           const void *data,
                           size_t size);
void hayi_manager_ping(struct hayi_manager *manager);

/* manager_guests.c */
uint32_t hayi_manager_first_guest(const struct hayi_manager *manager);
void hayi_manager_on_up(void *context,
                        uint32_t number,
                        const struct hayi_guest *who);
void hayi_manager_on_leave(struct hayi_manager *manager,
                           struct hayi_peer *peer,
                           const struct hayi_leave_record *record);
/* The core says that a worker that leaves may end. */
void hayi_manager_let_go(struct hayi_manager *manager, uint32_t worker);

/* manager_resources.c */
/* Limits of the farm; before anything else.  HAY_ENOMEM, HAY_EINVAL. */
hay_status hayi_manager_tell_limits(struct hayi_manager *manager,
                                    struct hayi_error *err);
/* What the core calls these needs' request.  false: no memory for it. */
bool hayi_manager_request(struct hayi_manager *manager,
                          struct hayi_needs *needs);
/* What a worker that joins has, by the text of its JOIN: amounts[count], room
 * for HAYI_RESOURCE_MAX. */
hay_status hayi_manager_amounts(struct hayi_manager *manager,
                                const char *text,
                                struct hayi_amount *amounts,
                                size_t *count,
                                struct hayi_error *err);

/* manager_journal.c */
/* The run folder with its journal, if there is to be one; what was recorded
 * goes to ex->resume. */
hay_status hayi_manager_open_folder(struct hayi_manager *manager,
                                    const hay_options *options,
                                    struct hayi_error *err);
/* At the end: waits until all is durable. */
void hayi_manager_close_journal(struct hayi_manager *manager);
/* It was submitted. */
void hayi_manager_record_task(struct hayi_manager *manager,
                              const hay_future *future);
void hayi_manager_record_file(struct hayi_manager *manager,
                              const struct hayi_file_line *line);
/* There is a run folder.  finished: what the task gave; NULL: it has not
 * finished; kept: where it is in the run folder, or NULL.  Its number in the
 * journal; 0: there is none. */
uint64_t hayi_manager_record_attempt(struct hayi_manager *manager,
                                     const hay_future *future,
                                     const struct hayi_attempt_line *line,
                                     const struct hayi_result *finished,
                                     const struct hayi_kept *kept);
/* Is its result to be written into the run folder if it is large? */
bool hayi_manager_keeps(const struct hayi_manager *manager,
                        const struct hayi_spec *spec);
/* hayi_future_complete(), once 'number' is durable. */
void hayi_manager_end(struct hayi_manager *manager,
                      hay_future *future,
                      hay_state state,
                      struct hayi_result *result,
                      uint64_t number);
/* A future's, also if the client does not know it yet. */
hay_state hayi_manager_state(const hay_future *future);
/* What was appended is written; before sleeping. */
void hayi_manager_commit(struct hayi_manager *manager);
/* Tells what has become durable; what to do when nothing will be any more.
 * true: something was told. */
bool hayi_manager_poll_journal(struct hayi_manager *manager);

/* manager_actions.c */
void hayi_manager_perform(struct hayi_manager *manager,
                          const struct hayi_action *action,
                          const struct hayi_report *report);

/* A record that is a head alone. */
void hayi_manager_say(struct hayi_manager *manager,
                      uint32_t worker,
                      uint16_t type,
                      const void *head,
                      size_t size);

/* manager_outcome.c: a task's end for the client and the run folder. */
void hayi_manager_tell(struct hayi_manager *manager,
                       const struct hayi_action *action,
                       const struct hayi_report *report);
void hayi_manager_attempt_ended(struct hayi_manager *manager,
                                const struct hayi_action *action,
                                const struct hayi_report *report);
void hayi_manager_range_ended(struct hayi_manager *manager,
                              const struct hayi_action *action,
                              const struct hayi_report *report);

/* manager_data.c */
/* The value of a future is not wanted any more; maybe frees it. */
void hayi_manager_released(struct hayi_manager *manager, hay_future *future);
/* A finished task may run again: the records of its inputs stay.  First this,
 * before its end is told; ... */
void hayi_manager_list_inputs(hay_future *future);
/* ... then this. */
void hayi_manager_remember(hay_future *future);
void hayi_manager_forget(struct hayi_manager *manager, hay_future *future);
/* At the end: those that were released and kept for others. */
void hayi_manager_free_kept(struct hayi_manager *manager);
/* The arguments with the results of the inputs in their places, into
 * manager->args.  place: where an object is, see args.h. */
hay_status hayi_manager_fill(struct hayi_manager *manager,
                             const hay_future *future,
                             uint64_t (*place)(void *context, uint64_t object),
                             void *context,
                             struct hayi_error *err);
void hayi_manager_inputs(struct hayi_manager *manager,
                         const struct hayi_action *action);
void hayi_manager_fetch(struct hayi_manager *manager,
                        const struct hayi_action *action);
void hayi_manager_drop(struct hayi_manager *manager,
                       const struct hayi_action *action);
/* Places of a dead worker's objects on a node (malloc'ed, taken): those that
 * nobody has heard of are dropped, by 'worker', or HAYI_MANAGER_SELF. */
void hayi_manager_left(struct hayi_manager *manager,
                       uint32_t node,
                       uint32_t worker,
                       uint64_t *places,
                       size_t count);
void hayi_manager_moved(struct hayi_manager *manager,
                        const struct hayi_moved_record *record,
                        const char *words);
/* An attempt has ended whose value has objects; err: its value is damaged. */
hay_status hayi_manager_made(struct hayi_manager *manager,
                             const struct hayi_peer *peer,
                             struct hayi_event *event,
                             struct hayi_report *report,
                             struct hayi_error *err);
/* The new objects that the core has just named are written into the value of
 * the report. */
void hayi_manager_name_made(struct hayi_manager *manager);
bool hayi_manager_poll_data(struct hayi_manager *manager);

/* manager_awaits.c */
/* What the end waits for: "task 17 (spin), which has run on worker 2 (host) for
 * 5 s".
 */
void hayi_manager_word_await(const struct hayi_manager *manager,
                             char *text,
                             size_t size);
/* Says that on standard error when it is time to. */
void hayi_manager_await(struct hayi_manager *manager);

/* manager_waits.c */
void hayi_manager_claim_denied(struct hayi_manager *manager,
                               const struct hayi_action *action);
/* A record SUSPENDED, RESUMED or CLAIM of a worker (index of the core's). */
void hayi_manager_on_wait(struct hayi_manager *manager,
                          uint32_t worker,
                          uint16_t type,
                          const void *body);

/* manager_walltime.c */
/* After the welcomes. */
void hayi_manager_walltime_open(struct hayi_manager *manager,
                                const hay_options *options);
void hayi_manager_walltime_poll(struct hayi_manager *manager);
/* The kind of a task, by which its duration is known: its category, else its
 * program or its function; not followed by a 0.  Returns its length. */
size_t hayi_manager_kind(const struct hayi_spec *spec, const char **kind);
/* The core's number for it; two kinds may share one. */
uint32_t hayi_manager_category(const char *kind, size_t size);
/* The same with its 0, cut: what the journal has as its category. */
enum { HAYI_MANAGER_KIND_MAX = 256 };
void hayi_manager_kind_text(const struct hayi_spec *spec,
                            char text[HAYI_MANAGER_KIND_MAX]);
/* How long the tasks took that have finished in former runs. */
void hayi_manager_learn_recorded(struct hayi_manager *manager,
                                 const struct hayi_journal_table *table);

/* manager_wants.c */
void hayi_manager_wanted(struct hayi_manager *manager,
                         const struct hayi_action *action);
/* node: where its objects are. */
void hayi_manager_put(struct hayi_manager *manager,
                      hay_future *future,
                      uint32_t node);
/* item: taken until it is answered. */
void hayi_manager_want(struct hayi_manager *manager,
                       struct hayi_want_item *item);
void hayi_manager_refuse_wants(struct hayi_manager *manager);
/* The words that a report stands for; NULL: none. */
const char *hayi_manager_words(const struct hayi_manager *manager,
                               uint64_t report);

/* manager_files.c */
/* What a finished command said of its files goes to the record and to its
 * result. */
void hayi_manager_note_files(struct hayi_manager *manager,
                             const hay_future *future,
                             const struct hayi_report *report,
                             struct hayi_result *result);
void hayi_manager_release_files(struct hayi_manager *manager,
                                const struct hayi_result *result);

/* manager_end.c */
void hayi_manager_on_down(void *context, uint32_t peer, const char *how);
void hayi_manager_break(struct hayi_manager *manager,
                        const struct hayi_error *err);
/* The core says so; maybe before anybody else (silence). */
void hayi_manager_worker_lost(struct hayi_manager *manager,
                              const struct hayi_action *action);
/* A frame of a worker that was given up has come. */
void hayi_manager_fence(struct hayi_manager *manager, uint32_t peer);
void hayi_manager_stop_workers(struct hayi_manager *manager, bool at_once);
/* What the client sees of the workers is less one: it is lost, or leaves. */
void hayi_manager_strike_off(struct hayi_manager *manager,
                             const struct hayi_peer *peer);
/* All has ended: stop the workers, as soon as none works in vain. */
void hayi_manager_finish(struct hayi_manager *manager);
void hayi_manager_check_end(struct hayi_manager *manager);

#endif
