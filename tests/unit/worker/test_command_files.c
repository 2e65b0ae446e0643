/* test_command_files.c - a command's variables for its files, and what there is
 * of them at its end. */
#include "config.h"

#include "support/unit.h"
#include "wire/value.h"
#include "worker/command_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[256];
static struct hayi_error err;
static void *bytes;
static size_t size;
static struct hayi_command_view view;

static void write_file(const char *name, size_t length)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (size_t i = 0; i < length; i++) {
        (void)fputc('x', file);
    }
    CU_ASSERT_EQUAL(fclose(file), 0);
}

static void setup(void)
{
    const char *base = getenv("TMPDIR");
    (void)snprintf(folder,
                   sizeof(folder),
                   "%s/hfiles.XXXXXX",
                   base != NULL ? base : "/tmp");
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

static void teardown(void)
{
    char line[512];
    (void)snprintf(line, sizeof(line), "rm -rf '%s'", folder);
    CU_ASSERT_EQUAL(system(line), 0);
    free(view.memory);
    free(bytes);
    view.memory = bytes = NULL;
}

static void pack(const char *const *in, const char *const *out, const char *cwd)
{
    hay_command command = HAY_COMMAND_INIT;
    command.line = "true";
    command.cwd = cwd;
    command.in_files = in;
    command.out_files = out;
    CU_ASSERT_EQUAL_FATAL(hayi_command_measure(&command, &size, &err), HAY_OK);
    bytes = malloc(size);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    hayi_command_write(&command, bytes);
    CU_ASSERT_EQUAL_FATAL(hayi_command_read(bytes, size, &view, &err), HAY_OK);
}

/* All variables with a blank behind each. */
static void expect_env(const char *words)
{
    char **list = NULL;
    char all[1024] = "";
    CU_ASSERT_EQUAL(hayi_command_files_env(&view, "/base", &list, &err),
                    HAY_OK);
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        (void)snprintf(
            all + strlen(all), sizeof(all) - strlen(all), "%s ", list[i]);
    }
    CU_ASSERT_STRING_EQUAL(all, words);
    if (strcmp(all, words) != 0) {
        printf("# was: %s\n", all);
    }
    free(list);
}

static void paths_are_whole(void)
{
    static const char *const in[] = {"a", "/b", NULL};
    static const char *const out[] = {"c", NULL};
    pack(in, out, "sub");
    expect_env("HAY_IN_COUNT=2 HAY_OUT_COUNT=1 HAY_IN_1=/base/sub/a "
               "HAY_IN_2=/b HAY_IN=/base/sub/a:/b HAY_OUT_1=/base/sub/c "
               "HAY_OUT=/base/sub/c ");
}

static void own_folder_counts(void)
{
    static const char *const in[] = {"a", NULL};
    pack(in, NULL, "/else");
    expect_env("HAY_IN_COUNT=1 HAY_OUT_COUNT=0 HAY_IN_1=/else/a "
               "HAY_IN=/else/a ");
}

static void no_files_no_variables(void)
{
    struct hayi_buffer value;
    hayi_buffer_init(&value);
    pack(NULL, NULL, NULL);
    expect_env("");
    CU_ASSERT_EQUAL(hayi_command_files_end(bytes, size, folder, &value, &err),
                    HAY_OK);
    CU_ASSERT_EQUAL(value.size, 0);
}

static void many_files_are_not_joined(void)
{
    const size_t count = 200;
    char *name = malloc(1001);
    const char **in = calloc(count + 1, sizeof(*in));
    char **list = NULL;
    CU_ASSERT_FATAL(name != NULL && in != NULL);
    memset(name, 'n', 1000);
    name[1000] = 0;
    for (size_t i = 0; i < count; i++) {
        in[i] = name;
    }
    pack(in, NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(hayi_command_files_env(&view, NULL, &list, &err),
                          HAY_OK);
    size_t found = 0;
    for (; list[found] != NULL; found++) {
        CU_ASSERT_NOT_EQUAL(strncmp(list[found], "HAY_IN=", 7), 0);
    }
    CU_ASSERT_EQUAL(found, count + 2);
    free(list);
    free(in);
    free(name);
}

static void sizes_are_told(void)
{
    static const char *const in[] = {"a", "gone", NULL};
    static const char *const out[] = {"c", "d", NULL};
    struct hayi_buffer buffer;
    struct hayi_value list, element;
    const uint64_t *sizes;
    write_file("a", 5);
    write_file("c", 7);
    write_file("d", 0);
    hayi_buffer_init(&buffer);
    pack(in, out, NULL);
    CU_ASSERT_EQUAL_FATAL(
        hayi_command_files_end(bytes, size, folder, &buffer, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(
        hayi_value_read(buffer.data, buffer.size, &list, NULL, &err), HAY_OK);
    CU_ASSERT_EQUAL(list.type, HAY_LIST);
    CU_ASSERT_EQUAL_FATAL(list.count, 3);
    CU_ASSERT_FATAL(hayi_list_get(&list, 0, &element));
    CU_ASSERT(element.is_object && element.object.size == 7);
    CU_ASSERT_EQUAL(element.object.place, HAYI_PLACE_FILE);
    CU_ASSERT_FATAL(hayi_list_get(&list, 1, &element));
    CU_ASSERT(element.is_object && element.object.size == 0);
    CU_ASSERT_FATAL(hayi_list_get(&list, 2, &element));
    CU_ASSERT_EQUAL_FATAL(element.array.shape[0], 2);
    sizes = element.data;
    CU_ASSERT_EQUAL(sizes[0], 5);
    CU_ASSERT_EQUAL(sizes[1], UINT64_MAX);
    hayi_buffer_fini(&buffer);
}

static void a_missing_output_is_told(void)
{
    static const char *const out[] = {"c", "x.dat", NULL};
    struct hayi_buffer value;
    write_file("c", 1);
    hayi_buffer_init(&value);
    pack(NULL, out, NULL);
    CU_ASSERT_EQUAL(hayi_command_files_end(bytes, size, folder, &value, &err),
                    HAY_ETASK);
    CU_ASSERT_STRING_EQUAL(err.text, "said to write x.dat, which is not there");
    CU_ASSERT_EQUAL(value.size, 0);
    hayi_buffer_fini(&value);
}

static CU_TestInfo tests[] = {
    {"paths_are_whole", paths_are_whole},
    {"own_folder_counts", own_folder_counts},
    {"no_files_no_variables", no_files_no_variables},
    {"many_files_are_not_joined", many_files_are_not_joined},
    {"sizes_are_told", sizes_are_told},
    {"a_missing_output_is_told", a_missing_output_is_told},
    CU_TEST_INFO_NULL,
};

int main(int argc, char **argv)
{
    static const CU_SuiteInfo suites[] = {
        {"worker/command_files", NULL, NULL, setup, teardown, tests},
        CU_SUITE_INFO_NULL,
    };
    return hayi_unit_main(suites, argc, argv);
}
