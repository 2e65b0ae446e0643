/* test_nest.c - records of nested clients, and those that come in pieces. */
#include "config.h"

#include "wire/nest.h"

#include "support/unit.h"

#include <stdlib.h>
#include <string.h>

enum { PART = 24 };

static struct hayi_nest_whole whole;
static struct {
    struct hayi_nest_piece head;
    unsigned char bytes[PART];
} piece;
static bool done;

static bool no_room; /* for much */

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_malloc(size_t size)
{
    return no_room && size > 1000 ? NULL : __real_malloc(size);
}

void *__real_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size);
void *__wrap_realloc(void *at, size_t size)
{
    return no_room && size > 1000 ? NULL : __real_realloc(at, size);
}

static void setup(void)
{
    memset(&whole, 0, sizeof(whole));
    memset(&piece, 0, sizeof(piece));
    piece.head.client = 3;
    piece.head.type = HAYI_RECORD_NEST_SUBMIT;
    piece.head.total = 2 * PART;
    piece.head.size = PART;
    done = false;
    no_room = false;
}

static void teardown(void)
{
    hayi_nest_whole_fini(&whole);
}

static hay_status add(void)
{
    struct hayi_error err;
    return hayi_nest_whole_add(&whole, &piece, sizeof(piece), &done, &err);
}

static void records_know_their_way(void)
{
    CU_ASSERT_TRUE(hayi_nest_is(HAYI_RECORD_NEST_SUBMIT, true));
    CU_ASSERT_FALSE(hayi_nest_is(HAYI_RECORD_NEST_SUBMIT, false));
    CU_ASSERT_TRUE(hayi_nest_is(HAYI_RECORD_NEST_ENDED, false));
    CU_ASSERT_FALSE(hayi_nest_is(HAYI_RECORD_NEST_ENDED, true));
    CU_ASSERT_FALSE(hayi_nest_is(HAYI_RECORD_ENDED, true));
    CU_ASSERT_FALSE(hayi_nest_is(HAYI_RECORD_ENDED, false));
}

static void client_is_read_from_any_record(void)
{
    uint32_t client = 0;
    CU_ASSERT_TRUE(hayi_nest_client(&piece, sizeof(piece), &client));
    CU_ASSERT_EQUAL(client, 3);
    CU_ASSERT_FALSE(hayi_nest_client(&piece, 7, &client));
}

static void pieces_make_a_record(void)
{
    memset(piece.bytes, 'a', PART);
    CU_ASSERT_EQUAL(add(), HAY_OK);
    CU_ASSERT_FALSE(done);
    piece.head.offset = PART;
    memset(piece.bytes, 'b', PART);
    CU_ASSERT_EQUAL(add(), HAY_OK);
    CU_ASSERT_TRUE(done);
    CU_ASSERT_EQUAL(whole.kept, 2 * PART);
    CU_ASSERT_EQUAL(whole.body[PART - 1], 'a');
    CU_ASSERT_EQUAL(whole.body[PART], 'b');
    CU_ASSERT_EQUAL(whole.body[2 * PART - 1], 'b');
}

static void piece_that_does_not_follow_is_refused(void)
{
    CU_ASSERT_EQUAL(add(), HAY_OK);
    CU_ASSERT_EQUAL(add(), HAY_EMISMATCH); /* the same again */
    CU_ASSERT_PTR_NULL(whole.body);
    CU_ASSERT_EQUAL(add(), HAY_OK);
    piece.head.offset = PART;
    piece.head.client = 4;
    CU_ASSERT_EQUAL(add(), HAY_EMISMATCH);
}

static void piece_beyond_the_total_is_refused(void)
{
    piece.head.total = PART - 1;
    CU_ASSERT_EQUAL(add(), HAY_EMISMATCH);
    piece.head.total = HAYI_NEST_WHOLE_MAX + 1;
    CU_ASSERT_EQUAL(add(), HAY_EMISMATCH);
    piece.head.total = 0;
    CU_ASSERT_EQUAL(add(), HAY_EMISMATCH);
    piece.head.total = 2 * PART;
    piece.head.size = PART + 1; /* more than came */
    CU_ASSERT_EQUAL(add(), HAY_EMISMATCH);
}

static void piece_of_another_kind_is_refused(void)
{
    piece.head.type = HAYI_RECORD_NEST_PIECE;
    CU_ASSERT_EQUAL(add(), HAY_EMISMATCH);
    piece.head.type = HAYI_RECORD_TASK;
    CU_ASSERT_EQUAL(add(), HAY_EMISMATCH);
}

static void memory_is_taken_for_what_has_come(void)
{
    piece.head.total = HAYI_NEST_WHOLE_MAX;
    for (uint64_t at = 0; at < 100 * PART; at += PART) {
        piece.head.offset = at;
        memset(piece.bytes, (int)(at / PART), PART);
        CU_ASSERT_EQUAL(add(), HAY_OK);
    }
    CU_ASSERT_FALSE(done);
    CU_ASSERT_TRUE(whole.kept >= 100 * PART);
    CU_ASSERT_TRUE(whole.kept <= 200 * PART);
    for (size_t at = 0; at < 100 * PART; at++) {
        CU_ASSERT_EQUAL(whole.body[at], at / PART);
    }
}

/* It has to be answered by its number, so its head is needed. */
static void record_too_long_for_memory_keeps_its_head(void)
{
    no_room = true;
    piece.head.total = 2048 + PART;
    memset(piece.bytes, 'h', PART);
    CU_ASSERT_EQUAL(add(), HAY_OK);
    for (uint64_t at = PART; at < piece.head.total; at += piece.head.size) {
        CU_ASSERT_FALSE(done);
        piece.head.offset = at;
        piece.head.size =
            piece.head.total - at < PART ? piece.head.total - at : PART;
        CU_ASSERT_EQUAL(add(), HAY_OK);
    }
    CU_ASSERT_TRUE(done);
    CU_ASSERT_TRUE(whole.kept < whole.total);
    CU_ASSERT_EQUAL(whole.body[0], 'h');
}

static void strings_are_counted(void)
{
    CU_ASSERT_TRUE(hayi_nest_strings("a\0b", 4, 2));
    CU_ASSERT_FALSE(hayi_nest_strings("a\0b", 4, 3));
    CU_ASSERT_FALSE(hayi_nest_strings("a\0b", 3, 1));
    CU_ASSERT_TRUE(hayi_nest_strings(NULL, 0, 0));
}

static CU_TestInfo tests[] = {
    {"records_know_their_way", records_know_their_way},
    {"client_is_read_from_any_record", client_is_read_from_any_record},
    {"pieces_make_a_record", pieces_make_a_record},
    {"piece_that_does_not_follow_is_refused",
     piece_that_does_not_follow_is_refused},
    {"memory_is_taken_for_what_has_come", memory_is_taken_for_what_has_come},
    {"piece_beyond_the_total_is_refused", piece_beyond_the_total_is_refused},
    {"piece_of_another_kind_is_refused", piece_of_another_kind_is_refused},
    {"record_too_long_for_memory_keeps_its_head",
     record_too_long_for_memory_keeps_its_head},
    {"strings_are_counted", strings_are_counted},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"wire/nest", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
