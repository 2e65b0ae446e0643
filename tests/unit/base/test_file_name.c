/* test_file_name.c - names of tasks as names of files. */
#include "config.h"

#include "base/file_name.h"

#include "support/unit.h"

#include <string.h>

static void check(const char *name, const char *file)
{
    char text[HAYI_FILE_NAME_MAX];
    char again[HAYI_FILE_NAME_MAX];
    hayi_file_name(name, text, sizeof(text));
    CU_ASSERT_STRING_EQUAL(text, file);
    hayi_file_name(text, again, sizeof(again));
    CU_ASSERT_STRING_EQUAL(again, text);
}

static void plain_names_stay(void)
{
    check("sim[17]", "sim[17]");
    check("a b.c", "a b.c");
    check("\xc3\xa4", "\xc3\xa4");
    check("", "");
}

static void no_name_leaves_the_folder(void)
{
    check("../../etc/passwd", "_._.._etc_passwd");
    check("..", "_.");
    check(".", "_");
    check("/", "_");
}

static void control_characters_become_visible(void)
{
    check("a\tb\nc\x7f", "a_b_c_");
}

static void long_names_are_cut(void)
{
    char name[1000];
    char text[HAYI_FILE_NAME_MAX];
    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    hayi_file_name(name, text, sizeof(text));
    CU_ASSERT_EQUAL(strlen(text), HAYI_FILE_NAME_MAX - 1);
    hayi_file_name("abc", text, 1);
    CU_ASSERT_STRING_EQUAL(text, "");
    hayi_file_name(".bc", text, 3);
    CU_ASSERT_STRING_EQUAL(text, "_b");
}

static CU_TestInfo tests[] = {
    {"plain_names_stay", plain_names_stay},
    {"no_name_leaves_the_folder", no_name_leaves_the_folder},
    {"control_characters_become_visible", control_characters_become_visible},
    {"long_names_are_cut", long_names_are_cut},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"base/file_name", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
