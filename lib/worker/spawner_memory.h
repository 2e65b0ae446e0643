/* spawner_memory.h - how much memory the processes of a command, or of a child
 * that runs functions, use together, and when to look at that again.
 *
 * What counts is memory that the system cannot take back: anonymous and shared
 * one, and what of it was swapped out; no pages of files.  Shared by several
 * processes it counts once.
 *
 * Owns: the family of the command.
 * Never: kills anybody.
 * Threads: the spawner's or the minder's only one; hayi_memory_estimate(): any.
 */
#ifndef HAYI_WORKER_SPAWNER_MEMORY_H
#define HAYI_WORKER_SPAWNER_MEMORY_H

#include "worker/spawner_family.h"

/* At most as much as what the processes use, and often more: what is shared
 * counts for each of them.  shared: shared memory counts.  Some 10 us each. */
uint64_t hayi_memory_estimate(const struct hayi_pids *pids, bool shared);
/* The same in fair shares; false: the kernel does not tell.  Some milliseconds
 * for each gigabyte. */
bool hayi_memory_exact(const struct hayi_pids *pids,
                       bool shared,
                       uint64_t *bytes);

struct hayi_memory_watch {
    struct hayi_family family;
    uint64_t limit_bytes; /* 0: it is not watched */
    uint64_t used_bytes;  /* as of the last look */
    uint64_t peak_bytes;
    uint64_t looked_ns;    /* when that was */
    uint64_t taken_per_ms; /* between the last two looks */
    uint64_t next_ns;      /* when to look again; UINT64_MAX: never */
    bool shared;           /* shared memory counts */
};

/* Not watched, until it begins. */
void hayi_memory_watch_init(struct hayi_memory_watch *watch);
void hayi_memory_watch_begin(struct hayi_memory_watch *watch,
                             pid_t root,
                             const char *const marks[HAYI_FAMILY_MARKS],
                             uint64_t limit_bytes,
                             bool shared,
                             uint64_t now_ns);
/* It is over; what was used stays. */
void hayi_memory_watch_end(struct hayi_memory_watch *watch);
/* When it is due; true: they are above the limit. */
bool hayi_memory_watch_look(struct hayi_memory_watch *watch, uint64_t now_ns);

/* How often the kernel has killed for want of memory in our cgroup (or, if it
 * does not tell, on this machine).  Never goes back. */
uint64_t hayi_memory_oom_kills(void);

struct hayi_oom_watch {
    uint64_t kills; /* as seen last */
    uint64_t until_ns;
};
void hayi_oom_watch_init(struct hayi_oom_watch *watch);
/* A process was killed, not by us: has the kernel killed for want of memory
 * within the last second, or since the last question? */
bool hayi_oom_lately(struct hayi_oom_watch *watch, uint64_t now_ns);

#endif
