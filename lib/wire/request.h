/* request.h - what tasks ask for and what farms have, as text: "gpus=0.5
 * licences=2 | cores=16 mem=2G".
 *
 * Alternatives stand between '|', the words of one between blanks or commas.
 * A word is NAME=AMOUNT with at most four decimals; cores, gpus and mem are the
 * farm's own names, all others are the user's.
 *
 * Owns: nothing; names are borrowed from the text.
 * Never: knows which names there are.
 * Threads: any.
 */
#ifndef HAYI_WIRE_REQUEST_H
#define HAYI_WIRE_REQUEST_H

#include "base/amount.h"
#include "base/error.h"

enum {
    HAYI_WISHES_MAX = 8,         /* alternatives of a request */
    HAYI_WISH_AMOUNTS_MAX = 8,   /* named amounts of one */
    HAYI_RESOURCE_NAME_MAX = 63, /* bytes */
    HAYI_REQUEST_TEXT_MAX = 4000,
};
#define HAYI_WISH_ALL      UINT32_MAX /* cores=all */
#define HAYI_WISH_MOST     ((uint64_t)1000000000000)
#define HAYI_WISH_GPUS_MAX 64u

/* So much of a named resource. */
struct hayi_named {
    const char *name; /* borrowed, no 0 behind it */
    uint32_t size;    /* of it */
    uint32_t reserved;
    uint64_t units; /* of 1 / HAYI_AMOUNT_ONE */
};

/* One alternative. */
struct hayi_wish {
    bool cores_given, gpus_given, memory_given;
    uint32_t cores;        /* or HAYI_WISH_ALL */
    uint64_t gpu_units;    /* up to one: any; above: whole ones */
    uint64_t memory_bytes; /* of a worker */
    uint32_t amount_count;
    struct hayi_named amounts[HAYI_WISH_AMOUNTS_MAX]; /* none is 0 */
};

struct hayi_wishes {
    uint32_t count; /* 0: the text was empty */
    struct hayi_wish list[HAYI_WISHES_MAX];
};

/* HAY_EINVAL with words. */
hay_status hayi_wishes_parse(const char *text,
                             struct hayi_wishes *wishes,
                             struct hayi_error *err);

/* Named amounts alone, without alternatives: what a node has, limits.  list:
 * room for 'room'.  own: gpus= may be among them (name "gpus"), as in what a
 * task was given.  HAY_EINVAL with words. */
hay_status hayi_named_parse(const char *text,
                            bool own,
                            struct hayi_named *list,
                            size_t room,
                            size_t *count,
                            struct hayi_error *err);

/* "2G", "512M", "1.5GiB", "4096"; false: it is no such size. */
bool hayi_bytes_parse(const char *text, size_t length, uint64_t *bytes);

#endif
