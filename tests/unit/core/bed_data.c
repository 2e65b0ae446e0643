/* bed_data.c - see bed_data.h. */
#include "config.h"

#include "bed_data.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

#define MADE_MAX 64

static uint64_t next_place;

void bed_data_setup(void)
{
    bed_setup();
    bed_config.node_max = 4;
    next_place = 1;
}

static void must(struct hayi_event *event)
{
    CU_ASSERT_EQUAL(bed_step(event), HAY_OK);
}

void bed_join_on(uint32_t worker, uint32_t cores, uint32_t node)
{
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    e.u.joined.worker = worker;
    e.u.joined.cores = cores;
    e.u.joined.node = node;
    must(&e);
}

static hayi_object put(uint32_t node, uint64_t bytes, bool soft)
{
    struct hayi_event e = {.kind = HAYI_EVENT_PUT};
    e.u.put.node = node;
    e.u.put.made.bytes = bytes;
    e.u.put.made.place = next_place++;
    e.u.put.made.soft = soft;
    must(&e);
    CU_ASSERT_NOT_EQUAL(e.u.put.made.object, 0);
    return e.u.put.made.object;
}

hayi_object bed_put(uint32_t node, uint64_t bytes)
{
    return put(node, bytes, false);
}

hayi_object bed_put_soft(uint32_t node, uint64_t bytes)
{
    return put(node, bytes, true);
}

void bed_inputs(uint64_t id, const hayi_object *list)
{
    struct hayi_event e = {.kind = HAYI_EVENT_INPUTS};
    e.u.inputs.task = bed.task[id];
    e.u.inputs.list = list;
    while (list[e.u.inputs.count] != 0) {
        e.u.inputs.count++;
    }
    must(&e);
}

void bed_use(uint64_t id, const hayi_object *list)
{
    struct hayi_event e = bed_task_event(id);
    struct hayi_dep dep = {.objects = true, .ended = HAY_FINISHED};
    e.u.task.deps = &dep;
    e.u.task.dep_count = 1;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
    bed_inputs(id, list);
}

void bed_use2(uint64_t id, hayi_object a, hayi_object b)
{
    hayi_object list[3] = {a, b, 0};
    bed_use(id, list);
}

void bed_made(uint64_t id, size_t count, uint64_t bytes, hayi_object *objects)
{
    struct hayi_made made[MADE_MAX] = {{.bytes = 0}};
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    const struct bed_attempt *a = &bed.last[id];
    CU_ASSERT_FATAL(count <= MADE_MAX);
    for (size_t i = 0; i < count; i++) {
        made[i].bytes = bytes;
        made[i].place = next_place++;
    }
    e.u.ended.worker = a->worker;
    e.u.ended.task = a->task;
    e.u.ended.attempt = a->attempt;
    e.u.ended.run_ns = 1000000;
    e.u.ended.report = 100 + id;
    e.u.ended.made = made;
    e.u.ended.made_count = count;
    e.u.ended.objects = count > 0;
    must(&e);
    for (size_t i = 0; i < count; i++) {
        objects[i] = made[i].object;
    }
}

static void moved(uint32_t transfer, hay_status status, uint64_t run_ns)
{
    struct hayi_event e = {.kind = HAYI_EVENT_MOVED};
    e.u.moved.transfer = transfer;
    e.u.moved.status = status;
    e.u.moved.run_ns = run_ns;
    e.u.moved.place = status == HAY_OK ? next_place++ : 0;
    e.u.moved.report = status == HAY_OK ? 0 : 500 + transfer;
    must(&e);
}

void bed_moved(uint32_t transfer, hay_status status)
{
    moved(transfer, status, 0);
}

void bed_moved_in(uint32_t transfer, uint64_t run_ns)
{
    moved(transfer, HAY_OK, run_ns);
}

void bed_gone(hayi_object object, uint32_t node)
{
    struct hayi_event e = {.kind = HAYI_EVENT_GONE};
    e.u.gone.object = object;
    e.u.gone.node = node;
    must(&e);
}

void bed_hold(hayi_object object)
{
    struct hayi_event e = {.kind = HAYI_EVENT_HOLD};
    e.u.hold.object = object;
    must(&e);
}

void bed_release(hayi_object object)
{
    struct hayi_event e = {.kind = HAYI_EVENT_RELEASE};
    e.u.release.object = object;
    must(&e);
}

void bed_want(hayi_object object, uint32_t node, bool move, uint64_t cookie)
{
    struct hayi_event e = {.kind = HAYI_EVENT_WANT};
    e.u.want.object = object;
    e.u.want.node = node;
    e.u.want.move = move;
    e.u.want.cookie = cookie;
    must(&e);
}

void bed_memory(uint32_t node, uint32_t used_permille)
{
    struct hayi_event e = {.kind = HAYI_EVENT_MEMORY};
    e.u.memory.node = node;
    e.u.memory.used_permille = used_permille;
    must(&e);
}

void bed_missing(uint64_t id, hayi_object object)
{
    struct hayi_event e = {.kind = HAYI_EVENT_RETURNED};
    e.u.returned.worker = bed.last[id].worker;
    e.u.returned.task = bed.last[id].task;
    e.u.returned.attempt = bed.last[id].attempt;
    e.u.returned.missing = &object;
    e.u.returned.missing_count = 1;
    must(&e);
}

bool bed_tells(uint64_t id, const char *words)
{
    char text[300];
    hayi_sched_story(bed.sched, bed.task[id], bed.now_ns, text, sizeof(text));
    if (strstr(text, words) == NULL) {
        printf("# the story is: %s\n", text);
        return false;
    }
    return true;
}
