/* worker_start.c - what worker_state decided is done: attempts are given to
 * their runners, taken back, stopped. */
#include "config.h"

#include "worker/worker_inside.h"

#include "base/file_name.h"
#include "wire/command.h"
#include "worker/command_end.h"
#include "worker/command_files.h"
#include "worker/task_env.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hayi_worker_step(struct hayi_worker *worker,
                      const struct hayi_wevent *event)
{
    if (hayi_wstate_step(worker->state, event, &worker->actions) != HAY_OK) {
        (void)hayi_fail(&worker->error,
                        HAY_ENOMEM,
                        "worker %u is out of memory",
                        worker->options.worker);
        hayi_worker_fail(worker, HAYI_WORKER_BROKEN);
    }
}

void hayi_worker_hold(struct hayi_worker *worker, struct hay_task *task)
{
    task->held_before = NULL;
    task->held_after = worker->held;
    if (worker->held != NULL) {
        worker->held->held_before = task;
    }
    worker->held = task;
}

void hayi_worker_drop(struct hayi_worker *worker, struct hay_task *task)
{
    hayi_worker_unlist(worker, task);
    if (task->held_before != NULL) {
        task->held_before->held_after = task->held_after;
    } else {
        worker->held = task->held_after;
    }
    if (task->held_after != NULL) {
        task->held_after->held_before = task->held_before;
    }
    hayi_task_free(task);
}

void hayi_worker_list(struct hayi_worker *worker, struct hay_task *task)
{
    task->given_ns = worker->now_ns;
    task->listed = true;
    task->after = NULL;
    task->before = worker->listed_last;
    if (worker->listed_last != NULL) {
        worker->listed_last->after = task;
    } else {
        worker->listed = task;
    }
    worker->listed_last = task;
    uint64_t due = task->given_ns + HAYI_STARTED_AFTER_NS;
    if (due < worker->started_check_ns) {
        worker->started_check_ns = due;
    }
}

void hayi_worker_unlist(struct hayi_worker *worker, struct hay_task *task)
{
    if (!task->listed) {
        return;
    }
    if (task->before != NULL) {
        task->before->after = task->after;
    } else {
        worker->listed = task->after;
    }
    if (task->after != NULL) {
        task->after->before = task->before;
    } else {
        worker->listed_last = task->before;
    }
    task->before = task->after = NULL;
    task->listed = false;
}

void hayi_worker_finish(struct hayi_worker *worker,
                        struct hay_task *task,
                        const struct hayi_capture_record *capture)
{
    uint64_t begin_ns = task->start_ns + task->waited_ns;
    bool ran = task->start_ns != 0 && task->end_ns > begin_ns;
    hayi_worker_flush_client(worker, task);
    if (task->missing_count > 0) {
        hayi_worker_report_missing(worker, task);
    } else {
        hayi_worker_report_ended(worker, task, capture);
    }
    const struct hayi_wevent event = {
        .kind = HAYI_WEVENT_ENDED,
        .u.ended = {.task = task->record.task,
                    .attempt = task->record.attempt,
                    .run_ns = ran ? task->end_ns - begin_ns : 0},
    };
    if (task->outer != NULL) {
        hayi_worker_inline_ended(worker, task); /* its cores are another's */
    } else {
        hayi_worker_step(worker, &event);
    }
    hayi_worker_drop(worker, task);
}

/* It cannot be started: ends here and now; whose fault it is, its error says.
 */
void hayi_worker_finish_unstarted(struct hayi_worker *worker,
                                  struct hay_task *task)
{
    bool own =
        task->error.status == HAY_EINVAL || task->error.status == HAY_ETOOBIG;
    task->start_ns = task->end_ns = worker->now_ns;
    task->outcome = own ? HAYI_OUTCOME_FAILED : HAYI_OUTCOME_FARM;
    hayi_worker_finish(worker, task, NULL);
}

/* ---- commands ------------------------------------------------------------ */

bool hayi_worker_ready_spawner(struct hayi_worker *worker,
                               struct hayi_error *err)
{
    static const enum hayi_capture_mode modes[] = {
        [HAY_OUTPUT_DEFAULT] = HAYI_CAPTURE_INHERIT,
        [HAY_OUTPUT_INHERIT] = HAYI_CAPTURE_INHERIT,
        [HAY_OUTPUT_APPEND] = HAYI_CAPTURE_APPEND,
        [HAY_OUTPUT_FILES] = HAYI_CAPTURE_FILES,
        [HAY_OUTPUT_NULL] = HAYI_CAPTURE_NULL,
    };
    if (worker->spawner_ready) {
        return true;
    }
    if (worker->spawner_failed) { /* it is of no use any more */
        *err = worker->spawner_error;
        return false;
    }
    if (worker->spawner == NULL
        && hayi_spawner_exec(&worker->spawner, err) != HAY_OK) {
        return false;
    }
    char folder[4096];
    char prefix[HAYI_OUTPUT_PREFIX_MAX];
    (void)snprintf(folder,
                   sizeof(folder),
                   "%s/output",
                   worker->run_folder != NULL ? worker->run_folder : ".");
    hayi_output_prefix(
        worker->options.run_epoch, worker->options.worker, prefix);
    const struct hayi_spawner_setup setup = {
        .capture = modes[worker->options.output],
        .folder = folder,
        .prefix = prefix,
        .cwd = worker->cwd,
        .env = worker->env,
        .umask_bits = worker->options.umask_bits,
        .grace_ns = HAYI_GRACE_NS,
        .slots = (uint32_t)worker->core_count,
    };
    worker->spawner_ready =
        hayi_spawner_setup(worker->spawner, &setup, err) == HAY_OK;
    if (!worker->spawner_ready) {
        worker->spawner_failed = true;
        worker->spawner_error = *err;
    }
    hayi_worker_tell_spawner(worker);
    return worker->spawner_ready;
}

static size_t list_count(const char *const *list)
{
    size_t count = 0;
    while (list != NULL && list[count] != NULL) {
        count++;
    }
    return count;
}

static size_t add_list(const char **env, size_t n, const char *const *list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        env[n++] = list[i];
    }
    return n;
}

/* The farm's variables, those of its files (or NULL), the command's own; the
 * strings are borrowed from 'strings' and the lists. */
static const char **make_env(const struct hayi_buffer *strings,
                             const struct hayi_command_view *view,
                             char **files)
{
    const char *const *own = (const char *const *)view->env;
    const char *const *named = (const char *const *)files;
    size_t count = list_count(own) + list_count(named) + 1;
    for (size_t i = 0; i < strings->size; i++) {
        count += strings->data[i] == 0;
    }
    const char **env = malloc(count * sizeof(*env));
    if (env == NULL) {
        return NULL;
    }
    size_t n = 0;
    for (size_t at = 0; at < strings->size;
         at += strlen((const char *)strings->data + at) + 1) {
        env[n++] = (const char *)strings->data + at;
    }
    n = add_list(env, n, named);
    n = add_list(env, n, own);
    env[n] = NULL;
    return env;
}

/* Its index besides. */
static hay_status farm_variables(const struct hay_task *task,
                                 const struct hayi_command_view *view,
                                 struct hayi_buffer *strings)
{
    static const char *const names[] = {"HAY_INDEX", "HAY_TASK_INDEX"};
    hay_status status = hayi_task_env(task, strings);
    for (size_t i = 0; view->has_index && i < 2 && status == HAY_OK; i++) {
        char text[64];
        int length =
            snprintf(text, sizeof(text), "%s=%" PRIu64, names[i], view->index);
        status = hayi_buffer_append(strings, text, (size_t)length + 1);
    }
    return status;
}

static hay_status start_unpacked(struct hayi_worker *worker,
                                 struct hay_task *task,
                                 const struct hayi_command_view *view,
                                 const char *const *env)
{
    char number[24];
    char file[HAYI_FILE_NAME_MAX];
    (void)snprintf(number, sizeof(number), "%" PRIu64, task->record.id);
    hayi_file_name(
        task->name[0] != 0 ? task->name : number, file, sizeof(file));
    const struct hayi_spawn_request request = {
        .id = (uint64_t)(uintptr_t)task,
        .slot = task->core,
        .line = view->line,
        .argv = view->argv,
        .cwd = view->cwd,
        .env = env,
        .stdin_path = view->stdin_path,
        .name = file,
        .cpus = task->cpus,
        .cpu_count = task->cpu_count,
        .time_limit_ns = task->record.time_limit_ns,
        .grace_ns = task->record.grace_ns,
        .memory_limit_bytes = task->record.memory_limit_bytes,
        .output_limit_bytes = task->record.output_limit_bytes,
        .warn_ns = task->record.warn_ns,
    };
    return hayi_spawner_start(worker->spawner, &request, &task->error);
}

static void start_command(struct hayi_worker *worker, struct hay_task *task)
{
    struct hayi_command_view view;
    struct hayi_buffer strings;
    if (!hayi_worker_ready_spawner(worker, &task->error)
        || hayi_command_read(
               task->args, task->record.args_size, &view, &task->error)
               != HAY_OK) {
        hayi_worker_finish_unstarted(worker, task);
        return;
    }
    char **files = NULL;
    const char **env = NULL;
    hayi_buffer_init(&strings);
    hay_status status =
        hayi_command_files_env(&view, worker->cwd, &files, &task->error);
    if (status == HAY_OK
        && (farm_variables(task, &view, &strings) != HAY_OK
            || (env = make_env(&strings, &view, files)) == NULL)) {
        status = hayi_fail(&task->error, HAY_ENOMEM, "out of memory");
    }
    if (status == HAY_OK) {
        status = start_unpacked(worker, task, &view, env);
    }
    free(env);
    hayi_buffer_fini(&strings);
    free(files);
    free(view.memory);
    if (status != HAY_OK) {
        hayi_worker_finish_unstarted(worker, task);
    }
}

/* What it said to write is there, or it has failed after all. */
static void look_at_files(struct hayi_worker *worker, struct hay_task *task)
{
    hay_status status = hayi_command_files_end(task->args,
                                               task->record.args_size,
                                               worker->cwd,
                                               &task->result,
                                               &task->error);
    if (status != HAY_OK) {
        task->outcome =
            status == HAY_ETASK ? HAYI_OUTCOME_FAILED : HAYI_OUTCOME_FARM;
    }
}

static void command_ended(struct hayi_worker *worker,
                          const struct hayi_spawn_event *event)
{
    struct hay_task *task = (struct hay_task *)(uintptr_t)event->id;
    hayi_command_ended(task, event);
    if (task->outcome == HAYI_OUTCOME_FINISHED) {
        look_at_files(worker, task);
    }
    const struct hayi_capture_record capture = {
        .offset = {event->offset[0], event->offset[1]},
        .length = {event->length[0], event->length[1]},
        .slot = task->core,
        .file = event->file,
    };
    bool captured = worker->options.output == HAY_OUTPUT_APPEND
                    || worker->options.output == HAY_OUTPUT_FILES;
    hayi_worker_finish(worker, task, captured ? &capture : NULL);
}

static void
answer_revoke(struct hayi_worker *worker, struct hay_task *task, bool revoked)
{
    const struct hayi_wevent event = {
        .kind = revoked ? HAYI_WEVENT_REVOKED : HAYI_WEVENT_REVOKE_LATE,
        .u.revoked = {.task = task->record.task,
                      .attempt = task->record.attempt},
    };
    hayi_worker_step(worker, &event);
}

static void
revoke_answered(struct hayi_worker *worker, struct hay_task *task, bool revoked)
{
    if (revoked) {
        hayi_worker_unlist(worker, task);
    }
    answer_revoke(worker, task, revoked);
}

/* A revoke of a command has been answered.  What follows is done at once: its
 * end may be the next event. */
static void command_answered(struct hayi_worker *worker,
                             struct hay_task *task,
                             bool revoked)
{
    revoke_answered(worker, task, revoked);
    (void)hayi_worker_perform(worker);
}

bool hayi_worker_poll_commands(struct hayi_worker *worker)
{
    struct hayi_spawn_event event;
    bool any = false;
    while (worker->spawner != NULL
           && hayi_spawner_poll(worker->spawner, &event)) {
        struct hay_task *task = (struct hay_task *)(uintptr_t)event.id;
        any = true;
        switch (event.kind) {
        case HAYI_SPAWN_STARTED:
            hayi_worker_report_attempt(worker, HAYI_RECORD_STARTED, task);
            break;
        case HAYI_SPAWN_ENDED:
            command_ended(worker, &event);
            break;
        case HAYI_SPAWN_REVOKED:
        case HAYI_SPAWN_REVOKE_LATE:
            command_answered(worker, task, event.kind == HAYI_SPAWN_REVOKED);
            break;
        case HAYI_SPAWN_CHILD_ENDED:
            hayi_worker_child_ended(worker, &event);
            break;
        case HAYI_SPAWN_GONE:
            (void)hayi_fail(&worker->error,
                            HAY_EFARM,
                            "the spawner of worker %u on %s died",
                            worker->options.worker,
                            worker->host);
            hayi_worker_fail(worker, HAYI_WORKER_BROKEN);
            return true;
        }
    }
    return any;
}

/* ---- any kind ------------------------------------------------------------ */

void hayi_worker_lease(struct hayi_worker *worker,
                       const struct hayi_waction *action)
{
    struct hay_task *task = action->cookie;
    task->core = action->cores[0];
    task->core_count = action->core_count;
    task->rebind = action->core_count > 1;
    if (worker->cpus == NULL) {
        task->cpus = NULL;
        task->cpu_count = 0;
        return;
    }
    /* Neighbouring cores' cpus lie together; others are gathered. */
    bool together = true;
    for (uint32_t i = 1; i < action->core_count; i++) {
        together = together && action->cores[i] == action->cores[0] + i;
    }
    task->cpus = NULL;
    task->cpu_count = 0;
    size_t begin = worker->cpu_at[action->cores[0]];
    if (together) {
        task->cpus = worker->cpus + begin;
        task->cpu_count =
            worker->cpu_at[action->cores[0] + action->core_count] - begin;
        return;
    }
    size_t count = 0;
    for (uint32_t i = 0; i < action->core_count; i++) {
        uint32_t core = action->cores[i];
        count += worker->cpu_at[core + 1] - worker->cpu_at[core];
    }
    free(task->own_cpus);
    task->own_cpus = malloc(count * sizeof(int));
    if (task->own_cpus == NULL) {
        return; /* not pinned: runs all the same */
    }
    for (uint32_t i = 0; i < action->core_count; i++) {
        for (size_t c = worker->cpu_at[action->cores[i]];
             c < worker->cpu_at[action->cores[i] + 1];
             c++) {
            task->own_cpus[task->cpu_count++] = worker->cpus[c];
        }
    }
    task->cpus = task->own_cpus;
}

static void start_thread(struct hayi_worker *worker, struct hay_task *task)
{
    struct hayi_slot_thread *slot = &worker->slots[task->core];
    hayi_slot_give(slot, task);
    slot->given = true;
    worker->overflows = worker->overflows || slot->overflow != NULL;
}

static void start(struct hayi_worker *worker, const struct hayi_waction *action)
{
    struct hay_task *task = action->cookie;
    hayi_worker_lease(worker, action);
    hayi_worker_list(worker, task);
    switch (task->record.kind) {
    case HAYI_TASK_COMMAND:
        start_command(worker, task);
        return;
    case HAYI_TASK_FAKE:
        if (hayi_fakes_start(&worker->fakes, task, worker->now_ns) != HAY_OK) {
            (void)hayi_fail(&task->error, HAY_ENOMEM, "out of memory");
            hayi_worker_finish_unstarted(worker, task);
        }
        return;
    default:
        if ((task->record.flags & HAYI_TASK_PROCESS) != 0) {
            hayi_worker_start_process(worker, task);
        } else {
            start_thread(worker, task);
        }
        return;
    }
}

static void take_back(struct hayi_worker *worker, struct hay_task *task)
{
    if (task->record.kind == HAYI_TASK_COMMAND) {
        (void)hayi_spawner_revoke(worker->spawner, (uint64_t)(uintptr_t)task);
        return;
    }
    struct hayi_slot_process *process = task->process;
    if (process != NULL) {
        revoke_answered(worker, task, hayi_process_revoke(process, task));
        return;
    }
    struct hayi_slot_thread *slot = &worker->slots[task->core];
    if (task->hand != NULL) { /* it waits, or waits for its turn */
        bool revoked = hayi_slot_revoke_turn(slot, task->hand);
        answer_revoke(worker, task, revoked);
        return;
    }
    revoke_answered(worker, task, hayi_slot_revoke(slot, task));
}

static void
stop_it(struct hayi_worker *worker, struct hay_task *task, bool force)
{
    atomic_store(&task->cancelled, 1);
    if (task->record.kind == HAYI_TASK_COMMAND && force) {
        (void)hayi_spawner_cancel(worker->spawner, (uint64_t)(uintptr_t)task);
    } else if (task->record.kind == HAYI_TASK_FAKE && force) {
        hayi_fakes_cancel(&worker->fakes, task, worker->now_ns);
    }
    struct hayi_slot_process *process = task->process;
    if (process != NULL) {
        hayi_process_cancel(process, task, force);
    }
}

static void perform(struct hayi_worker *worker,
                    const struct hayi_waction *action)
{
    struct hay_task *task = action->cookie;
    switch (action->kind) {
    case HAYI_WACTION_START:
        start(worker, action);
        break;
    case HAYI_WACTION_REVOKE:
        take_back(worker, task);
        break;
    case HAYI_WACTION_STOP_IT:
        stop_it(worker, task, action->force);
        break;
    case HAYI_WACTION_RETURNED:
        hayi_worker_report_attempt(worker, HAYI_RECORD_RETURNED, task);
        hayi_worker_drop(worker, task);
        break;
    case HAYI_WACTION_CANCELLED:
        task->core_count = 0;
        task->outcome = HAYI_OUTCOME_CANCELLED;
        task->record.attempt = action->attempt;
        task->start_ns = task->end_ns = 0; /* it never started */
        hayi_worker_report_ended(worker, task, NULL);
        hayi_worker_drop(worker, task);
        break;
    case HAYI_WACTION_RESUME:
        hayi_worker_resume(worker, action);
        break;
    case HAYI_WACTION_RECALL_DONE: {
        const struct hayi_recall done = {.count = 0};
        hayi_worker_tell(worker, HAYI_RECORD_RECALL_DONE, &done, sizeof(done));
        break;
    }
    }
}

void hayi_worker_refill(struct hayi_worker *worker)
{
    if (!worker->overflows) {
        return;
    }
    worker->overflows = false;
    for (size_t i = 0; i < worker->core_count; i++) {
        if (worker->slots[i].overflow != NULL) {
            hayi_slot_refill(&worker->slots[i]);
            worker->overflows =
                worker->overflows || worker->slots[i].overflow != NULL;
        }
    }
}

bool hayi_worker_perform(struct hayi_worker *worker)
{
    if (worker->actions.count == 0) {
        return false;
    }
    /* Performing may append further actions (a revoke is answered at once). */
    for (size_t i = 0; i < worker->actions.count; i++) {
        const struct hayi_waction action = worker->actions.list[i];
        perform(worker, &action);
    }
    worker->actions.count = 0;
    hayi_worker_wake_processes(worker);
    for (size_t i = 0; i < worker->core_count; i++) {
        if (worker->slots[i].given || worker->slots[i].wanting) {
            worker->slots[i].given = false;
            hayi_worker_wake_slot(worker, &worker->slots[i]);
        }
    }
    return true;
}
