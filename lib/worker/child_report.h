/* child_report.h - what a child says of the end of its attempt, and whether
 * that can be true.
 *
 * A function may have written over anything in its child.  What is passed on to
 * the manager is checked here against what the rank knows of the attempt: a
 * child that lies costs its attempt, not the rank.
 *
 * Owns: nothing.
 * Never: believes a size, a place or a number of the child's.
 * Threads: one at a time.
 */
#ifndef HAYI_WORKER_CHILD_REPORT_H
#define HAYI_WORKER_CHILD_REPORT_H

#include "worker/child_area.h"
#include "worker/task.h"

/* An object that was made for an attempt. */
struct hayi_child_made {
    uint64_t place;
    uint64_t size_bytes;
    uint32_t sealed;   /* the report says so */
    uint32_t reported; /* it is in the value */
};

/* Pointers into the record. */
struct hayi_child_report {
    struct hayi_child_ended head;
    const char *words; /* size 0: none */
    const unsigned char *result;
    const unsigned char *failures;
    const char *text;
};

/* The record of an ENDED.  made[made_count]: sorted and marked here; what is
 * 'reported' then is to be sealed.  now_ns: of hayi_clock_ns().  false: it is
 * damaged, or it cannot be true, or out of memory; '*report' is unchanged. */
bool hayi_child_report_read(const struct hay_task *task,
                            struct hayi_child_made *made,
                            size_t made_count,
                            const void *body,
                            uint64_t size,
                            uint64_t now_ns,
                            struct hayi_child_report *report);

#endif
