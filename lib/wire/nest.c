/* nest.c - see nest.h. */
#include "config.h"

#include "wire/nest.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEPT_LEAST = 256, /* bytes of a record that memory is too short for */
};

bool hayi_nest_is(uint16_t type, bool to_manager)
{
    return to_manager
               ? type >= HAYI_RECORD_NEST_ASK && type <= HAYI_RECORD_NEST_CLOSED
               : type >= HAYI_RECORD_NEST_GRANT
                     && type <= HAYI_RECORD_NEST_BROKEN;
}

bool hayi_nest_client(const void *body, size_t size, uint32_t *client)
{
    if (size < sizeof(struct hayi_nest_head)) {
        return false;
    }
    *client = ((const struct hayi_nest_head *)body)->client;
    return true;
}

bool hayi_nest_strings(const char *words, uint64_t size, uint64_t count)
{
    uint64_t ends = 0;
    for (uint64_t i = 0; i < size; i++) {
        ends += words[i] == 0;
    }
    return ends >= count && (size == 0 || words[size - 1] == 0);
}

/* ---- pieces ----------------------------------------------------------------
 */

void hayi_nest_whole_fini(struct hayi_nest_whole *whole)
{
    free(whole->body);
    *whole = (struct hayi_nest_whole){0};
}

static hay_status begin(struct hayi_nest_whole *whole,
                        const struct hayi_nest_piece *piece,
                        struct hayi_error *err)
{
    if (piece->total == 0 || piece->total > HAYI_NEST_WHOLE_MAX
        || piece->type == HAYI_RECORD_NEST_PIECE
        || !hayi_nest_is((uint16_t)piece->type, true)) {
        return hayi_fail(err, HAY_EMISMATCH, "a piece of no record");
    }
    uint64_t kept = piece->total < KEPT_LEAST ? piece->total : KEPT_LEAST;
    unsigned char *room = malloc((size_t)kept);
    if (room == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a record");
    }
    *whole = (struct hayi_nest_whole){
        .body = room,
        .total = piece->total,
        .kept = kept,
        .client = piece->client,
        .type = piece->type,
    };
    return HAY_OK;
}

/* Room for what has come, not for what is announced. */
static void grow(struct hayi_nest_whole *whole, uint64_t size)
{
    uint64_t room = whole->kept * 2 > size ? whole->kept * 2 : size;
    room = room < whole->total ? room : whole->total;
    if (size <= whole->kept || whole->is_short) {
        return;
    }
    unsigned char *body = realloc(whole->body, (size_t)room);
    if (body == NULL && room > size) {
        room = size;
        body = realloc(whole->body, (size_t)room);
    }
    if (body == NULL) {
        whole->is_short = true;
        return;
    }
    whole->body = body;
    whole->kept = room;
}

hay_status hayi_nest_whole_add(struct hayi_nest_whole *whole,
                               const void *body,
                               size_t size,
                               bool *done,
                               struct hayi_error *err)
{
    const struct hayi_nest_piece *piece = body;
    const void *bytes = NULL;
    if (size < sizeof(*piece)) {
        return hayi_fail(err, HAY_EMISMATCH, "a piece is too short");
    }
    hay_status status = hayi_record_parts(
        body, size, sizeof(*piece), &piece->size, 1, 0, &bytes, err);
    if (status == HAY_OK && whole->body == NULL) {
        status = begin(whole, piece, err);
    }
    if (status != HAY_OK) {
        return status;
    }
    if (piece->offset != whole->size || piece->total != whole->total
        || piece->client != whole->client || piece->type != whole->type
        || piece->size > whole->total - whole->size) {
        hayi_nest_whole_fini(whole);
        return hayi_fail(err, HAY_EMISMATCH, "a piece that does not fit");
    }
    grow(whole, whole->size + piece->size);
    if (whole->size < whole->kept) {
        uint64_t left = whole->kept - whole->size;
        memcpy(whole->body + whole->size,
               bytes,
               (size_t)(piece->size < left ? piece->size : left));
    }
    whole->size += piece->size;
    *done = whole->size == whole->total;
    return HAY_OK;
}
