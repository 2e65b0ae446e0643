/* value.c - see value.h.
 *
 * Everything that is read goes through read_head(), which compares each length
 * with what is left.  A list whose elements are all of one size is marked in
 * its head, so that finding an element of it is one multiplication; otherwise
 * it is a walk.
 */
#include "config.h"

#include "wire/value.h"

#include <string.h>

enum {
    DEPTH_MAX = 4,   /* lists in lists */
    LIST_EVEN = 1,   /* dtype of a list: all elements have one size */
    ARGS_HEAD = 8,   /* {count, 0} */
    PLACE_REF = 8,   /* data of HAYI_KIND_REF */
    PLACE_REFS = 16, /* data of HAYI_KIND_REFS */
};

static const char *const type_names[] = {
    "none",
    "double",
    "int64",
    "string",
    "bytes",
    "array",
    "list",
};

const char *hayi_type_name(hay_type type)
{
    if ((int)type < 0
        || (size_t)type >= sizeof(type_names) / sizeof(type_names[0])) {
        return "unknown";
    }
    return type_names[type];
}

size_t hay_dtype_size(hay_dtype dtype)
{
    switch (dtype) {
    case HAY_F64:
    case HAY_I64:
    case HAY_U64:
        return 8;
    case HAY_F32:
    case HAY_I32:
    case HAY_U32:
        return 4;
    case HAY_I16:
    case HAY_U16:
        return 2;
    case HAY_I8:
    case HAY_U8:
        return 1;
    }
    return 0;
}

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

size_t hayi_value_size(hay_type type, uint32_t ndim, size_t data_size)
{
    (void)type;
    return sizeof(struct hayi_value_head)
           + padded(8 * (size_t)ndim + data_size);
}

/* Bytes of an array; false: more than can be counted, or a wrong type. */
static bool
array_bytes(uint32_t dtype, uint32_t ndim, const uint64_t *shape, size_t *bytes)
{
    size_t product = hay_dtype_size((hay_dtype)dtype);
    if (product == 0 || ndim > HAY_NDIM_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < ndim; i++) {
        if (shape[i] == 0) {
            *bytes = 0;
            return true;
        }
    }
    for (uint32_t i = 0; i < ndim; i++) {
        if (product > SIZE_MAX / 2 / shape[i]) {
            return false;
        }
        product *= (size_t)shape[i];
    }
    *bytes = product;
    return true;
}

/* ---- writing ------------------------------------------------------------ */

/* Head, shape and data at 'place', which has room for the padded whole. */
static size_t write_value(unsigned char *place,
                          const struct hayi_value_head *head,
                          const uint64_t *shape,
                          const void *data,
                          size_t data_size)
{
    size_t shape_size = 8 * (size_t)head->ndim;
    size_t whole = sizeof(*head) + padded(shape_size + data_size);
    memcpy(place, head, sizeof(*head));
    if (shape_size > 0) {
        memcpy(place + sizeof(*head), shape, shape_size);
    }
    unsigned char *at = place + sizeof(*head) + shape_size;
    if (data == NULL) {
        memset(at, 0, data_size);
    } else if (data_size > 0) {
        memcpy(at, data, data_size);
    }
    memset(at + data_size, 0, (size_t)(place + whole - (at + data_size)));
    return whole;
}

static hay_status append(struct hayi_buffer *buffer,
                         const struct hayi_value_head *head,
                         const uint64_t *shape,
                         const void *data,
                         size_t size,
                         struct hayi_error *err)
{
    if (size > HAY_VALUE_MAX) {
        return hayi_fail(err,
                         HAY_ETOOBIG,
                         "a value of %zu bytes: at most %zu travel by value",
                         size,
                         HAY_VALUE_MAX);
    }
    size_t whole = hayi_value_size((hay_type)head->type, head->ndim, size);
    unsigned char *place = hayi_buffer_extend(buffer, whole);
    if (place == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a value");
    }
    (void)write_value(place, head, shape, data, size);
    return HAY_OK;
}

hay_status hayi_value_append(struct hayi_buffer *buffer,
                             hay_type type,
                             const void *data,
                             size_t size,
                             struct hayi_error *err)
{
    assert(type != HAY_ARRAY && type != HAY_LIST);
    assert((type != HAY_DOUBLE && type != HAY_INT64) || size == 8);
    assert(type != HAY_STRING
           || (size > 0 && ((const char *)data)[size - 1] == 0));
    struct hayi_value_head head = {.type = (uint8_t)type, .size = size};
    return append(buffer, &head, NULL, data, size, err);
}

hay_status hayi_value_append_array(struct hayi_buffer *buffer,
                                   hay_dtype dtype,
                                   uint32_t ndim,
                                   const uint64_t *shape,
                                   const void *data,
                                   struct hayi_error *err)
{
    size_t size = 0;
    if (ndim > HAY_NDIM_MAX || (ndim > 0 && shape == NULL)
        || !array_bytes(dtype, ndim, shape, &size)) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "an array with a type, a number of dimensions (at "
                         "most %d) or a shape that cannot be",
                         HAY_NDIM_MAX);
    }
    struct hayi_value_head head = {
        .type = HAY_ARRAY,
        .dtype = (uint8_t)dtype,
        .ndim = (uint16_t)ndim,
        .size = 8 * (uint64_t)ndim + size,
    };
    return append(buffer, &head, shape, data, size, err);
}

/* ---- reading ------------------------------------------------------------ */

static hay_status damaged(struct hayi_error *err, const char *what)
{
    return hayi_fail(err, HAY_ETYPE, "damaged value: %s", what);
}

/* The head at 'bytes', when what it announces fits into 'size'. */
static bool read_head(const void *bytes,
                      size_t size,
                      struct hayi_value_head *head,
                      size_t *used)
{
    if (size < sizeof(*head)) {
        return false;
    }
    memcpy(head, bytes, sizeof(*head));
    if (head->size > size - sizeof(*head)
        || padded((size_t)head->size) > size - sizeof(*head)) {
        return false;
    }
    *used = sizeof(*head) + padded((size_t)head->size);
    return true;
}

static hay_status read_array(const struct hayi_value_head *head,
                             const unsigned char *body,
                             struct hayi_value *value,
                             struct hayi_error *err)
{
    hay_array_view *view = &value->array;
    size_t shape_size = 8 * (size_t)head->ndim;
    size_t size = 0;
    if (head->ndim > HAY_NDIM_MAX || head->size < shape_size) {
        return damaged(err, "the shape of an array");
    }
    memset(view, 0, sizeof(*view));
    memcpy(view->shape, body, shape_size);
    if (!array_bytes(head->dtype, head->ndim, view->shape, &size)
        || size != head->size - shape_size) {
        return damaged(err, "the size of an array");
    }
    view->dtype = (hay_dtype)head->dtype;
    view->ndim = head->ndim;
    view->data = body + shape_size;
    view->size_bytes = size;
    value->data = view->data;
    value->size = size;
    return HAY_OK;
}

static hay_status read_value(const void *bytes,
                             size_t size,
                             int depth,
                             struct hayi_value *value,
                             size_t *used,
                             struct hayi_error *err);

static hay_status read_list(const struct hayi_value_head *head,
                            const unsigned char *body,
                            int depth,
                            struct hayi_error *err)
{
    size_t left = (size_t)head->size;
    size_t first = 0;
    if (depth >= DEPTH_MAX) {
        return damaged(err, "lists in lists, too deep");
    }
    for (uint32_t i = 0; i < head->count; i++) {
        struct hayi_value element;
        size_t used = 0;
        hay_status st = read_value(body, left, depth + 1, &element, &used, err);
        if (st != HAY_OK) {
            return st;
        }
        first = i == 0 ? used : first;
        if (head->dtype == LIST_EVEN && used != first) {
            return damaged(err, "an uneven list");
        }
        body += used;
        left -= used;
    }
    return left == 0 ? HAY_OK : damaged(err, "the size of a list");
}

/* Sizes and contents of the simple types. */
static bool sound_scalar(const struct hayi_value_head *head,
                         const unsigned char *body)
{
    switch (head->type) {
    case HAY_NONE:
        return head->size == 0;
    case HAY_DOUBLE:
    case HAY_INT64:
        return head->size == 8;
    case HAY_STRING:
        return head->size > 0 && body[head->size - 1] == 0;
    case HAY_BYTES:
        return true;
    default:
        return false;
    }
}

static hay_status read_value(const void *bytes,
                             size_t size,
                             int depth,
                             struct hayi_value *value,
                             size_t *used,
                             struct hayi_error *err)
{
    struct hayi_value_head head;
    const unsigned char *body = (const unsigned char *)bytes + sizeof(head);
    if (!read_head(bytes, size, &head, used)) {
        return damaged(err, "it ends too early");
    }
    value->type = (hay_type)head.type;
    value->count = head.count;
    value->data = body;
    value->size = (size_t)head.size;
    if (head.type == HAY_ARRAY) {
        return read_array(&head, body, value, err);
    }
    if (head.type == HAY_LIST) {
        return read_list(&head, body, depth, err);
    }
    return sound_scalar(&head, body) ? HAY_OK
                                     : damaged(err, "its type or its size");
}

hay_status hayi_value_read(const void *bytes,
                           size_t size,
                           struct hayi_value *value,
                           size_t *used,
                           struct hayi_error *err)
{
    struct hayi_value found;
    size_t whole = 0;
    hay_status st = read_value(bytes, size, 0, &found, &whole, err);
    if (st == HAY_OK) {
        *value = found;
        if (used != NULL) {
            *used = whole;
        }
    }
    return st;
}

/* ---- the arguments of a submit ------------------------------------------- */

/* Bytes of data of one argument, after a look at whether it can be. */
static hay_status measure_one(const hay_arg *arg,
                              size_t index,
                              size_t *data,
                              size_t *refs,
                              struct hayi_error *err)
{
    const char *wrong = NULL;
    *refs = 0;
    *data = (size_t)arg->count;
    switch (arg->kind) {
    case HAY_DOUBLE:
    case HAY_INT64:
        *data = 8;
        break;
    case HAY_STRING:
        wrong = arg->u.data == NULL ? "the string is NULL" : NULL;
        break;
    case HAY_BYTES:
        wrong =
            arg->u.data == NULL && arg->count > 0 ? "the data are NULL" : NULL;
        break;
    case HAY_ARRAY:
        if (arg->ndim > HAY_NDIM_MAX || (arg->ndim > 0 && arg->shape == NULL)
            || !array_bytes(arg->dtype, arg->ndim, arg->shape, data)) {
            wrong = "an array of this type and shape cannot be";
        } else if (arg->u.data == NULL && *data > 0) {
            wrong = "the array's data are NULL";
        }
        break;
    case HAYI_KIND_REF:
        *data = PLACE_REF;
        *refs = 1;
        wrong = arg->u.future == NULL ? "the future is NULL" : NULL;
        break;
    case HAYI_KIND_REFS:
        *data = PLACE_REFS;
        *refs = (size_t)arg->count;
        for (uint64_t i = 0; wrong == NULL && i < arg->count; i++) {
            if (arg->u.futures == NULL || arg->u.futures[i] == NULL) {
                wrong = "a future of the list is NULL";
            }
        }
        break;
    default:
        wrong = "it was not made by one of the hay_... functions";
    }
    if (wrong != NULL) {
        return hayi_fail(err, HAY_EINVAL, "argument %zu: %s", index, wrong);
    }
    return HAY_OK;
}

hay_status hayi_args_measure(hay_args args,
                             struct hayi_args_size *size,
                             struct hayi_error *err)
{
    struct hayi_args_size sum = {ARGS_HEAD, 0};
    if (args.count > 0 && args.list == NULL) {
        return hayi_fail(err, HAY_EINVAL, "the list of arguments is NULL");
    }
    for (size_t i = 0; i < args.count; i++) {
        size_t data = 0;
        size_t refs = 0;
        uint32_t ndim = args.list[i].kind == HAY_ARRAY ? args.list[i].ndim : 0;
        hay_status st = measure_one(&args.list[i], i, &data, &refs, err);
        if (st != HAY_OK) {
            return st;
        }
        if (data > HAY_VALUE_MAX) {
            return hayi_fail(err,
                             HAY_ETOOBIG,
                             "argument %zu has %zu bytes: at most %zu travel "
                             "by value",
                             i,
                             data,
                             HAY_VALUE_MAX);
        }
        sum.bytes += hayi_value_size(HAY_NONE, ndim, data);
        sum.refs += refs;
        if (sum.bytes > HAYI_ARGS_MAX || sum.refs > UINT32_MAX / 2) {
            return hayi_fail(err,
                             HAY_ETOOBIG,
                             "the arguments have more than %zu bytes in all",
                             HAY_VALUE_MAX);
        }
    }
    *size = sum;
    return HAY_OK;
}

void hayi_args_write(hay_args args, void *bytes, hay_future **refs)
{
    unsigned char *at = bytes;
    uint64_t ref = 0;
    const uint32_t args_head[2] = {(uint32_t)args.count, 0};
    memcpy(at, args_head, ARGS_HEAD);
    at += ARGS_HEAD;
    for (size_t i = 0; i < args.count; i++) {
        const hay_arg *arg = &args.list[i];
        struct hayi_value_head head = {.type = (uint8_t)arg->kind};
        uint64_t place[2] = {ref, arg->count};
        const void *data = arg->u.data;
        size_t size = (size_t)arg->count;
        if (arg->kind == HAY_DOUBLE || arg->kind == HAY_INT64) {
            data = &arg->u;
            size = 8;
        } else if (arg->kind == HAY_ARRAY) {
            (void)array_bytes(arg->dtype, arg->ndim, arg->shape, &size);
            head.dtype = (uint8_t)arg->dtype;
            head.ndim = (uint16_t)arg->ndim;
        } else if (arg->kind == HAYI_KIND_REF) {
            data = place;
            size = PLACE_REF;
            refs[ref++] = arg->u.future;
        } else if (arg->kind == HAYI_KIND_REFS) {
            data = place;
            size = PLACE_REFS;
            for (uint64_t k = 0; k < arg->count; k++) {
                refs[ref++] = arg->u.futures[k];
            }
        }
        head.size = 8 * (uint64_t)head.ndim + size;
        at += write_value(at, &head, arg->shape, data, size);
    }
}

/* ---- filling the places ---------------------------------------------------
 */

bool hayi_args_has_refs(const void *bytes, size_t size)
{
    const unsigned char *at = bytes;
    const unsigned char *end = at + size;
    uint32_t count = size >= ARGS_HEAD ? (uint32_t)hayi_args_count(bytes) : 0;
    struct hayi_value_head head;
    size_t used = 0;
    at += size >= ARGS_HEAD ? ARGS_HEAD : 0;
    for (uint32_t i = 0; i < count; i++, at += used) {
        if (!read_head(at, (size_t)(end - at), &head, &used)) {
            return false;
        }
        if (head.type == HAYI_KIND_REF || head.type == HAYI_KIND_REFS) {
            return true;
        }
    }
    return false;
}

static hay_status
append_bytes(struct hayi_buffer *out, const void *data, size_t size)
{
    return hayi_buffer_append(out, data, size);
}

static hay_status append_result(struct hayi_buffer *out,
                                const void *result,
                                size_t size,
                                struct hayi_error *err)
{
    struct hayi_value value;
    size_t used = 0;
    if (size == 0) {
        const struct hayi_value_head none = {.type = HAY_NONE};
        return append_bytes(out, &none, sizeof(none));
    }
    hay_status st = hayi_value_read(result, size, &value, &used, err);
    return st == HAY_OK ? append_bytes(out, result, used) : st;
}

/* A list of the results first .. first+count-1. */
static hay_status append_results(struct hayi_buffer *out,
                                 const uint64_t place[2],
                                 const void *const *results,
                                 const size_t *sizes,
                                 size_t start,
                                 struct hayi_error *err)
{
    struct hayi_value_head head = {
        .type = HAY_LIST,
        .dtype = LIST_EVEN,
        .count = (uint32_t)place[1],
    };
    size_t head_at = out->size;
    size_t first = 0;
    hay_status st = append_bytes(out, &head, sizeof(head));
    for (uint64_t i = place[0]; st == HAY_OK && i < place[0] + place[1]; i++) {
        size_t before = out->size;
        st = append_result(out, results[i], sizes[i], err);
        first = i == place[0] ? out->size - before : first;
        if (out->size - before != first) {
            head.dtype = 0;
        }
        if (out->size - start > HAYI_ARGS_MAX) {
            return HAY_OK; /* the caller says so */
        }
    }
    if (st == HAY_OK) {
        head.size = out->size - head_at - sizeof(head);
        memcpy(out->data + head_at, &head, sizeof(head));
    }
    return st;
}

/* One argument, from the blob or from the results. */
static hay_status fill_one(const struct hayi_value_head *head,
                           const unsigned char *at,
                           size_t used,
                           const void *const *results,
                           const size_t *sizes,
                           struct hayi_buffer *out,
                           size_t start,
                           struct hayi_error *err)
{
    uint64_t place[2] = {0, 0};
    if (head->type == HAYI_KIND_REF && head->size == PLACE_REF) {
        memcpy(place, at + sizeof(*head), PLACE_REF);
        return append_result(out, results[place[0]], sizes[place[0]], err);
    }
    if (head->type == HAYI_KIND_REFS && head->size == PLACE_REFS) {
        memcpy(place, at + sizeof(*head), PLACE_REFS);
        return append_results(out, place, results, sizes, start, err);
    }
    if (head->type > HAY_LIST) {
        return damaged(err, "an unknown kind of argument");
    }
    return append_bytes(out, at, used);
}

hay_status hayi_args_fill(const void *bytes,
                          size_t size,
                          const void *const *results,
                          const size_t *sizes,
                          struct hayi_buffer *out,
                          struct hayi_error *err)
{
    const unsigned char *at = bytes;
    const unsigned char *end = at + size;
    size_t start = out->size;
    if (size < ARGS_HEAD) {
        return damaged(err, "no head of arguments");
    }
    size_t count = hayi_args_count(bytes);
    hay_status st = append_bytes(out, at, ARGS_HEAD);
    at += ARGS_HEAD;
    for (size_t i = 0; st == HAY_OK && i < count; i++) {
        struct hayi_value_head head;
        size_t used = 0;
        if (!read_head(at, (size_t)(end - at), &head, &used)) {
            st = damaged(err, "the arguments end too early");
            break;
        }
        st = fill_one(&head, at, used, results, sizes, out, start, err);
        at += used;
        if (st == HAY_OK && out->size - start > HAYI_ARGS_MAX) {
            st = hayi_fail(err,
                           HAY_ETOOBIG,
                           "the arguments and the results that fill them have "
                           "more than %zu bytes in all",
                           HAY_VALUE_MAX);
        }
    }
    if (st == HAY_ENOMEM) {
        (void)hayi_fail(err, st, "out of memory for arguments");
    }
    if (st != HAY_OK) {
        out->size = start;
    }
    return st;
}

/* ---- arguments of a task ---------------------------------------------------
 */

hay_status
hayi_args_check(const void *bytes, size_t size, struct hayi_error *err)
{
    const unsigned char *at = bytes;
    if (size < ARGS_HEAD) {
        return damaged(err, "no head of arguments");
    }
    size_t count = hayi_args_count(bytes);
    size_t left = size - ARGS_HEAD;
    at += ARGS_HEAD;
    for (size_t i = 0; i < count; i++) {
        struct hayi_value value;
        size_t used = 0;
        hay_status st = hayi_value_read(at, left, &value, &used, err);
        if (st != HAY_OK) {
            return st;
        }
        at += used;
        left -= used;
    }
    return left == 0 ? HAY_OK : damaged(err, "bytes after the last argument");
}

size_t hayi_args_count(const void *bytes)
{
    uint32_t head[2];
    memcpy(head, bytes, sizeof(head));
    return head[0];
}

/* What stands at 'at', known to be sound. */
static void view(const unsigned char *at, struct hayi_value *value)
{
    struct hayi_value_head head;
    memcpy(&head, at, sizeof(head));
    const unsigned char *body = at + sizeof(head);
    value->type = (hay_type)head.type;
    value->count = head.count;
    value->data = body;
    value->size = (size_t)head.size;
    if (head.type == HAY_ARRAY) {
        (void)read_array(&head, body, value, NULL);
    }
}

static size_t step(const unsigned char *at)
{
    struct hayi_value_head head;
    memcpy(&head, at, sizeof(head));
    return sizeof(head) + padded((size_t)head.size);
}

bool hayi_args_get(const void *bytes, size_t index, struct hayi_value *value)
{
    const unsigned char *at = (const unsigned char *)bytes + ARGS_HEAD;
    if (index >= hayi_args_count(bytes)) {
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        at += step(at);
    }
    view(at, value);
    return true;
}

bool hayi_list_get(const struct hayi_value *list,
                   size_t i,
                   struct hayi_value *value)
{
    const unsigned char *at = list->data;
    struct hayi_value_head head;
    if (list->type != HAY_LIST || i >= list->count) {
        return false;
    }
    memcpy(&head, at - sizeof(head), sizeof(head));
    if (head.dtype == LIST_EVEN) {
        at += i * (list->size / list->count);
    } else {
        for (size_t k = 0; k < i; k++) {
            at += step(at);
        }
    }
    view(at, value);
    return true;
}
