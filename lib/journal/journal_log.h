/* journal_log.h - the records of journal.log as bytes, and back.
 *
 * The file is a head and records, one after the other.  A record is a head, a
 * body and as many 0 as make it a multiple of 8; its check is over its place
 * in the file, its head and its body, so that a record that lies somewhere else
 * (in the value of a task, say) is none.  Numbers are little-endian.  Texts are
 * a length and bytes.
 *
 * A stop in the middle of a write leaves a tail that is no whole record; it is
 * cut off before anything is appended.  Bytes that are no record, with records
 * behind them, are damage: the next record is found by its mark.
 *
 * Owns: nothing.
 * Never: opens a file, trusts a length, allocates but in a buffer.
 * Threads: any.
 */
#ifndef HAYI_JOURNAL_JOURNAL_LOG_H
#define HAYI_JOURNAL_JOURNAL_LOG_H

#include "base/buffer.h"
#include "base/error.h"
#include "observe/run_folder.h"

enum {
    HAYI_JOURNAL_VERSION = 1, /* raised when an older reader would be wrong;
                                 kinds and fields at the end may be added */
    HAYI_JOURNAL_HEAD = 64,   /* bytes of the file's head */
    HAYI_JOURNAL_RECORD_HEAD = 16,
    HAYI_JOURNAL_BODY_MAX = 1 << 22,
    HAYI_JOURNAL_WINDOW = HAYI_JOURNAL_BODY_MAX + 64,
    HAYI_JOURNAL_VALUE_MAX = 16 << 10, /* of a result that is kept */
};

/* Lies in files: never change a number. */
enum hayi_journal_kind {
    HAYI_JOURNAL_RUN = 1,     /* somebody opened the journal */
    HAYI_JOURNAL_TASK = 2,    /* a task was submitted */
    HAYI_JOURNAL_ATTEMPT = 3, /* an attempt ended */
    HAYI_JOURNAL_RESULT = 4,  /* what it gave; before its attempt */
    HAYI_JOURNAL_FILE = 5,    /* a file that it read or wrote; before it too */
    HAYI_JOURNAL_STATE = 6,   /* the run ended, in order */
    HAYI_JOURNAL_KEPT = 7,    /* instead of 4: what it gave is a file */
};

/* What a task is, in hashes; all 0: nobody asked. */
struct hayi_journal_key {
    uint64_t what;   /* function and its version, or command */
    uint64_t around; /* arguments by value; folder, variables, input */
    uint64_t inputs; /* keys of the futures that it takes or comes after */
    uint64_t files;  /* names, sizes, times of files that it reads */
};

struct hayi_journal_run {
    uint32_t epoch; /* 1, 2, ...: of the starts on this folder */
    int32_t pid;
    uint64_t wall_ns;    /* since 1970; when times of attempts are 0 */
    const char *version; /* of hayfork */
    const char *host;
    const char *job; /* "slurm 4711", "gridengine 12", "pbs 3"; "" */
    const char *cwd;
    const char *args; /* the command line, each argument with its 0 */
    size_t args_size;
};

struct hayi_journal_task {
    hay_task_id id;
    uint8_t kind;     /* enum hayi_task_kind; lies in files */
    bool nested;      /* a task submitted it */
    uint32_t ordinal; /* of an unnamed one: among those with its key, from 0 */
    uint32_t cores;
    struct hayi_journal_key key;
    const char *name;     /* "" */
    const char *category; /* "" */
};

struct hayi_journal_result {
    hay_task_id task;
    const void *value; /* wire/value.h, as in a result; without objects */
    size_t size;       /* 0: HAY_NONE */
};

struct hayi_journal_kept { /* results/TASK.ATTEMPT, see data/kept.h */
    hay_task_id task;
    uint32_t attempt;
    uint64_t bytes;
    uint64_t hash;
};

enum hayi_journal_state_kind {
    HAYI_JOURNAL_ENDED = 1,   /* all that was submitted has ended */
    HAYI_JOURNAL_DRAINED = 2, /* in order, with more to do */
    HAYI_JOURNAL_BROKEN = 3,  /* the farm broke down */
};
struct hayi_journal_state {
    uint32_t epoch;
    uint32_t state;                       /* enum hayi_journal_state_kind */
    uint64_t wall_ns;                     /* since 1970 */
    uint64_t finished, failed, cancelled; /* in this epoch */
    const char *text;                     /* why; "" */
};

/* One record, read.  Texts lie in the log, where each ends with a 0. */
struct hayi_journal_record {
    uint32_t kind; /* enum hayi_journal_kind, or a newer one: no field is set */
    uint64_t begin, end; /* places in the file */
    union {
        struct hayi_journal_run run;
        struct hayi_journal_task task;
        struct hayi_attempt_line attempt; /* its name is "" */
        struct hayi_journal_result result;
        struct hayi_file_line file; /* its name is "" */
        struct hayi_journal_state state;
        struct hayi_journal_kept kept;
    } u;
};

/* ---- writing: at the end of 'log', whose first byte is at 'at' in the file;
 * HAY_ENOMEM, HAY_ETOOBIG: unchanged. */

hay_status hayi_journal_put_head(struct hayi_buffer *log);
hay_status hayi_journal_put_run(struct hayi_buffer *log,
                                uint64_t at,
                                const struct hayi_journal_run *run);
hay_status hayi_journal_put_task(struct hayi_buffer *log,
                                 uint64_t at,
                                 const struct hayi_journal_task *task);
/* Without its name: that is the task's. */
hay_status hayi_journal_put_attempt(struct hayi_buffer *log,
                                    uint64_t at,
                                    const struct hayi_attempt_line *line);
hay_status hayi_journal_put_result(struct hayi_buffer *log,
                                   uint64_t at,
                                   const struct hayi_journal_result *result);
hay_status hayi_journal_put_kept(struct hayi_buffer *log,
                                 uint64_t at,
                                 const struct hayi_journal_kept *kept);
hay_status hayi_journal_put_file(struct hayi_buffer *log,
                                 uint64_t at,
                                 const struct hayi_file_line *line);
hay_status hayi_journal_put_state(struct hayi_buffer *log,
                                  uint64_t at,
                                  const struct hayi_journal_state *state);

/* ---- reading ------------------------------------------------------------ */

/* head[size]: the beginning of the file.  HAY_OK; HAY_EMISMATCH: no journal,
 * or a newer one; HAY_EEMPTY: it ends within the head; with words that begin
 * with 'path'. */
hay_status hayi_journal_check_head(const void *head,
                                   size_t size,
                                   const char *path,
                                   struct hayi_error *err);

/* Finds records, in windows of a file that the caller brings. */
struct hayi_journal_cursor {
    const unsigned char *data; /* the window, borrowed, 8-byte aligned */
    uint64_t base;             /* its place in the file */
    uint64_t size;
    bool last;             /* the file ends with it */
    uint64_t at;           /* where the next record is looked for */
    uint64_t whole;        /* end of the last whole record: what is behind it
                              is a torn tail, once there are no more records */
    uint64_t damage_first; /* place of the first damage; 0: none */
    uint64_t damage_bytes; /* all of it */
    uint64_t damage_count; /* stretches of it */
};
/* The file's head has been checked. */
void hayi_journal_cursor_init(struct hayi_journal_cursor *cursor);
/* The window is at 'base' now, a multiple of 8 that is not behind
 * cursor->at. */
void hayi_journal_cursor_feed(struct hayi_journal_cursor *cursor,
                              const void *data,
                              uint64_t base,
                              uint64_t size,
                              bool last);
/* The next whole record, which points into the window; false: a window is
 * wanted that begins at cursor->at; if this is the last one, there are no more.
 * A window of HAYI_JOURNAL_WINDOW bytes brings it on in any case. */
bool hayi_journal_next(struct hayi_journal_cursor *cursor,
                       struct hayi_journal_record *record);

#endif
