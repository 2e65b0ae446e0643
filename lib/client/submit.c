/* submit.c - see submit.h.
 *
 * A submit is one allocation, the future with its specification behind it, and
 * a few atomic operations: a place in 'unfinished', a serial number, a count of
 * the executor, a push into the inbox.  The order is such that until the push
 * all can be taken back.
 */
#include "config.h"

#include "client/submit.h"

#include "base/philox.h"
#include "client/array_box.h"
#include "client/callback.h"
#include "client/check.h"
#include "client/executor.h"
#include "client/limits.h"
#include "client/nested.h"
#include "client/put.h"
#include "client/queue.h"
#include "client/resume.h"
#include "client/task_options.h"
#include "wire/args.h"
#include "wire/command.h"
#include "worker/registry.h"

#include <string.h>

/* ---- arguments
 * ----------------------------------------------------------------- */

hay_arg hay_double(double value)
{
    return (hay_arg){.kind = HAY_DOUBLE, .u.d = value};
}

hay_arg hay_int64(int64_t value)
{
    return (hay_arg){.kind = HAY_INT64, .u.i = value};
}

hay_arg hay_string(const char *text)
{
    return (hay_arg){
        .kind = HAY_STRING,
        .count = text != NULL ? strlen(text) + 1 : 0,
        .u.data = text,
    };
}

hay_arg hay_bytes(const void *data, size_t size_bytes)
{
    return (hay_arg){.kind = HAY_BYTES, .count = size_bytes, .u.data = data};
}

hay_arg hay_array(hay_dtype dtype,
                  uint32_t ndim,
                  const uint64_t *shape,
                  const void *data)
{
    return (hay_arg){
        .kind = HAY_ARRAY,
        .dtype = (uint32_t)dtype,
        .ndim = ndim,
        .u.data = data,
        .shape = shape,
    };
}

hay_arg hay_ref(hay_future *future)
{
    return (hay_arg){.kind = HAYI_KIND_REF, .u.future = future};
}

hay_arg hay_ref_at(hay_future *future, size_t index)
{
    return (hay_arg){.kind = HAYI_KIND_REF,
                     .count = (uint64_t)index + 1,
                     .u.future = future};
}

hay_arg hay_refs(hay_future *const *futures, size_t count)
{
    return (hay_arg){
        .kind = HAYI_KIND_REFS, .count = count, .u.futures = futures};
}

/* ---- stream keys
 * ----------------------------------------------------------------- */

/* What a thread has submitted, for the executors that it used last. */
struct submitter {
    uint64_t executor; /* its serial; 0: free */
    uint64_t used;     /* when, in submits of this thread */
    uint32_t thread;   /* number of this thread there */
    uint64_t ordinal;
};
enum { SUBMITTERS = 4 };
static _Thread_local struct submitter submitters[SUBMITTERS];
static _Thread_local uint64_t submits;

/* The place of this submit among those of its thread. */
static struct submitter *next_place(hay_executor *ex)
{
    struct submitter *oldest = &submitters[0];
    submits++;
    for (int i = 0; i < SUBMITTERS; i++) {
        struct submitter *s = &submitters[i];
        if (s->executor == ex->serial) {
            s->used = submits;
            s->ordinal++;
            return s;
        }
        oldest = s->used < oldest->used ? s : oldest;
    }
    *oldest = (struct submitter){
        .executor = ex->serial,
        .used = submits,
        .thread = atomic_fetch_add(&ex->next_thread, 1),
    };
    return oldest;
}

static uint64_t stream_key(const struct hayi_spec *spec,
                           const struct submitter *place)
{
    if (spec->name_size > 0) {
        return hayi_hash_bytes(hayi_spec_name(spec), spec->name_size);
    }
    return hayi_mix64(hayi_mix64(UINT64_C(0x73747265616d) + place->thread)
                      + place->ordinal);
}

/* ---- room
 * ------------------------------------------------------------------------- */

/* nested: what runs may go on to submit after a shutdown that lets it end. */
static hay_status
may_submit(hay_executor *ex, bool nested, struct hayi_error *err)
{
    if (atomic_load(&ex->broken) != 0) {
        return hayi_executor_check(ex, err);
    }
    if (atomic_load(&ex->closed) > (nested ? 1u : 0u)
        || atomic_load(&ex->ended) != 0) {
        return hayi_fail(err, HAY_ECLOSED, "the executor is shut down");
    }
    return HAY_OK;
}

static bool has_room(void *argument)
{
    hay_executor *ex = argument;
    return atomic_load(&ex->unfinished) < ex->pending_max
           || atomic_load(&ex->broken) != 0 || atomic_load(&ex->closed) != 0
           || atomic_load(&ex->ended) != 0;
}

static hay_status wait_for_room(hay_executor *ex, struct hayi_error *err)
{
    if (hayi_callback_inside() || hayi_thread_no_wait()) {
        return hayi_fail(err,
                         HAY_EAGAIN,
                         "%llu tasks are unfinished, and it is not possible "
                         "to wait here",
                         (unsigned long long)ex->pending_max);
    }
    (void)atomic_fetch_add(&ex->submitters, 1);
    hay_status st = hayi_executor_sleep(ex, has_room, ex, HAY_FOREVER, true);
    (void)atomic_fetch_sub(&ex->submitters, 1);
    return st;
}

/* A place in 'unfinished'; from then on the manager waits for our post.  A task
 * has one in any case: those before it may wait for what it submits. */
static hay_status
reserve(hay_executor *ex, const struct hay_task *task, struct hayi_error *err)
{
    for (;;) {
        uint64_t before = atomic_fetch_add(&ex->unfinished, 1);
        hay_status st = may_submit(ex, task != NULL, err);
        if (st == HAY_OK && (task != NULL || before < ex->pending_max)) {
            return HAY_OK;
        }
        (void)atomic_fetch_sub(&ex->unfinished, 1);
        if (st == HAY_OK) {
            st = wait_for_room(ex, err);
        }
        if (st != HAY_OK) {
            return st;
        }
    }
}

/* How a task ends whose end the journal of the run knows. */
struct known_end {
    hay_state state; /* HAY_PENDING: it runs */
    struct hayi_result *result;
};

static hay_status look_back(hay_future *future,
                            const struct hay_task *task,
                            struct known_end *end,
                            struct hayi_error *err)
{
    hay_executor *ex = future->ex;
    *end = (struct known_end){.state = HAY_PENDING};
    if (ex->resume == NULL || task != NULL
        || future->spec->kind == HAYI_TASK_PUT
        || !hayi_resume_look(ex->resume, future, &end->state, &end->result)) {
        return HAY_OK;
    }
    return end->result != NULL
               ? HAY_OK
               : hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
}

static hay_status
number(hay_executor *ex, hay_task_id *id, struct hayi_error *err)
{
    if (ex->ops->admit != NULL) {
        return ex->ops->admit(ex->manager, id, err);
    }
    *id = 1 + atomic_fetch_add_explicit(&ex->next_id, 1, memory_order_relaxed);
    return HAY_OK;
}

/* only: not if it would run. */
static hay_status post(hay_future *future,
                       hay_queue *queue,
                       bool only,
                       hay_future **wanted,
                       struct hayi_error *err)
{
    hay_executor *ex = future->ex;
    struct hayi_spec *spec = future->spec;
    struct hayi_queue_entry *entry = NULL;
    struct hay_task *task = hayi_nested_task(ex);
    struct known_end end;
    hay_status st = HAY_OK;
    if (queue != NULL && (entry = hayi_queue_entry_new(queue)) == NULL) {
        st = hayi_fail(err, HAY_ENOMEM, "out of memory for a queue");
    }
    if (st == HAY_OK) {
        st = reserve(ex, task, err);
    }
    if (st == HAY_OK) {
        st = look_back(future, task, &end, err);
        if (st == HAY_OK && only && end.state == HAY_PENDING) {
            if (ex->resume != NULL) {
                hayi_resume_forget(ex->resume, future);
            }
            st = hayi_fail(err, HAY_EEMPTY, "the journal does not have it");
        }
        if (st == HAY_OK && end.state != HAY_FINISHED) {
            st = number(ex, &future->id, err);
        }
        if (st != HAY_OK) {
            (void)atomic_fetch_sub(&ex->unfinished, 1);
        }
    }
    if (st != HAY_OK) {
        hayi_queue_entry_free(entry);
        hayi_future_discard(future);
        return st;
    }
    if (spec->kind != HAYI_TASK_PUT) {
        if (task == NULL || spec->name_size > 0) {
            spec->stream_key = stream_key(spec, next_place(ex));
        }
        if (task != NULL) {
            hayi_nested_adopt(task, spec);
        }
    }
    hayi_executor_retain(ex);
    for (uint32_t i = 0; i < spec->dep_count; i++) {
        (void)hay_future_retain(hayi_spec_deps(spec)[i]);
    }
    if (entry != NULL) {
        hayi_queue_entry_add(entry, future);
    }
    if (wanted != NULL) {
        (void)hay_future_retain(future);
        *wanted = future;
    }
    if (end.state != HAY_PENDING && end.result->object_count > 0) {
        future->item.kind = HAYI_ITEM_PUT; /* the manager shall know them */
        future->result = end.result;
        end.state = HAY_PENDING;
    }
    if (end.state == HAY_PENDING) {
        ex->ops->post(ex->manager, &future->item);
    } else if (hayi_future_complete(future, end.state, end.result)) {
        hayi_executor_wake(ex);
    }
    return HAY_OK;
}

hay_status hayi_submit_post(hay_future *future,
                            hay_queue *queue,
                            hay_future **wanted,
                            struct hayi_error *err)
{
    return post(future, queue, false, wanted, err);
}

/* ---- the three kinds of task
 * -------------------------------------------------------- */

/* What all kinds have in common; the deps behind the references. */
static void fill(hay_future *future,
                 enum hayi_task_kind kind,
                 const hay_task_options *options,
                 const struct hayi_needs *needs,
                 size_t refs)
{
    struct hayi_spec *spec = future->spec;
    hay_future **deps = hayi_spec_deps_room(spec) + refs;
    spec->kind = (uint8_t)kind;
    spec->needs = *needs;
    spec->priority = options->priority;
    spec->retries = (uint16_t)options->retries;
    spec->once = options->once;
    spec->process = kind == HAYI_TASK_FUNCTION
                    && hayi_task_options_process(future->ex, options);
    spec->pause = hayi_spec_pause((options->retry_pause_ns + 999999) / 1000000);
    struct hayi_limits *limits = hayi_spec_limits_room(spec);
    if (limits != NULL) {
        *limits = hayi_limits_of(options);
    }
    spec->user = options->user;
    spec->arg_dep_count = (uint32_t)refs;
    spec->any_count = (uint32_t)options->after_any_count;
    for (size_t i = 0; i < options->after_count; i++) {
        *deps++ = options->after[i];
    }
    for (size_t i = 0; i < options->after_any_count; i++) {
        *deps++ = options->after_any[i];
    }
}

/* A future with the options filled in, after a look at them. */
static hay_status make(hay_executor *ex,
                       enum hayi_task_kind kind,
                       const hay_task_options *options,
                       const struct hayi_args_size *size,
                       hay_future **future,
                       struct hayi_error *err)
{
    struct hayi_future_plan plan = {
        .dep_count =
            size->refs + options->after_count + options->after_any_count,
        .args_size = size->bytes,
        .name = options->name,
        .category = options->category,
        .limits = hayi_limits_given(options),
        .key = ex->resume != NULL && hayi_nested_task(ex) == NULL,
    };
    struct hayi_needs needs;
    hay_status st = hayi_task_options_needs(ex, options, &needs, err);
    if (st != HAY_OK) {
        return st;
    }
    *future = hayi_future_new(ex, &plan);
    if (*future == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a task");
    }
    fill(*future, kind, options, &needs, size->refs);
    return HAY_OK;
}

/* Its specification is whole. */
static hay_status finish(hay_future *fresh,
                         const hay_task_options *o,
                         hay_future **future,
                         struct hayi_error *err)
{
    hayi_resume_fill(
        fresh, o->resume_key, o->resume_rest, fresh->ex->check_files);
    return post(fresh, o->queue, o->recorded_only, future, err);
}

static hay_status refs_are_ours(hay_executor *ex,
                                const struct hayi_spec *spec,
                                struct hayi_error *err)
{
    for (uint32_t i = 0; i < spec->arg_dep_count; i++) {
        if (hayi_spec_deps(spec)[i]->ex != ex) {
            return hayi_fail(
                err, HAY_EINVAL, "an argument is a future of another executor");
        }
    }
    return HAY_OK;
}

/* args: nothing large among them. */
static hay_status submit_function(hay_executor *ex,
                                  uint32_t function,
                                  hay_args args,
                                  const hay_task_options *o,
                                  hay_future **future,
                                  struct hayi_error *err)
{
    struct hayi_args_size size;
    hay_future *fresh = NULL;
    hay_status st = hayi_args_measure(args, &size, err);
    if (st != HAY_OK
        || (st = make(ex, HAYI_TASK_FUNCTION, o, &size, &fresh, err))
               != HAY_OK) {
        return st;
    }
    struct hayi_spec *spec = fresh->spec;
    spec->function = function;
    hayi_args_write(args, hayi_spec_args_room(spec), hayi_spec_deps_room(spec));
    st = refs_are_ours(ex, spec, err);
    if (st != HAY_OK) {
        hayi_future_discard(fresh);
        return st;
    }
    return finish(fresh, o, future, err);
}

hay_status hay_submit(hay_executor *ex,
                      hay_task_fn function,
                      hay_args args,
                      const hay_task_options *options,
                      hay_future **future)
{
    struct hayi_error *err = hayi_thread_error();
    const hay_task_options *o = hayi_task_options_or_default(options);
    struct hayi_put_args put;
    uint32_t index = hayi_registry_find(function);
    if (index == UINT32_MAX) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "this function is not registered: define it with "
                         "HAY_TASK or call hay_register() first");
    }
    if (hayi_array_among(args)) {
        return hayi_array_submit(ex, function, args, o, future);
    }
    hay_status st = hayi_task_options_check(ex, o, HAYI_TASK_FUNCTION, err);
    if (st != HAY_OK) {
        return st;
    }
    st = hayi_put_args_init(ex, args, &put, err);
    if (st == HAY_OK) {
        st = submit_function(ex, index, put.args, o, future, err);
    }
    hayi_put_args_fini(&put);
    return st;
}

static hay_status inputs_are_ours(hay_executor *ex,
                                  const hay_command *command,
                                  struct hayi_error *err)
{
    if (command->input_count > 0 && command->inputs == NULL) {
        return hayi_fail(err, HAY_EINVAL, "the command's inputs are NULL");
    }
    for (size_t i = 0; i < command->input_count; i++) {
        if (command->inputs[i] == NULL || command->inputs[i]->ex != ex) {
            return hayi_fail(
                err, HAY_EINVAL, "an input is a future of another executor");
        }
    }
    return HAY_OK;
}

hay_status hay_submit_command(hay_executor *ex,
                              const hay_command *command,
                              const hay_task_options *options,
                              hay_future **future)
{
    struct hayi_error *err = hayi_thread_error();
    const hay_task_options *o = hayi_task_options_or_default(options);
    struct hayi_args_size size = {0,
                                  command != NULL ? command->input_count : 0};
    hay_future *fresh = NULL;
    if (command == NULL) {
        return hayi_fail(err, HAY_EINVAL, "the command is NULL");
    }
    hay_status st =
        hayi_check_in(command, sizeof(*command), "hay_command", err);
    if (st != HAY_OK || (st = inputs_are_ours(ex, command, err)) != HAY_OK
        || (st = hayi_task_options_check(ex, o, HAYI_TASK_COMMAND, err))
               != HAY_OK
        || (st = hayi_command_measure(command, &size.bytes, err)) != HAY_OK
        || (st = make(ex, HAYI_TASK_COMMAND, o, &size, &fresh, err))
               != HAY_OK) {
        return st;
    }
    fresh->spec->index = command->index;
    fresh->spec->has_index = command->has_index;
    for (size_t i = 0; i < command->input_count; i++) {
        hayi_spec_deps_room(fresh->spec)[i] = command->inputs[i];
    }
    hayi_command_write(command, hayi_spec_args_room(fresh->spec));
    return finish(fresh, o, future, err);
}

hay_status hay_submit_fake(hay_executor *ex,
                           uint64_t duration_ns,
                           int exit_code,
                           const hay_task_options *options,
                           hay_future **future)
{
    struct hayi_error *err = hayi_thread_error();
    const hay_task_options *o = hayi_task_options_or_default(options);
    const struct hayi_args_size size = {0, 0};
    hay_future *fresh = NULL;
    hay_status st = hayi_task_options_check(ex, o, HAYI_TASK_FAKE, err);
    if (st != HAY_OK
        || (st = make(ex, HAYI_TASK_FAKE, o, &size, &fresh, err)) != HAY_OK) {
        return st;
    }
    fresh->spec->index = duration_ns;
    fresh->spec->fake_exit = exit_code;
    return finish(fresh, o, future, err);
}
