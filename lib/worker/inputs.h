/* inputs.h - what the arguments of an attempt stand for: objects of the store,
 * boxes of chunked arrays, the block that it has to compute.
 *
 * Owns: pins of objects and mappings of files, from hayi_inputs_open() to
 *     hayi_inputs_close(); what is copied together lies in the slot's scratch.
 * Never: runs the function, fetches what is not on this node.
 * Threads: the slot's own.
 *
 * While they are open, the objects among the arguments name their pin where
 * they named their place.
 */
#ifndef HAYI_WORKER_INPUTS_H
#define HAYI_WORKER_INPUTS_H

#include "data/chunk_file.h"
#include "data/region.h"
#include "data/store.h"
#include "wire/value.h"

struct hay_task;
struct hayi_input_view;

/* One object among the arguments. */
struct hayi_pin {
    hayi_place place;
    const void *data; /* NULL: not pinned (any more) */
};

struct hayi_inputs {
    size_t count; /* arguments that the function sees */
    struct hayi_pin *pins;
    size_t pin_count, pin_room;
    struct hayi_input_view *views; /* of the regions, by argument */
    size_t view_count;
    const struct hayi_output_head *output; /* or NULL: no block to compute */
    const struct hayi_dataset *dataset;    /* that it writes; or NULL */
    bool staged; /* its result is not yet what is handed on */
};

/* Find the data of all arguments of a task with HAYI_TASK_DATA; may block on
 * the disk.  HAY_OK: task->inputs is set.  HAY_EEMPTY: objects are not on this
 * node, task->missing has their handles; nothing is open.  HAY_ETYPE,
 * HAY_EMISMATCH, HAY_EINVAL: the arguments are damaged; HAY_EIO, HAY_ENOMEM:
 * they cannot be read; all with words in task->error. */
hay_status hayi_inputs_open(struct hay_task *task);
void hayi_inputs_close(struct hay_task *task);

/* Argument 'index', or an element of it, as it was found in the task's bytes:
 * where its data are, and a region as the array that it is. */
void hayi_inputs_show(const struct hayi_inputs *inputs,
                      size_t index,
                      struct hayi_value *value);
/* Make of the objects in a copy of an argument what they were. */
hay_status hayi_inputs_restore(const struct hayi_inputs *inputs,
                               void *bytes,
                               size_t size,
                               struct hayi_error *err);

#endif
