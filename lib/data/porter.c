/* porter.c - see porter.h. */
#include "config.h"

#include "data/porter.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct hayi_porter {
    struct hayi_store *store;
    struct hayi_bell *bell;
    /* between the two threads */
    struct hayi_mpsc given;
    struct hayi_mpsc done;
    sem_t count; /* given, or the end */
    atomic_bool ending;
    /* the loop */
    pthread_t thread;
    bool started;
    uint32_t busy; /* given and not taken */
};

static void work(struct hayi_porter *porter, struct hayi_job *job)
{
    if (job->create) {
        job->status = hayi_store_create(
            porter->store, job->size, &job->place, &job->room, &job->err);
    } else {
        job->status = hayi_store_pin(
            porter->store, job->place, &job->pinned, &job->size, &job->err);
    }
    job->done = true;
}

static void *porter_main(void *arg)
{
    struct hayi_porter *porter = arg;
    for (;;) {
        while (sem_wait(&porter->count) != 0) {
        }
        if (atomic_load(&porter->ending)) {
            return NULL;
        }
        struct hayi_job *job = (struct hayi_job *)hayi_mpsc_pop(&porter->given);
        if (job != NULL) {
            work(porter, job);
            hayi_mpsc_push(&porter->done, &job->node);
            hayi_bell_ring(porter->bell);
        }
    }
}

hay_status hayi_porter_new(struct hayi_store *store,
                           struct hayi_bell *bell,
                           struct hayi_porter **out,
                           struct hayi_error *err)
{
    struct hayi_porter *porter = calloc(1, sizeof(*porter));
    if (porter == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    porter->store = store;
    porter->bell = bell;
    hayi_mpsc_init(&porter->given);
    hayi_mpsc_init(&porter->done);
    (void)sem_init(&porter->count, 0, 0);
    *out = porter;
    return HAY_OK;
}

void hayi_porter_free(struct hayi_porter *porter)
{
    if (porter == NULL) {
        return;
    }
    if (porter->started) {
        atomic_store(&porter->ending, true);
        (void)sem_post(&porter->count);
        (void)pthread_join(porter->thread, NULL);
    }
    (void)sem_destroy(&porter->count);
    free(porter);
}

/* Signals are for the other threads. */
static int start(struct hayi_porter *porter)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&porter->thread, NULL, porter_main, porter);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

hay_status hayi_porter_give(struct hayi_porter *porter,
                            struct hayi_job *job,
                            struct hayi_error *err)
{
    if (!porter->started) {
        int error = start(porter);
        if (error != 0) {
            return hayi_fail(
                err, HAY_EIO, "cannot start a thread: %s", strerror(error));
        }
        porter->started = true;
    }
    porter->busy++;
    hayi_mpsc_push(&porter->given, &job->node);
    (void)sem_post(&porter->count);
    return HAY_OK;
}

struct hayi_job *hayi_porter_take(struct hayi_porter *porter)
{
    if (porter->busy == 0) {
        return NULL;
    }
    struct hayi_job *job = (struct hayi_job *)hayi_mpsc_pop(&porter->done);
    porter->busy -= job != NULL;
    return job;
}
