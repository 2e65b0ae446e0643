/* cmd_submit.c - hayfork submit FILE: puts a run into the batch system.
 *
 * Works on a login node: no MPI, no farm.  The task file is read and checked
 * first, then the run folder is made, so that the job's log and record are
 * there; the job script does the rest (batch/).
 */
#include "config.h"

#include "jobspec.h"
#include "options.h"
#include "runfolder.h"
#include "taskfile.h"
#include "words.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct submission {
    struct jobspec spec;
    char **run;   /* arguments of hayfork run; argv[0] is its place */
    char **extra; /* behind "--" */
    int run_argc;
    struct arena arena;
};

/* ---- the command line ---- */

static hay_status
parse(struct submission *s, int argc, char **argv, struct fault *fault)
{
    int next = 0;
    hay_status status = jobspec_parse(&s->spec, argc, argv, &next, fault);
    if (status != HAY_OK || s->spec.help) {
        return status;
    }
    if (next == argc || strcmp(argv[next - 1], "--") == 0) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "submit: no file given (hayfork help submit tells "
                         "more)");
    }
    s->run = argv + next - 1;
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

static void set_arguments(struct submission *s)
{
    size_t count = (size_t)s->run_argc;
    size_t at = 0;
    struct text option = TEXT_INIT;
    const char **list = arena_alloc(&s->arena, (count + 4) * sizeof(char *));
    s->spec.job.extra = (const char *const *)s->extra;
    text_format(&option, "--run-folder=%s", s->spec.job.folder);
    list[at++] = arena_string(&s->arena, option.data);
    if (s->spec.grow > 0) {
        text_clear(&option);
        text_format(&option, "--grow=%" PRIu32, s->spec.grow);
        list[at++] = arena_string(&s->arena, option.data);
        text_clear(&option);
        text_add_string(&option, "--grow-job=");
        jobspec_text(&s->spec, &option);
        list[at++] = arena_string(&s->arena, option.data);
    }
    memcpy(list + at, s->run + 1, (count - 1) * sizeof(char *));
    list[at + count - 1] = NULL;
    text_fini(&option);
    s->spec.job.arguments = list;
}

/* ---- submitting ---- */

/* The command of a job of a worker; its script is the same. */
static hay_status show_worker(struct submission *s, struct fault *fault)
{
    const char **argv = NULL;
    struct text text = TEXT_INIT;
    struct jobspec spec = s->spec;
    if (spec.grow == 0) {
        return HAY_OK;
    }
    hay_status status = jobspec_worker_command(
        &spec, s->spec.job.folder, &s->arena, &argv, fault);
    if (status == HAY_OK) {
        jobspec_command_text(argv, &text);
        printf("\n# each worker job, at most %" PRIu32 " at once:\n%s",
               spec.grow,
               text.data);
    }
    text_fini(&text);
    return status;
}

/* What would be done: the command, then the script. */
static hay_status
show(struct submission *s, const char *const *argv, struct fault *fault)
{
    struct text text = TEXT_INIT;
    char *script = NULL;
    size_t size = 0;
    hay_status status = file_read(s->spec.job.script, &script, &size, fault);
    if (status == HAY_OK) {
        jobspec_command_text(argv, &text);
        printf("# the command:\n%s\n# %s:\n%s",
               text.data,
               s->spec.job.script,
               script);
    }
    free(script);
    text_fini(&text);
    return status == HAY_OK ? show_worker(s, fault) : status;
}

/* For a successor of the job, where there is no requeueing: its command. */
static hay_status write_command(const struct submission *s,
                                const char *const *argv,
                                struct fault *fault)
{
    struct text path = TEXT_INIT;
    struct text text = TEXT_INIT;
    hay_status status = HAY_OK;
    text_format(&path, "%s/job.command", s->spec.job.folder);
    jobspec_command_text(argv, &text);
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
        s->spec.dry_run ? strdup(folder->data) : realpath(folder->data, NULL);
    if (whole == NULL) {
        return fault_set(
            fault, HAY_EIO, "%.500s: %s", folder->data, strerror(errno));
    }
    s->spec.job.folder = arena_string(&s->arena, whole);
    free(whole);
    s->spec.job.name = jobspec_name(&s->arena, s->spec.job.folder, "");
    set_arguments(s);
    hay_status status =
        batch_command(s->spec.system, &s->spec.job, &s->arena, &argv, fault);
    if (status == HAY_OK && s->spec.dry_run) {
        return show(s, argv, fault);
    }
    if (status == HAY_OK) {
        status = write_command(s, argv, fault);
    }
    /* Slurm hands on the environment; the others are told in the command. */
    setenv("HAYFORK", s->spec.job.program, 1);
    if (status == HAY_OK) {
        status = batch_submit(s->spec.system, argv, id, fault);
    }
    if (status == HAY_OK) {
        puts(id);
        status =
            batch_write(folder->data, RUNFOLDER_JOB, s->spec.system, id, fault);
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
    if (s->spec.dry_run) {
        runfolder_guess(wanted, o->file, folder);
        return HAY_OK;
    }
    return runfolder_make(wanted, o->file, folder, fault);
}

static hay_status go(struct submission *s, struct fault *fault)
{
    struct options options = {.word = 0};
    struct text folder = TEXT_INIT;
    hay_status status = batch_find(s->spec.system_name, &s->spec.system, fault);
    if (status == HAY_OK) {
        status = jobspec_find_files(&s->spec, &s->arena, fault);
    }
    if (status == HAY_OK) {
        status = check_run(s, &options, fault);
        if (status == HAY_OK) {
            status = choose_folder(s, &options, &folder, fault);
        }
        if (status == HAY_OK) {
            status = submit(s, &folder, fault);
            if (status != HAY_OK && !s->spec.dry_run) {
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
    struct submission s = {.spec = JOBSPEC_INIT};
    struct fault fault;
    hay_status status = parse(&s, argc, argv, &fault);
    if (status == HAY_OK && s.spec.help) {
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
