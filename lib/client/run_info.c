/* run_info.c - what a run folder says of its run; see hayfork/resume.h. */
#include "config.h"

#include "base/buffer.h"
#include "client/check.h"
#include "journal/journal_scan.h"
#include "journal/run_lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What is kept of the journal while it is read. */
struct last {
    struct hayi_journal_run run;     /* without its texts */
    struct hayi_journal_state state; /* all 0: there is none */
    struct hayi_buffer texts;        /* job, cwd, then the arguments */
    size_t args_at;
};

static hay_status keep_run(struct last *last,
                           const struct hayi_journal_run *run)
{
    struct hayi_buffer *texts = &last->texts;
    last->run = *run;
    last->state = (struct hayi_journal_state){.state = 0};
    hayi_buffer_consume(texts, texts->size);
    hay_status st = hayi_buffer_append(texts, run->job, strlen(run->job) + 1);
    if (st == HAY_OK) {
        st = hayi_buffer_append(texts, run->cwd, strlen(run->cwd) + 1);
    }
    if (st == HAY_OK) {
        st = hayi_buffer_append(texts, run->host, strlen(run->host) + 1);
    }
    last->args_at = texts->size;
    return st == HAY_OK ? hayi_buffer_append(texts, run->args, run->args_size)
                        : st;
}

static hay_status
read_last(const char *path, struct last *last, struct hayi_error *err)
{
    struct hayi_journal_scan scan;
    struct hayi_journal_record record;
    hay_status st = hayi_journal_scan_open(&scan, path, err);
    if (st != HAY_OK) {
        return st;
    }
    while ((st = hayi_journal_scan_next(&scan, &record, err)) == HAY_OK) {
        if (record.kind == HAYI_JOURNAL_RUN
            && keep_run(last, &record.u.run) != HAY_OK) {
            st = hayi_fail(err, HAY_ENOMEM, "out of memory for a journal");
            break;
        }
        if (record.kind == HAYI_JOURNAL_STATE) {
            last->state = record.u.state;
        }
    }
    hayi_journal_scan_close(&scan);
    return st == HAY_EEMPTY ? HAY_OK : st;
}

static size_t count_args(const struct last *last)
{
    size_t count = 0;
    for (size_t i = last->args_at; i < last->texts.size; i++) {
        count += ((const char *)last->texts.data)[i] == 0;
    }
    return count;
}

/* One allocation: the list of arguments, a host, the texts. */
static hay_status fill(const struct last *last,
                       const struct hayi_run_owner *owner,
                       hay_run_info *info,
                       struct hayi_error *err)
{
    size_t argc = count_args(last);
    size_t list = (argc + 1) * sizeof(char *);
    size_t host = strlen(owner->host) + 1;
    char *memory = calloc(1, list + host + last->texts.size + 3);
    if (memory == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    char **argv = (char **)(void *)memory;
    char *text = memory + list;
    memcpy(text, owner->host, host);
    info->host = text;
    text += host;
    if (last->texts.size > 0) {
        memcpy(text, last->texts.data, last->texts.size);
    }
    info->job = text;
    text += strlen(text) + 1;
    info->cwd = text;
    text += strlen(text) + 1;
    info->host = info->running ? info->host : text;
    text += strlen(text) + 1;
    for (size_t i = 0; i < argc; i++) {
        argv[i] = text;
        text += strlen(text) + 1;
    }
    info->argv = (const char *const *)argv;
    info->argc = argc;
    info->memory = memory;
    return HAY_OK;
}

/* owner: who has it, if so. */
static bool is_owned(const char *folder, struct hayi_run_owner *owner)
{
    struct hayi_run_owner found;
    bool alive = false;
    bool owned = hayi_run_lock_look(folder, &found, &alive, NULL) == HAY_OK
                 && alive && !found.released;
    if (owned) {
        *owner = found;
    }
    return owned;
}

static hay_status
look(const char *folder, hay_run_info *info, struct hayi_error *err)
{
    struct hayi_run_owner owner = {.released = true};
    struct last last = {.run = {.epoch = 0}};
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/journal.log", folder);
    if (n < 0 || (size_t)n >= sizeof(path)) {
        return hayi_fail(err, HAY_EINVAL, "%s: the path is too long", folder);
    }
    hayi_buffer_init(&last.texts);
    /* One that begins or ends meanwhile counts as running. */
    bool running = is_owned(folder, &owner);
    hay_status st =
        access(path, F_OK) == 0 ? read_last(path, &last, err) : HAY_OK;
    st = st == HAY_EEMPTY ? HAY_OK : st; /* its head was not written yet */
    running = running || is_owned(folder, &owner);
    if (st == HAY_OK) {
        hay_run_info fresh = {
            .size = info->size,
            .recorded = last.run.epoch > 0,
            .running = running,
            .ended = last.state.state == HAYI_JOURNAL_ENDED && !running,
            .starts = last.run.epoch,
            .failed = last.state.failed,
            .pid = running ? owner.pid : last.run.pid,
            .since_s = (int64_t)((running ? owner.since_ns : last.run.wall_ns)
                                 / 1000000000),
        };
        st = fill(&last, &owner, &fresh, err);
        if (st == HAY_OK) {
            memcpy(info, &fresh, sizeof(fresh));
        }
    }
    hayi_buffer_fini(&last.texts);
    return st;
}

hay_status hay_run_look(const char *folder, hay_run_info *info)
{
    struct hayi_error *err = hayi_thread_error();
    hay_status st = hayi_check_out(info, sizeof(*info), "hay_run_info", err);
    if (st == HAY_OK && folder == NULL) {
        st = hayi_fail(err, HAY_EINVAL, "the folder is NULL");
    }
    return st == HAY_OK ? look(folder, info, err) : st;
}

void hay_run_info_fini(hay_run_info *info)
{
    free(info->memory);
    info->memory = NULL;
}
