/* openmp.h - how many threads OpenMP in a task's function may use.
 *
 * Owns: for each thread that runs tasks, what it was told last.
 * Never: needs OpenMP: the call is there only if the program brings it.
 * Threads: any; each is told for itself.
 */
#ifndef HAYI_WORKER_OPENMP_H
#define HAYI_WORKER_OPENMP_H

#include <stdint.h>

/* As many as the cores that the calling thread's task has; at least 1. */
void hayi_openmp_limit(uint32_t cores);

#endif
