/* test_settings.c - options from the environment, a command line, a struct. */
#include "config.h"

#include "client/settings.h"

#include "base/clock.h"
#include "support/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGS_MAX = 16 };

static hay_options options;
static struct hayi_error err;
static char *args[ARGS_MAX + 1];
static int count;
static bool help;

static const char *const variables[] = {
    "HAYFORK_SLOTS",
    "HAYFORK_RUN_FOLDER",
    "HAYFORK_OUTPUT",
    "HAYFORK_SEED",
    "HAYFORK_PENDING_MAX",
    "HAYFORK_SUSPENDED_MAX",
    "HAYFORK_SILENCE",
    "HAYFORK_STRAGGLERS",
    "HAYFORK_MEMORY_LIMIT",
    "HAYFORK_SPILL_FOLDER",
    "HAYFORK_CHECKSUM",
    "HAYFORK_NO_PIN",
    "HAYFORK_QUIET",
    "HAYFORK_GPUS",
    "HAYFORK_RESOURCES",
    "HAYFORK_LIMITS",
    "HAYFORK_DEADLINE",
    "HAYFORK_TIME_LEFT",
};

static void setup(void)
{
    for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        (void)unsetenv(variables[i]);
    }
    hay_options_init(&options);
    err.text[0] = 0;
}

/* list: NULL-terminated. */
static hay_status take(const char *const *list)
{
    static char words[ARGS_MAX][200];
    for (count = 0; list[count] != NULL; count++) {
        (void)strncpy(words[count], list[count], sizeof(words[0]) - 1);
        args[count] = words[count];
    }
    args[count] = NULL;
    return hayi_settings_take(&count, args, &options, &help, &err);
}
#define TAKE(...) take((const char *const[]){"prog", __VA_ARGS__, NULL})

static void what_a_node_has_is_told_by_names(void)
{
    CU_ASSERT_EQUAL(TAKE("--hay-gpus=4",
                         "--hay-resources=licences=2,scratch=0.5",
                         "--hay-limits",
                         "download=3"),
                    HAY_OK);
    CU_ASSERT_EQUAL(options.gpus, 4);
    CU_ASSERT_STRING_EQUAL(options.resources, "licences=2,scratch=0.5");
    CU_ASSERT_STRING_EQUAL(options.limits, "download=3");
    CU_ASSERT_EQUAL(TAKE("--hay-gpus=65"), HAY_EINVAL);
    CU_ASSERT_EQUAL(TAKE("--hay-resources=gpus=2"), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--hay-resources: "));
    CU_ASSERT_EQUAL(TAKE("--hay-limits=download"), HAY_EINVAL);
    hay_options bad = HAY_OPTIONS_INIT;
    bad.gpus = 65;
    CU_ASSERT_EQUAL(hayi_options_copy(&bad, &options, &err), HAY_EINVAL);
}

/* Seconds from now, as a time that is left was read; -1: it was not. */
static int64_t left_s(const char *text)
{
    char word[100];
    (void)snprintf(word, sizeof(word), "--hay-time-left=%s", text);
    hay_options_init(&options);
    if (TAKE(word) != HAY_OK) {
        return -1;
    }
    uint64_t half_ns = 500000000;
    return (int64_t)((options.deadline_ns - hayi_clock_unix_ns() + half_ns)
                     / (2 * half_ns));
}

static void the_time_that_is_left_has_units(void)
{
    CU_ASSERT_EQUAL(left_s("90000"), 90000);
    CU_ASSERT_EQUAL(left_s("90m"), 5400);
    CU_ASSERT_EQUAL(left_s("2h30m"), 9000);
    CU_ASSERT_EQUAL(left_s("1:30:00"), 5400);
    CU_ASSERT_EQUAL(left_s("1d"), 86400);
    CU_ASSERT_EQUAL(left_s(""), -1);
    CU_ASSERT_EQUAL(left_s("soon"), -1);
    CU_ASSERT_EQUAL(left_s("5x"), -1);
    CU_ASSERT_EQUAL(left_s("-5"), -1);
    CU_ASSERT_EQUAL(left_s("99999999999999999999"), -1);
}

static void the_deadline_is_told_by_a_variable(void)
{
    const hay_options given = HAY_OPTIONS_INIT;
    CU_ASSERT_EQUAL(setenv("HAYFORK_DEADLINE", "2000000000", 1), 0);
    CU_ASSERT_EQUAL(TAKE("x"), HAY_OK);
    CU_ASSERT_EQUAL(options.deadline_ns, UINT64_C(2000000000000000000));
    options.deadline_ns = 0;
    CU_ASSERT_EQUAL(hayi_options_copy(&given, &options, &err), HAY_OK);
    CU_ASSERT_EQUAL(options.deadline_ns, UINT64_C(2000000000000000000));
    CU_ASSERT_EQUAL(setenv("HAYFORK_DEADLINE", "tomorrow", 1), 0);
    CU_ASSERT_EQUAL(hayi_options_copy(NULL, &options, &err), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "HAYFORK_DEADLINE"));
    (void)unsetenv("HAYFORK_DEADLINE");
}

static void our_options_are_taken_out(void)
{
    CU_ASSERT_EQUAL(TAKE("-v",
                         "--hay-slots=3",
                         "file",
                         "--hay-output=null",
                         "--hay-run-folder=a b",
                         "--hay-no-pin",
                         "last"),
                    HAY_OK);
    CU_ASSERT_EQUAL(count, 4);
    CU_ASSERT_STRING_EQUAL(args[0], "prog");
    CU_ASSERT_STRING_EQUAL(args[1], "-v");
    CU_ASSERT_STRING_EQUAL(args[2], "file");
    CU_ASSERT_STRING_EQUAL(args[3], "last");
    CU_ASSERT_PTR_NULL(args[4]);
    CU_ASSERT_EQUAL(options.slots, 3);
    CU_ASSERT_EQUAL(options.output, HAY_OUTPUT_NULL);
    CU_ASSERT_STRING_EQUAL(options.run_folder, "a b");
    CU_ASSERT_TRUE(options.no_pin);
    CU_ASSERT_FALSE(options.quiet);
    CU_ASSERT_FALSE(help);
}

static void a_value_may_be_the_next_word(void)
{
    CU_ASSERT_EQUAL(TAKE("--hay-memory-limit",
                         "64M",
                         "file",
                         "--hay-checksum",
                         "last",
                         "--hay-seed",
                         "7"),
                    HAY_OK);
    CU_ASSERT_EQUAL(count, 3);
    CU_ASSERT_STRING_EQUAL(args[1], "file");
    CU_ASSERT_STRING_EQUAL(args[2], "last");
    CU_ASSERT_EQUAL(options.memory_limit_bytes, 64u << 20);
    CU_ASSERT_TRUE(options.checksum);
    CU_ASSERT_EQUAL(options.seed, 7);
    CU_ASSERT_EQUAL(TAKE("--hay-seed", "--hay-quiet"), HAY_EINVAL);
    CU_ASSERT_EQUAL(TAKE("--hay-memory-limit"), HAY_EINVAL);
}

static void sizes_have_units_or_are_parts(void)
{
    CU_ASSERT_EQUAL(TAKE("--hay-memory-limit=1.5GiB"), HAY_OK);
    CU_ASSERT_EQUAL(options.memory_limit_bytes, 3u << 29);
    CU_ASSERT_EQUAL(TAKE("--hay-memory-limit=2000000"), HAY_OK);
    CU_ASSERT_EQUAL(options.memory_limit_bytes, 2000000);
    CU_ASSERT_EQUAL(TAKE("--hay-memory-limit=25%"), HAY_OK);
    uint64_t quarter = options.memory_limit_bytes;
    CU_ASSERT_EQUAL(TAKE("--hay-memory-limit=50%"), HAY_OK);
    CU_ASSERT(options.memory_limit_bytes >= 2 * quarter);
    CU_ASSERT(options.memory_limit_bytes <= 2 * quarter + 2);
    CU_ASSERT_EQUAL(TAKE("--hay-memory-limit=1000%"), HAY_EINVAL);
    (void)setenv("HAYFORK_MEMORY_LIMIT", "3m", 1);
    (void)setenv("HAYFORK_SPILL_FOLDER", "/scratch", 1);
    CU_ASSERT_EQUAL(TAKE("x"), HAY_OK);
    CU_ASSERT_EQUAL(options.memory_limit_bytes, 3u << 20);
    CU_ASSERT_STRING_EQUAL(options.spill_folder, "/scratch");
    CU_ASSERT_EQUAL(TAKE("--hay-spill-folder="), HAY_OK);
    CU_ASSERT_STRING_EQUAL(options.spill_folder, "");
}

static void what_follows_two_dashes_is_the_programs(void)
{
    CU_ASSERT_EQUAL(TAKE("--hay-seed=1", "--", "--hay-seed=2", "--hay-x"),
                    HAY_OK);
    CU_ASSERT_EQUAL(count, 4);
    CU_ASSERT_STRING_EQUAL(args[2], "--hay-seed=2");
    CU_ASSERT_EQUAL(options.seed, 1);
}

static void name_of_the_program_is_never_an_option(void)
{
    CU_ASSERT_EQUAL(take((const char *const[]){"--hay-slots=9", NULL}), HAY_OK);
    CU_ASSERT_EQUAL(count, 1);
    CU_ASSERT_EQUAL(options.slots, 0);
    CU_ASSERT_EQUAL(take((const char *const[]){NULL}), HAY_OK);
    CU_ASSERT_EQUAL(count, 0);
}

static void environment_counts_less_than_the_command_line(void)
{
    (void)setenv("HAYFORK_SLOTS", "2", 1);
    (void)setenv("HAYFORK_SILENCE", "30", 1);
    (void)setenv("HAYFORK_QUIET", "1", 1);
    (void)setenv("HAYFORK_STRAGGLERS", "2.5", 1);
    (void)setenv("HAYFORK_SEED", "", 1); /* as if it were not there */
    CU_ASSERT_EQUAL(TAKE("--hay-slots=4", "--hay-quiet=0"), HAY_OK);
    CU_ASSERT_EQUAL(options.slots, 4);
    CU_ASSERT_EQUAL(options.silence_ns, UINT64_C(30000000000));
    CU_ASSERT_EQUAL(options.straggler_factor, 2.5);
    CU_ASSERT_FALSE(options.quiet);
}

static void defaults_of_the_program_stay_where_nothing_is_said(void)
{
    options.slots = 7;
    options.pending_max = 8;
    CU_ASSERT_EQUAL(TAKE("--hay-suspended-max=7", "--hay-pending-max=9"),
                    HAY_OK);
    CU_ASSERT_EQUAL(options.suspended_max, 7);
    CU_ASSERT_EQUAL(options.slots, 7);
    CU_ASSERT_EQUAL(options.pending_max, 9);
}

static void wrong_values_are_named(void)
{
    static const struct {
        const char *argument;
        const char *words;
    } wrong[] = {
        {"--hay-slots=", "--hay-slots: '' is no number"},
        {"--hay-slots=x", "--hay-slots: 'x' is no number"},
        {"--hay-slots=3x", "'3x' is no number"},
        {"--hay-slots=-1", "'-1' is no number"},
        {"--hay-slots=+1", "'+1' is no number"},
        {"--hay-slots= 1", "' 1' is no number"},
        {"--hay-slots=4097", "up to 4096"},
        {"--hay-seed=99999999999999999999", "is no number"},
        {"--hay-slots", "--hay-slots: unknown option, or no value"},
        {"--hay-slotss=1", "unknown option"},
        {"--hay-", "unknown option"},
        {"--hay-output=files2", "none of inherit, append, files, null"},
        {"--hay-silence=1", "less than 2 seconds"},
        {"--hay-stragglers=0.5", "takes 1 to 1000000 times"},
        {"--hay-stragglers=nan", "'nan' is no factor"},
        {"--hay-stragglers=2x", "'2x' is no factor"},
        {"--hay-memory-limit=much", "'much' is no size such as 64M, 2G"},
        {"--hay-memory-limit=-5M", "is no size"},
        {"--hay-memory-limit=", "is no size"},
        {"--hay-memory-limit=5X", "is no size"},
        {"--hay-memory-limit=5M5", "is no size"},
        {"--hay-memory-limit=1e30", "is no size"},
        {"--hay-memory-limit=900K", "'900K' is less than 1M"},
        {"--hay-checksum=on", "neither 0 nor 1"},
        {"--hay-quiet=yes", "neither 0 nor 1"},
        {"--hay-run-folder=", "--hay-run-folder: it needs a folder"},
    };
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CU_ASSERT_EQUAL(TAKE(wrong[i].argument), HAY_EINVAL);
        if (strstr(err.text, wrong[i].words) == NULL) {
            CU_FAIL(wrong[i].words);
        }
    }
    (void)setenv("HAYFORK_OUTPUT", "loud", 1);
    CU_ASSERT_EQUAL(TAKE("x"), HAY_EINVAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "HAYFORK_OUTPUT: 'loud'"));
}

static void help_names_every_option_and_is_asked_for(void)
{
    CU_ASSERT_EQUAL(TAKE("--hay-help"), HAY_OK);
    CU_ASSERT_TRUE(help);
    CU_ASSERT_EQUAL(count, 1);
    static const char *const names[] = {"--hay-slots",
                                        "--hay-run-folder",
                                        "--hay-output",
                                        "--hay-seed",
                                        "--hay-pending-max",
                                        "--hay-suspended-max",
                                        "--hay-silence",
                                        "--hay-stragglers",
                                        "--hay-memory-limit",
                                        "--hay-spill-folder",
                                        "--hay-checksum",
                                        "--hay-no-pin",
                                        "--hay-quiet"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        CU_ASSERT_PTR_NOT_NULL(strstr(hayi_settings_help(), names[i]));
    }
}

static void options_of_an_older_program_get_defaults(void)
{
    hay_options given = HAY_OPTIONS_INIT;
    given.slots = 5;
    given.seed = 77;
    given.size = offsetof(hay_options, seed);
    CU_ASSERT_EQUAL(hayi_options_copy(&given, &options, &err), HAY_OK);
    CU_ASSERT_EQUAL(options.slots, 5);
    CU_ASSERT_EQUAL(options.seed, 0);
    CU_ASSERT_EQUAL(options.size, sizeof(options));
    CU_ASSERT_EQUAL(hayi_options_copy(NULL, &options, &err), HAY_OK);
    CU_ASSERT_EQUAL(options.slots, 0);
}

static void options_that_cannot_be_are_refused(void)
{
    hay_options given = HAY_OPTIONS_INIT;
    given.size = 0; /* not initialised */
    CU_ASSERT_EQUAL(hayi_options_copy(&given, &options, &err), HAY_EINVAL);
    given.size = sizeof(given) + 1; /* of a later version */
    CU_ASSERT_EQUAL(hayi_options_copy(&given, &options, &err), HAY_EINVAL);
    given.size = sizeof(given);
    given.output = (hay_output)77;
    CU_ASSERT_EQUAL(hayi_options_copy(&given, &options, &err), HAY_EINVAL);
    given.output = HAY_OUTPUT_NULL;
    given.slots = 1000000;
    CU_ASSERT_EQUAL(hayi_options_copy(&given, &options, &err), HAY_EINVAL);
    given.slots = 4096;
    given.memory_limit_bytes = 1;
    CU_ASSERT_EQUAL(hayi_options_copy(&given, &options, &err), HAY_EINVAL);
    given.memory_limit_bytes = 1u << 20;
    CU_ASSERT_EQUAL(hayi_options_copy(&given, &options, &err), HAY_OK);
}

static CU_TestInfo tests[] = {
    {"what_a_node_has_is_told_by_names", what_a_node_has_is_told_by_names},
    {"the_time_that_is_left_has_units", the_time_that_is_left_has_units},
    {"the_deadline_is_told_by_a_variable", the_deadline_is_told_by_a_variable},
    {"our_options_are_taken_out", our_options_are_taken_out},
    {"a_value_may_be_the_next_word", a_value_may_be_the_next_word},
    {"sizes_have_units_or_are_parts", sizes_have_units_or_are_parts},
    {"what_follows_two_dashes_is_the_programs",
     what_follows_two_dashes_is_the_programs},
    {"name_of_the_program_is_never_an_option",
     name_of_the_program_is_never_an_option},
    {"environment_counts_less_than_the_command_line",
     environment_counts_less_than_the_command_line},
    {"defaults_of_the_program_stay_where_nothing_is_said",
     defaults_of_the_program_stay_where_nothing_is_said},
    {"wrong_values_are_named", wrong_values_are_named},
    {"help_names_every_option_and_is_asked_for",
     help_names_every_option_and_is_asked_for},
    {"options_of_an_older_program_get_defaults",
     options_of_an_older_program_get_defaults},
    {"options_that_cannot_be_are_refused", options_that_cannot_be_are_refused},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"client/settings", NULL, NULL, setup, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
