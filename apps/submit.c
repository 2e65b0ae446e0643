/* submit.c - hands the tasks of a workload to the farm; see submit.h.
 *
 * Kept futures: those of a block are kept while blocks that refer to it are to
 * come (in a stream, for ever, if it has a name or writes files).
 *
 * After all of a large array come all tasks of another one: that would be their
 * product in edges.  Above GATE_EDGES a gate stands between them: a task that
 * takes no time, called NAME[*], that the ones wait for and that waits for the
 * others.  It fails as they would.
 */
#include "config.h"

#include "files.h"
#include "submit.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GATE_EDGES ((uint64_t)20000)

struct submit_kept {
    hay_future **futures; /* of all its elements; NULL: not kept */
    hay_future *gate[2];  /* after, afterany */
    uint32_t users_left;
};

/* Takes the time of its argument (nanoseconds) on its processor. */
HAY_TASK(replay_spin)
{
    int64_t duration_ns = 0;
    struct timespec now;
    int64_t end_ns;
    HAY_TRY(hay_arg_int64(task, 0, &duration_ns));
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    end_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec + duration_ns;
    do {
        if (hay_task_cancelled(task)) {
            return HAY_ECANCELLED;
        }
        for (volatile int i = 0; i < 1000; i++) {
        }
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    } while ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec < end_ns);
    return HAY_OK;
}

/* ---- kept futures ---- */

static struct submit_kept *kept_of(struct submit *s, uint32_t block)
{
    while (s->kept_count <= block) {
        s->kept =
            mem_grow(s->kept, s->kept_count, &s->kept_room, sizeof *s->kept);
        s->kept[s->kept_count] = (struct submit_kept){
            .users_left = s->w->blocks[s->kept_count].users};
        s->kept_count++;
    }
    return &s->kept[block];
}

static void drop_kept(struct submit *s, uint32_t block)
{
    struct submit_kept *kept = &s->kept[block];
    for (uint64_t i = 0; kept->futures != NULL && i < s->w->blocks[block].count;
         i++) {
        hay_future_release(kept->futures[i]);
    }
    hay_future_release(kept->gate[0]);
    hay_future_release(kept->gate[1]);
    free(kept->futures);
    *kept = (struct submit_kept){.futures = NULL};
}

static void keep_future(struct submit *s,
                        uint32_t index,
                        uint64_t element,
                        hay_future *future)
{
    const struct block *block = &s->w->blocks[index];
    bool known = block->name != NULL
                 || (block->files != NULL && block->files->out_count > 0);
    if (s->stream ? !known : block->users == 0) {
        return;
    }
    struct submit_kept *kept = kept_of(s, index);
    if (kept->futures == NULL) {
        kept->futures = mem_alloc(block->count, sizeof(hay_future *));
        memset(kept->futures, 0, block->count * sizeof(hay_future *));
    }
    kept->futures[element] = hay_future_retain(future);
}

static void free_list(struct submit_list *list)
{
    for (size_t i = 0; i < list->room; i++) {
        text_fini(&list->texts[i]);
    }
    free(list->texts);
    free(list->list);
}

void submit_fini(struct submit *s)
{
    for (size_t i = 0; i < s->kept_count; i++) {
        drop_kept(s, (uint32_t)i);
    }
    free(s->kept);
    free(s->after[0]);
    free(s->after[1]);
    free(s->inputs);
    free(s->all_env);
    free_list(&s->env);
    free_list(&s->in);
    free_list(&s->out);
    text_fini(&s->name);
    text_fini(&s->line);
    text_fini(&s->cwd);
    text_fini(&s->stdin_path);
    text_fini(&s->number);
    text_fini(&s->key);
    text_fini(&s->rest);
    *s = (struct submit){.ex = NULL};
}

/* ---- edges ---- */

static void add_after(struct submit *s, bool any, hay_future *future)
{
    if (future != NULL) {
        s->after[any] = mem_grow(s->after[any],
                                 s->after_count[any],
                                 &s->after_room[any],
                                 sizeof(hay_future *));
        s->after[any][s->after_count[any]++] = future;
    }
}

/* Those of 'count' futures that are there (of tasks that were done before there
 * are none), in a list to be freed. */
static hay_future **
futures_there(hay_future *const *futures, uint64_t count, size_t *there)
{
    hay_future **list = mem_alloc(count, sizeof *list);
    *there = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (futures[i] != NULL) {
            list[(*there)++] = futures[i];
        }
    }
    return list;
}

static hay_status
gate_of(struct submit *s, const struct dep *dep, hay_future **gate)
{
    struct submit_kept *kept = kept_of(s, dep->block);
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    struct text name = TEXT_INIT;
    hay_status status = HAY_OK;
    if (kept->gate[dep->any] == NULL) {
        size_t count;
        hay_future **list = futures_there(kept->futures, dep->count, &count);
        text_format(&name, "%s[*]", s->w->blocks[dep->block].name);
        options.name = name.data;
        if (dep->any) {
            options.after_any = list;
            options.after_any_count = count;
        } else {
            options.after = list;
            options.after_count = count;
        }
        status = hay_submit_fake(s->ex, 0, 0, &options, &kept->gate[dep->any]);
        text_fini(&name);
        free(list);
    }
    *gate = kept->gate[dep->any];
    return status;
}

static hay_status add_dep(struct submit *s,
                          const struct block *block,
                          uint64_t element,
                          const struct dep *dep)
{
    const struct block *parent = &s->w->blocks[dep->block];
    struct submit_kept *kept = kept_of(s, dep->block);
    if (kept->futures == NULL) {
        return HAY_OK; /* its submission was refused */
    }
    if (dep->same) {
        uint64_t at = 0;
        block_element(parent, block->first + element * block->step, &at);
        add_after(s, dep->any, kept->futures[at]);
        return HAY_OK;
    }
    if (dep->count == parent->count && dep->count > 1 && block->count > 1
        && dep->count > GATE_EDGES / block->count) {
        hay_future *gate = NULL;
        hay_status status = gate_of(s, dep, &gate);
        add_after(s, dep->any, gate);
        return status;
    }
    for (uint64_t i = 0; i < dep->count; i++) {
        add_after(s, dep->any, kept->futures[dep->first + i]);
    }
    return HAY_OK;
}

static hay_status
find_parents(struct submit *s, const struct block *block, uint64_t element)
{
    hay_status status = HAY_OK;
    s->after_count[0] = 0;
    s->after_count[1] = 0;
    for (uint32_t i = 0; i < block->dep_count && status == HAY_OK; i++) {
        status = add_dep(s, block, element, &s->w->deps[block->dep_first + i]);
    }
    return status;
}

/* All of the block is submitted: its parents have a user less. */
static void finish_block(struct submit *s, const struct block *block)
{
    for (size_t i = 0; i < block_parent_count(block); i++) {
        uint32_t parent = block_parent(s->w, block, i);
        struct submit_kept *kept = kept_of(s, parent);
        if (!s->stream && --kept->users_left == 0) {
            drop_kept(s, parent);
        }
    }
}

/* Pass over tasks that were done before the run. */
static void skip_done(struct submit *s)
{
    while (!s->stream && s->next_order < s->w->block_count) {
        const struct block *block = &s->w->blocks[s->w->order[s->next_order]];
        while (s->next_element < block->count
               && block_is_done(block, s->next_element)) {
            s->next_element++;
        }
        if (s->next_element < block->count) {
            return;
        }
        s->next_element = 0;
        s->next_order++;
        finish_block(s, block);
    }
}

/* ---- tasks ---- */

void submit_init(struct submit *s,
                 hay_executor *ex,
                 hay_queue *queue,
                 struct workload *w,
                 enum submit_work work,
                 bool stream)
{
    *s = (struct submit){.ex = ex,
                         .queue = queue,
                         .w = w,
                         .work = work,
                         .time_scale = 1,
                         .stream = stream};
    skip_done(s);
}

bool submit_done(const struct submit *s)
{
    return s->next_order == s->w->block_count;
}

void submit_options(const struct submit *s,
                    const struct block *block,
                    hay_task_options *options)
{
    const struct request *request = block->request;
    hay_task_options_init(options);
    options->queue = s->queue;
    options->cores = request->cores;
    options->gpus = request->gpus;
    options->request = request->amounts_text;
    options->memory_bytes = request->memory_bytes;
    options->priority = request->priority;
    options->retries = request->retries;
    options->retry_pause_ns = request->retry_pause_ns;
    options->once = request->once;
    options->time_limit_ns = request->time_limit_ns;
    options->grace_ns = request->grace_ns;
    options->warn_ns = request->warn_ns;
    options->memory_limit_bytes =
        request->memory_limit_bytes == 0 && request->enforce_memory
            ? request->memory_bytes
            : request->memory_limit_bytes;
    options->memory_retries = request->memory_retries;
    options->output_limit_bytes = request->output_limit_bytes;
    options->category = block->array ? block->name : NULL;
}

static const char *expand(const struct block *block,
                          uint64_t element,
                          const char *template,
                          struct text *text)
{
    if (template == NULL || !block->array) {
        return template;
    }
    block_expand(block, element, template, text);
    return text->data;
}

static const char *const *expand_list(const struct block *block,
                                      uint64_t element,
                                      const char *const *templates,
                                      size_t count,
                                      struct submit_list *list)
{
    if (count == 0) {
        return NULL;
    }
    if (list->room < count) {
        list->texts = mem_resize(list->texts, count, sizeof *list->texts);
        list->list = mem_resize(list->list, count + 1, sizeof *list->list);
        for (; list->room < count; list->room++) {
            list->texts[list->room] = (struct text)TEXT_INIT;
        }
    }
    for (size_t i = 0; i < count; i++) {
        list->list[i] = expand(block, element, templates[i], &list->texts[i]);
    }
    list->list[count] = NULL;
    return list->list;
}

/* The files of a task, and who writes those that it reads. */
static void name_files(struct submit *s,
                       const struct block *block,
                       uint64_t element,
                       hay_command *command)
{
    const struct block_files *files = block->files;
    uint32_t index = (uint32_t)(block - s->w->blocks);
    s->input_count = 0;
    for (size_t i = 0; i < files->in_count; i++) {
        uint32_t maker;
        uint64_t at;
        hay_future *future = NULL;
        if (files_maker(s->w, index, element, i, s->stream, &maker, &at)
            && kept_of(s, maker)->futures != NULL) {
            future = kept_of(s, maker)->futures[at];
        }
        /* Several files of one task follow each other, as a rule. */
        if (future != NULL
            && (s->input_count == 0
                || s->inputs[s->input_count - 1] != future)) {
            s->inputs = mem_grow(s->inputs,
                                 s->input_count,
                                 &s->input_room,
                                 sizeof(hay_future *));
            s->inputs[s->input_count++] = future;
        }
    }
    command->in_files =
        expand_list(block, element, files->in, files->in_count, &s->in);
    command->out_files =
        expand_list(block, element, files->out, files->out_count, &s->out);
    command->inputs = s->inputs;
    command->input_count = s->input_count;
}

/* The library's words, for a task of this block. */
static hay_status worded(const struct submit *s,
                         const struct block *block,
                         hay_status status,
                         struct fault *fault)
{
    const char *words = hay_error_text();
    if (status != HAY_OK) {
        (void)fault_at(fault,
                       s->w->file,
                       block->line,
                       "%s",
                       words[0] != '\0' ? words : hay_status_name(status));
    }
    return status;
}

static size_t add_env(struct submit *s, size_t count, const char *const *list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        s->all_env =
            mem_grow(s->all_env, count, &s->all_env_room, sizeof *s->all_env);
        s->all_env[count++] = list[i];
    }
    return count;
}

/* The variables by which another tool numbers its tasks.  A run that goes on
 * takes what has another number now for the same, unless the command says that
 * it looks at it. */
static void add_number(struct submit *s,
                       const struct block *block,
                       hay_command *command,
                       hay_task_options *options)
{
    const char *name = s->w->number_name;
    text_clear(&s->number);
    text_format(&s->number, "%s=%" PRIu32, name, block->number);
    const char *const numbers[] = {s->number.data, s->w->number_env, NULL};
    size_t count = add_env(s, 0, numbers);
    count = add_env(s, count, command->env);
    s->all_env =
        mem_grow(s->all_env, count, &s->all_env_room, sizeof *s->all_env);
    s->all_env[count] = NULL;
    command->env = s->all_env;
    text_clear(&s->key);
    text_add_string(&s->key, command->line);
    if (strstr(command->line, name) != NULL) {
        text_format(&s->key, "\n%" PRIu32, block->number);
    }
    options->resume_key = s->key.data;
}

static void
add_lines(struct text *text, const char *what, const char *const *list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        text_format(text, "%s %s\n", what, list[i]);
    }
}

/* What a resumed run compares of a command that reads chunks, as the file says
 * it: the files of the chunks, and what brings them, are another matter each
 * time. */
static void compare_by_text(struct submit *s,
                            const hay_command *command,
                            const struct chunks_inputs *chunks,
                            hay_task_options *options)
{
    text_clear(&s->rest);
    text_format(&s->rest, "%s", chunks->identity);
    const char *const cwd[] = {command->cwd, NULL};
    const char *const input[] = {command->stdin_path, NULL};
    add_lines(&s->rest, "cwd", cwd);
    add_lines(&s->rest, "stdin", input);
    add_lines(&s->rest, "env", command->env);
    add_lines(&s->rest, "in", command->in_files);
    add_lines(&s->rest, "out", command->out_files);
    if (command->has_index) {
        text_format(&s->rest, "index %" PRIu64 "\n", command->index);
    }
    for (size_t i = 0; i < s->after_count[0] + s->after_count[1]; i++) {
        bool any = i >= s->after_count[0];
        const hay_future *future =
            s->after[any][any ? i - s->after_count[0] : i];
        text_format(&s->rest, "after %d %s\n", any, hay_future_name(future));
    }
    options->resume_key =
        options->resume_key != NULL ? options->resume_key : command->line;
    options->resume_rest = s->rest.data;
}

/* Variables of datasets, files of chunks; what brings them comes before. */
static hay_status add_chunks(struct submit *s,
                             const struct block *block,
                             uint64_t element,
                             hay_command *command,
                             struct chunks_inputs *inputs,
                             struct fault *fault)
{
    uint32_t index = (uint32_t)(block - s->w->blocks);
    hay_status status =
        chunks_submit(s->chunks, index, element, true, inputs, fault);
    if (status != HAY_OK) {
        return status;
    }
    for (size_t i = 0; i < block->files->in_count; i++) {
        if (inputs->paths[i] != NULL) {
            s->in.list[i] = inputs->paths[i];
        }
    }
    size_t count = add_env(s, 0, inputs->env);
    count = add_env(s, count, command->env);
    s->all_env =
        mem_grow(s->all_env, count, &s->all_env_room, sizeof *s->all_env);
    s->all_env[count] = NULL;
    command->env = s->all_env;
    for (size_t i = 0; i < inputs->future_count; i++) {
        add_after(s, false, inputs->futures[i]);
    }
    return HAY_OK;
}

/* The datasets of a command: *known: it was recorded, and is submitted; else
 * what it needs is. */
static hay_status submit_with_chunks(struct submit *s,
                                     const struct block *block,
                                     uint64_t element,
                                     hay_command *command,
                                     struct chunks_inputs *chunks,
                                     hay_task_options *options,
                                     hay_future **future,
                                     bool *known,
                                     struct fault *fault)
{
    const hay_command plain = *command;
    hay_status status = chunks_submit(s->chunks,
                                      (uint32_t)(block - s->w->blocks),
                                      element,
                                      false,
                                      chunks,
                                      fault);
    if (status == HAY_OK && chunks->identity[0] != '\0') {
        compare_by_text(s, &plain, chunks, options);
        options->recorded_only = true;
        status = hay_submit_command(s->ex, &plain, options, future);
        options->recorded_only = false;
        if (status != HAY_EEMPTY) {
            *known = true;
            return worded(s, block, status, fault);
        }
        status = HAY_OK;
    }
    if (status == HAY_OK) {
        status = add_chunks(s, block, element, command, chunks, fault);
        options->after = s->after[0];
        options->after_count = s->after_count[0];
    }
    return status;
}

static hay_status submit_command(struct submit *s,
                                 const struct block *block,
                                 uint64_t element,
                                 hay_task_options *options,
                                 hay_future **future,
                                 struct fault *fault)
{
    hay_command command = HAY_COMMAND_INIT;
    const struct request *request = block->request;
    struct chunks_inputs chunks = {.future_count = 0};
    hay_status status = HAY_OK;
    command.line = expand(block, element, block->text, &s->line);
    command.cwd = expand(block, element, request->cwd, &s->cwd);
    command.stdin_path =
        expand(block, element, request->stdin_path, &s->stdin_path);
    command.env =
        expand_list(block, element, request->env, request->env_count, &s->env);
    command.has_index = block->array;
    command.index = block->first + element * block->step;
    if (s->w->number_name != NULL) {
        add_number(s, block, &command, options);
    }
    if (block->files != NULL) {
        name_files(s, block, element, &command);
    }
    if (block->files != NULL && block->files->datasets && s->chunks != NULL) {
        bool known = false;
        status = submit_with_chunks(s,
                                    block,
                                    element,
                                    &command,
                                    &chunks,
                                    options,
                                    future,
                                    &known,
                                    fault);
        if (known) {
            return status;
        }
    }
    if (status == HAY_OK) {
        status = worded(s,
                        block,
                        hay_submit_command(s->ex, &command, options, future),
                        fault);
        for (size_t i = 0; i < chunks.future_count; i++) {
            hay_future_release(chunks.futures[i]);
        }
    }
    return status;
}

static hay_status submit_one(struct submit *s,
                             const struct block *block,
                             uint64_t element,
                             void *user,
                             hay_future **future,
                             struct fault *fault)
{
    hay_task_options options;
    hay_status status = find_parents(s, block, element);
    if (status != HAY_OK) {
        return worded(s, block, status, fault);
    }
    submit_options(s, block, &options);
    block_element_name(block, element, &s->name);
    options.name = s->name.length > 0 ? s->name.data : NULL;
    options.user = user;
    options.after = s->after[0];
    options.after_count = s->after_count[0];
    options.after_any = s->after[1];
    options.after_any_count = s->after_count[1];
    if (s->work == SUBMIT_COMMANDS && block->text != NULL) {
        return submit_command(s, block, element, &options, future, fault);
    }
    double duration_ns = (double)block->duration_ns * s->time_scale;
    if (s->work != SUBMIT_SPIN) {
        status =
            hay_submit_fake(s->ex, (uint64_t)duration_ns, 0, &options, future);
    } else {
        status = hay_submit(s->ex,
                            replay_spin,
                            HAY_ARGS(hay_int64((int64_t)duration_ns)),
                            &options,
                            future);
    }
    return worded(s, block, status, fault);
}

hay_status submit_next(struct submit *s,
                       void *user,
                       uint64_t *task,
                       hay_future **future,
                       struct fault *fault)
{
    uint32_t index =
        s->stream ? (uint32_t)s->next_order : s->w->order[s->next_order];
    const struct block *block = &s->w->blocks[index];
    uint64_t element = s->next_element++;
    hay_status status = submit_one(s, block, element, user, future, fault);
    if (status == HAY_OK) {
        *task = block->first_task + element;
        keep_future(s, index, element, *future);
    }
    if (s->next_element == block->count) {
        s->next_element = 0;
        s->next_order++;
        finish_block(s, block);
    }
    skip_done(s);
    return status;
}
