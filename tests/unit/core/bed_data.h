/* bed_data.h - the bench of bed.h, for nodes and objects.
 *
 * Owns: nothing; the places that it gives to objects count up from 1.
 * Never: lets a step pass without hayi_sched_check().
 * Threads: one.
 */
#ifndef HAYI_TESTS_CORE_BED_DATA_H
#define HAYI_TESTS_CORE_BED_DATA_H

#include "bed.h"

#define MIB (1u << 20)

/* CUnit set-up: 4 nodes at most, the manager is on node 0. */
void bed_data_setup(void);
void bed_join_on(uint32_t worker, uint32_t cores, uint32_t node);
/* An object of the client on a node. */
hayi_object bed_put(uint32_t node, uint64_t bytes);
hayi_object bed_put_soft(uint32_t node, uint64_t bytes);
/* Submit a task of one core with the objects as inputs (0 ends the list), and
 * answer which they are. */
void bed_use(uint64_t id, const hayi_object *list);
/* The same with one or two objects, 0 for none. */
void bed_use2(uint64_t id, hayi_object a, hayi_object b);
void bed_inputs(uint64_t id, const hayi_object *list);
/* The task that was handed out last under this id finishes, having made
 * 'count' objects. */
void bed_made(uint64_t id, size_t count, uint64_t bytes, hayi_object *objects);
void bed_moved(uint32_t transfer, hay_status status);
/* It took so long. */
void bed_moved_in(uint32_t transfer, uint64_t run_ns);
void bed_gone(hayi_object object, uint32_t node);
void bed_hold(hayi_object object);
void bed_release(hayi_object object);
void bed_want(hayi_object object, uint32_t node, bool move, uint64_t cookie);
void bed_memory(uint32_t node, uint32_t used_permille);
/* It came back unstarted, for want of this object. */
void bed_missing(uint64_t id, hayi_object object);
/* The story of a task contains these words. */
bool bed_tells(uint64_t id, const char *words);

#endif
