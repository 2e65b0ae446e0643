/* worker_inside.h - the struct of worker.h, for the files that make it up:
 * worker.c (records and the round), worker_welcome.c (what this
 * worker is to be), worker_start.c (starting, cancelling),
 * worker_wait.c (attempts that wait), worker_leave.c (leaving), worker_nested.c
 * (what they submit), worker_report.c (what is told to the manager),
 * worker_resources.c (gpus, memory and amounts of the node), worker_data.c (the
 * node's store, objects that come and go).
 *
 * Owns: see worker.h.
 * Never: included elsewhere.
 * Threads: the loop's own, but for what slots and tasks are told to use.
 */
#ifndef HAYI_WORKER_WORKER_INSIDE_H
#define HAYI_WORKER_WORKER_INSIDE_H

#include "data/chunk_file.h"
#include "data/keeper.h"
#include "data/mover.h"
#include "data/store.h"
#include "transport/link.h"
#include "wire/nest.h"
#include "worker/fakes.h"
#include "worker/hand.h"
#include "worker/node_gpus.h"
#include "worker/slot_process.h"
#include "worker/worker.h"
#include "worker/worker_state.h"

enum {
    HAYI_HEARTBEAT_NS = 1000000000,  /* a frame at least so often */
    HAYI_STARTED_AFTER_NS = 5000000, /* a start is told when it runs so long */
    HAYI_BACKLOG_LOOK_NS = 2000000,  /* while slots have a backlog */
    HAYI_GRACE_NS = 2000000000,      /* from SIGTERM to SIGKILL */
    HAYI_LOG_MAX = 1000,             /* lines that wait to be sent */
};

/* See worker_data.c. */
struct hayi_worker_data {
    struct hayi_files *files;   /* open arrays; NULL: no store */
    struct hayi_keeper *keeper; /* or NULL */
    struct hayi_mover *mover;   /* NULL: there is no other node */
    uint32_t *before;           /* [before_count]: live ones of the config */
    size_t before_count;
    uint32_t told_permille; /* of the store's use, last time */
    uint64_t drops;         /* of replicas, when they were told last */
    uint64_t look_ns;       /* when to look at it again, at the latest */
};

struct hayi_log_line {
    struct hayi_mpsc_node node;
    char text[];
};

struct hayi_worker {
    struct hayi_worker_config config;
    char *host;
    struct hayi_cpumask *masks; /* [config.mask_count] */
    uint64_t *gpu_ids;          /* [config.mask_count]; or NULL */
    char *own_resources;        /* or NULL */
    struct hayi_link link;
    struct hayi_task_farm farm;
    struct hayi_task_spares spares;

    /* from WELCOME on */
    bool welcome;
    struct hayi_welcome options;
    char *run_folder; /* or NULL */
    char *cwd;
    char *env_bytes;
    const char **env;
    struct hayi_wstate *state;
    int *cores; /* first operating system cpu of each */
    size_t core_count;
    int *cpus;      /* all of them, core after core */
    size_t *cpu_at; /* [core_count + 1]: where a core's begin in cpus */
    struct hayi_node_gpus gpus; /* ours: bit i of a gpu_mask is list[i] */
    char *resources;       /* named amounts, as they are told to the manager */
    uint64_t memory_bytes; /* that tasks may ask for; 0: not known */

    struct hayi_slot_thread *slots; /* [core_count] */
    bool overflows;                 /* some were given more than they took */
    struct hayi_hands hands;        /* that serve them */
    struct hayi_mpsc news;          /* from them */
    struct hayi_mpsc logs;          /* from tasks */
    atomic_uint log_count;
    struct hayi_process_config process;
    struct hayi_slot_process **processes; /* all that were made */
    uint32_t process_count, process_room;
    struct hayi_slot_process **process_seats; /* [core_count]: who serves it;
                                                 NULL: nobody; once used */
    struct hayi_slot_process *process_spare;
    atomic_uint process_wishes; /* a process slot has one */
    uint64_t child_serial;
    struct hayi_fakes fakes;
    struct hayi_spawner *spawner;
    bool spawner_ready;
    atomic_uint_fast64_t work_end_ns; /* hayi_clock_ns(); UINT64_MAX: none; read
                                         by any thread */
    bool spawner_failed;
    struct hayi_error spawner_error; /* if it failed */
    struct hay_task *held;           /* all that came and are not dropped */
    struct hay_task *claiming;       /* that would run a child themselves */
    struct hay_task *inlined;        /* children that run so */
    struct hay_task *listed;         /* those in slots, oldest first */
    struct hay_task *listed_last;
    uint32_t left_count;       /* slots with 'left' */
    uint32_t waiting;          /* of them: without cores */
    uint64_t started_check_ns; /* when to look whose start is to be told */

    struct hayi_mpsc
        relayed;            /* from process slots: struct hayi_relay_message */
    uint32_t client_serial; /* of clients in children */
    struct hayi_remote *remote; /* for what tasks submit; NULL: the manager is
                                   here */
    struct hayi_worker_data data;
    struct hayi_wactions actions;
    bool stopping;
    bool leaving;      /* the manager has been told */
    bool bound;        /* ... when the time here is over */
    uint64_t idle_ns;  /* since when there is nothing to do */
    uint64_t start_ns; /* of this worker */
    bool saw_loss;     /* of another rank, not of a guest */
    enum hayi_worker_end end;
    struct hayi_error error;
    uint64_t now_ns;
};

/* worker_start.c */
/* Do what worker_state said; false: there was nothing. */
bool hayi_worker_perform(struct hayi_worker *worker);
/* What waited for room in a slot's ring. */
void hayi_worker_refill(struct hayi_worker *worker);
/* From a task's arrival to its end. */
void hayi_worker_hold(struct hayi_worker *worker, struct hay_task *task);
void hayi_worker_drop(struct hayi_worker *worker, struct hay_task *task);
bool hayi_worker_poll_commands(struct hayi_worker *worker);
void hayi_worker_list(struct hayi_worker *worker, struct hay_task *task);
void hayi_worker_unlist(struct hayi_worker *worker, struct hay_task *task);
/* An attempt has ended (fields filled): report, step, free. */
void hayi_worker_finish(struct hayi_worker *worker,
                        struct hay_task *task,
                        const struct hayi_capture_record *capture);
/* Step the state; out of memory breaks the worker. */
void hayi_worker_step(struct hayi_worker *worker,
                      const struct hayi_wevent *event);
/* worker_walltime.c */
void hayi_worker_tell_spawner(struct hayi_worker *worker);
void hayi_worker_on_deadline(struct hayi_worker *worker,
                             const struct hayi_deadline_record *record);
/* worker_leave.c */
/* Is it time to leave?  Once a round, when the slots are there. */
void hayi_worker_poll_leave(struct hayi_worker *worker);
/* The end of work, as the manager tells it or as our own time is up. */
uint64_t hayi_worker_work_end(const struct hayi_worker *worker,
                              uint64_t told_ns);
/* The spawner is there and set up; false: words. */
bool hayi_worker_ready_spawner(struct hayi_worker *worker,
                               struct hayi_error *err);
/* It cannot be started: ends here and now; whose fault it is, its error says.
 */
void hayi_worker_finish_unstarted(struct hayi_worker *worker,
                                  struct hay_task *task);
/* The task shows the cores of a START or RESUME. */
void hayi_worker_lease(struct hayi_worker *worker,
                       const struct hayi_waction *action);

/* worker_resources.c */
/* Our part of what the node has.  HAY_EINVAL, HAY_ENOMEM with words. */
hay_status hayi_worker_share(struct hayi_worker *worker,
                             const char *resources,
                             struct hayi_error *err);
/* For struct hayi_wstate_config; malloc'ed.  HAY_ENOMEM. */
hay_status hayi_worker_localities(const struct hayi_worker *worker,
                                  uint32_t **core_numa,
                                  uint32_t **gpu_numa);

/* worker_process.c */
void hayi_worker_start_process(struct hayi_worker *worker,
                               struct hay_task *task);
/* Those that were given something. */
void hayi_worker_wake_processes(struct hayi_worker *worker);
/* What they wish of the spawner; true: there was something. */
bool hayi_worker_poll_processes(struct hayi_worker *worker);
void hayi_worker_child_ended(struct hayi_worker *worker,
                             const struct hayi_spawn_event *event);
/* Its attempt waits: another one serves its core, with what it was given. */
void hayi_worker_park_process(struct hayi_worker *worker,
                              struct hay_task *task);
/* The attempt has cores again. */
void hayi_worker_seat_process(struct hayi_worker *worker,
                              struct hay_task *task);
/* The attempt has ended: if it waited, its slot is spare now. */
void hayi_worker_process_ended(struct hayi_worker *worker,
                               const struct hay_task *task);
/* After the spawner's end. */
void hayi_worker_stop_processes(struct hayi_worker *worker);

/* worker_welcome.c */
/* A record WELCOME: slots, store and client are made, and JOIN or REFUSE is the
 * answer.  HAY_EMISMATCH, HAY_ENOMEM with words in 'error'. */
hay_status hayi_worker_on_welcome(struct hayi_worker *worker,
                                  const void *body,
                                  size_t size);
/* With a 0 behind it; given (free), NULL: out of memory. */
char *hayi_worker_copy_part(const void *bytes, uint64_t size);

/* worker_wait.c */
void hayi_worker_on_wait(struct hayi_worker *worker,
                         const struct hayi_news *news);
/* A task has come that is to run in place of one that waits here. */
void hayi_worker_on_inline(struct hayi_worker *worker, struct hay_task *child);
/* false: it is not one of these. */
bool hayi_worker_cancel_inline(struct hayi_worker *worker,
                               const struct hayi_cancel_record *cancel);
/* One of these has ended. */
void hayi_worker_inline_ended(struct hayi_worker *worker,
                              struct hay_task *child);
void hayi_worker_on_claim_denied(struct hayi_worker *worker,
                                 const struct hayi_attempt_record *record);
/* Once a round: threads for the slots that were left. */
void hayi_worker_fill_seats(struct hayi_worker *worker);
/* A RESUME. */
void hayi_worker_resume(struct hayi_worker *worker,
                        const struct hayi_waction *action);
/* Something was given to it, or it has lost its thread. */
void hayi_worker_wake_slot(struct hayi_worker *worker,
                           struct hayi_slot_thread *slot);

/* worker_data.c */
/* The welcome has come: what it says of the store.  spill_folder: as in
 * store.h.  HAY_EIO, HAY_EINVAL, HAY_ENOMEM with words. */
/* What hayi_worker_close_data() frees.  HAY_ENOMEM. */
hay_status hayi_worker_init_data(struct hayi_worker *worker);
hay_status hayi_worker_open_data(struct hayi_worker *worker,
                                 const char *spill_folder,
                                 struct hayi_error *err);
void hayi_worker_close_data(struct hayi_worker *worker);
/* A record SEND, RECEIVE or DROP. */
hay_status hayi_worker_on_object(struct hayi_worker *worker,
                                 uint16_t type,
                                 const struct hayi_send_record *record);
/* Another rank is gone. */
void hayi_worker_on_lost(struct hayi_worker *worker,
                         const struct hayi_lost_record *record);
/* true: there was something to do. */
bool hayi_worker_poll_data(struct hayi_worker *worker);

/* worker_process.c */
/* The one whose child is this client; NULL. */
struct hayi_slot_process *hayi_worker_client_slot(struct hayi_worker *worker,
                                                  uint32_t client);

/* worker_nested.c */
hay_status hayi_worker_open_client(struct hayi_worker *worker,
                                   struct hayi_error *err);
/* true: there was something to do. */
bool hayi_worker_poll_client(struct hayi_worker *worker);
/* The end of an attempt that the slot's thread has told is reported. */
void hayi_worker_end_reported(struct hayi_worker *worker,
                              struct hayi_slot_process *slot);
/* Whoever waits for what has come goes on. */
void hayi_worker_wake_client(struct hayi_worker *worker);
/* What the task has submitted goes before its end, and before it waits. */
void hayi_worker_flush_client(struct hayi_worker *worker,
                              const struct hay_task *task);
/* What its report says of a result that is another task's; id 0: it is not. */
struct hayi_follow hayi_worker_follow(const struct hayi_worker *worker,
                                      const struct hay_task *task);
/* A record of hayi_nest_is(type, false). */
hay_status hayi_worker_on_nested(struct hayi_worker *worker,
                                 uint16_t type,
                                 const void *body,
                                 size_t size);
/* Whoever waits for the manager waits no more; then, without any task: */
void hayi_worker_break_client(struct hayi_worker *worker);
void hayi_worker_close_client(struct hayi_worker *worker);

/* worker_report.c */
/* It did not run: inputs are missing. */
void hayi_worker_report_missing(struct hayi_worker *worker,
                                const struct hay_task *task);
void hayi_worker_report_ended(struct hayi_worker *worker,
                              const struct hay_task *task,
                              const struct hayi_capture_record *capture);
/* A record that is a head alone; out of memory breaks the worker. */
void hayi_worker_tell(struct hayi_worker *worker,
                      uint16_t type,
                      const void *head,
                      size_t size);
/* The same with one part in its tail. */
void hayi_worker_tell_tail(struct hayi_worker *worker,
                           uint16_t type,
                           const void *head,
                           size_t size,
                           const void *tail,
                           uint64_t tail_size);
void hayi_worker_report_attempt(struct hayi_worker *worker,
                                uint16_t type,
                                const struct hay_task *task);
void hayi_worker_tell_started(struct hayi_worker *worker);
void hayi_worker_fail(struct hayi_worker *worker, enum hayi_worker_end end);

#endif
