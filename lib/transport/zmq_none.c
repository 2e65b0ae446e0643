/* zmq_none.c - transport_zmq.h where there is no libzmq. */
#include "config.h"

#include "transport/transport_zmq.h"

static hay_status none(struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_EUNSUPPORTED,
                     "this hayfork was built without ZeroMQ (Debian package: "
                     "libzmq3-dev): nobody can join a run");
}

hay_status hayi_zmq_listen(const struct hayi_zmq_listen *listen,
                           struct hayi_transport **hub,
                           struct hayi_door *door,
                           struct hayi_error *err)
{
    (void)listen;
    (void)hub;
    (void)door;
    return none(err);
}

hay_status hayi_zmq_knock(const struct hayi_zmq_knock *knock,
                          struct hayi_transport **guest,
                          struct hayi_error *err)
{
    (void)knock;
    (void)guest;
    return none(err);
}

hay_status hayi_zmq_enter(struct hayi_transport *guest,
                          struct hayi_zmq_entered *entered,
                          struct hayi_error *err)
{
    (void)guest;
    (void)entered;
    return none(err);
}

void hayi_zmq_member(const struct hayi_door *door,
                     const char *host,
                     struct hayi_zmq_member *member)
{
    (void)door;
    (void)host;
    *member = (struct hayi_zmq_member){.port = 0};
}

hay_status hayi_zmq_members(struct hayi_transport *hub,
                            const struct hayi_zmq_member *members,
                            struct hayi_error *err)
{
    (void)hub;
    (void)members;
    return none(err);
}

void hayi_zmq_let_in(struct hayi_transport *entrance,
                     const char guest_public[HAYI_DOOR_KEY])
{
    (void)entrance;
    (void)guest_public;
}
