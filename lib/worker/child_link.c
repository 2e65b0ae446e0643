/* child_link.c - see child_link.h. */
#include "config.h"

#include "worker/child_link.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SPIN_LOOKS = 100 }; /* before it sleeps */

struct hayi_child_stash {
    struct hayi_child_stash *next;
    struct hayi_pipe_record record;
    uint64_t body[];
};

void hayi_child_link_init(struct hayi_child_link *link,
                          struct hayi_child_area *area)
{
    unsigned char *base = (unsigned char *)area;
    const struct hayi_ring up = {.shared = &area->up,
                                 .data = base + HAYI_CHILD_AT_UP,
                                 .size = HAYI_CHILD_RING_BYTES};
    const struct hayi_ring down = {.shared = &area->down,
                                   .data = base + HAYI_CHILD_AT_DOWN,
                                   .size = HAYI_CHILD_RING_BYTES};
    *link = (struct hayi_child_link){.area = area};
    link->last = &link->first;
    (void)pthread_mutex_init(&link->mutex, NULL);
    hayi_pipe_init(&link->pipe, &up, &down);
}

/* Wait until the rank has made room; another thread may read meanwhile, so this
 * one does not sleep on the child's bell for long. */
static void wait_for_room(struct hayi_child_link *link)
{
    enum { LOOK_NS = 2000000 };
    hayi_ring_want_room(&link->pipe.out);
    hayi_rouse(&link->area->rank_asleep);
    hayi_doze_announce(&link->area->child_asleep);
    if (hayi_ring_room(&link->pipe.out) > 0 || link->pipe.out.damaged) {
        hayi_doze_cancel(&link->area->child_asleep);
    } else {
        hayi_doze(&link->area->child_asleep, LOOK_NS);
    }
}

void hayi_child_link_send(struct hayi_child_link *link,
                          uint32_t kind,
                          const struct hayi_pipe_part *parts,
                          size_t count,
                          bool wake)
{
    (void)pthread_mutex_lock(&link->mutex);
    if (hayi_pipe_send(&link->pipe, kind, parts, count) != HAY_OK) {
        _exit(HAYI_CHILD_EXIT_BROKEN);
    }
    while (!hayi_pipe_flush(&link->pipe)) {
        if (link->pipe.out.damaged) {
            _exit(HAYI_CHILD_EXIT_BROKEN);
        }
        wait_for_room(link);
    }
    (void)pthread_mutex_unlock(&link->mutex);
    if (wake) {
        hayi_rouse(&link->area->rank_asleep);
    }
}

bool hayi_child_link_maybe(struct hayi_child_link *link)
{
    return link->first != NULL
           || link->pipe.arrived.size > link->pipe.arrived_taken
           || hayi_pipe_maybe(&link->pipe);
}

/* From the ring, without waiting. */
static bool receive(struct hayi_child_link *link,
                    struct hayi_pipe_record *record,
                    const void **body)
{
    bool got = hayi_pipe_next(&link->pipe, record, body);
    if (link->pipe.damaged) {
        _exit(HAYI_CHILD_EXIT_BROKEN);
    }
    if (hayi_ring_room_wanted(&link->pipe.in)) {
        hayi_rouse(&link->area->rank_asleep);
    }
    return got;
}

static bool wait_receive(struct hayi_child_link *link,
                         uint64_t wait_ns,
                         struct hayi_pipe_record *record,
                         const void **body)
{
    atomic_uint *asleep = &link->area->child_asleep;
    for (unsigned looks = 0;; looks++) {
        if (receive(link, record, body)) {
            return true;
        }
        if (looks < SPIN_LOOKS) {
            continue;
        }
        if (looks > SPIN_LOOKS && wait_ns != UINT64_MAX) {
            return false;
        }
        hayi_doze_announce(asleep);
        if (hayi_pipe_maybe(&link->pipe)) {
            hayi_doze_cancel(asleep);
        } else {
            hayi_doze(asleep, wait_ns);
        }
    }
}

bool hayi_child_link_next(struct hayi_child_link *link,
                          uint64_t wait_ns,
                          struct hayi_pipe_record *record,
                          const void **body)
{
    free(link->current);
    link->current = link->first;
    if (link->current == NULL) {
        return wait_receive(link, wait_ns, record, body);
    }
    link->first = link->current->next;
    if (link->first == NULL) {
        link->last = &link->first;
    }
    *record = link->current->record;
    *body = link->current->body;
    return true;
}

static bool is_of(uint32_t kind, uint32_t kinds)
{
    return kind < 32 && (kinds >> kind & 1) != 0;
}

static void stash(struct hayi_child_link *link,
                  const struct hayi_pipe_record *record,
                  const void *body)
{
    struct hayi_child_stash *kept = malloc(sizeof(*kept) + record->size);
    if (kept == NULL) {
        _exit(HAYI_CHILD_EXIT_BROKEN);
    }
    kept->next = NULL;
    kept->record = *record;
    memcpy(kept->body, body, record->size);
    *link->last = kept;
    link->last = &kept->next;
}

/* One that came while something else was awaited; false: there is none. */
static bool take_stashed(struct hayi_child_link *link,
                         uint32_t kinds,
                         struct hayi_pipe_record *record,
                         const void **body)
{
    struct hayi_child_stash **at = &link->first;
    while (*at != NULL && !is_of((*at)->record.kind, kinds)) {
        at = &(*at)->next;
    }
    struct hayi_child_stash *found = *at;
    if (found == NULL) {
        return false;
    }
    *at = found->next;
    if (*at == NULL) {
        link->last = at;
    }
    free(link->current);
    link->current = found;
    *record = found->record;
    *body = found->body;
    return true;
}

bool hayi_child_link_await_any(struct hayi_child_link *link,
                               uint32_t kinds,
                               uint64_t wait_ns,
                               struct hayi_pipe_record *record,
                               const void **body)
{
    if (take_stashed(link, kinds, record, body)) {
        return true;
    }
    while (wait_receive(link, wait_ns, record, body)) {
        if (is_of(record->kind, kinds)) {
            return true;
        }
        stash(link, record, *body);
    }
    return false;
}

void hayi_child_link_await(struct hayi_child_link *link,
                           uint32_t kind,
                           struct hayi_pipe_record *record,
                           const void **body)
{
    (void)hayi_child_link_await_any(
        link, UINT32_C(1) << kind, UINT64_MAX, record, body);
}

static struct hayi_child_link *link_here;

struct hayi_child_link *hayi_child_link_here(void)
{
    return link_here;
}

void hayi_child_link_set_here(struct hayi_child_link *link)
{
    link_here = link;
}
