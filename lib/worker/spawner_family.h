/* spawner_family.h - which processes belong to a command (or to a child that
 * runs functions, whose spawner is its minder): those below it, those that were
 * seen there and have become the spawner's children since, and of the spawner's
 * other children those of its process group or with its marks in their
 * environment.
 *
 * Owns: lists of process ids.
 * Never: signals anybody.
 * Threads: the spawner's or the minder's only one.
 */
#ifndef HAYI_WORKER_SPAWNER_FAMILY_H
#define HAYI_WORKER_SPAWNER_FAMILY_H

#include "worker/spawner_tree.h"

enum { HAYI_FAMILY_MARKS = 2 };

struct hayi_family {
    pid_t root;
    /* "NAME=VALUE", all of which its processes have; NULL: none */
    const char *marks[HAYI_FAMILY_MARKS];
    struct hayi_pids members;   /* as of the last look, the root first */
    struct hayi_pids strangers; /* the spawner's children that are not its */
};

/* root: a child of the caller.  marks: borrowed. */
void hayi_family_init(struct hayi_family *family,
                      pid_t root,
                      const char *const marks[HAYI_FAMILY_MARKS]);
void hayi_family_fini(struct hayi_family *family);
/* Who is it now?  Some microseconds a process; where the kernel does not tell
 * of children (CONFIG_PROC_CHILDREN) some milliseconds. */
void hayi_family_look(struct hayi_family *family);

#endif
