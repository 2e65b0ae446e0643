/* spawner_slots.h - the slots of the spawner: what runs in each, what waits,
 * and when something must be done to it.
 *
 * Owns: the jobs.
 * Never: reads or writes the socket: events are appended to a buffer.
 * Threads: the spawner's only one.
 */
#ifndef HAYI_WORKER_SPAWNER_SLOTS_H
#define HAYI_WORKER_SPAWNER_SLOTS_H

#include "base/buffer.h"
#include "worker/spawner_job.h"

struct hayi_capture;
struct hayi_environ;
struct hayi_spawner_slots;

struct hayi_spawner_slots_setup { /* all borrowed for ever */
    struct hayi_capture *capture;
    struct hayi_environ *env;
    struct hayi_buffer *events; /* records of the wire */
    uint64_t grace_ns;
    uint32_t count;
    bool watch_children; /* outputs of a slot's commands share files */
    /* A child that is no command of ours has ended; may be NULL. */
    bool (*other)(void *context, pid_t pid);
    void *other_context;
};

/* NULL: out of memory.  It lives as long as the process. */
struct hayi_spawner_slots *
hayi_spawner_slots_new(const struct hayi_spawner_slots_setup *setup);
/* SIGKILL the groups of all that runs. */
void hayi_spawner_slots_kill(struct hayi_spawner_slots *slots);

/* Behind what its slot has.  job: taken; false: no such slot. */
bool hayi_spawner_slots_push(struct hayi_spawner_slots *slots,
                             struct hayi_job *job);
/* Start what can be started; call after a batch of pushes.  false: an event was
 * lost for want of memory, now or earlier. */
bool hayi_spawner_slots_start(struct hayi_spawner_slots *slots);
/* As in spawner.h. */
void hayi_spawner_slots_revoke(struct hayi_spawner_slots *slots, uint64_t id);
void hayi_spawner_slots_cancel(struct hayi_spawner_slots *slots, uint64_t id);

/* When work ends, for warnings. */
void hayi_spawner_slots_work_end(struct hayi_spawner_slots *slots,
                                 uint64_t end_ns);

/* A child that is no command, and none of a command's leftovers. */
void hayi_spawner_slots_ours(struct hayi_spawner_slots *slots, pid_t pid);

/* Wait for all children that have ended, start those that come next. */
void hayi_spawner_slots_reap(struct hayi_spawner_slots *slots);
/* Do what is due: limits, ends of grace times, news of starts. */
void hayi_spawner_slots_tick(struct hayi_spawner_slots *slots, uint64_t now_ns);
/* When the next such thing is due; UINT64_MAX: never. */
uint64_t hayi_spawner_slots_deadline_ns(const struct hayi_spawner_slots *slots);

#endif
