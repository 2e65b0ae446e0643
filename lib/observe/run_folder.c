/* run_folder.c - see run_folder.h. */
#include "config.h"

#include "observe/run_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 16 };

struct hayi_run_folder {
    FILE *tasks;
    FILE *output;
    FILE *files; /* NULL: none was named yet, or it cannot be made */
    struct hayi_error files_error;
    bool told;
    bool draft; /* they are not in their places yet */
    char path[];
};

enum { PATH_ROOM = 4096 };

/* "FOLDER/NAME", or its draft.  false: too long. */
static bool
put_path(char path[PATH_ROOM], const char *folder, const char *name, bool draft)
{
    int n =
        snprintf(path, PATH_ROOM, "%s/%s%s", folder, name, draft ? ".new" : "");
    return n >= 0 && n < PATH_ROOM;
}

static FILE *open_file(const struct hayi_run_folder *folder,
                       const char *name,
                       const char *head,
                       struct hayi_error *err)
{
    char path[PATH_ROOM];
    if (!put_path(path, folder->path, name, folder->draft)) {
        (void)hayi_fail(
            err, HAY_EINVAL, "%s: the path is too long", folder->path);
        return NULL;
    }
    /* another run's are not lost */
    FILE *file = fopen(path, folder->draft ? "we" : "wxe");
    if (file == NULL) {
        (void)hayi_fail(err, HAY_EIO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    (void)setvbuf(file, NULL, _IOFBF, BUFFER_BYTES);
    (void)fputs(head, file);
    return file;
}

static hay_status make_folder(const char *path, struct hayi_error *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return hayi_fail(err, HAY_EIO, "%s: %s", path, strerror(errno));
    }
    return HAY_OK;
}

static hay_status open_folder(const char *path,
                              bool draft,
                              struct hayi_run_folder **out,
                              struct hayi_error *err)
{
    char sub[PATH_ROOM];
    int n = snprintf(sub, sizeof(sub), "%s/output", path);
    if (n < 0 || (size_t)n >= sizeof(sub)) {
        return hayi_fail(err, HAY_EINVAL, "%s: the path is too long", path);
    }
    if (make_folder(path, err) != HAY_OK || make_folder(sub, err) != HAY_OK) {
        return HAY_EIO;
    }
    size_t size = strlen(path) + 1;
    struct hayi_run_folder *folder = calloc(1, sizeof(*folder) + size);
    if (folder == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    memcpy(folder->path, path, size);
    folder->draft = draft;
    folder->tasks = open_file(folder,
                              "tasks.tsv",
                              "task\tname\tattempt\tstate\tworker\tslot\t"
                              "cores\tstart_s\tend_s\texit\tsignal\treason\t"
                              "cause\tpeak_bytes\tcpus\tgpus\tmem\t"
                              "resources\n",
                              err);
    folder->output =
        folder->tasks == NULL
            ? NULL
            : open_file(folder,
                        "output.tsv",
                        "task\tname\tattempt\tout_path\tout_offset\t"
                        "out_length\terr_path\terr_offset\terr_length\n",
                        err);
    if (folder->output == NULL) {
        hayi_run_folder_close(folder);
        return HAY_EIO;
    }
    *out = folder;
    return HAY_OK;
}

hay_status hayi_run_folder_open(const char *path,
                                struct hayi_run_folder **folder,
                                struct hayi_error *err)
{
    return open_folder(path, false, folder, err);
}

hay_status hayi_run_folder_open_again(const char *path,
                                      struct hayi_run_folder **folder,
                                      struct hayi_error *err)
{
    return open_folder(path, true, folder, err);
}

/* there: it was written to. */
static hay_status publish_one(const struct hayi_run_folder *folder,
                              const char *name,
                              bool there,
                              struct hayi_error *err)
{
    char draft[PATH_ROOM], path[PATH_ROOM];
    if (!put_path(draft, folder->path, name, true)
        || !put_path(path, folder->path, name, false)) {
        return hayi_fail(
            err, HAY_EINVAL, "%s: the path is too long", folder->path);
    }
    if (there ? rename(draft, path) != 0
              : unlink(path) != 0 && errno != ENOENT) {
        return hayi_fail(err, HAY_EIO, "%s: %s", path, strerror(errno));
    }
    return HAY_OK;
}

hay_status hayi_run_folder_publish(struct hayi_run_folder *folder,
                                   struct hayi_error *err)
{
    hay_status status = hayi_run_folder_flush(folder, err);
    if (status == HAY_OK) {
        status = publish_one(folder, "output.tsv", true, err);
    }
    if (status == HAY_OK) {
        status = publish_one(folder, "files.tsv", folder->files != NULL, err);
    }
    if (status == HAY_OK) {
        status = publish_one(folder, "tasks.tsv", true, err);
    }
    folder->draft = folder->draft && status != HAY_OK;
    return status;
}

/* Tabs and line ends would break the table. */
static void put_text(FILE *file, const char *text)
{
    for (const char *c = text; *c != 0; c++) {
        (void)putc_unlocked((unsigned char)*c < ' ' ? ' ' : *c, file);
    }
}

/* Columns that came as one text, with tabs between; there are 'count'. */
static void put_columns(FILE *file, const char *text, int count)
{
    for (const char *c = text; *c != 0; c++) {
        bool gap = *c == '\t' && count > 1;
        count -= gap;
        (void)putc_unlocked(
            !gap && (unsigned char)*c < ' ' ? ' ' : (unsigned char)*c, file);
    }
    for (; count > 1; count--) {
        (void)putc_unlocked('\t', file);
    }
}

static void print_seconds(FILE *file, uint64_t ns)
{
    uint64_t us = ns / 1000;
    (void)fprintf(file, "\t%" PRIu64 ".%06" PRIu64, us / 1000000, us % 1000000);
}

static void put_output(FILE *file, const struct hayi_attempt_line *line)
{
    (void)fprintf(file, "%" PRIu64 "\t", line->task);
    put_text(file, line->name);
    (void)fprintf(file, "\t%" PRIu32, line->attempt);
    for (int i = 0; i < 2; i++) {
        (void)putc_unlocked('\t', file);
        put_text(file, line->path[i] != NULL ? line->path[i] : "");
        (void)fprintf(
            file, "\t%" PRIu64 "\t%" PRIu64, line->offset[i], line->length[i]);
    }
    (void)putc_unlocked('\n', file);
}

void hayi_run_folder_attempt(struct hayi_run_folder *folder,
                             const struct hayi_attempt_line *line)
{
    FILE *file = folder->tasks;
    (void)fprintf(file, "%" PRIu64 "\t", line->task);
    put_text(file, line->name);
    (void)fprintf(file,
                  "\t%" PRIu32 "\t%s\t%" PRIu32 "\t%" PRIu32 "\t%" PRIu32,
                  line->attempt,
                  line->state,
                  line->worker,
                  line->slot,
                  line->cores);
    print_seconds(file, line->start_ns);
    print_seconds(file, line->end_ns);
    (void)fprintf(file, "\t%d\t%d\t", line->exit_code, line->signal);
    put_text(file, line->reason);
    (void)putc_unlocked('\t', file);
    put_text(file, line->cause);
    (void)fprintf(file, "\t%" PRIu64 "\t", line->memory_peak_bytes);
    put_columns(file, line->had != NULL ? line->had : "", 4);
    (void)putc_unlocked('\n', file);
    if (line->length[0] + line->length[1] > 0) {
        put_output(folder->output, line);
    }
}

void hayi_run_folder_file(struct hayi_run_folder *folder,
                          const struct hayi_file_line *line)
{
    if (folder->files == NULL && folder->files_error.status == HAY_OK) {
        folder->files = open_file(folder,
                                  "files.tsv",
                                  "task\tname\tin_out\tpath\tbytes\n",
                                  &folder->files_error);
    }
    FILE *file = folder->files;
    if (file == NULL) {
        return;
    }
    (void)fprintf(file, "%" PRIu64 "\t", line->task);
    put_text(file, line->name);
    (void)fputs(line->out ? "\tout\t" : "\tin\t", file);
    put_text(file, line->path);
    (void)putc_unlocked('\t', file);
    if (line->bytes != UINT64_MAX) {
        (void)fprintf(file, "%" PRIu64, line->bytes);
    }
    (void)putc_unlocked('\n', file);
}

hay_status hayi_run_folder_flush(struct hayi_run_folder *folder,
                                 struct hayi_error *err)
{
    errno = 0;
    bool failed = fflush(folder->tasks) != 0;
    failed = fflush(folder->output) != 0 || failed;
    failed = failed || ferror(folder->tasks) || ferror(folder->output);
    if (folder->files != NULL) {
        failed = fflush(folder->files) != 0 || failed;
        failed = failed || ferror(folder->files);
    }
    if (folder->files_error.status != HAY_OK && !folder->told) {
        folder->told = true;
        if (err != NULL) {
            *err = folder->files_error;
        }
        return folder->files_error.status;
    }
    if (failed && !folder->told) {
        folder->told = true;
        return hayi_fail(err,
                         HAY_EIO,
                         "%s: tasks.tsv cannot be written: %s",
                         folder->path,
                         errno != 0 ? strerror(errno) : "a write failed");
    }
    return HAY_OK;
}

void hayi_run_folder_close(struct hayi_run_folder *folder)
{
    if (folder == NULL) {
        return;
    }
    if (folder->tasks != NULL) {
        (void)fclose(folder->tasks);
    }
    if (folder->output != NULL) {
        (void)fclose(folder->output);
    }
    if (folder->files != NULL) {
        (void)fclose(folder->files);
    }
    free(folder);
}
