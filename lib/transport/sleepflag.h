/* sleepflag.h - which processes of this host sleep, in memory that they share.
 *
 * A sleeper sets its flag and looks once more for work; a sender makes its work
 * visible, then exchanges the flag for 0, and rings if it was 1.
 *
 * Owns: the mapping; its name only until all have joined.
 * Never: locks, waits.  A process that dies leaves its flag as it is.
 * Threads: any may use the flags; the rest one.
 */
#ifndef HAYI_TRANSPORT_SLEEPFLAG_H
#define HAYI_TRANSPORT_SLEEPFLAG_H

#include "base/error.h"

#include <stdalign.h>
#include <stdatomic.h>

enum { HAYI_SLEEPFLAG_NAME = 48 };

/* A cache line each. */
struct hayi_sleepflag {
    alignas(64) atomic_uint asleep;
};

/* Make flags[count], all 0, under a new name; the others join by it; then its
 * maker forgets the name.  HAY_EIO. */
hay_status hayi_sleepflag_make(uint32_t count,
                               struct hayi_sleepflag **flags,
                               char name[HAYI_SLEEPFLAG_NAME],
                               struct hayi_error *err);
hay_status hayi_sleepflag_join(const char *name,
                               uint32_t count,
                               struct hayi_sleepflag **flags,
                               struct hayi_error *err);
void hayi_sleepflag_forget(const char *name);
/* flags: may be NULL. */
void hayi_sleepflag_free(struct hayi_sleepflag *flags, uint32_t count);

#endif
