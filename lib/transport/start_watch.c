/* start_watch.c - see start_watch.h. */
#include "config.h"

#include "transport/start_watch.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SECONDS_DEFAULT = 120, SECONDS_MAX = 86400 };

struct hayi_start_watch {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t cond;
    struct timespec until;
    bool over; /* under the mutex */
};

unsigned hayi_start_seconds(void)
{
    const char *text = getenv("HAYFORK_START_SECONDS");
    char *end = NULL;
    unsigned long seconds = text != NULL ? strtoul(text, &end, 10) : 0;
    bool good = text != NULL && end != text && *end == 0 && seconds > 0
                && seconds <= SECONDS_MAX;
    return good ? (unsigned)seconds : SECONDS_DEFAULT;
}

/* MPI cannot be asked yet. */
static bool is_rank_0(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *text = getenv(names[i]);
        if (text != NULL) {
            return strcmp(text, "0") == 0;
        }
    }
    return true;
}

static void *watch_main(void *argument)
{
    struct hayi_start_watch *watch = argument;
    int rc = 0;
    (void)pthread_mutex_lock(&watch->mutex);
    while (!watch->over && rc != ETIMEDOUT) {
        rc = pthread_cond_timedwait(&watch->cond, &watch->mutex, &watch->until);
    }
    if (!watch->over) {
        if (is_rank_0()) {
            (void)fprintf(stderr,
                          "hayfork: not all ranks have started within %u s: "
                          "one may have died before it had begun\n",
                          hayi_start_seconds());
        }
        _exit(3);
    }
    (void)pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

struct hayi_start_watch *hayi_start_watch_begin(void)
{
    struct hayi_start_watch *watch = calloc(1, sizeof(*watch));
    pthread_condattr_t attributes;
    if (watch == NULL) {
        return NULL;
    }
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_mutex_init(&watch->mutex, NULL);
    (void)pthread_cond_init(&watch->cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
    (void)clock_gettime(CLOCK_MONOTONIC, &watch->until);
    watch->until.tv_sec += (time_t)hayi_start_seconds();
    if (pthread_create(&watch->thread, NULL, watch_main, watch) != 0) {
        (void)pthread_cond_destroy(&watch->cond);
        (void)pthread_mutex_destroy(&watch->mutex);
        free(watch);
        return NULL;
    }
    return watch;
}

void hayi_start_watch_end(struct hayi_start_watch *watch)
{
    if (watch == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&watch->mutex);
    watch->over = true;
    (void)pthread_cond_signal(&watch->cond);
    (void)pthread_mutex_unlock(&watch->mutex);
    (void)pthread_join(watch->thread, NULL);
    (void)pthread_cond_destroy(&watch->cond);
    (void)pthread_mutex_destroy(&watch->mutex);
    free(watch);
}
