/* test_journal.c - the writer: what is durable, what goes on, what fails; and
 * its face. */
#include "config.h"

#include "journal/journal.h"

#include "base/clock.h"
#include "base/hash.h"

#include "sample.h"

#include "support/unit.h"

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static char place[] = "/tmp/hay-journal-XXXXXX";
static char folder[sizeof(place) + 12];
static char path[sizeof(folder) + 16];
static unsigned number; /* of the test's folder */
static struct hayi_bell bell;
static struct hayi_journal *journal;
static struct hayi_journal_table *table;
static struct hayi_journal_facts facts;
static struct hayi_error err;

static int setup_suite(void)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    return mkdtemp(place) == NULL;
}

static int clean_suite(void)
{
    char line[sizeof(place) + 20];
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", place);
    return system(line) != 0;
}

static void setup(void)
{
    (void)snprintf(folder, sizeof(folder), "%s/%u", place, number++);
    (void)snprintf(path, sizeof(path), "%s/journal.log", folder);
    CU_ASSERT_EQUAL_FATAL(mkdir(folder, 0777), 0);
    CU_ASSERT_EQUAL_FATAL(hayi_bell_init(&bell), HAY_OK);
}

static void drop_table(void)
{
    hayi_journal_table_free(table);
    table = NULL;
}

static void teardown(void)
{
    (void)hayi_journal_close(journal, NULL);
    journal = NULL;
    drop_table();
    hayi_bell_fini(&bell);
}

static hay_status open_it(void)
{
    const struct hayi_journal_options options = {.bell = &bell};
    drop_table();
    hay_status status =
        hayi_journal_open(folder, &options, &journal, &table, &err);
    if (status == HAY_OK && table != NULL) {
        hayi_journal_table_facts(table, &facts);
    }
    return status;
}

static hay_status close_it(void)
{
    hay_status status = hayi_journal_close(journal, &err);
    journal = NULL;
    return status;
}

static void load_it(void)
{
    drop_table();
    CU_ASSERT_EQUAL_FATAL(hayi_journal_load(path, NULL, NULL, &table, &err),
                          HAY_OK);
    hayi_journal_table_facts(table, &facts);
}

static uint64_t append(hay_task_id id, const char *name)
{
    const struct hayi_journal_task task = {
        .id = id, .kind = 2, .name = name, .category = ""};
    const struct hayi_attempt_line line = {.task = id,
                                           .attempt = 1,
                                           .state = "finished",
                                           .end_ns = id * 1000000,
                                           .reason = "",
                                           .cause = "",
                                           .had = ""};
    (void)hayi_journal_append_task(journal, &task);
    return hayi_journal_append_attempt(journal, &line);
}

/* Until it is durable, or fails.  The bell tells. */
static bool wait_for(uint64_t record)
{
    for (;;) {
        hayi_bell_announce(&bell);
        bool there = hayi_journal_durable(journal) >= record;
        bool failed = hayi_journal_failed(journal, &err) != HAY_OK;
        struct pollfd wait = {.fd = bell.fd, .events = POLLIN};
        int rc = there || failed ? 1 : poll(&wait, 1, 60000);
        hayi_bell_awake(&bell);
        if (there || failed || rc != 1) {
            return there;
        }
    }
}

static void what_is_appended_becomes_durable(void)
{
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    CU_ASSERT_PTR_NULL(table);
    CU_ASSERT_EQUAL(hayi_journal_epoch(journal), 1);
    uint64_t record = append(1, "a");
    CU_ASSERT_TRUE(record > hayi_journal_durable(journal));
    hayi_journal_commit(journal);
    CU_ASSERT_TRUE(wait_for(record));
    load_it(); /* while it is written */
    CU_ASSERT_EQUAL(facts.whole, record);
    CU_ASSERT_PTR_NOT_NULL(hayi_recorded_by_name(table, "a"));
    (void)append(2, "b"); /* without a commit */
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    load_it();
    CU_ASSERT_PTR_NOT_NULL(hayi_recorded_by_name(table, "b"));
    CU_ASSERT_EQUAL(facts.torn, 0);
}

static void second_run_goes_on(void)
{
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    (void)append(7, "a");
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(table);
    CU_ASSERT_EQUAL(facts.id_max, 7);
    CU_ASSERT_EQUAL(hayi_journal_epoch(journal), 2);
    CU_ASSERT_TRUE(hayi_journal_first_ns(journal) >= 7000000);
    (void)append(8, "b");
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    load_it();
    CU_ASSERT_EQUAL(facts.epoch, 2);
    CU_ASSERT_EQUAL(facts.tasks, 2);
    CU_ASSERT_EQUAL(facts.damage_count, 0);
}

static void torn_tail_is_cut_off(void)
{
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    (void)append(1, "a");
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    FILE *file = fopen(path, "a");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    (void)fputs("HJ\2 torn", file);
    (void)fclose(file);
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    CU_ASSERT_EQUAL(facts.torn, 8);
    (void)append(2, "b");
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    load_it();
    CU_ASSERT_EQUAL(facts.damage_count, 0);
    CU_ASSERT_EQUAL(facts.torn, 0);
    CU_ASSERT_EQUAL(facts.tasks, 2);
}

static void second_one_is_refused(void)
{
    struct hayi_journal *second;
    struct hayi_journal_table *none;
    const struct hayi_journal_options options = {.bell = NULL};
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    CU_ASSERT_EQUAL(hayi_journal_open(folder, &options, &second, &none, &err),
                    HAY_EAGAIN);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "is in use by hayfork"));
}

static void newer_journal_is_not_touched(void)
{
    struct sample sample;
    struct stat about;
    sample_init(&sample);
    sample.log.data[16] = HAYI_JOURNAL_VERSION + 1;
    uint64_t check = hayi_hash(HAYI_HASH_XXH64, sample.log.data, 24);
    memcpy(sample.log.data + 24, &check, sizeof(check));
    CU_ASSERT_TRUE_FATAL(
        sample_write(path, sample.log.data, sample.log.size - 3));
    CU_ASSERT_EQUAL(open_it(), HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "newer hayfork"));
    CU_ASSERT_EQUAL(stat(path, &about), 0);
    CU_ASSERT_EQUAL((size_t)about.st_size, sample.log.size - 3);
    sample_fini(&sample);
}

static bool limit_files(rlim_t bytes)
{
    struct rlimit limit;
    (void)getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    return setrlimit(RLIMIT_FSIZE, &limit) == 0;
}

/* A file that cannot grow is as good as a full disk. */
static void full_disk_leaves_whole_records(void)
{
    struct stat about;
    const struct hayi_journal_options options = {.bell = &bell,
                                                 .no_face = true};
    CU_ASSERT_EQUAL_FATAL(
        hayi_journal_open(folder, &options, &journal, &table, &err), HAY_OK);
    CU_ASSERT_TRUE_FATAL(limit_files(10001));
    uint64_t last = 0;
    for (hay_task_id id = 1; id <= 200; id++) {
        last = append(id, "name");
    }
    hayi_journal_commit(journal);
    CU_ASSERT_FALSE(wait_for(last));
    CU_ASSERT_EQUAL(hayi_journal_failed(journal, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "journal.log: File too large"));
    uint64_t durable = hayi_journal_durable(journal);
    CU_ASSERT_EQUAL(append(300, "more"), UINT64_MAX);
    CU_ASSERT_EQUAL(close_it(), HAY_EIO);
    CU_ASSERT_TRUE(limit_files(RLIM_INFINITY));
    load_it();
    CU_ASSERT_TRUE(durable > 9800 && durable <= 10001);
    CU_ASSERT_EQUAL(facts.whole, durable);
    CU_ASSERT_EQUAL(facts.torn, 0);
    CU_ASSERT_EQUAL(stat(path, &about), 0);
    CU_ASSERT_EQUAL((uint64_t)about.st_size, durable);
}

/* The journal is not written over by one that has lost its folder. */
static void nothing_is_written_once_the_lock_is_lost(void)
{
    char lock[sizeof(folder) + 16];
    struct stat before;
    struct stat after;
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    CU_ASSERT_EQUAL(stat(path, &before), 0);
    (void)snprintf(lock, sizeof(lock), "%s/run.lock", folder);
    CU_ASSERT_EQUAL(unlink(lock), 0);
    hayi_bell_announce(&bell);
    struct pollfd wait = {.fd = bell.fd, .events = POLLIN};
    CU_ASSERT_EQUAL(poll(&wait, 1, 60000), 1);
    CU_ASSERT_EQUAL(hayi_journal_failed(journal, &err), HAY_EFARM);
    CU_ASSERT_EQUAL(append(1, "late"), UINT64_MAX);
    CU_ASSERT_EQUAL(close_it(), HAY_EFARM);
    CU_ASSERT_EQUAL(stat(path, &after), 0);
    CU_ASSERT_EQUAL(before.st_size, after.st_size);
}

static int64_t ask(const char *question)
{
    char name[sizeof(folder) + 16];
    sqlite3 *db = NULL;
    sqlite3_stmt *statement = NULL;
    int64_t answer = -1;
    (void)snprintf(name, sizeof(name), "%s/run.db", folder);
    if (sqlite3_open_v2(name, &db, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK
        && sqlite3_prepare_v2(db, question, -1, &statement, NULL) == SQLITE_OK
        && sqlite3_step(statement) == SQLITE_ROW) {
        answer = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    (void)sqlite3_close(db);
    return answer;
}

static void face_tells_what_the_log_tells(void)
{
    struct sample sample;
    sample_init(&sample);
    CU_ASSERT_TRUE_FATAL(sample_write(path, sample.log.data, sample.log.size));
    sample_fini(&sample);
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    (void)append(150, "more");
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    CU_ASSERT_EQUAL(ask("SELECT version FROM schema_version"), 1);
    CU_ASSERT_EQUAL(ask("SELECT count(*) FROM epochs"), 3);
    CU_ASSERT_EQUAL(ask("SELECT count(*) FROM tasks"), SAMPLE_TASKS + 2);
    CU_ASSERT_EQUAL(ask("SELECT count(*) FROM attempts"), 9);
    CU_ASSERT_EQUAL(ask("SELECT count(*) FROM tasks WHERE state='finished'"),
                    8);
    CU_ASSERT_EQUAL(ask("SELECT length(value) FROM results WHERE task=5"), 5);
    CU_ASSERT_EQUAL(ask("SELECT bytes FROM files WHERE path='out.dat'"), 77);
    CU_ASSERT_EQUAL(ask("SELECT out_length FROM attempts WHERE task=101"), 20);
    struct stat about;
    CU_ASSERT_EQUAL(stat(path, &about), 0);
    CU_ASSERT_EQUAL(ask("SELECT journal_bytes FROM progress"), about.st_size);
}

/* ... and one of another journal is made anew. */
static void face_goes_on_where_it_was(void)
{
    char name[sizeof(folder) + 16];
    char line[2 * sizeof(name) + 20];
    (void)snprintf(name, sizeof(name), "%s/run.db", folder);
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    (void)append(1, "a");
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    (void)snprintf(
        line, sizeof(line), "cp '%s' '%s/../other.db'", name, folder);
    CU_ASSERT_EQUAL(system(line), 0);
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    (void)append(2, "b");
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    CU_ASSERT_EQUAL(ask("SELECT count(*) FROM epochs"), 2);
    CU_ASSERT_EQUAL(ask("SELECT count(*) FROM attempts"), 2);
    CU_ASSERT_EQUAL(ask("SELECT count(*) FROM attempts WHERE epoch=2"
                        " AND start_s >= (SELECT first_s FROM epochs"
                        " WHERE epoch=2)"),
                    1);
    teardown();
    setup(); /* another folder */
    (void)snprintf(
        line, sizeof(line), "cp '%s/../other.db' '%s/run.db'", folder, folder);
    CU_ASSERT_EQUAL(system(line), 0);
    CU_ASSERT_EQUAL_FATAL(open_it(), HAY_OK);
    (void)append(5, "c");
    CU_ASSERT_EQUAL(close_it(), HAY_OK);
    CU_ASSERT_EQUAL(ask("SELECT count(*) FROM tasks"), 1);
    CU_ASSERT_EQUAL(ask("SELECT task FROM tasks"), 5);
}

static CU_TestInfo tests[] = {
    {"what_is_appended_becomes_durable", what_is_appended_becomes_durable},
    {"second_run_goes_on", second_run_goes_on},
    {"torn_tail_is_cut_off", torn_tail_is_cut_off},
    {"second_one_is_refused", second_one_is_refused},
    {"newer_journal_is_not_touched", newer_journal_is_not_touched},
    {"full_disk_leaves_whole_records", full_disk_leaves_whole_records},
    {"nothing_is_written_once_the_lock_is_lost",
     nothing_is_written_once_the_lock_is_lost},
    {"face_tells_what_the_log_tells", face_tells_what_the_log_tells},
    {"face_goes_on_where_it_was", face_goes_on_where_it_was},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"journal/journal", setup_suite, clean_suite, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
