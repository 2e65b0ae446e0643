/* scratch.c - see scratch.h. */
#include "config.h"

#include "worker/scratch.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
    BLOCK_MIN = 1 << 20,
    SMALL_ALIGN = 64,
    PAGE = 4096,
};

struct hayi_scratch_block {
    char *data;
    size_t room;
    size_t used;
};

static size_t rounded(size_t size, size_t align)
{
    return (size + align - 1) & ~(align - 1);
}

static void unmap(struct hayi_scratch *scratch, struct hayi_scratch_block *b)
{
    if (b->data != NULL) {
        (void)munmap(b->data, b->room);
        scratch->all_bytes -= b->room;
        *b = (struct hayi_scratch_block){.data = NULL};
    }
}

/* One more, empty block at the end. */
static struct hayi_scratch_block *add_block(struct hayi_scratch *scratch)
{
    struct hayi_scratch_block *list =
        realloc(scratch->blocks, (scratch->block_count + 1) * sizeof(*list));
    if (list == NULL) {
        return NULL;
    }
    scratch->blocks = list;
    list += scratch->block_count++;
    *list = (struct hayi_scratch_block){.data = NULL};
    return list;
}

void *hayi_scratch_take(struct hayi_scratch *scratch, size_t size_bytes)
{
    size_t align = size_bytes >= PAGE ? PAGE : SMALL_ALIGN;
    if (size_bytes > SIZE_MAX / 2) {
        return NULL;
    }
    for (; scratch->block < scratch->block_count; scratch->block++) {
        struct hayi_scratch_block *b = &scratch->blocks[scratch->block];
        size_t at = rounded(b->used, align);
        if (b->data != NULL && at <= b->room && size_bytes <= b->room - at) {
            b->used = at + size_bytes;
            return b->data + at;
        }
        if (b->used == 0) {
            unmap(scratch, b); /* too small, and nobody uses it */
            break;
        }
    }
    struct hayi_scratch_block *b = scratch->block < scratch->block_count
                                       ? &scratch->blocks[scratch->block]
                                       : add_block(scratch);
    if (b == NULL) {
        return NULL;
    }
    size_t room =
        rounded(size_bytes < BLOCK_MIN ? BLOCK_MIN : size_bytes, PAGE);
    void *data = mmap(
        NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        return NULL;
    }
    *b = (struct hayi_scratch_block){data, room, size_bytes};
    scratch->all_bytes += room;
    return data;
}

void hayi_scratch_reset(struct hayi_scratch *scratch)
{
    /* Those behind 'block' were not used. */
    for (size_t i = 0; i <= scratch->block && i < scratch->block_count; i++) {
        scratch->blocks[i].used = 0;
    }
    scratch->block = 0;
}

void hayi_scratch_idle(struct hayi_scratch *scratch)
{
    for (size_t i = scratch->block_count;
         i > 0 && scratch->all_bytes > scratch->keep_bytes;
         i--) {
        unmap(scratch, &scratch->blocks[i - 1]);
    }
}

void hayi_scratch_fini(struct hayi_scratch *scratch)
{
    for (size_t i = 0; i < scratch->block_count; i++) {
        unmap(scratch, &scratch->blocks[i]);
    }
    free(scratch->blocks);
    *scratch = (struct hayi_scratch){.keep_bytes = scratch->keep_bytes};
}
