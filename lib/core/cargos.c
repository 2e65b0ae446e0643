/* cargos.c - see cargos.h.
 *
 * The inputs are sorted, so that "does this task need that object" is a binary
 * search; the order of what a task made is the caller's.
 *
 * A record that is to be looked at stays in that list when it is given back,
 * as long as it is FREE it is passed over there and freed after that.
 */
#include "config.h"

#include "core/cargos.h"

#include "core/alloc.h"

#include <assert.h>
#include <stdlib.h>

void hayi_cargos_init(struct hayi_cargos *cargos)
{
    *cargos = (struct hayi_cargos){.count = 1};
}

void hayi_cargos_fini(struct hayi_cargos *cargos)
{
    for (uint32_t i = 1; i < cargos->count; i++) {
        free(cargos->list[i].inputs);
        free(cargos->list[i].made);
    }
    free(cargos->list);
    hayi_cargos_init(cargos);
}

hay_status hayi_cargos_reserve(struct hayi_cargos *cargos)
{
    if (cargos->free != 0) {
        return HAY_OK;
    }
    if (cargos->count >= UINT32_MAX / 2) {
        return HAY_ENOMEM;
    }
    void *list = cargos->list;
    if (!hayi_alloc_grow(&list,
                         &cargos->room,
                         (size_t)cargos->count + 1,
                         sizeof(*cargos->list))) {
        return HAY_ENOMEM;
    }
    cargos->list = list;
    return HAY_OK;
}

uint32_t hayi_cargos_take(struct hayi_cargos *cargos)
{
    uint32_t index = cargos->free;
    if (index != 0) {
        cargos->free = cargos->list[index].next;
    } else {
        assert(cargos->count < cargos->room);
        index = cargos->count++;
    }
    cargos->list[index] = (struct hayi_cargo){.state = HAYI_CARGO_OPEN};
    cargos->live++;
    return index;
}

static void put_free(struct hayi_cargos *cargos, uint32_t index)
{
    cargos->list[index] = (struct hayi_cargo){.next = cargos->free};
    cargos->free = index;
}

void hayi_cargos_give(struct hayi_cargos *cargos, uint32_t index)
{
    struct hayi_cargo *cargo = &cargos->list[index];
    assert(cargo->state != HAYI_CARGO_FREE);
    assert(cargo->position == 0 && cargo->node == 0);
    cargos->entries -= (uint64_t)cargo->input_count + cargo->made_count;
    free(cargo->inputs);
    free(cargo->made);
    cargos->live--;
    if (!cargo->listed) {
        put_free(cargos, index);
        return;
    }
    *cargo = (struct hayi_cargo){.todo = cargo->todo, .listed = true};
}

static int by_index(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void hayi_cargos_inputs(struct hayi_cargos *cargos,
                        uint32_t index,
                        uint32_t *inputs,
                        uint32_t count)
{
    uint32_t kept = 0;
    if (count > 1) {
        qsort(inputs, count, sizeof(*inputs), by_index);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (kept == 0 || inputs[i] != inputs[kept - 1]) {
            inputs[kept++] = inputs[i];
        }
    }
    cargos->list[index].inputs = inputs;
    cargos->list[index].input_count = kept;
    cargos->entries += kept;
}

void hayi_cargos_made(struct hayi_cargos *cargos,
                      uint32_t index,
                      uint32_t *made,
                      uint32_t count)
{
    cargos->list[index].made = made;
    cargos->list[index].made_count = count;
    cargos->list[index].made_live = count;
    cargos->entries += count;
}

bool hayi_cargo_lists(const struct hayi_cargo *cargo, uint32_t object)
{
    return cargo->input_count > 0
           && bsearch(&object,
                      cargo->inputs,
                      cargo->input_count,
                      sizeof(*cargo->inputs),
                      by_index)
                  != NULL;
}

void hayi_cargos_link(struct hayi_cargos *cargos,
                      uint32_t *head,
                      uint32_t index)
{
    struct hayi_cargo *cargo = &cargos->list[index];
    cargo->prev = 0;
    cargo->next = *head;
    if (*head != 0) {
        cargos->list[*head].prev = index;
    }
    *head = index;
}

void hayi_cargos_unlink(struct hayi_cargos *cargos,
                        uint32_t *head,
                        uint32_t index)
{
    struct hayi_cargo *cargo = &cargos->list[index];
    if (cargo->prev == 0) {
        assert(*head == index);
        *head = cargo->next;
    } else {
        cargos->list[cargo->prev].next = cargo->next;
    }
    if (cargo->next != 0) {
        cargos->list[cargo->next].prev = cargo->prev;
    }
    cargo->next = 0;
    cargo->prev = 0;
}

void hayi_cargos_touch(struct hayi_cargos *cargos, uint32_t index)
{
    struct hayi_cargo *cargo = &cargos->list[index];
    if (cargo->listed) {
        return;
    }
    cargo->listed = true;
    cargo->todo = 0;
    if (cargos->last == 0) {
        cargos->first = index;
    } else {
        cargos->list[cargos->last].todo = index;
    }
    cargos->last = index;
}

uint32_t hayi_cargos_pop(struct hayi_cargos *cargos)
{
    while (cargos->first != 0) {
        uint32_t index = cargos->first;
        struct hayi_cargo *cargo = &cargos->list[index];
        cargos->first = cargo->todo;
        if (cargos->first == 0) {
            cargos->last = 0;
        }
        cargo->todo = 0;
        cargo->listed = false;
        if (cargo->state != HAYI_CARGO_FREE) {
            return index;
        }
        put_free(cargos, index);
    }
    return 0;
}

size_t hayi_cargos_bytes(const struct hayi_cargos *cargos)
{
    return cargos->room * sizeof(*cargos->list)
           + cargos->entries * sizeof(uint32_t);
}
