/* journal_table.h - the inside of a table of journal_read.h: tasks, and where
 * each is found.
 *
 * Owns: its memory.
 * Never: opens a file.
 * Threads: one at a time while it is made; then any.
 */
#ifndef HAYI_JOURNAL_JOURNAL_TABLE_H
#define HAYI_JOURNAL_JOURNAL_TABLE_H

#include "journal/journal_read.h"

/* Numbers by their hash: an entry's index + 1; 0: free. */
struct hayi_journal_index {
    uint32_t *slots; /* [room] */
    size_t room;     /* a power of two, or 0 */
    size_t count;
};

struct hayi_recorded_output_row {
    uint32_t path[2]; /* in text; 0: none */
    uint64_t offset[2], length[2];
};

struct hayi_journal_table {
    struct hayi_recorded *tasks; /* [count] */
    size_t count, room;
    struct hayi_recorded_output_row *outputs; /* [0] is unused, so below */
    size_t output_count, output_room;
    struct hayi_recorded_file *files;
    uint32_t *file_paths; /* of files[], in text */
    size_t file_count, file_room;
    struct hayi_buffer text;   /* each with its 0; the first is "" */
    struct hayi_buffer values; /* size (8), bytes, padded to 8 */
    struct hayi_journal_index by_id, by_identity, by_text;
    struct hayi_journal_facts facts;
    uint32_t run_text[4]; /* version, host, job, cwd of the last epoch */
    struct hayi_buffer args;
    uint64_t epoch_first_ns; /* see hayi_journal_visit_fn */
};

/* All 0 at first.  HAY_ENOMEM. */
hay_status hayi_journal_table_add(struct hayi_journal_table *table,
                                  const struct hayi_journal_record *record);
/* No more comes: texts stay where they are from now on. */
void hayi_journal_table_made(struct hayi_journal_table *table);

#endif
