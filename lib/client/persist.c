/* persist.c - hay_persist(): the tasks that write results into an HDF5 file.
 *
 * Each future is described together with many others, then laid out with all of
 * them, then written by a task of its own, which the scheduler sends to where
 * the bytes lie.  The last three tasks see to it that FILE.part is gone when
 * the user's future has ended, whichever way.
 */
#include "config.h"

#include "client/persist.h"

#include "base/hash.h"
#include "base/philox.h"
#include "client/check.h"
#include "client/executor.h"
#include "client/resume.h"
#include "wire/args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 1000,
    PATH_MAX_BYTES = 4000,
};

struct persist {
    hay_executor *ex;
    hay_future *const *futures;
    size_t count;
    char *path;               /* absolute */
    const char *file;         /* the last part of it */
    struct hayi_buffer names; /* of all, each with its 0 */
    hay_future **describes;   /* [describe_count] */
    size_t describe_count;
    hay_future *layout;
    hay_future **writes; /* [write_count] */
    size_t write_count;
    hay_future *finish, *tidy;
    /* what a resumed run compares */
    char *key;
    char rest[40];
};

static void persist_fini(struct persist *p)
{
    for (size_t i = 0; i < p->describe_count; i++) {
        hay_future_release(p->describes[i]);
    }
    for (size_t i = 0; i < p->write_count; i++) {
        hay_future_release(p->writes[i]);
    }
    hay_future_release(p->layout);
    hay_future_release(p->finish);
    hay_future_release(p->tidy);
    free(p->describes);
    free(p->writes);
    free(p->path);
    free(p->key);
    hayi_buffer_fini(&p->names);
}

/* ---- what was asked for -------------------------------------------------- */

static hay_status check(hay_executor *ex,
                        hay_future *const *futures,
                        size_t count,
                        const char *path,
                        hay_future *const *future,
                        struct hayi_error *err)
{
    if (ex == NULL || futures == NULL || path == NULL || future == NULL) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_persist: the executor, the futures, the path or "
                         "the place for the future is NULL");
    }
    if (count == 0 || count > HAYI_PERSIST_ITEMS) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "hay_persist: %zu futures, not 1 to %d",
                         count,
                         (int)HAYI_PERSIST_ITEMS);
    }
    if (path[0] == 0 || path[strlen(path) - 1] == '/') {
        return hayi_fail(
            err, HAY_EINVAL, "hay_persist: '%s' names no file", path);
    }
    for (size_t i = 0; i < count; i++) {
        if (futures[i] == NULL || futures[i]->ex != ex) {
            return hayi_fail(err,
                             HAY_EINVAL,
                             "hay_persist: future %zu is NULL, or of another "
                             "executor",
                             i);
        }
    }
    return HAY_OK;
}

static hay_status
set_path(struct persist *p, const char *path, struct hayi_error *err)
{
    hay_status st = hayi_absolute_path(path, &p->path, err);
    if (st != HAY_OK) {
        return st;
    }
    size_t size = strlen(p->path);
    if (size >= PATH_MAX_BYTES) {
        return hayi_fail(
            err, HAY_EINVAL, "a path of %zu bytes is too long", size);
    }
    p->file = strrchr(p->path, '/') + 1;
    return HAY_OK;
}

static hay_status
set_names(struct persist *p, const char *const *names, struct hayi_error *err)
{
    for (size_t i = 0; i < p->count; i++) {
        char number[24];
        const char *name = number;
        (void)snprintf(number, sizeof(number), "%zu", i);
        if (names != NULL) {
            name = names[i];
        }
        if (name == NULL || name[0] == 0) {
            return hayi_fail(
                err, HAY_EINVAL, "hay_persist: name %zu is NULL or empty", i);
        }
        hay_status st = hayi_check_text(name, NAME_MAX_BYTES, "a name", err);
        if (st == HAY_OK
            && hayi_buffer_append(&p->names, name, strlen(name) + 1)
                   != HAY_OK) {
            st = hayi_fail(err, HAY_ENOMEM, "out of memory for names");
        }
        if (st != HAY_OK) {
            return st;
        }
    }
    return HAY_OK;
}

/* The file, names and the keys of what goes into it. */
static hay_status set_key(struct persist *p, struct hayi_error *err)
{
    static const char what[] = "hay_persist ";
    uint64_t sum = 0;
    size_t size = sizeof(what) + strlen(p->path);
    p->key = malloc(size);
    if (p->key == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory to persist");
    }
    (void)snprintf(p->key, size, "%s%s", what, p->path);
    for (size_t i = 0; i < p->count; i++) {
        const struct hayi_spec_key *key = hayi_spec_key(p->futures[i]->spec);
        sum = hayi_mix64(sum + (key != NULL ? hayi_resume_hash(&key->key) : 0))
              + i + 1;
    }
    (void)snprintf(p->rest,
                   sizeof(p->rest),
                   "%016llx %016llx",
                   (unsigned long long)sum,
                   (unsigned long long)hayi_hash(
                       HAYI_HASH_XXH64, p->names.data, p->names.size));
    return HAY_OK;
}

/* ---- tasks --------------------------------------------------------------- */

/* index: SIZE_MAX for none. */
static hay_status submit(const struct persist *p,
                         hay_task_fn function,
                         const char *what,
                         size_t index,
                         hay_args args,
                         hay_task_options *options,
                         hay_future **future)
{
    char name[200];
    char number[24] = "";
    if (index != SIZE_MAX) {
        (void)snprintf(number, sizeof(number), "[%zu]", index);
    }
    (void)snprintf(name, sizeof(name), "%s %.120s%s", what, p->file, number);
    options->name = name;
    options->category = HAYI_PERSIST_CATEGORY;
    return hay_submit(p->ex, function, args, options, future);
}

static hay_status submit_describes(struct persist *p, struct hayi_error *err)
{
    size_t count = (p->count + HAYI_PERSIST_BATCH - 1) / HAYI_PERSIST_BATCH;
    hay_arg *list = malloc(HAYI_PERSIST_BATCH * sizeof(*list));
    p->describes = calloc(count, sizeof(*p->describes));
    hay_status st = HAY_OK;
    if (list == NULL || p->describes == NULL) {
        st = hayi_fail(err, HAY_ENOMEM, "out of memory to persist");
    }
    for (size_t b = 0; st == HAY_OK && b < count; b++) {
        hay_task_options options = HAY_TASK_OPTIONS_INIT;
        size_t first = b * HAYI_PERSIST_BATCH;
        size_t n = p->count - first < HAYI_PERSIST_BATCH ? p->count - first
                                                         : HAYI_PERSIST_BATCH;
        for (size_t i = 0; i < n; i++) {
            list[i] = (hay_arg){.kind = HAYI_KIND_SHAPE,
                                .u.future = p->futures[first + i]};
        }
        const hay_args args = {list, n};
        st = submit(p,
                    hayi_persist_describe,
                    "describe",
                    b,
                    args,
                    &options,
                    &p->describes[b]);
        p->describe_count += st == HAY_OK;
    }
    free(list);
    return st;
}

static hay_status submit_layout(struct persist *p)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    return submit(p,
                  hayi_persist_layout,
                  "layout",
                  SIZE_MAX,
                  HAY_ARGS(hay_string(p->path),
                           hay_bytes(p->names.data, p->names.size),
                           hay_refs(p->describes, p->describe_count)),
                  &options,
                  &p->layout);
}

static hay_status submit_writes(struct persist *p, struct hayi_error *err)
{
    hay_status st = HAY_OK;
    p->writes = calloc(p->count, sizeof(*p->writes));
    if (p->writes == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory to persist");
    }
    for (size_t i = 0; st == HAY_OK && i < p->count; i++) {
        hay_task_options options = HAY_TASK_OPTIONS_INIT;
        st = submit(p,
                    hayi_persist_write,
                    "write",
                    i,
                    HAY_ARGS(hay_string(p->path),
                             hay_int64((int64_t)(i % HAYI_PERSIST_GROUP)),
                             hay_ref_at(p->layout, 1 + i / HAYI_PERSIST_GROUP),
                             hay_ref(p->futures[i])),
                    &options,
                    &p->writes[i]);
        p->write_count += st == HAY_OK;
    }
    return st;
}

/* The one whose future is the user's. */
static hay_status submit_done(const struct persist *p,
                              hay_task_options *done,
                              hay_future **future)
{
    done->resume_key = p->key;
    done->resume_rest = p->rest;
    return submit(p,
                  hayi_persist_done,
                  "persist",
                  SIZE_MAX,
                  HAY_ARGS(hay_string(p->path)),
                  done,
                  future);
}

/* It ends at once if the journal has it; HAY_EEMPTY: it has to be done. */
static hay_status submit_recorded(const struct persist *p, hay_future **future)
{
    hay_task_options done = HAY_TASK_OPTIONS_INIT;
    done.after = p->futures;
    done.after_count = p->count;
    done.recorded_only = true;
    return submit_done(p, &done, future);
}

/* complete: else FILE must not come to be. */
static hay_status
submit_end(struct persist *p, bool complete, hay_future **future)
{
    const hay_arg list[2] = {hay_string(p->path), hay_ref_at(p->layout, 0)};
    const hay_args args = {list, 2};
    hay_status st = HAY_OK;
    if (complete) {
        hay_task_options options = HAY_TASK_OPTIONS_INIT;
        options.after = p->writes;
        options.after_count = p->write_count;
        st = submit(p,
                    hayi_persist_finish,
                    "finish",
                    SIZE_MAX,
                    args,
                    &options,
                    &p->finish);
    }
    hay_task_options tidy = HAY_TASK_OPTIONS_INIT;
    tidy.after_any = complete && st == HAY_OK ? &p->finish : p->writes;
    tidy.after_any_count = complete && st == HAY_OK ? 1 : p->write_count;
    hay_status tidied =
        submit(p, hayi_persist_tidy, "tidy", SIZE_MAX, args, &tidy, &p->tidy);
    st = st == HAY_OK ? tidied : st;
    if (!complete || st != HAY_OK) {
        return st;
    }
    hay_task_options done = HAY_TASK_OPTIONS_INIT;
    done.after = &p->finish;
    done.after_count = 1;
    done.after_any = &p->tidy;
    done.after_any_count = 1;
    return submit_done(p, &done, future);
}

static hay_status
submit_all(struct persist *p, hay_future **future, struct hayi_error *err)
{
    hay_status st = submit_describes(p, err);
    if (st == HAY_OK) {
        st = submit_layout(p);
    }
    if (st != HAY_OK) {
        return st; /* nothing comes to be */
    }
    st = submit_writes(p, err);
    if (st == HAY_OK) {
        return submit_end(p, true, future);
    }
    const struct hayi_error cause = *err;
    (void)submit_end(p, false, NULL);
    *err = cause;
    return st;
}

hay_status hay_persist(hay_executor *ex,
                       hay_future *const *futures,
                       const char *const *names,
                       size_t count,
                       const char *path,
                       hay_future **future)
{
    struct hayi_error *err = hayi_thread_error();
    struct persist p = {.ex = ex, .futures = futures, .count = count};
    hay_status st = check(ex, futures, count, path, future, err);
    if (st != HAY_OK) {
        return st;
    }
    hayi_buffer_init(&p.names);
    st = set_path(&p, path, err);
    if (st == HAY_OK) {
        st = set_names(&p, names, err);
    }
    if (st == HAY_OK) {
        st = set_key(&p, err);
    }
    if (st == HAY_OK) {
        st = ex->resume != NULL ? submit_recorded(&p, future) : HAY_EEMPTY;
    }
    if (st == HAY_EEMPTY) {
        st = submit_all(&p, future, err);
    }
    persist_fini(&p);
    return st;
}
