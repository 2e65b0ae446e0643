/* test_journal_log.c - records as bytes and back; cut, changed, moved. */
#include "config.h"

#include "journal/journal_log.h"

#include "base/hash.h"

#include "sample.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

static struct sample sample;

static void setup(void)
{
    sample_init(&sample);
}

static void teardown(void)
{
    sample_fini(&sample);
}

static struct hayi_journal_cursor whole_log(const void *data, uint64_t size)
{
    struct hayi_journal_cursor cursor;
    hayi_journal_cursor_init(&cursor);
    hayi_journal_cursor_feed(&cursor, data, 0, size, true);
    return cursor;
}

static void what_was_put_is_read(void)
{
    struct hayi_journal_record r;
    struct hayi_journal_cursor cursor =
        whole_log(sample.log.data, sample.log.size);
    CU_ASSERT_TRUE(hayi_journal_next(&cursor, &r));
    CU_ASSERT_EQUAL(r.kind, HAYI_JOURNAL_RUN);
    CU_ASSERT_EQUAL(r.u.run.epoch, 1);
    CU_ASSERT_EQUAL(r.u.run.pid, 4711);
    CU_ASSERT_STRING_EQUAL(r.u.run.host, "node7");
    CU_ASSERT_STRING_EQUAL(r.u.run.cwd, "/data");
    CU_ASSERT_STRING_EQUAL(r.u.run.args + 8, "run");
    CU_ASSERT_TRUE(hayi_journal_next(&cursor, &r));
    CU_ASSERT_EQUAL(r.kind, HAYI_JOURNAL_TASK);
    CU_ASSERT_STRING_EQUAL(r.u.task.name, "t1");
    CU_ASSERT_EQUAL(r.u.task.key.what, 1);
    CU_ASSERT_EQUAL(r.u.task.key.files, 4);
    while (r.kind != HAYI_JOURNAL_ATTEMPT && hayi_journal_next(&cursor, &r)) {
    }
    const struct hayi_attempt_line *line = &r.u.attempt;
    CU_ASSERT_EQUAL(line->task, 1);
    CU_ASSERT_STRING_EQUAL(line->state, "finished");
    CU_ASSERT_EQUAL(line->worker, 3);
    CU_ASSERT_EQUAL(line->start_ns, 1000);
    CU_ASSERT_EQUAL(line->end_ns, 3000);
    CU_ASSERT_STRING_EQUAL(line->had, "0-1\t\t\t");
    CU_ASSERT_PTR_NULL(line->path[0]);
    size_t count = sample.end_count - 1;
    size_t read = 1;
    cursor = whole_log(sample.log.data, sample.log.size);
    for (; hayi_journal_next(&cursor, &r); read++) {
        CU_ASSERT_EQUAL(r.end, sample.ends[read]);
    }
    CU_ASSERT_EQUAL(read - 1, count);
    CU_ASSERT_EQUAL(cursor.whole, sample.log.size);
    CU_ASSERT_EQUAL(cursor.damage_count, 0);
    CU_ASSERT_EQUAL(r.kind, HAYI_JOURNAL_STATE);
    CU_ASSERT_EQUAL(r.u.state.finished, 7);
}

/* At each byte: all records that end before it are there, and no more. */
static void a_cut_log_keeps_what_is_whole(void)
{
    size_t whole = 0;
    for (size_t size = HAYI_JOURNAL_HEAD; size <= sample.log.size; size++) {
        void *cut = malloc(size);
        memcpy(cut, sample.log.data, size);
        struct hayi_journal_record r;
        struct hayi_journal_cursor cursor = whole_log(cut, size);
        size_t read = 0;
        while (hayi_journal_next(&cursor, &r)) {
            read++;
        }
        if (sample.ends[whole + 1] == size) {
            whole++;
        }
        CU_ASSERT_EQUAL(read, whole);
        CU_ASSERT_EQUAL(cursor.whole, sample.ends[whole]);
        CU_ASSERT_EQUAL(cursor.damage_count, 0);
        free(cut);
    }
}

/* The number of the record that holds a byte. */
static size_t record_of(size_t byte)
{
    size_t i = 1;
    while (sample.ends[i] <= byte) {
        i++;
    }
    return i;
}

static void a_changed_byte_costs_its_record_only(void)
{
    for (size_t at = HAYI_JOURNAL_HEAD; at < sample.log.size; at++) {
        struct hayi_journal_record r;
        size_t hit = record_of(at);
        sample.log.data[at] ^= 0x10;
        struct hayi_journal_cursor cursor =
            whole_log(sample.log.data, sample.log.size);
        size_t next = 1;
        while (hayi_journal_next(&cursor, &r)) {
            next += next == hit && r.end != sample.ends[hit];
            CU_ASSERT_EQUAL(r.end, sample.ends[next]);
            next++;
        }
        next += next == hit;
        CU_ASSERT_EQUAL(next, sample.end_count);
        if (cursor.damage_count > 0) {
            CU_ASSERT_EQUAL(cursor.damage_first, sample.ends[hit - 1]);
            CU_ASSERT_EQUAL(cursor.damage_bytes,
                            sample.ends[hit] - sample.ends[hit - 1]);
        }
        sample.log.data[at] ^= 0x10;
    }
}

static void a_record_elsewhere_is_none(void)
{
    struct hayi_buffer log;
    struct hayi_journal_record r;
    hayi_buffer_init(&log);
    (void)hayi_journal_put_head(&log);
    const struct hayi_journal_result result = {
        .task = 1, .value = sample.log.data, .size = sample.log.size};
    (void)hayi_journal_put_result(&log, log.size, &result);
    log.data[HAYI_JOURNAL_HEAD + 8] ^= 1; /* the outer one is damaged */
    struct hayi_journal_cursor cursor = whole_log(log.data, log.size);
    CU_ASSERT_FALSE(hayi_journal_next(&cursor, &r));
    CU_ASSERT_EQUAL(cursor.whole, HAYI_JOURNAL_HEAD);
    hayi_buffer_fini(&log);
}

static void small_windows_give_the_same(void)
{
    struct hayi_journal_cursor cursor;
    struct hayi_journal_record r;
    size_t read = 1;
    hayi_journal_cursor_init(&cursor);
    for (uint64_t size = 64; cursor.at < sample.log.size;) {
        uint64_t base = cursor.at;
        uint64_t left = sample.log.size - base;
        size = size < left ? size : left;
        hayi_journal_cursor_feed(
            &cursor, sample.log.data + base, base, size, false);
        size_t before = read;
        while (hayi_journal_next(&cursor, &r)) {
            CU_ASSERT_EQUAL(r.end, sample.ends[read]);
            read++;
        }
        size = read == before ? size * 2 : 64;
    }
    CU_ASSERT_EQUAL(read, sample.end_count);
}

/* A record's check once more, after its description. */
static uint64_t check_of(uint64_t at, const unsigned char *record, size_t size)
{
    uint64_t head;
    memcpy(&head, record, sizeof(head));
    uint64_t sum = hayi_hash(HAYI_HASH_XXH64, record + 16, size);
    sum ^= at * 0x9e3779b97f4a7c15u ^ head * 0xc2b2ae3d27d4eb4fu;
    sum = (sum ^ sum >> 33) * 0xff51afd7ed558ccdu;
    sum = (sum ^ sum >> 33) * 0xc4ceb9fe1a85ec53u;
    return sum ^ sum >> 33;
}

/* An older reader of a newer journal of the same version. */
static void unknown_kinds_are_no_damage(void)
{
    struct hayi_journal_record r;
    size_t at = sample.log.size;
    unsigned char *record = hayi_buffer_extend(&sample.log, 24);
    const unsigned char bytes[24] = {'H', 'J', 99, 0, 5, 0, 0, 0, [16] = 7};
    memcpy(record, bytes, sizeof(bytes));
    uint64_t check = check_of(at, record, 5);
    memcpy(record + 8, &check, sizeof(check));
    sample_note(&sample);
    sample_add_task(&sample, 200, "behind");
    struct hayi_journal_cursor cursor =
        whole_log(sample.log.data, sample.log.size);
    size_t unknown = 0;
    while (hayi_journal_next(&cursor, &r)) {
        unknown += r.kind == 99;
    }
    CU_ASSERT_EQUAL(unknown, 1);
    CU_ASSERT_EQUAL(cursor.damage_count, 0);
    CU_ASSERT_EQUAL(cursor.whole, sample.log.size);
    CU_ASSERT_EQUAL(r.u.task.id, 200);
}

static void heads_are_told_apart(void)
{
    struct hayi_error err;
    unsigned char head[HAYI_JOURNAL_HEAD];
    memcpy(head, sample.log.data, sizeof(head));
    CU_ASSERT_EQUAL(hayi_journal_check_head(head, sizeof(head), "j", &err),
                    HAY_OK);
    CU_ASSERT_EQUAL(hayi_journal_check_head(head, 0, "j", &err), HAY_EEMPTY);
    CU_ASSERT_EQUAL(hayi_journal_check_head(head, 40, "j", &err), HAY_EEMPTY);
    head[24] ^= 1;
    CU_ASSERT_EQUAL(hayi_journal_check_head(head, sizeof(head), "j", &err),
                    HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "damaged"));
    head[0] = 'H';
    CU_ASSERT_EQUAL(hayi_journal_check_head(head, sizeof(head), "j", &err),
                    HAY_EMISMATCH);
    CU_ASSERT_STRING_EQUAL(err.text, "j is no journal of hayfork");
}

static void too_much_is_refused(void)
{
    size_t size = sample.log.size;
    const struct hayi_journal_result result = {.value = sample.log.data,
                                               .size = HAYI_JOURNAL_BODY_MAX};
    CU_ASSERT_EQUAL(hayi_journal_put_result(&sample.log, size, &result),
                    HAY_ETOOBIG);
    CU_ASSERT_EQUAL(sample.log.size, size);
}

/* Whatever lies there: it ends, and no byte beside it is touched (the address
 * sanitizer looks). */
static void wild_logs_are_read_to_their_end(void)
{
    uint64_t dice = 12345;
    for (int round = 0; round < 3000; round++) {
        struct hayi_journal_record r;
        size_t size = sample.log.size;
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        size -= (dice >> 33) % 3 == 0 ? (size_t)(dice >> 40) % size : 0;
        unsigned char *log = malloc(size + 1);
        memcpy(log, sample.log.data, size);
        for (unsigned n = 0; n < (dice >> 60) + 1; n++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            size_t at = size > 0 ? (size_t)(dice >> 32) % size : 0;
            log[at] = (unsigned char)(dice >> 24);
        }
        struct hayi_journal_cursor cursor = whole_log(log, size);
        size_t read = 0;
        while (hayi_journal_next(&cursor, &r)) {
            read++;
        }
        CU_ASSERT_TRUE(read < sample.end_count);
        free(log);
    }
}

static CU_TestInfo tests[] = {
    {"what_was_put_is_read", what_was_put_is_read},
    {"a_cut_log_keeps_what_is_whole", a_cut_log_keeps_what_is_whole},
    {"a_changed_byte_costs_its_record_only",
     a_changed_byte_costs_its_record_only},
    {"a_record_elsewhere_is_none", a_record_elsewhere_is_none},
    {"small_windows_give_the_same", small_windows_give_the_same},
    {"unknown_kinds_are_no_damage", unknown_kinds_are_no_damage},
    {"heads_are_told_apart", heads_are_told_apart},
    {"too_much_is_refused", too_much_is_refused},
    {"wild_logs_are_read_to_their_end", wild_logs_are_read_to_their_end},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"journal/journal_log", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
