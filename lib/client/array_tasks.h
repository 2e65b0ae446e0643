/* array_tasks.h - the tasks of our own that end a map over an array, and
 * hay_array_flush().
 *
 * After the tasks of all blocks: one that waits for a thousand others each,
 * while there are more; where several nodes have written a file, one on each
 * worker that brings it to the disk; then the last one, which is the map's
 * future, and marks a file complete that is.
 *
 * Owns: nothing.
 * Never: looks at what the blocks are.
 * Threads: any.
 */
#ifndef HAYI_CLIENT_ARRAY_TASKS_H
#define HAYI_CLIENT_ARRAY_TASKS_H

#include "client/array.h"

enum { HAYI_ARRAY_GATHER_MAX = 1000 }; /* tasks that one of them waits for */

/* What stands in a task's record where it has no function. */
hay_status hayi_array_copy_task(hay_task *task);

/* The end of a map whose tasks are tasks[count] (borrowed).  output: NULL if
 * nothing is written.  name, priority, queue: of the map.  map: given. */
hay_status hayi_array_end(hay_executor *ex,
                          hay_future *const *tasks,
                          size_t count,
                          hay_dataset *output,
                          const hay_array_map_options *options,
                          hay_future **map);

#endif
