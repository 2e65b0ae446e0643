/* test_journal_read.c - a journal as a table of tasks. */
#include "config.h"

#include "journal/journal_read.h"

#include "base/hash.h"

#include "sample.h"

#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- allocations that fail: the linker leads ours here ------------------- */

static long allocations_left = -1; /* -1: all work */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);

static bool allowed(void)
{
    if (allocations_left < 0) {
        return true;
    }
    return allocations_left > 0 && allocations_left-- > 0;
}

void *__wrap_malloc(size_t size)
{
    return allowed() ? __real_malloc(size) : NULL;
}

void *__wrap_calloc(size_t count, size_t size)
{
    return allowed() ? __real_calloc(count, size) : NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
    return allowed() ? __real_realloc(memory, size) : NULL;
}

/* ---- */

static char place[] = "/tmp/hay-journal-read-XXXXXX";
static char path[sizeof(place) + 16];
static struct sample sample;
static struct hayi_journal_table *table;
static struct hayi_journal_facts facts;

static int setup_suite(void)
{
    if (mkdtemp(place) == NULL) {
        return 1;
    }
    (void)snprintf(path, sizeof(path), "%s/journal.log", place);
    return 0;
}

static int clean_suite(void)
{
    (void)unlink(path);
    return rmdir(place);
}

static void setup(void)
{
    sample_init(&sample);
}

static void teardown(void)
{
    hayi_journal_table_free(table);
    table = NULL;
    sample_fini(&sample);
}

/* What is written is read. */
static hay_status load(size_t size, struct hayi_error *err)
{
    hayi_journal_table_free(table);
    table = NULL;
    CU_ASSERT_TRUE_FATAL(sample_write(path, sample.log.data, size));
    hay_status status = hayi_journal_load(path, NULL, NULL, &table, err);
    if (status == HAY_OK) {
        hayi_journal_table_facts(table, &facts);
    }
    return status;
}

static void tasks_are_found_by_name(void)
{
    const void *value;
    size_t size;
    CU_ASSERT_EQUAL_FATAL(load(sample.log.size, NULL), HAY_OK);
    const struct hayi_recorded *task = hayi_recorded_by_name(table, "t5");
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->id, 5);
    CU_ASSERT_EQUAL(task->state, HAYI_RECORDED_FINISHED);
    CU_ASSERT_EQUAL(task->key.what, 5);
    CU_ASSERT_EQUAL(task->run_ns, 10000);
    CU_ASSERT_EQUAL(task->epoch, 1);
    CU_ASSERT_STRING_EQUAL(hayi_recorded_name(table, task), "t5");
    CU_ASSERT_TRUE_FATAL(hayi_recorded_result(table, task, &value, &size));
    CU_ASSERT_EQUAL(size, 5);
    CU_ASSERT_EQUAL(memcmp(value, "\1\2\3\4\5", 5), 0);
    task = hayi_recorded_by_name(table, "t9");
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->state, HAYI_RECORDED_SUBMITTED);
    CU_ASSERT_STRING_EQUAL(hayi_recorded_category(table, task), "fit");
    CU_ASSERT_FALSE(hayi_recorded_result(table, task, &value, &size));
    CU_ASSERT_PTR_NULL(hayi_recorded_by_name(table, "t2")); /* has no name */
    CU_ASSERT_PTR_NULL(hayi_recorded_by_name(table, ""));
}

static void unnamed_tasks_are_found_by_key_and_ordinal(void)
{
    struct hayi_journal_key key = {4, 2, 3, 4};
    CU_ASSERT_EQUAL_FATAL(load(sample.log.size, NULL), HAY_OK);
    const struct hayi_recorded *task = hayi_recorded_by_key(table, &key, 0);
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->id, 4);
    CU_ASSERT_PTR_NULL(hayi_recorded_by_key(table, &key, 1));
    key.inputs = 9;
    CU_ASSERT_PTR_NULL(hayi_recorded_by_key(table, &key, 0));
    key = (struct hayi_journal_key){5, 2, 3, 4}; /* of a named one */
    CU_ASSERT_PTR_NULL(hayi_recorded_by_key(table, &key, 0));
}

static void the_last_of_a_name_counts(void)
{
    struct hayi_recorded_output output;
    CU_ASSERT_EQUAL_FATAL(load(sample.log.size, NULL), HAY_OK);
    const struct hayi_recorded *task = hayi_recorded_by_name(table, "t7");
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->id, 101);
    CU_ASSERT_EQUAL(task->epoch, 2);
    CU_ASSERT_TRUE(task->latest);
    CU_ASSERT_EQUAL(task->state, HAYI_RECORDED_FINISHED);
    CU_ASSERT_TRUE_FATAL(hayi_recorded_output(table, task, &output));
    CU_ASSERT_STRING_EQUAL(output.path[0], "output/w3.s1.0.out");
    CU_ASSERT_PTR_NULL(output.path[1]);
    CU_ASSERT_EQUAL(output.length[0], 20);
    const struct hayi_recorded_file *file =
        hayi_recorded_file(table, task->file);
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_STRING_EQUAL(file->path, "out.dat");
    CU_ASSERT_EQUAL(file->bytes, 77);
    CU_ASSERT_TRUE(file->out);
    CU_ASSERT_EQUAL(file->next, 0);
    task = hayi_recorded_by_id(table, 7);
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->state, HAYI_RECORDED_FAILED);
    CU_ASSERT_EQUAL(task->exit_code, 3);
    CU_ASSERT_FALSE(task->latest);
}

/* Also if the later one has not got so far. */
static void a_later_one_undoes_what_was_finished(void)
{
    sample_add_task(&sample, 102, "t1");
    CU_ASSERT_EQUAL_FATAL(load(sample.log.size, NULL), HAY_OK);
    const struct hayi_recorded *task = hayi_recorded_by_name(table, "t1");
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->id, 102);
    CU_ASSERT_EQUAL(task->state, HAYI_RECORDED_SUBMITTED);
}

static void finished_stays_finished(void)
{
    sample_add_end(&sample, 3, "failed");
    CU_ASSERT_EQUAL_FATAL(load(sample.log.size, NULL), HAY_OK);
    const struct hayi_recorded *task = hayi_recorded_by_id(table, 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(task);
    CU_ASSERT_EQUAL(task->state, HAYI_RECORDED_FINISHED);
}

static void the_facts_are_told(void)
{
    CU_ASSERT_EQUAL_FATAL(load(sample.log.size, NULL), HAY_OK);
    CU_ASSERT_EQUAL(facts.epoch, 2);
    CU_ASSERT_EQUAL(facts.id_max, 101);
    CU_ASSERT_EQUAL(facts.tasks, SAMPLE_TASKS + 1);
    CU_ASSERT_EQUAL(facts.attempts, 8);
    CU_ASSERT_EQUAL(facts.whole, sample.log.size);
    CU_ASSERT_EQUAL(facts.torn, 0);
    CU_ASSERT_EQUAL(facts.damage_count, 0);
    CU_ASSERT_EQUAL(facts.first_wall_ns, 1000000000);
    CU_ASSERT_EQUAL(facts.last_end_ns, 4000000000u + 303000u);
    CU_ASSERT_EQUAL(facts.last_state, HAYI_JOURNAL_ENDED);
    CU_ASSERT_STRING_EQUAL(facts.run.job, "slurm 12");
    CU_ASSERT_STRING_EQUAL(facts.run.cwd, "/data");
    CU_ASSERT_STRING_EQUAL(facts.run.args, "hayfork");
    CU_ASSERT_EQUAL(facts.run.args_size, sizeof("hayfork\0run\0tasks.hay"));
    CU_ASSERT_EQUAL_FATAL(load(sample.ends[sample.end_count - 2], NULL),
                          HAY_OK);
    CU_ASSERT_EQUAL(facts.last_state, 0);
}

static void a_torn_tail_is_measured(void)
{
    size_t whole = sample.ends[sample.end_count - 2];
    CU_ASSERT_EQUAL_FATAL(load(whole + 11, NULL), HAY_OK);
    CU_ASSERT_EQUAL(facts.whole, whole);
    CU_ASSERT_EQUAL(facts.torn, 11);
    CU_ASSERT_EQUAL(facts.damage_count, 0);
}

static void damage_is_worded(void)
{
    char text[600];
    sample.log.data[sample.ends[3] + 20] ^= 1; /* in a record of a task, t3 */
    CU_ASSERT_EQUAL_FATAL(load(sample.log.size, NULL), HAY_OK);
    CU_ASSERT_EQUAL(facts.damage_count, 1);
    CU_ASSERT_EQUAL(facts.damage_first, sample.ends[3]);
    CU_ASSERT_PTR_NULL(hayi_recorded_by_name(table, "t3"));
    CU_ASSERT_PTR_NOT_NULL(hayi_recorded_by_name(table, "t1"));
    CU_ASSERT_PTR_NOT_NULL(hayi_recorded_by_name(table, "t5"));
    CU_ASSERT_EQUAL(facts.attempts, 8);
    hayi_journal_word_damage("j", &facts, text, sizeof(text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "j is damaged at byte "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "done again"));
}

static void a_newer_journal_is_refused(void)
{
    struct hayi_error err;
    /* version 2, with the hash that belongs to it */
    sample.log.data[16] = 2;
    CU_ASSERT_EQUAL(load(sample.log.size, &err), HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "damaged"));
    uint64_t check = hayi_hash(HAYI_HASH_XXH64, sample.log.data, 24);
    memcpy(sample.log.data + 24, &check, sizeof(check));
    CU_ASSERT_EQUAL(load(sample.log.size, &err), HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "newer hayfork"));
}

static void what_cannot_be_read_is_told(void)
{
    struct hayi_error err;
    CU_ASSERT_EQUAL(load(10, &err), HAY_EEMPTY);
    CU_ASSERT_EQUAL(
        hayi_journal_load("/nowhere/journal.log", NULL, NULL, &table, &err),
        HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nowhere/journal.log"));
}

static void allocations_may_fail(void)
{
    struct hayi_error err;
    for (hay_task_id id = 300; id < 330; id++) { /* so that tables grow */
        sample_add_task(&sample, id, "one");
    }
    CU_ASSERT_TRUE_FATAL(sample_write(path, sample.log.data, sample.log.size));
    hay_status status = HAY_ENOMEM;
    long n = 0;
    for (; n < 1000 && status != HAY_OK; n++) {
        allocations_left = n;
        status = hayi_journal_load(path, NULL, NULL, &table, &err);
        allocations_left = -1;
        CU_ASSERT_TRUE(status == HAY_OK || status == HAY_ENOMEM);
    }
    CU_ASSERT_EQUAL(status, HAY_OK);
    CU_ASSERT_TRUE(n > 5);
}

static void wild_journals_make_no_harm(void)
{
    uint64_t dice = 99;
    for (int round = 0; round < 300; round++) {
        size_t size = sample.log.size;
        for (int n = 0; n < 8; n++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            size_t at = 64 + (size_t)(dice >> 32) % (size - 64);
            sample.log.data[at] ^= (unsigned char)(1u << (dice >> 61));
            if ((dice >> 20) % 16 == 0) {
                size = at;
                break;
            }
        }
        CU_ASSERT_EQUAL(load(size, NULL), HAY_OK);
        CU_ASSERT_TRUE(facts.whole + facts.torn == size);
        (void)hayi_recorded_by_name(table, "t7");
        sample_fini(&sample);
        sample_init(&sample);
    }
}

static CU_TestInfo tests[] = {
    {"tasks_are_found_by_name", tasks_are_found_by_name},
    {"unnamed_tasks_are_found_by_key_and_ordinal",
     unnamed_tasks_are_found_by_key_and_ordinal},
    {"the_last_of_a_name_counts", the_last_of_a_name_counts},
    {"a_later_one_undoes_what_was_finished",
     a_later_one_undoes_what_was_finished},
    {"finished_stays_finished", finished_stays_finished},
    {"the_facts_are_told", the_facts_are_told},
    {"a_torn_tail_is_measured", a_torn_tail_is_measured},
    {"damage_is_worded", damage_is_worded},
    {"a_newer_journal_is_refused", a_newer_journal_is_refused},
    {"what_cannot_be_read_is_told", what_cannot_be_read_is_told},
    {"allocations_may_fail", allocations_may_fail},
    {"wild_journals_make_no_harm", wild_journals_make_no_harm},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"journal/journal_read", setup_suite, clean_suite, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
