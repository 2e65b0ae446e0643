/* manager_journal.c - the run folder and its journal: what is recorded, and
 * what the client hears when.
 *
 * The core and the workers never wait for the disk.  The client does: the end
 * of a task that the journal has is told once it is durable there, so that
 * what was told once is so for ever.  Until then the end is held; the manager
 * itself sees it (hayi_manager_state(), the future's result).  Not held are the
 * ends of maps and of what tasks submit: a resume runs these again in any case.
 *
 * When the journal fails nothing further starts, and what runs ends.  Then the
 * run breaks: what has finished and is not durable is told as the farm's
 * failure, since a resume will run it again.
 */
#include "config.h"

#include "manager/manager_inside.h"

#include "base/clock.h"
#include "base/file_name.h"
#include "client/resume.h"
#include "journal/journal_again.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define COMMIT_NS      UINT64_C(10000000) /* while no end waits for it */
#define STALL_NS       UINT64_C(10000000000)
#define STALL_AGAIN_NS UINT64_C(60000000000)
#define KEPT_MAX       (UINT64_C(1) << 30)

enum {
    HELD_SHIFT = 4, /* in 'remembered': the state that is held */
    HELD_MASK = 7 << HELD_SHIFT,
    TOLD_MAX = 20, /* tasks that are named when the journal has failed */
};

/* ---- opening ---------------------------------------------------------------
 */

static hay_status make_folder(const char *path, struct hayi_error *err)
{
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return hayi_fail(err, HAY_EIO, "%s: %s", path, strerror(errno));
    }
    return HAY_OK;
}

static hay_status
name_log(const char *folder, char *path, size_t size, struct hayi_error *err)
{
    int n = snprintf(path, size, "%s/journal.log", folder);
    return n > 0 && (size_t)n < size
               ? HAY_OK
               : hayi_fail(err, HAY_EINVAL, "%s: the path is too long", folder);
}

/* What another kind of run has left is not taken for ours. */
static hay_status check_folder(const char *folder, struct hayi_error *err)
{
    char path[4096];
    hay_status status = name_log(folder, path, sizeof(path), err);
    if (status != HAY_OK || access(path, F_OK) == 0) {
        return status;
    }
    (void)snprintf(path, sizeof(path), "%s/tasks.tsv", folder);
    return access(path, F_OK) != 0
               ? HAY_OK
               : hayi_fail(err,
                           HAY_EIO,
                           "%s holds a run without a journal, with which "
                           "nobody can go on",
                           folder);
}

/* table: taken. */
static hay_status use_table(struct hayi_manager *manager,
                            struct hayi_journal_table *table,
                            const char *path,
                            bool quiet,
                            struct hayi_error *err)
{
    struct hayi_journal_facts facts;
    char damage[4600];
    if (table == NULL) {
        return hayi_resume_set_table(manager->ex->resume, NULL, err);
    }
    hayi_journal_table_facts(table, &facts);
    manager->kept_bytes = facts.kept_bytes;
    atomic_store(&manager->ex->next_id, facts.id_max);
    hayi_manager_learn_recorded(manager, table);
    hayi_journal_word_damage(path, &facts, damage, sizeof(damage));
    if (damage[0] != 0 && !quiet) {
        (void)fprintf(stderr, "hayfork: %s\n", damage);
    }
    return hayi_resume_set_table(manager->ex->resume, table, err);
}

/* Nothing is written: the journal is asked what would be done. */
static hay_status ask_journal(struct hayi_manager *manager,
                              const hay_options *options,
                              struct hayi_error *err)
{
    char path[4096];
    struct hayi_journal_table *table = NULL;
    hay_status status = name_log(options->run_folder, path, sizeof(path), err);
    if (status == HAY_OK && access(path, F_OK) == 0) {
        status = hayi_journal_load(path, NULL, NULL, &table, err);
        status = status == HAY_EEMPTY ? HAY_OK : status;
    }
    return status == HAY_OK
               ? use_table(manager, table, path, options->quiet, err)
               : status;
}

/* What commands of earlier starts were writing to.  Those that run yet keep
 * what they have open. */
static void remove_scratch(const char *folder)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/output", folder);
    DIR *dir = n > 0 && (size_t)n < sizeof(path) ? opendir(path) : NULL;
    const struct dirent *entry = NULL;
    while (dir != NULL && (entry = readdir(dir)) != NULL) {
        if (hayi_output_is_scratch(entry->d_name)) {
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

static hay_status open_journal(struct hayi_manager *manager,
                               const hay_options *options,
                               struct hayi_error *err)
{
    const char *folder = options->run_folder;
    char path[4096];
    struct hayi_journal_again again;
    struct hayi_journal_table *table;
    hay_status status = make_folder(folder, err);
    if (status == HAY_OK) {
        status = check_folder(folder, err);
    }
    if (status == HAY_OK) {
        status = name_log(folder, path, sizeof(path), err);
    }
    if (status != HAY_OK) {
        return status;
    }
    hayi_journal_again_init(&again, folder);
    const struct hayi_journal_options journal = {
        .bell = manager->config.bell,
        .no_sync = options->journal == HAY_JOURNAL_WRITTEN,
        .start_ns = manager->start_ns,
        .visit = hayi_journal_again_visit,
        .visit_context = &again,
    };
    status =
        hayi_journal_open(folder, &journal, &manager->journal, &table, err);
    if (status != HAY_OK) {
        hayi_journal_again_drop(&again);
        return status;
    }
    status = use_table(manager, table, path, options->quiet, err);
    if (status != HAY_OK) {
        hayi_journal_again_drop(&again);
        return status;
    }
    manager->first_ns = hayi_journal_first_ns(manager->journal);
    manager->run_epoch = hayi_journal_epoch(manager->journal);
    manager->kept_max =
        options->results_max_bytes != 0 ? options->results_max_bytes : KEPT_MAX;
    remove_scratch(folder);
    return hayi_journal_again_end(&again, &manager->run_folder, err);
}

hay_status hayi_manager_open_folder(struct hayi_manager *manager,
                                    const hay_options *options,
                                    struct hayi_error *err)
{
    const char *folder = options->run_folder;
    hay_status status;
    manager->output = options->output;
    if (options->output == HAY_OUTPUT_DEFAULT) {
        manager->output =
            folder != NULL ? HAY_OUTPUT_APPEND : HAY_OUTPUT_INHERIT;
    }
    if (folder == NULL) {
        return manager->output != HAY_OUTPUT_APPEND
                       && manager->output != HAY_OUTPUT_FILES
                   ? HAY_OK
                   : hayi_fail(
                       err, HAY_EINVAL, "captured output needs a run folder");
    }
    if (options->dry_run) {
        return ask_journal(manager, options, err);
    }
    if (options->journal == HAY_JOURNAL_NONE) {
        status = hayi_run_folder_open(folder, &manager->run_folder, err);
        status = status == HAY_OK
                     ? hayi_resume_set_table(manager->ex->resume, NULL, err)
                     : status;
    } else {
        status = open_journal(manager, options, err);
    }
    if (status != HAY_OK) {
        return status;
    }
    manager->run_folder_path = realpath(folder, NULL);
    return manager->run_folder_path != NULL
               ? HAY_OK
               : hayi_fail(err, HAY_EIO, "%s: cannot be found", folder);
}

/* ---- recording -------------------------------------------------------------
 */

void hayi_manager_record_task(struct hayi_manager *manager,
                              const hay_future *future)
{
    if (manager->journal == NULL) {
        return;
    }
    const struct hayi_spec *spec = future->spec;
    const struct hayi_spec_key *key = hayi_spec_key(spec);
    char kind[HAYI_MANAGER_KIND_MAX];
    hayi_manager_kind_text(spec, kind);
    struct hayi_journal_task task = {
        .id = future->id,
        .kind = spec->kind,
        .nested = spec->parent != 0,
        .cores = spec->needs.cores,
        .name = hayi_spec_name(spec),
        .category = kind,
    };
    if (key != NULL && !key->absent) {
        task.key = key->key;
        task.ordinal = key->ordinal;
    }
    (void)hayi_journal_append_task(manager->journal, &task);
    manager->recorded = true;
}

/* A later run can take what it gives in place of the task's own: of functions
 * that have a name, since others are not found again. */
static bool is_found_again(const struct hayi_spec *spec)
{
    const struct hayi_spec_key *key = hayi_spec_key(spec);
    return spec->kind == HAYI_TASK_FUNCTION && key != NULL && !key->absent
           && spec->name_size > 0;
}

bool hayi_manager_keeps(const struct hayi_manager *manager,
                        const struct hayi_spec *spec)
{
    return manager->journal != NULL
           && manager->kept_bytes + HAYI_JOURNAL_VALUE_MAX < manager->kept_max
           && is_found_again(spec);
}

static void record_kept(struct hayi_manager *manager,
                        const hay_future *future,
                        uint32_t attempt,
                        const struct hayi_kept *kept)
{
    const struct hayi_journal_kept record = {
        .task = future->id,
        .attempt = attempt,
        .bytes = kept->bytes,
        .hash = kept->hash,
    };
    manager->kept_bytes += kept->bytes;
    (void)hayi_journal_append_kept(manager->journal, &record);
}

static void record_result(struct hayi_manager *manager,
                          const hay_future *future,
                          uint32_t attempt,
                          const struct hayi_result *given,
                          const struct hayi_kept *kept)
{
    const struct hayi_spec *spec = future->spec;
    if (!is_found_again(spec)) {
        return;
    }
    if (given->object_count > 0 || given->value_size > HAYI_JOURNAL_VALUE_MAX) {
        if (kept != NULL) {
            record_kept(manager, future, attempt, kept);
        }
        return;
    }
    const struct hayi_journal_result result = {
        .task = future->id,
        .value = given->value,
        .size = given->value_size,
    };
    (void)hayi_journal_append_result(manager->journal, &result);
}

void hayi_manager_record_file(struct hayi_manager *manager,
                              const struct hayi_file_line *line)
{
    if (manager->journal != NULL) {
        (void)hayi_journal_append_file(manager->journal, line);
    }
    hayi_run_folder_file(manager->run_folder, line);
}

uint64_t hayi_manager_record_attempt(struct hayi_manager *manager,
                                     const hay_future *future,
                                     const struct hayi_attempt_line *line,
                                     const struct hayi_result *finished,
                                     const struct hayi_kept *kept)
{
    uint64_t number = 0;
    struct hayi_attempt_line shown = *line;
    if (manager->journal != NULL) {
        if (finished != NULL) {
            record_result(manager, future, line->attempt, finished, kept);
        }
        number = hayi_journal_append_attempt(manager->journal, line);
        manager->recorded = true;
    }
    shown.start_ns += manager->first_ns;
    shown.end_ns += manager->first_ns;
    hayi_run_folder_attempt(manager->run_folder, &shown);
    return number;
}

static void record_end(struct hayi_manager *manager)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct hayi_journal_state state = {
        .epoch = hayi_journal_epoch(manager->journal),
        .state = HAYI_JOURNAL_ENDED,
        .wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
        .finished = manager->counted[HAY_FINISHED],
        .failed = manager->counted[HAY_FAILED],
        .cancelled = manager->counted[HAY_CANCELLED],
        .text = "",
    };
    if (manager->broken) {
        state.state = HAYI_JOURNAL_BROKEN;
        state.text = manager->ex->broken_error.text;
    } else if (manager->counted[HAY_CANCELLED] > 0
               || atomic_load(&manager->ex->closed) > 1) {
        state.state = HAYI_JOURNAL_DRAINED;
    }
    (void)hayi_journal_append_state(manager->journal, &state);
}

/* ---- holding ---------------------------------------------------------------
 */

hay_state hayi_manager_state(const hay_future *future)
{
    unsigned held = (future->remembered & HELD_MASK) >> HELD_SHIFT;
    return held != 0 ? (hay_state)held
                     : (hay_state)atomic_load_explicit(&future->state,
                                                       memory_order_relaxed);
}

static bool make_room(struct hayi_held_ends *held)
{
    if (held->count < held->room) {
        return true;
    }
    size_t room = held->room == 0 ? 256 : held->room * 2;
    struct hayi_held_end *list = malloc(room * sizeof(*list));
    if (list == NULL) {
        return false;
    }
    for (size_t i = 0; i < held->count; i++) {
        list[i] = held->list[(held->first + i) & (held->room - 1)];
    }
    free(held->list);
    held->list = list;
    held->room = room;
    held->first = 0;
    return true;
}

void hayi_manager_end(struct hayi_manager *manager,
                      hay_future *future,
                      hay_state state,
                      struct hayi_result *result,
                      uint64_t number)
{
    const struct hayi_spec *spec = future->spec;
    struct hayi_held_ends *held = &manager->held;
    bool durable = manager->journal == NULL || spec->parent != 0
                   || spec->kind == HAYI_TASK_MAP
                   || (future->remembered & HAYI_MANAGER_NESTED) != 0;
    if (!durable && !make_room(held)) {
        hayi_manager_panic(manager, "out of memory for what has ended");
        durable = true;
    }
    if (durable) {
        manager->wake =
            hayi_future_complete(future, state, result) || manager->wake;
        return;
    }
    future->result = result;
    future->remembered |= (uint8_t)((unsigned)state << HELD_SHIFT);
    held->list[(held->first + held->count++) & (held->room - 1)] =
        (struct hayi_held_end){.future = future, .number = number};
}

static hay_future *take_held(struct hayi_manager *manager, hay_state *state)
{
    struct hayi_held_ends *held = &manager->held;
    hay_future *future = held->list[held->first].future;
    held->first = (held->first + 1) & (held->room - 1);
    held->count--;
    *state = hayi_manager_state(future);
    future->remembered &= (uint8_t)~HELD_MASK;
    return future;
}

static void tell_first(struct hayi_manager *manager)
{
    hay_state state;
    hay_future *future = take_held(manager, &state);
    manager->wake =
        hayi_future_complete(future, state, future->result) || manager->wake;
}

/* Those that are durable. */
static bool tell_durable(struct hayi_manager *manager)
{
    struct hayi_held_ends *held = &manager->held;
    uint64_t durable = hayi_journal_durable(manager->journal);
    bool any = false;
    while (held->count > 0 && held->list[held->first].number <= durable) {
        tell_first(manager);
        any = true;
    }
    return any;
}

/* ---- the journal has failed ------------------------------------------------
 */

/* It has finished, but a resume will not know. */
static hay_state blame_journal(struct hayi_manager *manager,
                               struct hayi_result *result,
                               const struct hayi_error *err)
{
    char text[sizeof(err->text) + 80];
    (void)snprintf(text,
                   sizeof(text),
                   "it finished, but that is not in the journal: %s",
                   err->text);
    if (result != NULL) {
        result->status = HAY_EFARM;
        result->cause = HAY_CAUSE_FARM;
        free(result->reason);
        result->reason = strdup(text);
    }
    manager->counted[HAY_FINISHED]--;
    manager->counted[HAY_FAILED]++;
    return HAY_FAILED;
}

/* "task 17 (fit), task 18 and 5 others" */
static void tell_lost(struct hayi_manager *manager)
{
    const struct hayi_held_ends *held = &manager->held;
    uint64_t count = 0;
    for (size_t i = 0; i < held->count; i++) {
        const hay_future *future =
            held->list[(held->first + i) & (held->room - 1)].future;
        char label[160];
        if (hayi_manager_state(future) != HAY_FINISHED) {
            continue;
        }
        if (count++ < TOLD_MAX) {
            hayi_future_label(future, label, sizeof(label));
            (void)fprintf(stderr,
                          "%s%s",
                          count == 1
                              ? "hayfork: finished, but not in the journal: "
                              : ", ",
                          label);
        }
    }
    if (count > TOLD_MAX) {
        (void)fprintf(
            stderr, " and %" PRIu64 " others", count - (uint64_t)TOLD_MAX);
    }
    if (count > 0) {
        (void)fprintf(stderr, "; a resume runs them again\n");
    }
}

static void tell_rest(struct hayi_manager *manager,
                      const struct hayi_error *err)
{
    tell_lost(manager);
    while (manager->held.count > 0) {
        hay_state state;
        hay_future *future = take_held(manager, &state);
        if (state == HAY_FINISHED) {
            state = blame_journal(manager, future->result, err);
        }
        manager->wake = hayi_future_complete(future, state, future->result)
                        || manager->wake;
    }
}

/* Nothing further starts.  A run that has lost its folder ends at once. */
static void begin_to_fail(struct hayi_manager *manager,
                          const struct hayi_error *why)
{
    struct hayi_error err;
    manager->journal_failed = true;
    if (why->status == HAY_EFARM) {
        (void)hayi_fail(
            &err, HAY_EFARM, "hayfork: %s; the run ends", why->text);
        hayi_manager_break(manager, &err);
        return;
    }
    (void)fprintf(stderr,
                  "hayfork: %s; nothing further starts, the run ends when what "
                  "runs has ended\n",
                  why->text);
    struct hayi_event close = {.kind = HAYI_EVENT_CLOSE,
                               .u.close = {.cancel_pending = true}};
    hayi_manager_step(manager, &close, NULL);
}

static void go_on_failing(struct hayi_manager *manager,
                          const struct hayi_error *why)
{
    struct hayi_error err;
    bool over = manager->stopping || manager->beaten_ns != 0 || manager->broken;
    if (!manager->journal_failed) {
        begin_to_fail(manager, why);
        over = manager->broken;
    }
    if (!over) {
        return;
    }
    if (atomic_load(&manager->ex->broken) == 0) {
        (void)hayi_fail(&err, HAY_EFARM, "hayfork: %s", why->text);
        hayi_executor_break(manager->ex, &err);
        manager->wake = true;
    }
    tell_rest(manager, why);
}

/* Who waits for a disk shall know. */
static void word_stall(struct hayi_manager *manager)
{
    (void)fprintf(
        stderr,
        "hayfork: waiting for the disk: %zu tasks have ended that are "
        "not in %s/journal.log yet\n",
        manager->held.count,
        manager->run_folder_path);
    manager->stall_ns = manager->now_ns + STALL_AGAIN_NS;
}

void hayi_manager_commit(struct hayi_manager *manager)
{
    if (manager->recorded && manager->journal != NULL) {
        manager->recorded = false;
        manager->commit_ns = manager->now_ns;
        hayi_journal_commit(manager->journal);
    }
}

bool hayi_manager_poll_journal(struct hayi_manager *manager)
{
    struct hayi_error err;
    if (manager->journal == NULL) {
        return false;
    }
    if (manager->held.count > 0
        || manager->now_ns - manager->commit_ns > COMMIT_NS) {
        hayi_manager_commit(manager);
    }
    bool any = manager->held.count > 0 && tell_durable(manager);
    if (manager->held.count == 0 || any) {
        manager->stall_ns = manager->now_ns + STALL_NS;
    } else if (manager->now_ns >= manager->stall_ns) {
        word_stall(manager);
    }
    if (hayi_journal_failed(manager->journal, &err) != HAY_OK) {
        go_on_failing(manager, &err);
    } else if (manager->broken && manager->held.count > 0
               && manager->now_ns >= manager->give_up_ns) {
        (void)hayi_fail(&err, HAY_EFARM, "the disk does not answer");
        tell_rest(manager, &err);
    }
    return any;
}

void hayi_manager_close_journal(struct hayi_manager *manager)
{
    struct hayi_error err;
    if (manager->journal == NULL) {
        return;
    }
    if (manager->ended) {
        record_end(manager);
    }
    hay_status status = hayi_journal_close(manager->journal, &err);
    manager->journal = NULL;
    if (status != HAY_OK && !manager->journal_failed) {
        (void)fprintf(stderr, "hayfork: %s\n", err.text);
    }
    if (status == HAY_OK) { /* so all is durable */
        while (manager->held.count > 0) {
            tell_first(manager);
        }
    } else {
        tell_rest(manager, &err);
    }
    free(manager->held.list);
}
