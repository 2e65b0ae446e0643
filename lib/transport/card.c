/* card.c - see card.h. */
#include "config.h"

#include "transport/card.h"

#include "transport/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Is an MCA parameter of mpirun's set? */
static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0
           && strcmp(value, "false") != 0;
}

void hayi_card_fill(struct hayi_card *card, const struct hayi_mpi_start *start)
{
    memset(card, 0, sizeof *card);
    card->identity = hayi_identity_hash(start->identity, start->identity_size);
    card->identity_size = start->identity_size;
    card->blob_size = start->blob_size;
    card->manager = start->manager;
    card->recovery = is_set("OMPI_MCA_orte_enable_recovery");
    card->peer.pid = (int32_t)getpid();
    if (gethostname(card->peer.host, sizeof card->peer.host - 1) != 0) {
        (void)snprintf(card->peer.host, sizeof card->peer.host, "?");
    }
    hayi_netaddr_own(&card->addresses);
}

hay_status hayi_cards_check(const struct hayi_card *cards,
                            int count,
                            struct hayi_error *err)
{
    for (int i = 0; i < count; i++) {
        const struct hayi_card *card = &cards[i];
        if (card->status != HAY_OK) {
            return hayi_fail(err,
                             (hay_status)card->status,
                             "rank %d on %s: %s",
                             i,
                             card->peer.host,
                             card->words);
        }
        if (!card->threads) {
            return hayi_fail(err,
                             HAY_EMISMATCH,
                             "rank %d: MPI was initialised with less than "
                             "MPI_THREAD_SERIALIZED",
                             i);
        }
        if (card->manager != cards[0].manager
            || card->manager >= (uint32_t)count) {
            return hayi_fail(err,
                             HAY_EMISMATCH,
                             "rank 0 says that rank %u is the manager, rank %d "
                             "says %u; there are %d ranks",
                             cards[0].manager,
                             i,
                             card->manager,
                             count);
        }
        if (card->blob_size != cards[0].blob_size) {
            return hayi_fail(err,
                             HAY_EMISMATCH,
                             "rank %d is of another build than rank 0",
                             i);
        }
    }
    return HAY_OK;
}

static bool differs(const struct hayi_card *cards, int rank)
{
    return cards[rank].identity != cards[0].identity
           || cards[rank].identity_size != cards[0].identity_size;
}

int hayi_cards_differ(const struct hayi_card *cards, int count)
{
    for (int i = 1; i < count; i++) {
        if (differs(cards, i)) {
            return i;
        }
    }
    return -1;
}

/* The ranks that differ, as "3, 5-8", cut by "..." */
static void
name_ranks(const struct hayi_card *cards, int count, char *words, size_t room)
{
    size_t used = 0;
    words[0] = '\0';
    for (int i = 1; i < count; i++) {
        if (!differs(cards, i)) {
            continue;
        }
        int last = i;
        while (last + 1 < count && differs(cards, last + 1)) {
            last++;
        }
        char part[40];
        (void)snprintf(part, sizeof part, last > i ? "%d-%d" : "%d", i, last);
        if (used + strlen(part) + 8 > room) {
            (void)snprintf(words + used, room - used, ", ...");
            return;
        }
        used += (size_t)snprintf(
            words + used, room - used, "%s%s", used > 0 ? ", " : "", part);
        i = last;
    }
}

hay_status hayi_cards_refuse(const struct hayi_card *cards,
                             int count,
                             const char *words,
                             struct hayi_error *err)
{
    char ranks[120];
    name_ranks(cards, count, ranks, sizeof ranks);
    int lowest = hayi_cards_differ(cards, count);
    return hayi_fail(err,
                     HAY_EMISMATCH,
                     "not the same program on all ranks: rank 0 on %s differs "
                     "from rank %s; rank %d on %s: %s",
                     cards[0].peer.host,
                     ranks,
                     lowest,
                     cards[lowest].peer.host,
                     words);
}

void hayi_cards_peers(const struct hayi_card *cards,
                      int count,
                      int manager,
                      struct hayi_mpi_peer *list)
{
    uint32_t nodes = 0;
    for (int i = 0; i < count; i++) {
        const struct hayi_card *card = &cards[(manager + i) % count];
        list[i] = card->peer;
        list[i].node = UINT32_MAX;
        for (int k = 0; k < i && list[i].node == UINT32_MAX; k++) {
            if (cards[(manager + k) % count].node == card->node) {
                list[i].node = list[k].node;
            }
        }
        if (list[i].node == UINT32_MAX) {
            list[i].node = nodes++;
        }
    }
}
