/* registry.c - see registry.h.
 *
 * Constructors run before main, in an order that the linker chooses; sorting by
 * name makes the numbers equal on all ranks.  What goes wrong in a constructor
 * is remembered and told by hayi_registry_seal().  Look-up by pointer: a hash
 * table with open addressing, built once.
 */
#include "config.h"

#include "worker/registry.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INIT_MAX = 64 }; /* functions of hay_register_worker_init() */

struct version {
    const char *name;
    uint32_t version;
};

/* before the seal under the mutex, read only after it */
static struct hayi_function *list;
static uint32_t list_count;
static uint32_t list_room;
static struct version *versions;
static uint32_t version_count;
static uint32_t *by_pointer; /* 1 + index; 0: free */
static uint32_t by_pointer_mask;
static struct hayi_error problem; /* the first one; HAY_OK: none */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool sealed;

/* under the mutex */
static hay_status (*init_list[INIT_MAX])(void);
static uint32_t init_count;

/* under init_mutex, which is held while they run */
static pthread_mutex_t init_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t init_done;
static struct hayi_error init_error;

/* Keeps the first problem. */
static struct hayi_error *first_problem(void)
{
    static struct hayi_error further;
    return problem.status == HAY_OK ? &problem : &further;
}

/* May something be registered under 'name' now? */
static bool may_register(const char *name)
{
    if (name == NULL || name[0] == 0) {
        (void)hayi_fail(first_problem(),
                        HAY_EINVAL,
                        "a function was registered without a name");
        return false;
    }
    if (atomic_load(&sealed)) {
        (void)hayi_fail(first_problem(),
                        HAY_EINVAL,
                        "%.100s was registered too late: an executor was "
                        "open already",
                        name);
        return false;
    }
    return true;
}

static struct hayi_function *find_name(const char *name)
{
    for (uint32_t i = 0; i < list_count; i++) {
        if (strcmp(list[i].name, name) == 0) {
            return &list[i];
        }
    }
    return NULL;
}

static void add(const struct hayi_function *function)
{
    struct hayi_function *same = find_name(function->name);
    if (same != NULL) {
        if (same->call != function->call || same->map != function->map) {
            (void)hayi_fail(first_problem(),
                            HAY_EINVAL,
                            "two functions are registered under the name "
                            "%.100s",
                            function->name);
        }
        *same = *function;
        return;
    }
    if (list_count == list_room) {
        uint32_t room = list_room == 0 ? 64 : 2 * list_room;
        struct hayi_function *more = realloc(list, room * sizeof(*list));
        if (more == NULL) {
            (void)hayi_fail(first_problem(),
                            HAY_ENOMEM,
                            "out of memory to register %.100s",
                            function->name);
            return;
        }
        list = more;
        list_room = room;
    }
    list[list_count++] = *function;
}

void hay_register(const char *name, hay_task_fn function)
{
    (void)pthread_mutex_lock(&mutex);
    if (may_register(name)) {
        add(&(struct hayi_function){.name = name, .call = function});
    }
    (void)pthread_mutex_unlock(&mutex);
}

void hay_register_map(const char *name,
                      hay_map_fn function,
                      size_t in_size,
                      size_t out_size)
{
    (void)pthread_mutex_lock(&mutex);
    if (may_register(name)) {
        add(&(struct hayi_function){.name = name,
                                    .map = function,
                                    .in_size = in_size,
                                    .out_size = out_size});
    }
    (void)pthread_mutex_unlock(&mutex);
}

/* A version may come before its function: kept until the seal. */
void hay_register_version(const char *name, uint32_t version)
{
    (void)pthread_mutex_lock(&mutex);
    if (may_register(name)) {
        struct version *more =
            realloc(versions, (version_count + 1) * sizeof(*versions));
        if (more == NULL) {
            (void)hayi_fail(first_problem(),
                            HAY_ENOMEM,
                            "out of memory for the version of %.100s",
                            name);
        } else {
            versions = more;
            versions[version_count++] = (struct version){name, version};
        }
    }
    (void)pthread_mutex_unlock(&mutex);
}

void hay_register_worker_init(hay_status (*function)(void))
{
    (void)pthread_mutex_lock(&mutex);
    bool known = false;
    for (uint32_t i = 0; i < init_count; i++) {
        known = known || init_list[i] == function;
    }
    if (!known && init_count == INIT_MAX) {
        (void)hayi_fail(first_problem(),
                        HAY_EINVAL,
                        "more than %d functions to start a worker",
                        INIT_MAX);
    } else if (!known) {
        init_list[init_count++] = function;
    }
    (void)pthread_mutex_unlock(&mutex);
}

/* ---- the seal ------------------------------------------------------------ */

static int compare(const void *a, const void *b)
{
    const struct hayi_function *x = a;
    const struct hayi_function *y = b;
    return strcmp(x->name, y->name);
}

static void apply_versions(void)
{
    for (uint32_t i = 0; i < list_count; i++) {
        list[i].version = 1;
    }
    for (uint32_t i = 0; i < version_count; i++) {
        struct hayi_function *function = find_name(versions[i].name);
        if (function == NULL) {
            (void)hayi_fail(first_problem(),
                            HAY_EINVAL,
                            "a version is told for %.100s, which is not "
                            "registered",
                            versions[i].name);
        } else {
            function->version = versions[i].version;
        }
    }
}

static uint32_t hash(uintptr_t pointer)
{
    return (uint32_t)((pointer * UINT64_C(0x9E3779B97F4A7C15)) >> 32);
}

static uintptr_t pointer_of(const struct hayi_function *function)
{
    return function->call != NULL ? (uintptr_t)function->call
                                  : (uintptr_t)function->map;
}

static void index_pointers(void)
{
    uint32_t room = 16;
    while (room < 2 * list_count) {
        room *= 2;
    }
    by_pointer = calloc(room, sizeof(*by_pointer));
    if (by_pointer == NULL) {
        (void)hayi_fail(first_problem(),
                        HAY_ENOMEM,
                        "out of memory for the registered functions");
        return;
    }
    by_pointer_mask = room - 1;
    for (uint32_t i = 0; i < list_count; i++) {
        uint32_t at = hash(pointer_of(&list[i])) & by_pointer_mask;
        while (by_pointer[at] != 0) {
            at = (at + 1) & by_pointer_mask;
        }
        by_pointer[at] = i + 1;
    }
}

static void seal(void)
{
    if (atomic_load_explicit(&sealed, memory_order_acquire)) {
        return;
    }
    (void)pthread_mutex_lock(&mutex);
    if (!atomic_load(&sealed)) {
        if (list_count > 0) {
            qsort(list, list_count, sizeof(*list), compare);
        }
        apply_versions();
        index_pointers();
        atomic_store_explicit(&sealed, true, memory_order_release);
    }
    (void)pthread_mutex_unlock(&mutex);
}

hay_status hayi_registry_seal(struct hayi_error *err)
{
    seal();
    (void)pthread_mutex_lock(&mutex);
    hay_status st = problem.status;
    if (st != HAY_OK && err != NULL) {
        *err = problem;
    }
    (void)pthread_mutex_unlock(&mutex);
    return st;
}

/* ---- look-ups ------------------------------------------------------------ */

uint32_t hayi_registry_count(void)
{
    seal();
    return list_count;
}

const struct hayi_function *hayi_registry_get(uint32_t index)
{
    seal();
    return index < list_count ? &list[index] : NULL;
}

static uint32_t find(uintptr_t pointer, bool map)
{
    seal();
    if (pointer == 0 || by_pointer == NULL) {
        return UINT32_MAX;
    }
    for (uint32_t at = hash(pointer) & by_pointer_mask; by_pointer[at] != 0;
         at = (at + 1) & by_pointer_mask) {
        const struct hayi_function *function = &list[by_pointer[at] - 1];
        if (pointer_of(function) == pointer && (function->map != NULL) == map) {
            return by_pointer[at] - 1;
        }
    }
    return UINT32_MAX;
}

uint32_t hayi_registry_find(hay_task_fn call)
{
    return find((uintptr_t)call, false);
}

uint32_t hayi_registry_find_map(hay_map_fn map)
{
    return find((uintptr_t)map, true);
}

/* ---- what must be equal on all ranks ---------------------------------------
 */

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#elif defined(__powerpc64__)
#define ARCHITECTURE "ppc64"
#elif defined(__riscv)
#define ARCHITECTURE "riscv"
#elif defined(__s390x__)
#define ARCHITECTURE "s390x"
#else
#define ARCHITECTURE "other"
#endif

char *hayi_registry_identity(void)
{
    char *text = NULL;
    size_t size = 0;
    seal();
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    (void)fprintf(out,
                  "hayfork %d.%d.%d " ARCHITECTURE " %s-endian %zu bits\n",
                  HAY_VERSION_MAJOR,
                  HAY_VERSION_MINOR,
                  HAY_VERSION_PATCH,
                  __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "little" : "big",
                  8 * sizeof(void *));
    for (uint32_t i = 0; i < list_count; i++) {
        (void)fprintf(out,
                      "%s %s %zu %zu version %u\n",
                      list[i].name,
                      list[i].map != NULL ? "map" : "task",
                      list[i].in_size,
                      list[i].out_size,
                      list[i].version);
    }
    bool failed = ferror(out) != 0;
    if (fclose(out) != 0 || failed) {
        free(text);
        return NULL;
    }
    return text;
}

/* The next one that has not run; NULL if all have. */
static hay_status (*next_init(void))(void)
{
    (void)pthread_mutex_lock(&mutex);
    hay_status (*function)(void) =
        init_done < init_count ? init_list[init_done++] : NULL;
    (void)pthread_mutex_unlock(&mutex);
    return function;
}

hay_status hayi_registry_init_worker(struct hayi_error *err)
{
    hay_status (*function)(void);
    (void)pthread_mutex_lock(&init_mutex);
    while (init_error.status == HAY_OK && (function = next_init()) != NULL) {
        hayi_thread_error()->text[0] = 0;
        hay_status st = function();
        if (st != HAY_OK) {
            const char *words = hay_error_text();
            (void)hayi_fail(&init_error,
                            st,
                            "a HAY_WORKER_INIT function failed: %.300s%s%s",
                            words,
                            words[0] != 0 ? ", " : "",
                            hay_status_name(st));
        }
    }
    hay_status st = init_error.status;
    if (st != HAY_OK && err != NULL) {
        *err = init_error;
    }
    (void)pthread_mutex_unlock(&init_mutex);
    return st;
}
