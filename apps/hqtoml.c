/* hqtoml.c - job files of HyperQueue; see hqtoml.h.
 *
 * A task becomes a command line of quoted words with redirections around them.
 * A range of ids of an array is one block, if there are no entries; else each
 * task is its own.  A task without an id gets the highest one of the file plus
 * 1, 2, ... as HyperQueue gives them.
 */
#include "config.h"

#include "hqconfig.h"
#include "hqtoml.h"
#include "lines.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDS_MAX        ((size_t)10000000) /* of several ranges together */
#define NAME_MAX_BYTES 900
#define DEFAULT_NAME   "task"

/* A range of ids. */
struct span {
    uint64_t first, step, count;
};

struct job {
    struct hq_reader r;
    const char *name;
    char *folder; /* where hayfork was started */
    uint64_t id_max;
    struct workload_edge *edges;
    size_t edge_count, edge_room;
};

/* A task, or an array of them, while its command is made. */
struct target {
    const struct hq_config *c;
    const struct toml_node *node;
    uint64_t id; /* if it is no array */
    bool array;
    const char *entry; /* NULL: none */
    struct text line;
};

#define FAULT(j, node, ...)                                                    \
    fault_at((j)->r.fault, (j)->r.w->file, (node)->line, __VA_ARGS__)

bool hqtoml_guess(const char *line)
{
    size_t length = strcspn(line, " \t#");
    return (length == 8 && strncmp(line, "[[task]]", 8) == 0)
           || (length == 7 && strncmp(line, "[array]", 7) == 0);
}

/* ---- texts ---- */

/* In arrays braces mean something. */
static void put(const struct target *t, struct text *to, const char *literal)
{
    if (t->array) {
        block_literal(to, literal);
    } else {
        text_add_string(to, literal);
    }
}

static void
put_quoted(const struct target *t, struct text *to, const char *word)
{
    struct text quoted = TEXT_INIT;
    shell_quote(&quoted, word);
    put(t, to, quoted.data);
    text_fini(&quoted);
}

static void put_id(const struct target *t, struct text *to)
{
    if (t->array) {
        text_add_string(to, "{n}");
    } else {
        text_format(to, "%" PRIu64, t->id);
    }
}

/* The path 'path[length]' with its placeholders filled in; shell: as a word for
 * the shell.  node: for its line. */
static hay_status put_path(struct job *j,
                           const struct target *t,
                           const struct toml_node *node,
                           const char *path,
                           size_t length,
                           bool shell,
                           struct text *to)
{
    struct arena *arena = &j->r.w->arena;
    const char *end = path + length;
    hay_status status = HAY_OK;
    while (path < end && status == HAY_OK) {
        size_t plain = 0;
        while (path + plain < end && strncmp(path + plain, "%{", 2) != 0) {
            plain++;
        }
        if (plain > 0) {
            const char *part = arena_text(arena, path, plain);
            shell ? put_quoted(t, to, part) : put(t, to, part);
            path += plain;
            continue;
        }
        size_t name = strcspn(path + 2, "}");
        if (strncmp(path, "%{TASK_ID}", 10) == 0) {
            put_id(t, to);
        } else if (strncmp(path, "%{JOB_ID}", 9) == 0) {
            text_add_string(to, "1");
        } else if (strncmp(path, "%{SUBMIT_DIR}", 13) == 0) {
            shell ? put_quoted(t, to, j->folder) : put(t, to, j->folder);
        } else if (strncmp(path, "%{INSTANCE_ID}", 14) == 0 && shell) {
            text_add_string(to, "$((HAY_TASK_ATTEMPT-1))");
        } else if (strncmp(path, "%{CWD}", 6) == 0 && shell) {
            text_add_string(to, "\"$PWD\"");
        } else {
            status = FAULT(j,
                           node,
                           "%s: the placeholder %.*s is not known here",
                           node->key,
                           (int)(name + 3 < 60 ? name + 3 : 60),
                           path);
        }
        path += name + 2;
        path += path < end;
    }
    return status;
}

/* ---- the command ---- */

/* A variable that the file does not set itself. */
static void put_own(struct target *t, const char *name, const char *value)
{
    const struct request *request = &t->c->request;
    for (size_t i = 0; i < request->env_count; i++) {
        if (strncmp(request->env[i], name, strlen(name)) == 0) {
            return;
        }
    }
    text_format(&t->line, " %s", name);
    put(t, &t->line, value);
}

static void put_variables(struct target *t)
{
    const struct hq_config *c = t->c;
    struct text *line = &t->line;
    text_add_string(line, "export HQ_JOB_ID=1 HQ_TASK_ID=");
    put_id(t, line);
    text_add_string(line,
                    " HQ_INSTANCE_ID=$((HAY_TASK_ATTEMPT-1)) "
                    "HQ_CPUS=$HAY_TASK_CPUS");
    if (t->entry != NULL) {
        text_add_string(line, " HQ_ENTRY=");
        put_quoted(t, line, t->entry);
    }
    if (c->variants > 1) {
        text_add_string(line, " HQ_RESOURCE_VARIANT=$HAY_TASK_VARIANT");
    }
    if (c->pin != NULL) {
        text_format(line, " HQ_PIN=%s", c->pin);
    }
    if (c->pin != NULL && strcmp(c->pin, "omp") == 0) {
        put_own(t, "OMP_PROC_BIND=", "close");
        put_own(t, "OMP_PLACES=", "\"{$HAY_TASK_CPUS}\"");
    }
    text_add_string(line, "\n");
    if (c->task_dir) {
        text_add_string(line,
                        "HQ_TASK_DIR=$(mktemp -d) || exit 1\nexport HQ_TASK_DIR"
                        "\ntrap 'rm -rf -- \"$HQ_TASK_DIR\"' EXIT\n");
    }
}

/* Folders of what it writes are made. */
static hay_status put_folder(struct job *j,
                             struct target *t,
                             const struct toml_node *node,
                             const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    if (slash == NULL || slash == path) {
        return HAY_OK;
    }
    text_add_string(&t->line, "mkdir -p -- ");
    hay_status status =
        put_path(j, t, node, path, (size_t)(slash - path), true, &t->line);
    text_add_string(&t->line, " || exit 1\n");
    return status;
}

static hay_status put_redirection(struct job *j,
                                  struct target *t,
                                  const char *sign,
                                  const struct toml_node *node,
                                  const char *path)
{
    if (path == NULL) {
        return HAY_OK;
    }
    text_add_string(&t->line, sign);
    if (path[0] == '\0') {
        text_add_string(&t->line, "/dev/null");
        return HAY_OK;
    }
    return put_path(j, t, node, path, strlen(path), true, &t->line);
}

/* After the command: files that are of use only if it failed. */
static hay_status put_removal(struct job *j, struct target *t)
{
    const struct hq_config *c = t->c;
    hay_status status = HAY_OK;
    if (!c->out_rm && !c->err_rm) {
        return HAY_OK;
    }
    text_add_string(
        &t->line,
        "\nhay_status=$?\n[ $hay_status = 0 ] || exit $hay_status\nrm -f --");
    if (c->out_rm) {
        status = put_redirection(j, t, " ", c->out, c->out_path);
    }
    if (c->err_rm && status == HAY_OK) {
        status = put_redirection(j, t, " ", c->err, c->err_path);
    }
    return status;
}

static hay_status put_command(struct job *j, struct target *t)
{
    const struct hq_config *c = t->c;
    put_variables(t);
    hay_status status = put_folder(j, t, c->out, c->out_path);
    if (status == HAY_OK) {
        status = put_folder(j, t, c->err, c->err_path);
    }
    if (c->stdin_text != NULL) {
        text_add_string(&t->line, "printf %s ");
        put_quoted(t, &t->line, c->stdin_text->text);
        text_add_string(&t->line, " | ");
    }
    for (size_t i = 0; i < c->command->count; i++) {
        text_add_string(&t->line, i > 0 ? " " : "");
        put_quoted(t, &t->line, c->command->items[i].text);
    }
    if (status == HAY_OK) {
        status = put_redirection(j, t, " >", c->out, c->out_path);
    }
    if (status == HAY_OK) {
        status = put_redirection(j, t, " 2>", c->err, c->err_path);
    }
    return status == HAY_OK ? put_removal(j, t) : status;
}

/* ---- blocks ---- */

/* The request, with what depends on the task filled in. */
static hay_status
make_request(struct job *j, struct target *t, const struct request **request)
{
    struct arena *arena = &j->r.w->arena;
    const struct toml_node *cwd = t->c->cwd;
    struct request *copy = arena_alloc(arena, sizeof *copy);
    struct text text = TEXT_INIT;
    hay_status status = HAY_OK;
    *copy = t->c->request;
    if (cwd != NULL && cwd->text[0] != '\0') {
        text_clear(&text);
        status =
            put_path(j, t, cwd, cwd->text, strlen(cwd->text), false, &text);
        copy->cwd = arena_text(arena, text.data, text.length);
    }
    const char **env =
        arena_alloc(arena, (copy->env_count + 2) * sizeof(const char *));
    text_clear(&text);
    text_add_string(&text, "HQ_SUBMIT_DIR=");
    put(t, &text, j->folder);
    env[0] = arena_text(arena, text.data, text.length);
    for (size_t i = 0; i < copy->env_count; i++) {
        text_clear(&text);
        put(t, &text, copy->env[i]);
        env[i + 1] = arena_text(arena, text.data, text.length);
    }
    env[++copy->env_count] = NULL;
    copy->env = env;
    *request = copy;
    text_fini(&text);
    return status;
}

static hay_status
add_block(struct job *j, struct target *t, const struct span *span)
{
    struct workload *w = j->r.w;
    struct text name = TEXT_INIT;
    const struct request *request = NULL;
    uint32_t index;
    text_clear(&t->line);
    text_format(&name, "%s", j->name);
    if (!t->array) {
        text_format(&name, "[%" PRIu64 "]", t->id);
    }
    hay_status status = put_command(j, t);
    if (status == HAY_OK) {
        status = workload_check(w, t->node->line, t->line.length, j->r.fault);
    }
    if (status == HAY_OK) {
        status = make_request(j, t, &request);
    }
    if (status == HAY_OK) {
        struct block block = {
            .name = arena_text(&w->arena, name.data, name.length),
            .text = arena_text(&w->arena, t->line.data, t->line.length),
            .request = request,
            .first = t->array ? span->first : 0,
            .step = t->array ? span->step : 1,
            .count = t->array ? span->count : 1,
            .line = t->node->line,
            .array = t->array,
        };
        status = workload_add(w, &block, &index, j->r.fault);
    }
    if (status == HAY_OK && !t->array && !workload_name(w, index)) {
        status = FAULT(j,
                       t->node,
                       "the id %" PRIu64 " is taken by line %" PRIu32,
                       t->id,
                       w->blocks[workload_find(w, name.data)].line);
    }
    text_fini(&name);
    text_fini(&t->line);
    return status;
}

/* ---- [[task]] ---- */

static void find_id_max(struct job *j, const struct toml_node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        for (size_t k = 0; k < list->items[i].count; k++) {
            const struct toml_node *item = &list->items[i].items[k];
            if (strcmp(item->key, "id") == 0 && item->kind == TOML_INTEGER
                && item->integer > (int64_t)j->id_max) {
                j->id_max = (uint64_t)item->integer;
            }
        }
    }
}

static hay_status
add_deps(struct job *j, uint32_t block, const struct toml_node *deps)
{
    struct text name = TEXT_INIT;
    hay_status status = HAY_OK;
    for (size_t i = 0; deps != NULL && i < deps->count && status == HAY_OK;
         i++) {
        text_clear(&name);
        text_format(&name, "%s[%" PRId64 "]", j->name, deps->items[i].integer);
        uint32_t parent = workload_find(j->r.w, name.data);
        if (parent == NO_BLOCK) {
            status = FAULT(j,
                           &deps->items[i],
                           "deps: no task has the id %" PRId64,
                           deps->items[i].integer);
            break;
        }
        j->edges =
            mem_grow(j->edges, j->edge_count, &j->edge_room, sizeof *j->edges);
        j->edges[j->edge_count++] =
            (struct workload_edge){.child = block, .parent = parent};
    }
    text_fini(&name);
    return status;
}

static hay_status read_tasks(struct job *j, const struct toml_node *list)
{
    hay_status status = hq_want(&j->r, list, TOML_LIST);
    const struct toml_node **deps = mem_alloc(list->count, sizeof *deps);
    if (status == HAY_OK) {
        find_id_max(j, list);
    }
    for (size_t i = 0; i < list->count && status == HAY_OK; i++) {
        struct hq_config c;
        status = hq_config_read(&j->r, &list->items[i], false, &c);
        if (status != HAY_OK) {
            break;
        }
        struct target t = {.c = &c, .node = &list->items[i]};
        t.id = c.id != NULL ? (uint64_t)c.id->integer : ++j->id_max;
        deps[i] = c.deps;
        status = add_block(j, &t, NULL);
    }
    for (size_t i = 0; i < list->count && status == HAY_OK; i++) {
        status = add_deps(j, (uint32_t)i, deps[i]);
    }
    free(deps);
    return status;
}

/* ---- [array] ---- */

/* A number with _ between its digits, at *text. */
static bool take_number(const char **text, uint64_t *number)
{
    char digits[24];
    size_t length = 0;
    while (((**text >= '0' && **text <= '9') || (**text == '_' && length > 0))
           && length + 1 < sizeof digits) {
        digits[length] = **text;
        length += **text != '_';
        (*text)++;
    }
    digits[length] = '\0';
    return units_uint(digits, HQ_ID_MAX, number);
}

/* "N", "A-B" or "A-B:S" at *text. */
static bool take_span(const char **text, struct span *span)
{
    uint64_t last;
    *span = (struct span){.step = 1, .count = 1};
    *text += strspn(*text, " ");
    if (!take_number(text, &span->first)) {
        return false;
    }
    if (**text == '-') {
        ++*text;
        if (!take_number(text, &last) || last < span->first) {
            return false;
        }
        if (**text == ':') {
            ++*text;
            if (!take_number(text, &span->step) || span->step == 0
                || span->step > last - span->first) {
                return false;
            }
        }
        span->count = (last - span->first) / span->step + 1;
    }
    *text += strspn(*text, " ");
    return **text == ',' || **text == '\0';
}

static int number_compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* All ids of several spans, in order of the spans; NULL: some are the same, or
 * too many. */
static uint64_t *all_ids(const struct span *spans, size_t count, size_t total)
{
    uint64_t *ids = mem_alloc(total, sizeof *ids);
    uint64_t *sorted = mem_alloc(total, sizeof *sorted);
    size_t at = 0;
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        for (uint64_t k = 0; k < spans[i].count; k++) {
            ids[at++] = spans[i].first + k * spans[i].step;
        }
    }
    memcpy(sorted, ids, total * sizeof *ids);
    qsort(sorted, total, sizeof *sorted, number_compare);
    for (size_t i = 1; i < total; i++) {
        good = good && sorted[i] != sorted[i - 1];
    }
    free(sorted);
    if (!good) {
        free(ids);
        return NULL;
    }
    return ids;
}

/* spans: given (free()). */
static hay_status read_spans(struct job *j,
                             const struct toml_node *ids,
                             struct span **spans,
                             size_t *count,
                             uint64_t *total)
{
    struct span *list = NULL;
    size_t used = 0, room = 0;
    const char *text = ids->text;
    *total = 0;
    do {
        list = mem_grow(list, used, &room, sizeof *list);
        if (!take_span(&text, &list[used])) {
            free(list);
            return FAULT(
                j, ids, "bad value of ids (such as \"1-9,20,30-40:2\")");
        }
        *total += list[used++].count;
    } while (*text++ == ',');
    if (used > 1 && *total > IDS_MAX) {
        free(list);
        return FAULT(j, ids, "ids: several ranges have too many ids");
    }
    uint64_t *all = used > 1 ? all_ids(list, used, (size_t)*total) : NULL;
    if (used > 1 && all == NULL) {
        free(list);
        return FAULT(j, ids, "ids: one is there twice");
    }
    free(all);
    *spans = list;
    *count = used;
    return HAY_OK;
}

static hay_status add_entries(struct job *j,
                              const struct hq_config *c,
                              const struct toml_node *node,
                              const struct span *spans,
                              size_t count)
{
    hay_status status = HAY_OK;
    size_t entry = 0;
    for (size_t i = 0; i < count; i++) {
        for (uint64_t k = 0; k < spans[i].count && status == HAY_OK; k++) {
            struct target t = {.c = c,
                               .node = node,
                               .id = spans[i].first + k * spans[i].step,
                               .entry = c->entries->items[entry++].text};
            status = add_block(j, &t, NULL);
        }
    }
    return status;
}

static hay_status read_array(struct job *j, const struct toml_node *node)
{
    struct hq_config c;
    struct span one = {.step = 1};
    struct span *spans = NULL;
    size_t count = 1;
    uint64_t total;
    hay_status status = hq_config_read(&j->r, node, true, &c);
    if (status != HAY_OK) {
        return status;
    }
    size_t entries = c.entries != NULL ? c.entries->count : 0;
    if (c.ids == NULL && entries == 0) {
        return FAULT(j, node, "[array] wants ids, entries or both");
    }
    one.count = entries;
    total = entries;
    if (c.ids != NULL) {
        status = read_spans(j, c.ids, &spans, &count, &total);
    }
    if (status == HAY_OK && entries > 0 && total != entries) {
        status =
            FAULT(j, c.ids, "%" PRIu64 " ids for %zu entries", total, entries);
    }
    const struct span *list = spans != NULL ? spans : &one;
    if (status == HAY_OK && entries > 0) {
        status = add_entries(j, &c, node, list, count);
    }
    for (size_t i = 0; i < count && status == HAY_OK && entries == 0; i++) {
        struct target t = {.c = &c, .node = node, .array = true};
        status = add_block(j, &t, &list[i]);
    }
    free(spans);
    return status;
}

/* ---- the file ---- */

static hay_status read_top(struct job *j,
                           const struct toml_node *node,
                           const struct toml_node **tasks,
                           const struct toml_node **array)
{
    hay_status status = HAY_OK;
    if (strcmp(node->key, "task") == 0) {
        *tasks = node;
    } else if (strcmp(node->key, "array") == 0) {
        *array = node;
    } else if (strcmp(node->key, "name") == 0) {
        status = hq_want(&j->r, node, TOML_TEXT);
        if (status == HAY_OK && strlen(node->text) > NAME_MAX_BYTES) {
            status = FAULT(j, node, "name is too long");
        }
        if (status == HAY_OK && node->text[0] != '\0') {
            j->name = node->text;
        }
    } else if (strcmp(node->key, "max_fails") == 0) {
        status = hq_want(&j->r, node, TOML_INTEGER);
        if (status == HAY_OK && node->integer < 0) {
            status = FAULT(j, node, "max_fails is negative");
        }
        /* So many may fail, and one more stops the run. */
        j->r.w->max_fails = (uint64_t)node->integer + 1;
    } else if (strcmp(node->key, "data_layer") == 0
               && node->kind == TOML_BOOLEAN && !node->boolean) {
        status = HAY_OK;
    } else if (strcmp(node->key, "stream") == 0
               || strcmp(node->key, "data_layer") == 0) {
        status = FAULT(j,
                       node,
                       "%s is not supported%s",
                       node->key,
                       node->key[0] == 's'
                           ? ": what tasks print is in the run folder, few "
                             "files in all (hayfork output)"
                           : "");
    } else {
        status = FAULT(j, node, "unknown key '%.80s'", node->key);
    }
    return status;
}

static hay_status read_job(struct job *j, const struct toml_node *root)
{
    const struct toml_node *tasks = NULL;
    const struct toml_node *array = NULL;
    hay_status status = HAY_OK;
    for (size_t i = 0; i < root->count && status == HAY_OK; i++) {
        status = read_top(j, &root->items[i], &tasks, &array);
    }
    if (status == HAY_OK && tasks != NULL && array != NULL) {
        status = FAULT(j, array, "[array] and [[task]] in one file");
    }
    if (status == HAY_OK && array != NULL) {
        status = read_array(j, array);
    } else if (status == HAY_OK && tasks != NULL) {
        status = read_tasks(j, tasks);
    }
    if (status == HAY_OK && j->r.w->block_count == 0) {
        status = fault_at(j->r.fault, j->r.w->file, 1, "no task in the file");
    }
    if (status == HAY_OK) {
        workload_set_edges(j->r.w, j->edges, j->edge_count);
        status = workload_order(j->r.w, j->r.fault);
    }
    return status;
}

hay_status hqtoml_parse(const char *data,
                        size_t size,
                        const struct request *defaults,
                        struct workload *w,
                        struct fault *fault)
{
    struct job j = {.r = {.w = w, .fault = fault, .defaults = defaults},
                    .name = DEFAULT_NAME};
    struct toml_node root;
    hay_status status =
        tomlfile_parse(&w->arena, w->file, data, size, &root, fault);
    if (status != HAY_OK) {
        return status;
    }
    j.folder = getcwd(NULL, 0);
    if (j.folder == NULL) {
        return fault_set(fault, HAY_EIO, "the current folder has no name");
    }
    status = read_job(&j, &root);
    free(j.folder);
    free(j.edges);
    return status;
}
