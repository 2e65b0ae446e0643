/* journal.c - see journal.h.
 *
 * Whoever appends knows each record's place in the file before it is written:
 * there is one writer, and it writes at places, not at the end.  So a group
 * that could not be written whole leaves nothing behind but whole records: what
 * is behind them is cut off.
 *
 * A group begins GROUP_NS after the one before it at the earliest: at 20,000
 * tasks a second a sync takes 20 of them and more.
 */
#include "config.h"

#include "journal/journal.h"

#include "base/clock.h"
#include "journal/journal_face.h"
#include "journal/journal_file.h"
#include "journal/run_lock.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUFFER_MAX (UINT64_C(1) << 31) /* bytes that wait for the disk */

enum { GROUP_NS = 1000000, GROUP_WRITTEN_NS = 100000 };

struct hayi_journal {
    /* set before the thread starts */
    char *folder;
    struct hayi_journal_file file;
    struct hayi_run_lock *lock;
    struct hayi_journal_face *face; /* or NULL */
    struct hayi_bell *bell;
    bool sync;
    bool threaded;
    pthread_t thread;
    uint32_t epoch;
    uint64_t first_ns;

    /* the thread's */
    struct hayi_buffer writing;
    uint64_t written; /* place of what it writes next */

    pthread_mutex_t mutex;
    pthread_cond_t cond;
    /* mutex */
    struct hayi_buffer filling;
    uint64_t end; /* place of the next record */
    bool asked;   /* to write what there is */
    bool asleep;
    bool closing;
    struct hayi_error error;

    /* any thread */
    atomic_uint_fast64_t durable;
    atomic_bool failed;
};

/* ---- the thread ------------------------------------------------------------
 */

static void ring(const struct hayi_journal *journal)
{
    if (journal->bell != NULL) {
        hayi_bell_ring(journal->bell);
    }
}

/* mutex: held. */
static void fail_locked(struct hayi_journal *journal,
                        const struct hayi_error *err)
{
    if (!atomic_load(&journal->failed)) {
        journal->error = *err;
        hayi_buffer_fini(&journal->filling);
        atomic_store(&journal->failed, true);
    }
}

static void fail(struct hayi_journal *journal, const struct hayi_error *err)
{
    (void)pthread_mutex_lock(&journal->mutex);
    fail_locked(journal, err);
    (void)pthread_mutex_unlock(&journal->mutex);
    ring(journal);
}

static void write_group(struct hayi_journal *journal)
{
    struct hayi_error err;
    struct hayi_buffer *group = &journal->writing;
    size_t done = 0;
    if (hayi_run_lock_check(journal->lock, &err)) {
        fail(journal, &err);
        return;
    }
    hay_status status = hayi_journal_file_write(&journal->file,
                                                journal->written,
                                                group->data,
                                                group->size,
                                                journal->sync,
                                                &done,
                                                &err);
    journal->written += done;
    if (done > 0) {
        atomic_store(&journal->durable, journal->written);
        ring(journal);
    }
    if (status != HAY_OK) {
        fail(journal, &err);
    }
    group->size = 0;
}

/* Until there is something to write, and its time has come.  mutex: held.
 * false: there is nothing, and nothing will come. */
static bool wait_for_group(struct hayi_journal *journal, uint64_t next_ns)
{
    while (!journal->closing
           && (!journal->asked || journal->filling.size == 0)) {
        journal->asleep = true;
        (void)pthread_cond_wait(&journal->cond, &journal->mutex);
        journal->asleep = false;
    }
    const struct timespec until = {
        .tv_sec = (time_t)(next_ns / 1000000000),
        .tv_nsec = (long)(next_ns % 1000000000),
    };
    int rc = 0;
    while (!journal->closing && rc == 0 && hayi_clock_ns() < next_ns) {
        rc = pthread_cond_timedwait(&journal->cond, &journal->mutex, &until);
    }
    return journal->filling.size > 0;
}

static void *writer(void *context)
{
    struct hayi_journal *journal = context;
    uint64_t next_ns = 0;
    (void)pthread_mutex_lock(&journal->mutex);
    while (wait_for_group(journal, next_ns)) {
        struct hayi_buffer group = journal->filling;
        journal->filling = journal->writing;
        journal->writing = group;
        journal->asked = false;
        (void)pthread_mutex_unlock(&journal->mutex);
        next_ns =
            hayi_clock_ns() + (journal->sync ? GROUP_NS : GROUP_WRITTEN_NS);
        write_group(journal);
        (void)pthread_mutex_lock(&journal->mutex);
        if (atomic_load(&journal->failed) && !journal->closing) {
            journal->asked = false; /* nothing comes but the end */
        }
    }
    (void)pthread_mutex_unlock(&journal->mutex);
    return NULL;
}

static hay_status start_thread(struct hayi_journal *journal,
                               struct hayi_error *err)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&journal->thread, NULL, writer, journal);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        return hayi_fail(
            err, HAY_ENOMEM, "the journal's thread: %s", strerror(rc));
    }
    journal->threaded = true;
    return HAY_OK;
}

/* ---- appending -------------------------------------------------------------
 */

/* After a record was put, or was not.  mutex: held, released here. */
static uint64_t
appended(struct hayi_journal *journal, size_t before, hay_status status)
{
    if (status != HAY_OK || journal->filling.size > BUFFER_MAX) {
        struct hayi_error err;
        (void)hayi_fail(&err,
                        HAY_ENOMEM,
                        "%s: %s",
                        journal->file.path,
                        status == HAY_ETOOBIG
                            ? "a record is too large"
                            : "out of memory for what waits to be written");
        fail_locked(journal, &err);
        (void)pthread_mutex_unlock(&journal->mutex);
        ring(journal);
        return UINT64_MAX;
    }
    journal->end += journal->filling.size - before;
    uint64_t end = journal->end;
    (void)pthread_mutex_unlock(&journal->mutex);
    return end;
}

/* false: it has failed.  True: the mutex is held. */
static bool append_begin(struct hayi_journal *journal, size_t *before)
{
    (void)pthread_mutex_lock(&journal->mutex);
    if (atomic_load(&journal->failed)) {
        (void)pthread_mutex_unlock(&journal->mutex);
        return false;
    }
    *before = journal->filling.size;
    return true;
}

uint64_t hayi_journal_append_task(struct hayi_journal *journal,
                                  const struct hayi_journal_task *task)
{
    size_t before;
    if (!append_begin(journal, &before)) {
        return UINT64_MAX;
    }
    return appended(
        journal,
        before,
        hayi_journal_put_task(&journal->filling, journal->end, task));
}

uint64_t hayi_journal_append_attempt(struct hayi_journal *journal,
                                     const struct hayi_attempt_line *line)
{
    size_t before;
    if (!append_begin(journal, &before)) {
        return UINT64_MAX;
    }
    return appended(
        journal,
        before,
        hayi_journal_put_attempt(&journal->filling, journal->end, line));
}

uint64_t hayi_journal_append_result(struct hayi_journal *journal,
                                    const struct hayi_journal_result *result)
{
    size_t before;
    if (!append_begin(journal, &before)) {
        return UINT64_MAX;
    }
    return appended(
        journal,
        before,
        hayi_journal_put_result(&journal->filling, journal->end, result));
}

uint64_t hayi_journal_append_kept(struct hayi_journal *journal,
                                  const struct hayi_journal_kept *kept)
{
    size_t before;
    if (!append_begin(journal, &before)) {
        return UINT64_MAX;
    }
    return appended(
        journal,
        before,
        hayi_journal_put_kept(&journal->filling, journal->end, kept));
}

uint64_t hayi_journal_append_file(struct hayi_journal *journal,
                                  const struct hayi_file_line *line)
{
    size_t before;
    if (!append_begin(journal, &before)) {
        return UINT64_MAX;
    }
    return appended(
        journal,
        before,
        hayi_journal_put_file(&journal->filling, journal->end, line));
}

uint64_t hayi_journal_append_state(struct hayi_journal *journal,
                                   const struct hayi_journal_state *state)
{
    size_t before;
    if (!append_begin(journal, &before)) {
        return UINT64_MAX;
    }
    return appended(
        journal,
        before,
        hayi_journal_put_state(&journal->filling, journal->end, state));
}

void hayi_journal_commit(struct hayi_journal *journal)
{
    (void)pthread_mutex_lock(&journal->mutex);
    if (journal->filling.size > 0 && !journal->asked) {
        journal->asked = true;
        if (journal->asleep) {
            (void)pthread_cond_signal(&journal->cond);
        }
    }
    (void)pthread_mutex_unlock(&journal->mutex);
}

uint64_t hayi_journal_durable(const struct hayi_journal *journal)
{
    return atomic_load(&journal->durable);
}

hay_status hayi_journal_failed(struct hayi_journal *journal,
                               struct hayi_error *err)
{
    struct hayi_error lost;
    if (!atomic_load(&journal->failed)
        && hayi_run_lock_lost(journal->lock, &lost)) {
        fail(journal, &lost);
    }
    if (!atomic_load(&journal->failed)) {
        return HAY_OK;
    }
    (void)pthread_mutex_lock(&journal->mutex);
    hay_status status = journal->error.status;
    if (err != NULL) {
        *err = journal->error;
    }
    (void)pthread_mutex_unlock(&journal->mutex);
    return status;
}

uint32_t hayi_journal_epoch(const struct hayi_journal *journal)
{
    return journal->epoch;
}

uint64_t hayi_journal_first_ns(const struct hayi_journal *journal)
{
    return journal->first_ns;
}

/* ---- life ------------------------------------------------------------------
 */

/* A run goes on without its face. */
static void tell_face(const struct hayi_error *err)
{
    (void)fprintf(stderr,
                  "hayfork: %s; the journal itself is not touched by that\n",
                  err->text);
}

static void free_journal(struct hayi_journal *journal)
{
    struct hayi_error err;
    if (hayi_journal_face_close(journal->face, &err) != HAY_OK) {
        tell_face(&err);
    }
    hayi_journal_file_close(&journal->file);
    hayi_run_lock_release(journal->lock);
    hayi_buffer_fini(&journal->filling);
    hayi_buffer_fini(&journal->writing);
    (void)pthread_mutex_destroy(&journal->mutex);
    (void)pthread_cond_destroy(&journal->cond);
    free(journal->folder);
    free(journal);
}

static struct hayi_journal *new_journal(const char *folder)
{
    struct hayi_journal *journal = calloc(1, sizeof(*journal));
    if (journal == NULL) {
        return NULL;
    }
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&journal->cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)pthread_mutex_init(&journal->mutex, NULL);
    hayi_buffer_init(&journal->filling);
    hayi_buffer_init(&journal->writing);
    journal->file.fd = -1;
    journal->folder = strdup(folder);
    if (journal->folder == NULL) {
        free_journal(journal);
        return NULL;
    }
    return journal;
}

/* What this epoch is, after what was there. */
static uint64_t place_epoch(struct hayi_journal *journal,
                            const struct hayi_journal_facts *facts,
                            uint64_t start_ns)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    uint64_t wall_ns =
        (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    if (start_ns != 0) {
        wall_ns -= hayi_clock_ns() - start_ns;
    }
    journal->epoch = hayi_run_lock_epoch(journal->lock);
    if (facts->epoch >= journal->epoch) {
        journal->epoch = facts->epoch + 1;
    }
    if (facts->epoch > 0 && wall_ns > facts->first_wall_ns) {
        journal->first_ns = wall_ns - facts->first_wall_ns;
    }
    if (journal->first_ns < facts->last_end_ns) {
        journal->first_ns = facts->last_end_ns;
    }
    return wall_ns;
}

static hay_status read_old(struct hayi_journal *journal,
                           const struct hayi_journal_options *options,
                           struct hayi_journal_table **table,
                           struct hayi_error *err)
{
    *table = NULL;
    if (access(journal->file.path, F_OK) != 0 && errno == ENOENT) {
        return HAY_OK;
    }
    hay_status status = hayi_journal_load(
        journal->file.path, options->visit, options->visit_context, table, err);
    return status == HAY_EEMPTY ? HAY_OK : status;
}

static hay_status begin(struct hayi_journal *journal,
                        const struct hayi_journal_options *options,
                        struct hayi_journal_table **table,
                        struct hayi_error *err)
{
    struct hayi_journal_facts facts = {0};
    hay_status status =
        hayi_run_lock_take(journal->folder, options->bell, &journal->lock, err);
    if (status == HAY_OK) {
        status = hayi_journal_file_name(&journal->file, journal->folder, err);
    }
    if (status == HAY_OK) {
        status = read_old(journal, options, table, err);
    }
    if (status != HAY_OK) {
        return status;
    }
    if (*table != NULL) {
        hayi_journal_table_facts(*table, &facts);
    }
    uint64_t wall_ns = place_epoch(journal, &facts, options->start_ns);
    status = hayi_journal_file_begin(
        &journal->file, facts.whole, journal->epoch, wall_ns, err);
    if (status == HAY_OK) {
        journal->written = journal->file.size;
        journal->end = journal->file.size;
        atomic_store(&journal->durable, journal->file.size);
        status = start_thread(journal, err);
    }
    return status;
}

hay_status hayi_journal_open(const char *folder,
                             const struct hayi_journal_options *options,
                             struct hayi_journal **out,
                             struct hayi_journal_table **table,
                             struct hayi_error *err)
{
    struct hayi_journal_table *there = NULL;
    struct hayi_journal *journal = new_journal(folder);
    if (journal == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    journal->bell = options->bell;
    journal->sync = !options->no_sync;
    hay_status status = begin(journal, options, &there, err);
    if (status != HAY_OK) {
        hayi_journal_table_free(there);
        free_journal(journal);
        return status;
    }
    struct hayi_error no_face;
    if (!options->no_face
        && hayi_journal_face_open(
               folder, &journal->durable, &journal->face, &no_face)
               != HAY_OK) {
        tell_face(&no_face);
    }
    *table = there;
    *out = journal;
    return HAY_OK;
}

hay_status hayi_journal_close(struct hayi_journal *journal,
                              struct hayi_error *err)
{
    if (journal == NULL) {
        return HAY_OK;
    }
    (void)pthread_mutex_lock(&journal->mutex);
    journal->closing = true;
    (void)pthread_cond_signal(&journal->cond);
    (void)pthread_mutex_unlock(&journal->mutex);
    (void)pthread_join(journal->thread, NULL);
    hay_status status = hayi_journal_failed(journal, err);
    if (status == HAY_OK && !hayi_run_lock_check(journal->lock, NULL)) {
        hayi_journal_file_trim(&journal->file);
    }
    free_journal(journal);
    return status;
}
