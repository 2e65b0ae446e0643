/* amounts.c - what a task asks for beside whole numbers; see amounts.h. */
#include "config.h"

#include "amounts.h"
#include "units.h"

#include <string.h>

#define NAME_MAX_BYTES 63

/* Is there a word NAME=... in this alternative?  word: "NAME=VALUE". */
static bool says(const char *alternative, size_t length, const char *word)
{
    size_t name = strcspn(word, "=") + 1;
    for (size_t at = 0; at + name <= length; at++) {
        bool begins = at == 0 || strchr(" \t,", alternative[at - 1]) != NULL;
        if (begins && strncmp(alternative + at, word, name) == 0) {
            return true;
        }
    }
    return false;
}

/* One alternative, with the words that it does not say itself. */
static void add_alternative(const struct request *r,
                            const char *alternative,
                            size_t length,
                            struct text *text)
{
    for (size_t i = 0; i < r->amount_count; i++) {
        if (!says(alternative, length, r->amounts[i])) {
            text_add_string(text, r->amounts[i]);
            text_add(text, " ", 1);
        }
    }
    text_add(text, alternative, length);
}

static void compose(struct arena *arena, struct request *r)
{
    const char *at = r->alternatives != NULL ? r->alternatives : "";
    struct text text = TEXT_INIT;
    for (;;) {
        size_t length = strcspn(at, "|");
        add_alternative(r, at, length, &text);
        at += length;
        if (*at == '\0') {
            break;
        }
        text_add(&text, at++, 1);
    }
    r->amounts_text =
        text.length > 0 ? arena_text(arena, text.data, text.length) : NULL;
    text_fini(&text);
}

/* Takes the word for this name out; value: the new one, or NULL. */
static void set_word(struct arena *arena,
                     struct request *r,
                     const char *name,
                     const char *value)
{
    size_t length = strlen(name);
    size_t count = 0;
    const char **list =
        arena_alloc(arena, (r->amount_count + 1) * sizeof(const char *));
    for (size_t i = 0; i < r->amount_count; i++) {
        if (strncmp(r->amounts[i], name, length) != 0
            || r->amounts[i][length] != '=') {
            list[count++] = r->amounts[i];
        }
    }
    if (value != NULL) {
        struct text word = TEXT_INIT;
        text_format(&word, "%s=%s", name, value);
        list[count++] = arena_text(arena, word.data, word.length);
        text_fini(&word);
    }
    r->amounts = list;
    r->amount_count = count;
    compose(arena, r);
}

bool amounts_cores(struct arena *arena, struct request *r, const char *value)
{
    uint64_t n;
    if (strcmp(value, "all") == 0) {
        r->cores = 1;
        set_word(arena, r, "cores", value);
        return true;
    }
    if (!units_uint(value, UINT32_MAX - 1, &n) || n == 0) {
        return false;
    }
    r->cores = (uint32_t)n;
    set_word(arena, r, "cores", NULL);
    return true;
}

bool amounts_gpus(struct arena *arena, struct request *r, const char *value)
{
    uint64_t n;
    double share;
    if (units_uint(value, UINT32_MAX, &n)) {
        r->gpus = (uint32_t)n;
        set_word(arena, r, "gpus", NULL);
        return true;
    }
    if (!units_real(value, &share)) {
        return false;
    }
    r->gpus = 0;
    set_word(arena, r, "gpus", value);
    return true;
}

bool amounts_named(struct arena *arena,
                   struct request *r,
                   const char *name,
                   const char *value)
{
    double amount;
    if (name[0] == '\0' || strlen(name) > NAME_MAX_BYTES
        || strpbrk(name, " \t,|=\"'\\") != NULL || strcmp(name, "cores") == 0
        || strcmp(name, "gpus") == 0 || strcmp(name, "mem") == 0
        || !units_real(value, &amount)) {
        return false;
    }
    set_word(arena, r, name, value);
    return true;
}

bool amounts_request(struct arena *arena, struct request *r, const char *value)
{
    r->alternatives = value[0] != '\0' ? arena_string(arena, value) : NULL;
    compose(arena, r);
    return true;
}
