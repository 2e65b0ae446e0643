/* options.c - the command line of run, replay, launch and doctor; see
 * options.h.
 *
 * One table tells for each option which words have it, and what it does.  What
 * begins with --hay- is the library's, and is passed on as it is.
 */
#include "config.h"

#include "amounts.h"
#include "jobspec.h"
#include "options.h"
#include "paralleljob.h"
#include "units.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PENDING_MAX       ((size_t)1 << 20)
#define PENDING_UNLIMITED "1000000000"
#define OPTION_COUNT_MAX  40

typedef bool (*option_fn)(struct options *o, const char *value);

static bool set_ranks(struct options *o, const char *value)
{
    uint64_t n;
    if (!units_uint(value, RANKS_MAX, &n) || n == 0) {
        return false;
    }
    o->launch.ranks = (uint32_t)n;
    return true;
}

static bool set_hosts(struct options *o, const char *value)
{
    o->launch.hosts = value;
    return value[0] != '\0';
}

static bool set_ranks_per_node(struct options *o, const char *value)
{
    uint64_t n;
    if (!units_uint(value, RANKS_MAX, &n) || n == 0) {
        return false;
    }
    o->launch.ranks_per_node = (uint32_t)n;
    return true;
}

static bool set_rsh(struct options *o, const char *value)
{
    o->launch.rsh = value;
    return value[0] != '\0';
}

static bool set_slots(struct options *o, const char *value)
{
    uint64_t n;
    if (!units_uint(value, 4096, &n) || n == 0) {
        return false;
    }
    options_add_farm(o, "slots", value);
    return true;
}

static bool set_seed(struct options *o, const char *value)
{
    uint64_t n;
    if (!units_uint(value, UINT64_MAX, &n)) {
        return false;
    }
    options_add_farm(o, "seed", value);
    return true;
}

static bool set_stragglers(struct options *o, const char *value)
{
    double factor;
    if (!units_real(value, &factor) || factor < 1 || factor > 1e6) {
        return false;
    }
    options_add_farm(o, "stragglers", value);
    return true;
}

static bool set_run_folder(struct options *o, const char *value)
{
    o->run_folder = value;
    return value[0] != '\0';
}

static bool set_output(struct options *o, const char *value)
{
    static const char *const plain[] = {"append", "files", "inherit", "null"};
    o->show = SHOW_NONE;
    if (strcmp(value, "grouped") == 0 || strcmp(value, "ordered") == 0) {
        o->show = value[0] == 'g' ? SHOW_GROUPED : SHOW_ORDERED;
        value = "append";
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        if (strcmp(value, plain[i]) == 0) {
            options_add_farm(o, "output", value);
            return true;
        }
    }
    return false;
}

static bool set_progress(struct options *o, const char *value)
{
    return progress_parse(value, &o->progress, &o->columns);
}

static bool set_quiet(struct options *o, const char *value)
{
    (void)value;
    o->quiet = true;
    return true;
}

static bool set_new(struct options *o, const char *value)
{
    (void)value;
    o->fresh = true;
    return true;
}

static bool set_why(struct options *o, const char *value)
{
    (void)value;
    o->why = true;
    options_add_farm(o, "dry-run", "1");
    return true;
}

static bool set_check_files(struct options *o, const char *value)
{
    (void)value;
    options_add_farm(o, "check-files", "1");
    return true;
}

static bool set_help(struct options *o, const char *value)
{
    (void)value;
    o->help = true;
    return true;
}

static bool set_format(struct options *o, const char *value)
{
    if (o->word == WORD_REPLAY) {
        return strcmp(value, "auto") == 0 || strcmp(value, "wfformat") == 0;
    }
    return formats_named(value, &o->format);
}

static bool set_resume_from(struct options *o, const char *value)
{
    o->resume_from = mem_grow(
        o->resume_from, o->resume_count, &o->resume_room, sizeof(const char *));
    o->resume_from[o->resume_count++] = value;
    return value[0] != '\0';
}

static bool set_cores(struct options *o, const char *value)
{
    return amounts_cores(&o->arena, &o->request, value);
}

static bool set_request(struct options *o, const char *value)
{
    return amounts_request(&o->arena, &o->request, value);
}

/* For the library: by a program that is launched they are seen as variables. */
static bool tell_farm(struct options *o, const char *name, const char *value)
{
    static const char *const names[][2] = {{"gpus", "HAYFORK_GPUS"},
                                           {"limits", "HAYFORK_LIMITS"},
                                           {"resources", "HAYFORK_RESOURCES"}};
    if (o->word != WORD_LAUNCH) {
        options_add_farm(o, name, value);
        return true;
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(name, names[i][0]) == 0) {
            setenv(names[i][1], value, 1);
        }
    }
    return true;
}

static bool set_gpus(struct options *o, const char *value)
{
    uint64_t n;
    return units_uint(value, 64, &n) && tell_farm(o, "gpus", value);
}

static bool set_resources(struct options *o, const char *value)
{
    return tell_farm(o, "resources", value);
}

static bool set_limits(struct options *o, const char *value)
{
    return tell_farm(o, "limits", value);
}

static bool set_retries(struct options *o, const char *value)
{
    uint64_t n;
    if (!units_uint(value, 1000000, &n)) {
        return false;
    }
    o->request.retries = (uint32_t)n;
    return true;
}

static bool set_retry_pause(struct options *o, const char *value)
{
    return units_time(value, &o->request.retry_pause_ns);
}

static bool set_max_fails(struct options *o, const char *value)
{
    return units_uint(value, UINT64_MAX, &o->max_fails) && o->max_fails > 0;
}

static bool set_time(struct options *o, const char *value)
{
    return units_time(value, &o->request.time_limit_ns);
}

static bool set_time_left(struct options *o, const char *value)
{
    o->has_time_left = units_time(value, &o->time_left_ns);
    return o->has_time_left;
}

static bool set_grace(struct options *o, const char *value)
{
    return units_time(value, &o->request.grace_ns);
}

static bool set_mem_limit(struct options *o, const char *value)
{
    return units_size(value, &o->request.memory_limit_bytes);
}

static bool set_enforce_mem(struct options *o, const char *value)
{
    (void)value;
    o->request.enforce_memory = true;
    return true;
}

static bool set_output_limit(struct options *o, const char *value)
{
    return units_size(value, &o->request.output_limit_bytes);
}

static bool set_listen(struct options *o, const char *value)
{
    (void)value;
    if (!o->listen) {
        options_add_farm(o, "listen", "1");
    }
    o->listen = true;
    return true;
}

static bool set_grow(struct options *o, const char *value)
{
    uint64_t n;
    if (!units_uint(value, JOBSPEC_JOBS_MAX, &n) || n == 0) {
        return false;
    }
    o->grow = (uint32_t)n;
    return set_listen(o, NULL);
}

/* Looked at later: getopt does not work within itself. */
static bool set_grow_job(struct options *o, const char *value)
{
    o->grow_job = value;
    return true;
}

static hay_status check_grow_job(struct options *o, struct fault *fault)
{
    struct jobspec spec = JOBSPEC_INIT;
    char **words;
    char **extra;
    hay_status status = jobspec_parse_text(
        &spec, o->grow_job, &o->arena, &words, &extra, fault);
    if (status == HAY_OK
        && (spec.help || spec.dry_run || spec.attached || spec.grow > 0
            || spec.job.nodes > 1)) {
        status =
            fault_set(fault,
                      HAY_EINVAL,
                      "run: bad value --grow-job=%.200s (hayfork help grow "
                      "tells what a job may be given)",
                      o->grow_job);
    }
    return status;
}

static bool set_time_scale(struct options *o, const char *value)
{
    return units_real(value, &o->time_scale) && o->time_scale <= 1e6;
}

static bool set_work(struct options *o, const char *value)
{
    o->work = strcmp(value, "spin") == 0 ? SUBMIT_SPIN : SUBMIT_SLEEP;
    return strcmp(value, "spin") == 0 || strcmp(value, "sleep") == 0;
}

static bool keep_going(struct options *o, const char *value)
{
    (void)o;
    (void)value;
    return true;
}

#define FARMS  (WORD_RUN | WORD_REPLAY)
#define STARTS (FARMS | WORD_LAUNCH | WORD_DOCTOR)

static const struct option_row {
    const char *name;
    char letter;
    bool argument;
    unsigned words;
    option_fn set;
} rows[] = {
    {"check-files", 0, false, WORD_RUN, set_check_files},
    {"cores", 0, true, WORD_RUN, set_cores},
    {"enforce-mem", 0, false, WORD_RUN, set_enforce_mem},
    {"format", 0, true, FARMS, set_format},
    {"grace", 0, true, WORD_RUN, set_grace},
    {"gpus", 0, true, FARMS | WORD_LAUNCH, set_gpus},
    {"grow", 0, true, WORD_RUN, set_grow},
    {"grow-job", 0, true, WORD_RUN, set_grow_job},
    {"help", 'h', false, STARTS, set_help},
    {"hosts", 0, true, STARTS, set_hosts},
    {"keep-going", 'k', false, FARMS, keep_going},
    {"limits", 0, true, FARMS | WORD_LAUNCH, set_limits},
    {"listen", 0, false, WORD_RUN, set_listen},
    {"max-fails", 0, true, FARMS, set_max_fails},
    {"mem-limit", 0, true, WORD_RUN, set_mem_limit},
    {"new", 0, false, FARMS, set_new},
    {"output", 0, true, WORD_RUN, set_output},
    {"output-limit", 0, true, WORD_RUN, set_output_limit},
    {"progress", 0, true, FARMS, set_progress},
    {"quiet", 'q', false, FARMS, set_quiet},
    {"ranks", 'n', true, STARTS, set_ranks},
    {"ranks-per-node", 0, true, STARTS, set_ranks_per_node},
    {"request", 0, true, WORD_RUN, set_request},
    {"resources", 0, true, FARMS | WORD_LAUNCH, set_resources},
    {"resume-from", 0, true, WORD_RUN, set_resume_from},
    {"retries", 0, true, WORD_RUN, set_retries},
    {"retry-pause", 0, true, WORD_RUN, set_retry_pause},
    {"rsh", 0, true, STARTS, set_rsh},
    {"run-folder", 0, true, FARMS, set_run_folder},
    {"seed", 0, true, FARMS, set_seed},
    {"slots", 0, true, FARMS, set_slots},
    {"stragglers", 0, true, FARMS, set_stragglers},
    {"time", 0, true, WORD_RUN, set_time},
    {"time-left", 0, true, FARMS | WORD_LAUNCH, set_time_left},
    {"time-scale", 0, true, WORD_REPLAY, set_time_scale},
    {"why", 0, false, FARMS, set_why},
    {"work", 0, true, WORD_REPLAY, set_work},
};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static const char *word_name(enum options_word word)
{
    return word == WORD_RUN      ? "run"
           : word == WORD_REPLAY ? "replay"
           : word == WORD_LAUNCH ? "launch"
                                 : "doctor";
}

void options_add_farm(struct options *options,
                      const char *name,
                      const char *value)
{
    size_t count = (size_t)options->farm_argc;
    struct text option = TEXT_INIT;
    text_format(&option, "--hay-%s=%s", name, value);
    options->farm_argv =
        mem_resize(options->farm_argv, count + 2, sizeof(char *));
    options->farm_argv[count] = arena_string(&options->arena, option.data);
    text_fini(&option);
    options->farm_argv[count + 1] = NULL;
    options->farm_argc++;
}

/* Moves the library's options out of argv, up to the program of launch. */
static int take_farm_options(struct options *o, int argc, char **argv)
{
    int kept = 1;
    bool plain = false;
    for (int i = 1; i < argc; i++) {
        plain = plain || strcmp(argv[i], "--") == 0
                || (o->word == WORD_RUN && paralleljob_begins(argv[i]))
                || (o->word == WORD_LAUNCH && argv[i][0] != '-');
        if (!plain && strncmp(argv[i], "--hay-", 6) == 0) {
            size_t count = (size_t)o->farm_argc;
            o->farm_argv = mem_resize(o->farm_argv, count + 2, sizeof(char *));
            o->farm_argv[count] = arena_string(&o->arena, argv[i]);
            o->farm_argv[count + 1] = NULL;
            o->farm_argc++;
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    return kept;
}

/* How many tasks may be out at once: the user's word to the library is ours, so
 * that it never makes us wait in a submit. */
static void take_pending_max(struct options *o)
{
    const char *value = getenv("HAYFORK_PENDING_MAX");
    uint64_t n;
    for (int i = 1; i < o->farm_argc; i++) {
        if (strncmp(o->farm_argv[i], "--hay-pending-max=", 18) == 0) {
            value = o->farm_argv[i] + 18;
        }
    }
    o->pending_max = PENDING_MAX;
    if (value != NULL && units_uint(value, PENDING_MAX, &n) && n > 0) {
        o->pending_max = (size_t)n;
    }
    if (value == NULL || units_uint(value, UINT64_MAX, &n)) {
        options_add_farm(o, "pending-max", PENDING_UNLIMITED);
    }
}

static hay_status unknown_option(const struct options *o,
                                 const char *text,
                                 const char *why,
                                 struct fault *fault)
{
    return fault_set(fault,
                     HAY_EINVAL,
                     "%s: %s %.100s (hayfork help %s tells more)",
                     word_name(o->word),
                     why,
                     text,
                     word_name(o->word));
}

static size_t
option_table(const struct options *o, struct option *longs, char *shorts)
{
    size_t count = 0;
    /* '+': options up to the program, or the command that is filled with lists
     * of values; ':' quiet about arguments */
    if (o->word == WORD_LAUNCH || o->words != NULL) {
        *shorts++ = '+';
    }
    *shorts++ = ':';
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if ((rows[i].words & (unsigned)o->word) == 0) {
            continue;
        }
        longs[count++] =
            (struct option){rows[i].name,
                            rows[i].argument ? required_argument : no_argument,
                            NULL,
                            256 + (int)i};
        if (rows[i].letter != 0) {
            *shorts++ = rows[i].letter;
            if (rows[i].argument) {
                *shorts++ = ':';
            }
        }
    }
    longs[count] = (struct option){NULL, 0, NULL, 0};
    *shorts = '\0';
    return count;
}

static const struct option_row *row_of(int code)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (code == 256 + (int)i || (code != 0 && code == rows[i].letter)) {
            return &rows[i];
        }
    }
    return NULL;
}

static hay_status
parse_options(struct options *o, int argc, char **argv, struct fault *fault)
{
    struct option longs[OPTION_COUNT_MAX];
    char shorts[2 * OPTION_COUNT_MAX + 4];
    int code;
    option_table(o, longs, shorts);
    optind = 0; /* begin anew (glibc) */
    opterr = 0;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        const struct option_row *row = row_of(code);
        if (code == ':') {
            return unknown_option(
                o, argv[optind - 1], "a value is missing after", fault);
        }
        if (row == NULL) {
            char letter[3] = {'-', (char)optopt, '\0'};
            bool is_letter = optopt > 0 && optopt < 256;
            return unknown_option(o,
                                  is_letter ? letter : argv[optind - 1],
                                  "unknown option",
                                  fault);
        }
        if (!row->set(o, optarg)) {
            return fault_set(fault,
                             HAY_EINVAL,
                             "%s: bad value --%s=%.100s (hayfork help %s "
                             "tells more)",
                             word_name(o->word),
                             row->name,
                             optarg,
                             word_name(o->word));
        }
    }
    return HAY_OK;
}

/* A command and lists of values instead of a file. */
static hay_status
take_words(struct options *o, int argc, char **argv, struct fault *fault)
{
    o->words = argv + optind;
    o->word_count = (size_t)(argc - optind);
    o->file = PARALLELJOB_NAME;
    if (o->format != FORMAT_AUTO && o->format != FORMAT_PARALLEL) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "run: lists of values (:::) are of GNU parallel, "
                         "--format says something else");
    }
    return HAY_OK;
}

/* Is a format given, or a resume file, that standard input cannot have? */
static hay_status check_file(const struct options *o, struct fault *fault)
{
    bool stream = strcmp(o->file, "-") == 0;
    if (stream && o->format > FORMAT_HAYFORK) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "run: files of other tools are not read from standard "
                         "input");
    }
    if (stream && o->resume_count > 0) {
        return fault_set(
            fault, HAY_EINVAL, "run: --resume-from wants a file of tasks");
    }
    return HAY_OK;
}

static hay_status
take_arguments(struct options *o, int argc, char **argv, struct fault *fault)
{
    if (o->words != NULL) {
        return take_words(o, argc, argv, fault);
    }
    const char *what = o->word == WORD_LAUNCH ? "program" : "file";
    if (o->word == WORD_DOCTOR) {
        return optind == argc
                   ? HAY_OK
                   : unknown_option(
                       o, argv[optind], "one argument too many:", fault);
    }
    if (optind == argc) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "%s: no %s given (hayfork help %s tells more)",
                         word_name(o->word),
                         what,
                         word_name(o->word));
    }
    if (o->word == WORD_LAUNCH) {
        o->program = argv + optind;
        return HAY_OK;
    }
    if (optind + 1 < argc) {
        return unknown_option(
            o, argv[optind + 1], "one argument too many:", fault);
    }
    o->file = argv[optind];
    return check_file(o, fault);
}

/* Is there a list of values on the command line? */
static void find_words(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc && o->word == WORD_RUN; i++) {
        if (paralleljob_begins(argv[i])) {
            o->words = argv; /* known for good when options are read */
        }
    }
}

hay_status options_parse(enum options_word word,
                         int argc,
                         char **argv,
                         struct options *options,
                         struct fault *fault)
{
    *options = (struct options){
        .word = word, .request = REQUEST_INIT, .time_scale = 1};
    options->work = word == WORD_REPLAY ? SUBMIT_SLEEP : SUBMIT_COMMANDS;
    options->farm_argv = mem_alloc(2, sizeof(char *));
    options->farm_argv[0] = arena_string(&options->arena, "hayfork");
    options->farm_argv[1] = NULL;
    options->farm_argc = 1;
    if (word != WORD_LAUNCH) {
        argc = take_farm_options(options, argc, argv);
    }
    find_words(options, argc, argv);
    hay_status status = parse_options(options, argc, argv, fault);
    if (status == HAY_OK && !options->help) {
        status = take_arguments(options, argc, argv, fault);
    }
    if (status == HAY_OK && options->grow_job != NULL) {
        status = check_grow_job(options, fault);
    }
    take_pending_max(options);
    return status;
}

void options_fini(struct options *options)
{
    arena_fini(&options->arena);
    free(options->resume_from);
    free(options->farm_argv);
    options->farm_argv = NULL;
    options->farm_argc = 0;
}
