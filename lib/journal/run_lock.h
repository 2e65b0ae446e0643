/* run_lock.h - who runs on a run folder: one at a time.
 *
 * run.lock is a short text: epoch, host, boot, pid, start of the process, since
 * when, and a number that nobody else has.  It is made and taken over by
 * link(2), which works where file locks do not (NFS, Lustre).  Whoever has it
 * touches it every 2 seconds.  On its own host an owner is alive if /proc says
 * so; on another one if the file is touched within 30 seconds of the file
 * system's own clock.  It stays when it is given back, and says so: epochs
 * never go down.
 *
 * Owns: run.lock, and a thread that touches it.
 * Never: waits for a living owner's end; kills anybody.
 * Threads: take and release from one; the rest from any.
 */
#ifndef HAYI_JOURNAL_RUN_LOCK_H
#define HAYI_JOURNAL_RUN_LOCK_H

#include "base/bell.h"
#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct hayi_run_lock;

struct hayi_run_owner {
    uint32_t epoch;
    int32_t pid;
    uint64_t since_ns; /* since 1970 */
    uint64_t start;    /* of the process, in the kernel's ticks */
    uint64_t number;   /* that nobody else has */
    bool released;     /* given back in order */
    char host[256];
    char boot[64]; /* of the kernel, and of the pid's namespace */
};

/* folder: there already.  bell: borrowed, rung when the lock is lost; or NULL.
 * HAY_OK; HAY_EAGAIN: "FOLDER is in use by hayfork (pid P on HOST) since ...";
 * HAY_EIO; with words.  May block: up to 30 s if the last owner was on another
 * host and has not given it back; a living one is known within 4 s. */
hay_status hayi_run_lock_take(const char *folder,
                              struct hayi_bell *bell,
                              struct hayi_run_lock **lock,
                              struct hayi_error *err);
/* Gives it back, unless it is lost; NULL is fine. */
void hayi_run_lock_release(struct hayi_run_lock *lock);
uint32_t hayi_run_lock_epoch(const struct hayi_run_lock *lock);
/* Another one has taken it over, or it is gone: this run must not write any
 * more.  err: words; may be NULL. */
bool hayi_run_lock_lost(struct hayi_run_lock *lock, struct hayi_error *err);
/* Before a write: as above, but looks at the file if it was not touched within
 * the last 10 seconds (this process was stopped, or the disk was). */
bool hayi_run_lock_check(struct hayi_run_lock *lock, struct hayi_error *err);

/* Who has it.  alive: by what can be seen at once; on another host: it was
 * touched within 30 s.  HAY_OK; HAY_EEMPTY: there is no lock; HAY_EIO, with
 * words. */
hay_status hayi_run_lock_look(const char *folder,
                              struct hayi_run_owner *owner,
                              bool *alive,
                              struct hayi_error *err);

#endif
