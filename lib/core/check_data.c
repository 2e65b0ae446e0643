/* check_data.c - asserts what must hold for objects and their tasks.
 *
 * A part of hayi_sched_check(); counts again and compares.
 */
#include "config.h"

#include "core/state.h"

#include <assert.h>
#include <stdlib.h>

struct recount {
    uint32_t *users; /* of each object */
    uint32_t *kin;
    uint32_t *flying;
    uint32_t *fetches;
    uint32_t replicas;
    uint32_t wants;
    uint32_t live;
    uint64_t kept;
    uint64_t unplaced;
    uint64_t entries;
    uint64_t live_cargos;
};

static uint32_t *zeroes(uint32_t count)
{
    uint32_t *list = calloc(count, sizeof(*list));
    assert(list != NULL);
    return list;
}

static void
count_cargo(const struct hayi_sched *s, uint32_t index, struct recount *r)
{
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    r->live_cargos++;
    r->kept += cargo->rests || (cargo->kept && cargo->row != 0) ? 1 : 0;
    r->entries += (uint64_t)cargo->input_count + cargo->made_count;
    r->unplaced += cargo->state == HAYI_CARGO_UNPLACED ? 1 : 0;
    assert((cargo->row == 0) == (cargo->state == HAYI_CARGO_KEPT));
    assert(cargo->row != 0 || cargo->kept);
    assert((cargo->position != 0) == (cargo->state == HAYI_CARGO_ASSIGNED));
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        uint32_t object = cargo->inputs[i];
        assert(hayi_object_at(&s->objects, object)->used);
        assert(i == 0 || cargo->inputs[i - 1] < object);
        r->users[object] += cargo->row != 0 ? 1 : 0;
        r->kin[object] += cargo->kept ? 1 : 0;
    }
    uint32_t made = 0;
    for (uint32_t i = 0; i < cargo->made_count; i++) {
        if (cargo->made[i] != 0) {
            assert(hayi_object_at(&s->objects, cargo->made[i])->maker == index);
            made++;
        }
    }
    assert(made == cargo->made_live);
}

/* What a FETCHING cargo waits for is under way; a staged one misses nothing. */
static void check_inputs(const struct hayi_sched *s,
                         const struct hayi_cargo *cargo)
{
    uint32_t missing = 0;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        uint32_t object = cargo->inputs[i];
        if (hayi_object_at(&s->objects, object)->soft
            || hayi_objects_on(&s->objects, object, cargo->node - 1) != NULL) {
            continue;
        }
        missing++;
        assert(hayi_fetches_find(&s->fetches, object, cargo->node - 1) != 0);
    }
    assert(missing == cargo->missing);
}

static void check_cargo(const struct hayi_sched *s, uint32_t index)
{
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, index);
    if (cargo->row == 0) {
        return;
    }
    const struct hayi_row *row = hayi_sched_row(s, cargo->row);
    assert(row->cargo == index);
    assert(((row->traits & HAYI_ROW_REMAKE) != 0) == cargo->kept);
    switch ((enum hayi_cargo_state)cargo->state) {
    case HAYI_CARGO_OPEN:
        assert(cargo->listed);
        assert(row->state == HAYI_ROW_GATHER);
        break;
    case HAYI_CARGO_WAITING:
        assert(row->state == HAYI_ROW_GATHER);
        assert(hayi_cargo_lists(cargo, cargo->waits));
        break;
    case HAYI_CARGO_UNPLACED:
    case HAYI_CARGO_ASSIGNED:
        assert(row->state == HAYI_ROW_GATHER);
        break;
    case HAYI_CARGO_FETCHING:
        assert(row->state == HAYI_ROW_GATHER);
        assert(cargo->missing > 0 || cargo->listed);
        check_inputs(s, cargo);
        break;
    case HAYI_CARGO_READY:
        assert(row->state == HAYI_ROW_READY || row->state == HAYI_ROW_ALONE
               || row->state == HAYI_ROW_SHELVED);
        if (cargo->node != 0) {
            check_inputs(s, cargo);
        }
        break;
    case HAYI_CARGO_OUT:
        assert(row->state == HAYI_ROW_HELD || row->state == HAYI_ROW_RUNNING
               || row->state == HAYI_ROW_PAUSED);
        assert(cargo->node == 0);
        break;
    case HAYI_CARGO_FREE:
    case HAYI_CARGO_KEPT:
        assert(false);
    }
}

static void
check_thing(const struct hayi_sched *s, uint32_t index, struct recount *r)
{
    const struct hayi_thing *thing = hayi_object_at(&s->objects, index);
    uint32_t copies = 0;
    if (!thing->used) {
        assert(r->users[index] == 0 && r->kin[index] == 0);
        assert(r->fetches[index] == 0);
        return;
    }
    r->live++;
    assert(thing->users == r->users[index]);
    assert(thing->kin == r->kin[index]);
    assert(thing->flying == r->flying[index]);
    for (uint32_t i = thing->replicas; i != 0;) {
        const struct hayi_replica *replica = &s->objects.replicas[i];
        assert(hayi_nodes_there(&s->nodes, replica->node));
        assert(hayi_objects_on(&s->objects, index, replica->node) == replica);
        copies++;
        i = replica->next;
    }
    assert(thing->copies == copies);
    r->replicas += copies;
    for (uint32_t i = thing->wants; i != 0; i = s->objects.wants[i].next) {
        r->wants++;
    }
    for (uint32_t i = thing->fetches; i != 0;) {
        assert(hayi_fetch_at(&s->fetches, i)->thing == index);
        assert(r->fetches[index] > 0);
        r->fetches[index]--;
        i = hayi_fetch_at(&s->fetches, i)->other;
    }
    assert(r->fetches[index] == 0);
    for (uint32_t i = thing->waiters; i != 0;) {
        const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, i);
        assert(cargo->state == HAYI_CARGO_WAITING && cargo->waits == index);
        i = cargo->next;
    }
    if (!thing->listed) {
        assert(hayi_data_needed(thing) || thing->flying > 0 || copies == 0);
        assert(hayi_data_needed(thing) || thing->kin > 0 || thing->flying > 0);
        assert(thing->waiters == 0 || copies == 0);
        assert(thing->waiters == 0 || thing->flying > 0
               || (thing->maker != 0
                   && hayi_cargo_at(&s->cargos, thing->maker)->row != 0));
    }
}

static void check_rows(const struct hayi_sched *s)
{
    for (uint32_t i = 1; i < s->table.count; i++) {
        const struct hayi_row *row = hayi_sched_row(s, i);
        if (row->state == HAYI_ROW_FREE) {
            continue;
        }
        assert(row->cargo == 0
               || hayi_cargo_at(&s->cargos, row->cargo)->row == i);
        assert(row->state != HAYI_ROW_GATHER
               || (row->traits & HAYI_ROW_OBJECTS) != 0);
        assert(row->state != HAYI_ROW_ENDED || row->cargo == 0);
    }
}

void hayi_data_check(const struct hayi_sched *s)
{
    struct recount r = {
        .users = zeroes(s->objects.count),
        .kin = zeroes(s->objects.count),
        .flying = zeroes(s->objects.count),
        .fetches = zeroes(s->objects.count),
    };
    for (uint32_t i = 1; i < s->cargos.count; i++) {
        if (hayi_cargo_at(&s->cargos, i)->state != HAYI_CARGO_FREE) {
            count_cargo(s, i, &r);
            check_cargo(s, i);
        }
    }
    for (uint32_t i = 1; i < s->fetches.count; i++) {
        const struct hayi_fetch *fetch = hayi_fetch_at(&s->fetches, i);
        r.fetches[fetch->thing]++;
        r.flying[fetch->thing] += fetch->state == HAYI_FETCH_FLYING ? 1 : 0;
        assert(fetch->state == HAYI_FETCH_FREE
               || hayi_nodes_there(&s->nodes, fetch->to));
    }
    for (uint32_t i = 1; i < s->objects.count; i++) {
        check_thing(s, i, &r);
    }
    assert(s->objects.live == r.live);
    assert(s->objects.replica_live == r.replicas);
    assert(s->objects.want_live == r.wants);
    assert(s->cargos.live == r.live_cargos);
    assert(s->cargos.kept == r.kept);
    assert(s->cargos.entries == r.entries);
    assert(r.kept <= s->config.lineage_max);
    for (uint32_t i = s->cargos.unplaced; i != 0;) {
        assert(r.unplaced > 0);
        r.unplaced--;
        i = hayi_cargo_at(&s->cargos, i)->next;
    }
    assert(r.unplaced == 0);
    check_rows(s);
    hayi_nodes_check(&s->nodes);
    hayi_fetches_check(&s->fetches);
    free(r.users);
    free(r.kin);
    free(r.flying);
    free(r.fetches);
}
