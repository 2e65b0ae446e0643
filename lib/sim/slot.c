/* slot.c - attempts that take their time and end as they were planned to. */
#include "config.h"

#include "sim/slot.h"

#include <inttypes.h>
#include <stdlib.h>

#define STOP_NS 1000u /* from the wish to the end of what agrees */

hay_status hayi_sim_slots_init(struct hayi_sim_slots *slots,
                               struct hayi_sim_world *world,
                               uint32_t core_count)
{
    *slots = (struct hayi_sim_slots){.world = world, .core_count = core_count};
    slots->news_last = &slots->news;
    slots->list = calloc(core_count, sizeof slots->list[0]);
    return slots->list != NULL ? HAY_OK : HAY_ENOMEM;
}

void hayi_sim_slots_fini(struct hayi_sim_slots *slots)
{
    free(slots->list);
    *slots = (struct hayi_sim_slots){.list = NULL};
}

struct hayi_sim_run *hayi_sim_slots_base(struct hayi_sim_run *run)
{
    while (run->outer != NULL) {
        run = run->outer;
    }
    return run;
}

/* The one that has the word. */
static struct hayi_sim_run *top_of(struct hayi_sim_run *run)
{
    while (run->guest != NULL) {
        run = run->guest;
    }
    return run;
}

static uint64_t slowed(const struct hayi_sim_slots *slots, uint64_t ns)
{
    return ns * slots->slow_permille / 1000;
}

/* Work out how a range will end, if nobody stops it. */
static void plan_range(const struct hayi_sim_spec *spec,
                       struct hayi_sim_run *run)
{
    run->items = run->count;
    if (spec->fail_every != 0) {
        uint64_t before = run->first / spec->fail_every;
        run->failed = (run->first + run->count) / spec->fail_every - before;
        if (run->failed > 0 && spec->stop_on_failure) {
            run->failed = 1;
            run->items = (before + 1) * spec->fail_every - run->first;
        }
    }
    run->outcome =
        run->failed > 0 ? HAYI_OUTCOME_FAILED : HAYI_OUTCOME_FINISHED;
}

/* How long each of its parts takes: one, or one more than it waits. */
static uint64_t part_ns(const struct hayi_sim_spec *spec, uint64_t ns)
{
    if (spec->kids == 0) {
        return ns;
    }
    return ns / (spec->wait == HAYI_SIM_WAIT_EACH ? spec->kids + 1 : 2);
}

/* Of the parts, the next one; what was stopped meanwhile ends at once. */
static void plan_on(const struct hayi_sim_slots *slots,
                    struct hayi_sim_run *run)
{
    const struct hayi_sim_spec *spec =
        &slots->world->ledger.tasks[run->index].spec;
    uint64_t ns = part_ns(spec, spec->duration_ns);
    run->end_ns =
        slots->world->now_ns
        + (run->outcome == HAYI_OUTCOME_CANCELLED ? 0 : slowed(slots, ns));
}

static void plan(const struct hayi_sim_slots *slots, struct hayi_sim_run *run)
{
    const struct hayi_ledger_task *task =
        &slots->world->ledger.tasks[run->index];
    uint64_t ns = task->spec.duration_ns;

    if (run->range) {
        plan_range(&task->spec, run);
        ns *= run->items;
    } else if (run->attempt <= task->spec.failures) {
        run->outcome = task->spec.by_farm || task->spec.over_memory
                           ? HAYI_OUTCOME_FARM
                           : HAYI_OUTCOME_FAILED;
    }
    if (!run->range) {
        ns = part_ns(&task->spec, ns);
    }
    run->begin_ns = slots->world->now_ns;
    run->end_ns = run->begin_ns + slowed(slots, ns);
}

/* When to look at a run next: when it is to be announced, or ends. */
static void set_timer(struct hayi_sim_slots *slots,
                      const struct hayi_sim_run *run)
{
    uint32_t core = run->cores[0];
    uint64_t left_ns = run->end_ns - slots->world->now_ns;

    slots->list[core].stamp++;
    hayi_sim_set_timer(
        slots->world,
        !run->announced && left_ns > slots->started_ns ? slots->started_ns
                                                       : left_ns,
        (struct hayi_sim_due){
            HAYI_SIM_SLOT, slots->node, core, slots->list[core].stamp});
}

/* The loop will hear of it. */
static void tell(struct hayi_sim_slots *slots,
                 struct hayi_sim_run *run,
                 enum hayi_sim_news news)
{
    run->news |= (uint8_t)news;
    if (!run->listed) {
        run->listed = true;
        run->news_next = NULL;
        *slots->news_last = run;
        slots->news_last = &run->news_next;
    }
}

/* One that was parked has its cores again. */
static void go_on(struct hayi_sim_slots *slots, struct hayi_sim_run *base)
{
    struct hayi_sim_world *world = slots->world;
    struct hayi_sim_run *run = top_of(base);

    for (struct hayi_sim_run *r = run; r != base; r = r->outer) {
        r->cores = base->cores;
    }
    base->begun = true;
    run->begun = true;
    slots->parked_count--;
    world->moved_ns = world->now_ns;
    hayi_sim_trace(world, "w%u goes on with %u", slots->node, run->index);
    tell(slots, run, HAYI_SIM_NEWS_RESUMED);
    plan_on(slots, run);
    set_timer(slots, run);
}

static void begin(struct hayi_sim_slots *slots, struct hayi_sim_run *run)
{
    struct hayi_sim_world *world = slots->world;

    if (run->part > 0) {
        go_on(slots, run);
        return;
    }
    run->begun = true;
    world->counts.begun++;
    world->moved_ns = world->now_ns;
    hayi_ledger_began(
        &world->ledger, run->index, run->task, run->attempt, slots->node);
    if (run->range) {
        hayi_sim_trace(world,
                       "w%u begins %u items %" PRIu64 "+%" PRIu64 " on %u",
                       slots->node,
                       run->index,
                       run->first,
                       run->count,
                       run->cores[0]);
    } else {
        hayi_sim_trace(world,
                       "w%u begins %u on %u%s",
                       slots->node,
                       run->index,
                       run->cores[0],
                       run->core_count > 1 ? "..." : "");
    }
    plan(slots, run);
    set_timer(slots, run);
}

static void check_memory(const struct hayi_sim_slots *slots)
{
    if (slots->memory_bytes != 0 && slots->memory_used > slots->memory_bytes) {
        hayi_ledger_fail(
            &slots->world->ledger, "w%u: memory is overbooked", slots->node);
    }
}

void hayi_sim_slots_give(struct hayi_sim_slots *slots,
                         struct hayi_sim_run *run,
                         bool backlog)
{
    struct hayi_ledger *ledger = &slots->world->ledger;
    struct hayi_sim_slot *slot = &slots->list[run->cores[0]];

    slots->memory_used += run->part > 0 ? 0 : run->memory_bytes;
    check_memory(slots);
    run->next = NULL;
    if (backlog) {
        /* The loop may not know yet that the slot has come to its end. */
        if (slot->first != NULL && slot->user->core_count != 1) {
            hayi_ledger_fail(ledger, "w%u: a wide backlog", slots->node);
        }
    } else {
        for (uint32_t i = 0; i < run->core_count; i++) {
            if (slots->list[run->cores[i]].user != NULL) {
                hayi_ledger_fail(ledger,
                                 "w%u: core %u is booked twice",
                                 slots->node,
                                 run->cores[i]);
            }
            slots->list[run->cores[i]].user = run;
        }
    }
    if (slot->first != NULL) {
        slot->last->next = run;
        slot->last = run;
    } else {
        slot->first = run;
        slot->last = run;
        slot->user = run;
        begin(slots, run);
    }
}

bool hayi_sim_slots_revoke(struct hayi_sim_slots *slots,
                           struct hayi_sim_run *run)
{
    if (run->begun || top_of(run)->parked) {
        return false;
    }
    struct hayi_sim_slot *slot = &slots->list[run->cores[0]];
    struct hayi_sim_run *before = slot->first;
    while (before->next != run) {
        before = before->next;
    }
    before->next = run->next;
    if (slot->last == run) {
        slot->last = before;
    }
    slots->memory_used -= run->part > 0 ? 0 : run->memory_bytes;
    return true;
}

void hayi_sim_slots_stop(struct hayi_sim_slots *slots,
                         struct hayi_sim_run *run,
                         bool force)
{
    const struct hayi_sim_spec *spec =
        &slots->world->ledger.tasks[run->index].spec;
    uint64_t end_ns = slots->world->now_ns + STOP_NS;

    bool waits = run->guest != NULL || run->claims || !run->begun;
    if (run->part > 0 && waits) {
        if (force || spec->agrees) {
            run->outcome = HAYI_OUTCOME_CANCELLED; /* when it goes on */
        }
        return;
    }
    if (!run->begun
        || slots->list[run->cores[0]].first != hayi_sim_slots_base(run)
        || run->outcome == HAYI_OUTCOME_CANCELLED || end_ns >= run->end_ns
        || (!force && !spec->agrees && !run->range)) {
        return;
    }
    run->end_ns = end_ns;
    run->outcome = HAYI_OUTCOME_CANCELLED;
    if (run->range) {
        uint64_t item_ns = slowed(slots, spec->duration_ns);
        uint64_t items = item_ns == 0 ? 0 : (end_ns - run->begin_ns) / item_ns;
        run->items = items < run->items ? items : run->items;
        run->failed = spec->fail_every == 0
                          ? 0
                          : (run->first + run->items) / spec->fail_every
                                - run->first / spec->fail_every;
    }
    set_timer(slots, run);
}

/* The core of 'run' is free, or its next one begins. */
static void next_of(struct hayi_sim_slots *slots, struct hayi_sim_run *run)
{
    struct hayi_sim_slot *slot = &slots->list[run->cores[0]];

    slot->first = run->next;
    if (slot->first == NULL) {
        slot->last = NULL;
        for (uint32_t i = 0; i < run->core_count; i++) {
            slots->list[run->cores[i]].user = NULL;
        }
    } else {
        slot->user = slot->first;
        begin(slots, slot->first);
    }
}

/* It gives its core back until what it waits for has ended. */
static void park(struct hayi_sim_slots *slots, struct hayi_sim_run *run)
{
    struct hayi_sim_run *base = hayi_sim_slots_base(run);

    hayi_sim_trace(slots->world, "w%u parks %u", slots->node, run->index);
    run->parked = true;
    run->begun = false;
    base->begun = false;
    slots->parked_count++;
    next_of(slots, base);
    base->next = NULL;
    tell(slots, run, HAYI_SIM_NEWS_PARKED);
}

/* It waits for what it submitted, in one of two ways. */
static void wait_for(struct hayi_sim_slots *slots, struct hayi_sim_run *run)
{
    if (slots->parked_count < slots->suspended_max) {
        park(slots, run);
        return;
    }
    hayi_sim_trace(slots->world, "w%u: %u claims", slots->node, run->index);
    run->claims = true;
    slots->list[run->cores[0]].stamp++; /* no timer is meant for it */
    tell(slots, run, HAYI_SIM_NEWS_CLAIMS);
}

/* What stood in its way is over. */
static bool need_not_wait(struct hayi_sim_slots *slots,
                          struct hayi_sim_run *run)
{
    if ((run->waits & run->left) != 0
        && run->outcome != HAYI_OUTCOME_CANCELLED) {
        return false;
    }
    plan_on(slots, run);
    set_timer(slots, run);
    return true;
}

void hayi_sim_slots_answer(struct hayi_sim_slots *slots,
                           struct hayi_sim_run *run,
                           struct hayi_sim_run *child)
{
    run->claims = false;
    if (child == NULL) {
        if (!need_not_wait(slots, run)) {
            park(slots, run);
        }
        return;
    }
    child->inlined = true;
    child->outer = run;
    child->cores = run->cores;
    run->guest = child;
    slots->memory_used += child->memory_bytes;
    check_memory(slots);
    begin(slots, child);
}

/* A part of it is over: does it submit, or wait, or go on?  false: it ends. */
static bool submits(struct hayi_sim_slots *slots, struct hayi_sim_run *run)
{
    const struct hayi_sim_spec *spec =
        &slots->world->ledger.tasks[run->index].spec;

    if (run->range || spec->kids == 0
        || run->outcome == HAYI_OUTCOME_CANCELLED) {
        return false;
    }
    uint32_t part = run->part++;
    if (part == 0) {
        run->left = (1u << spec->kids) - 1;
        tell(slots, run, HAYI_SIM_NEWS_KIDS);
    }
    switch (spec->wait) {
    case HAYI_SIM_WAIT_ALL:
        run->waits = part == 0 ? run->left : 0;
        break;
    case HAYI_SIM_WAIT_EACH:
        if (part >= spec->kids) {
            return false;
        }
        run->waits = run->left & 1u << part;
        break;
    case HAYI_SIM_WAIT_NONE:
    case HAYI_SIM_WAIT_FOLLOW:
    case HAYI_SIM_WAIT_COUNT:
        run->waits = 0;
        break;
    }
    if (run->waits != 0) {
        wait_for(slots, run);
        return true;
    }
    if (part > 0 && spec->wait != HAYI_SIM_WAIT_EACH) {
        return false;
    }
    plan_on(slots, run);
    set_timer(slots, run);
    return true;
}

struct hayi_sim_run *
hayi_sim_slots_due(struct hayi_sim_slots *slots, uint32_t core, uint32_t stamp)
{
    struct hayi_sim_world *world = slots->world;
    struct hayi_sim_run *run = slots->list[core].first;

    if (run == NULL || slots->list[core].stamp != stamp) {
        return NULL;
    }
    run = top_of(run);
    if (run->end_ns > world->now_ns) {
        run->announced = true;
        set_timer(slots, run);
        return run;
    }
    world->moved_ns = world->now_ns;
    if (submits(slots, run)) {
        return NULL;
    }
    hayi_sim_trace(world,
                   "w%u ends %u%s",
                   slots->node,
                   run->index,
                   run->outcome == HAYI_OUTCOME_FINISHED    ? ""
                   : run->outcome == HAYI_OUTCOME_CANCELLED ? ", stopped"
                   : run->outcome == HAYI_OUTCOME_FARM      ? ", by the farm"
                                                            : ", failed");
    hayi_ledger_ended(&world->ledger,
                      run->index,
                      run->task,
                      run->attempt,
                      slots->node,
                      run->outcome);
    if (run->range) {
        hayi_ledger_items(
            &world->ledger, run->index, slots->node, run->first, run->items);
    }
    slots->memory_used -= run->memory_bytes;
    tell(slots, run, HAYI_SIM_NEWS_ENDED);
    if (run->outer == NULL) {
        next_of(slots, run);
        return NULL;
    }
    run->outer->guest = NULL;
    if (!need_not_wait(slots, run->outer)) {
        wait_for(slots, run->outer);
    }
    return NULL;
}
