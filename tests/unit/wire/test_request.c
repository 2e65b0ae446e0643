/* test_request.c - requests as text. */
#include "config.h"

#include "wire/request.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

static struct hayi_wishes wishes;
static struct hayi_error err;

static hay_status parse(const char *text)
{
    err.text[0] = 0;
    return hayi_wishes_parse(text, &wishes, &err);
}

static bool is(const struct hayi_named *named, const char *name, uint64_t units)
{
    return named->size == strlen(name)
           && memcmp(named->name, name, named->size) == 0
           && named->units == units;
}

static void an_alternative_has_amounts_of_all_kinds(void)
{
    CU_ASSERT_EQUAL_FATAL(
        parse("cores=3 gpus=0.25, mem=1.5G licences=2\tscratch=0.0001"),
        HAY_OK);
    const struct hayi_wish *w = &wishes.list[0];
    CU_ASSERT_EQUAL(wishes.count, 1);
    CU_ASSERT_EQUAL(w->cores, 3);
    CU_ASSERT_EQUAL(w->gpu_units, 2500);
    CU_ASSERT_EQUAL(w->memory_bytes, UINT64_C(3) << 29);
    CU_ASSERT_EQUAL(w->amount_count, 2);
    CU_ASSERT(is(&w->amounts[0], "licences", 20000));
    CU_ASSERT(is(&w->amounts[1], "scratch", 1));
}

static void alternatives_keep_their_order(void)
{
    CU_ASSERT_EQUAL_FATAL(parse("gpus=2 | cores=16|cores=all a=1"), HAY_OK);
    CU_ASSERT_EQUAL(wishes.count, 3);
    CU_ASSERT_EQUAL(wishes.list[0].gpu_units, 20000);
    CU_ASSERT_FALSE(wishes.list[0].cores_given);
    CU_ASSERT_EQUAL(wishes.list[1].cores, 16);
    CU_ASSERT_FALSE(wishes.list[1].gpus_given);
    CU_ASSERT_EQUAL(wishes.list[2].cores, HAYI_WISH_ALL);
    CU_ASSERT(is(&wishes.list[2].amounts[0], "a", 10000));
}

static void nothing_and_nought_ask_for_nothing(void)
{
    CU_ASSERT_EQUAL(parse(""), HAY_OK);
    CU_ASSERT_EQUAL(wishes.count, 0);
    CU_ASSERT_EQUAL(parse(" , "), HAY_OK);
    CU_ASSERT_EQUAL(wishes.count, 0);
    CU_ASSERT_EQUAL_FATAL(parse("a=0 gpus=0"), HAY_OK);
    CU_ASSERT_EQUAL(wishes.count, 1);
    CU_ASSERT_EQUAL(wishes.list[0].amount_count, 0);
    CU_ASSERT(wishes.list[0].gpus_given);
}

static void wrong_requests_are_refused_with_words(void)
{
    static const struct {
        const char *text;
        const char *words;
    } cases[] = {
        {"cores=0", "cores"},
        {"cores=1.5", "number of cores"},
        {"cores=many", "number of cores"},
        {"cores=1 cores=2", "twice"},
        {"gpus=1.5", "whole"},
        {"gpus=65", "up to 64"},
        {"gpus=-1", "gpus"},
        {"gpus=1 gpus=1", "twice"},
        {"mem=2X", "size"},
        {"mem=", "size"},
        {"mem=1G mem=1G", "twice"},
        {"a=1 a=2", "twice"},
        {"a=0.00001", "four decimals"},
        {"a=1.", "amount"},
        {"a=.5", "amount"},
        {"a=99999999999999999999", "amount"},
        {"a", "NAME=AMOUNT"},
        {"=3", "NAME=AMOUNT"},
        {"a\"=3", "NAME=AMOUNT"},
        {"a=1 |", "empty"},
        {"| a=1", "empty"},
        {"a=1 || b=1", "empty"},
        {"a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1|a=1", "at most 8"},
        {"a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1", "more than 8"},
        {"a123456789012345678901234567890123456789012345678901234567890123=1",
         "too long"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CU_ASSERT_EQUAL(parse(cases[i].text), HAY_EINVAL);
        if (strstr(err.text, cases[i].words) == NULL) {
            printf("# %s: %s\n", cases[i].text, err.text);
            CU_FAIL("other words");
        }
    }
}

static void what_a_node_has_is_no_request(void)
{
    struct hayi_named list[3];
    size_t count = 9;
    CU_ASSERT_EQUAL(
        hayi_named_parse("a=2,b=0.5 c=0", false, list, 3, &count, &err),
        HAY_OK);
    CU_ASSERT_EQUAL(count, 3);
    CU_ASSERT(is(&list[1], "b", 5000));
    CU_ASSERT(is(&list[2], "c", 0));
    static const char *const wrong[] = {"cores=3",
                                        "gpus=1",
                                        "mem=1",
                                        "a=1 | b=1",
                                        "a=1 a=2",
                                        "a=x",
                                        "a=1 b=1 c=1 d=1"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CU_ASSERT_EQUAL(
            hayi_named_parse(wrong[i], false, list, 3, &count, &err),
            HAY_EINVAL);
    }
    CU_ASSERT_EQUAL(count, 3);
    CU_ASSERT_EQUAL(hayi_named_parse("gpus=1", true, list, 3, &count, &err),
                    HAY_OK);
}

static void amounts_are_printed_as_they_are_read(void)
{
    static const char *const texts[] = {
        "0", "1", "0.5", "0.0001", "12.25", "999999999999.9999"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct hayi_named one;
        size_t count = 0;
        char text[64];
        char back[40];
        (void)snprintf(text, sizeof(text), "x=%s", texts[i]);
        CU_ASSERT_EQUAL_FATAL(
            hayi_named_parse(text, false, &one, 1, &count, &err), HAY_OK);
        hayi_amount_print(one.units, back, sizeof(back));
        CU_ASSERT_STRING_EQUAL(back, texts[i]);
    }
}

static void sizes_have_binary_units(void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"4096", 4096},
        {"1B", 1},
        {"1k", 1024},
        {"2G", 2ull << 30},
        {"1.5MiB", 3 << 19},
        {"1TB", 1ull << 40},
        {"0.25K", 256},
    };
    static const char *const wrong[] = {
        "", "G", "1X", "1GB2", "1iB", "-1", "1GiBB", "99999999999T", "1 G"};
    uint64_t bytes = 7;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CU_ASSERT(hayi_bytes_parse(good[i].text, strlen(good[i].text), &bytes));
        CU_ASSERT_EQUAL(bytes, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CU_ASSERT_FALSE(hayi_bytes_parse(wrong[i], strlen(wrong[i]), &bytes));
    }
}

static CU_TestInfo tests[] = {
    {"an_alternative_has_amounts_of_all_kinds",
     an_alternative_has_amounts_of_all_kinds},
    {"alternatives_keep_their_order", alternatives_keep_their_order},
    {"nothing_and_nought_ask_for_nothing", nothing_and_nought_ask_for_nothing},
    {"wrong_requests_are_refused_with_words",
     wrong_requests_are_refused_with_words},
    {"what_a_node_has_is_no_request", what_a_node_has_is_no_request},
    {"amounts_are_printed_as_they_are_read",
     amounts_are_printed_as_they_are_read},
    {"sizes_have_binary_units", sizes_have_binary_units},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"wire/request", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
