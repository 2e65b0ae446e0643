/* test_amount.c - amounts as people write them. */
#include "config.h"

#include "base/amount.h"

#include "support/unit.h"

#include <string.h>

static void expect(uint64_t units, const char *words)
{
    char text[HAYI_AMOUNT_WORDS_MAX];
    hayi_amount_print(units, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, words);
}

static void whole_ones_have_no_point(void)
{
    expect(0, "0");
    expect(HAYI_AMOUNT_ONE, "1");
    expect(120 * (uint64_t)HAYI_AMOUNT_ONE, "120");
}

static void parts_have_no_noughts_behind(void)
{
    expect(1, "0.0001");
    expect(10, "0.001");
    expect(2500, "0.25");
    expect(5000, "0.5");
    expect(20100, "2.01");
    expect(12345, "1.2345");
}

static void the_largest_fits(void)
{
    expect(UINT64_MAX, "1844674407370955.1615");
}

static void what_does_not_fit_is_cut(void)
{
    char text[8] = "xxxxxxx";
    hayi_amount_print(12345, text, 4);
    CU_ASSERT_STRING_EQUAL(text, "1.2");
    CU_ASSERT_EQUAL(text[4], 'x');
}

static CU_TestInfo tests[] = {
    {"whole_ones_have_no_point", whole_ones_have_no_point},
    {"parts_have_no_noughts_behind", parts_have_no_noughts_behind},
    {"the_largest_fits", the_largest_fits},
    {"what_does_not_fit_is_cut", what_does_not_fit_is_cut},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/amount", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
