/* settings.c - see settings.h. */
#include "config.h"

#include "client/settings.h"

#include "base/clock.h"
#include "core/variant.h"
#include "data/store.h"
#include "wire/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    SLOTS_MAX = 4096, /* of a worker */
    STRAGGLER_FACTOR_MAX = 1000000,
    TIME_S_MAX = 1000000000,
};

#define MEMORY_LIMIT_MIN ((uint64_t)1 << 20)
#define NS_PER_S         UINT64_C(1000000000)
#define UNIX_S_MAX       (UINT64_MAX / NS_PER_S / 2)

typedef hay_status (*set_fn)(hay_options *options,
                             const char *value,
                             struct hayi_error *err);

static hay_status parse_number(const char *text,
                               uint64_t most,
                               uint64_t *number,
                               struct hayi_error *err)
{
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != 0 || errno != 0
        || value > most) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "'%s' is no number up to %llu",
                         text,
                         (unsigned long long)most);
    }
    *number = value;
    return HAY_OK;
}

static hay_status
set_slots(hay_options *options, const char *value, struct hayi_error *err)
{
    uint64_t number;
    hay_status status = parse_number(value, SLOTS_MAX, &number, err);
    if (status == HAY_OK) {
        options->slots = (uint32_t)number;
    }
    return status;
}

static hay_status
set_run_folder(hay_options *options, const char *value, struct hayi_error *err)
{
    if (value[0] == 0) {
        return hayi_fail(err, HAY_EINVAL, "it needs a folder");
    }
    options->run_folder = value;
    return HAY_OK;
}

static hay_status
set_output(hay_options *options, const char *value, struct hayi_error *err)
{
    static const struct {
        const char *name;
        hay_output output;
    } names[] = {
        {"inherit", HAY_OUTPUT_INHERIT},
        {"append", HAY_OUTPUT_APPEND},
        {"files", HAY_OUTPUT_FILES},
        {"null", HAY_OUTPUT_NULL},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(value, names[i].name) == 0) {
            options->output = names[i].output;
            return HAY_OK;
        }
    }
    return hayi_fail(
        err, HAY_EINVAL, "'%s' is none of inherit, append, files, null", value);
}

static hay_status
set_journal(hay_options *options, const char *value, struct hayi_error *err)
{
    if (strcmp(value, "sync") == 0) {
        options->journal = HAY_JOURNAL_SYNC;
    } else if (strcmp(value, "written") == 0) {
        options->journal = HAY_JOURNAL_WRITTEN;
    } else if (strcmp(value, "none") == 0) {
        options->journal = HAY_JOURNAL_NONE;
    } else {
        return hayi_fail(
            err, HAY_EINVAL, "'%s' is none of sync, written, none", value);
    }
    return HAY_OK;
}

static hay_status
set_runner(hay_options *options, const char *value, struct hayi_error *err)
{
    if (strcmp(value, "thread") == 0) {
        options->runner = HAY_RUNNER_THREAD;
    } else if (strcmp(value, "process") == 0) {
        options->runner = HAY_RUNNER_PROCESS;
    } else {
        return hayi_fail(
            err, HAY_EINVAL, "'%s' is neither thread nor process", value);
    }
    return HAY_OK;
}

static hay_status
set_seed(hay_options *options, const char *value, struct hayi_error *err)
{
    return parse_number(value, UINT64_MAX, &options->seed, err);
}

static hay_status
set_pending_max(hay_options *options, const char *value, struct hayi_error *err)
{
    return parse_number(value, UINT64_MAX, &options->pending_max, err);
}

static hay_status set_suspended_max(hay_options *options,
                                    const char *value,
                                    struct hayi_error *err)
{
    uint64_t count = 0;
    hay_status status = parse_number(value, UINT32_MAX, &count, err);
    if (status == HAY_OK) {
        options->suspended_max = (uint32_t)count;
    }
    return status;
}

static hay_status
set_silence(hay_options *options, const char *value, struct hayi_error *err)
{
    enum { SECONDS_MAX = 1000000, SECONDS_MIN = 2 };
    uint64_t seconds;
    hay_status status = parse_number(value, SECONDS_MAX, &seconds, err);
    if (status == HAY_OK && seconds < SECONDS_MIN) {
        return hayi_fail(err, HAY_EINVAL, "less than %d seconds", SECONDS_MIN);
    }
    if (status == HAY_OK) {
        options->silence_ns = seconds * UINT64_C(1000000000);
    }
    return status;
}

/* "90", "90s", "2h30m", "1:30:00": seconds, units, or a clock's way. */
static bool parse_time(const char *text, uint64_t *ns)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    uint64_t seconds = 0;
    bool clock = strchr(text, ':') != NULL;
    for (const char *at = text; *at != 0;) {
        char *end = NULL;
        errno = 0;
        unsigned long long part = strtoull(at, &end, 10);
        uint64_t factor = 1;
        if (*at < '0' || *at > '9' || errno != 0 || part > TIME_S_MAX) {
            return false;
        }
        if (clock) {
            seconds *= 60;
            end += *end == ':' && end[1] != 0 ? 1 : 0;
        } else if (*end != 0) {
            factor = 0;
            for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                factor = *end == units[i].unit ? units[i].seconds : factor;
            }
            end++;
        }
        seconds += part * factor;
        if (factor == 0 || seconds > TIME_S_MAX) {
            return false;
        }
        at = end;
    }
    *ns = seconds * NS_PER_S;
    return text[0] != 0;
}

static hay_status
set_time_left(hay_options *options, const char *value, struct hayi_error *err)
{
    uint64_t ns = 0;
    if (!parse_time(value, &ns)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "'%s' is no time such as 90, 90s, 2h30m or 1:30:00",
                         value);
    }
    options->deadline_ns = hayi_clock_unix_ns() + ns;
    return HAY_OK;
}

static hay_status
set_deadline(hay_options *options, const char *value, struct hayi_error *err)
{
    uint64_t seconds = 0;
    hay_status status = parse_number(value, UNIX_S_MAX, &seconds, err);
    if (status == HAY_OK) {
        options->deadline_ns = seconds * NS_PER_S;
    }
    return status;
}

static hay_status check_stragglers(double factor, struct hayi_error *err)
{
    if (factor == 0 || (factor >= 1 && factor <= STRAGGLER_FACTOR_MAX)) {
        return HAY_OK;
    }
    return hayi_fail(err,
                     HAY_EINVAL,
                     "a straggler takes %d to %d times the usual time (0: none "
                     "is looked for)",
                     1,
                     STRAGGLER_FACTOR_MAX);
}

static hay_status
set_stragglers(hay_options *options, const char *value, struct hayi_error *err)
{
    char *end = NULL;
    double factor = strtod(value, &end);
    if (value[0] < '0' || value[0] > '9' || *end != 0) {
        return hayi_fail(err, HAY_EINVAL, "'%s' is no factor", value);
    }
    hay_status status = check_stragglers(factor, err);
    if (status == HAY_OK) {
        options->straggler_factor = factor;
    }
    return status;
}

static hay_status
set_flag(bool *flag, const char *value, struct hayi_error *err)
{
    if (strcmp(value, "1") == 0 || value[0] == 0) {
        *flag = true;
    } else if (strcmp(value, "0") == 0) {
        *flag = false;
    } else {
        return hayi_fail(err, HAY_EINVAL, "'%s' is neither 0 nor 1", value);
    }
    return HAY_OK;
}

/* 64M, 2G, 1.5GiB, or a part of what this node has: 50%. */
static bool parse_size(const char *text, uint64_t *bytes)
{
    static const char letters[] = "KMGT";
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9') {
        return false; /* no sign, no space, no word */
    }
    double number = strtod(text, &end);
    if (strcmp(end, "%") == 0) {
        if (!(number <= 100)) {
            return false;
        }
        number *= (double)hayi_store_node_bytes() / 100;
    } else if (*end != 0 && strcmp(end, "B") != 0) {
        char letter = *end >= 'a' && *end <= 'z' ? (char)(*end - 32) : *end;
        const char *found = strchr(letters, letter);
        if (found == NULL || (end[1] != 0 && strcasecmp(end + 1, "iB") != 0)) {
            return false;
        }
        number *= (double)(UINT64_C(1) << (10 * (found - letters + 1)));
    }
    if (!(number >= 0 && number < 0x1p62)) {
        return false;
    }
    *bytes = (uint64_t)number;
    return true;
}

static hay_status set_memory_limit(hay_options *options,
                                   const char *value,
                                   struct hayi_error *err)
{
    uint64_t bytes = 0;
    if (!parse_size(value, &bytes)) {
        return hayi_fail(
            err,
            HAY_EINVAL,
            "'%s' is no size such as 64M, 2G or 50%% (at most 100%%)",
            value);
    }
    if (bytes < MEMORY_LIMIT_MIN) {
        return hayi_fail(err, HAY_EINVAL, "'%s' is less than 1M", value);
    }
    options->memory_limit_bytes = bytes;
    return HAY_OK;
}

static hay_status
set_results_max(hay_options *options, const char *value, struct hayi_error *err)
{
    uint64_t bytes = 0;
    if (strcmp(value, "0") == 0) {
        options->results_max_bytes = 1;
        return HAY_OK;
    }
    if (strchr(value, '%') != NULL || !parse_size(value, &bytes)) {
        return hayi_fail(
            err, HAY_EINVAL, "'%s' is no size such as 0, 64M or 2G", value);
    }
    options->results_max_bytes = bytes;
    return HAY_OK;
}

/* Empty: nothing is spilled. */
static hay_status set_spill_folder(hay_options *options,
                                   const char *value,
                                   struct hayi_error *err)
{
    (void)err;
    options->spill_folder = value;
    return HAY_OK;
}

static hay_status
set_gpus(hay_options *options, const char *value, struct hayi_error *err)
{
    uint64_t number;
    hay_status status = parse_number(value, HAYI_WISH_GPUS_MAX, &number, err);
    if (status == HAY_OK) {
        options->gpus = (uint32_t)number;
    }
    return status;
}

static hay_status check_named(const char *value, struct hayi_error *err)
{
    struct hayi_named list[HAYI_RESOURCE_MAX];
    size_t count;
    return hayi_named_parse(value, false, list, HAYI_RESOURCE_MAX, &count, err);
}

static hay_status
set_resources(hay_options *options, const char *value, struct hayi_error *err)
{
    options->resources = value;
    return check_named(value, err);
}

static hay_status
set_limits(hay_options *options, const char *value, struct hayi_error *err)
{
    options->limits = value;
    return check_named(value, err);
}

static hay_status
set_checksum(hay_options *options, const char *value, struct hayi_error *err)
{
    return set_flag(&options->checksum, value, err);
}

static hay_status
set_no_pin(hay_options *options, const char *value, struct hayi_error *err)
{
    return set_flag(&options->no_pin, value, err);
}

static hay_status
set_quiet(hay_options *options, const char *value, struct hayi_error *err)
{
    return set_flag(&options->quiet, value, err);
}

static hay_status
set_listen(hay_options *options, const char *value, struct hayi_error *err)
{
    return set_flag(&options->listen, value, err);
}

static hay_status
set_join(hay_options *options, const char *value, struct hayi_error *err)
{
    if (value[0] == 0) {
        return hayi_fail(err, HAY_EINVAL, "it needs a run folder");
    }
    options->join = value;
    return HAY_OK;
}

static hay_status set_idle_timeout(hay_options *options,
                                   const char *value,
                                   struct hayi_error *err)
{
    if (!parse_time(value, &options->idle_timeout_ns)) {
        return hayi_fail(err, HAY_EINVAL, "'%s' is no time such as 90s", value);
    }
    return HAY_OK;
}

static hay_status
set_check_files(hay_options *options, const char *value, struct hayi_error *err)
{
    return set_flag(&options->check_files, value, err);
}

static hay_status
set_dry_run(hay_options *options, const char *value, struct hayi_error *err)
{
    return set_flag(&options->dry_run, value, err);
}

static const struct setting {
    const char *option;
    const char *variable;
    set_fn set;
    bool flag;
} settings[] = {
    {"--hay-slots", "HAYFORK_SLOTS", set_slots, false},
    {"--hay-run-folder", "HAYFORK_RUN_FOLDER", set_run_folder, false},
    {"--hay-journal", "HAYFORK_JOURNAL", set_journal, false},
    {"--hay-output", "HAYFORK_OUTPUT", set_output, false},
    {"--hay-runner", "HAYFORK_RUNNER", set_runner, false},
    {"--hay-seed", "HAYFORK_SEED", set_seed, false},
    {"--hay-pending-max", "HAYFORK_PENDING_MAX", set_pending_max, false},
    {"--hay-suspended-max", "HAYFORK_SUSPENDED_MAX", set_suspended_max, false},
    {"--hay-silence", "HAYFORK_SILENCE", set_silence, false},
    {"--hay-stragglers", "HAYFORK_STRAGGLERS", set_stragglers, false},
    {"--hay-deadline", "HAYFORK_DEADLINE", set_deadline, false},
    {"--hay-time-left", "HAYFORK_TIME_LEFT", set_time_left, false},
    {"--hay-memory-limit", "HAYFORK_MEMORY_LIMIT", set_memory_limit, false},
    {"--hay-spill-folder", "HAYFORK_SPILL_FOLDER", set_spill_folder, false},
    {"--hay-gpus", "HAYFORK_GPUS", set_gpus, false},
    {"--hay-resources", "HAYFORK_RESOURCES", set_resources, false},
    {"--hay-limits", "HAYFORK_LIMITS", set_limits, false},
    {"--hay-checksum", "HAYFORK_CHECKSUM", set_checksum, true},
    {"--hay-join", NULL, set_join, false},
    {"--hay-idle-timeout", NULL, set_idle_timeout, false},
    {"--hay-listen", NULL, set_listen, true},
    {"--hay-results-max", "HAYFORK_RESULTS_MAX", set_results_max, false},
    {"--hay-check-files", "HAYFORK_CHECK_FILES", set_check_files, true},
    {"--hay-dry-run", "HAYFORK_DRY_RUN", set_dry_run, true},
    {"--hay-no-pin", "HAYFORK_NO_PIN", set_no_pin, true},
    {"--hay-quiet", "HAYFORK_QUIET", set_quiet, true},
};
enum { SETTING_COUNT = sizeof(settings) / sizeof(settings[0]) };

const char *hayi_settings_help(void)
{
    return "Options of the farm (also as HAYFORK_... variables):\n"
           "  --hay-slots=N          cores that a worker offers (all it may "
           "use)\n"
           "  --hay-run-folder=DIR   keep journal and outputs there; go on "
           "with it\n"
           "  --hay-journal=WHEN     of the run folder: sync, written (no "
           "fdatasync), none\n"
           "  --hay-results-max=SIZE  of large results in the run folder (1G; "
           "0: none)\n"
           "  --hay-output=MODE      of commands: inherit, append, files, "
           "null\n"
           "  --hay-runner=KIND      of functions: thread, process (a child "
           "that "
           "may crash)\n"
           "  --hay-seed=N           of random streams and ties (0)\n"
           "  --hay-pending-max=N    unfinished tasks before submit waits\n"
           "  --hay-suspended-max=N  waiting tasks of a worker with a stack "
           "(256)\n"
           "  --hay-silence=SECONDS  a worker silent so long is lost (15)\n"
           "  --hay-stragglers=FACTOR  near the end a second attempt of what "
           "takes so\n"
           "                         many times as long as usual (never)\n"
           "  --hay-listen           others may join the run while it lasts\n"
           "  --hay-join=RUN_FOLDER  be a worker of the run that listens "
           "there\n"
           "  --hay-idle-timeout=TIME  leave it when there is nothing to do so "
           "long\n"
           "  --hay-time-left=TIME   until the batch system ends this program:"
           " 2h30m\n"
           "  --hay-deadline=SECONDS  the same as Unix time\n"
           "  --hay-memory-limit=SIZE  for the objects of a node: 64M, 2G, "
           "50% (30%)\n"
           "  --hay-spill-folder=DIR  local disk for what does not fit; empty: "
           "none\n"
           "                         (TMPDIR, /var/tmp or /tmp)\n"
           "  --hay-gpus=N           that a node has (those that are found)\n"
           "  --hay-resources=LIST   what a node has besides: "
           "licences=2,scratch=0.5\n"
           "  --hay-limits=LIST      of the farm: download=3\n"
           "  --hay-checksum         compare a hash of what moves between "
           "nodes\n"
           "  --hay-no-pin           do not pin slots to cores\n"
           "  --hay-check-files      resume looks at commands' input files, "
           "too\n"
           "  --hay-dry-run          run nothing: ask the run folder's "
           "journal\n"
           "  --hay-quiet            no words of the farm on standard error\n"
           "  --hay-help             this text\n";
}

/* Say which setting a problem is about. */
static hay_status
about(const char *name, hay_status status, struct hayi_error *err)
{
    if (status != HAY_OK && err != NULL) {
        struct hayi_error cause = *err;
        return hayi_fail(err, status, "%s: %.400s", name, cause.text);
    }
    return status;
}

/* The value of an argument that is this setting, or that follows it; NULL if it
 * is not.  next: the argument behind it, or NULL; *used: it is the value. */
static const char *match(const struct setting *setting,
                         const char *argument,
                         const char *next,
                         bool *used)
{
    size_t length = strlen(setting->option);
    if (strncmp(argument, setting->option, length) != 0) {
        return NULL;
    }
    if (argument[length] == '=') {
        return argument + length + 1;
    }
    if (argument[length] != 0 || setting->flag) {
        return argument[length] == 0 ? "" : NULL;
    }
    *used = next != NULL && strncmp(next, "--", 2) != 0;
    return *used ? next : NULL;
}

static hay_status take_argument(const char *argument,
                                const char *next,
                                hay_options *options,
                                bool *used,
                                struct hayi_error *err)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *value = match(&settings[i], argument, next, used);
        if (value != NULL) {
            return about(
                settings[i].option, settings[i].set(options, value, err), err);
        }
    }
    return hayi_fail(err,
                     HAY_EINVAL,
                     "%s: unknown option, or no value (see --hay-help)",
                     argument);
}

hay_status hayi_settings_take(int *argc,
                              char **argv,
                              hay_options *options,
                              bool *help,
                              struct hayi_error *err)
{
    *help = false;
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        const char *value =
            settings[i].variable != NULL ? getenv(settings[i].variable) : NULL;
        if (value != NULL && value[0] != 0) {
            hay_status status = about(settings[i].variable,
                                      settings[i].set(options, value, err),
                                      err);
            if (status != HAY_OK) {
                return status;
            }
        }
    }
    int kept = 0;
    bool ours = true; /* until "--" */
    for (int i = 0; i < *argc; i++) {
        ours = ours && (i == 0 || strcmp(argv[i], "--") != 0);
        if (i == 0 || !ours || strncmp(argv[i], "--hay-", 6) != 0) {
            argv[kept++] = argv[i];
            continue;
        }
        if (strcmp(argv[i], "--hay-help") == 0) {
            *help = true;
            continue;
        }
        bool used = false;
        hay_status status = take_argument(
            argv[i], i + 1 < *argc ? argv[i + 1] : NULL, options, &used, err);
        if (status != HAY_OK) {
            return status;
        }
        i += used;
    }
    *argc = kept;
    argv[kept] = NULL;
    return HAY_OK;
}

/* What the options of a program leave open the batch script may tell. */
static hay_status deadline_by_variable(hay_options *options,
                                       struct hayi_error *err)
{
    const char *value = getenv("HAYFORK_DEADLINE");
    if (options->deadline_ns != 0 || value == NULL || value[0] == 0) {
        return HAY_OK;
    }
    return about("HAYFORK_DEADLINE", set_deadline(options, value, err), err);
}

hay_status hayi_options_copy(const hay_options *given,
                             hay_options *options,
                             struct hayi_error *err)
{
    hay_options_init(options);
    if (given == NULL) {
        return deadline_by_variable(options, err);
    }
    if (given->size < offsetof(hay_options, slots)
        || given->size > sizeof(*options)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_options has size %zu, not %zu: not initialised, "
                         "or of another version",
                         given->size,
                         sizeof(*options));
    }
    memcpy(options, given, given->size);
    options->size = sizeof(*options);
    if ((unsigned)options->output > HAY_OUTPUT_NULL) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_options: output %d is unknown",
                         (int)options->output);
    }
    if (options->memory_limit_bytes != 0
        && options->memory_limit_bytes < MEMORY_LIMIT_MIN) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_options: a memory limit of %llu bytes is less "
                         "than 1 MiB",
                         (unsigned long long)options->memory_limit_bytes);
    }
    if (options->gpus > HAYI_WISH_GPUS_MAX && options->gpus != HAY_GPUS_FOUND) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_options: %u gpus, at most %u",
                         options->gpus,
                         HAYI_WISH_GPUS_MAX);
    }
    if ((unsigned)options->runner > HAY_RUNNER_PROCESS) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_options: runner %d is neither a thread nor a "
                         "process",
                         (int)options->runner);
    }
    if (options->slots > SLOTS_MAX) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_options: %u slots, at most %d",
                         options->slots,
                         SLOTS_MAX);
    }
    hay_status status = check_stragglers(options->straggler_factor, err);
    return status == HAY_OK ? deadline_by_variable(options, err) : status;
}
