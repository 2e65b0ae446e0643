/* cmd_submit.c - hayfork submit FILE: puts a run into the batch system.
 *
 * Works on a login node: no MPI, no farm.  The task file is read and checked
 * first, then the run folder is made, so that the job's log and record are
 * there; the job script does the rest (batch/).
 */
#include "config.h"

#include "batch.h"
#include "options.h"
#include "runfolder.h"
#include "taskfile.h"
#include "units.h"
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_LENGTH 15 /* of a job, for PBS */

struct submission {
    const char *system_name;
    enum batch_system system;
    struct batch_job job;
    bool dry_run;
    bool help;
    char **run;   /* arguments of hayfork run; argv[0] is its place */
    char **extra; /* behind "--" */
    int run_argc;
    struct arena arena;
};

/* ---- the command line ---- */

static bool set_count(uint32_t *to, const char *value)
{
    uint64_t n;
    if (!units_uint(value, RANKS_MAX, &n) || n == 0) {
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

enum {
    OPTION_ACCOUNT = 256,
    OPTION_CPUS,
    OPTION_DRY_RUN,
    OPTION_GPUS,
    OPTION_PE,
    OPTION_SYSTEM
};

static const struct option longs[] = {
    {"account", required_argument, NULL, OPTION_ACCOUNT},
    {"cpus", required_argument, NULL, OPTION_CPUS},
    {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"gpus", required_argument, NULL, OPTION_GPUS},
    {"help", no_argument, NULL, 'h'},
    {"nodes", required_argument, NULL, 'N'},
    {"partition", required_argument, NULL, 'q'},
    {"pe", required_argument, NULL, OPTION_PE},
    {"queue", required_argument, NULL, 'q'},
    {"system", required_argument, NULL, OPTION_SYSTEM},
    {"time", required_argument, NULL, 't'},
    {NULL, 0, NULL, 0},
};

static bool set_option(struct submission *s, int code, const char *value)
{
    switch (code) {
    case 'h':
        s->help = true;
        return true;
    case 'N':
        return set_count(&s->job.nodes, value);
    case 't':
        return set_time(&s->job.time_s, value);
    case 'q':
        return set_word(&s->job.queue, value);
    case OPTION_ACCOUNT:
        return set_word(&s->job.account, value);
    case OPTION_CPUS:
        return set_count(&s->job.cpus, value);
    case OPTION_DRY_RUN:
        s->dry_run = true;
        return true;
    case OPTION_GPUS:
        return set_count(&s->job.gpus, value);
    case OPTION_PE:
        return set_word(&s->job.pe, value);
    case OPTION_SYSTEM:
        return set_word(&s->system_name, value);
    default:
        return false;
    }
}

static hay_status
parse(struct submission *s, int argc, char **argv, struct fault *fault)
{
    int code;
    optind = 0;
    opterr = 0;
    while ((code = getopt_long(argc, argv, "+:hN:q:t:", longs, NULL)) != -1) {
        if (!set_option(s, code, optarg)) {
            return fault_set(fault,
                             HAY_EINVAL,
                             "submit: unknown option or bad value %.100s "
                             "(hayfork help submit tells more; options of "
                             "hayfork run come behind FILE)",
                             argv[optind - 1]);
        }
    }
    if (s->help) {
        return HAY_OK;
    }
    if (optind == argc || strcmp(argv[optind - 1], "--") == 0) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "submit: no file given (hayfork help submit tells "
                         "more)");
    }
    s->run = argv + optind - 1;
    s->run_argc = 1;
    while (s->run[s->run_argc] != NULL
           && strcmp(s->run[s->run_argc], "--") != 0) {
        s->run_argc++;
    }
    s->extra = s->run + s->run_argc;
    s->extra += *s->extra != NULL;
    return HAY_OK;
}

/* ---- what the job needs ---- */

/* Whole path of our program and of the script of the system, in the arena. */
static hay_status find_files(struct submission *s, struct fault *fault)
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
    s->job.program = arena_string(&s->arena, self);
    *strrchr(self, '/') = '\0';
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        text_clear(&path);
        text_format(&path, "%s/%s/%s", self, places[i], batch_name(s->system));
        char *whole = realpath(path.data, NULL);
        if (whole != NULL && s->job.script == NULL) {
            s->job.script = arena_string(&s->arena, whole);
        }
        free(whole);
    }
    text_fini(&path);
    return s->job.script != NULL
               ? HAY_OK
               : fault_set(fault,
                           HAY_EIO,
                           "no script for %s jobs in share/hayfork/batch "
                           "beside %.500s",
                           batch_name(s->system),
                           s->job.program);
}

/* The run is checked as the job will see it. */
static hay_status
check_run(struct submission *s, struct options *o, struct fault *fault)
{
    size_t count = (size_t)s->run_argc;
    char **copy = arena_alloc(&s->arena, (count + 1) * sizeof(char *));
    struct workload w;
    char run[] = "run";
    memcpy(copy, s->run, count * sizeof(char *));
    copy[0] = arena_string(&s->arena, run);
    copy[count] = NULL;
    hay_status status = options_parse(WORD_RUN, (int)count, copy, o, fault);
    if (status == HAY_OK && (o->help || strcmp(o->file, "-") == 0)) {
        status = fault_set(fault,
                           HAY_EINVAL,
                           "submit: a job cannot read standard input: a file "
                           "is needed");
    }
    if (status == HAY_OK) {
        workload_init(&w, o->file);
        status = run_read(o, &w, fault);
        workload_fini(&w);
    }
    return status;
}

/* "sim" of runs/sim.2: a name that every system takes. */
static const char *job_name(struct submission *s, const char *folder)
{
    char name[NAME_MAX_LENGTH + 2] = "h";
    const char *from = strrchr(folder, '/');
    size_t length = 1;
    from = from == NULL ? folder : from + 1;
    for (; *from != '\0' && length < NAME_MAX_LENGTH; from++) {
        name[length++] = isalnum((unsigned char)*from) ? *from : '_';
    }
    name[length] = '\0';
    return arena_string(&s->arena,
                        isalpha((unsigned char)name[1]) ? name + 1 : name);
}

static void set_arguments(struct submission *s)
{
    size_t count = (size_t)s->run_argc;
    struct text option = TEXT_INIT;
    const char **list = arena_alloc(&s->arena, (count + 2) * sizeof(char *));
    text_format(&option, "--run-folder=%s", s->job.folder);
    list[0] = arena_string(&s->arena, option.data);
    memcpy(list + 1, s->run + 1, (count - 1) * sizeof(char *));
    list[count] = NULL;
    text_fini(&option);
    s->job.arguments = list;
    s->job.extra = (const char *const *)s->extra;
}

/* ---- submitting ---- */

/* A word as a shell reads it. */
static void add_quoted(struct text *text, const char *word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                                "uvwxyz0123456789_-+=/.,:@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        text_add_string(text, word);
        return;
    }
    text_add_string(text, "'");
    for (; *word != '\0'; word++) {
        text_add(text, *word == '\'' ? "'\\''" : word, *word == '\'' ? 4 : 1);
    }
    text_add_string(text, "'");
}

static void command_text(const char *const *argv, struct text *text)
{
    text_clear(text);
    for (; *argv != NULL; argv++) {
        add_quoted(text, *argv);
        text_add_string(text, argv[1] != NULL ? " " : "\n");
    }
}

/* What would be done: the command, then the script. */
static hay_status
show(const struct submission *s, const char *const *argv, struct fault *fault)
{
    struct text text = TEXT_INIT;
    char *script = NULL;
    size_t size = 0;
    hay_status status = file_read(s->job.script, &script, &size, fault);
    if (status == HAY_OK) {
        command_text(argv, &text);
        printf(
            "# the command:\n%s\n# %s:\n%s", text.data, s->job.script, script);
    }
    free(script);
    text_fini(&text);
    return status;
}

/* For a successor of the job, where there is no requeueing: its command. */
static hay_status write_command(const struct submission *s,
                                const char *const *argv,
                                struct fault *fault)
{
    struct text path = TEXT_INIT;
    struct text text = TEXT_INIT;
    hay_status status = HAY_OK;
    text_format(&path, "%s/job.command", s->job.folder);
    command_text(argv, &text);
    FILE *file = fopen(path.data, "we");
    if (file == NULL
        || fwrite(text.data, 1, text.length, file) != text.length) {
        status =
            fault_set(fault, HAY_EIO, "%.500s: %s", path.data, strerror(errno));
    }
    if (file != NULL && fclose(file) != 0 && status == HAY_OK) {
        status =
            fault_set(fault, HAY_EIO, "%.500s: %s", path.data, strerror(errno));
    }
    text_fini(&path);
    text_fini(&text);
    return status;
}

static hay_status
submit(struct submission *s, const struct text *folder, struct fault *fault)
{
    const char **argv = NULL;
    char id[BATCH_ID_MAX];
    char *whole =
        s->dry_run ? strdup(folder->data) : realpath(folder->data, NULL);
    if (whole == NULL) {
        return fault_set(
            fault, HAY_EIO, "%.500s: %s", folder->data, strerror(errno));
    }
    s->job.folder = arena_string(&s->arena, whole);
    free(whole);
    s->job.name = job_name(s, s->job.folder);
    set_arguments(s);
    hay_status status =
        batch_command(s->system, &s->job, &s->arena, &argv, fault);
    if (status == HAY_OK && s->dry_run) {
        return show(s, argv, fault);
    }
    if (status == HAY_OK) {
        status = write_command(s, argv, fault);
    }
    /* Slurm hands on the environment; the others are told in the command. */
    setenv("HAYFORK", s->job.program, 1);
    if (status == HAY_OK) {
        status = batch_submit(s->system, argv, id, fault);
    }
    if (status == HAY_OK) {
        puts(id);
        status = batch_write(folder->data, s->system, id, fault);
    }
    if (status == HAY_OK) {
        runfolder_set_latest(folder->data);
    }
    return status;
}

static hay_status choose_folder(const struct submission *s,
                                const struct options *o,
                                struct text *folder,
                                struct fault *fault)
{
    const char *wanted =
        o->run_folder != NULL ? o->run_folder : getenv("HAYFORK_RUN_FOLDER");
    if (s->dry_run) {
        runfolder_guess(wanted, o->file, folder);
        return HAY_OK;
    }
    return runfolder_make(wanted, o->file, folder, fault);
}

static hay_status go(struct submission *s, struct fault *fault)
{
    struct options options = {.word = 0};
    struct text folder = TEXT_INIT;
    hay_status status = batch_find(s->system_name, &s->system, fault);
    if (status == HAY_OK) {
        status = find_files(s, fault);
    }
    if (status == HAY_OK) {
        status = check_run(s, &options, fault);
        if (status == HAY_OK) {
            status = choose_folder(s, &options, &folder, fault);
        }
        if (status == HAY_OK) {
            status = submit(s, &folder, fault);
            if (status != HAY_OK && !s->dry_run) {
                runfolder_discard(folder.data);
            }
        }
        options_fini(&options);
    }
    text_fini(&folder);
    return status;
}

int cmd_submit(int argc, char **argv)
{
    struct submission s = {.job = {.nodes = 1}};
    struct fault fault;
    hay_status status = parse(&s, argc, argv, &fault);
    if (status == HAY_OK && s.help) {
        fputs(help_text("submit"), stdout);
    } else if (status == HAY_OK) {
        status = go(&s, &fault);
    }
    if (status != HAY_OK) {
        fault_print(&fault);
    }
    arena_fini(&s.arena);
    return status == HAY_OK      ? EXIT_DONE
           : status == HAY_EFARM ? EXIT_FARM
                                 : EXIT_USE;
}
