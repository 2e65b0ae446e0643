/* resume.c - see resume.h.
 *
 * Names are found in the journal's own table, which knows the last task of a
 * name.  Names that stand for several tasks of one start (labels, in programs)
 * are found by name and key among those that the table passes over; they are
 * few in all other runs, and are kept sorted.
 */
#include "config.h"

#include "client/resume.h"

#include "base/idmap.h"
#include "base/philox.h"
#include "client/executor.h"
#include "client/persist.h"
#include "client/resume_words.h"
#include "data/kept.h"
#include "wire/value.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A task that a later one of its name hides. */
struct hidden {
    uint64_t name; /* hash */
    uint64_t key;  /* hash */
    const struct hayi_recorded *task;
};

struct hayi_resume {
    struct hayi_journal_table *table; /* or NULL */
    char *folder;
    bool check_files, dry;
    struct hidden *hidden; /* [hidden_count], sorted */
    size_t hidden_count;
    pthread_mutex_t mutex;
    struct hayi_idmap ordinals; /* how many unnamed commands, by key's hash */
    struct hayi_idmap paths;    /* whole ones, by the address of the table's */
    unsigned char *seen; /* dry: by place in the table, was looked for; or NULL
                          */
};

const char *hay_why_name(hay_why why)
{
    static const char *const names[] = {
        [HAY_WHY_NONE] = "",
        [HAY_WHY_RECORDED] = "done before",
        [HAY_WHY_NEW] = "new",
        [HAY_WHY_COMMAND] = "command changed",
        [HAY_WHY_ARGUMENTS] = "arguments changed",
        [HAY_WHY_INPUTS] = "comes after what runs again",
        [HAY_WHY_FILES] = "input file changed",
        [HAY_WHY_OUTPUT] = "output is gone",
        [HAY_WHY_RESULT] = "result not kept",
        [HAY_WHY_FAILED] = "failed before",
        [HAY_WHY_UNFINISHED] = "not finished before",
    };
    return (unsigned)why < sizeof(names) / sizeof(names[0]) ? names[why] : "";
}

hay_why hay_future_why(const hay_future *future)
{
    const struct hayi_spec_key *key = hayi_spec_key(future->spec);
    return key != NULL ? (hay_why)key->why : HAY_WHY_NONE;
}

/* ---- life ---------------------------------------------------------------- */

hay_status hayi_resume_new(const hay_options *options,
                           struct hayi_resume **resume,
                           struct hayi_error *err)
{
    struct hayi_resume *r = calloc(1, sizeof(*r));
    if (r == NULL || (r->folder = strdup(options->run_folder)) == NULL) {
        free(r);
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    r->check_files = options->check_files;
    r->dry = options->dry_run;
    (void)pthread_mutex_init(&r->mutex, NULL);
    *resume = r;
    return HAY_OK;
}

void hayi_resume_free(struct hayi_resume *resume)
{
    if (resume == NULL) {
        return;
    }
    hayi_journal_table_free(resume->table);
    hayi_idmap_fini(&resume->ordinals);
    for (size_t i = 0; i < resume->paths.room; i++) {
        if (resume->paths.slots[i].id != 0) {
            free(resume->paths.slots[i].value);
        }
    }
    hayi_idmap_fini(&resume->paths);
    free(resume->seen);
    (void)pthread_mutex_destroy(&resume->mutex);
    free(resume->hidden);
    free(resume->folder);
    free(resume);
}

static int compare_hidden(const void *a, const void *b)
{
    const struct hidden *x = a;
    const struct hidden *y = b;
    if (x->name != y->name) {
        return x->name < y->name ? -1 : 1;
    }
    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return x->task->id < y->task->id ? -1 : x->task->id > y->task->id;
}

static bool is_hidden(const struct hayi_journal_table *table,
                      const struct hayi_recorded *task)
{
    return !task->latest && !task->nested
           && hayi_recorded_name(table, task)[0] != 0;
}

/* Do several tasks of one start have this name? list[count]: of one name. */
static bool is_label(const struct hayi_journal_table *table,
                     const struct hidden *list,
                     size_t count)
{
    const struct hayi_recorded *last =
        hayi_recorded_by_name(table, hayi_recorded_name(table, list[0].task));
    for (size_t i = 0; i < count; i++) {
        if (last != NULL && list[i].task->epoch == last->epoch) {
            return true;
        }
        for (size_t k = i + 1; k < count && k < i + 64; k++) {
            if (list[i].task->epoch == list[k].task->epoch) {
                return true;
            }
        }
    }
    return false;
}

/* Names that are no labels go: what a later task of the name did may have
 * overwritten what those before it left. */
static void keep_labels(struct hayi_resume *r)
{
    size_t kept = 0;
    size_t end = 0;
    for (size_t first = 0; first < r->hidden_count; first = end) {
        for (end = first + 1;
             end < r->hidden_count
             && r->hidden[end].name == r->hidden[first].name;) {
            end++;
        }
        if (is_label(r->table, r->hidden + first, end - first)) {
            memmove(r->hidden + kept,
                    r->hidden + first,
                    (end - first) * sizeof(*r->hidden));
            kept += end - first;
        }
    }
    r->hidden_count = kept;
}

hay_status hayi_resume_set_table(struct hayi_resume *resume,
                                 struct hayi_journal_table *table,
                                 struct hayi_error *err)
{
    const struct hayi_recorded *task = NULL;
    size_t count = 0;
    size_t rows = 0;
    resume->table = table;
    if (table == NULL) {
        return HAY_OK;
    }
    for (uint64_t i = 0; (task = hayi_recorded_at(table, i)) != NULL; i++) {
        count += is_hidden(table, task);
        rows++;
    }
    if (resume->dry && rows > 0 && (resume->seen = calloc(rows, 1)) == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a journal");
    }
    resume->hidden = count > 0 ? malloc(count * sizeof(struct hidden)) : NULL;
    if (count > 0 && resume->hidden == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a journal");
    }
    for (uint64_t i = 0; (task = hayi_recorded_at(table, i)) != NULL; i++) {
        if (is_hidden(table, task)) {
            const char *name = hayi_recorded_name(table, task);
            resume->hidden[resume->hidden_count++] = (struct hidden){
                .name = hayi_hash_bytes(name, strlen(name)),
                .key = hayi_resume_hash(&task->key),
                .task = task,
            };
        }
    }
    if (count > 0) {
        qsort(resume->hidden, count, sizeof(struct hidden), compare_hidden);
        keep_labels(resume);
    }
    return HAY_OK;
}

/* ---- finding ------------------------------------------------------------- */

/* The last of this name and key that a later one of the name hides. */
static const struct hayi_recorded *
find_hidden(const struct hayi_resume *r, const char *name, uint64_t key)
{
    const uint64_t name_hash = hayi_hash_bytes(name, strlen(name));
    size_t low = 0;
    size_t high = r->hidden_count;
    while (low < high) { /* the first that is larger */
        size_t middle = low + (high - low) / 2;
        const struct hidden *h = &r->hidden[middle];
        if (h->name < name_hash || (h->name == name_hash && h->key <= key)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct hidden *found = low > 0 ? &r->hidden[low - 1] : NULL;
    return found != NULL && found->name == name_hash && found->key == key
                   && strcmp(hayi_recorded_name(r->table, found->task), name)
                          == 0
               ? found->task
               : NULL;
}

/* Unnamed functions and fakes cannot be told from each other. */
static bool is_known(const struct hayi_spec *spec,
                     const struct hayi_spec_key *key)
{
    return key != NULL && !key->absent
           && (spec->name_size > 0 || spec->kind == HAYI_TASK_COMMAND);
}

/* How many unnamed commands with this key there were in this run.  false: out
 * of memory. */
static bool count_equal(struct hayi_resume *r, uint64_t hash, uint32_t *ordinal)
{
    const uint64_t id = hash != 0 ? hash : 1;
    (void)pthread_mutex_lock(&r->mutex);
    uintptr_t before = (uintptr_t)hayi_idmap_take(&r->ordinals, id);
    bool good = hayi_idmap_put(&r->ordinals, id, (void *)(before + 1));
    (void)pthread_mutex_unlock(&r->mutex);
    *ordinal = (uint32_t)before;
    return good;
}

void hayi_resume_forget(struct hayi_resume *resume, const hay_future *future)
{
    const struct hayi_spec_key *key = hayi_spec_key(future->spec);
    if (!is_known(future->spec, key) || future->spec->name_size > 0) {
        return;
    }
    uint64_t id = hayi_resume_hash(&key->key);
    id = id != 0 ? id : 1;
    (void)pthread_mutex_lock(&resume->mutex);
    uintptr_t count = (uintptr_t)hayi_idmap_take(&resume->ordinals, id);
    if (count > 1) { /* its place is still there */
        (void)hayi_idmap_put(&resume->ordinals, id, (void *)(count - 1));
    }
    (void)pthread_mutex_unlock(&resume->mutex);
}

static const struct hayi_recorded *
find(struct hayi_resume *r, const hay_future *future, struct hayi_spec_key *key)
{
    const struct hayi_spec *spec = future->spec;
    const uint64_t hash = hayi_resume_hash(&key->key);
    if (spec->name_size == 0) {
        key->absent = !count_equal(r, hash, &key->ordinal);
        return r->table != NULL
                   ? hayi_recorded_by_key(r->table, &key->key, key->ordinal)
                   : NULL;
    }
    if (r->table == NULL) {
        return NULL;
    }
    const char *name = hayi_spec_name(spec);
    const struct hayi_recorded *last = hayi_recorded_by_name(r->table, name);
    if (last == NULL || last->nested) {
        return NULL;
    }
    const struct hayi_recorded *other =
        hayi_resume_hash(&last->key) == hash || r->hidden_count == 0
            ? NULL
            : find_hidden(r, name, hash);
    return other != NULL ? other : last;
}

/* ---- judging ------------------------------------------------------------- */

static struct hayi_kept_name kept_name(const struct hayi_resume *r,
                                       const struct hayi_journal_kept *kept)
{
    return (struct hayi_kept_name){
        .folder = r->folder,
        .task = kept->task,
        .attempt = kept->attempt,
    };
}

/* Its result is a file of the run folder, of the size that was recorded; what
 * is in it is compared when it is read. */
static bool is_kept(const struct hayi_resume *r,
                    const struct hayi_recorded *task)
{
    struct hayi_journal_kept record;
    if (!hayi_recorded_kept(r->table, task, &record)) {
        return false;
    }
    const struct hayi_kept_name name = kept_name(r, &record);
    const struct hayi_kept kept = {record.bytes, record.hash};
    return hayi_kept_is_there(&name, &kept);
}

static hay_why judge_state(const struct hayi_resume *r,
                           const struct hayi_recorded *task)
{
    const void *value = NULL;
    size_t size = 0;
    switch (task->state) {
    case HAYI_RECORDED_FINISHED:
        return task->kind != HAYI_TASK_FUNCTION || is_kept(r, task)
                       || hayi_recorded_result(r->table, task, &value, &size)
                   ? HAY_WHY_RECORDED
                   : HAY_WHY_RESULT;
    case HAYI_RECORDED_FAILED:
        return HAY_WHY_FAILED;
    default:
        return HAY_WHY_UNFINISHED;
    }
}

/* Is what hay_persist() has written still that file?  Of all others: true. */
static bool is_same_file(const struct hayi_journal_table *table,
                         const hay_future *future,
                         const struct hayi_recorded *task)
{
    struct hayi_persist_identity now;
    struct hayi_value then;
    const void *value = NULL;
    size_t size = 0;
    const char *path = hayi_resume_persisted(future);
    return path == NULL
           || (hayi_persist_identify(path, &now) == HAY_OK
               && hayi_recorded_result(table, task, &value, &size)
               && hayi_value_read(value, size, &then, NULL, NULL) == HAY_OK
               && then.type == HAY_BYTES && then.size == sizeof(now)
               && memcmp(then.data, &now, sizeof(now)) == 0);
}

static hay_why judge(const struct hayi_resume *r,
                     const hay_future *future,
                     const struct hayi_spec_key *key,
                     const struct hayi_recorded *task)
{
    if (task == NULL) {
        return HAY_WHY_NEW;
    }
    if (task->key.what != key->key.what) {
        return HAY_WHY_COMMAND;
    }
    if (task->key.around != key->key.around) {
        return HAY_WHY_ARGUMENTS;
    }
    if (task->state == HAYI_RECORDED_FINISHED
        && !is_same_file(r->table, future, task)) {
        return HAY_WHY_OUTPUT; /* what writes it comes before, and runs */
    }
    if (hayi_resume_running_input(future) != NULL
        || task->key.inputs != key->key.inputs) {
        return HAY_WHY_INPUTS;
    }
    if (r->check_files && task->key.files != key->key.files) {
        return HAY_WHY_FILES;
    }
    hay_why why = judge_state(r, task);
    return why == HAY_WHY_RECORDED && hayi_resume_gone(future, NULL, 0)
               ? HAY_WHY_OUTPUT
               : why;
}

/* ---- results ------------------------------------------------------------- */

/* The whole path of a file of the run folder, which lives as long as the
 * executor.  NULL: out of memory. */
static const char *whole_path(struct hayi_resume *r, const char *path)
{
    uint64_t id = (uint64_t)(uintptr_t)path;
    (void)pthread_mutex_lock(&r->mutex);
    char *whole = hayi_idmap_get(&r->paths, id);
    if (whole == NULL) {
        size_t size = strlen(r->folder) + strlen(path) + 2;
        whole = malloc(size);
        if (whole != NULL) {
            (void)snprintf(whole, size, "%s/%s", r->folder, path);
        }
        if (whole != NULL && !hayi_idmap_put(&r->paths, id, whole)) {
            free(whole);
            whole = NULL;
        }
    }
    (void)pthread_mutex_unlock(&r->mutex);
    return whole;
}

/* value[size]: what it gave. */
static struct hayi_result *recorded_result(struct hayi_resume *r,
                                           const struct hayi_recorded *task,
                                           const void *value,
                                           size_t size)
{
    struct hayi_recorded_output output = {.path = {NULL, NULL}};
    (void)hayi_recorded_output(r->table, task, &output);
    struct hayi_result *result = calloc(1, sizeof(*result) + size);
    if (result == NULL) {
        return NULL;
    }
    result->attempts = task->attempts;
    result->exit_code = task->exit_code;
    result->end_ns = task->run_ns;
    result->value_size = size;
    if (size > 0) {
        memcpy(result->value, value, size);
    }
    for (int i = 0; i < 2; i++) {
        if (output.path[i] != NULL) {
            result->capture_path[i] = whole_path(r, output.path[i]);
            result->capture_offset[i] = output.offset[i];
            result->capture_length[i] = output.length[i];
        }
    }
    return result;
}

static void drop_object(void *context, struct hayi_object_value *object)
{
    hayi_store_drop(context, object->place);
}

/* Of one that is a file.  HAY_EIO: it is not what was written. */
static hay_status read_kept(struct hayi_resume *r,
                            struct hayi_store *store,
                            const struct hayi_recorded *task,
                            const struct hayi_journal_kept *record,
                            struct hayi_result **result)
{
    const struct hayi_kept_name name = kept_name(r, record);
    const struct hayi_kept kept = {record->bytes, record->hash};
    struct hayi_buffer value;
    uint32_t objects = 0;
    hayi_buffer_init(&value);
    hay_status status =
        hayi_kept_read(&name, &kept, store, &value, &objects, NULL);
    if (status == HAY_OK) {
        *result = recorded_result(r, task, value.data, value.size);
        if (*result != NULL) {
            (*result)->object_count = objects;
        } else if (objects > 0) {
            (void)hayi_value_objects(
                value.data, value.size, drop_object, store, NULL);
        }
    }
    hayi_buffer_fini(&value);
    return status;
}

/* *result: NULL: out of memory.  false: it is there, but cannot be had. */
static bool take_result(struct hayi_resume *r,
                        const hay_future *future,
                        const struct hayi_recorded *task,
                        struct hayi_result **result)
{
    struct hayi_journal_kept kept;
    const void *value = NULL;
    size_t size = 0;
    *result = NULL;
    if (!r->dry && hayi_recorded_kept(r->table, task, &kept)) {
        return read_kept(r, future->ex->store, task, &kept, result) == HAY_OK;
    }
    (void)hayi_recorded_result(r->table, task, &value, &size);
    *result = recorded_result(r, task, value, size);
    return true;
}

static struct hayi_result *dry_result(const struct hayi_resume *r,
                                      const hay_future *future,
                                      const struct hayi_recorded *task,
                                      hay_why why)
{
    struct hayi_result *result = calloc(1, sizeof(*result));
    char text[600];
    if (result != NULL) {
        hayi_resume_word(r->table, future, task, why, text, sizeof(text));
        result->status = HAY_ECANCELLED;
        result->reason = strdup(text);
    }
    return result;
}

/* ---- what is left -------------------------------------------------------- */

static void mark_seen(struct hayi_resume *r, const struct hayi_recorded *task)
{
    if (task != NULL && r->seen != NULL) {
        (void)pthread_mutex_lock(&r->mutex);
        r->seen[task - hayi_recorded_at(r->table, 0)] = 1;
        (void)pthread_mutex_unlock(&r->mutex);
    }
}

/* Of something that is done as a whole. */
static bool is_step(const struct hayi_journal_table *table,
                    const struct hayi_recorded *task)
{
    return strncmp(hayi_recorded_category(table, task), "hay.", 4) == 0;
}

hay_status hay_executor_each_left(hay_executor *ex,
                                  void (*each)(hay_task_id id,
                                               const char *name,
                                               void *data),
                                  void *data)
{
    const struct hayi_resume *r = ex != NULL ? ex->resume : NULL;
    const struct hayi_recorded *task = NULL;
    if (r == NULL || !r->dry || each == NULL) {
        return hayi_fail(hayi_thread_error(),
                         HAY_EINVAL,
                         "this is for executors of dry runs with a run folder, "
                         "and needs a function");
    }
    for (uint64_t i = 0;
         r->seen != NULL && (task = hayi_recorded_at(r->table, i)) != NULL;
         i++) {
        if (task->latest && r->seen[i] == 0 && !is_step(r->table, task)) {
            each(task->id, hayi_recorded_name(r->table, task), data);
        }
    }
    return HAY_OK;
}

/* ---- a submit ------------------------------------------------------------ */

bool hayi_resume_look(struct hayi_resume *resume,
                      hay_future *future,
                      hay_state *state,
                      struct hayi_result **result)
{
    struct hayi_spec_key *key = hayi_spec_key_room(future->spec);
    const struct hayi_recorded *task = NULL;
    hay_why why = HAY_WHY_NONE;
    if (is_known(future->spec, key)) {
        task = find(resume, future, key);
        mark_seen(resume, task);
        why = judge(resume, future, key, task);
        key->why = (uint8_t)why;
    }
    if (why == HAY_WHY_RECORDED && !take_result(resume, future, task, result)) {
        why = HAY_WHY_RESULT;
        key->why = (uint8_t)why;
    }
    if (why == HAY_WHY_RECORDED) {
        future->id = task->id;
        key->key = task->key;
        *state = HAY_FINISHED;
        return true;
    }
    if (resume->dry) {
        *state = HAY_CANCELLED;
        *result = dry_result(resume, future, task, why);
    }
    return resume->dry;
}
