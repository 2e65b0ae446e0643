/* spawner_job.c - see spawner_job.h.
 *
 * A job is one piece of memory: the struct, the pointers of argv and env, and
 * the bytes of the record that they point into.
 */
#include "config.h"

#include "worker/spawner_job.h"

#include <stdlib.h>
#include <string.h>

char *hayi_strings_next(struct hayi_strings *strings)
{
    size_t left = (size_t)(strings->end - strings->next);
    char *nul = left > 0 ? memchr(strings->next, '\0', left) : NULL;
    if (nul == NULL) {
        return NULL;
    }
    char *string = strings->next;
    strings->next = nul + 1;
    return string;
}

/* The string of this bit, if the record has one; false: it should have. */
static bool optional(struct hayi_strings *strings,
                     uint32_t has,
                     uint32_t bit,
                     const char **string)
{
    *string = NULL;
    if ((has & bit) != 0) {
        *string = hayi_strings_next(strings);
        return *string != NULL;
    }
    return true;
}

static bool
strings_into(struct hayi_strings *strings, char **list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        list[i] = hayi_strings_next(strings);
        if (list[i] == NULL) {
            return false;
        }
    }
    list[count] = NULL;
    return true;
}

static bool job_fill(struct hayi_job *job,
                     char **pointers,
                     char *bytes,
                     const struct hayi_spawn_start_record *record)
{
    size_t cpus_at = sizeof(*record);
    size_t strings_at = cpus_at + sizeof(int32_t) * record->cpu_count;
    struct hayi_strings strings = {bytes + strings_at,
                                   bytes + record->head.size};
    job->id = record->id;
    job->slot = record->slot;
    job->time_limit_ns = record->time_limit_ns;
    job->grace_ns = record->grace_ns;
    job->memory_limit_bytes = record->memory_limit_bytes;
    job->output_limit_bytes = record->output_limit_bytes;
    job->warn_ns = record->warn_ns;
    job->cpu_count = record->cpu_count;
    job->cpus = (const int32_t *)(const void *)(bytes + cpus_at);
    job->env_count = record->env_count;
    job->argv = pointers;
    job->env = pointers + record->argc + 1;
    job->term_at_ns = UINT64_MAX;
    job->warn_at_ns = UINT64_MAX;
    job->kill_at_ns = UINT64_MAX;
    job->output_at_ns = UINT64_MAX;
    hayi_memory_watch_init(&job->memory);
    uint32_t has = record->has;
    if (!optional(&strings, has, HAYI_SPAWN_HAS_CWD, &job->cwd)
        || !optional(&strings, has, HAYI_SPAWN_HAS_STDIN, &job->stdin_path)
        || !optional(&strings, has, HAYI_SPAWN_HAS_NAME, &job->name)) {
        return false;
    }
    if (record->argc == 0) {
        job->line = hayi_strings_next(&strings);
        if (job->line == NULL) {
            return false;
        }
    }
    return strings_into(&strings, job->argv, record->argc)
           && strings_into(&strings, job->env, record->env_count);
}

struct hayi_job *hayi_job_new(const struct hayi_spawn_start_record *record)
{
    size_t size = record->head.size;
    if (size < sizeof(*record)
        || record->cpu_count > (size - sizeof(*record)) / sizeof(int32_t)
        || record->argc > size || record->env_count > size) {
        return NULL;
    }
    size_t count = (size_t)record->argc + record->env_count + 2;
    struct hayi_job *job = malloc(sizeof(*job) + count * sizeof(char *) + size);
    if (job == NULL) {
        return NULL;
    }
    memset(job, 0, sizeof(*job));
    char **pointers = (char **)(void *)(job + 1);
    char *bytes = (char *)(pointers + count);
    memcpy(bytes, record, size);
    if (!job_fill(job, pointers, bytes, record)) {
        free(job);
        return NULL;
    }
    return job;
}

void hayi_job_free(struct hayi_job *job)
{
    if (job != NULL) {
        hayi_pids_fini(&job->forced);
        hayi_memory_watch_end(&job->memory);
        free(job);
    }
}

void hayi_job_queue_init(struct hayi_job_queue *queue)
{
    queue->first = NULL;
    queue->end = &queue->first;
}

void hayi_job_queue_push(struct hayi_job_queue *queue, struct hayi_job *job)
{
    job->next = NULL;
    *queue->end = job;
    queue->end = &job->next;
}

struct hayi_job *hayi_job_queue_pop(struct hayi_job_queue *queue)
{
    struct hayi_job *job = queue->first;
    if (job != NULL) {
        queue->first = job->next;
        if (queue->first == NULL) {
            queue->end = &queue->first;
        }
    }
    return job;
}

struct hayi_job *hayi_job_queue_take(struct hayi_job_queue *queue, uint64_t id)
{
    for (struct hayi_job **at = &queue->first; *at != NULL; at = &(*at)->next) {
        struct hayi_job *job = *at;
        if (job->id == id) {
            *at = job->next;
            if (*at == NULL) {
                queue->end = at;
            }
            return job;
        }
    }
    return NULL;
}
