/* story_data.c - why a task that gathers its objects is not ready.
 *
 * A part of hayi_sched_story().
 */
#include "config.h"

#include "core/state.h"

#include "base/size_words.h"

#include <inttypes.h>
#include <stdio.h>

/* How many of its inputs are on its node, with so many bytes. */
static uint32_t there(const struct hayi_sched *s,
                      const struct hayi_cargo *cargo,
                      uint64_t *bytes)
{
    uint32_t count = 0;
    *bytes = 0;
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        uint32_t object = cargo->inputs[i];
        if (hayi_objects_on(&s->objects, object, cargo->node - 1) != NULL) {
            *bytes += hayi_object_at(&s->objects, object)->bytes;
            count++;
        }
    }
    return count;
}

/* The sender of the first fetch that it waits for, or a holder. */
static uint32_t sender(const struct hayi_sched *s,
                       const struct hayi_cargo *cargo)
{
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        uint32_t fetch =
            hayi_fetches_find(&s->fetches, cargo->inputs[i], cargo->node - 1);
        const struct hayi_thing *thing =
            hayi_object_at(&s->objects, cargo->inputs[i]);
        if (fetch == 0) {
            continue;
        }
        if (hayi_fetch_at(&s->fetches, fetch)->state == HAYI_FETCH_FLYING) {
            return hayi_fetch_at(&s->fetches, fetch)->from;
        }
        if (thing->replicas != 0) {
            return s->objects.replicas[thing->replicas].node;
        }
    }
    return cargo->node - 1;
}

static void tell_node(const struct hayi_sched *s,
                      const struct hayi_cargo *cargo,
                      char *text,
                      size_t size)
{
    char words[40];
    uint64_t bytes = 0;
    uint64_t all = 0;
    uint32_t count = there(s, cargo, &bytes);
    for (uint32_t i = 0; i < cargo->input_count; i++) {
        all += hayi_object_at(&s->objects, cargo->inputs[i])->bytes;
    }
    if (cargo->state == HAYI_CARGO_FETCHING) {
        hayi_size_words(all - bytes, words, sizeof(words));
        (void)snprintf(text,
                       size,
                       "waits for %s from node %" PRIu32 " (%" PRIu32
                       " of %" PRIu32 " inputs are on node %" PRIu32 ")",
                       words,
                       sender(s, cargo),
                       count,
                       cargo->input_count,
                       cargo->node - 1);
        return;
    }
    const struct hayi_node *node = &s->nodes.list[cargo->node - 1];
    hayi_size_words(bytes, words, sizeof(words));
    (void)snprintf(
        text,
        size,
        "assigned to node %" PRIu32 ", which has %s of its inputs;"
        " %" PRIu32 " tasks are prepared there, %" PRIu32 " wait for that%s",
        cargo->node - 1,
        words,
        node->staged_count,
        node->heap_count,
        node->used_permille > HAYI_MEMORY_FULL ? "; its memory is full" : "");
}

void hayi_data_story(const struct hayi_sched *s,
                     const struct hayi_row *row,
                     char *text,
                     size_t size)
{
    if (row->cargo == 0) {
        (void)snprintf(text, size, "asks which objects are its inputs");
        return;
    }
    const struct hayi_cargo *cargo = hayi_cargo_at(&s->cargos, row->cargo);
    switch ((enum hayi_cargo_state)cargo->state) {
    case HAYI_CARGO_WAITING:
        (void)snprintf(text,
                       size,
                       "object %" PRIu32 " is on no node any more and is made"
                       " again first",
                       cargo->waits);
        break;
    case HAYI_CARGO_UNPLACED:
        if (s->ready.classes.list[cargo->class].lacks) {
            hayi_unable_story(s, cargo->class, text, size);
        } else {
            (void)snprintf(text, size, "no worker that is here can run it");
        }
        break;
    case HAYI_CARGO_ASSIGNED:
    case HAYI_CARGO_FETCHING:
        tell_node(s, cargo, text, size);
        break;
    default:
        (void)snprintf(text, size, "gathers its inputs");
        break;
    }
}
