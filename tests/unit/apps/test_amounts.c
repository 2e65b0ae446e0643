/* test_amounts.c - keys of a task as the one text that the library wants. */
#include "config.h"

#include "amounts.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static struct arena arena;
static struct request r;

static void setup(void)
{
    arena = (struct arena)ARENA_INIT;
    r = (struct request)REQUEST_INIT;
}

static void teardown(void)
{
    arena_fini(&arena);
}

static void expect(const char *text)
{
    const char *is = r.amounts_text;
    if (text == NULL || is == NULL) {
        CU_ASSERT_PTR_EQUAL(is, text);
        return;
    }
    if (strcmp(is, text) != 0) {
        (void)printf("# '%s', not '%s'\n", is, text);
    }
    CU_ASSERT_STRING_EQUAL(is, text);
}

static void whole_numbers_need_no_text(void)
{
    CU_ASSERT(amounts_cores(&arena, &r, "4"));
    CU_ASSERT(amounts_gpus(&arena, &r, "2"));
    expect(NULL);
    CU_ASSERT_EQUAL(r.cores, 4);
    CU_ASSERT_EQUAL(r.gpus, 2);
}

static void shares_and_all_cores_are_words(void)
{
    CU_ASSERT(amounts_gpus(&arena, &r, "2"));
    CU_ASSERT(amounts_gpus(&arena, &r, "0.5"));
    CU_ASSERT(amounts_cores(&arena, &r, "all"));
    CU_ASSERT_EQUAL(r.gpus, 0);
    expect("gpus=0.5 cores=all ");
    CU_ASSERT(amounts_cores(&arena, &r, "3"));
    CU_ASSERT(amounts_gpus(&arena, &r, "1"));
    expect(NULL);
}

static void the_last_word_for_a_name_counts(void)
{
    CU_ASSERT(amounts_named(&arena, &r, "lic", "1"));
    CU_ASSERT(amounts_named(&arena, &r, "licences", "3"));
    CU_ASSERT(amounts_named(&arena, &r, "lic", "2"));
    expect("licences=3 lic=2 ");
}

static void alternatives_say_what_others_do_not(void)
{
    CU_ASSERT(amounts_named(&arena, &r, "lic", "1"));
    CU_ASSERT(amounts_request(&arena, &r, "gpus=2 | cores=16 lic=4|xlic=1"));
    expect("lic=1 gpus=2 | cores=16 lic=4|lic=1 xlic=1");
    CU_ASSERT(amounts_named(&arena, &r, "lic", "7"));
    expect("lic=7 gpus=2 | cores=16 lic=4|lic=7 xlic=1");
    CU_ASSERT(amounts_request(&arena, &r, ""));
    expect("lic=7 ");
}

static void what_is_no_amount_is_refused(void)
{
    CU_ASSERT_FALSE(amounts_cores(&arena, &r, "0"));
    CU_ASSERT_FALSE(amounts_cores(&arena, &r, "some"));
    CU_ASSERT_FALSE(amounts_gpus(&arena, &r, "-1"));
    CU_ASSERT_FALSE(amounts_gpus(&arena, &r, "half"));
    CU_ASSERT_FALSE(amounts_named(&arena, &r, "", "1"));
    CU_ASSERT_FALSE(amounts_named(&arena, &r, "a b", "1"));
    CU_ASSERT_FALSE(amounts_named(&arena, &r, "mem", "1"));
    CU_ASSERT_FALSE(amounts_named(&arena, &r, "lic", "x"));
    expect(NULL);
}

static CU_TestInfo tests[] = {
    {"whole_numbers_need_no_text", whole_numbers_need_no_text},
    {"shares_and_all_cores_are_words", shares_and_all_cores_are_words},
    {"the_last_word_for_a_name_counts", the_last_word_for_a_name_counts},
    {"alternatives_say_what_others_do_not",
     alternatives_say_what_others_do_not},
    {"what_is_no_amount_is_refused", what_is_no_amount_is_refused},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"apps/amounts", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
