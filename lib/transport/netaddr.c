/* netaddr.c - see netaddr.h. */
#include "config.h"

#include "transport/netaddr.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

static uint32_t ipv4(const struct sockaddr *place)
{
    struct sockaddr_in in;
    memcpy(&in, place, sizeof in);
    return in.sin_addr.s_addr;
}

void hayi_netaddr_own(struct hayi_netaddr *own)
{
    memset(own, 0, sizeof *own);
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) {
        return;
    }
    for (struct ifaddrs *i = list; i != NULL; i = i->ifa_next) {
        if (i->ifa_addr == NULL || i->ifa_netmask == NULL
            || i->ifa_addr->sa_family != AF_INET || (i->ifa_flags & IFF_UP) == 0
            || (i->ifa_flags & IFF_LOOPBACK) != 0
            || own->count == HAYI_NETADDR_MAX) {
            continue;
        }
        own->address[own->count] = ipv4(i->ifa_addr);
        own->mask[own->count] = ipv4(i->ifa_netmask);
        own->count++;
    }
    freeifaddrs(list);
}

enum rank { OURS, NEAR, FAR };

static enum rank rank_of(const struct hayi_netaddr *own, uint32_t address)
{
    enum rank rank = FAR;
    for (uint32_t i = 0; i < own->count; i++) {
        if (own->address[i] == address) {
            return OURS;
        }
        if (((own->address[i] ^ address) & own->mask[i]) == 0) {
            rank = NEAR;
        }
    }
    return rank;
}

static uint32_t count_of(const struct hayi_netaddr *addresses)
{
    return addresses->count < HAYI_NETADDR_MAX ? addresses->count
                                               : HAYI_NETADDR_MAX;
}

uint32_t hayi_netaddr_order(const struct hayi_netaddr *own,
                            const struct hayi_netaddr *other,
                            bool same_host,
                            uint32_t list[HAYI_NETADDR_TRY_MAX])
{
    uint32_t count = 0;
    if (same_host) {
        list[count++] = htonl(INADDR_LOOPBACK);
    }
    for (enum rank wanted = same_host ? OURS : NEAR; wanted <= FAR; wanted++) {
        for (uint32_t i = 0; i < count_of(other); i++) {
            if (rank_of(own, other->address[i]) == wanted) {
                list[count++] = other->address[i];
            }
        }
    }
    return count;
}
