/* array_box.h - boxes of chunked arrays as arguments of tasks.
 *
 * A box becomes a group of arguments (data/region.h).  Of an array in memory it
 * refers to the chunks; a task that reads a file has to start after the tasks
 * that write the chunks there.
 *
 * Owns: counts of the futures that a box names, until it is dropped.
 * Never: waits, unless a submit does.
 * Threads: any; one box, one thread.
 */
#ifndef HAYI_CLIENT_ARRAY_BOX_H
#define HAYI_CLIENT_ARRAY_BOX_H

#include "client/array.h"
#include "data/region.h"

struct hayi_array_box {
    struct hayi_region_head head;
    hay_arg *list; /* the group: head, blob, chunks */
    size_t list_count, list_room;
    hay_future **held; /* counted: the chunks, or the writers in a file */
    size_t held_count, held_room;
    bool in_memory; /* held[] are arguments, not to be waited for besides */
};

/* What the caller means, not yet looked at; NULL: the whole array. */
void hayi_region_from(const hay_dataset *dataset,
                      const hay_region *region,
                      hay_region *out);
/* A copy to be sent: all that does not count, padding too, is 0. */
void hayi_region_tidy(const hay_region *region, hay_region *out);

/* box: all 0, or dropped.  HAY_EINVAL with words: not inside, a chunk that
 * nobody has computed; HAY_ENOMEM. */
hay_status hayi_array_box_set(struct hayi_array_box *box,
                              hay_dataset *dataset,
                              const hay_region *region,
                              struct hayi_error *err);
/* The box as an argument; borrows from it. */
hay_arg hayi_array_box_arg(const struct hayi_array_box *box);
/* Gives back the counts; its memory is kept for the next one. */
void hayi_array_box_drop(struct hayi_array_box *box);
void hayi_array_box_fini(struct hayi_array_box *box);

/* ---- arguments with boxes of hay_array_region() ------------------------- */

/* Are there any? */
bool hayi_array_among(hay_args args);

/* The arguments with groups instead of boxes, and what has to end before. */
struct hayi_array_args {
    hay_arg *list;
    size_t count;
    struct hayi_array_box *boxes;
    size_t box_count;
    hay_future **after; /* borrowed from the boxes */
    size_t after_count;
};
/* HAY_EINVAL, HAY_ENOMEM with words: nothing is left to free. */
hay_status hayi_array_args_init(struct hayi_array_args *expanded,
                                hay_executor *ex,
                                hay_args args,
                                struct hayi_error *err);
void hayi_array_args_fini(struct hayi_array_args *expanded);

/* hay_submit() of arguments with boxes. */
hay_status hayi_array_submit(hay_executor *ex,
                             hay_task_fn function,
                             hay_args args,
                             const hay_task_options *options,
                             hay_future **future);

#endif
