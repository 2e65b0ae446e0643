/* resources_requests.c - the requests of a farm; see resources.h.
 *
 * A task with a request keeps a number only.  Most tasks ask for what another
 * one has asked for: the text is looked up in a table that readers walk without
 * a lock.  Additions take the mutex; a table that is full is followed by one of
 * twice the size, and kept until the end, since somebody may still read it.
 */
#include "config.h"

#include "client/resources_inside.h"

#include "base/philox.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_ROOM = 64, /* a power of 2 */
    KNOWN_MAX = 1 << 20,
    VARIANT_TEXT = 80 + HAYI_WISH_AMOUNTS_MAX * (HAYI_RESOURCE_NAME_MAX + 32),
};

/* What makes two requests the same. */
struct key {
    uint32_t cores;
    uint32_t gpus;
    uint64_t memory_bytes;
    uint32_t limit; /* of the category; or HAYI_RESOURCE_NONE */
    uint32_t text_size;
};

struct hayi_known {
    struct key key;
    uint64_t hash;
    uint32_t number;
    uint32_t count;   /* of variants */
    atomic_uint good; /* see hayi_resources_good() */
    char *text;       /* as it was asked for */
    char *whole;      /* as hayi_resources_text() tells */
    char *got[HAYI_VARIANT_MAX];
    struct hayi_variant variants[];
};

struct hayi_known_table {
    struct hayi_known_table *older;
    uint32_t mask;
    uint32_t reserved;
    _Atomic(struct hayi_known *) *numbered; /* [mask / 2 + 2], by number */
    _Atomic(struct hayi_known *) hashed[];  /* [mask + 1] */
};

/* ---- the table ----------------------------------------------------------- */

static struct hayi_known_table *table_new(uint32_t room)
{
    size_t numbered = room / 2 + 1;
    struct hayi_known_table *table = calloc(
        1, sizeof(*table) + (room + numbered) * sizeof(table->hashed[0]));
    if (table != NULL) {
        table->mask = room - 1;
        table->numbered = table->hashed + room;
    }
    return table;
}

static void table_add(struct hayi_known_table *table, struct hayi_known *known)
{
    uint32_t at = (uint32_t)known->hash & table->mask;
    while (atomic_load_explicit(&table->hashed[at], memory_order_relaxed)
           != NULL) {
        at = (at + 1) & table->mask;
    }
    atomic_store_explicit(
        &table->numbered[known->number], known, memory_order_release);
    atomic_store_explicit(&table->hashed[at], known, memory_order_release);
}

static struct hayi_known *find(const struct hayi_resources *resources,
                               const struct key *key,
                               uint64_t hash,
                               const char *text)
{
    struct hayi_known_table *table =
        atomic_load_explicit(&resources->known, memory_order_acquire);
    if (table == NULL) {
        return NULL;
    }
    for (uint32_t at = (uint32_t)hash & table->mask;; at++) {
        struct hayi_known *known = atomic_load_explicit(
            &table->hashed[at & table->mask], memory_order_acquire);
        if (known == NULL) {
            return NULL;
        }
        if (known->hash == hash && memcmp(&known->key, key, sizeof(*key)) == 0
            && memcmp(known->text, text, key->text_size) == 0) {
            return known;
        }
    }
}

/* With the mutex: room for one more.  HAY_ENOMEM. */
static bool make_room(struct hayi_resources *resources)
{
    struct hayi_known_table *table = atomic_load(&resources->known);
    if (table != NULL && resources->known_count < table->mask / 2) {
        return true;
    }
    struct hayi_known_table *more =
        table_new(table == NULL ? FIRST_ROOM : 2 * (table->mask + 1));
    if (more == NULL) {
        return false;
    }
    for (uint32_t i = 1; i <= resources->known_count; i++) {
        table_add(more, atomic_load(&table->numbered[i]));
    }
    more->older = table;
    atomic_store_explicit(&resources->known, more, memory_order_release);
    return true;
}

static void free_known(struct hayi_known *known)
{
    for (size_t i = 0; i < HAYI_VARIANT_MAX; i++) {
        free(known->got[i]);
    }
    free(known->text);
    free(known->whole);
    free(known);
}

void hayi_resources_free_requests(struct hayi_resources *resources)
{
    struct hayi_known_table *table = atomic_load(&resources->known);
    for (uint32_t i = 1; i <= resources->known_count; i++) {
        free_known(atomic_load(&table->numbered[i]));
    }
    while (table != NULL) {
        struct hayi_known_table *older = table->older;
        free(table);
        table = older;
    }
}

static struct hayi_known *known_at(const struct hayi_resources *resources,
                                   uint32_t request)
{
    struct hayi_known_table *table =
        atomic_load_explicit(&resources->known, memory_order_acquire);
    assert(table != NULL && request >= 1 && request <= table->mask / 2);
    return atomic_load_explicit(&table->numbered[request],
                                memory_order_acquire);
}

/* ---- from wishes to variants --------------------------------------------- */

static hay_status
add_limit(struct hayi_variant *variant, uint32_t limit, struct hayi_error *err)
{
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        if (variant->amounts[i].resource == limit) {
            return HAY_OK; /* it says itself how much */
        }
    }
    if (variant->amount_count == HAYI_VARIANT_AMOUNTS) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "more than %u named amounts, its category being one",
                         HAYI_VARIANT_AMOUNTS);
    }
    variant->amounts[variant->amount_count++] =
        (struct hayi_amount){.resource = limit, .units = HAYI_AMOUNT_ONE};
    return HAY_OK;
}

static hay_status make_variant(struct hayi_resources *resources,
                               const struct key *key,
                               const struct hayi_wish *wish,
                               struct hayi_variant *variant,
                               struct hayi_error *err)
{
    hay_status status = HAY_OK;
    variant->cores = wish->cores_given ? wish->cores : key->cores;
    variant->gpu_units = wish->gpus_given ? (uint32_t)wish->gpu_units
                                          : key->gpus * HAYI_AMOUNT_ONE;
    variant->memory_bytes =
        wish->memory_given ? wish->memory_bytes : key->memory_bytes;
    for (uint32_t i = 0; i < wish->amount_count && status == HAY_OK; i++) {
        struct hayi_amount *amount = &variant->amounts[i];
        amount->units = wish->amounts[i].units;
        status = hayi_resources_number(resources,
                                       wish->amounts[i].name,
                                       wish->amounts[i].size,
                                       &amount->resource,
                                       err);
        variant->amount_count++;
    }
    if (status == HAY_OK && key->limit != HAYI_RESOURCE_NONE) {
        status = add_limit(variant, key->limit, err);
    }
    return status;
}

/* "gpus=0.5 licences=2" */
static size_t print_got(struct hayi_resources *resources,
                        const struct hayi_variant *variant,
                        char *text,
                        size_t size)
{
    char amount[40];
    size_t used = 0;
    text[0] = 0;
    if (variant->gpu_units > 0) {
        hayi_amount_print(variant->gpu_units, amount, sizeof(amount));
        used = (size_t)snprintf(text, size, "gpus=%s", amount);
    }
    for (uint32_t i = 0; i < variant->amount_count; i++) {
        hayi_amount_print(variant->amounts[i].units, amount, sizeof(amount));
        used += (size_t)snprintf(
            text + used,
            size - used,
            "%s%s=%s",
            used > 0 ? " " : "",
            hayi_resources_name(resources, variant->amounts[i].resource),
            amount);
    }
    return used;
}

/* The texts of a request that is otherwise ready.  false: no memory. */
static bool print_all(struct hayi_resources *resources,
                      struct hayi_known *known)
{
    size_t room = known->count * VARIANT_TEXT + 1;
    size_t used = 0;
    known->whole = calloc(room, 1);
    for (uint32_t i = 0; known->whole != NULL && i < known->count; i++) {
        const struct hayi_variant *variant = &known->variants[i];
        char got[VARIANT_TEXT];
        char cores[16] = "all";
        (void)print_got(resources, variant, got, sizeof(got));
        known->got[i] = strdup(got);
        if (known->got[i] == NULL) {
            return false;
        }
        if (variant->cores != HAYI_CORES_ALL) {
            (void)snprintf(cores, sizeof(cores), "%u", variant->cores);
        }
        used += (size_t)snprintf(known->whole + used,
                                 room - used,
                                 "%scores=%s mem=%llu %s%s",
                                 i > 0 ? " | " : "",
                                 cores,
                                 (unsigned long long)variant->memory_bytes,
                                 variant->gpu_units == 0 ? "gpus=0 " : "",
                                 got);
    }
    return known->whole != NULL;
}

static hay_status make_known(struct hayi_resources *resources,
                             const struct key *key,
                             const char *text,
                             struct hayi_known **out,
                             struct hayi_error *err)
{
    struct hayi_wishes wishes;
    hay_status status = hayi_wishes_parse(text, &wishes, err);
    if (status != HAY_OK) {
        return status;
    }
    if (wishes.count == 0) { /* of its category alone */
        wishes.list[wishes.count++] = (struct hayi_wish){.cores = 0};
    }
    struct hayi_known *known =
        calloc(1, sizeof(*known) + wishes.count * sizeof(struct hayi_variant));
    if (known == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a request");
    }
    known->key = *key;
    known->count = wishes.count;
    known->text = strdup(text);
    for (uint32_t i = 0; i < known->count && status == HAY_OK; i++) {
        status = make_variant(
            resources, key, &wishes.list[i], &known->variants[i], err);
    }
    if (status == HAY_OK
        && (known->text == NULL || !print_all(resources, known))) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory for a request");
    }
    if (status != HAY_OK) {
        free_known(known);
        return status;
    }
    *out = known;
    return HAY_OK;
}

/* ---- calls --------------------------------------------------------------- */

/* known: taken. */
static hay_status add(struct hayi_resources *resources,
                      struct hayi_known *known,
                      uint32_t *request,
                      struct hayi_error *err)
{
    hay_status status = HAY_OK;
    (void)pthread_mutex_lock(&resources->mutex);
    struct hayi_known *other =
        find(resources, &known->key, known->hash, known->text);
    if (other != NULL) { /* another thread was faster */
        *request = other->number;
    } else if (resources->known_count == KNOWN_MAX) {
        status = hayi_fail(
            err, HAY_ETOOBIG, "more than %d different requests", KNOWN_MAX);
    } else if (!make_room(resources)) {
        status = hayi_fail(err, HAY_ENOMEM, "out of memory for a request");
    } else {
        known->number = ++resources->known_count;
        *request = known->number;
        table_add(atomic_load(&resources->known), known);
        known = NULL;
    }
    (void)pthread_mutex_unlock(&resources->mutex);
    if (known != NULL) {
        free_known(known);
    }
    return status;
}

hay_status hayi_resources_request(struct hayi_resources *resources,
                                  const struct hayi_needs *needs,
                                  const char *text,
                                  const char *category,
                                  uint32_t *request,
                                  struct hayi_error *err)
{
    struct key key = {
        .cores = needs->cores,
        .gpus = needs->gpus,
        .memory_bytes = needs->memory_bytes,
        .limit = hayi_resources_limited(resources, category),
    };
    text = text != NULL ? text : "";
    if (text[0] == 0 && key.limit == HAYI_RESOURCE_NONE) {
        *request = 0;
        return HAY_OK;
    }
    size_t size = strlen(text);
    if (size > HAYI_REQUEST_TEXT_MAX) {
        return hayi_fail(err, HAY_EINVAL, "the request is too long");
    }
    key.text_size = (uint32_t)size;
    uint64_t hash = hayi_mix64(hayi_hash_bytes(&key, sizeof(key))
                               + hayi_hash_bytes(text, size));
    struct hayi_known *known = find(resources, &key, hash, text);
    if (known != NULL) {
        *request = known->number;
        return HAY_OK;
    }
    hay_status status = make_known(resources, &key, text, &known, err);
    if (status != HAY_OK) {
        return status;
    }
    known->hash = hash;
    return add(resources, known, request, err);
}

const struct hayi_variant *
hayi_resources_variants(const struct hayi_resources *resources,
                        uint32_t request,
                        size_t *count)
{
    const struct hayi_known *known = known_at(resources, request);
    *count = known->count;
    return known->variants;
}

atomic_uint *hayi_resources_good(const struct hayi_resources *resources,
                                 uint32_t request)
{
    return &known_at(resources, request)->good;
}

const char *hayi_resources_got(const struct hayi_resources *resources,
                               uint32_t request,
                               uint32_t variant)
{
    const struct hayi_known *known = known_at(resources, request);
    return variant < known->count ? known->got[variant] : "";
}

const char *hayi_resources_text(const struct hayi_resources *resources,
                                uint32_t request)
{
    return known_at(resources, request)->whole;
}
