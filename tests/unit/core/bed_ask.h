/* bed_ask.h - tasks with requests and workers with resources, on the bench.
 *
 * Owns: nothing; see bed.h.
 * Never: lets a step pass without hayi_sched_check().
 * Threads: one.
 */
#ifndef HAYI_TESTS_CORE_BED_ASK_H
#define HAYI_TESTS_CORE_BED_ASK_H

#include "bed.h"

#define ONE HAYI_AMOUNT_ONE

/* A worker of one gigabyte; amounts: ends with 0 units. */
void bed_offer(uint32_t worker,
               uint32_t cores,
               uint32_t gpus,
               const struct hayi_amount *amounts);
void bed_pool(uint32_t resource, uint64_t units);
/* The number of a request; variants: ends with 0 cores. */
uint32_t bed_request(const struct hayi_variant *variants);
/* A task that asks for it. */
void bed_ask(uint64_t id, uint32_t request);
/* ... of this priority. */
void bed_ask_first(uint64_t id, uint32_t request, int32_t priority);
/* The story of a task, without its state and its time. */
const char *bed_reason(uint64_t id);

#endif
