/* sample.h - a journal for tests, with each kind of record.
 *
 * Owns: nothing.
 * Never: opens a file but where it says so.
 * Threads: any.
 */
#ifndef HAYFORK_TESTS_UNIT_JOURNAL_SAMPLE_H
#define HAYFORK_TESTS_UNIT_JOURNAL_SAMPLE_H

#include "journal/journal_log.h"

enum { SAMPLE_TASKS = 12, SAMPLE_ENDS_MAX = 128 };

struct sample {
    struct hayi_buffer log;
    uint64_t ends[SAMPLE_ENDS_MAX]; /* places: of the head, of each record */
    size_t end_count;
};

/* Two epochs: tasks 1..SAMPLE_TASKS; odd ones are named "t<number>", even ones
 * have keys {number, 2, 3, 4}.  In the first one 1..6 finish, with a result of
 * 'number' bytes; 7 fails with status 3, the others have not ended.  In the
 * second one 7 is task 101 and finishes with output and a file. */
void sample_init(struct sample *sample);
void sample_fini(struct sample *sample);
/* A record more has been put. */
void sample_note(struct sample *sample);
void sample_add_task(struct sample *sample, hay_task_id id, const char *name);
void sample_add_end(struct sample *sample, hay_task_id id, const char *state);
/* false: it cannot be written. */
bool sample_write(const char *path, const void *data, size_t size);

#endif
