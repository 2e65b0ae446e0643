/* resume_words.c - see resume_words.h. */
#include "config.h"

#include "client/resume_words.h"

#include "client/persist.h"
#include "wire/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_recorded(const hay_future *input)
{
    const struct hayi_spec_key *key = hayi_spec_key(input->spec);
    return key != NULL
           && (key->why == HAY_WHY_RECORDED
               || input->spec->kind == HAYI_TASK_PUT);
}

const hay_future *hayi_resume_running_input(const hay_future *future)
{
    const struct hayi_spec *spec = future->spec;
    for (uint32_t i = 0; i < spec->dep_count; i++) {
        if (!is_recorded(hayi_spec_deps(spec)[i])) {
            return hayi_spec_deps(spec)[i];
        }
    }
    return NULL;
}

/* Of a command that names files; free(view->memory) then. */
static bool read_files(const hay_future *future, struct hayi_command_view *view)
{
    const struct hayi_spec *spec = future->spec;
    return spec->kind == HAYI_TASK_COMMAND
           && hayi_command_has_files(hayi_spec_args(spec), spec->args_size)
           && hayi_command_read(
                  hayi_spec_args(spec), spec->args_size, view, NULL)
                  == HAY_OK;
}

bool hayi_resume_stat(const struct hayi_command_view *view,
                      const char *file,
                      struct stat *st)
{
    char path[8192];
    if (file[0] == '/' || view->cwd == NULL) {
        return stat(file, st) == 0;
    }
    int n = snprintf(path, sizeof(path), "%s/%s", view->cwd, file);
    return n > 0 && (size_t)n < sizeof(path) && stat(path, st) == 0;
}

bool hayi_resume_gone(const hay_future *future, char *text, size_t size)
{
    struct hayi_command_view view;
    struct stat st;
    bool gone = false;
    if (!read_files(future, &view)) {
        return false;
    }
    for (uint32_t i = 0; !gone && i < view.out_count; i++) {
        gone = !hayi_resume_stat(&view, view.out_files[i], &st);
        if (gone && text != NULL) {
            (void)snprintf(text, size, "%s", view.out_files[i]);
        }
    }
    free(view.memory);
    return gone;
}

const char *hayi_resume_persisted(const hay_future *future)
{
    const struct hayi_spec *spec = future->spec;
    struct hayi_value path;
    return spec->kind == HAYI_TASK_FUNCTION
                   && strcmp(hayi_spec_category(spec), HAYI_PERSIST_CATEGORY)
                          == 0
                   && hayi_args_count(hayi_spec_args(spec)) > 0
                   && hayi_args_get(hayi_spec_args(spec), 0, &path)
                   && path.type == HAY_STRING
               ? path.data
               : NULL;
}

static void word_output(const hay_future *future, char *text, size_t size)
{
    char file[500];
    const char *path = hayi_resume_persisted(future);
    if (path != NULL) {
        (void)snprintf(text,
                       size,
                       "output %.400s %s",
                       path,
                       access(path, F_OK) == 0 ? "has changed" : "is gone");
        return;
    }
    (void)hayi_resume_gone(future, file, sizeof(file));
    (void)snprintf(text, size, "output %s is gone", file);
}

static uint64_t recorded_bytes(const struct hayi_journal_table *table,
                               const struct hayi_recorded *task,
                               const char *path)
{
    const struct hayi_recorded_file *file =
        hayi_recorded_file(table, task->file);
    while (file != NULL && (file->out || strcmp(file->path, path) != 0)) {
        file = hayi_recorded_file(table, file->next);
    }
    return file != NULL ? file->bytes : UINT64_MAX;
}

/* The file that has changed, if its size tells. */
static void word_files(const struct hayi_journal_table *table,
                       const hay_future *future,
                       const struct hayi_recorded *task,
                       char *text,
                       size_t size)
{
    struct hayi_command_view view;
    struct stat st;
    if (task->key.files == 0) {
        (void)snprintf(text, size, "its input files were not looked at before");
        return;
    }
    (void)snprintf(text, size, "an input file changed");
    if (!read_files(future, &view)) {
        return;
    }
    for (uint32_t i = 0; i < view.in_count; i++) {
        const char *file = view.in_files[i];
        bool there = hayi_resume_stat(&view, file, &st);
        uint64_t before = recorded_bytes(table, task, file);
        if (!there) {
            (void)snprintf(text, size, "input file %.400s is gone", file);
        } else if (before != UINT64_MAX && before != (uint64_t)st.st_size) {
            (void)snprintf(text, size, "input file %.400s changed", file);
        } else {
            continue;
        }
        break;
    }
    free(view.memory);
}

static void word_inputs(const hay_future *future, char *text, size_t size)
{
    const hay_future *input = hayi_resume_running_input(future);
    if (input == NULL) {
        (void)snprintf(text, size, "comes after other tasks than before");
        return;
    }
    const char *name = hay_future_name(input);
    if (name[0] != 0) {
        (void)snprintf(
            text, size, "comes after %.400s, which runs again", name);
    } else {
        (void)snprintf(text, size, "comes after a task that runs again");
    }
}

void hayi_resume_word(const struct hayi_journal_table *table,
                      const hay_future *future,
                      const struct hayi_recorded *task,
                      hay_why why,
                      char *text,
                      size_t size)
{
    switch (why) {
    case HAY_WHY_NONE:
        (void)snprintf(text, size, "runs each time");
        break;
    case HAY_WHY_INPUTS:
        word_inputs(future, text, size);
        break;
    case HAY_WHY_FILES:
        word_files(table, future, task, text, size);
        break;
    case HAY_WHY_OUTPUT:
        word_output(future, text, size);
        break;
    case HAY_WHY_UNFINISHED:
        (void)snprintf(text,
                       size,
                       "%s",
                       task->state == HAYI_RECORDED_CANCELLED
                           ? "was cancelled before"
                           : "not finished before");
        break;
    default:
        (void)snprintf(text, size, "%s", hay_why_name(why));
        break;
    }
}
