/* arena.c - chunks that double up to a megabyte; a piece that is larger than
 * what is left of the current chunk starts a new one. */
#include "config.h"

#include "arena.h"
#include "fault.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_MIN ((size_t)4096)
#define CHUNK_MAX ((size_t)1 << 20)

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    alignas(max_align_t) char data[];
};

static void out_of_memory(void)
{
    say("out of memory");
    exit(3);
}

void *mem_resize(void *old, size_t count, size_t size)
{
    void *data = reallocarray(old, count == 0 ? 1 : count, size);
    if (data == NULL) {
        out_of_memory();
    }
    return data;
}

void *mem_alloc(size_t count, size_t size)
{
    return mem_resize(NULL, count, size);
}

void *mem_grow(void *list, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity) {
        return list;
    }
    *capacity = *capacity == 0 ? 16 : 2 * *capacity;
    return mem_resize(list, *capacity, size);
}

void arena_fini(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *next = arena->chunks->next;
        free(arena->chunks);
        arena->chunks = next;
    }
    *arena = (struct arena)ARENA_INIT;
}

static void *arena_take(struct arena *arena, size_t size)
{
    if (size > arena->left) {
        size_t room =
            arena->chunks == NULL ? CHUNK_MIN : 2 * arena->chunks->size;
        room = room > CHUNK_MAX ? CHUNK_MAX : room;
        room = room < size ? size : room;
        struct arena_chunk *chunk =
            mem_alloc(1, sizeof(struct arena_chunk) + room);
        chunk->next = arena->chunks;
        chunk->size = room;
        arena->chunks = chunk;
        arena->at = chunk->data;
        arena->left = room;
    }
    void *data = arena->at;
    arena->at += size;
    arena->left -= size;
    return data;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t rest = (size_t)((uintptr_t)arena->at % alignof(max_align_t));
    size_t pad = rest == 0 ? 0 : alignof(max_align_t) - rest;
    if (pad != 0 && pad <= arena->left) {
        arena_take(arena, pad);
    } else if (pad != 0) {
        arena->left = 0;
    }
    return arena_take(arena, size);
}

char *arena_text(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_take(arena, length + 1);
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
    return arena_text(arena, text, strlen(text));
}

static void text_reserve(struct text *text, size_t more)
{
    size_t need = text->length + more + 1;
    if (need > text->capacity) {
        size_t capacity = text->capacity == 0 ? 128 : 2 * text->capacity;
        text->capacity = capacity < need ? need : capacity;
        text->data = mem_resize(text->data, text->capacity, 1);
    }
}

void text_clear(struct text *text)
{
    text_reserve(text, 0);
    text->length = 0;
    text->data[0] = '\0';
}

void text_add(struct text *text, const char *data, size_t length)
{
    text_reserve(text, length);
    if (length > 0) {
        memcpy(text->data + text->length, data, length);
    }
    text->length += length;
    text->data[text->length] = '\0';
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
    va_list list;
    char none[1];
    va_start(list, format);
    int length = vsnprintf(none, 0, format, list);
    va_end(list);
    if (length < 0) {
        return;
    }
    text_reserve(text, (size_t)length);
    va_start(list, format);
    vsnprintf(text->data + text->length, (size_t)length + 1, format, list);
    va_end(list);
    text->length += (size_t)length;
}

void text_fini(struct text *text)
{
    free(text->data);
    *text = (struct text)TEXT_INIT;
}
