/* spawner_tree.h - the processes below the spawner.
 *
 * The spawner is a child subreaper: whatever leaves its family (setsid, double
 * fork) becomes its child when its parent ends, so everything that it ever
 * started is below it, and nothing is left when it has no child any more.
 *
 * Owns: nothing but lists of process ids.
 * Never: signals a process that is not below the caller's.
 * Threads: the spawner's only one.
 */
#ifndef HAYI_WORKER_SPAWNER_TREE_H
#define HAYI_WORKER_SPAWNER_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct hayi_pids {
    pid_t *list;
    size_t count;
    size_t room;
};

void hayi_pids_fini(struct hayi_pids *pids);
bool hayi_pids_has(const struct hayi_pids *pids, pid_t pid);
/* Short of memory: not added. */
void hayi_pids_add(struct hayi_pids *pids, pid_t pid);
void hayi_pids_remove(struct hayi_pids *pids, pid_t pid);

/* A descriptor for hayi_tree_children(); -1 where the kernel has no such file
 * (CONFIG_PROC_CHILDREN). */
int hayi_tree_open(void);
/* The caller's direct children, zombies included, into 'pids' (emptied first).
 * About 2 us. */
void hayi_tree_children(int fd, struct hayi_pids *pids);

/* All processes below 'root' at some moment, added to 'pids'; reads all of
 * /proc (a millisecond or more). */
void hayi_tree_below(pid_t root, struct hayi_pids *pids);

/* Has the process a handler for the signal? */
bool hayi_tree_handles(pid_t pid, int number);

/* SIGKILL 'pids', which are below the caller, and all that is below them; the
 * latter are added.  They are stopped first, so that none forks away. */
void hayi_tree_kill(struct hayi_pids *pids);

/* SIGKILL everything below the caller and reap it, until nothing is left or
 * 'limit_ns' has passed (processes that the kernel does not let go). */
void hayi_tree_kill_all(uint64_t limit_ns);

#endif
