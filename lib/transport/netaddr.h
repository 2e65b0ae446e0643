/* netaddr.h - the IPv4 addresses of hosts, and which of them may be reached.
 *
 * Owns: nothing.
 * Never: sends anything; the order is a guess that the caller must try.
 * Threads: any.
 */
#ifndef HAYI_TRANSPORT_NETADDR_H
#define HAYI_TRANSPORT_NETADDR_H

#include <hayfork/hayfork.h>

enum {
    HAYI_NETADDR_MAX = 8,
    HAYI_NETADDR_TRY_MAX = HAYI_NETADDR_MAX + 1,
};

/* Of one host, loopback left out; in network byte order.  Plain bytes. */
struct hayi_netaddr {
    uint32_t count;
    uint32_t address[HAYI_NETADDR_MAX];
    uint32_t mask[HAYI_NETADDR_MAX];
};

/* This host's; more than HAYI_NETADDR_MAX are left out.  None if they cannot be
 * read. */
void hayi_netaddr_own(struct hayi_netaddr *own);

/* Those of another process's host that are worth a try, best first: loopback
 * when it is our host too; then those in a network of ours; then the rest.
 * What we have ourselves (bridges of containers are alike everywhere) leads
 * nowhere else.  Returns how many. */
uint32_t hayi_netaddr_order(const struct hayi_netaddr *own,
                            const struct hayi_netaddr *other,
                            bool same_host,
                            uint32_t list[HAYI_NETADDR_TRY_MAX]);

#endif
