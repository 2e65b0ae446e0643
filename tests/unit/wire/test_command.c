/* test_command.c - commands packed and unpacked. */
#include "config.h"

#include "support/unit.h"
#include "wire/command.h"

#include <stdlib.h>
#include <string.h>

static struct hayi_error err;

static unsigned char *packed(const hay_command *command, size_t *size)
{
    CU_ASSERT_EQUAL_FATAL(hayi_command_measure(command, size, &err), HAY_OK);
    unsigned char *bytes = malloc(*size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    hayi_command_write(command, bytes);
    return bytes;
}

static void lines_come_back(void)
{
    hay_command command = HAY_COMMAND_INIT;
    struct hayi_command_view view;
    size_t size = 0;
    command.line = "echo hello";
    command.index = 7;
    command.has_index = true;
    unsigned char *bytes = packed(&command, &size);
    CU_ASSERT_EQUAL_FATAL(hayi_command_read(bytes, size, &view, &err), HAY_OK);
    CU_ASSERT_STRING_EQUAL(view.line, "echo hello");
    CU_ASSERT_PTR_NULL(view.argv);
    CU_ASSERT_PTR_NULL(view.cwd);
    CU_ASSERT_PTR_NULL(view.stdin_path);
    CU_ASSERT_PTR_NULL(view.env[0]);
    CU_ASSERT(view.has_index && view.index == 7);
    CU_ASSERT_PTR_NULL(view.in_files[0]);
    CU_ASSERT_PTR_NULL(view.out_files[0]);
    CU_ASSERT_FALSE(hayi_command_has_files(bytes, size));
    free(view.memory);
    free(bytes);
}

static const char *const argv[] = {"prog", "", "two words", NULL};
static const char *const env[] = {"A=1", "B=", NULL};
static const char *const in_files[] = {"a.dat", "/b c", NULL};
static const char *const out_files[] = {"out.dat", NULL};

static void everything_comes_back(void)
{
    hay_command command = HAY_COMMAND_INIT;
    struct hayi_command_view view;
    size_t size = 0;
    command.argv = argv;
    command.env = env;
    command.cwd = "/tmp";
    command.stdin_path = "in.dat";
    command.in_files = in_files;
    command.out_files = out_files;
    unsigned char *bytes = packed(&command, &size);
    CU_ASSERT_EQUAL_FATAL(hayi_command_read(bytes, size, &view, &err), HAY_OK);
    CU_ASSERT_PTR_NULL(view.line);
    CU_ASSERT_STRING_EQUAL(view.argv[1], "");
    CU_ASSERT_STRING_EQUAL(view.argv[2], "two words");
    CU_ASSERT_PTR_NULL(view.argv[3]);
    CU_ASSERT_STRING_EQUAL(view.cwd, "/tmp");
    CU_ASSERT_STRING_EQUAL(view.env[1], "B=");
    CU_ASSERT_PTR_NULL(view.env[2]);
    CU_ASSERT_STRING_EQUAL(view.stdin_path, "in.dat");
    CU_ASSERT_EQUAL(view.in_count, 2);
    CU_ASSERT_EQUAL(view.out_count, 1);
    CU_ASSERT_STRING_EQUAL(view.in_files[0], "a.dat");
    CU_ASSERT_STRING_EQUAL(view.in_files[1], "/b c");
    CU_ASSERT_PTR_NULL(view.in_files[2]);
    CU_ASSERT_STRING_EQUAL(view.out_files[0], "out.dat");
    CU_ASSERT_PTR_NULL(view.out_files[1]);
    CU_ASSERT(hayi_command_has_files(bytes, size));
    CU_ASSERT_FALSE(view.has_index);
    free(view.memory);
    free(bytes);
}

static void wrong_commands_are_refused(void)
{
    static const char *const empty[] = {"", NULL};
    static const char *const no_equal[] = {"A", NULL};
    static const char *const no_name[] = {"=1", NULL};
    hay_command command = HAY_COMMAND_INIT;
    size_t size = 0;
    CU_ASSERT_EQUAL(hayi_command_measure(&command, &size, &err), HAY_EINVAL);
    command.argv = empty + 1;
    CU_ASSERT_EQUAL(hayi_command_measure(&command, &size, &err), HAY_EINVAL);
    command.argv = empty;
    CU_ASSERT_EQUAL(hayi_command_measure(&command, &size, &err), HAY_EINVAL);
    command.line = "true";
    command.env = no_equal;
    CU_ASSERT_EQUAL(hayi_command_measure(&command, &size, &err), HAY_EINVAL);
    command.env = no_name;
    CU_ASSERT_EQUAL(hayi_command_measure(&command, &size, &err), HAY_EINVAL);
    command.env = NULL;
    command.out_files = empty;
    CU_ASSERT_EQUAL(hayi_command_measure(&command, &size, &err), HAY_EINVAL);
    command.out_files = NULL;
    char *line = malloc(HAY_ARGS_MAX + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(line);
    memset(line, 'x', HAY_ARGS_MAX);
    line[HAY_ARGS_MAX] = 0;
    command.line = line;
    command.env = NULL;
    CU_ASSERT_EQUAL(hayi_command_measure(&command, &size, &err), HAY_ETOOBIG);
    free(line);
}

static void damaged_bytes_are_refused(void)
{
    hay_command command = HAY_COMMAND_INIT;
    struct hayi_command_view view;
    size_t size = 0;
    command.argv = argv;
    command.env = env;
    command.in_files = in_files;
    command.out_files = out_files;
    unsigned char *bytes = packed(&command, &size);
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *copy = malloc(cut + 1);
        CU_ASSERT_PTR_NOT_NULL_FATAL(copy);
        memcpy(copy, bytes, cut);
        CU_ASSERT_EQUAL(hayi_command_read(copy, cut, &view, &err), HAY_EINVAL);
        free(copy);
    }
    for (size_t at = 0; at < size; at++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes[at] ^= (unsigned char)(1 << bit);
            if (hayi_command_read(bytes, size, &view, &err) == HAY_OK) {
                free(view.memory);
            }
            bytes[at] ^= (unsigned char)(1 << bit);
        }
    }
    free(bytes);
}

static CU_TestInfo tests[] = {
    {"lines_come_back", lines_come_back},
    {"everything_comes_back", everything_comes_back},
    {"wrong_commands_are_refused", wrong_commands_are_refused},
    {"damaged_bytes_are_refused", damaged_bytes_are_refused},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv_)
{
    static const CU_SuiteInfo suites[] = {
        {"wire/command", NULL, NULL, NULL, NULL, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv_);
}
