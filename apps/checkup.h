/* checkup.h - what is to be known of a machine before a farm runs on it.
 *
 * Each finding is a line "LEVEL<tab>WHAT<tab>FOUND<tab>MEND\n", so that it can
 * come from another rank as the result of a task.
 */
#ifndef APPS_CHECKUP_H
#define APPS_CHECKUP_H

#include "arena.h"

#include <stdint.h>

enum checkup_level {
    CHECKUP_OK = 0,
    CHECKUP_NOTE = 1, /* worth to know */
    CHECKUP_WARN = 2, /* some things will go wrong, or slowly */
    CHECKUP_FAIL = 3  /* farms cannot run */
};

/* Appends a finding.  mend: how to mend it; "" if there is nothing to. */
void checkup_add(struct text *findings,
                 enum checkup_level level,
                 const char *what,
                 const char *mend,
                 const char *format,
                 ...) __attribute__((format(printf, 5, 6)));

/* Pinning, memory, limits, kernel and disks, as a task with all of its worker's
 * cores sees them.  folder: where files of the run will lie. */
void checkup_machine(struct text *findings, const char *folder);

/* The cores, limits and environment that we were given, Open MPI, and the
 * batch job that we are in.  For one process, before anything is started. */
void checkup_launching(struct text *findings);

/* Call 'take' for each finding in the text, which is written to. */
typedef void (*checkup_fn)(void *context,
                           enum checkup_level level,
                           const char *what,
                           const char *found,
                           const char *mend);
void checkup_each(char *findings, checkup_fn take, void *context);

#endif
