/* amounts.h - what a task asks for beside whole numbers of cores and gpus: all
 * cores of a worker, a share of a gpu, named amounts, alternatives; put
 * together as the one text that the library wants.
 */
#ifndef APPS_AMOUNTS_H
#define APPS_AMOUNTS_H

#include "workload.h"

/* Each adds what it tells to the request, whose texts are copied to the arena.
 * false: the value is wrong. */

/* "4", "all" */
bool amounts_cores(struct arena *arena, struct request *r, const char *value);
/* "2", "0.5" */
bool amounts_gpus(struct arena *arena, struct request *r, const char *value);
/* So much of a named resource; takes the place of an earlier word for it. */
bool amounts_named(struct arena *arena,
                   struct request *r,
                   const char *name,
                   const char *value);
/* "gpus=2 | cores=16": what an alternative does not say, the others tell. */
bool amounts_request(struct arena *arena, struct request *r, const char *value);

#endif
