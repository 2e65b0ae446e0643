/* arena.h - memory that is freed all at once, and allocation that cannot fail.
 *
 * A program of ours that is out of memory says so and exits with status 3: it
 * has nothing to save that is not on disk already.
 */
#ifndef APPS_ARENA_H
#define APPS_ARENA_H

#include <stddef.h>

struct arena_chunk;

struct arena {
    struct arena_chunk *chunks;
    char *at;
    size_t left;
};

#define ARENA_INIT                                                             \
    {                                                                          \
        NULL, NULL, 0                                                          \
    }

void arena_fini(struct arena *arena);
/* Aligned for any type, not cleared. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of text[length] with a 0 behind it. */
char *arena_text(struct arena *arena, const char *text, size_t length);
char *arena_string(struct arena *arena, const char *text);

/* malloc and realloc of count * size that do not return NULL. */
void *mem_alloc(size_t count, size_t size);
void *mem_resize(void *old, size_t count, size_t size);
/* Room for one more in list[count] of 'capacity': doubles it when full. */
void *mem_grow(void *list, size_t count, size_t *capacity, size_t size);

/* A text that grows. */
struct text {
    char *data; /* 0 at its end; NULL before the first use */
    size_t length;
    size_t capacity;
};

#define TEXT_INIT                                                              \
    {                                                                          \
        NULL, 0, 0                                                             \
    }

void text_clear(struct text *text);
void text_add(struct text *text, const char *data, size_t length);
void text_add_string(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_fini(struct text *text);

#endif
