/* lineage.c - what tasks made, and how it is made again.
 *
 * A finished task whose result holds objects becomes a recipe: its cargo stays
 * while one of its objects is known, and so do the rows of its inputs (kin).
 * When an object that somebody needs is on no node, the recipe gets a new row,
 * and is on its way like any task, but that nobody is told of it.  Its own lost
 * inputs are found when it is looked at, so that nothing recurses.
 *
 * Recipes are bounded in number: the oldest one that rests makes room for a new
 * one, since what was made lately is needed sooner.
 */
#include "config.h"

#include "core/alloc.h"
#include "core/demand.h"

#include <assert.h>
#include <stdlib.h>

hay_status hayi_lineage_reserve(struct hayi_sched *s,
                                uint32_t index,
                                const struct hayi_event *event,
                                uint32_t **made)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    size_t count = event->u.ended.made_count;
    if (count >= UINT32_MAX
        || hayi_objects_reserve(&s->objects, count, count, 0) != HAY_OK
        || hayi_cargos_reserve(&s->cargos) != HAY_OK) {
        return HAY_ENOMEM;
    }
    if ((row->traits & HAYI_ROW_REMAKE) == 0) {
        *made = hayi_alloc(count, sizeof(**made));
        return *made == NULL ? HAY_ENOMEM : HAY_OK;
    }
    return HAY_OK;
}

/* ---- recipes that rest, in order ----------------------------------------- */

static void lay_down(struct hayi_cargos *cargos, uint32_t c)
{
    struct hayi_cargo *cargo = hayi_cargo_at(cargos, c);
    cargo->state = HAYI_CARGO_KEPT;
    cargo->rests = true;
    cargo->next = 0;
    cargo->prev = cargos->newest;
    if (cargos->newest != 0) {
        hayi_cargo_at(cargos, cargos->newest)->next = c;
    } else {
        cargos->oldest = c;
    }
    cargos->newest = c;
}

static void pick_up(struct hayi_cargos *cargos, uint32_t c)
{
    struct hayi_cargo *cargo = hayi_cargo_at(cargos, c);
    assert(cargo->rests);
    if (cargo->prev != 0) {
        hayi_cargo_at(cargos, cargo->prev)->next = cargo->next;
    } else {
        cargos->oldest = cargo->next;
    }
    if (cargo->next != 0) {
        hayi_cargo_at(cargos, cargo->next)->prev = cargo->prev;
    } else {
        cargos->newest = cargo->prev;
    }
    cargo->rests = false;
}

/* Its objects cannot be made again any more; it is forgotten when it is looked
 * at next. */
static void give_up_oldest(struct hayi_sched *s)
{
    uint32_t c = s->cargos.oldest;
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, c);
    for (uint32_t i = 0; i < cargo->made_count; i++) {
        if (cargo->made[i] != 0) {
            hayi_object_at(&s->objects, cargo->made[i])->maker = 0;
            hayi_objects_touch(&s->objects, cargo->made[i]);
            cargo->made[i] = 0;
        }
    }
    cargo->made_live = 0;
    pick_up(&s->cargos, c);
    s->cargos.kept--;
    hayi_cargos_touch(&s->cargos, c);
}

/* ---- what was made --------------------------------------------------------
 */

/* The objects of a finished task, held by its future. */
static void add_objects(struct hayi_sched *s,
                        uint32_t node,
                        const struct hayi_event *event,
                        uint32_t *list)
{
    bool leaving = s->workers.leaving > 0;
    for (size_t i = 0; i < event->u.ended.made_count; i++) {
        struct hayi_made *made = &event->u.ended.made[i];
        uint32_t object = hayi_objects_take(&s->objects);
        struct hayi_thing *thing = hayi_object_at(&s->objects, object);
        thing->bytes = made->bytes;
        thing->soft = made->soft;
        thing->holds = 1;
        hayi_objects_put(&s->objects, object, node, made->place);
        made->object = hayi_objects_handle(&s->objects, object);
        list[i] = object;
        if (leaving) {
            hayi_objects_touch(&s->objects, object);
        }
    }
}

bool hayi_lineage_keep(struct hayi_sched *s,
                       uint32_t index,
                       const struct hayi_event *event,
                       uint32_t *made)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    add_objects(s, s->workers.list[row->worker].node, event, made);
    if ((row->traits & HAYI_ROW_ONCE) != 0) {
        free(made);
        return false;
    }
    if (s->cargos.kept >= s->config.lineage_max) {
        if (s->cargos.oldest == 0) {
            free(made);
            return false;
        }
        give_up_oldest(s);
    }
    uint32_t c = row->cargo != 0 ? row->cargo : hayi_cargos_take(&s->cargos);
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, c);
    if (row->cargo == 0) {
        cargo->class = s->ready.levels[row->level].class;
        cargo->priority = s->ready.levels[row->level].priority;
        cargo->depth = s->ready.levels[row->level].depth;
        cargo->category = row->category;
        cargo->cores = hayi_demand_guess_cores(s, hayi_sched_needs(s, row));
    }
    cargo->id = row->id;
    cargo->payload = row->payload;
    cargo->retries = row->retries;
    cargo->attempt = hayi_row_attempts(row);
    cargo->row = 0;
    cargo->avoid = 0;
    cargo->report = 0;
    cargo->kept = true;
    lay_down(&s->cargos, c);
    row->cargo = 0;
    s->cargos.kept++;
    hayi_cargos_made(&s->cargos, c, made, (uint32_t)event->u.ended.made_count);
    for (uint32_t i = 0; i < cargo->made_count; i++) {
        hayi_object_at(&s->objects, made[i])->maker = c;
    }
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        struct hayi_thing *thing =
            hayi_object_at(&s->objects, cargo->inputs[i]);
        assert(thing->users > 0);
        thing->users--;
        thing->kin++;
        hayi_objects_touch(&s->objects, cargo->inputs[i]);
    }
    return true;
}

hay_status hayi_lineage_remake(struct hayi_sched *s, uint32_t object)
{
    uint32_t c = hayi_object_at(&s->objects, object)->maker;
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, c);
    if (c == 0 || s->cancelling) {
        return HAY_EFARM;
    }
    if (cargo->row != 0) {
        return HAY_OK; /* under way */
    }
    uint32_t level = 0;
    if (hayi_table_reserve(&s->table) != HAY_OK
        || hayi_members_level(s,
                              hayi_place_needs(s, cargo),
                              cargo->priority,
                              cargo->depth,
                              &level)
               != HAY_OK) {
        return HAY_ENOMEM;
    }
    uint32_t index = hayi_table_take(&s->table);
    struct hayi_row *row = hayi_sched_row(s, index);
    pick_up(&s->cargos, c);
    row->id = cargo->id;
    row->payload = cargo->payload;
    row->level = level;
    row->category = cargo->category & HAYI_CATEGORY_MASK;
    row->retries = (uint16_t)cargo->retries;
    row->attempt = cargo->attempt;
    row->traits = HAYI_ROW_OBJECTS | HAYI_ROW_REMAKE;
    row->cargo = c;
    row->age = ++s->ready.age;
    cargo->row = index;
    cargo->age = row->age;
    cargo->remakes = 0;
    cargo->state = HAYI_CARGO_OPEN;
    hayi_sched_mark(s, index, HAYI_ROW_GATHER);
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        hayi_object_at(&s->objects, cargo->inputs[i])->users++;
    }
    hayi_cargos_touch(&s->cargos, c);
    return HAY_OK;
}

/* The row of a remake goes; the recipe stays. */
static void rest(struct hayi_sched *s, uint32_t index)
{
    struct hayi_row *row = hayi_sched_row(s, index);
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, row->cargo);
    hayi_place_leave(s, row->cargo);
    cargo->attempt = hayi_row_attempts(row);
    cargo->row = 0;
    cargo->avoid = 0;
    cargo->report = 0;
    lay_down(&s->cargos, row->cargo);
    hayi_cargos_touch(&s->cargos, row->cargo);
    hayi_ready_release(&s->ready, row->level);
    hayi_sched_drop(s, index);
}

void hayi_lineage_remade(struct hayi_sched *s,
                         uint32_t index,
                         const struct hayi_event *event)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, row->cargo);
    uint32_t node = s->workers.list[row->worker].node;
    for (uint32_t i = 0; i < cargo->made_count; i++) {
        uint32_t object = cargo->made[i];
        if (object == 0) {
            continue;
        }
        struct hayi_thing *thing = hayi_object_at(&s->objects, object);
        if (i >= event->u.ended.made_count) {
            thing->lost = thing->copies == 0;
        } else if (hayi_objects_on(&s->objects, object, node) == NULL) {
            struct hayi_made *made = &event->u.ended.made[i];
            hayi_objects_put(&s->objects, object, node, made->place);
            made->object = hayi_objects_handle(&s->objects, object);
            hayi_stage_arrived(s, object, node);
        }
        hayi_objects_touch(&s->objects, object);
    }
    rest(s, index);
}

void hayi_lineage_failed(struct hayi_sched *s, uint32_t index, bool lost)
{
    const struct hayi_row *row = hayi_sched_row(s, index);
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, row->cargo);
    for (uint32_t i = 0; i < cargo->made_count; i++) {
        uint32_t object = cargo->made[i];
        if (object != 0) {
            struct hayi_thing *thing = hayi_object_at(&s->objects, object);
            thing->lost = lost && thing->copies == 0;
            hayi_objects_touch(&s->objects, object);
        }
    }
    rest(s, index);
}

bool hayi_lineage_idle(const struct hayi_sched *s,
                       const struct hayi_cargo *cargo)
{
    for (uint32_t i = 0; i < cargo->made_count; i++) {
        uint32_t object = cargo->made[i];
        if (object == 0) {
            continue;
        }
        const struct hayi_thing *thing = hayi_object_at(&s->objects, object);
        if (thing->copies == 0 && (thing->users > 0 || thing->wants != 0)) {
            return false;
        }
    }
    return true;
}

void hayi_lineage_gone(struct hayi_sched *s, uint32_t object)
{
    uint32_t c = hayi_object_at(&s->objects, object)->maker;
    if (c == 0) {
        return;
    }
    struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, c);
    for (uint32_t i = 0; i < cargo->made_count; i++) {
        if (cargo->made[i] == object) {
            cargo->made[i] = 0;
            cargo->made_live--;
        }
    }
    hayi_cargos_touch(&s->cargos, c);
}

void hayi_lineage_forget(struct hayi_sched *s,
                         uint32_t c,
                         struct hayi_actions *actions)
{
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, c);
    struct hayi_action *a = hayi_actions_add(actions, HAYI_ACTION_FORGET);
    a->u.forget.payload = cargo->payload;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        struct hayi_thing *thing =
            hayi_object_at(&s->objects, cargo->inputs[i]);
        assert(thing->kin > 0);
        thing->kin--;
        hayi_objects_touch(&s->objects, cargo->inputs[i]);
    }
    if (cargo->rests) { /* else it was given up, and is not counted */
        pick_up(&s->cargos, c);
        s->cargos.kept--;
    }
    hayi_cargos_give(&s->cargos, c);
}
