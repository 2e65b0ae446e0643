/* chunks.h - datasets of HDF5 files as inputs of commands: of FILE:/DATASET the
 * command learns the name, of FILE:/DATASET#N it gets chunk N as a file of its
 * own, made before it starts and removed after it has ended.
 *
 * The chunk is brought by a task that has it as an argument, and written by
 * hay_persist() to RUN FOLDER/chunks/TASK.K.h5, K being the number of the in=.
 */
#ifndef APPS_CHUNKS_H
#define APPS_CHUNKS_H

#include "workload.h"

struct chunks;

/* ex, w: borrowed.  run_folder: there already; NULL: no chunks can be had. */
struct chunks *
chunks_new(hay_executor *ex, struct workload *w, const char *run_folder);
/* Removes the folder of the chunks.  NULL is fine. */
void chunks_free(struct chunks *c);

/* Are the datasets there that the tasks of this block read, and have they these
 * chunks?  Those of files that a task has yet to write are not looked at.
 * HAY_EINVAL: fault has the line. */
hay_status chunks_check(struct chunks *c, uint32_t block, struct fault *fault);

/* Submit what brings the chunks of a task; bring false: say only what they are.
 * What is written is borrowed until the next call: env: further variables,
 * NULL-terminated; paths[in_count]: instead of what in= says, or NULL;
 * identity: file (with size and time), dataset and number of each chunk, a line
 * each; futures[*count] must have finished before the task, given
 * (hay_future_release).  Errors as chunks_check() and of hay_submit(). */
struct chunks_inputs {
    const char *const *env;
    const char *const *paths;
    const char *identity; /* "": it reads no chunk */
    hay_future **futures;
    size_t future_count;
};
hay_status chunks_submit(struct chunks *c,
                         uint32_t block,
                         uint64_t element,
                         bool bring,
                         struct chunks_inputs *inputs,
                         struct fault *fault);
/* The task has ended: its files go. */
void chunks_ended(struct chunks *c, uint32_t block, uint64_t element);

#endif
