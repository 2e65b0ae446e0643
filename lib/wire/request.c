/* request.c - see request.h. */
#include "config.h"

#include "wire/request.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHOWN = 100 };

/* One NAME=VALUE of a text. */
struct word {
    const char *name;
    size_t name_size;
    const char *value;
    size_t value_size;
};

static bool is_gap(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',';
}

static bool is_name_char(char c)
{
    unsigned char u = (unsigned char)c;
    return u > 0x20 && u != 0x7f && strchr("=|,\"'\\", c) == NULL;
}

/* ---- numbers ------------------------------------------------------------- */

/* Digits with at most 'decimals' of them behind a point, times 10^decimals; how
 * many bytes they take; 0: there are none, or too many. */
static size_t
decimal(const char *text, size_t length, int decimals, uint64_t *number)
{
    uint64_t value = 0;
    size_t at = 0;
    int behind = -1; /* digits behind the point */
    bool any = false;
    for (; at < length; at++) {
        if (text[at] == '.' && behind < 0 && any) {
            behind = 0;
            continue;
        }
        if (text[at] < '0' || text[at] > '9') {
            break;
        }
        any = true;
        behind += behind >= 0;
        if (behind > decimals || value > (UINT64_MAX - 9) / 10) {
            return 0;
        }
        value = value * 10 + (uint64_t)(text[at] - '0');
    }
    if (!any || (at > 0 && text[at - 1] == '.')) {
        return 0;
    }
    for (int i = behind < 0 ? 0 : behind; i < decimals; i++) {
        if (value > UINT64_MAX / 10) {
            return 0;
        }
        value *= 10;
    }
    *number = value;
    return at;
}

static bool units_of(const char *text, size_t length, uint64_t *units)
{
    uint64_t value;
    if (length == 0
        || decimal(text, length, HAYI_AMOUNT_DECIMALS, &value) != length
        || value / HAYI_AMOUNT_ONE > HAYI_WISH_MOST) {
        return false;
    }
    *units = value;
    return true;
}

bool hayi_bytes_parse(const char *text, size_t length, uint64_t *bytes)
{
    static const char letters[] = "KMGT";
    uint64_t value;
    uint64_t factor = 1;
    size_t used = decimal(text, length, HAYI_AMOUNT_DECIMALS, &value);
    if (used == 0) {
        return false;
    }
    text += used;
    length -= used;
    if (length > 0 && text[0] != 'B') {
        char letter =
            text[0] >= 'a' && text[0] <= 'z' ? (char)(text[0] - 32) : text[0];
        const char *found = strchr(letters, letter);
        if (letter == 0 || found == NULL) {
            return false;
        }
        factor = UINT64_C(1) << (10 * (found - letters + 1));
        text++;
        length--;
        if (length == 2 && text[0] == 'i') {
            text++;
            length--;
        }
    }
    if (length > 1 || (length == 1 && text[0] != 'B')) {
        return false;
    }
    uint64_t whole = value / HAYI_AMOUNT_ONE;
    uint64_t rest = value % HAYI_AMOUNT_ONE;
    if (whole > (UINT64_C(1) << 62) / factor) {
        return false;
    }
    *bytes = whole * factor + rest * factor / HAYI_AMOUNT_ONE;
    return true;
}

/* ---- words --------------------------------------------------------------- */

static hay_status
bad(struct hayi_error *err, const struct word *word, const char *why)
{
    size_t size = (size_t)(word->value - word->name) + word->value_size;
    return hayi_fail(err,
                     HAY_EINVAL,
                     "'%.*s': %s",
                     (int)(size < SHOWN ? size : SHOWN),
                     word->name,
                     why);
}

/* The next word of *text, which ends at '|' or 0; *found: there was one. */
static hay_status next_word(const char **text,
                            struct word *word,
                            bool *found,
                            struct hayi_error *err)
{
    const char *p = *text;
    while (is_gap(*p)) {
        p++;
    }
    *word = (struct word){.name = p, .value = p};
    *found = *p != 0 && *p != '|';
    *text = p;
    if (!*found) {
        return HAY_OK;
    }
    while (*p != 0 && is_name_char(*p)) {
        p++;
    }
    word->name_size = (size_t)(p - word->name);
    bool given = *p == '=';
    word->value = given ? p + 1 : p;
    for (p = word->value; *p != 0 && *p != '|' && !is_gap(*p); p++) {
    }
    word->value_size = (size_t)(p - word->value);
    if (!given || word->name_size == 0) {
        return bad(err, word, "is no NAME=AMOUNT");
    }
    if (word->name_size > HAYI_RESOURCE_NAME_MAX) {
        return bad(err, word, "the name is too long");
    }
    *text = p;
    return HAY_OK;
}

static bool is_named(const struct word *word, const char *name)
{
    return strlen(name) == word->name_size
           && memcmp(name, word->name, word->name_size) == 0;
}

static bool is_own(const struct word *word)
{
    return is_named(word, "cores") || is_named(word, "gpus")
           || is_named(word, "mem");
}

static const struct hayi_named *
find(const struct hayi_named *list, size_t count, const struct word *word)
{
    for (size_t i = 0; i < count; i++) {
        if (list[i].size == word->name_size
            && memcmp(list[i].name, word->name, word->name_size) == 0) {
            return &list[i];
        }
    }
    return NULL;
}

static struct hayi_named named(const struct word *word, uint64_t units)
{
    return (struct hayi_named){
        .name = word->name, .size = (uint32_t)word->name_size, .units = units};
}

/* ---- requests ------------------------------------------------------------ */

static hay_status add_cores(struct hayi_wish *wish,
                            const struct word *word,
                            struct hayi_error *err)
{
    uint64_t units;
    if (wish->cores_given) {
        return bad(err, word, "cores= is given twice");
    }
    wish->cores_given = true;
    if (word->value_size == 3 && memcmp(word->value, "all", 3) == 0) {
        wish->cores = HAYI_WISH_ALL;
        return HAY_OK;
    }
    if (!units_of(word->value, word->value_size, &units) || units == 0
        || units % HAYI_AMOUNT_ONE != 0
        || units / HAYI_AMOUNT_ONE >= HAYI_WISH_ALL) {
        return bad(err, word, "is no number of cores, from 1, nor all");
    }
    wish->cores = (uint32_t)(units / HAYI_AMOUNT_ONE);
    return HAY_OK;
}

static hay_status add_gpus(struct hayi_wish *wish,
                           const struct word *word,
                           struct hayi_error *err)
{
    if (wish->gpus_given) {
        return bad(err, word, "gpus= is given twice");
    }
    wish->gpus_given = true;
    if (!units_of(word->value, word->value_size, &wish->gpu_units)
        || wish->gpu_units / HAYI_AMOUNT_ONE > HAYI_WISH_GPUS_MAX) {
        return bad(err, word, "is no number of gpus up to 64");
    }
    if (wish->gpu_units > HAYI_AMOUNT_ONE
        && wish->gpu_units % HAYI_AMOUNT_ONE != 0) {
        return bad(err, word, "more than one gpu must be whole ones");
    }
    return HAY_OK;
}

static hay_status add_word(struct hayi_wish *wish,
                           const struct word *word,
                           struct hayi_error *err)
{
    uint64_t units;
    if (is_named(word, "cores")) {
        return add_cores(wish, word, err);
    }
    if (is_named(word, "gpus")) {
        return add_gpus(wish, word, err);
    }
    if (is_named(word, "mem")) {
        if (wish->memory_given) {
            return bad(err, word, "mem= is given twice");
        }
        wish->memory_given = true;
        return hayi_bytes_parse(
                   word->value, word->value_size, &wish->memory_bytes)
                   ? HAY_OK
                   : bad(err, word, "is no size such as 512M or 2G");
    }
    if (find(wish->amounts, wish->amount_count, word) != NULL) {
        return bad(err, word, "is given twice");
    }
    if (!units_of(word->value, word->value_size, &units)) {
        return bad(err, word, "is no amount with at most four decimals");
    }
    if (units == 0) {
        return HAY_OK;
    }
    if (wish->amount_count == HAYI_WISH_AMOUNTS_MAX) {
        return bad(err, word, "more than 8 named amounts");
    }
    wish->amounts[wish->amount_count++] = named(word, units);
    return HAY_OK;
}

hay_status hayi_wishes_parse(const char *text,
                             struct hayi_wishes *wishes,
                             struct hayi_error *err)
{
    const char *at = text;
    bool found = false;
    wishes->count = 0;
    if (strlen(text) > HAYI_REQUEST_TEXT_MAX) {
        return hayi_fail(err, HAY_EINVAL, "the request is too long");
    }
    for (;;) {
        struct word word;
        struct hayi_wish *wish = &wishes->list[wishes->count];
        if (wishes->count == HAYI_WISHES_MAX) {
            return hayi_fail(err,
                             HAY_EINVAL,
                             "a request has at most %d alternatives",
                             HAYI_WISHES_MAX);
        }
        *wish = (struct hayi_wish){.cores = 0};
        hay_status status = next_word(&at, &word, &found, err);
        bool any = found;
        while (status == HAY_OK && found) {
            status = add_word(wish, &word, err);
            if (status == HAY_OK) {
                status = next_word(&at, &word, &found, err);
            }
        }
        if (status != HAY_OK) {
            return status;
        }
        if (*at == 0 && wishes->count == 0 && !any) {
            return HAY_OK;
        }
        if (!any) {
            return hayi_fail(
                err, HAY_EINVAL, "'%.100s': an alternative is empty", text);
        }
        wishes->count++;
        if (*at == 0) {
            return HAY_OK;
        }
        at++;
    }
}

hay_status hayi_named_parse(const char *text,
                            bool own,
                            struct hayi_named *list,
                            size_t room,
                            size_t *count,
                            struct hayi_error *err)
{
    struct word word;
    const char *at = text;
    bool found = false;
    size_t n = 0;
    hay_status status = next_word(&at, &word, &found, err);
    while (status == HAY_OK && found) {
        uint64_t units;
        if (is_own(&word) && !(own && is_named(&word, "gpus"))) {
            return bad(err, &word, "is the farm's own name");
        }
        if (!units_of(word.value, word.value_size, &units)) {
            return bad(err, &word, "is no amount with at most four decimals");
        }
        if (find(list, n, &word) != NULL) {
            return bad(err, &word, "is given twice");
        }
        if (n == room) {
            return bad(err, &word, "there are too many names");
        }
        list[n++] = named(&word, units);
        status = next_word(&at, &word, &found, err);
    }
    if (status == HAY_OK && *at != 0) {
        return hayi_fail(
            err, HAY_EINVAL, "'%.100s': alternatives make no sense here", text);
    }
    if (status == HAY_OK) {
        *count = n;
    }
    return status;
}
