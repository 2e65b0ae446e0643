/* spawner_ending.h - watches over a command that runs, and ends it: at its time
 * limit, when it uses too much memory or writes too much, when it is cancelled.
 *
 * Owns: nothing; what it knows of a command is in the job.
 * Never: reaps, starts.
 * Threads: the spawner's only one.
 */
#ifndef HAYI_WORKER_SPAWNER_ENDING_H
#define HAYI_WORKER_SPAWNER_ENDING_H

#include "worker/spawner_job.h"

struct hayi_capture;

/* It runs from now on: job->pid, job->start_ns. */
void hayi_ending_begin(struct hayi_job *job);
/* When work ends: it is warned once, so long before as it has asked for. */
void hayi_ending_warn_at(struct hayi_job *job, uint64_t work_end_ns);
/* SIGTERM now, SIGKILL after the grace time (of the job, or else this one). */
void hayi_ending_force(struct hayi_job *job, uint64_t grace_ns);
/* Do what is due. */
void hayi_ending_tick(struct hayi_job *job,
                      const struct hayi_capture *capture,
                      uint64_t grace_ns,
                      uint64_t now_ns);
/* When the next such thing is due; UINT64_MAX: never. */
uint64_t hayi_ending_due_ns(const struct hayi_job *job);

#endif
