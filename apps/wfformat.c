/* wfformat.c - recorded workflows; see wfformat.h.
 *
 * An edge may be told by the parent's "children", by the child's "parents", or
 * by both.  Where a file has both kinds of lists and they disagree, it is
 * damaged and is refused: which of them is right cannot be known.  A task is
 * known by its "id", by its "name" where there is none (versions before 1.5
 * name tasks in parents and children).
 */
#include "config.h"

#include "taskfile.h"
#include "units.h"
#include "wfformat.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define RUNTIME_MAX_S 1e9

struct edge {
    uint32_t child, parent;
    bool from_child, from_parent;
};

struct reader {
    struct workload *w;
    struct fault *fault;
    const char *data; /* the text of the file */
    const json_t *tasks;
    const json_t *times; /* or NULL: the times stand in 'tasks' */
    struct edge *edges;
    size_t edge_count, edge_room;
    bool any_parents, any_children;
};

bool wfformat_guess(const char *data, size_t size)
{
    size_t i = 0;
    while (i < size && strchr(" \t\r\n", data[i]) != NULL && data[i] != '\0') {
        i++;
    }
    if (i == size || data[i] != '{') {
        return false;
    }
    i++;
    while (i < size && strchr(" \t\r\n", data[i]) != NULL && data[i] != '\0') {
        i++;
    }
    return i < size && (data[i] == '"' || data[i] == '}');
}

/* Is what stands before 'place' a colon: is it a value, not one of a list? */
static bool is_value(const char *data, const char *place)
{
    while (place > data && strchr(" \t\r\n", place[-1]) != NULL) {
        place--;
    }
    return place > data && place[-1] == ':';
}

/* The line of the first (or last) place where "text" stands as a value; else
 * of the first where it stands at all; else 1. */
static uint32_t
line_at(const struct reader *r, const char *text, bool want_last)
{
    struct text quoted = TEXT_INIT;
    uint32_t line = 1;
    text_format(&quoted, "\"%s\"", text);
    const char *place = strstr(r->data, quoted.data);
    const char *next = place;
    for (bool found = false; next != NULL && (want_last || !found);
         next = strstr(next + 1, quoted.data)) {
        if (is_value(r->data, next)) {
            place = next;
            found = true;
        }
    }
    for (const char *p = r->data; place != NULL && p < place; p++) {
        line += *p == '\n';
    }
    text_fini(&quoted);
    return line;
}

static uint32_t line_of(const struct reader *r, const char *text)
{
    return line_at(r, text, false);
}

#define FAULT(r, line, ...)                                                    \
    fault_at((r)->fault, (r)->w->file, line, __VA_ARGS__)

static const char *task_id(const json_t *task)
{
    const char *id = json_string_value(json_object_get(task, "id"));
    return id != NULL ? id : json_string_value(json_object_get(task, "name"));
}

/* Recorded seconds of 'task'; 1.5: runtimeInSeconds, before also runtime. */
static hay_status
read_time(struct reader *r, const json_t *task, const char *id, uint64_t *ns)
{
    const json_t *value = json_object_get(task, "runtimeInSeconds");
    if (value == NULL) {
        value = json_object_get(task, "runtime");
    }
    if (!json_is_number(value)) {
        return FAULT(r,
                     line_at(r, id, true),
                     "task '%.80s' has no runtimeInSeconds",
                     id);
    }
    double seconds = json_number_value(value);
    if (!(seconds >= 0 && seconds <= RUNTIME_MAX_S)) {
        return FAULT(r,
                     line_at(r, id, true),
                     "task '%.80s' has runtimeInSeconds %g",
                     id,
                     seconds);
    }
    *ns = (uint64_t)(seconds * 1e9 + 0.5);
    return HAY_OK;
}

static hay_status add_task(struct reader *r, size_t index, const json_t *task)
{
    static const struct request plain = REQUEST_INIT;
    const char *id = task_id(task);
    uint32_t block_index;
    if (!json_is_object(task) || id == NULL || id[0] == '\0') {
        return FAULT(r, 1, "task %zu has no id", index + 1);
    }
    struct block block = {
        .name = arena_string(&r->w->arena, id),
        .request = &plain,
        .step = 1,
        .count = 1,
        .line = 1,
    };
    if (r->times == NULL) {
        hay_status status = read_time(r, task, id, &block.duration_ns);
        if (status != HAY_OK) {
            return status;
        }
    }
    hay_status status = workload_add(r->w, &block, &block_index, r->fault);
    if (status == HAY_OK && !workload_name(r->w, block_index)) {
        status = FAULT(
            r, line_of(r, id), "the task id '%.80s' stands there twice", id);
    }
    return status;
}

/* Version 1.5: the times are a list of their own. */
static hay_status add_times(struct reader *r)
{
    size_t index;
    const json_t *record;
    unsigned char *timed = mem_alloc(r->w->block_count, 1);
    hay_status status = HAY_OK;
    memset(timed, 0, r->w->block_count);
    json_array_foreach(r->times, index, record)
    {
        const char *id = task_id(record);
        uint32_t block = id == NULL ? NO_BLOCK : workload_find(r->w, id);
        if (id == NULL) {
            status = FAULT(r, 1, "executed task %zu has no id", index + 1);
        } else if (block == NO_BLOCK) {
            status = FAULT(r,
                           line_of(r, id),
                           "executed task '%.80s' is not specified",
                           id);
        } else if (timed[block]) {
            status =
                FAULT(r, line_of(r, id), "task '%.80s' is executed twice", id);
        } else {
            timed[block] = 1;
            status = read_time(r, record, id, &r->w->blocks[block].duration_ns);
        }
        if (status != HAY_OK) {
            break;
        }
    }
    for (size_t i = 0; i < r->w->block_count && status == HAY_OK; i++) {
        if (!timed[i]) {
            const char *id = r->w->blocks[i].name;
            status = FAULT(
                r, line_of(r, id), "task '%.80s' has no runtimeInSeconds", id);
        }
    }
    free(timed);
    return status;
}

/* ---- edges ---- */

/* The list 'key' of a task's relatives; each becomes an edge. */
static hay_status add_relatives(struct reader *r,
                                uint32_t block,
                                const json_t *task,
                                const char *key,
                                bool parents)
{
    const json_t *list = json_object_get(task, key);
    const char *id = r->w->blocks[block].name;
    size_t index;
    const json_t *item;
    if (list == NULL || json_is_null(list)) {
        return HAY_OK;
    }
    if (!json_is_array(list)) {
        return FAULT(
            r, line_of(r, id), "%s of task '%.80s' are no list", key, id);
    }
    *(parents ? &r->any_parents : &r->any_children) = true;
    json_array_foreach(list, index, item)
    {
        const char *other = json_string_value(item);
        uint32_t found = other == NULL ? NO_BLOCK : workload_find(r->w, other);
        if (found == NO_BLOCK) {
            return FAULT(r,
                         line_of(r, other == NULL ? id : other),
                         "unknown task '%.80s' in %s of '%.80s'",
                         other == NULL ? "?" : other,
                         key,
                         id);
        }
        r->edges =
            mem_grow(r->edges, r->edge_count, &r->edge_room, sizeof *r->edges);
        r->edges[r->edge_count++] = (struct edge){
            .child = parents ? block : found,
            .parent = parents ? found : block,
            .from_child = parents,
            .from_parent = !parents,
        };
    }
    return HAY_OK;
}

static int edge_compare(const void *a, const void *b)
{
    const struct edge *x = a;
    const struct edge *y = b;
    if (x->child != y->child) {
        return x->child < y->child ? -1 : 1;
    }
    return x->parent < y->parent ? -1 : x->parent > y->parent;
}

/* Sort, and join what both sides told. */
static void join_edges(struct reader *r)
{
    size_t kept = 0;
    if (r->edge_count == 0) {
        return;
    }
    qsort(r->edges, r->edge_count, sizeof *r->edges, edge_compare);
    for (size_t i = 1; i < r->edge_count; i++) {
        struct edge *last = &r->edges[kept];
        if (edge_compare(last, &r->edges[i]) == 0) {
            last->from_child |= r->edges[i].from_child;
            last->from_parent |= r->edges[i].from_parent;
        } else {
            r->edges[++kept] = r->edges[i];
        }
    }
    r->edge_count = kept + 1;
}

static hay_status check_edge(struct reader *r, const struct edge *edge)
{
    const char *child = r->w->blocks[edge->child].name;
    const char *parent = r->w->blocks[edge->parent].name;
    if (!r->any_parents || !r->any_children
        || (edge->from_child && edge->from_parent)) {
        return HAY_OK;
    }
    if (edge->from_child) {
        return FAULT(r,
                     line_of(r, child),
                     "'%.80s' has the parent '%.80s', which lacks it among its "
                     "children",
                     child,
                     parent);
    }
    return FAULT(r,
                 line_of(r, parent),
                 "'%.80s' has the child '%.80s', which lacks it among its "
                 "parents",
                 parent,
                 child);
}

/* Edges into the workload, in the order of the blocks. */
static hay_status add_edges(struct reader *r)
{
    struct workload *w = r->w;
    hay_status status = HAY_OK;
    size_t index;
    const json_t *task;
    json_array_foreach(r->tasks, index, task)
    {
        status = add_relatives(r, (uint32_t)index, task, "parents", true);
        if (status == HAY_OK) {
            status = add_relatives(r, (uint32_t)index, task, "children", false);
        }
        if (status != HAY_OK) {
            return status;
        }
    }
    join_edges(r);
    w->deps = mem_resize(w->deps, r->edge_count, sizeof *w->deps);
    w->dep_room = r->edge_count;
    for (size_t i = 0; i < r->edge_count; i++) {
        const struct edge *edge = &r->edges[i];
        struct block *child = &w->blocks[edge->child];
        status = check_edge(r, edge);
        if (status != HAY_OK) {
            return status;
        }
        if (child->dep_count++ == 0) {
            child->dep_first = (uint32_t)i;
        }
        w->blocks[edge->parent].users++;
        w->deps[w->dep_count++] =
            (struct dep){.block = edge->parent, .count = 1};
    }
    return HAY_OK;
}

/* ---- files ---- */

/* Find the lists of tasks and times. */
static hay_status find_lists(struct reader *r, const json_t *root)
{
    const json_t *workflow = json_object_get(root, "workflow");
    if (!json_is_object(workflow)) {
        return FAULT(r, 1, "no \"workflow\" in it: not WfFormat");
    }
    const json_t *spec = json_object_get(workflow, "specification");
    if (spec == NULL) {
        r->tasks = json_object_get(workflow, "tasks");
        if (r->tasks == NULL) {
            r->tasks = json_object_get(workflow, "jobs");
        }
        return json_is_array(r->tasks)
                   ? HAY_OK
                   : FAULT(r,
                           line_of(r, "workflow"),
                           "no list \"tasks\" in \"workflow\"");
    }
    r->tasks = json_object_get(spec, "tasks");
    if (!json_is_array(r->tasks)) {
        return FAULT(r,
                     line_of(r, "specification"),
                     "no list \"tasks\" in \"specification\"");
    }
    const json_t *execution = json_object_get(workflow, "execution");
    r->times = json_object_get(execution, "tasks");
    if (!json_is_array(r->times)) {
        return FAULT(r,
                     line_of(r, "execution"),
                     "no list \"tasks\" in \"execution\": nothing is recorded");
    }
    return HAY_OK;
}

static hay_status read_lists(struct reader *r, const json_t *root)
{
    size_t index;
    const json_t *task;
    hay_status status = find_lists(r, root);
    if (status != HAY_OK) {
        return status;
    }
    if (json_array_size(r->tasks) == 0) {
        return FAULT(r, line_of(r, "tasks"), "no task in the file");
    }
    json_array_foreach(r->tasks, index, task)
    {
        status = add_task(r, index, task);
        if (status != HAY_OK) {
            return status;
        }
    }
    if (r->times != NULL) {
        status = add_times(r);
    }
    return status == HAY_OK ? add_edges(r) : status;
}

/* Lines for messages about cycles only: found when there is one. */
static hay_status order_tasks(struct reader *r)
{
    struct fault found;
    hay_status status = workload_order(r->w, &found);
    if (status == HAY_OK) {
        return HAY_OK;
    }
    const char *quote = strchr(found.text, '\'');
    const char *end = quote == NULL ? NULL : strchr(quote + 1, '\'');
    struct text id = TEXT_INIT;
    if (end != NULL) {
        text_add(&id, quote + 1, (size_t)(end - quote - 1));
    }
    uint32_t line = end == NULL ? 1 : line_of(r, id.data);
    const char *words = strstr(found.text, "a cycle");
    FAULT(r, line, "%s", words == NULL ? found.text : words);
    text_fini(&id);
    return status;
}

hay_status
wfformat_read(const char *path, struct workload *w, struct fault *fault)
{
    char *data = NULL;
    size_t size = 0;
    json_error_t error;
    hay_status status = file_read(path, &data, &size, fault);
    if (status != HAY_OK) {
        return status;
    }
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
    if (size == 0) {
        status = fault_at(fault, w->file, 1, "the file is empty");
    } else if (root == NULL) {
        status = fault_at(fault,
                          w->file,
                          error.line > 0 ? (uint64_t)error.line : 1,
                          "not JSON: %s",
                          error.text);
    } else {
        struct reader r = {.w = w, .fault = fault, .data = data};
        status = read_lists(&r, root);
        if (status == HAY_OK) {
            status = order_tasks(&r);
        }
        free(r.edges);
    }
    json_decref(root);
    free(data);
    return status;
}
