/* journal_file.c - see journal_file.h.
 *
 * RESERVE bytes behind the end are asked of the disk ahead, where it has a way
 * to: when tasks fill it, what they did can still be recorded for a while.
 *
 * A new file is made under another name and renamed, so that nobody ever sees a
 * journal without its head and first record.
 */
#include "config.h"

#include "journal/journal_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    ARGS_MAX = 1 << 20,
    CHUNK = 1 << 16,
    RESERVE = 1 << 18,
    LAUNCH_SEPARATOR = 31
};

static hay_status fail(const struct hayi_journal_file *file,
                       struct hayi_error *err)
{
    return hayi_fail(err, HAY_EIO, "%s: %s", file->path, strerror(errno));
}

hay_status hayi_journal_file_name(struct hayi_journal_file *file,
                                  const char *folder,
                                  struct hayi_error *err)
{
    int n = snprintf(file->path, sizeof(file->path), "%s/journal.log", folder);
    return n > 0 && (size_t)n < sizeof(file->path) - 8
               ? HAY_OK
               : hayi_fail(err, HAY_EINVAL, "%s: the path is too long", folder);
}

/* Bytes that were written; less than 'size': errno tells why. */
static size_t write_at(int fd, uint64_t at, const char *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t n = pwrite(fd, data + done, size - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n == 0) {
            errno = ENOSPC;
        }
        if (n <= 0) {
            break;
        }
        done += (size_t)n;
    }
    return done;
}

/* Bytes of whole records at the beginning of data[size]. */
static size_t whole_part(uint64_t at, const void *data, size_t size)
{
    struct hayi_journal_cursor cursor;
    struct hayi_journal_record record;
    hayi_journal_cursor_init(&cursor);
    cursor.at = at;
    cursor.whole = at;
    hayi_journal_cursor_feed(&cursor, data, at, size, true);
    uint64_t end = at;
    while (hayi_journal_next(&cursor, &record) && record.begin == end) {
        end = record.end;
    }
    return (size_t)(end - at);
}

/* A disk that cannot do it does without. */
static void reserve(struct hayi_journal_file *file, uint64_t end)
{
    if (end + RESERVE / 2 > file->reserved
        && fallocate(file->fd, FALLOC_FL_KEEP_SIZE, (off_t)end, (off_t)RESERVE)
               == 0) {
        file->reserved = end + RESERVE;
    }
}

hay_status hayi_journal_file_write(struct hayi_journal_file *file,
                                   uint64_t at,
                                   const void *data,
                                   size_t size,
                                   bool sync,
                                   size_t *done,
                                   struct hayi_error *err)
{
    hay_status status = HAY_OK;
    size_t part = write_at(file->fd, at, data, size);
    reserve(file, at + part);
    *done = 0;
    if (part < size) {
        status = fail(file, err);
        part = whole_part(at, data, part);
        (void)ftruncate(file->fd, (off_t)(at + part));
    }
    if (sync && fdatasync(file->fd) != 0) {
        /* what the kernel could not write it may forget */
        return status == HAY_OK ? fail(file, err) : status;
    }
    *done = part;
    file->size = at + part;
    return status;
}

/* ---- the start of an epoch ---- */

/* `hayfork launch` says how it was told to start the program: its arguments,
 * with a unit separator between them. */
static bool read_launch(struct hayi_buffer *args)
{
    const char *line = getenv("HAYFORK_LAUNCH_LINE");
    if (line == NULL || line[0] == 0
        || hayi_buffer_append(args, line, strlen(line) + 1) != HAY_OK) {
        return false;
    }
    for (size_t i = 0; i < args->size; i++) {
        if (args->data[i] == LAUNCH_SEPARATOR) {
            args->data[i] = 0;
        }
    }
    return true;
}

/* A program that somebody started by mpirun itself: "mpirun -n 3" comes before
 * its own arguments. */
static void begin_mpirun(struct hayi_buffer *args)
{
    const char *size = getenv("OMPI_COMM_WORLD_SIZE");
    char text[64];
    if (size == NULL || getenv("HAYFORK_LAUNCH_LINE") != NULL
        || getenv("HAYFORK_STATUS_FILE") != NULL) {
        return;
    }
    int n = snprintf(text, sizeof(text), "mpirun%c-n%c%.20s", 0, 0, size);
    (void)hayi_buffer_append(args, text, (size_t)n + 1);
}

/* What the program was started with; "" if that cannot be read. */
static void read_args(struct hayi_buffer *args)
{
    if (read_launch(args)) {
        return;
    }
    begin_mpirun(args);

    int fd = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? 1 : 0;
    while (n > 0 && args->size < ARGS_MAX) {
        char *place = hayi_buffer_extend(args, CHUNK);
        if (place == NULL) {
            break;
        }
        n = read(fd, place, CHUNK);
        args->size -= (size_t)(CHUNK - (n > 0 ? n : 0));
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (args->size > 0 && args->data[args->size - 1] != 0) {
        args->data[args->size - 1] = 0;
    }
}

/* "slurm 12" */
static void name_job(char *text, size_t size)
{
    static const char *const systems[][3] = {
        {"slurm", "SLURM_JOB_ID", "SLURM_JOB_ID"},
        {"pbs", "PBS_JOBID", "PBS_JOBID"},
        {"gridengine", "JOB_ID", "SGE_TASK_ID"},
    };
    text[0] = 0;
    for (size_t i = 0; i < 3; i++) {
        const char *id = getenv(systems[i][1]);
        if (id != NULL && id[0] != 0 && getenv(systems[i][2]) != NULL) {
            (void)snprintf(text, size, "%s %s", systems[i][0], id);
            return;
        }
    }
}

static hay_status put_start(struct hayi_buffer *log,
                            uint64_t at,
                            uint32_t epoch,
                            uint64_t wall_ns)
{
    char host[256] = "localhost";
    char cwd[4096] = "";
    char job[200];
    struct hayi_buffer args;
    hayi_buffer_init(&args);
    read_args(&args);
    (void)gethostname(host, sizeof(host) - 1);
    if (getcwd(cwd, sizeof(cwd)) == NULL) {
        cwd[0] = 0;
    }
    name_job(job, sizeof(job));
    const struct hayi_journal_run run = {
        .epoch = epoch,
        .pid = (int32_t)getpid(),
        .wall_ns = wall_ns,
        .version = PACKAGE_VERSION,
        .host = host,
        .job = job,
        .cwd = cwd,
        .args = (const char *)args.data,
        .args_size = args.size,
    };
    hay_status status = hayi_journal_put_run(log, at, &run);
    hayi_buffer_fini(&args);
    return status;
}

/* The names of a new file, of its folder, and of the one that this lies in
 * (RUNS/RUN/journal.log: both may be new) are on the disk too. */
static void sync_folders(const char *path)
{
    static const char *const ups[] = {"", "/..", "/../.."};
    char folder[4096 + 8];
    int length = (int)(strrchr(path, '/') - path);
    for (size_t i = 0; i < sizeof(ups) / sizeof(ups[0]); i++) {
        (void)snprintf(folder, sizeof(folder), "%.*s%s", length, path, ups[i]);
        int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0) {
            (void)fsync(fd);
            (void)close(fd);
        }
    }
}

static hay_status make(struct hayi_journal_file *file,
                       const struct hayi_buffer *log,
                       struct hayi_error *err)
{
    char fresh[4096 + 8];
    (void)snprintf(fresh, sizeof(fresh), "%s.new", file->path);
    file->fd = open(fresh, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file->fd < 0) {
        return fail(file, err);
    }
    if (write_at(file->fd, 0, (const char *)log->data, log->size) < log->size
        || fdatasync(file->fd) != 0 || rename(fresh, file->path) != 0) {
        hay_status status = fail(file, err);
        (void)unlink(fresh);
        return status;
    }
    sync_folders(file->path);
    file->size = log->size;
    reserve(file, file->size);
    return HAY_OK;
}

static hay_status go_on(struct hayi_journal_file *file,
                        uint64_t whole,
                        const struct hayi_buffer *log,
                        struct hayi_error *err)
{
    size_t done;
    file->fd = open(file->path, O_RDWR | O_CLOEXEC);
    if (file->fd < 0 || ftruncate(file->fd, (off_t)whole) != 0) {
        return fail(file, err);
    }
    return hayi_journal_file_write(
        file, whole, log->data, log->size, true, &done, err);
}

hay_status hayi_journal_file_begin(struct hayi_journal_file *file,
                                   uint64_t whole,
                                   uint32_t epoch,
                                   uint64_t wall_ns,
                                   struct hayi_error *err)
{
    struct hayi_buffer log;
    hayi_buffer_init(&log);
    hay_status status = HAY_OK;
    if (whole == 0) {
        status = hayi_journal_put_head(&log);
    }
    if (status == HAY_OK) {
        status = put_start(&log, whole + log.size, epoch, wall_ns);
    }
    if (status != HAY_OK) {
        status = hayi_fail(err, status, "%s: out of memory", file->path);
    } else if (whole == 0) {
        status = make(file, &log, err);
    } else {
        status = go_on(file, whole, &log, err);
    }
    hayi_buffer_fini(&log);
    return status;
}

void hayi_journal_file_trim(struct hayi_journal_file *file)
{
    assert(file->size >= HAYI_JOURNAL_HEAD);
    (void)ftruncate(file->fd, (off_t)file->size);
}

void hayi_journal_file_close(struct hayi_journal_file *file)
{
    if (file->fd >= 0) {
        (void)close(file->fd);
        file->fd = -1;
    }
}
