/* batch_command.c - the command lines that submit jobs; see batch.h. */
#include "config.h"

#include "batch.h"
#include "tool.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    struct arena *arena;
    const char **list;
    size_t count, room;
};

static void add_text(struct line *line, const char *text)
{
    line->list =
        mem_grow(line->list, line->count, &line->room, sizeof *line->list);
    line->list[line->count++] =
        text == NULL ? NULL : arena_string(line->arena, text);
}

static void add(struct line *line, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
    char text[4096];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    add_text(line, text);
}

static void add_all(struct line *line, const char *const *list)
{
    for (; list != NULL && *list != NULL; list++) {
        add_text(line, *list);
    }
}

static void add_clock(struct line *line, const char *before, uint64_t time_s)
{
    add(line,
        "%s%" PRIu64 ":%02" PRIu64 ":%02" PRIu64,
        before,
        time_s / 3600,
        time_s / 60 % 60,
        time_s % 60);
}

static hay_status
slurm_line(const struct batch_job *job, struct line *line, struct fault *fault)
{
    (void)fault;
    add_text(line, "sbatch");
    add_text(line, "--parsable");
    add_text(line, job->worker ? "--no-requeue" : "--requeue");
    add(line, "--job-name=%s", job->name);
    add(line, "--output=%s/job-%%j.out", job->folder);
    add(line, "--nodes=%" PRIu32, job->nodes);
    if (job->time_s > 0) { /* whole minutes */
        add(line, "--time=%" PRIu64, (job->time_s + 59) / 60);
    }
    if (job->cpus > 0) {
        add_text(line, "--ntasks-per-node=1");
        add(line, "--cpus-per-task=%" PRIu32, job->cpus);
    }
    if (job->gpus > 0) {
        add(line, "--gpus-per-node=%" PRIu32, job->gpus);
    }
    if (job->queue != NULL) {
        add(line, "--partition=%s", job->queue);
    }
    if (job->account != NULL) {
        add(line, "--account=%s", job->account);
    }
    add_all(line, job->extra);
    add_text(line, job->script);
    add_all(line, job->arguments);
    return HAY_OK;
}

/* How many slots a parallel environment needs for so many nodes: those that its
 * rule puts on each, or one.  HAY_EINVAL: it cannot be had. */
static hay_status
pe_slots(const struct batch_job *job, uint64_t *slots, struct fault *fault)
{
    const char *const argv[] = {"qconf", "-sp", job->pe, NULL};
    struct text out = TEXT_INIT;
    struct text error = TEXT_INIT;
    int code = 0;
    uint64_t each = 1;
    hay_status status = tool_run(argv, &out, &error, &code, fault);
    if (status == HAY_OK && code != 0) {
        status = fault_set(fault,
                           HAY_EINVAL,
                           "--pe=%.80s: there is no such parallel environment "
                           "(qconf -spl lists them)",
                           job->pe);
    }
    if (status == HAY_OK) {
        const char *rule = strstr(out.data, "allocation_rule");
        rule = rule == NULL ? "" : rule + strlen("allocation_rule");
        rule += strspn(rule, " \t");
        if (*rule >= '0' && *rule <= '9') {
            each = strtoull(rule, NULL, 10);
        } else if (strncmp(rule, "$pe_slots", 9) == 0 && job->nodes > 1) {
            status = fault_set(fault,
                               HAY_EINVAL,
                               "--pe=%.80s puts all slots on one host "
                               "(allocation_rule $pe_slots); --nodes=%" PRIu32
                               " needs another",
                               job->pe,
                               job->nodes);
        } else if (job->cpus > 0) {
            each = job->cpus;
        }
    }
    *slots = each * job->nodes;
    text_fini(&out);
    text_fini(&error);
    return status;
}

/* Grid Engine hands on the first line of an argument, and says nothing. */
static hay_status check_lines(const struct batch_job *job, struct fault *fault)
{
    for (size_t i = 0; job->arguments != NULL && job->arguments[i] != NULL;
         i++) {
        if (strchr(job->arguments[i], '\n') != NULL) {
            return fault_set(fault,
                             HAY_EINVAL,
                             "Grid Engine cuts arguments of jobs at the end of "
                             "a line ('%.40s'): write the commands to a file",
                             job->arguments[i]);
        }
    }
    return HAY_OK;
}

static hay_status gridengine_line(const struct batch_job *job,
                                  struct line *line,
                                  struct fault *fault)
{
    uint64_t slots = 0;
    hay_status fits = check_lines(job, fault);
    if (fits != HAY_OK) {
        return fits;
    }
    if (job->pe == NULL && job->nodes > 1) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "Grid Engine needs --pe=NAME for several nodes: a "
                         "parallel environment of your site (qconf -spl lists "
                         "them)");
    }
    add_text(line, "qsub");
    add_text(line, "-terse");
    add_text(line, "-notify");
    add_text(line, "-r");
    add_text(line, job->worker ? "n" : "y");
    add_text(line, "-N");
    add_text(line, job->name);
    add_text(line, "-o");
    add(line, "%s/job-$JOB_ID.out", job->folder);
    if (job->pe != NULL) {
        hay_status status = pe_slots(job, &slots, fault);
        if (status != HAY_OK) {
            return status;
        }
        add_text(line, "-pe");
        add_text(line, job->pe);
        add(line, "%" PRIu64, slots);
    }
    if (job->time_s > 0) {
        add_text(line, "-l");
        add_clock(line, "h_rt=", job->time_s);
    }
    if (job->gpus > 0) {
        add_text(line, "-l");
        add(line, "gpu=%" PRIu32, job->gpus);
    }
    if (job->queue != NULL) {
        add_text(line, "-q");
        add_text(line, job->queue);
    }
    if (job->account != NULL) {
        add_text(line, "-A");
        add_text(line, job->account);
    }
    add_text(line, "-v");
    add(line,
        "HAYFORK=%s,HAYFORK_TIME_LIMIT=%" PRIu64,
        job->program,
        job->time_s);
    add_all(line, job->extra);
    add_text(line, job->script);
    add_all(line, job->arguments);
    return HAY_OK;
}

/* As an executable behind "--": a script that is read by a login shell ends
 * with that shell at the first signal, and gets no arguments. */
static hay_status
pbs_line(const struct batch_job *job, struct line *line, struct fault *fault)
{
    char select[128];
    int length = snprintf(select, sizeof select, "select=%" PRIu32, job->nodes);
    (void)fault;
    if (job->cpus > 0) {
        length += snprintf(select + length,
                           sizeof select - (size_t)length,
                           ":ncpus=%" PRIu32,
                           job->cpus);
    }
    if (job->gpus > 0) {
        snprintf(select + length,
                 sizeof select - (size_t)length,
                 ":ngpus=%" PRIu32,
                 job->gpus);
    }
    add_text(line, "qsub");
    add_text(line, "-V");
    add_text(line, "-r");
    add_text(line, job->worker ? "n" : "y");
    add_text(line, "-j");
    add_text(line, "oe");
    add_text(line, "-N");
    add_text(line, job->name);
    add_text(line, "-o");
    add(line, "%s/", job->folder);
    add_text(line, "-l");
    add_text(line, select);
    add_text(line, "-l");
    add_text(line, job->cpus > 0 ? "place=scatter" : "place=scatter:excl");
    if (job->time_s > 0) {
        add_text(line, "-l");
        add_clock(line, "walltime=", job->time_s);
    }
    if (job->queue != NULL) {
        add_text(line, "-q");
        add_text(line, job->queue);
    }
    if (job->account != NULL) {
        add_text(line, "-A");
        add_text(line, job->account);
    }
    add_text(line, "-v");
    add(line,
        "HAYFORK=%s,HAYFORK_TIME_LIMIT=%" PRIu64,
        job->program,
        job->time_s);
    add_all(line, job->extra);
    add_text(line, "--");
    add_text(line, "/bin/bash");
    add_text(line, job->script);
    add_all(line, job->arguments);
    return HAY_OK;
}

static hay_status
local_line(const struct batch_job *job, struct line *line, struct fault *fault)
{
    if (job->nodes > 1 || job->queue != NULL || job->account != NULL
        || job->pe != NULL || job->cpus > 0 || job->gpus > 0
        || (job->extra != NULL && job->extra[0] != NULL)) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "--system=local takes --time alone: it runs on this "
                         "machine");
    }
    add_text(line, "setsid");
    add_text(line, "--fork");
    add_text(line, job->script);
    add(line, "%" PRIu64, job->time_s);
    add_text(line, job->folder);
    add_text(line, job->program);
    add_all(line, job->arguments);
    return HAY_OK;
}

hay_status batch_command(enum batch_system system,
                         const struct batch_job *job,
                         struct arena *arena,
                         const char ***argv,
                         struct fault *fault)
{
    struct line line = {.arena = arena};
    hay_status status = system == BATCH_SLURM ? slurm_line(job, &line, fault)
                        : system == BATCH_GRIDENGINE
                            ? gridengine_line(job, &line, fault)
                        : system == BATCH_PBS ? pbs_line(job, &line, fault)
                                              : local_line(job, &line, fault);
    add_text(&line, NULL);
    if (status == HAY_OK) {
        *argv = arena_alloc(arena, line.count * sizeof *line.list);
        memcpy(*argv, line.list, line.count * sizeof *line.list);
    }
    free(line.list);
    return status;
}
