/* journal_face.c - see journal_face.h: the thread, and how run.db is shown. */
#include "config.h"

#include "journal/journal_face.h"

#include "base/clock.h"
#include "journal/journal_scan.h"
#include "journal/journal_tables.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS UINT64_C(1000000000) /* between two looks at the journal */
#define SHOW_COST                                                              \
    20 /* a copy takes at most one part in so many of the time                 \
        */

enum { GROUP = 10000, COPY_BYTES = 1 << 18 };

struct hayi_journal_face {
    /* set before the thread starts */
    const atomic_uint_fast64_t *durable;
    char *log; /* paths */
    char *work;
    char *fresh;
    char *shown;
    bool threaded;
    pthread_t thread;

    pthread_mutex_t mutex;
    pthread_cond_t cond;
    bool stop; /* mutex */

    /* the thread's; the closer's once it has ended */
    struct hayi_journal_scan scan;
    struct hayi_journal_tables *tables;
    uint64_t show_ns; /* when to show it next */
    bool changed;     /* since it was shown */
    struct hayi_error error;
};

static char *join(const char *folder, const char *name)
{
    size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    if (path != NULL) {
        (void)snprintf(path, size, "%s/%s", folder, name);
    }
    return path;
}

static bool stopped(struct hayi_journal_face *face)
{
    (void)pthread_mutex_lock(&face->mutex);
    bool stop = face->stop;
    (void)pthread_mutex_unlock(&face->mutex);
    return stop;
}

/* ---- reading the journal ---- */

static bool copy_file(const char *path, const char *to);

/* What an earlier run has shown is gone on with, on a copy. */
static hay_status open_tables(struct hayi_journal_face *face,
                              struct hayi_error *err)
{
    uint64_t from = 0;
    if (!copy_file(face->shown, face->work)) {
        (void)unlink(face->work);
    }
    hay_status status =
        hayi_journal_tables_open(face->work,
                                 hayi_journal_scan_mark(&face->scan),
                                 face->scan.file_size,
                                 &from,
                                 &face->tables,
                                 err);
    if (status == HAY_OK) {
        hayi_journal_scan_seek(&face->scan, from);
    }
    return status;
}

/* All that is durable, in groups; the rest of it is left if 'face' is to stop
 * and may. */
static hay_status
catch_up(struct hayi_journal_face *face, bool may_stop, struct hayi_error *err)
{
    hay_status status = HAY_OK;
    if (face->tables == NULL) {
        status = open_tables(face, err);
    }
    hayi_journal_scan_extend(&face->scan, atomic_load(face->durable));
    while (status == HAY_OK && !(may_stop && stopped(face))) {
        struct hayi_journal_record record;
        size_t count = 0;
        status = hayi_journal_tables_begin(face->tables, err);
        hay_status read = HAY_OK;
        while (status == HAY_OK && count < GROUP
               && (read = hayi_journal_scan_next(&face->scan, &record, err))
                      == HAY_OK) {
            status = hayi_journal_tables_add(face->tables, &record, err);
            count++;
        }
        face->changed = face->changed || count > 0;
        if (status == HAY_OK) {
            status = hayi_journal_tables_commit(
                face->tables, face->scan.cursor.whole, err);
        }
        if (status == HAY_OK && read != HAY_OK) {
            return read == HAY_EEMPTY ? HAY_OK : read;
        }
    }
    return status;
}

/* ---- showing it ---- */

static hay_status fail(const char *path, struct hayi_error *err)
{
    return hayi_fail(err, HAY_EIO, "%s: %s", path, strerror(errno));
}

static bool copy_bytes(int from, int to)
{
    char *room = malloc(COPY_BYTES);
    ssize_t got = room != NULL ? 1 : -1;
    while (got > 0) {
        got = read(from, room, COPY_BYTES);
        for (ssize_t done = 0; done < got;) {
            ssize_t n = write(to, room + done, (size_t)(got - done));
            if (n < 0) {
                got = -1;
                break;
            }
            done += n;
        }
    }
    int error = errno;
    free(room);
    errno = error;
    return got == 0;
}

static bool copy_file(const char *path, const char *fresh)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    int to = from >= 0
                 ? open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)
                 : -1;
    bool done = to >= 0 && copy_bytes(from, to);
    int error = errno;
    if (from >= 0) {
        (void)close(from);
    }
    if (to >= 0) {
        (void)close(to);
    }
    errno = error;
    return done;
}

static hay_status show(struct hayi_journal_face *face, struct hayi_error *err)
{
    uint64_t begin_ns = hayi_clock_ns();
    hay_status status = HAY_OK;
    if (!copy_file(face->work, face->fresh)
        || rename(face->fresh, face->shown) != 0) {
        status = fail(face->shown, err);
        (void)unlink(face->fresh);
    }
    uint64_t end_ns = hayi_clock_ns();
    face->show_ns = end_ns + (end_ns - begin_ns) * SHOW_COST;
    face->changed = false;
    return status;
}

/* ---- the thread ---- */

static void *worker(void *context)
{
    struct hayi_journal_face *face = context;
    const struct sched_param lowest = {0};
    (void)sched_setscheduler(0, SCHED_IDLE, &lowest);
    hay_status status = HAY_OK;
    while (status == HAY_OK && !stopped(face)) {
        uint64_t next_ns = hayi_clock_ns() + LOOK_NS;
        const struct timespec until = {
            .tv_sec = (time_t)(next_ns / 1000000000),
            .tv_nsec = (long)(next_ns % 1000000000),
        };
        int rc = 0;
        (void)pthread_mutex_lock(&face->mutex);
        while (!face->stop && rc == 0) {
            rc = pthread_cond_timedwait(&face->cond, &face->mutex, &until);
        }
        bool stop = face->stop;
        (void)pthread_mutex_unlock(&face->mutex);
        if (!stop) {
            status = catch_up(face, true, &face->error);
        }
        if (!stop && status == HAY_OK && face->changed
            && hayi_clock_ns() >= face->show_ns) {
            status = show(face, &face->error);
        }
    }
    return NULL;
}

/* ---- life ---- */

static void free_face(struct hayi_journal_face *face)
{
    hayi_journal_tables_close(face->tables, NULL);
    hayi_journal_scan_close(&face->scan);
    (void)pthread_mutex_destroy(&face->mutex);
    (void)pthread_cond_destroy(&face->cond);
    free(face->log);
    free(face->work);
    free(face->fresh);
    free(face->shown);
    free(face);
}

static hay_status start(struct hayi_journal_face *face, struct hayi_error *err)
{
    sigset_t all;
    sigset_t before;
    hay_status status = hayi_journal_scan_open(&face->scan, face->log, err);
    if (status != HAY_OK) {
        return status;
    }
    face->scan.file_size = atomic_load(face->durable);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&face->thread, NULL, worker, face);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    face->threaded = rc == 0;
    return rc == 0 ? HAY_OK
                   : hayi_fail(
                       err, HAY_ENOMEM, "run.db's thread: %s", strerror(rc));
}

hay_status hayi_journal_face_open(const char *folder,
                                  const atomic_uint_fast64_t *durable,
                                  struct hayi_journal_face **out,
                                  struct hayi_error *err)
{
    struct hayi_journal_face *face = calloc(1, sizeof(*face));
    if (face == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&face->cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&face->mutex, NULL);
    face->durable = durable;
    face->scan.fd = -1;
    face->log = join(folder, "journal.log");
    face->work = join(folder, "run.db.work");
    face->fresh = join(folder, "run.db.new");
    face->shown = join(folder, "run.db");
    hay_status status = face->log != NULL && face->work != NULL
                                && face->fresh != NULL && face->shown != NULL
                            ? start(face, err)
                            : hayi_fail(err, HAY_ENOMEM, "out of memory");
    if (status != HAY_OK) {
        free_face(face);
        return status;
    }
    *out = face;
    return HAY_OK;
}

hay_status hayi_journal_face_close(struct hayi_journal_face *face,
                                   struct hayi_error *err)
{
    if (face == NULL) {
        return HAY_OK;
    }
    (void)pthread_mutex_lock(&face->mutex);
    face->stop = true;
    (void)pthread_cond_signal(&face->cond);
    (void)pthread_mutex_unlock(&face->mutex);
    (void)pthread_join(face->thread, NULL);
    hay_status status = face->error.status;
    if (status == HAY_OK) { /* on this thread: of usual priority */
        status = catch_up(face, false, &face->error);
    }
    if (status == HAY_OK) {
        status = hayi_journal_tables_close(face->tables, &face->error);
        face->tables = NULL;
    }
    if (status == HAY_OK && rename(face->work, face->shown) != 0) {
        status = fail(face->shown, &face->error);
    }
    if (status != HAY_OK) {
        (void)unlink(face->work);
        (void)hayi_fail(err, status, "%s", face->error.text);
    }
    free_face(face);
    return status;
}
