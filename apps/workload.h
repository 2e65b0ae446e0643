/* workload.h - what is to be run: tasks, their requests and their edges.
 *
 * Tasks come in blocks.  A block is one task, or an array of tasks that differ
 * by an index only; it costs the same memory whatever its count.  Edges lead
 * from blocks to blocks, since every element of an array has the same ones:
 * to some elements of another block, or each to the element with its own
 * index, or to those that write the files that it reads.  One order of the
 * blocks is an order of the tasks, and a cycle among blocks is refused.
 *
 * Filled by taskfile.c, wfformat.c and the readers of other tools' files,
 * submitted by farm.c.  Tasks of it may count as done already: a resumed run
 * marks them before it begins.
 */
#ifndef APPS_WORKLOAD_H
#define APPS_WORKLOAD_H

#include "arena.h"
#include "fault.h"

#define WORKLOAD_TASKS_MAX  ((uint64_t)1 << 40)
#define WORKLOAD_BLOCKS_MAX ((size_t)UINT32_MAX - 1)
#define NO_BLOCK            UINT32_MAX
/* The longest string that Linux hands to a program, here to /bin/sh -c. */
#define WORKLOAD_COMMAND_MAX ((size_t)131071)

/* What a task asks for; many tasks may share one. */
struct request {
    uint32_t cores; /* at least 1 */
    uint32_t gpus;
    const char *const *amounts; /* "NAME=AMOUNT", amount_count; see amounts.h */
    size_t amount_count;
    const char *alternatives; /* NULL: none */
    const char *amounts_text; /* both as one; NULL: nothing */
    uint32_t retries;
    int32_t priority;
    uint64_t memory_bytes;
    uint64_t time_limit_ns;      /* 0: none */
    uint64_t grace_ns;           /* 0: the library's */
    uint64_t warn_ns;            /* before the end of work; 0: not */
    uint64_t memory_limit_bytes; /* 0: none */
    uint32_t memory_retries;
    bool enforce_memory; /* memory_bytes is the limit where there is none */
    uint64_t output_limit_bytes; /* 0: none */
    uint64_t retry_pause_ns;
    bool once;              /* it must not run twice */
    const char *cwd;        /* NULL: where hayfork was started */
    const char *stdin_path; /* NULL: /dev/null */
    const char *const *env; /* "NAME=VALUE", env_count of them, then NULL */
    size_t env_count;
};

#define REQUEST_INIT                                                           \
    {                                                                          \
        .cores = 1                                                             \
    }

/* An edge: this block's tasks come after tasks of 'block'. */
struct dep {
    uint32_t block;
    bool any;              /* the end is enough, success is not needed */
    bool same;             /* element i after the element with the same index */
    uint64_t first, count; /* if not same: elements of 'block', from 0 */
};

/* What the tasks of a block read and write: names as they were given, to be
 * expanded for each element. */
struct block_files {
    const char *const *in;      /* without what follows */
    const char *const *dataset; /* [in_count]: "/DATASET" of FILE:/DATASET#N,
                                   NULL: none */
    const char *const *chunk;   /* [in_count]: "N"; NULL: all of it */
    bool datasets;              /* there are some */
    size_t in_count;
    const char *const *out;
    size_t out_count;
    uint32_t *makers; /* blocks that write what is read; malloc'ed */
    size_t maker_count, maker_room;
};

struct block {
    const char *name; /* NULL: none */
    const char *text; /* the command; NULL: a task that only takes time, and as
                         a command none: what others come after */
    const struct request *request;
    struct block_files *files; /* NULL: none */
    uint64_t first_task; /* number in the workload of its first task, from 0 */
    uint64_t first, step, count; /* indices of an array; else 0, 1, 1 */
    const char *source;          /* the command as another tool would tell it,
                                    where 'text' is more than that; or NULL */
    uint64_t duration_ns;        /* recorded time */
    uint32_t line;
    uint32_t dep_first, dep_count;
    uint32_t users;      /* how many edges lead here */
    uint32_t number;     /* of another tool, see number_name */
    unsigned char *done; /* a bit an element, malloc'ed; NULL: none is */
    bool array;
};

/* A command that runs once on each worker, see eachworker.h. */
struct worker_command {
    const char *text;
    uint32_t line;
    bool stop; /* after the last task, not before the first one */
};

struct workload_name;
struct files;

struct workload {
    const char *file; /* for messages; borrowed */
    struct arena arena;
    struct block *blocks;
    size_t block_count, block_room;
    struct dep *deps;
    size_t dep_count, dep_room;
    uint64_t task_count;
    uint64_t done_count; /* of them: workload_set_done() */
    uint64_t max_fails;  /* failed ones that stop the run, as the file says; 0:
                            it does not */
    struct worker_command *worker_commands; /* malloc'ed */
    size_t worker_command_count, worker_command_room;
    const char *worker_env;  /* "NAME=VALUE" that they see */
    const char *number_name; /* commands see the number of their block in a
                                variable of this name; NULL: not */
    const char *number_env;  /* ... and this, "NAME=VALUE", the same for all */
    uint32_t *order; /* order[block_count], parents first; workload_order() */
    struct workload_name *names;
    struct files *files; /* of files.h; NULL: no task names any */
};

void workload_init(struct workload *w, const char *file);
void workload_fini(struct workload *w);

/* Append a block with w's next task number; its first_task is set here.
 * Edges: those appended by workload_add_dep() after this call.  Returns its
 * index.  HAY_EINVAL: too many tasks. */
hay_status workload_add(struct workload *w,
                        const struct block *block,
                        uint32_t *index,
                        struct fault *fault);
/* Is a command of this length short enough?  HAY_EINVAL: no. */
hay_status workload_check(const struct workload *w,
                          uint32_t line,
                          size_t length,
                          struct fault *fault);
/* An edge of the block that was added last. */
void workload_add_dep(struct workload *w, const struct dep *dep);

/* The edges of all blocks at once, where they are known at the end only.
 * edges[count]: in any order, which changes; one that stands there twice counts
 * once.  No block has edges before. */
struct workload_edge {
    uint32_t child, parent;
};
void workload_set_edges(struct workload *w,
                        struct workload_edge *edges,
                        size_t count);

/* Names: lookup gives NO_BLOCK if there is none.  workload_name() makes the
 * block known by its name; false: the name is taken already. */
uint32_t workload_find(const struct workload *w, const char *name);
bool workload_name(struct workload *w, uint32_t block);

/* Is there an element with this index, and which (from 0)? */
bool block_element(const struct block *block,
                   uint64_t index,
                   uint64_t *element);
/* Has 'block' an element for each index of 'user'? */
bool block_covers(const struct block *block, const struct block *user);

/* Find an order of all blocks with parents first, as near to the order of the
 * file as can be, into w->order.  HAY_EINVAL: a cycle, with the tasks on it. */
hay_status workload_order(struct workload *w, struct fault *fault);

/* Count a task, by its number, as done already: it is not submitted, and what
 * comes after it does not wait for it.  Once or more often. */
void workload_set_done(struct workload *w, uint64_t task);
bool block_is_done(const struct block *block, uint64_t element);

/* The blocks that come before a block: edges, then makers of its files. */
size_t block_parent_count(const struct block *block);
uint32_t
block_parent(const struct workload *w, const struct block *block, size_t i);

/* The block of a task by its number. */
uint32_t workload_block_of(const struct workload *w, uint64_t task);

/* The name of element 'element': "sim[7]"; "" if it has none. */
void block_element_name(const struct block *block,
                        uint64_t element,
                        struct text *name);
/* Text of an element: in arrays {n} becomes the index (not after $) and {{ a
 * brace. */
void block_expand(const struct block *block,
                  uint64_t element,
                  const char *template,
                  struct text *text);
/* Append 'literal' to a template, so that block_expand() gives it back: of a
 * block that is an array. */
void block_literal(struct text *template, const char *literal);

#endif
