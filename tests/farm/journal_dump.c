/* journal_dump.c - what journal.log and run.db of a run folder say, for tests.
 *
 *     journal_dump log|db FOLDER     "ID<tab>NAME<tab>STATE<tab>ATTEMPTS"
 *
 * In the order of submission; the log as far as it is whole, damage on standard
 * error.
 */
#include "config.h"

#include "journal/journal_read.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static int dump_log(const char *folder)
{
    static const char *const states[] = {
        "submitted", "finished", "failed", "cancelled", "lost"};
    char path[4096];
    char damage[4600];
    struct hayi_error err;
    struct hayi_journal_table *table;
    struct hayi_journal_facts facts;
    (void)snprintf(path, sizeof(path), "%s/journal.log", folder);
    if (hayi_journal_load(path, NULL, NULL, &table, &err) != HAY_OK) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    hayi_journal_table_facts(table, &facts);
    hayi_journal_word_damage(path, &facts, damage, sizeof(damage));
    (void)fputs(damage, stderr);
    const struct hayi_recorded *task;
    for (uint64_t i = 0; (task = hayi_recorded_at(table, i)) != NULL; i++) {
        (void)printf("%" PRIu64 "\t%s\t%s\t%" PRIu32 "\n",
                     task->id,
                     hayi_recorded_name(table, task),
                     states[task->state],
                     task->attempts);
    }
    hayi_journal_table_free(table);
    return 0;
}

static int dump_db(const char *folder)
{
    char path[4096];
    sqlite3 *db = NULL;
    sqlite3_stmt *rows = NULL;
    (void)snprintf(path, sizeof(path), "%s/run.db", folder);
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK
        || sqlite3_prepare_v2(db,
                              "SELECT task,name,state,attempts FROM tasks"
                              " ORDER BY task",
                              -1,
                              &rows,
                              NULL)
               != SQLITE_OK) {
        (void)fprintf(stderr, "%s: %s\n", path, sqlite3_errmsg(db));
        return 1;
    }
    int rc;
    while ((rc = sqlite3_step(rows)) == SQLITE_ROW) {
        (void)printf("%lld\t%s\t%s\t%lld\n",
                     (long long)sqlite3_column_int64(rows, 0),
                     (const char *)sqlite3_column_text(rows, 1),
                     (const char *)sqlite3_column_text(rows, 2),
                     (long long)sqlite3_column_int64(rows, 3));
    }
    (void)sqlite3_finalize(rows);
    (void)sqlite3_close(db);
    return rc == SQLITE_DONE ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        return 2;
    }
    return strcmp(argv[1], "db") == 0 ? dump_db(argv[2]) : dump_log(argv[2]);
}
