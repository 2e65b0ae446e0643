/* identity.c - see identity.h.  The hash is FNV-1a. */
#include "config.h"

#include "transport/identity.h"

#include <stdio.h>
#include <string.h>

enum { LINE_SHOWN = 100 }; /* bytes of a line */

uint64_t hayi_identity_hash(const void *text, size_t size)
{
    const unsigned char *byte = text;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* The line at 'at' without its end, as words. */
static void
line_words(const char *text, size_t size, size_t at, char words[128])
{
    if (at >= size) {
        (void)snprintf(words, 128, "nothing more");
        return;
    }
    const char *end = memchr(text + at, '\n', size - at);
    size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
    int shown = length < LINE_SHOWN ? (int)length : LINE_SHOWN;
    (void)snprintf(words, 128, "\"%.*s\"", shown, text + at);
}

void hayi_identity_tell(const char *first,
                        size_t first_size,
                        int rank,
                        const char *other,
                        size_t other_size,
                        char *words,
                        size_t room)
{
    size_t line = 0;
    size_t i = 0;
    while (i < first_size && i < other_size && first[i] == other[i]) {
        if (first[i] == '\n') {
            line = i + 1;
        }
        i++;
    }
    char has[128];
    char where[128];
    line_words(other, other_size, line, has);
    line_words(first, first_size, line, where);
    (void)snprintf(
        words, room, "it has %s where rank %d has %s", has, rank, where);
}
