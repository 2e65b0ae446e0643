/* output.h - what a task of hay_array_map() has computed goes into its array.
 *
 * Owns: nothing.
 * Never: writes what is not the whole block.
 * Threads: the slot's own.
 */
#ifndef HAYI_WORKER_OUTPUT_H
#define HAYI_WORKER_OUTPUT_H

#include "worker/task.h"

/* The function has ended well, task->inputs->output is its block.  Into a file:
 * its chunks are written, the result is none.  In memory: of a block of several
 * chunks the result becomes as many.  HAY_ETYPE: it has not returned its block;
 * HAY_EIO, HAY_ENOMEM: it cannot be written (*farm is true then); all with
 * words in task->error.  May block on the disk. */
hay_status hayi_output_write(struct hay_task *task, bool *farm);

#endif
