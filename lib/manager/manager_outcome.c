/* manager_outcome.c - a task's end, for the client and the run folder. */
#include "config.h"

#include "manager/manager_nested.h"

#include "base/file_name.h"
#include "wire/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REASON_MAX = 512,
    TOLD_MAX = 64, /* failures of a range, with words */
};

/* What is told when there is no report. */
static const struct hayi_report no_report = {.reason = ""};

static uint32_t number_of(const struct hayi_manager *manager, uint32_t worker)
{
    return worker + 1 < manager->peer_count
               ? manager->peers[worker + 1].name.number
               : 0;
}

/* ---- where output lies ------------------------------------------------------
 */

/* Kept as long as the executor, since results point to it. */
static const char *keep_path(struct hayi_manager *manager, const char *path)
{
    hay_executor *ex = manager->ex;
    if (ex->path_count == ex->path_room) {
        size_t room = ex->path_room == 0 ? 16 : ex->path_room * 2;
        void *list = realloc(ex->paths, room * sizeof(char *));
        if (list == NULL) {
            return NULL;
        }
        ex->paths = list;
        ex->path_room = room;
    }
    char *copy = strdup(path);
    if (copy != NULL) {
        ex->paths[ex->path_count++] = copy;
    }
    return copy;
}

/* Relative to the run folder; the names are the spawner's. */
static void output_name(const struct hayi_manager *manager,
                        const hay_future *future,
                        uint32_t worker,
                        const struct hayi_capture_record *capture,
                        bool error,
                        char *text,
                        size_t size)
{
    const char *end = error ? "err" : "out";
    if (manager->output == HAY_OUTPUT_FILES) {
        char stem[HAYI_FILE_NAME_MAX];
        char number[24];
        (void)snprintf(number, sizeof(number), "%" PRIu64, future->id);
        const char *name = hayi_spec_name(future->spec);
        hayi_file_name(name[0] != 0 ? name : number, stem, sizeof(stem));
        (void)snprintf(text, size, "output/%s.%s", stem, end);
        return;
    }
    char prefix[HAYI_OUTPUT_PREFIX_MAX];
    hayi_output_prefix(manager->run_epoch, number_of(manager, worker), prefix);
    (void)snprintf(text,
                   size,
                   "output/%s.s%" PRIu32 ".%" PRIu32 ".%s",
                   prefix,
                   capture->slot,
                   capture->file,
                   end);
}

/* The place where the path of a slot's append file is remembered; NULL: out of
 * memory. */
static const char **slot_path(struct hayi_peer *peer,
                              const struct hayi_capture_record *capture,
                              int stream)
{
    if (capture->slot >= HAYI_MANAGER_SLOTS_MAX) {
        return NULL; /* damaged */
    }
    if (capture->slot >= peer->path_count) {
        size_t count = capture->slot + 8u;
        struct hayi_slot_paths *paths =
            realloc(peer->paths, count * sizeof(*paths));
        if (paths == NULL) {
            return NULL;
        }
        memset(paths + peer->path_count,
               0,
               (count - peer->path_count) * sizeof(*paths));
        peer->paths = paths;
        peer->path_count = count;
    }
    struct hayi_slot_paths *paths = &peer->paths[capture->slot];
    if (paths->file != capture->file) {
        *paths = (struct hayi_slot_paths){.file = capture->file};
    }
    return &paths->path[stream];
}

static void note_capture(struct hayi_manager *manager,
                         const hay_future *future,
                         uint32_t worker,
                         const struct hayi_report *report,
                         struct hayi_result *result)
{
    if (report->capture == NULL || manager->run_folder_path == NULL) {
        return;
    }
    for (int i = 0; i < 2; i++) {
        const char *own = NULL;
        const char **place = &own;
        result->capture_offset[i] = report->capture->offset[i];
        result->capture_length[i] = report->capture->length[i];
        if (report->capture->length[i] == 0) {
            continue;
        }
        if (manager->output == HAY_OUTPUT_APPEND) {
            place = slot_path(&manager->peers[worker + 1], report->capture, i);
        }
        if (place != NULL && *place == NULL) {
            char name[600];
            char path[4800];
            output_name(manager,
                        future,
                        worker,
                        report->capture,
                        i == 1,
                        name,
                        sizeof(name));
            (void)snprintf(
                path, sizeof(path), "%s/%s", manager->run_folder_path, name);
            *place = keep_path(manager, path);
        }
        result->capture_path[i] = place != NULL ? *place : NULL;
    }
}

/* ---- words ------------------------------------------------------------------
 */

/* "worker 3 on node7 (pid 4711)" */
static void word_worker(const struct hayi_manager *manager,
                        uint32_t worker,
                        char *text,
                        size_t size)
{
    const struct hayi_worker_name *name = &manager->peers[worker + 1].name;
    (void)snprintf(text,
                   size,
                   "worker %" PRIu32 " on %s (pid %d)",
                   name->number,
                   name->host,
                   (int)name->pid);
}

/* Not lost itself (1 + it; 0: nobody), but given up with the run. */
static bool given_up(const struct hayi_manager *manager, uint32_t worker)
{
    return manager->broken && worker > 0 && worker < manager->peer_count
           && !manager->peers[worker].gone;
}

/* Why the farm failed a task of which no worker has told. */
static void word_farm(const struct hayi_manager *manager,
                      const struct hayi_action *action,
                      char *text,
                      size_t size)
{
    char who[200];
    uint32_t worker = action->u.tell.worker;
    const char *words = hayi_manager_words(manager, action->u.tell.report);
    if (words != NULL) {
        (void)snprintf(text, size, "%s", words);
    } else if (action->u.tell.cause == HAY_CAUSE_DEADLOCK) {
        (void)snprintf(
            text, size, "deadlock: those who hold what it needs wait for it");
    } else if (action->u.tell.lost != 0
               && !given_up(manager, action->u.tell.lost_by)) {
        (void)snprintf(who, sizeof(who), "the node that had it");
        if (action->u.tell.lost_by > 0
            && action->u.tell.lost_by < manager->peer_count) {
            word_worker(manager, action->u.tell.lost_by - 1, who, sizeof(who));
        }
        (void)snprintf(text,
                       size,
                       "an input was lost with %s, and cannot be made again",
                       who);
    } else if (action->u.tell.attempt > 0 && worker + 1 < manager->peer_count
               && manager->peers[worker + 1].gone) {
        const hay_future *future = hayi_manager_future(action->u.tell.payload);
        word_worker(manager, worker, who, sizeof(who));
        if (action->u.tell.losses > 1) {
            (void)snprintf(text,
                           size,
                           "lost %" PRIu32 " workers with it: poison; the "
                           "last one was %s",
                           action->u.tell.losses,
                           who);
        } else {
            (void)snprintf(text,
                           size,
                           "lost %s%s",
                           who,
                           future->spec->once ? "; it must not run twice" : "");
        }
    } else {
        (void)snprintf(text,
                       size,
                       "%s",
                       manager->broken ? manager->ex->broken_error.text
                                       : "the farm broke down");
    }
}

static void word_walltime(const struct hayi_action *action,
                          const struct hayi_report *report,
                          char *text,
                          size_t size)
{
    if (report->cause == HAY_CAUSE_WALLTIME && report->reason[0] != 0) {
        (void)snprintf(text, size, "walltime: %s", report->reason);
    } else if (action->u.tell.culprit != 0) {
        (void)snprintf(text,
                       size,
                       "walltime: task %" PRIu64 " has to finish first",
                       action->u.tell.culprit);
    } else {
        (void)snprintf(text,
                       size,
                       "walltime: %s",
                       action->u.tell.attempt == 0
                           ? "not enough time was left to start it"
                           : "it was over before the task");
    }
}

static void word_reason(const struct hayi_manager *manager,
                        const struct hayi_action *action,
                        const struct hayi_report *report,
                        char *text,
                        size_t size)
{
    text[0] = 0;
    switch (action->u.tell.status) {
    case HAY_OK:
        return;
    case HAY_EDEPENDENCY:
        (void)snprintf(
            text, size, "dependency: task %" PRIu64, action->u.tell.culprit);
        return;
    case HAY_EINFEASIBLE:
        (void)snprintf(text, size, "no worker can ever meet its request");
        return;
    case HAY_ECANCELLED:
        if (action->u.tell.cause == HAY_CAUSE_WALLTIME) {
            word_walltime(action, report, text, size);
            return;
        }
        if (report->reason[0] == 0) {
            if (action->u.tell.culprit != 0) {
                (void)snprintf(text,
                               size,
                               "cancelled: task %" PRIu64 " was cancelled",
                               action->u.tell.culprit);
            } else {
                (void)snprintf(text, size, "cancelled");
            }
            return;
        }
        break;
    case HAY_EFARM:
        if (report->reason[0] == 0) {
            word_farm(manager, action, text, size);
            return;
        }
        break;
    default:
        break;
    }
    (void)snprintf(text, size, "%s", report->reason);
}

/* Was its last worker, or the one with an input of it, lost? */
static bool by_loss(const struct hayi_manager *manager,
                    const struct hayi_action *action)
{
    uint32_t worker = action->u.tell.worker;
    if (action->u.tell.lost != 0) {
        return action->u.tell.lost_by > 0
               && !given_up(manager, action->u.tell.lost_by);
    }
    return action->u.tell.attempt > 0 && worker + 1 < manager->peer_count
           && manager->peers[worker + 1].gone;
}

static hay_cause cause_of(const struct hayi_manager *manager,
                          const struct hayi_action *action,
                          const struct hayi_report *report)
{
    switch (action->u.tell.status) {
    case HAY_OK:
        return HAY_CAUSE_NONE;
    case HAY_ECANCELLED:
        return action->u.tell.cause == HAY_CAUSE_WALLTIME ? HAY_CAUSE_WALLTIME
                                                          : HAY_CAUSE_NONE;
    case HAY_EDEPENDENCY:
        return HAY_CAUSE_DEPENDENCY;
    case HAY_EINFEASIBLE:
        return HAY_CAUSE_INFEASIBLE;
    default:
        break;
    }
    if (report->cause != HAY_CAUSE_NONE) {
        return (hay_cause)report->cause;
    }
    if (action->u.tell.cause == HAY_CAUSE_DEADLOCK) {
        return HAY_CAUSE_DEADLOCK;
    }
    if (action->u.tell.status == HAY_ETASK) {
        return HAY_CAUSE_STATUS;
    }
    return hayi_manager_words(manager, action->u.tell.report) == NULL
                   && by_loss(manager, action)
               ? HAY_CAUSE_LOST_WORKER
               : HAY_CAUSE_FARM;
}

/* ---- the run folder
 * ---------------------------------------------------------- */

/* result: what it gave, if it has finished; or NULL.  Its number in the
 * journal; 0: there is none. */
static uint64_t write_line(struct hayi_manager *manager,
                           const hay_future *future,
                           const char *state,
                           uint32_t attempt,
                           uint32_t worker,
                           const struct hayi_report *report,
                           hay_cause cause,
                           const char *reason,
                           const struct hayi_result *result)
{
    if (manager->run_folder == NULL) {
        return 0;
    }
    uint32_t cores = report->cores;
    struct hayi_attempt_line line = {
        .task = future->id,
        .name = hayi_spec_name(future->spec),
        .attempt = attempt,
        .state = state,
        .worker = attempt > 0 ? number_of(manager, worker) : 0,
        .slot = report->slot,
        .cores = cores,
        .start_ns = report->start_ns,
        .end_ns = report->end_ns,
        .exit_code = report->exit_code,
        .signal = report->signal,
        .reason = reason,
        .cause = hay_cause_name(cause),
        .memory_peak_bytes = report->memory_peak_bytes,
        .had = report->had != NULL ? report->had : "",
    };
    char names[2][600];
    for (int i = 0; report->capture != NULL && i < 2; i++) {
        line.offset[i] = report->capture->offset[i];
        line.length[i] = report->capture->length[i];
        if (line.length[i] > 0) {
            output_name(manager,
                        future,
                        worker,
                        report->capture,
                        i == 1,
                        names[i],
                        sizeof(names[i]));
            line.path[i] = names[i];
        }
    }
    return hayi_manager_record_attempt(
        manager, future, &line, result, report->kept);
}

/* An attempt that nobody reports, as far as we have heard of it. */
static struct hayi_report unreported(const struct hayi_manager *manager,
                                     uint64_t since_ns)
{
    struct hayi_report report = no_report;
    if (since_ns > manager->start_ns) {
        report.start_ns = since_ns - manager->start_ns;
        report.end_ns = manager->now_ns - manager->start_ns;
    }
    return report;
}

/* ---- ends
 * -------------------------------------------------------------------- */

void hayi_manager_attempt_ended(struct hayi_manager *manager,
                                const struct hayi_action *action,
                                const struct hayi_report *report)
{
    hay_future *future = hayi_manager_future(action->u.attempt_ended.payload);
    struct hayi_report none;
    char lost[240];
    const char *reason = lost;
    hay_cause cause = HAY_CAUSE_LOST_WORKER;
    if (report == NULL || action->u.attempt_ended.report != 1) {
        none = unreported(manager, action->u.attempt_ended.since_ns);
        report = &none;
    }
    if (action->u.attempt_ended.outcome == HAYI_OUTCOME_FARM
        && report == &none) {
        char who[200];
        word_worker(manager, action->u.attempt_ended.worker, who, sizeof(who));
        (void)snprintf(lost, sizeof(lost), "lost %s", who);
    } else if (action->u.attempt_ended.outcome == HAYI_OUTCOME_CANCELLED
               && report == &none) {
        reason = "another attempt was faster";
        cause = HAY_CAUSE_NONE;
    } else {
        reason = report->reason;
        cause = (hay_cause)report->cause;
    }
    if (future->item.begun < UINT16_MAX) {
        future->item.begun++;
    }
    struct hayi_limits *limits = hayi_spec_limits_room(future->spec);
    if (action->u.attempt_ended.grown && limits != NULL) {
        limits->memory_doublings++;
    }
    (void)write_line(manager,
                     future,
                     action->u.attempt_ended.outcome == HAYI_OUTCOME_CANCELLED
                         ? "cancelled"
                         : "failed",
                     action->u.attempt_ended.attempt,
                     action->u.attempt_ended.worker,
                     report,
                     cause,
                     reason,
                     NULL);
}

/* Where an object is for the client, whose node is 0. */
static void set_client_place(void *context, struct hayi_object_value *object)
{
    const struct hayi_manager *manager = context;
    object->place = hayi_sched_place(manager->sched, object->object, 0);
}

/* How many attempts began, of which 'last' is the last number: some are given
 * to a worker and come back, or are lost with it, before they have. */
static uint32_t started(const hay_future *future, uint32_t last)
{
    uint32_t count = future->item.begun + UINT32_C(1);
    return last < count ? last : count;
}

/* The result's fields that a report tells.  Which input failed, and why, is
 * worded by who completes the future. */
static struct hayi_result *new_result(struct hayi_manager *manager,
                                      const struct hayi_action *action,
                                      const struct hayi_report *report,
                                      const char *reason)
{
    bool finished = action->u.tell.state == HAY_FINISHED;
    bool worded = reason[0] != 0 && action->u.tell.status != HAY_EDEPENDENCY;
    const hay_future *future = hayi_manager_future(action->u.tell.payload);
    bool command = future->spec->kind == HAYI_TASK_COMMAND;
    size_t value_size = finished && !command ? report->value_size : 0;
    struct hayi_result *result = malloc(sizeof(*result) + value_size);
    if (result == NULL) {
        hayi_manager_panic(manager, "out of memory for a result");
        return NULL;
    }
    *result = (struct hayi_result){
        .status = action->u.tell.status,
        .exit_code = report->exit_code,
        .signal = report->signal,
        .cause = (uint8_t)cause_of(manager, action, report),
        .memory_peak_bytes = report->memory_peak_bytes,
        .attempts = started(future, action->u.tell.attempt),
        .worker = number_of(manager, action->u.tell.worker),
        .culprit = action->u.tell.culprit,
        .start_ns = report->start_ns,
        .end_ns = report->end_ns,
        .reason = worded ? strdup(reason) : NULL,
        .value_size = value_size,
    };
    if (value_size > 0) {
        memcpy(result->value, report->value, value_size);
    }
    if (finished && command && report->value_size > 0) {
        hayi_manager_note_files(manager, future, report, result);
    } else if (finished && report->object_count > 0) {
        result->object_count = report->object_count;
        (void)hayi_value_objects(
            result->value, value_size, set_client_place, manager, NULL);
    }
    return result;
}

/* What ends because the run broke down is neither cancelled nor refused: then
 * it is told so, in *own. */
static const struct hayi_action *blame_farm(const struct hayi_manager *manager,
                                            const struct hayi_action *told,
                                            struct hayi_action *own)
{
    if (!manager->broken || told->u.tell.report != 0
        || (told->u.tell.status != HAY_ECANCELLED
            && told->u.tell.status != HAY_EINFEASIBLE)) {
        return told;
    }
    *own = *told;
    own->u.tell.state = HAY_FAILED;
    own->u.tell.status = HAY_EFARM;
    own->u.tell.culprit = 0;
    return own;
}

void hayi_manager_tell(struct hayi_manager *manager,
                       const struct hayi_action *told,
                       const struct hayi_report *report)
{
    struct hayi_action own;
    const struct hayi_action *action = blame_farm(manager, told, &own);
    hay_future *future = hayi_manager_future(action->u.tell.payload);
    struct hayi_report none;
    char reason[REASON_MAX];
    if (report == NULL || action->u.tell.report != 1) {
        none = unreported(manager, action->u.tell.since_ns);
        report = &none; /* another task's report, if any */
    } else {
        manager->told = true;
    }
    hay_state state = (hay_state)action->u.tell.state;
    struct hayi_following *following =
        hayi_manager_take_following(manager, future, action);
    if (following != NULL) {
        report = &following->report;
    }
    if (action->u.tell.cause == HAY_CAUSE_WALLTIME) {
        (void)atomic_fetch_add(&manager->ex->walltime, 1);
        if (report->cause == HAY_CAUSE_WALLTIME) {
            (void)atomic_fetch_add(&manager->ex->walltime_saved, 1);
        }
    }
    word_reason(manager, action, report, reason, sizeof(reason));
    struct hayi_result *result = new_result(manager, action, report, reason);
    if (result != NULL && following != NULL && state != HAY_FINISHED) {
        hayi_manager_word_following(following, result);
    }
    if (result != NULL) {
        note_capture(manager, future, action->u.tell.worker, report, result);
    } else if (state == HAY_FINISHED) {
        state = HAY_FAILED; /* what it gave is lost */
    }
    uint64_t number = 0;
    if (manager->run_folder != NULL) {
        number = write_line(manager,
                            future,
                            hay_state_name(state),
                            action->u.tell.attempt,
                            action->u.tell.worker,
                            report,
                            cause_of(manager, action, report),
                            reason,
                            state == HAY_FINISHED ? result : NULL);
    }
    manager->counted[state]++;
    const bool may_run_again = state == HAY_FINISHED && report->has_made;
    hayi_manager_drop_following(following);
    future->task = 0;
    if (result != NULL && result->object_count + result->file_count > 0) {
        atomic_store(&future->managed, 1);
    }
    if (may_run_again) { /* it is managed: not freed before it comes back */
        hayi_manager_list_inputs(future);
        hayi_manager_remember(future);
    }
    hayi_manager_end(manager, future, state, result, number);
}

/* The failures of a range, with the map's item numbers and words. */
static size_t decode_failures(const struct hayi_report *report,
                              uint64_t first_index,
                              hay_map_failure *list,
                              size_t room)
{
    const char *text = report->failure_text;
    const char *end = text + report->failure_text_size;
    size_t count = 0;
    while (count < report->failure_count && count < room && text < end) {
        const struct hayi_range_failure *failure = &report->failures[count];
        list[count] = (hay_map_failure){
            .index = first_index + failure->item,
            .status = (hay_status)failure->status,
            .code = failure->code,
            .text = text,
        };
        text += strlen(text) + 1;
        count++;
    }
    return count;
}

/* Items are done: for whoever submitted the map. */
static bool tell_items(struct hayi_manager *manager,
                       hay_future *map,
                       const struct hayi_nest_items *items)
{
    if ((map->remembered & HAYI_MANAGER_NESTED) != 0) {
        hayi_manager_nested_range(manager, map, items);
    }
    return hayi_map_range_done(map,
                               items->first,
                               items->count,
                               items->failures,
                               items->failure_count,
                               items->failed);
}

/* Items that nobody got to: each is a failure of its own, or a reader would
 * take what lies in its place for a result. */
static bool tell_unreached(struct hayi_manager *manager,
                           hay_future *map,
                           const struct hayi_map_view *view,
                           uint64_t first,
                           uint64_t count,
                           const char *text)
{
    hay_map_failure failures[TOLD_MAX];
    bool wake = false;
    while (count > 0) {
        size_t part = count < TOLD_MAX ? (size_t)count : TOLD_MAX;
        for (size_t i = 0; i < part; i++) {
            failures[i] = (hay_map_failure){
                .index = view->first_index + first + i,
                .status = HAY_EFARM,
                .text = text,
            };
        }
        const struct hayi_nest_items items = {
            .first = first,
            .count = part,
            .failed = part,
            .failures = failures,
            .failure_count = part,
        };
        wake = tell_items(manager, map, &items) || wake;
        first += part;
        count -= part;
    }
    return wake;
}

void hayi_manager_range_ended(struct hayi_manager *manager,
                              const struct hayi_action *action,
                              const struct hayi_report *report)
{
    hay_future *map = hayi_manager_future(action->u.range_ended.payload);
    struct hayi_map_view view;
    hay_map_failure failures[TOLD_MAX];
    hayi_map_get_view(map, &view);
    if (report == NULL || action->u.range_ended.report == 0) {
        report = &no_report;
    }
    uint64_t unreached = action->u.range_ended.unreached;
    uint64_t first = action->u.range_ended.first;
    uint64_t count = action->u.range_ended.count - unreached;
    struct hayi_nest_items items = {
        .first = first,
        .count = count,
        .failed = action->u.range_ended.failed - unreached,
        .failures = failures,
        .failure_count = decode_failures(
            report, view.first_index + first, failures, TOLD_MAX),
        .out = report->out,
        .out_bytes = count * view.out_size,
    };
    if (report->out_bytes > 0 || view.out == NULL) {
        items.out_bytes = items.out_bytes < report->out_bytes
                              ? items.out_bytes
                              : report->out_bytes;
        if (view.out != NULL) {
            memcpy((char *)view.out + first * view.out_size,
                   report->out,
                   (size_t)items.out_bytes);
        }
    } else { /* written in place */
        items.out = (const char *)view.out + first * view.out_size;
    }
    bool wake = count > 0 && tell_items(manager, map, &items);
    char text[80] = "not reached: its range ended early";
    if (action->u.range_ended.losses > 0) {
        (void)snprintf(text,
                       sizeof(text),
                       "lost %d workers with it: poison",
                       action->u.range_ended.losses);
    }
    wake = tell_unreached(manager, map, &view, first + count, unreached, text)
           || wake;
    manager->wake = manager->wake || wake;
}
