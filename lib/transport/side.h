/* side.h - a TCP connection from each process to the manager; its end is a
 * death.
 *
 * MPI says nothing when a peer dies; the kernel closes its connections.  Each
 * process says its number and a token that it got from the manager by MPI; the
 * manager answers.  Before that no end of a connection means anything, since
 * somebody else may have been called.
 *
 * Owns: the connections, the manager's listening socket until all have come.
 * Never: blocks; carries data; judges silence (a host that is off or cut off is
 *     silent for long).
 * Threads: one.
 */
#ifndef HAYI_TRANSPORT_SIDE_H
#define HAYI_TRANSPORT_SIDE_H

#include "base/error.h"
#include "transport/netaddr.h"

struct hayi_side;

enum { HAYI_SIDE_TOKEN = 16 };

/* Where the manager listens.  Plain bytes, to be given to the others. */
struct hayi_side_card {
    unsigned char token[HAYI_SIDE_TOKEN];
    uint16_t port; /* network byte order */
};

struct hayi_side_sink {
    /* Proven: 'peer' can be reached at 'address' (network byte order). */
    void (*joined)(void *context, uint32_t peer, uint32_t address);
    /* It ended.  how: words, borrowed. */
    void (*down)(void *context, uint32_t peer, const char *how);
    void *context;
};

/* The manager's: awaits peers 1 to peer_count - 1.  HAY_ENOMEM, HAY_EIO. */
hay_status hayi_side_listen(uint32_t peer_count,
                            struct hayi_side **side,
                            struct hayi_side_card *card,
                            struct hayi_error *err);
/* The others': calls the manager (peer 0) at the addresses list[count], one
 * after the other.  If none answers there will be no news of the manager.
 * card, list: copied.  HAY_ENOMEM, HAY_EIO. */
hay_status hayi_side_connect(uint32_t self,
                             const struct hayi_side_card *card,
                             const uint32_t *list,
                             uint32_t count,
                             struct hayi_side **side,
                             struct hayi_error *err);
void hayi_side_free(struct hayi_side *side);

/* Readable when there is something for hayi_side_poll(). */
int hayi_side_fd(const struct hayi_side *side);
/* now_ns: of hayi_clock_ns(), for the limit of time of a call that nobody
 * answers. */
void hayi_side_poll(struct hayi_side *side,
                    uint64_t now_ns,
                    const struct hayi_side_sink *sink);

#endif
