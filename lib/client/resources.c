/* resources.c - see resources.h: names, limits, what there is.
 *
 * Names are only added: a reader that sees the count sees the names below it.
 * What the workers have is read and written under a mutex; the client asks only
 * for tasks that request something, and the manager changes it when a worker
 * comes or goes.
 */
#include "config.h"

#include "client/resources.h"

#include "client/resources_inside.h"
#include "wire/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 300 };

/* ---- names --------------------------------------------------------------- */

static bool find(const struct hayi_resources *resources,
                 const char *name,
                 size_t size,
                 uint32_t *number)
{
    uint32_t count = atomic_load(&resources->count);
    for (uint32_t i = 0; i < count; i++) {
        if (strlen(resources->names[i]) == size
            && memcmp(resources->names[i], name, size) == 0) {
            *number = i;
            return true;
        }
    }
    return false;
}

hay_status hayi_resources_number(struct hayi_resources *resources,
                                 const char *name,
                                 size_t size,
                                 uint32_t *number,
                                 struct hayi_error *err)
{
    hay_status status = HAY_OK;
    if (find(resources, name, size, number)) {
        return HAY_OK;
    }
    (void)pthread_mutex_lock(&resources->mutex);
    uint32_t count = atomic_load(&resources->count);
    if (!find(resources, name, size, number)) {
        if (count == HAYI_RESOURCE_MAX || size > HAYI_RESOURCE_NAME_MAX) {
            status = hayi_fail(err,
                               HAY_ETOOBIG,
                               "'%.*s': a farm has at most %u names of "
                               "resources, asked for or there",
                               (int)size,
                               name,
                               HAYI_RESOURCE_MAX);
        } else {
            memcpy(resources->names[count], name, size);
            atomic_store(&resources->count, count + 1);
            *number = count;
        }
    }
    (void)pthread_mutex_unlock(&resources->mutex);
    return status;
}

const char *hayi_resources_name(void *context, uint32_t number)
{
    const struct hayi_resources *resources = context;
    return number < atomic_load(&resources->count) ? resources->names[number]
                                                   : "?";
}

bool hayi_resources_limit(const struct hayi_resources *resources,
                          size_t index,
                          struct hayi_amount *limit)
{
    if (index >= resources->limit_count) {
        return false;
    }
    *limit = resources->limits[index];
    return true;
}

uint32_t hayi_resources_limited(const struct hayi_resources *resources,
                                const char *category)
{
    for (size_t i = 0; category != NULL && i < resources->limit_count; i++) {
        uint32_t number = resources->limits[i].resource;
        if (strcmp(resources->names[number], category) == 0) {
            return number;
        }
    }
    return HAYI_RESOURCE_NONE;
}

static hay_status
about(const char *what, hay_status status, struct hayi_error *err)
{
    if (status != HAY_OK && err != NULL) {
        struct hayi_error cause = *err;
        return hayi_fail(err, status, "%s: %.400s", what, cause.text);
    }
    return status;
}

static hay_status take_options(struct hayi_resources *resources,
                               const hay_options *options,
                               struct hayi_error *err)
{
    struct hayi_named list[HAYI_RESOURCE_MAX];
    size_t count = 0;
    uint32_t number;
    hay_status status = HAY_OK;
    if (options->limits != NULL) {
        status = about(
            "limits",
            hayi_named_parse(
                options->limits, false, list, HAYI_RESOURCE_MAX, &count, err),
            err);
    }
    for (size_t i = 0; i < count && status == HAY_OK; i++) {
        status = hayi_resources_number(
            resources, list[i].name, list[i].size, &number, err);
        resources->limits[i] =
            (struct hayi_amount){.resource = number, .units = list[i].units};
    }
    if (status == HAY_OK) {
        resources->limit_count = count;
        count = 0;
    }
    if (status == HAY_OK && options->resources != NULL) {
        status = about("resources",
                       hayi_named_parse(options->resources,
                                        false,
                                        list,
                                        HAYI_RESOURCE_MAX,
                                        &count,
                                        err),
                       err);
    }
    for (size_t i = 0; i < count && status == HAY_OK; i++) {
        if (find(resources, list[i].name, list[i].size, &number)) {
            return hayi_fail(err,
                             HAY_EINVAL,
                             "'%.*s' is both a resource of nodes and a limit "
                             "of the farm",
                             (int)list[i].size,
                             list[i].name);
        }
        /* Known before a worker has told: nobody mistakes it for a slip. */
        status = hayi_resources_number(
            resources, list[i].name, list[i].size, &number, err);
    }
    return status;
}

hay_status hayi_resources_new(const hay_options *options,
                              struct hayi_resources **out,
                              struct hayi_error *err)
{
    struct hayi_resources *resources = calloc(1, sizeof(*resources));
    if (resources == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    (void)pthread_mutex_init(&resources->mutex, NULL);
    hay_status status = take_options(resources, options, err);
    if (status != HAY_OK) {
        hayi_resources_free(resources);
        return status;
    }
    *out = resources;
    return HAY_OK;
}

void hayi_resources_free(struct hayi_resources *resources)
{
    if (resources == NULL) {
        return;
    }
    hayi_resources_free_requests(resources);
    for (uint32_t i = 0; i < resources->worker_count; i++) {
        free(resources->workers[i]);
    }
    free(resources->workers);
    (void)pthread_mutex_destroy(&resources->mutex);
    free(resources);
}

/* ---- workers ------------------------------------------------------------- */

/* With the mutex. */
static bool make_room(struct hayi_resources *resources, uint32_t worker)
{
    if (worker < resources->worker_count) {
        return true;
    }
    struct hayi_has **more =
        realloc(resources->workers, (worker + 1u) * sizeof(*more));
    if (more == NULL) {
        return false;
    }
    for (uint32_t i = resources->worker_count; i <= worker; i++) {
        more[i] = NULL;
    }
    resources->workers = more;
    resources->worker_count = worker + 1;
    return true;
}

hay_status hayi_resources_joined(struct hayi_resources *resources,
                                 uint32_t worker,
                                 const struct hayi_capacity *capacity)
{
    size_t bytes = capacity->amount_count * sizeof(struct hayi_amount);
    struct hayi_has *has = malloc(sizeof(*has) + bytes);
    if (has == NULL) {
        return HAY_ENOMEM;
    }
    has->cores = capacity->cores;
    has->gpus = capacity->gpus;
    has->memory_bytes = capacity->memory_bytes;
    has->amount_count = capacity->amount_count;
    if (bytes > 0) {
        memcpy(has->amounts, capacity->amounts, bytes);
    }
    (void)pthread_mutex_lock(&resources->mutex);
    bool done = make_room(resources, worker);
    if (done) {
        free(resources->workers[worker]);
        resources->workers[worker] = has;
        (void)atomic_fetch_add(&resources->epoch, 1);
    }
    (void)pthread_mutex_unlock(&resources->mutex);
    if (!done) {
        free(has);
    }
    return done ? HAY_OK : HAY_ENOMEM;
}

void hayi_resources_left(struct hayi_resources *resources, uint32_t worker)
{
    (void)pthread_mutex_lock(&resources->mutex);
    if (worker < resources->worker_count) {
        free(resources->workers[worker]);
        resources->workers[worker] = NULL;
        (void)atomic_fetch_add(&resources->epoch, 1);
    }
    (void)pthread_mutex_unlock(&resources->mutex);
}

/* ---- feasible? ----------------------------------------------------------- */

static uint64_t limit_of(const struct hayi_resources *resources,
                         uint32_t resource)
{
    for (size_t i = 0; i < resources->limit_count; i++) {
        if (resources->limits[i].resource == resource) {
            return resources->limits[i].units;
        }
    }
    return UINT64_MAX;
}

static uint64_t units_of(const struct hayi_has *has, uint32_t resource)
{
    for (size_t i = 0; i < has->amount_count; i++) {
        if (has->amounts[i].resource == resource) {
            return has->amounts[i].units;
        }
    }
    return 0;
}

static bool has_all(const struct hayi_resources *resources,
                    const struct hayi_has *has,
                    const struct hayi_variant *variant)
{
    bool good =
        (variant->cores == HAYI_CORES_ALL || variant->cores <= has->cores)
        && variant->gpu_units <= has->gpus * (uint64_t)HAYI_AMOUNT_ONE
        && (has->memory_bytes == 0
            || variant->memory_bytes <= has->memory_bytes);
    for (uint32_t i = 0; good && i < variant->amount_count; i++) {
        const struct hayi_amount *amount = &variant->amounts[i];
        uint64_t limit = limit_of(resources, amount->resource);
        good = limit == UINT64_MAX
                   ? amount->units <= units_of(has, amount->resource)
                   : amount->units <= limit;
    }
    return good;
}

/* The most that a worker has of each. */
struct most {
    uint64_t cores, gpus, memory, units;
    bool named; /* a worker has this resource, if only 0 of it */
    bool unaccounted;
};

static struct most most_of(const struct hayi_resources *resources,
                           uint32_t only,
                           uint32_t resource)
{
    struct most most = {.cores = 0};
    for (uint32_t w = 0; w < resources->worker_count; w++) {
        const struct hayi_has *has = resources->workers[w];
        if (has == NULL || (only != 0 && w != only - 1)) {
            continue;
        }
        uint64_t units = units_of(has, resource);
        most.cores = has->cores > most.cores ? has->cores : most.cores;
        most.gpus = has->gpus > most.gpus ? has->gpus : most.gpus;
        most.memory =
            has->memory_bytes > most.memory ? has->memory_bytes : most.memory;
        most.units = units > most.units ? units : most.units;
        most.unaccounted = most.unaccounted || has->memory_bytes == 0;
        for (size_t i = 0; i < has->amount_count; i++) {
            most.named = most.named || has->amounts[i].resource == resource;
        }
    }
    return most;
}

/* "licences, scratch; limits: download" */
static void
list_names(const struct hayi_resources *resources, char *text, size_t size)
{
    uint32_t count = atomic_load(&resources->count);
    size_t used = 0;
    text[0] = 0;
    for (uint32_t i = 0; i < count && used + 100 < size; i++) {
        bool limit = limit_of(resources, i) != UINT64_MAX;
        if (limit || most_of(resources, 0, i).named) {
            used += (size_t)snprintf(text + used,
                                     size - used,
                                     "%s%s%s",
                                     used > 0 ? ", " : "",
                                     resources->names[i],
                                     limit ? " (a limit)" : "");
        }
    }
    if (used == 0) {
        (void)snprintf(text, size, "no named resources");
    }
}

static hay_status word_amount(const struct hayi_resources *resources,
                              const struct hayi_amount *amount,
                              uint32_t only,
                              struct hayi_error *err)
{
    char wanted[40];
    char there[40];
    char names[WORDS];
    const char *name = resources->names[amount->resource];
    uint64_t limit = limit_of(resources, amount->resource);
    struct most most = most_of(resources, only, amount->resource);
    hayi_amount_print(amount->units, wanted, sizeof(wanted));
    if (limit != UINT64_MAX) {
        hayi_amount_print(limit, there, sizeof(there));
        return amount->units <= limit
                   ? HAY_OK
                   : hayi_fail(err,
                               HAY_EINFEASIBLE,
                               "%s=%s asked for, but the farm's limit is %s",
                               name,
                               wanted,
                               there);
    }
    if (!most_of(resources, 0, amount->resource).named) {
        list_names(resources, names, sizeof(names));
        return hayi_fail(err,
                         HAY_EINFEASIBLE,
                         "%s=%s asked for, but there is no %s: there %s %s",
                         name,
                         wanted,
                         name,
                         strncmp(names, "no ", 3) == 0 ? "are" : "is",
                         names);
    }
    hayi_amount_print(most.units, there, sizeof(there));
    return amount->units <= most.units
               ? HAY_OK
               : hayi_fail(err,
                           HAY_EINFEASIBLE,
                           "%s=%s asked for, but %s has more than %s",
                           name,
                           wanted,
                           only != 0 ? "the worker never" : "no worker",
                           there);
}

/* Why no worker has all of it. */
static hay_status word_variant(const struct hayi_resources *resources,
                               const struct hayi_variant *variant,
                               uint32_t only,
                               struct hayi_error *err)
{
    struct most most = most_of(resources, only, HAYI_RESOURCE_NONE);
    const char *who = only != 0 ? "that worker has not" : "no worker has";
    char wanted[40];
    if (variant->cores != HAYI_CORES_ALL && variant->cores > most.cores) {
        return hayi_fail(err,
                         HAY_EINFEASIBLE,
                         "%u cores asked for, but %s more than %" PRIu64,
                         variant->cores,
                         who,
                         most.cores);
    }
    if (variant->gpu_units > most.gpus * HAYI_AMOUNT_ONE) {
        hayi_amount_print(variant->gpu_units, wanted, sizeof(wanted));
        return hayi_fail(err,
                         HAY_EINFEASIBLE,
                         "%s gpus asked for, but %s more than %" PRIu64,
                         wanted,
                         who,
                         most.gpus);
    }
    if (!most.unaccounted && variant->memory_bytes > most.memory) {
        return hayi_fail(
            err,
            HAY_EINFEASIBLE,
            "%" PRIu64 " bytes of memory asked for, but %s more than %" PRIu64,
            variant->memory_bytes,
            who,
            most.memory);
    }
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        hay_status status =
            word_amount(resources, &variant->amounts[i], only, err);
        if (status != HAY_OK) {
            return status;
        }
    }
    return hayi_fail(
        err, HAY_EINFEASIBLE, "no worker has all that is asked for at once");
}

/* With the mutex. */
static hay_status feasible(const struct hayi_resources *resources,
                           const struct hayi_variant *variants,
                           size_t count,
                           uint32_t only,
                           struct hayi_error *err)
{
    struct hayi_error first;
    for (size_t v = 0; v < count; v++) {
        for (uint32_t w = 0; w < resources->worker_count; w++) {
            const struct hayi_has *has = resources->workers[w];
            if (has != NULL && (only == 0 || w == only - 1)
                && has_all(resources, has, &variants[v])) {
                return HAY_OK;
            }
        }
    }
    hay_status status = word_variant(resources, &variants[0], only, &first);
    return hayi_fail(err,
                     status,
                     "%.400s%s",
                     first.text,
                     count > 1 ? " (and no alternative can be met either)"
                               : "");
}

hay_status hayi_resources_feasible(struct hayi_resources *resources,
                                   const struct hayi_needs *needs,
                                   struct hayi_error *err)
{
    const struct hayi_variant plain = {
        .cores = needs->cores,
        .gpu_units = needs->gpus * HAYI_AMOUNT_ONE,
        .memory_bytes = needs->memory_bytes,
    };
    const struct hayi_variant *variants = &plain;
    size_t count = 1;
    hay_status status = HAY_OK;
    atomic_uint *good = NULL;
    unsigned epoch = atomic_load(&resources->epoch);
    if (needs->request != 0) {
        variants = hayi_resources_variants(resources, needs->request, &count);
        good = hayi_resources_good(resources, needs->request);
    }
    if (epoch == 0
        || (good != NULL && needs->worker == 0 && atomic_load(good) == epoch)) {
        return HAY_OK; /* as the last one that asked for it, most often */
    }
    (void)pthread_mutex_lock(&resources->mutex);
    epoch = atomic_load(&resources->epoch);
    status = feasible(resources, variants, count, needs->worker, err);
    (void)pthread_mutex_unlock(&resources->mutex);
    if (status == HAY_OK && good != NULL && needs->worker == 0) {
        atomic_store(good, epoch);
    }
    return status;
}
