/* args.c - see args.h.
 *
 * Groups are written and filled as arguments are, one level deep: a group in a
 * group is refused when it is measured.
 */
#include "config.h"

#include "wire/args.h"

#include <string.h>

enum {
    PLACE_REF = 8,   /* data of HAYI_KIND_REF and _SHAPE */
    PLACE_REFS = 16, /* data of HAYI_KIND_REFS */
};

static bool is_group(uint32_t kind)
{
    return kind == HAYI_KIND_REGION || kind == HAYI_KIND_OUTPUT;
}

/* ---- measuring ---------------------------------------------------------- */

const char *hayi_arg_data(const hay_arg *arg, size_t *size)
{
    size_t data = (size_t)arg->count;
    const char *wrong = NULL;
    switch (arg->kind) {
    case HAY_DOUBLE:
    case HAY_INT64:
        data = 8;
        break;
    case HAY_STRING:
        wrong = arg->u.data == NULL ? "the string is NULL" : NULL;
        break;
    case HAY_BYTES:
        wrong = arg->u.data == NULL && data > 0 ? "the data are NULL" : NULL;
        break;
    case HAY_ARRAY:
        if (arg->ndim > HAY_NDIM_MAX || (arg->ndim > 0 && arg->shape == NULL)
            || !hayi_array_bytes(arg->dtype, arg->ndim, arg->shape, &data)) {
            wrong = "an array of this type and shape cannot be";
        } else if (arg->u.data == NULL && data > 0) {
            wrong = "the array's data are NULL";
        }
        break;
    default:
        wrong = "it was not made by one of the hay_... functions";
    }
    *size = wrong == NULL ? data : 0;
    return wrong;
}

/* What one argument adds to the blob and to the references; NULL or what is
 * wrong with it. */
static const char *
measure_one(const hay_arg *arg, size_t *bytes, size_t *refs, bool inner);

static const char *
measure_group(const hay_arg *arg, size_t *bytes, size_t *refs)
{
    const hay_arg *list = arg->u.data;
    const char *wrong = NULL;
    *bytes = sizeof(struct hayi_value_head);
    *refs = 0;
    for (uint64_t i = 0; wrong == NULL && i < arg->count; i++) {
        size_t more = 0;
        size_t futures = 0;
        wrong = measure_one(&list[i], &more, &futures, true);
        *bytes += more;
        *refs += futures;
    }
    return wrong;
}

static const char *measure_refs(const hay_arg *arg)
{
    for (uint64_t i = 0; i < arg->count; i++) {
        if (arg->u.futures == NULL || arg->u.futures[i] == NULL) {
            return "a future of the list is NULL";
        }
    }
    return NULL;
}

static const char *
measure_one(const hay_arg *arg, size_t *bytes, size_t *refs, bool inner)
{
    const char *wrong = NULL;
    uint32_t ndim = 0;
    size_t data = (size_t)arg->count;
    *refs = 0;
    switch (arg->kind) {
    case HAY_NONE:
        data = 0;
        wrong = inner ? NULL : "it has no value";
        break;
    case HAYI_KIND_REF:
    case HAYI_KIND_SHAPE:
        data = PLACE_REF;
        *refs = 1;
        wrong = arg->u.future == NULL ? "the future is NULL" : NULL;
        break;
    case HAYI_KIND_REFS:
        data = PLACE_REFS;
        *refs = (size_t)arg->count;
        wrong = measure_refs(arg);
        break;
    case HAYI_KIND_REGION:
    case HAYI_KIND_OUTPUT:
        return inner ? "a group in a group" : measure_group(arg, bytes, refs);
    default:
        ndim = arg->kind == HAY_ARRAY ? arg->ndim : 0;
        wrong = hayi_arg_data(arg, &data);
    }
    *bytes = data > HAY_ARGS_MAX ? HAYI_ARGS_MAX + 1
                                 : hayi_value_size(HAY_NONE, ndim, data);
    return wrong;
}

hay_status hayi_args_measure(hay_args args,
                             struct hayi_args_size *size,
                             struct hayi_error *err)
{
    struct hayi_args_size sum = {HAYI_ARGS_HEAD, 0};
    if (args.count > 0 && args.list == NULL) {
        return hayi_fail(err, HAY_EINVAL, "the list of arguments is NULL");
    }
    for (size_t i = 0; i < args.count; i++) {
        size_t bytes = 0;
        size_t refs = 0;
        const char *wrong = measure_one(&args.list[i], &bytes, &refs, false);
        if (wrong != NULL) {
            return hayi_fail(err, HAY_EINVAL, "argument %zu: %s", i, wrong);
        }
        sum.bytes += bytes;
        sum.refs += refs;
        if (sum.bytes > HAYI_ARGS_MAX || sum.refs > UINT32_MAX / 2) {
            return hayi_fail(err,
                             HAY_ETOOBIG,
                             "the arguments have more than %zu bytes in all "
                             "(argument %zu is one too many)",
                             HAY_ARGS_MAX,
                             i);
        }
    }
    *size = sum;
    return HAY_OK;
}

/* ---- writing ------------------------------------------------------------ */

static unsigned char *write_one(const hay_arg *arg,
                                unsigned char *at,
                                hay_future **refs,
                                uint64_t *ref);

/* Its size is known when its elements are there. */
static unsigned char *write_group(const hay_arg *arg,
                                  unsigned char *at,
                                  hay_future **refs,
                                  uint64_t *ref)
{
    const hay_arg *list = arg->u.data;
    unsigned char *body = at + sizeof(struct hayi_value_head);
    unsigned char *end = body;
    for (uint64_t i = 0; i < arg->count; i++) {
        end = write_one(&list[i], end, refs, ref);
    }
    const struct hayi_value_head head = {
        .type = (uint8_t)arg->kind,
        .count = (uint32_t)arg->count,
        .size = (uint64_t)(end - body),
    };
    memcpy(at, &head, sizeof(head));
    return end;
}

static unsigned char *write_one(const hay_arg *arg,
                                unsigned char *at,
                                hay_future **refs,
                                uint64_t *ref)
{
    struct hayi_value_head head = {.type = (uint8_t)arg->kind};
    uint64_t place[2] = {*ref, arg->count};
    const void *data = arg->u.data;
    size_t size = (size_t)arg->count;
    switch (arg->kind) {
    case HAY_DOUBLE:
    case HAY_INT64:
        data = &arg->u;
        size = 8;
        break;
    case HAY_ARRAY:
        (void)hayi_array_bytes(arg->dtype, arg->ndim, arg->shape, &size);
        head.dtype = (uint8_t)arg->dtype;
        head.ndim = (uint16_t)arg->ndim;
        break;
    case HAYI_KIND_REF:
    case HAYI_KIND_SHAPE:
        place[0] |= arg->count << 32; /* 0, or 1 + index of a result */
        data = place;
        size = PLACE_REF;
        refs[(*ref)++] = arg->u.future;
        break;
    case HAYI_KIND_REFS:
        data = place;
        size = PLACE_REFS;
        for (uint64_t k = 0; k < arg->count; k++) {
            refs[(*ref)++] = arg->u.futures[k];
        }
        break;
    case HAYI_KIND_REGION:
    case HAYI_KIND_OUTPUT:
        return write_group(arg, at, refs, ref);
    default:
        break;
    }
    head.size = 8 * (uint64_t)head.ndim + size;
    return at + hayi_value_write(at, &head, arg->shape, data, size);
}

void hayi_args_write(hay_args args, void *bytes, hay_future **refs)
{
    unsigned char *at = bytes;
    uint64_t ref = 0;
    const uint32_t args_head[2] = {(uint32_t)args.count, 0};
    memcpy(at, args_head, HAYI_ARGS_HEAD);
    at += HAYI_ARGS_HEAD;
    for (size_t i = 0; i < args.count; i++) {
        at = write_one(&args.list[i], at, refs, &ref);
    }
}

/* ---- filling the places ---------------------------------------------------
 */

static bool is_place(uint32_t kind)
{
    return kind == HAYI_KIND_REF || kind == HAYI_KIND_REFS
           || kind == HAYI_KIND_SHAPE || is_group(kind);
}

static bool has_kind(const void *bytes, size_t size, bool (*wanted)(uint32_t))
{
    const unsigned char *at = bytes;
    const unsigned char *end = at + size;
    uint32_t count =
        size >= HAYI_ARGS_HEAD ? (uint32_t)hayi_args_count(bytes) : 0;
    struct hayi_value_head head;
    size_t used = 0;
    at += size >= HAYI_ARGS_HEAD ? HAYI_ARGS_HEAD : 0;
    for (uint32_t i = 0; i < count; i++, at += used) {
        if (!hayi_value_head_read(at, (size_t)(end - at), &head, &used)) {
            return false;
        }
        if (wanted(head.type)) {
            return true;
        }
    }
    return false;
}

bool hayi_args_has_refs(const void *bytes, size_t size)
{
    return has_kind(bytes, size, is_place);
}

bool hayi_args_has_groups(const void *bytes, size_t size)
{
    return has_kind(bytes, size, is_group);
}

/* What filling has to hand. */
struct filling {
    const struct hayi_results *results;
    struct hayi_buffer *out;
    size_t start; /* where the arguments begin in 'out' */
    struct hayi_error *err;
};

static bool too_big(const struct filling *f)
{
    return f->out->size - f->start > HAYI_ARGS_MAX;
}

static hay_status append(const struct filling *f, const void *data, size_t size)
{
    hay_status st = hayi_buffer_append(f->out, data, size);
    return st == HAY_OK ? st
                        : hayi_fail(f->err, st, "out of memory for arguments");
}

static void set_place(void *context, struct hayi_object_value *object)
{
    const struct hayi_results *results = context;
    object->place = results->place(results->context, object->object);
}

static hay_status append_none(const struct filling *f)
{
    const struct hayi_value_head none = {.type = HAY_NONE};
    return append(f, &none, sizeof(none));
}

/* The head of a list whose elements stand behind it now. */
static void
close_list(const struct filling *f, size_t head_at, struct hayi_value_head head)
{
    head.size = f->out->size - head_at - sizeof(head);
    memcpy(f->out->data + head_at, &head, sizeof(head));
}

/* What the value at 'bytes' is, as if it were an object. */
static hay_status
append_shape(const struct filling *f, const void *bytes, size_t size);

static hay_status append_shapes(const struct filling *f,
                                const struct hayi_value *list)
{
    struct hayi_value_head head = {.type = HAY_LIST, .count = list->count};
    const unsigned char *at = list->data;
    size_t left = list->size;
    size_t head_at = f->out->size;
    hay_status st = append(f, &head, sizeof(head));
    for (uint32_t i = 0; st == HAY_OK && i < list->count && !too_big(f); i++) {
        struct hayi_value_head element;
        size_t used = 0;
        (void)hayi_value_head_read(at, left, &element, &used);
        st = append_shape(f, at, used);
        at += used;
        left -= used;
    }
    if (st == HAY_OK) {
        close_list(f, head_at, head);
    }
    return st;
}

static hay_status
append_shape(const struct filling *f, const void *bytes, size_t size)
{
    struct hayi_value value;
    size_t used = 0;
    hay_status st = hayi_value_read(bytes, size, &value, &used, f->err);
    if (st != HAY_OK) {
        return st;
    }
    const struct hayi_object_value object = {.size = value.size};
    switch (value.type) {
    case HAY_STRING:
    case HAY_BYTES:
    case HAY_ARRAY:
        st =
            hayi_value_append_object(f->out, value.type, &value.array, &object);
        return st == HAY_OK
                   ? st
                   : hayi_fail(f->err, st, "out of memory for arguments");
    case HAY_LIST:
        return append_shapes(f, &value);
    default:
        return append(f, bytes, used);
    }
}

/* The value at 'bytes', with its objects' places. */
static hay_status append_value(const struct filling *f,
                               const void *bytes,
                               size_t size,
                               bool shape_only)
{
    if (shape_only) {
        return append_shape(f, bytes, size);
    }

    struct hayi_value value;
    size_t used = 0;
    size_t at = f->out->size;
    hay_status st = hayi_value_read(bytes, size, &value, &used, f->err);
    if (st == HAY_OK) {
        st = append(f, bytes, used);
    }
    if (st == HAY_OK && f->results->place != NULL) {
        st = hayi_value_objects(f->out->data + at,
                                used,
                                set_place,
                                (void *)(uintptr_t)f->results,
                                f->err);
    }
    return st;
}

static hay_status
append_result(const struct filling *f, uint64_t place, bool shape_only)
{
    uint32_t index = (uint32_t)place;
    uint32_t part = (uint32_t)(place >> 32);
    const void *bytes = f->results->values[index];
    size_t size = f->results->sizes[index];
    if (size == 0) {
        return append_none(f);
    }
    if (part == 0) {
        return append_value(f, bytes, size, shape_only);
    }
    struct hayi_value list;
    struct hayi_value element;
    hay_status st = hayi_value_read(bytes, size, &list, NULL, f->err);
    if (st != HAY_OK) {
        return st;
    }
    if (part == 1 && list.type != HAY_LIST) {
        return append_value(f, bytes, size, shape_only); /* the only one */
    }
    if (!hayi_list_get(&list, part - 1, &element)) {
        return append_none(f);
    }
    const unsigned char *at = element.bytes;
    return append_value(
        f, at, size - (size_t)(at - (const unsigned char *)bytes), shape_only);
}

/* A list of the results first .. first+count-1. */
static hay_status
append_results(const struct filling *f, uint64_t first_ref, uint64_t count)
{
    struct hayi_value_head head = {
        .type = HAY_LIST,
        .dtype = HAYI_LIST_EVEN,
        .count = (uint32_t)count,
    };
    size_t head_at = f->out->size;
    size_t first = 0;
    hay_status st = append(f, &head, sizeof(head));
    for (uint64_t i = 0; st == HAY_OK && i < count && !too_big(f); i++) {
        size_t before = f->out->size;
        st = append_result(f, first_ref + i, false);
        first = i == 0 ? f->out->size - before : first;
        if (f->out->size - before != first) {
            head.dtype = 0;
        }
    }
    if (st == HAY_OK) {
        close_list(f, head_at, head);
    }
    return st;
}

static hay_status fill_group(const struct filling *f,
                             const struct hayi_value_head *group,
                             const unsigned char *at);

/* One argument or element of a group, from the blob or from the results. */
static hay_status fill_one(const struct filling *f,
                           const struct hayi_value_head *head,
                           const unsigned char *at,
                           size_t used)
{
    uint64_t place[2] = {0, 0};
    if ((head->type == HAYI_KIND_REF || head->type == HAYI_KIND_SHAPE)
        && head->size == PLACE_REF) {
        memcpy(place, at + sizeof(*head), PLACE_REF);
        return append_result(f, place[0], head->type == HAYI_KIND_SHAPE);
    }
    if (head->type == HAYI_KIND_REFS && head->size == PLACE_REFS) {
        memcpy(place, at + sizeof(*head), PLACE_REFS);
        return append_results(f, place[0], place[1]);
    }
    if (is_group(head->type)) {
        return fill_group(f, head, at + sizeof(*head));
    }
    if (head->type > HAY_LIST) {
        return hayi_fail(
            f->err, HAY_ETYPE, "damaged value: an unknown kind of argument");
    }
    return append(f, at, used);
}

static hay_status fill_list(const struct filling *f,
                            const unsigned char *at,
                            size_t left,
                            uint64_t count)
{
    hay_status st = HAY_OK;
    for (uint64_t i = 0; st == HAY_OK && i < count && !too_big(f); i++) {
        struct hayi_value_head head;
        size_t used = 0;
        if (!hayi_value_head_read(at, left, &head, &used)) {
            return hayi_fail(f->err,
                             HAY_ETYPE,
                             "damaged value: the arguments end too early");
        }
        st = fill_one(f, &head, at, used);
        at += used;
        left -= used;
    }
    return st;
}

static hay_status fill_group(const struct filling *f,
                             const struct hayi_value_head *group,
                             const unsigned char *at)
{
    struct hayi_value_head head = {.type = group->type, .count = group->count};
    size_t head_at = f->out->size;
    hay_status st = append(f, &head, sizeof(head));
    if (st == HAY_OK) {
        st = fill_list(f, at, (size_t)group->size, group->count);
    }
    if (st == HAY_OK) {
        close_list(f, head_at, head);
    }
    return st;
}

hay_status hayi_args_fill(const void *bytes,
                          size_t size,
                          const struct hayi_results *results,
                          struct hayi_buffer *out,
                          struct hayi_error *err)
{
    const struct filling f = {results, out, out->size, err};
    if (size < HAYI_ARGS_HEAD) {
        return hayi_fail(err, HAY_ETYPE, "damaged value: no head of arguments");
    }
    hay_status st = append(&f, bytes, HAYI_ARGS_HEAD);
    if (st == HAY_OK) {
        st = fill_list(&f,
                       (const unsigned char *)bytes + HAYI_ARGS_HEAD,
                       size - HAYI_ARGS_HEAD,
                       hayi_args_count(bytes));
    }
    if (st == HAY_OK && too_big(&f)) {
        st = hayi_fail(err,
                       HAY_ETOOBIG,
                       "the arguments and the results that fill them have "
                       "more than %zu bytes in all",
                       HAY_ARGS_MAX);
    }
    if (st != HAY_OK) {
        out->size = f.start;
    }
    return st;
}
