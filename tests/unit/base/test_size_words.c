/* test_size_words.c - sizes as people read them. */
#include "config.h"

#include "base/size_words.h"

#include "support/unit.h"

#include <string.h>

static void expect(uint64_t bytes, const char *down, const char *up)
{
    char text[HAYI_SIZE_WORDS_MAX];
    hayi_size_words(bytes, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, down);
    hayi_size_words_up(bytes, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, up);
}

static void whole_sizes_are_exact(void)
{
    expect(0, "0 bytes", "0 bytes");
    expect(1023, "1023 bytes", "1023 bytes");
    expect(1024, "1.0 KiB", "1.0 KiB");
    expect(UINT64_C(1536) << 20, "1.5 GiB", "1.5 GiB");
    expect(UINT64_C(7) << 40, "7.0 TiB", "7.0 TiB");
}

static void the_rest_is_rounded_as_asked(void)
{
    expect((UINT64_C(1) << 30) + 1, "1.0 GiB", "1.1 GiB");
    expect((UINT64_C(1) << 20) - 1, "1023.9 KiB", "1024.0 KiB");
}

static void the_largest_fits(void)
{
    expect(UINT64_MAX, "16777215.9 TiB", "16777216.0 TiB");
}

static CU_TestInfo tests[] = {
    {"whole_sizes_are_exact", whole_sizes_are_exact},
    {"the_rest_is_rounded_as_asked", the_rest_is_rounded_as_asked},
    {"the_largest_fits", the_largest_fits},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/size_words", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
