/* jobspec.c - what users ask of a batch job; see jobspec.h. */
#include "config.h"

#include "jobspec.h"
#include "lines.h"
#include "units.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_LENGTH 15 /* of a job, for PBS */

static bool set_count(uint32_t *to, const char *value, uint64_t max)
{
    uint64_t n;
    if (!units_uint(value, max, &n) || n == 0) {
        return false;
    }
    *to = (uint32_t)n;
    return true;
}

/* Minutes, as sbatch has it, or a time with a unit or colons. */
static bool set_time(uint64_t *time_s, const char *value)
{
    uint64_t n;
    if (units_uint(value, UINT32_MAX, &n)) {
        *time_s = n * 60;
    } else if (units_time(value, &n)) {
        *time_s = (n + NS_PER_S - 1) / NS_PER_S;
    } else {
        return false;
    }
    return *time_s > 0;
}

static bool set_word(const char **to, const char *value)
{
    *to = value;
    return value[0] != '\0';
}

static bool set_flag(bool *flag)
{
    *flag = true;
    return true;
}

enum {
    OPTION_ACCOUNT = 256,
    OPTION_ATTACHED,
    OPTION_BACKLOG,
    OPTION_CPUS,
    OPTION_DRY_RUN,
    OPTION_GPUS,
    OPTION_GROW,
    OPTION_IDLE,
    OPTION_PE,
    OPTION_QUIET,
    OPTION_SYSTEM
};

static const struct option longs[] = {
    {"account", required_argument, NULL, OPTION_ACCOUNT},
    {"attached", no_argument, NULL, OPTION_ATTACHED}, /* not for users */
    {"backlog", required_argument, NULL, OPTION_BACKLOG},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"gpus", required_argument, NULL, OPTION_GPUS},
    {"grow", required_argument, NULL, OPTION_GROW},
    {"help", no_argument, NULL, 'h'},
    {"idle-timeout", required_argument, NULL, OPTION_IDLE},
    {"max", required_argument, NULL, OPTION_GROW},
    {"nodes", required_argument, NULL, 'N'},
    {"partition", required_argument, NULL, 'q'},
    {"pe", required_argument, NULL, OPTION_PE},
    {"queue", required_argument, NULL, 'q'},
    {"quiet", no_argument, NULL, OPTION_QUIET},
    {"system", required_argument, NULL, OPTION_SYSTEM},
    {"time", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

static bool set_option(struct jobspec *spec, int code, const char *value)
{
    switch (code) {
    case 'h':
        return set_flag(&spec->help);
    case 'N':
        return set_count(&spec->job.nodes, value, RANKS_MAX);
    case 't':
        return set_time(&spec->job.time_s, value);
    case 'q':
        return set_word(&spec->job.queue, value);
    case OPTION_ACCOUNT:
        return set_word(&spec->job.account, value);
    case OPTION_ATTACHED:
        return set_flag(&spec->attached);
    case OPTION_BACKLOG:
        return units_time(value, &spec->backlog_ns);
    case OPTION_CPUS:
        return set_count(&spec->job.cpus, value, RANKS_MAX);
    case OPTION_DRY_RUN:
        return set_flag(&spec->dry_run);
    case OPTION_GPUS:
        return set_count(&spec->job.gpus, value, RANKS_MAX);
    case OPTION_GROW:
        return set_count(&spec->grow, value, JOBSPEC_JOBS_MAX);
    case OPTION_IDLE:
        return units_time(value, &spec->idle_ns) && spec->idle_ns > 0;
    case OPTION_PE:
        return set_word(&spec->job.pe, value);
    case OPTION_QUIET:
        return set_flag(&spec->quiet);
    case OPTION_SYSTEM:
        return set_word(&spec->system_name, value);
    default:
        return false;
    }
}

hay_status jobspec_parse(struct jobspec *spec,
                         int argc,
                         char **argv,
                         int *next,
                         struct fault *fault)
{
    /* Options of another program stand behind the file of submit. */
    const char *shorts =
        strcmp(argv[0], "grow") == 0 ? ":hN:q:t:" : "+:hN:q:t:";
    int code;
    optind = 0;
    opterr = 0;
    while ((code = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
        if (!set_option(spec, code, optarg)) {
            return fault_set(fault,
                             HAY_EINVAL,
                             "%s: unknown option or bad value %.100s (hayfork "
                             "help %s tells more%s)",
                             argv[0],
                             argv[optind - 1],
                             argv[0],
                             strcmp(argv[0], "submit") == 0
                                 ? "; options of hayfork run come behind FILE"
                                 : "");
        }
    }
    *next = optind;
    return HAY_OK;
}

/* ---- of one text ---- */

/* The next word of *text; false: there is none. */
static bool next_word(const char **text, struct text *word)
{
    const char *at = *text + strspn(*text, " \t\n");
    char quote = '\0';
    text_clear(word);
    if (*at == '\0') {
        return false;
    }
    for (; *at != '\0' && (quote != '\0' || strchr(" \t\n", *at) == NULL);
         at++) {
        if (*at == quote) {
            quote = '\0';
        } else if (quote == '\0' && (*at == '\'' || *at == '"')) {
            quote = *at;
        } else {
            text_add(word, at, 1);
        }
    }
    *text = at;
    return true;
}

hay_status jobspec_parse_text(struct jobspec *spec,
                              const char *text,
                              struct arena *arena,
                              char ***words,
                              char ***extra,
                              struct fault *fault)
{
    char **list = arena_alloc(arena, (strlen(text) + 3) * sizeof *list);
    struct text word = TEXT_INIT;
    int count = 1;
    int next = 0;
    list[0] = arena_string(arena, "--grow-job");
    while (next_word(&text, &word)) {
        list[count++] = arena_string(arena, word.data == NULL ? "" : word.data);
    }
    list[count] = NULL;
    text_fini(&word);
    hay_status status = jobspec_parse(spec, count, list, &next, fault);
    if (status == HAY_OK && next < count && strcmp(list[next - 1], "--") != 0) {
        status = fault_set(fault,
                           HAY_EINVAL,
                           "--grow-job: %.100s is no option (hayfork help grow "
                           "tells more)",
                           list[next]);
    }
    *words = list + 1;
    *extra = list + next;
    return status;
}

/* ---- files, names, command lines ---- */

hay_status jobspec_find_files(struct jobspec *spec,
                              struct arena *arena,
                              struct fault *fault)
{
    static const char *const places[] = {"../../batch",
                                         "../share/hayfork/batch"};
    char self[PATH_MAX];
    struct text path = TEXT_INIT;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return fault_set(fault, HAY_EIO, "/proc: %s", strerror(errno));
    }
    self[length] = '\0';
    spec->job.program = arena_string(arena, self);
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        text_clear(&path);
        text_format(
            &path, "%s/%s/%s", self, places[i], batch_name(spec->system));
        char *whole = realpath(path.data, NULL);
        if (whole != NULL && spec->job.script == NULL) {
            spec->job.script = arena_string(arena, whole);
        }
        free(whole);
    }
    text_fini(&path);
    return spec->job.script != NULL
               ? HAY_OK
               : fault_set(fault,
                           HAY_EIO,
                           "no script for %s jobs in share/hayfork/batch "
                           "beside %.500s",
                           batch_name(spec->system),
                           spec->job.program);
}

const char *
jobspec_name(struct arena *arena, const char *folder, const char *ending)
{
    char name[NAME_MAX_LENGTH + 2] = "h";
    const char *from = strrchr(folder, '/');
    size_t max = NAME_MAX_LENGTH - strlen(ending);
    size_t length = 1;
    from = from == NULL ? folder : from + 1;
    for (; *from != '\0' && length < max; from++) {
        name[length++] = isalnum((unsigned char)*from) ? *from : '_';
    }
    memcpy(name + length, ending, strlen(ending) + 1);
    return arena_string(arena,
                        isalpha((unsigned char)name[1]) ? name + 1 : name);
}

hay_status jobspec_worker_command(struct jobspec *spec,
                                  const char *folder,
                                  struct arena *arena,
                                  const char ***argv,
                                  struct fault *fault)
{
    struct text join = TEXT_INIT;
    struct text idle = TEXT_INIT;
    const char **list = arena_alloc(arena, 3 * sizeof *list);
    text_format(&join, "--join=%s", folder);
    text_format(&idle,
                "--idle-timeout=%" PRIu64 "s",
                spec->idle_ns / NS_PER_S + (spec->idle_ns % NS_PER_S != 0));
    list[0] = arena_string(arena, join.data);
    list[1] = arena_string(arena, idle.data);
    list[2] = NULL;
    text_fini(&join);
    text_fini(&idle);
    spec->job.folder = arena_string(arena, folder);
    spec->job.name = jobspec_name(arena, folder, "_w");
    spec->job.nodes = 1;
    spec->job.worker = true;
    spec->job.arguments = list;
    return batch_command(spec->system, &spec->job, arena, argv, fault);
}

static void add_option(struct text *text, const char *name, const char *value)
{
    const char *quote = strchr(value, '\'') == NULL ? "'" : "\"";
    if (value[strcspn(value, " \t\n'\"")] == '\0' && value[0] != '\0') {
        quote = "";
    }
    text_format(text, "%s%s%s%s ", name, quote, value, quote);
}

static void add_number(struct text *text, const char *name, uint64_t n)
{
    if (n > 0) {
        text_format(text, "%s%" PRIu64 " ", name, n);
    }
}

void jobspec_text(const struct jobspec *spec, struct text *text)
{
    const struct batch_job *job = &spec->job;
    const struct jobspec usual = JOBSPEC_INIT;
    const struct {
        const char *name, *value;
    } words[] = {{"--queue=", job->queue},
                 {"--account=", job->account},
                 {"--pe=", job->pe}};
    add_option(text, "--system=", batch_name(spec->system));
    if (job->time_s > 0) {
        text_format(text, "--time=%" PRIu64 "s ", job->time_s);
    }
    add_number(text, "--cpus=", job->cpus);
    add_number(text, "--gpus=", job->gpus);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (words[i].value != NULL) {
            add_option(text, words[i].name, words[i].value);
        }
    }
    if (spec->backlog_ns != usual.backlog_ns) {
        text_format(
            text, "--backlog=%" PRIu64 "ms ", spec->backlog_ns / 1000000);
    }
    if (spec->idle_ns != usual.idle_ns) {
        text_format(
            text, "--idle-timeout=%" PRIu64 "ms ", spec->idle_ns / 1000000);
    }
    if (job->extra != NULL && job->extra[0] != NULL) {
        text_add_string(text, "-- ");
    }
    for (size_t i = 0; job->extra != NULL && job->extra[i] != NULL; i++) {
        add_option(text, "", job->extra[i]);
    }
    text->data[--text->length] = '\0'; /* the last blank */
}

/* As shell_quote(), but --name=value stays as it is: users read this. */
static void add_word(struct text *text, const char *word)
{
    const char *value = strchr(word, '=');
    if (word[0] != '-' || value == NULL) {
        shell_quote(text, word);
        return;
    }
    struct text name = TEXT_INIT;
    text_add(&name, word, (size_t)(value - word));
    shell_quote(text, name.data);
    text_add_string(text, "=");
    if (value[1] != '\0') {
        shell_quote(text, value + 1);
    }
    text_fini(&name);
}

void jobspec_command_text(const char *const *argv, struct text *text)
{
    text_clear(text);
    for (; *argv != NULL; argv++) {
        add_word(text, *argv);
        text_add_string(text, argv[1] != NULL ? " " : "\n");
    }
}
