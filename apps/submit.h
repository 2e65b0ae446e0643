/* submit.h - hands the tasks of a workload to the farm, one a call, parents
 * first, and keeps the futures that later tasks refer to.
 */
#ifndef APPS_SUBMIT_H
#define APPS_SUBMIT_H

#include "chunks.h"
#include "workload.h"

enum submit_work {
    SUBMIT_COMMANDS = 0,
    SUBMIT_SLEEP = 1, /* fakes of the recorded time */
    SUBMIT_SPIN = 2   /* the same time on the processor */
};

struct submit_kept;

/* A list of texts, expanded for a task, NULL-terminated. */
struct submit_list {
    struct text *texts;
    const char **list;
    size_t room;
};

struct submit {
    hay_executor *ex;
    hay_queue *queue;
    struct workload *w;
    enum submit_work work;
    double time_scale;
    struct chunks
        *chunks; /* brings chunks of datasets; borrowed, may be NULL */
    bool stream; /* blocks are added while it runs, in their order */

    size_t next_order;        /* place in w->order, or block if stream */
    uint64_t next_element;    /* of that block */
    struct submit_kept *kept; /* by block */
    size_t kept_count, kept_room;
    hay_future **after[2]; /* of the task being submitted; any: [1] */
    size_t after_count[2], after_room[2];
    struct text name, line, cwd, stdin_path, number, key;
    struct text rest; /* what a resumed run compares besides the key */
    struct submit_list env, in, out;
    const char **all_env; /* with the variables of datasets */
    size_t all_env_room;
    hay_future **inputs; /* tasks that write what this one reads */
    size_t input_count, input_room;
};

/* The blocks of a workload that is no stream, and which of its tasks are done,
 * must be known. */
void submit_init(struct submit *s,
                 hay_executor *ex,
                 hay_queue *queue,
                 struct workload *w,
                 enum submit_work work,
                 bool stream);
void submit_fini(struct submit *s);

/* Is every task of the workload (so far) submitted, or was done before? */
bool submit_done(const struct submit *s);

/* The options that a block's tasks are submitted with, but for their name and
 * edges. */
void submit_options(const struct submit *s,
                    const struct block *block,
                    hay_task_options *options);

/* Submit the next task.  user: its hay_future_user().  task: its number in the
 * workload.  future: given.  Any error of hay_submit_command(), worded as the
 * library did; the task is then left out if called again. */
hay_status submit_next(struct submit *s,
                       void *user,
                       uint64_t *task,
                       hay_future **future,
                       struct fault *fault);

#endif
