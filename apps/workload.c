/* workload.c - what is to be run; see workload.h.
 *
 * The order is a depth-first walk over parents in the order of the file, with
 * a stack of its own (a chain may have a million links).  A parent that is met
 * while it is still on the stack closes a cycle, and the stack names it.
 */
#include "config.h"

#include "files.h"
#include "workload.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define CYCLE_NAMES_MAX 8

struct workload_name {
    const char *name;
    uint32_t block;
    UT_hash_handle hh;
};

void workload_init(struct workload *w, const char *file)
{
    *w = (struct workload){.file = file, .arena = ARENA_INIT};
}

void workload_fini(struct workload *w)
{
    HASH_CLEAR(hh, w->names);
    for (size_t i = 0; i < w->block_count; i++) {
        if (w->blocks[i].files != NULL) {
            free(w->blocks[i].files->makers);
        }
        free(w->blocks[i].done);
    }
    files_fini(w);
    free(w->blocks);
    free(w->deps);
    free(w->order);
    free(w->worker_commands);
    arena_fini(&w->arena);
    *w = (struct workload){.file = NULL};
}

hay_status workload_add(struct workload *w,
                        const struct block *block,
                        uint32_t *index,
                        struct fault *fault)
{
    if (w->block_count == WORKLOAD_BLOCKS_MAX
        || block->count > WORKLOAD_TASKS_MAX - w->task_count) {
        return fault_at(fault, w->file, block->line, "too many tasks");
    }
    w->blocks =
        mem_grow(w->blocks, w->block_count, &w->block_room, sizeof *w->blocks);
    struct block *added = &w->blocks[w->block_count];
    *added = *block;
    added->first_task = w->task_count;
    added->dep_first = (uint32_t)w->dep_count;
    added->dep_count = 0;
    added->users = 0;
    w->task_count += block->count;
    *index = (uint32_t)w->block_count++;
    return HAY_OK;
}

hay_status workload_check(const struct workload *w,
                          uint32_t line,
                          size_t length,
                          struct fault *fault)
{
    if (length > WORKLOAD_COMMAND_MAX) {
        return fault_at(fault,
                        w->file,
                        line,
                        "a command of %zu bytes; the system takes at most %zu",
                        length,
                        WORKLOAD_COMMAND_MAX);
    }
    return HAY_OK;
}

void workload_add_dep(struct workload *w, const struct dep *dep)
{
    w->deps = mem_grow(w->deps, w->dep_count, &w->dep_room, sizeof *w->deps);
    w->deps[w->dep_count++] = *dep;
    w->blocks[w->block_count - 1].dep_count++;
}

static int edge_compare(const void *a, const void *b)
{
    const struct workload_edge *x = a;
    const struct workload_edge *y = b;
    if (x->child != y->child) {
        return x->child < y->child ? -1 : 1;
    }
    return x->parent < y->parent ? -1 : x->parent > y->parent;
}

void workload_set_edges(struct workload *w,
                        struct workload_edge *edges,
                        size_t count)
{
    if (count == 0) {
        return;
    }
    qsort(edges, count, sizeof *edges, edge_compare);
    w->deps = mem_resize(w->deps, count, sizeof *w->deps);
    w->dep_room = count;
    for (size_t i = 0; i < count; i++) {
        struct block *child = &w->blocks[edges[i].child];
        struct block *parent = &w->blocks[edges[i].parent];
        if (i > 0 && edge_compare(&edges[i - 1], &edges[i]) == 0) {
            continue;
        }
        if (child->dep_count++ == 0) {
            child->dep_first = (uint32_t)w->dep_count;
        }
        parent->users++;
        w->deps[w->dep_count++] =
            (struct dep){.block = edges[i].parent, .count = parent->count};
    }
}

uint32_t workload_find(const struct workload *w, const char *name)
{
    struct workload_name *found;
    HASH_FIND_STR(w->names, name, found);
    return found == NULL ? NO_BLOCK : found->block;
}

bool workload_name(struct workload *w, uint32_t block)
{
    const char *name = w->blocks[block].name;
    size_t length = strlen(name);
    struct workload_name *found;
    unsigned hash;
    HASH_VALUE(name, length, hash);
    HASH_FIND_BYHASHVALUE(hh, w->names, name, length, hash, found);
    if (found != NULL) {
        return false;
    }
    struct workload_name *entry = arena_alloc(&w->arena, sizeof *entry);
    entry->name = name;
    entry->block = block;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, w->names, entry->name, length, hash, entry);
    return true;
}

bool block_element(const struct block *block, uint64_t index, uint64_t *element)
{
    if (index < block->first || (index - block->first) % block->step != 0
        || (index - block->first) / block->step >= block->count) {
        return false;
    }
    *element = (index - block->first) / block->step;
    return true;
}

bool block_covers(const struct block *block, const struct block *user)
{
    uint64_t element;
    uint64_t last = user->first + (user->count - 1) * user->step;
    return block_element(block, user->first, &element)
           && block_element(block, last, &element)
           && (user->count == 1 || user->step % block->step == 0);
}

void workload_set_done(struct workload *w, uint64_t task)
{
    struct block *block = &w->blocks[workload_block_of(w, task)];
    uint64_t element = task - block->first_task;
    if (block->done == NULL) {
        size_t size = (size_t)(block->count / 8 + 1);
        block->done = mem_alloc(size, 1);
        memset(block->done, 0, size);
    }
    if (!block_is_done(block, element)) {
        block->done[element / 8] |= (unsigned char)(1U << element % 8);
        w->done_count++;
    }
}

bool block_is_done(const struct block *block, uint64_t element)
{
    return block->done != NULL
           && (block->done[element / 8] >> element % 8 & 1) != 0;
}

/* ---- order ---- */

size_t block_parent_count(const struct block *block)
{
    return block->dep_count
           + (block->files != NULL ? block->files->maker_count : 0);
}

uint32_t
block_parent(const struct workload *w, const struct block *block, size_t i)
{
    return i < block->dep_count ? w->deps[block->dep_first + i].block
                                : block->files->makers[i - block->dep_count];
}

struct visit {
    uint32_t block;
    size_t next; /* edge to look at next */
};

/* "'sim'", or "line 7" of one without a name. */
static void add_label(struct text *text, const struct block *block)
{
    if (block->name != NULL) {
        text_format(text, "'%s'", block->name);
    } else {
        text_format(text, "line %" PRIu32, block->line);
    }
}

enum mark { NEW = 0, OPEN = 1, DONE = 2 };

static hay_status cycle_found(const struct workload *w,
                              const struct visit *stack,
                              size_t depth,
                              uint32_t closing,
                              struct fault *fault)
{
    struct text text = TEXT_INIT;
    size_t start = depth;
    while (stack[start - 1].block != closing) {
        start--;
    }
    start--; /* stack[start] is 'closing' */
    for (size_t i = start; i < depth; i++) {
        if (i - start == CYCLE_NAMES_MAX) {
            text_format(&text, "(%zu more) after ", depth - i);
            break;
        }
        add_label(&text, &w->blocks[stack[i].block]);
        text_add_string(&text, " after ");
    }
    add_label(&text, &w->blocks[closing]);
    fault_at(fault,
             w->file,
             w->blocks[closing].line,
             "a cycle of tasks: %s",
             text.data);
    text_fini(&text);
    return HAY_EINVAL;
}

/* Push 'block' and all above it that is new; pop what has no parents left. */
static hay_status visit_from(struct workload *w,
                             uint32_t block,
                             unsigned char *marks,
                             struct visit *stack,
                             size_t *placed,
                             struct fault *fault)
{
    size_t depth = 0;
    stack[depth++] = (struct visit){block, 0};
    marks[block] = OPEN;
    while (depth > 0) {
        struct visit *top = &stack[depth - 1];
        const struct block *b = &w->blocks[top->block];
        if (top->next == block_parent_count(b)) {
            marks[top->block] = DONE;
            w->order[(*placed)++] = top->block;
            depth--;
            continue;
        }
        uint32_t parent = block_parent(w, b, top->next++);
        if (marks[parent] == OPEN) {
            return cycle_found(w, stack, depth, parent, fault);
        }
        if (marks[parent] == NEW) {
            marks[parent] = OPEN;
            stack[depth++] = (struct visit){parent, 0};
        }
    }
    return HAY_OK;
}

hay_status workload_order(struct workload *w, struct fault *fault)
{
    size_t placed = 0;
    hay_status status = HAY_OK;
    unsigned char *marks = mem_alloc(w->block_count, 1);
    struct visit *stack = mem_alloc(w->block_count, sizeof *stack);
    memset(marks, NEW, w->block_count);
    w->order = mem_resize(w->order, w->block_count, sizeof *w->order);
    for (size_t i = 0; i < w->block_count && status == HAY_OK; i++) {
        if (marks[i] == NEW) {
            status = visit_from(w, (uint32_t)i, marks, stack, &placed, fault);
        }
    }
    free(stack);
    free(marks);
    return status;
}

uint32_t workload_block_of(const struct workload *w, uint64_t task)
{
    size_t low = 0;
    size_t high = w->block_count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (w->blocks[middle].first_task <= task) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return (uint32_t)low;
}

/* ---- texts ---- */

void block_element_name(const struct block *block,
                        uint64_t element,
                        struct text *name)
{
    text_clear(name);
    if (block->name == NULL) {
        return;
    }
    text_add_string(name, block->name);
    if (block->array) {
        text_format(
            name, "[%" PRIu64 "]", block->first + element * block->step);
    }
}

void block_expand(const struct block *block,
                  uint64_t element,
                  const char *template,
                  struct text *text)
{
    const char *brace;
    text_clear(text);
    if (!block->array) {
        text_add_string(text, template);
        return;
    }
    const char *start = template;
    while ((brace = strchr(template, '{')) != NULL) {
        if (brace > start && brace[-1] == '$') {
            text_add(text, template, (size_t)(brace + 1 - template));
            template = brace + 1;
        } else if (brace[1] == '{') {
            text_add(text, template, (size_t)(brace + 1 - template));
            template = brace + 2;
        } else if (brace[1] == 'n' && brace[2] == '}') {
            text_add(text, template, (size_t)(brace - template));
            text_format(text, "%" PRIu64, block->first + element * block->step);
            template = brace + 3;
        } else {
            text_add(text, template, (size_t)(brace + 1 - template));
            template = brace + 1;
        }
    }
    text_add_string(text, template);
}

void block_literal(struct text *template, const char *literal)
{
    for (; *literal != '\0'; literal++) {
        bool dollar =
            template->length > 0 && template->data[template->length - 1] == '$';
        text_add(template, literal, 1);
        if (*literal == '{' && !dollar) {
            text_add(template, literal, 1);
        }
    }
}
