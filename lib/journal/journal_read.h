/* journal_read.h - a journal that is there, as a table of tasks.
 *
 * A task is found by its name; without one by its key and its ordinal.  Where
 * several have been submitted under one name (or key and ordinal) in several
 * epochs, the last of them counts: what it did may have overwritten what those
 * before it left.
 *
 * Owns: the table; the log is not kept in memory but for what the table needs.
 * Never: writes, waits for a writer.
 * Threads: reading a table from any, once it is made.
 */
#ifndef HAYI_JOURNAL_JOURNAL_READ_H
#define HAYI_JOURNAL_JOURNAL_READ_H

#include "journal/journal_log.h"

struct hayi_journal_table;

/* How far a task got. */
enum hayi_recorded_state {
    HAYI_RECORDED_SUBMITTED = 0, /* no attempt has ended */
    HAYI_RECORDED_FINISHED = 1,  /* and so it stays */
    HAYI_RECORDED_FAILED = 2,    /* the last attempt */
    HAYI_RECORDED_CANCELLED = 3,
    HAYI_RECORDED_LOST = 4,
};

struct hayi_recorded {
    hay_task_id id;
    struct hayi_journal_key key;
    uint64_t run_ns; /* of its last attempt, start to end */
    uint32_t ordinal;
    uint32_t name;     /* hayi_recorded_name() */
    uint32_t result;   /* hayi_recorded_result(); 0: none is recorded */
    uint32_t output;   /* hayi_recorded_output(); 0: none */
    uint32_t file;     /* hayi_recorded_file(), the first; 0: none */
    int32_t exit_code; /* of the last attempt */
    uint32_t attempts; /* that have ended */
    uint32_t epoch;    /* in which it was submitted */
    uint32_t cores;
    uint32_t category; /* hayi_recorded_category(); equal: equal names */
    uint8_t kind;      /* enum hayi_task_kind */
    uint8_t state;     /* enum hayi_recorded_state */
    bool nested;
    bool latest; /* the one that is found */
    bool kept;   /* its result is a file: hayi_recorded_kept() */
};

struct hayi_recorded_output {
    const char *path[2]; /* relative to the run folder; NULL: none */
    uint64_t offset[2], length[2];
};

struct hayi_recorded_file {
    const char *path; /* as the command was told */
    uint64_t bytes;   /* UINT64_MAX: not known */
    bool out;
    uint32_t next; /* the task's next one; 0: none */
};

struct hayi_journal_facts {
    uint32_t epoch;        /* the last one; 0: none */
    hay_task_id id_max;    /* the largest number of a task */
    uint64_t tasks;        /* that were submitted, resumes counted again */
    uint64_t attempts;     /* that have ended */
    uint64_t whole;        /* bytes up to the end of the last whole record */
    uint64_t torn;         /* bytes behind that: no whole record */
    uint64_t damage_first; /* place of the first damage; 0: none */
    uint64_t damage_bytes;
    uint64_t damage_count;
    uint64_t first_wall_ns; /* of epoch 1 (or the first that is known) */
    uint64_t last_end_ns;   /* of the last attempt, since then */
    uint64_t kept_bytes;    /* of results that are files */
    uint32_t last_state;    /* enum hayi_journal_state_kind of the last epoch;
                               0: it has not ended in order */
    struct hayi_journal_run run; /* of the last epoch; with its texts */
};

/* Told of each whole record, in order, while a table is made; 'first_ns' is
 * when the record's epoch began, since the first one's begin. */
typedef void (*hayi_journal_visit_fn)(void *context,
                                      const struct hayi_journal_table *table,
                                      const struct hayi_journal_record *record,
                                      uint64_t first_ns);

/* path: of journal.log; it may be written meanwhile: what is whole is read.
 * visit: NULL: nobody.  table: given, hayi_journal_table_free().
 * HAY_OK, also if it is torn or damaged (see the facts); HAY_EIO: it cannot be
 * read; HAY_EEMPTY: not even its head is whole; HAY_EMISMATCH: it is no
 * journal, or one of a newer version; HAY_ENOMEM; with words. */
hay_status hayi_journal_load(const char *path,
                             hayi_journal_visit_fn visit,
                             void *context,
                             struct hayi_journal_table **table,
                             struct hayi_error *err);
void hayi_journal_table_free(struct hayi_journal_table *table);

void hayi_journal_table_facts(const struct hayi_journal_table *table,
                              struct hayi_journal_facts *facts);
/* "FOLDER/journal.log: damaged at byte N ..."; "" if it is not. */
void hayi_journal_word_damage(const char *path,
                              const struct hayi_journal_facts *facts,
                              char *text,
                              size_t size);

/* NULL: there is none.  Shared with the table.  By key: whatever its files. */
const struct hayi_recorded *
hayi_recorded_by_name(const struct hayi_journal_table *table, const char *name);
const struct hayi_recorded *
hayi_recorded_by_key(const struct hayi_journal_table *table,
                     const struct hayi_journal_key *key,
                     uint32_t ordinal);
const struct hayi_recorded *
hayi_recorded_by_id(const struct hayi_journal_table *table, hay_task_id id);
/* In the order of their submission; NULL: index is too large. */
const struct hayi_recorded *
hayi_recorded_at(const struct hayi_journal_table *table, uint64_t index);

const char *hayi_recorded_name(const struct hayi_journal_table *table,
                               const struct hayi_recorded *task);
const char *hayi_recorded_category(const struct hayi_journal_table *table,
                                   const struct hayi_recorded *task);
/* false: none is recorded (too large, or with objects, or not finished). */
bool hayi_recorded_result(const struct hayi_journal_table *table,
                          const struct hayi_recorded *task,
                          const void **value,
                          size_t *size);
/* false: there is none. */
bool hayi_recorded_kept(const struct hayi_journal_table *table,
                        const struct hayi_recorded *task,
                        struct hayi_journal_kept *kept);
/* false: it wrote nothing that was captured. */
bool hayi_recorded_output(const struct hayi_journal_table *table,
                          const struct hayi_recorded *task,
                          struct hayi_recorded_output *output);
/* NULL: 'file' is 0. */
const struct hayi_recorded_file *
hayi_recorded_file(const struct hayi_journal_table *table, uint32_t file);

#endif
