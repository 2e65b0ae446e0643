/* bed_ask.c - see bed_ask.h. */
#include "config.h"

#include "bed_ask.h"

#include "support/unit.h"

#include <string.h>

void bed_offer(uint32_t worker,
               uint32_t cores,
               uint32_t gpus,
               const struct hayi_amount *amounts)
{
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    e.u.joined.worker = worker;
    e.u.joined.cores = cores;
    e.u.joined.gpus = gpus;
    e.u.joined.memory_bytes = 1 << 30;
    e.u.joined.amounts = amounts;
    while (amounts != NULL && amounts[e.u.joined.amount_count].units != 0) {
        e.u.joined.amount_count++;
    }
    CU_ASSERT_EQUAL_FATAL(bed_step(&e), HAY_OK);
}

void bed_pool(uint32_t resource, uint64_t units)
{
    struct hayi_event e = {.kind = HAYI_EVENT_POOL};
    e.u.pool.resource = resource;
    e.u.pool.units = units;
    CU_ASSERT_EQUAL_FATAL(bed_step(&e), HAY_OK);
}

uint32_t bed_request(const struct hayi_variant *variants)
{
    struct hayi_event e = {.kind = HAYI_EVENT_REQUEST};
    e.u.request.variants = variants;
    while (variants[e.u.request.count].cores != 0) {
        e.u.request.count++;
    }
    CU_ASSERT_EQUAL_FATAL(bed_step(&e), HAY_OK);
    return e.u.request.request;
}

void bed_ask_first(uint64_t id, uint32_t request, int32_t priority)
{
    struct hayi_event e = bed_task_event(id);
    e.u.task.needs.request = request & (HAYI_REQUEST_MAX - 1);
    e.u.task.priority = priority;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

void bed_ask(uint64_t id, uint32_t request)
{
    bed_ask_first(id, request, 0);
}

const char *bed_reason(uint64_t id)
{
    static char text[500];
    hayi_sched_story(bed.sched, bed.task[id], bed.now_ns, text, sizeof(text));
    const char *colon = strstr(text, ": ");
    return colon != NULL ? colon + 2 : text;
}
