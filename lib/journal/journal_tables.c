/* journal_tables.c - see journal_tables.h; the one file that calls SQLite.
 *
 * The file needs no safety of its own, since it is made again from the log when
 * its run starts again: no journal of SQLite's, no sync, no locks.
 */
#include "config.h"

#include "journal/journal_tables.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum statement {
    BEGIN,
    COMMIT,
    PROGRESS,
    RUN,
    STATE,
    TASK,
    ATTEMPT,
    OUTCOME,
    RESULT,
    PATH,
    STATEMENTS
};

static const char pragmas[] = "PRAGMA journal_mode=OFF;"
                              "PRAGMA synchronous=OFF;"
                              "PRAGMA locking_mode=EXCLUSIVE;";

static const char schema[] =
    "PRAGMA user_version=1;"
    "CREATE TABLE schema_version(version INTEGER NOT NULL);"
    "INSERT INTO schema_version VALUES(1);"
    "CREATE TABLE progress(journal_bytes INTEGER NOT NULL,"
    " journal_mark INTEGER, epoch INTEGER, first_wall_ns INTEGER,"
    " first_ns INTEGER, last_end_ns INTEGER);"
    "INSERT INTO progress VALUES(0,0,0,0,0,0);"
    "CREATE TABLE epochs(epoch INTEGER PRIMARY KEY, start_unix REAL,"
    " first_s REAL, host TEXT, pid INTEGER, job TEXT, version TEXT, cwd TEXT,"
    " args TEXT, state TEXT, end_unix REAL, finished INTEGER, failed INTEGER,"
    " cancelled INTEGER, reason TEXT);"
    "CREATE TABLE tasks(task INTEGER PRIMARY KEY, name TEXT, category TEXT,"
    " kind TEXT, nested INTEGER, cores INTEGER, epoch INTEGER,"
    " ordinal INTEGER, key TEXT, state TEXT, attempts INTEGER);"
    "CREATE TABLE attempts(task INTEGER, attempt INTEGER, epoch INTEGER,"
    " state TEXT, worker INTEGER, slot INTEGER, cores INTEGER, start_s REAL,"
    " end_s REAL, exit INTEGER, signal INTEGER, reason TEXT, cause TEXT,"
    " peak_bytes INTEGER, cpus TEXT, gpus TEXT, mem TEXT, resources TEXT,"
    " out_path TEXT, out_offset INTEGER, out_length INTEGER, err_path TEXT,"
    " err_offset INTEGER, err_length INTEGER);"
    "CREATE TABLE results(task INTEGER PRIMARY KEY, value BLOB);"
    "CREATE TABLE files(task INTEGER, in_out TEXT, path TEXT,"
    " bytes INTEGER);";

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN",
    [COMMIT] = "COMMIT",
    [PROGRESS] = "UPDATE progress SET journal_bytes=?,journal_mark=?,epoch=?,"
                 "first_wall_ns=?,first_ns=?,last_end_ns=?",
    [RUN] = "INSERT OR REPLACE INTO epochs(epoch,start_unix,first_s,host,pid,"
            "job,version,cwd,args,state) VALUES(?,?,?,?,?,?,?,?,?,'running')",
    [STATE] = "UPDATE epochs SET state=?,end_unix=?,finished=?,failed=?,"
              "cancelled=?,reason=? WHERE epoch=?",
    [TASK] = "INSERT OR REPLACE INTO tasks VALUES(?,?,?,?,?,?,?,?,?,"
             "'submitted',0)",
    [ATTEMPT] = "INSERT INTO attempts VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,"
                "?,?,?,?,?,?,?)",
    [OUTCOME] = "UPDATE tasks SET state=?,attempts=attempts+1 WHERE task=?"
                " AND state<>'finished'",
    [RESULT] = "INSERT OR REPLACE INTO results VALUES(?,?)",
    [PATH] = "INSERT INTO files VALUES(?,?,?,?)",
};

struct hayi_journal_tables {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    char *path;
    uint64_t mark;
    uint32_t epoch;
    uint64_t first_wall_ns; /* of the first epoch */
    uint64_t first_ns;      /* the epoch's start, since then */
    uint64_t last_end_ns;
};

static hay_status fail(const struct hayi_journal_tables *tables,
                       struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_EIO,
                     "%s: %s",
                     tables->path,
                     tables->db != NULL ? sqlite3_errmsg(tables->db)
                                        : "out of memory");
}

/* ---- binding: places count from 1 ---- */

struct row {
    sqlite3_stmt *statement;
    int place;
};

static void number(struct row *row, uint64_t value)
{
    (void)sqlite3_bind_int64(
        row->statement, ++row->place, (sqlite3_int64)value);
}

static void seconds(struct row *row, uint64_t ns)
{
    (void)sqlite3_bind_double(row->statement, ++row->place, (double)ns / 1e9);
}

static void text(struct row *row, const char *value, int size)
{
    (void)sqlite3_bind_text(
        row->statement, ++row->place, value, size, SQLITE_STATIC);
}

static struct row begin(struct hayi_journal_tables *tables,
                        enum statement which)
{
    return (struct row){.statement = tables->statements[which]};
}

static hay_status
run(struct hayi_journal_tables *tables, struct row *row, struct hayi_error *err)
{
    int rc = sqlite3_step(row->statement);
    hay_status status =
        rc == SQLITE_DONE || rc == SQLITE_ROW ? HAY_OK : fail(tables, err);
    (void)sqlite3_reset(row->statement);
    (void)sqlite3_clear_bindings(row->statement);
    return status;
}

/* ---- records ---- */

static hay_status add_run(struct hayi_journal_tables *tables,
                          const struct hayi_journal_run *start,
                          struct hayi_error *err)
{
    if (tables->epoch == 0) {
        tables->first_wall_ns = start->wall_ns;
    }
    uint64_t first = start->wall_ns > tables->first_wall_ns
                         ? start->wall_ns - tables->first_wall_ns
                         : 0;
    tables->first_ns =
        first > tables->last_end_ns ? first : tables->last_end_ns;
    tables->epoch = start->epoch;
    char *args = malloc(start->args_size + 1);
    if (args == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    for (size_t i = 0; i < start->args_size; i++) {
        args[i] = start->args[i] != 0 ? start->args[i] : ' ';
    }
    size_t size = start->args_size > 0 ? start->args_size - 1 : 0;
    args[size] = 0;
    struct row row = begin(tables, RUN);
    number(&row, start->epoch);
    seconds(&row, start->wall_ns);
    seconds(&row, tables->first_ns);
    text(&row, start->host, -1);
    number(&row, (uint64_t)(int64_t)start->pid);
    text(&row, start->job, -1);
    text(&row, start->version, -1);
    text(&row, start->cwd, -1);
    text(&row, args, (int)size);
    hay_status status = run(tables, &row, err);
    free(args);
    return status;
}

static hay_status add_state(struct hayi_journal_tables *tables,
                            const struct hayi_journal_state *state,
                            struct hayi_error *err)
{
    static const char *const names[] = {"", "ended", "drained", "broken"};
    struct row row = begin(tables, STATE);
    text(&row, state->state < 4 ? names[state->state] : "", -1);
    seconds(&row, state->wall_ns);
    number(&row, state->finished);
    number(&row, state->failed);
    number(&row, state->cancelled);
    text(&row, state->text, -1);
    number(&row, state->epoch);
    return run(tables, &row, err);
}

static hay_status add_task(struct hayi_journal_tables *tables,
                           const struct hayi_journal_task *task,
                           struct hayi_error *err)
{
    static const char *const kinds[] = {
        "", "function", "command", "fake", "map", "put"};
    char key[80] = "";
    const struct hayi_journal_key *k = &task->key;
    if ((k->what | k->around | k->inputs | k->files) != 0) {
        (void)snprintf(key,
                       sizeof(key),
                       "%016" PRIx64 "%016" PRIx64 "%016" PRIx64 "%016" PRIx64,
                       k->what,
                       k->around,
                       k->inputs,
                       k->files);
    }
    struct row row = begin(tables, TASK);
    number(&row, task->id);
    text(&row, task->name, -1);
    text(&row, task->category, -1);
    text(&row, task->kind < 6 ? kinds[task->kind] : "", -1);
    number(&row, task->nested);
    number(&row, task->cores);
    number(&row, tables->epoch);
    number(&row, task->ordinal);
    text(&row, key, -1);
    return run(tables, &row, err);
}

/* "CPUS<tab>GPUS<tab>MEM<tab>RESOURCES" as four columns. */
static void columns(struct row *row, const char *had)
{
    for (int i = 0; i < 4; i++) {
        size_t size = i < 3 ? strcspn(had, "\t") : strlen(had);
        text(row, had, (int)size);
        had += size + (had[size] == '\t');
    }
}

static hay_status add_attempt(struct hayi_journal_tables *tables,
                              const struct hayi_attempt_line *line,
                              struct hayi_error *err)
{
    struct row row = begin(tables, ATTEMPT);
    uint64_t end_ns = tables->first_ns + line->end_ns;
    number(&row, line->task);
    number(&row, line->attempt);
    number(&row, tables->epoch);
    text(&row, line->state, -1);
    number(&row, line->worker);
    number(&row, line->slot);
    number(&row, line->cores);
    seconds(&row, tables->first_ns + line->start_ns);
    seconds(&row, end_ns);
    number(&row, (uint64_t)(int64_t)line->exit_code);
    number(&row, (uint64_t)(int64_t)line->signal);
    text(&row, line->reason, -1);
    text(&row, line->cause, -1);
    number(&row, line->memory_peak_bytes);
    columns(&row, line->had);
    for (int i = 0; i < 2; i++) {
        text(&row, line->path[i], -1); /* NULL: NULL */
        number(&row, line->offset[i]);
        number(&row, line->length[i]);
    }
    tables->last_end_ns =
        end_ns > tables->last_end_ns ? end_ns : tables->last_end_ns;
    hay_status status = run(tables, &row, err);
    if (status == HAY_OK) {
        row = begin(tables, OUTCOME);
        text(&row, line->state, -1);
        number(&row, line->task);
        status = run(tables, &row, err);
    }
    return status;
}

static hay_status add_result(struct hayi_journal_tables *tables,
                             const struct hayi_journal_result *result,
                             struct hayi_error *err)
{
    struct row row = begin(tables, RESULT);
    number(&row, result->task);
    (void)sqlite3_bind_blob(row.statement,
                            ++row.place,
                            result->value,
                            (int)result->size,
                            SQLITE_STATIC);
    return run(tables, &row, err);
}

static hay_status add_file(struct hayi_journal_tables *tables,
                           const struct hayi_file_line *line,
                           struct hayi_error *err)
{
    struct row row = begin(tables, PATH);
    number(&row, line->task);
    text(&row, line->out ? "out" : "in", -1);
    text(&row, line->path, -1);
    if (line->bytes != UINT64_MAX) {
        number(&row, line->bytes);
    }
    return run(tables, &row, err);
}

hay_status hayi_journal_tables_add(struct hayi_journal_tables *tables,
                                   const struct hayi_journal_record *record,
                                   struct hayi_error *err)
{
    switch (record->kind) {
    case HAYI_JOURNAL_RUN:
        return add_run(tables, &record->u.run, err);
    case HAYI_JOURNAL_TASK:
        return add_task(tables, &record->u.task, err);
    case HAYI_JOURNAL_ATTEMPT:
        return add_attempt(tables, &record->u.attempt, err);
    case HAYI_JOURNAL_RESULT:
        return add_result(tables, &record->u.result, err);
    case HAYI_JOURNAL_FILE:
        return add_file(tables, &record->u.file, err);
    case HAYI_JOURNAL_STATE:
        return add_state(tables, &record->u.state, err);
    default:
        return HAY_OK;
    }
}

/* ---- life ---- */

hay_status hayi_journal_tables_begin(struct hayi_journal_tables *tables,
                                     struct hayi_error *err)
{
    struct row row = begin(tables, BEGIN);
    return run(tables, &row, err);
}

hay_status hayi_journal_tables_commit(struct hayi_journal_tables *tables,
                                      uint64_t whole,
                                      struct hayi_error *err)
{
    struct row row = begin(tables, PROGRESS);
    number(&row, whole);
    number(&row, tables->mark);
    number(&row, tables->epoch);
    number(&row, tables->first_wall_ns);
    number(&row, tables->first_ns);
    number(&row, tables->last_end_ns);
    hay_status status = run(tables, &row, err);
    if (status == HAY_OK) {
        row = begin(tables, COMMIT);
        status = run(tables, &row, err);
    }
    return status;
}

static bool open_file(struct hayi_journal_tables *tables)
{
    const int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    return sqlite3_open_v2(tables->path, &tables->db, flags, "unix-none")
               == SQLITE_OK
           && sqlite3_exec(tables->db, pragmas, NULL, NULL, NULL) == SQLITE_OK;
}

/* How far it was read before; 0: it is of no use. */
static uint64_t go_on(struct hayi_journal_tables *tables, uint64_t whole)
{
    static const char question[] =
        "SELECT journal_bytes,journal_mark,epoch,first_wall_ns,first_ns,"
        "last_end_ns,version FROM progress,schema_version";
    sqlite3_stmt *statement = NULL;
    uint64_t values[7] = {0};
    if (access(tables->path, F_OK) != 0 || !open_file(tables)
        || sqlite3_prepare_v2(tables->db, question, -1, &statement, NULL)
               != SQLITE_OK) {
        return 0;
    }
    bool found = sqlite3_step(statement) == SQLITE_ROW;
    for (int i = 0; found && i < 7; i++) {
        values[i] = (uint64_t)sqlite3_column_int64(statement, i);
    }
    (void)sqlite3_finalize(statement);
    if (!found || values[0] > whole || values[0] < HAYI_JOURNAL_HEAD
        || values[1] != tables->mark || values[6] != HAYI_JOURNAL_SCHEMA) {
        return 0;
    }
    tables->epoch = (uint32_t)values[2];
    tables->first_wall_ns = values[3];
    tables->first_ns = values[4];
    tables->last_end_ns = values[5];
    return values[0];
}

static hay_status begin_anew(struct hayi_journal_tables *tables,
                             struct hayi_error *err)
{
    (void)sqlite3_close(tables->db);
    tables->db = NULL;
    (void)unlink(tables->path);
    return open_file(tables)
                   && sqlite3_exec(tables->db, schema, NULL, NULL, NULL)
                          == SQLITE_OK
               ? HAY_OK
               : fail(tables, err);
}

static hay_status prepare(struct hayi_journal_tables *tables,
                          struct hayi_error *err)
{
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v2(
                tables->db, texts[i], -1, &tables->statements[i], NULL)
            != SQLITE_OK) {
            return fail(tables, err);
        }
    }
    return HAY_OK;
}

hay_status hayi_journal_tables_open(const char *path,
                                    uint64_t mark,
                                    uint64_t whole,
                                    uint64_t *from,
                                    struct hayi_journal_tables **out,
                                    struct hayi_error *err)
{
    struct hayi_journal_tables *tables = calloc(1, sizeof(*tables));
    if (tables == NULL || (tables->path = strdup(path)) == NULL) {
        free(tables);
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    tables->mark = mark;
    uint64_t place = go_on(tables, whole);
    hay_status status = place != 0 ? HAY_OK : begin_anew(tables, err);
    if (status == HAY_OK) {
        status = prepare(tables, err);
    }
    if (status != HAY_OK) {
        (void)hayi_journal_tables_close(tables, NULL);
        return status;
    }
    *from = place != 0 ? place : HAYI_JOURNAL_HEAD;
    *out = tables;
    return HAY_OK;
}

hay_status hayi_journal_tables_close(struct hayi_journal_tables *tables,
                                     struct hayi_error *err)
{
    if (tables == NULL) {
        return HAY_OK;
    }
    for (int i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(tables->statements[i]);
    }
    hay_status status = HAY_OK;
    if (sqlite3_close(tables->db) != SQLITE_OK) {
        status = fail(tables, err);
    }
    free(tables->path);
    free(tables);
    return status;
}
