/* child_report.c - see child_report.h.
 *
 * Objects in the value: a new one (it has no name yet) was made for the attempt
 * and is sealed, and each of these stands in the value once; an older one is
 * one of the attempt's arguments, as it came.
 */
#include "config.h"

#include "worker/child_report.h"

#include "wire/args.h"
#include "wire/channel.h"
#include "wire/nest.h"
#include "worker/registry.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS, RESULT, FAILURES, TEXT, SEALED, PART_COUNT };
enum { REPORT_MORE = 64 << 10 }; /* of it that the child does not tell */

/* ---- the record ----------------------------------------------------------
 */

static bool find_parts(const struct hayi_child_ended *head,
                       const void *body,
                       uint64_t size,
                       const unsigned char *at[PART_COUNT])
{
    const uint64_t sizes[PART_COUNT] = {head->words_size,
                                        head->result_size,
                                        head->failures_size,
                                        head->text_size,
                                        head->sealed_size};
    const unsigned char *next = (const unsigned char *)body + sizeof(*head);
    uint64_t left = size - sizeof(*head);
    for (int i = 0; i < PART_COUNT; i++) {
        if (sizes[i] > left || HAYI_PAD8(sizes[i]) > left) {
            return false;
        }
        at[i] = next;
        next += HAYI_PAD8(sizes[i]);
        left -= HAYI_PAD8(sizes[i]);
    }
    return (sizes[WORDS] == 0 || at[WORDS][sizes[WORDS] - 1] == 0)
           && (sizes[TEXT] == 0 || at[TEXT][sizes[TEXT] - 1] == 0)
           && sizes[FAILURES] % sizeof(struct hayi_range_failure) == 0
           && sizes[SEALED] % sizeof(uint64_t) == 0;
}

/* size: of the whole.  What the report to the manager will hold fits there. */
static bool is_sound(const struct hay_task *task,
                     const struct hayi_child_ended *head,
                     uint64_t size,
                     uint64_t now_ns)
{
    bool here = task->is_range && task->range.out_address != 0;
    uint64_t told = here ? size - head->result_size : size;
    return head->outcome <= HAYI_OUTCOME_CANCELLED
           && head->cause <= HAY_CAUSE_WALLTIME
           && head->end_ns >= head->start_ns && head->end_ns <= now_ns
           && told <= HAYI_RECORD_MAX - REPORT_MORE;
}

/* ---- a range --------------------------------------------------------------
 */

static bool range_is_sound(const struct hay_task *task,
                           const struct hayi_child_ended *head,
                           const unsigned char *const at[PART_COUNT])
{
    const struct hayi_function *f = hayi_registry_get(task->record.function);
    uint64_t out_size = f != NULL ? f->out_size : 0;
    size_t count =
        (size_t)head->failures_size / sizeof(struct hayi_range_failure);
    if (head->items_done > task->range.count
        || head->items_failed > head->items_done
        || head->result_size != head->items_done * out_size
        || head->sealed_size != 0 || head->follow != 0
        || !hayi_nest_strings((const char *)at[TEXT], head->text_size, count)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        struct hayi_range_failure failure;
        memcpy(&failure, at[FAILURES] + i * sizeof(failure), sizeof(failure));
        if (failure.item >= task->range.count) {
            return false;
        }
    }
    return true;
}

/* ---- a value --------------------------------------------------------------
 */

struct objects {
    struct hayi_child_made *made; /* [made_count], by place */
    size_t made_count;
    struct hayi_object_value *given; /* [given_count], sorted; malloc'ed */
    size_t given_count, given_room;
    size_t reported;
    bool older; /* there are such objects in the value */
    bool good;
};

static int by_place(const void *a, const void *b)
{
    uint64_t x = ((const struct hayi_child_made *)a)->place;
    uint64_t y = ((const struct hayi_child_made *)b)->place;
    return (x > y) - (x < y);
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct hayi_object_value));
}

static struct hayi_child_made *find(const struct objects *o, uint64_t place)
{
    const struct hayi_child_made key = {.place = place};
    return o->made_count == 0
               ? NULL
               : bsearch(&key, o->made, o->made_count, sizeof(key), by_place);
}

/* hayi_value_objects() calls it for each of the value. */
static void look_at_new(void *context, struct hayi_object_value *object)
{
    struct objects *o = context;
    if (object->object != 0) {
        o->older = true;
        return;
    }
    struct hayi_child_made *made = find(o, object->place);
    if (made == NULL || made->sealed == 0 || made->reported != 0
        || made->size_bytes != object->size) {
        o->good = false;
        return;
    }
    made->reported = 1;
    o->reported++;
}

/* ... for each of the arguments. */
static void list_given(void *context, struct hayi_object_value *object)
{
    struct objects *o = context;
    if (o->given_count == o->given_room) {
        size_t room = o->given_room == 0 ? 16 : o->given_room * 2;
        void *list = realloc(o->given, room * sizeof(*o->given));
        if (list == NULL) {
            o->good = false;
            return;
        }
        o->given = list;
        o->given_room = room;
    }
    o->given[o->given_count++] = *object;
}

/* ... and once more for each of the value. */
static void look_at_older(void *context, struct hayi_object_value *object)
{
    struct objects *o = context;
    if (object->object != 0
        && (o->given_count == 0
            || bsearch(
                   object, o->given, o->given_count, sizeof(*object), by_bytes)
                   == NULL)) {
        o->good = false;
    }
}

/* All objects of the arguments, which hayi_child_order_open() found sound. */
static void list_all_given(const struct hay_task *task, struct objects *o)
{
    const unsigned char *at = task->args;
    const unsigned char *end = at + task->record.args_size;
    at += HAYI_ARGS_HEAD;
    for (size_t i = 0; i < hayi_args_count(task->args) && o->good; i++) {
        struct hayi_value_head head;
        size_t used = 0;
        if (!hayi_value_head_read(at, (size_t)(end - at), &head, &used)
            || hayi_value_objects(at, used, list_given, o, NULL) != HAY_OK) {
            o->good = false;
            return;
        }
        at += used;
    }
    if (o->given_count > 1) {
        qsort(o->given, o->given_count, sizeof(*o->given), by_bytes);
    }
}

/* Kinds that are arguments only; the value was read once. */
static bool is_plain(const unsigned char *at, size_t size)
{
    struct hayi_value_head head;
    size_t used = 0;
    if (!hayi_value_head_read(at, size, &head, &used)
        || (head.type > HAY_LIST && head.type != HAYI_KIND_OBJECT)) {
        return false;
    }
    const unsigned char *next = at + sizeof(head);
    size_t left = used - sizeof(head);
    for (uint32_t i = 0; head.type == HAY_LIST && i < head.count; i++) {
        struct hayi_value_head element;
        if (!hayi_value_head_read(next, left, &element, &used)
            || !is_plain(next, left)) {
            return false;
        }
        next += used;
        left -= used;
    }
    return true;
}

static bool
mark_sealed(const struct objects *o, const unsigned char *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t place;
        memcpy(&place, places + i * sizeof(place), sizeof(place));
        struct hayi_child_made *made = find(o, place);
        if (made == NULL || made->sealed != 0) {
            return false;
        }
        made->sealed = 1;
    }
    return true;
}

static bool value_is_sound(const struct hay_task *task,
                           const struct hayi_child_ended *head,
                           const unsigned char *const at[PART_COUNT],
                           struct objects *o)
{
    size_t sealed = (size_t)head->sealed_size / sizeof(uint64_t);
    size_t size = (size_t)head->result_size;
    size_t used = 0;
    struct hayi_value value;
    if (head->failures_size != 0 || head->text_size != 0
        || !mark_sealed(o, at[SEALED], sealed)) {
        return false;
    }
    if (size == 0) {
        return sealed == 0;
    }
    if (hayi_value_read(at[RESULT], size, &value, &used, NULL) != HAY_OK
        || used != size || !is_plain(at[RESULT], size)) {
        return false;
    }
    (void)hayi_value_objects(at[RESULT], size, look_at_new, o, NULL);
    if (o->good && o->older) {
        list_all_given(task, o);
        (void)hayi_value_objects(at[RESULT], size, look_at_older, o, NULL);
    }
    return o->good && o->reported == sealed;
}

bool hayi_child_report_read(const struct hay_task *task,
                            struct hayi_child_made *made,
                            size_t made_count,
                            const void *body,
                            uint64_t size,
                            uint64_t now_ns,
                            struct hayi_child_report *report)
{
    struct hayi_child_ended head;
    const unsigned char *at[PART_COUNT];
    if (size < sizeof(head)) {
        return false;
    }
    memcpy(&head, body, sizeof(head));
    if (!find_parts(&head, body, size, at)
        || !is_sound(task, &head, size, now_ns)) {
        return false;
    }
    struct objects o = {.made = made, .made_count = made_count, .good = true};
    if (made_count > 1) {
        qsort(made, made_count, sizeof(*made), by_place);
    }
    bool sound = task->is_range ? range_is_sound(task, &head, at)
                                : value_is_sound(task, &head, at, &o);
    free(o.given);
    if (sound) {
        *report = (struct hayi_child_report){
            .head = head,
            .words = (const char *)at[WORDS],
            .result = at[RESULT],
            .failures = at[FAILURES],
            .text = (const char *)at[TEXT],
        };
    }
    return sound;
}
