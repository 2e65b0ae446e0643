/* value.c - see value.h.
 *
 * Everything that is read goes through hayi_value_head_read(), which compares
 * each length with what is left.  A list whose elements are all of one size is
 * marked in its head, so that finding an element of it is one multiplication;
 * otherwise it is a walk.
 */
#include "config.h"

#include "wire/value.h"

#include "wire/record.h"

#include <string.h>

enum {
    DEPTH_MAX = 4, /* lists in lists */
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
    return HAYI_PAD8(size);
}

size_t hayi_value_size(hay_type type, uint32_t ndim, size_t data_size)
{
    (void)type;
    return sizeof(struct hayi_value_head)
           + padded(8 * (size_t)ndim + data_size);
}

bool hayi_array_bytes(uint32_t dtype,
                      uint32_t ndim,
                      const uint64_t *shape,
                      size_t *bytes)
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

size_t hayi_value_write(unsigned char *place,
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
    if (size > HAY_ARGS_MAX) {
        return hayi_fail(err,
                         HAY_ETOOBIG,
                         "a value of %zu bytes: at most %zu travel by value",
                         size,
                         HAY_ARGS_MAX);
    }
    size_t whole = hayi_value_size((hay_type)head->type, head->ndim, size);
    unsigned char *place = hayi_buffer_extend(buffer, whole);
    if (place == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a value");
    }
    (void)hayi_value_write(place, head, shape, data, size);
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

hay_status hayi_value_append_object(struct hayi_buffer *buffer,
                                    hay_type type,
                                    const hay_array_view *array,
                                    const struct hayi_object_value *object)
{
    uint32_t ndim = type == HAY_ARRAY ? array->ndim : 0;
    const struct hayi_value_head head = {
        .type = HAYI_KIND_OBJECT,
        .dtype = (uint8_t)(type == HAY_ARRAY ? array->dtype : 0),
        .ndim = (uint16_t)ndim,
        .count = (uint32_t)type,
        .size = sizeof(*object) + 8 * (uint64_t)ndim,
    };
    size_t whole = hayi_value_size(HAY_NONE, ndim, sizeof(*object));
    unsigned char *place = hayi_buffer_extend(buffer, whole);
    if (place == NULL) {
        return HAY_ENOMEM;
    }
    memset(place, 0, whole);
    memcpy(place, &head, sizeof(head));
    memcpy(place + sizeof(head), object, sizeof(*object));
    if (ndim > 0) {
        memcpy(place + sizeof(head) + sizeof(*object),
               array->shape,
               8 * (size_t)ndim);
    }
    return HAY_OK;
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
        || !hayi_array_bytes(dtype, ndim, shape, &size)) {
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

bool hayi_value_head_read(const void *bytes,
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

static void set_strides(hay_array_view *view)
{
    int64_t stride = (int64_t)hay_dtype_size(view->dtype);
    for (uint32_t i = view->ndim; i-- > 0;) {
        view->stride[i] = stride;
        stride *= (int64_t)view->shape[i];
    }
}

/* An object: what it is; where its data are is for its place to tell. */
static hay_status read_object(const struct hayi_value_head *head,
                              const unsigned char *body,
                              struct hayi_value *value,
                              struct hayi_error *err)
{
    hay_array_view *view = &value->array;
    size_t size = 0;
    value->type = (hay_type)head->count;
    value->count = 0;
    value->data = NULL;
    if (head->ndim > HAY_NDIM_MAX
        || head->size != sizeof(value->object) + 8 * (uint64_t)head->ndim
        || (value->type != HAY_STRING && value->type != HAY_BYTES
            && value->type != HAY_ARRAY)) {
        return damaged(err, "the description of an object");
    }
    memcpy(&value->object, body, sizeof(value->object));
    value->is_object = true;
    value->size = (size_t)value->object.size;
    memset(view, 0, sizeof(*view));
    if (value->type == HAY_ARRAY) {
        memcpy(view->shape, body + sizeof(value->object), 8u * head->ndim);
        view->dtype = (hay_dtype)head->dtype;
        view->ndim = head->ndim;
        view->size_bytes = value->size;
        if (!hayi_array_bytes(head->dtype, head->ndim, view->shape, &size)
            || size != value->object.size) {
            return damaged(err, "the shape of an object");
        }
        set_strides(view);
    } else if (head->ndim != 0) {
        return damaged(err, "the description of an object");
    }
    return HAY_OK;
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
    if (!hayi_array_bytes(head->dtype, head->ndim, view->shape, &size)
        || size != head->size - shape_size) {
        return damaged(err, "the size of an array");
    }
    view->dtype = (hay_dtype)head->dtype;
    view->ndim = head->ndim;
    view->data = body + shape_size;
    view->size_bytes = size;
    set_strides(view);
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
        if (head->dtype == HAYI_LIST_EVEN && used != first) {
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
    if (!hayi_value_head_read(bytes, size, &head, used)) {
        return damaged(err, "it ends too early");
    }
    value->type = (hay_type)head.type;
    value->bytes = bytes;
    value->count = head.count;
    value->data = body;
    value->size = (size_t)head.size;
    value->is_object = false;
    switch (head.type) {
    case HAY_ARRAY:
        return read_array(&head, body, value, err);
    case HAYI_KIND_OBJECT:
        return read_object(&head, body, value, err);
    case HAY_LIST:
    case HAYI_KIND_REGION:
    case HAYI_KIND_OUTPUT:
        return read_list(&head, body, depth, err);
    default:
        break;
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

/* ---- arguments of a task ---------------------------------------------------
 */

hay_status
hayi_args_check(const void *bytes, size_t size, struct hayi_error *err)
{
    const unsigned char *at = bytes;
    if (size < HAYI_ARGS_HEAD) {
        return damaged(err, "no head of arguments");
    }
    size_t count = hayi_args_count(bytes);
    size_t left = size - HAYI_ARGS_HEAD;
    at += HAYI_ARGS_HEAD;
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
    value->bytes = at;
    value->count = head.count;
    value->data = body;
    value->size = (size_t)head.size;
    value->is_object = false;
    if (head.type == HAY_ARRAY) {
        (void)read_array(&head, body, value, NULL);
    } else if (head.type == HAYI_KIND_OBJECT) {
        (void)read_object(&head, body, value, NULL);
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
    const unsigned char *at = (const unsigned char *)bytes + HAYI_ARGS_HEAD;
    if (index >= hayi_args_count(bytes)) {
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        at += step(at);
    }
    view(at, value);
    return true;
}

static bool is_list(hay_type type)
{
    return type == HAY_LIST || (int)type == HAYI_KIND_REGION
           || (int)type == HAYI_KIND_OUTPUT;
}

bool hayi_list_get(const struct hayi_value *list,
                   size_t i,
                   struct hayi_value *value)
{
    const unsigned char *at = list->data;
    struct hayi_value_head head;
    if (!is_list(list->type) || i >= list->count) {
        return false;
    }
    memcpy(&head, at - sizeof(head), sizeof(head));
    if (head.dtype == HAYI_LIST_EVEN) {
        at += i * (list->size / list->count);
    } else {
        for (size_t k = 0; k < i; k++) {
            at += step(at);
        }
    }
    view(at, value);
    return true;
}

hay_status hayi_value_objects(const void *bytes,
                              size_t size,
                              void (*each)(void *context,
                                           struct hayi_object_value *object),
                              void *context,
                              struct hayi_error *err)
{
    struct hayi_value value;
    size_t used = 0;
    hay_status st = hayi_value_read(bytes, size, &value, &used, err);
    if (st != HAY_OK) {
        return st;
    }
    if (value.is_object) {
        unsigned char *at =
            (unsigned char *)(uintptr_t)bytes + sizeof(struct hayi_value_head);
        each(context, (struct hayi_object_value *)(void *)at);
    } else if (is_list(value.type)) {
        const unsigned char *at = value.data;
        size_t left = value.size;
        for (uint32_t i = 0; i < value.count && st == HAY_OK; i++) {
            size_t whole = step(at);
            st = hayi_value_objects(at, left, each, context, err);
            at += whole;
            left -= whole;
        }
    }
    return st;
}
