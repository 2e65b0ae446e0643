/* card.h - what each process of an MPI farm tells all others at the start.
 *
 * Owns: nothing.
 * Never: calls MPI; the transport exchanges the cards.
 * Threads: one.
 */
#ifndef HAYI_TRANSPORT_CARD_H
#define HAYI_TRANSPORT_CARD_H

#include "transport/dgram.h"
#include "transport/netaddr.h"
#include "transport/side.h"
#include "transport/transport_mpi.h"

enum { HAYI_CARD_WORDS = 200 };

/* Plain bytes. */
struct hayi_card {
    uint64_t identity; /* hash */
    uint64_t identity_size;
    uint64_t blob_size;
    uint32_t manager;            /* rank */
    uint32_t node;               /* lowest rank of its host */
    int32_t threads;             /* does MPI's thread level suffice? */
    int32_t recovery;            /* does mpirun let the others live? */
    int32_t status;              /* of its preparations, and ... */
    char words[HAYI_CARD_WORDS]; /* ... what went wrong */
    struct hayi_mpi_peer peer;   /* node: not yet */
    struct hayi_netaddr addresses;
    struct hayi_dgram_card dgram;
    struct hayi_side_card side; /* of the manager */
};

/* What can be told without MPI: identity, sizes, host, process, addresses. */
void hayi_card_fill(struct hayi_card *card, const struct hayi_mpi_start *start);

/* cards[count], by rank.  The same answer on every rank: HAY_OK; the first
 * rank's own failure; HAY_EMISMATCH for thread levels, managers or blobs.  Not
 * the identities. */
hay_status hayi_cards_check(const struct hayi_card *cards,
                            int count,
                            struct hayi_error *err);
/* The lowest rank whose identity differs from rank 0's; -1 if none does. */
int hayi_cards_differ(const struct hayi_card *cards, int count);
/* Fails with HAY_EMISMATCH: which ranks differ, and 'words' on the lowest. */
hay_status hayi_cards_refuse(const struct hayi_card *cards,
                             int count,
                             const char *words,
                             struct hayi_error *err);
/* list[count]: what transport_mpi.h tells of the peers, nodes numbered in the
 * order of the peers; rank of peer 0 is 'manager'. */
void hayi_cards_peers(const struct hayi_card *cards,
                      int count,
                      int manager,
                      struct hayi_mpi_peer *list);

#endif
