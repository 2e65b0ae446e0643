/* bed.c - see bed.h. */
#include "config.h"

#include "bed.h"

#include "support/unit.h"

#include <stdio.h>
#include <string.h>

struct bed bed;
struct hayi_sched_config bed_config;

void bed_setup(void)
{
    bed = (struct bed){.sched = NULL};
    bed_config = (struct hayi_sched_config){.worker_max = 8};
}

void bed_teardown(void)
{
    hayi_sched_free(bed.sched);
    bed.sched = NULL;
}

void bed_open(void)
{
    bed.sched = hayi_sched_new(&bed_config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bed.sched);
    hayi_sched_check(bed.sched);
}

static void remember(const struct hayi_action *a)
{
    struct bed_attempt attempt = {
        .task = a->u.hand_out.task,
        .attempt = a->u.hand_out.attempt,
        .worker = a->u.hand_out.worker,
        .id = a->u.hand_out.payload,
        .first = a->u.hand_out.first,
        .count = a->u.hand_out.count,
        .prompt = a->u.hand_out.prompt,
    };
    if (a->u.hand_out.range && bed.range_count < BED_RANGES) {
        bed.ranges[bed.range_count++] = attempt;
    }
    if (attempt.id < BED_IDS) {
        bed.last[attempt.id] = attempt;
    }
}

static void take(struct hayi_actions *actions)
{
    for (size_t i = 0; i < actions->count; i++) {
        const struct hayi_action *a = &actions->list[i];
        char line[300];
        hayi_action_print(a, line, sizeof(line));
        int n = snprintf(bed.text + bed.size,
                         sizeof(bed.text) - bed.size,
                         "%s%s",
                         bed.size > 0 ? "; " : "",
                         line);
        bed.size += n > 0 ? (size_t)n : 0;
        CU_ASSERT_FATAL(bed.size < sizeof(bed.text));
        if (a->kind == HAYI_ACTION_HAND_OUT) {
            remember(a);
        } else if (a->kind == HAYI_ACTION_RECALL) {
            bed.recalls++;
        }
    }
    hayi_actions_fini(actions);
    hayi_sched_check(bed.sched);
}

hay_status bed_step(struct hayi_event *event)
{
    struct hayi_actions actions;
    hayi_actions_init(&actions);
    hay_status status = hayi_sched_step(bed.sched, bed.now_ns, event, &actions);
    take(&actions);
    return status;
}

static void must(struct hayi_event *event)
{
    CU_ASSERT_EQUAL(bed_step(event), HAY_OK);
}

void bed_dispatch(void)
{
    struct hayi_actions actions;
    hayi_actions_init(&actions);
    CU_ASSERT_EQUAL(hayi_sched_dispatch(bed.sched, bed.now_ns, &actions),
                    HAY_OK);
    take(&actions);
}

void bed_forget(void)
{
    bed.size = 0;
    bed.text[0] = '\0';
}

void bed_expect(const char *file, int line, const char *text)
{
    bool same = strcmp(bed.text, text) == 0;
    if (!same) {
        printf("# %s:%d:\n#   wanted: %s\n#   got:    %s\n",
               file,
               line,
               text,
               bed.text);
    }
    CU_assertImplementation(
        same, (unsigned)line, "actions", file, "", CU_FALSE);
    bed_forget();
}

size_t bed_count(const char *word)
{
    size_t count = 0;
    const char *at = strstr(bed.text, word);
    for (; at != NULL; at = strstr(at + 1, word)) {
        count++;
    }
    return count;
}

void bed_join(uint32_t worker, uint32_t cores)
{
    struct hayi_event e = {.kind = HAYI_EVENT_JOINED};
    e.u.joined.worker = worker;
    e.u.joined.cores = cores;
    must(&e);
}

struct hayi_event bed_task_event(uint64_t id)
{
    struct hayi_event e = {.kind = HAYI_EVENT_TASK};
    e.u.task.id = id;
    e.u.task.payload = id;
    e.u.task.needs.cores = 1;
    return e;
}

struct hayi_event bed_map_event(uint64_t id, uint64_t count)
{
    struct hayi_event e = {.kind = HAYI_EVENT_MAP};
    e.u.map.id = id;
    e.u.map.payload = id;
    e.u.map.count = count;
    e.u.map.range_max = UINT64_MAX;
    return e;
}

hay_status bed_submit(struct hayi_event *event)
{
    hay_status status = bed_step(event);
    bool map = event->kind == HAYI_EVENT_MAP;
    uint64_t id = map ? event->u.map.id : event->u.task.id;
    if (status == HAY_OK && id < BED_IDS) {
        bed.task[id] = map ? event->u.map.task : event->u.task.task;
    }
    return status;
}

void bed_task(uint64_t id, const uint64_t *after)
{
    struct hayi_event e = bed_task_event(id);
    struct hayi_dep deps[BED_IDS] = {{.any = false}};
    for (; after != NULL && *after != 0; after++) {
        deps[e.u.task.dep_count++].task = bed.task[*after];
    }
    e.u.task.deps = deps;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

static void started(const struct bed_attempt *a)
{
    struct hayi_event e = {.kind = HAYI_EVENT_STARTED};
    e.u.started.worker = a->worker;
    e.u.started.task = a->task;
    e.u.started.attempt = a->attempt;
    must(&e);
}

static void ended(const struct bed_attempt *a,
                  enum hayi_outcome outcome,
                  uint64_t run_ns,
                  uint64_t items,
                  uint64_t failed)
{
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    e.u.ended.worker = a->worker;
    e.u.ended.task = a->task;
    e.u.ended.attempt = a->attempt;
    e.u.ended.outcome = (uint8_t)outcome;
    e.u.ended.run_ns = run_ns;
    e.u.ended.items = items;
    e.u.ended.failed = failed;
    e.u.ended.report = 100 + a->id;
    must(&e);
}

static void returned(const struct bed_attempt *a)
{
    struct hayi_event e = {.kind = HAYI_EVENT_RETURNED};
    e.u.returned.worker = a->worker;
    e.u.returned.task = a->task;
    e.u.returned.attempt = a->attempt;
    must(&e);
}

void bed_started(uint64_t id)
{
    started(&bed.last[id]);
}

void bed_ended(uint64_t id, enum hayi_outcome outcome, uint64_t run_ns)
{
    ended(&bed.last[id], outcome, run_ns, 0, 0);
}

void bed_returned(uint64_t id)
{
    returned(&bed.last[id]);
}

void bed_range_started(size_t i)
{
    started(&bed.ranges[i]);
}

void bed_range_ended(size_t i, uint64_t items, uint64_t failed, uint64_t run_ns)
{
    ended(&bed.ranges[i], HAYI_OUTCOME_FINISHED, run_ns, items, failed);
}

void bed_range_outcome(size_t i, enum hayi_outcome outcome, uint64_t items)
{
    ended(&bed.ranges[i], outcome, 1000, items, 0);
}

void bed_range_returned(size_t i)
{
    returned(&bed.ranges[i]);
}

void bed_recall_done(uint32_t worker)
{
    struct hayi_event e = {.kind = HAYI_EVENT_RECALL_DONE};
    e.u.recall_done.worker = worker;
    must(&e);
}

void bed_cancel(uint64_t id, bool force)
{
    struct hayi_event e = {.kind = HAYI_EVENT_CANCEL};
    e.u.cancel.task = bed.task[id];
    e.u.cancel.force = force;
    e.u.cancel.cookie = 1000 + id;
    must(&e);
}

void bed_child(uint64_t id, uint64_t parent, const uint64_t *after)
{
    struct hayi_event e = bed_task_event(id);
    struct hayi_dep deps[BED_IDS] = {{.any = false}};
    for (; after != NULL && *after != 0; after++) {
        deps[e.u.task.dep_count++].task = bed.task[*after];
    }
    e.u.task.deps = deps;
    e.u.task.parent = bed.last[parent].task;
    CU_ASSERT_EQUAL(bed_submit(&e), HAY_OK);
}

void bed_suspended(uint64_t id, uint64_t waits_for)
{
    struct hayi_event e = {.kind = HAYI_EVENT_SUSPENDED};
    e.u.suspended.worker = bed.last[id].worker;
    e.u.suspended.task = bed.last[id].task;
    e.u.suspended.attempt = bed.last[id].attempt;
    e.u.suspended.waits_for = waits_for != 0 ? bed.task[waits_for] : 0;
    e.u.suspended.several = waits_for == 0;
    must(&e);
}

void bed_resumed(uint64_t id)
{
    struct hayi_event e = {.kind = HAYI_EVENT_RESUMED};
    e.u.resumed.worker = bed.last[id].worker;
    e.u.resumed.task = bed.last[id].task;
    e.u.resumed.attempt = bed.last[id].attempt;
    must(&e);
}

void bed_claim(uint64_t id, uint64_t child)
{
    struct hayi_event e = {.kind = HAYI_EVENT_CLAIM};
    e.u.claim.worker = bed.last[id].worker;
    e.u.claim.task = bed.last[id].task;
    e.u.claim.attempt = bed.last[id].attempt;
    e.u.claim.child = child != 0 ? bed.task[child] : 0;
    e.u.claim.cookie = 1000 + id;
    must(&e);
}

bool bed_follow(uint64_t id, uint64_t target)
{
    struct hayi_dep dep = {.task = bed.task[target]};
    struct hayi_event e = {.kind = HAYI_EVENT_ENDED};
    e.u.ended.worker = bed.last[id].worker;
    e.u.ended.task = bed.last[id].task;
    e.u.ended.attempt = bed.last[id].attempt;
    e.u.ended.run_ns = 1000;
    e.u.ended.report = 100 + id;
    e.u.ended.follow = &dep;
    must(&e);
    return e.u.ended.followed;
}

void bed_unwanted(uint64_t id)
{
    struct hayi_event e = {.kind = HAYI_EVENT_UNWANTED};
    e.u.unwanted.task = bed.task[id];
    must(&e);
}

void bed_cancel_nested(uint64_t id, bool force)
{
    struct hayi_event e = {.kind = HAYI_EVENT_CANCEL};
    e.u.cancel.task = bed.task[id];
    e.u.cancel.force = force;
    e.u.cancel.nested = true;
    e.u.cancel.cookie = 1000 + id;
    must(&e);
}

void bed_story(const char *file, int line, uint64_t id, const char *text)
{
    char story[400];
    hayi_sched_story(bed.sched, bed.task[id], bed.now_ns, story, sizeof(story));
    const char *reason = strstr(story, ": ");
    bool same = reason != NULL && strcmp(reason + 2, text) == 0;
    if (!same) {
        printf("# %s:%d:\n#   wanted: %s\n#   got:    %s\n",
               file,
               line,
               text,
               story);
    }
    CU_assertImplementation(same, (unsigned)line, "story", file, "", CU_FALSE);
}

void bed_close(bool cancel_pending)
{
    struct hayi_event e = {.kind = HAYI_EVENT_CLOSE};
    e.u.close.cancel_pending = cancel_pending;
    must(&e);
}

void bed_lost(uint32_t worker)
{
    struct hayi_event e = {.kind = HAYI_EVENT_LOST};
    e.u.lost.worker = worker;
    must(&e);
}

struct hayi_sched_stats bed_stats(void)
{
    struct hayi_sched_stats stats;
    hayi_sched_get_stats(bed.sched, &stats);
    return stats;
}
