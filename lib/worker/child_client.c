/* child_client.c - see child_client.h.
 *
 * What is posted is written and sent at once, by whoever posts: the mutex keeps
 * the records of several threads apart.  A record's room is a buffer that is
 * sent when the next one is begun, or nothing more is to be written.
 */
#include "config.h"

#include "worker/child_client.h"

#include "base/buffer.h"
#include "client/remote_executor.h"

#include <unistd.h>

static struct {
    struct hayi_child_link *link;
    struct hayi_remote *remote;
    pthread_mutex_t mutex; /* recursive */
    pthread_t reader;
    struct hayi_child_record head;
    struct hayi_buffer body;
    bool pumping;
    bool again;
} client;

static void send_pending(void)
{
    const struct hayi_pipe_part parts[] = {
        {&client.head, sizeof(client.head)},
        {client.body.data, client.body.size},
    };
    if (client.body.size > 0) {
        hayi_child_link_send(client.link, HAYI_CHILD_RECORD, parts, 2, true);
        client.body.size = 0;
    }
}

static void *append(void *context, uint16_t type, size_t size)
{
    (void)context;
    send_pending();
    client.head = (struct hayi_child_record){.type = type};
    return hayi_buffer_extend(&client.body, size);
}

static size_t unsent(void *context)
{
    (void)context;
    return 0; /* sending waits */
}

/* Something was posted. */
static void ring(void *context)
{
    bool any = false;
    (void)context;
    (void)pthread_mutex_lock(&client.mutex);
    client.again = true;
    while (!client.pumping && client.again) {
        client.pumping = true;
        client.again = false;
        if (hayi_remote_pump(client.remote, false, &any) != HAY_OK) {
            _exit(HAYI_CHILD_EXIT_BROKEN);
        }
        send_pending();
        client.pumping = false;
    }
    (void)pthread_mutex_unlock(&client.mutex);
}

/* For the number of a submit: the rank answers soon. */
static bool serve(void *context)
{
    struct hayi_pipe_record record;
    const void *body;
    (void)context;
    if (!pthread_equal(pthread_self(), client.reader)) {
        return false;
    }
    hayi_child_link_await(client.link, HAYI_CHILD_RECORD, &record, &body);
    if (!hayi_child_client_take(body, record.size)) {
        _exit(HAYI_CHILD_EXIT_BROKEN);
    }
    return true;
}

bool hayi_child_client_take(const void *body, uint64_t size)
{
    struct hayi_error err;
    const struct hayi_child_record *head = body;
    if (size < sizeof(*head) || !hayi_nest_is((uint16_t)head->type, false)) {
        return false;
    }
    (void)pthread_mutex_lock(&client.mutex);
    hay_status status = hayi_remote_take(client.remote,
                                         (uint16_t)head->type,
                                         head + 1,
                                         (size_t)size - sizeof(*head),
                                         &err);
    hayi_remote_wake(client.remote);
    (void)pthread_mutex_unlock(&client.mutex);
    return status == HAY_OK;
}

hay_executor *hayi_child_client_executor(void)
{
    return hayi_remote_executor(client.remote);
}

hay_status hayi_child_client_open(struct hayi_child_link *link,
                                  uint64_t seed,
                                  struct hayi_error *err)
{
    const struct hayi_remote_config config = {
        .seed = seed,
        .client = 1, /* the rank writes the true one */
        .workers_expected = UINT32_MAX,
        .append = append,
        .unsent = unsent,
        .ring = ring,
        .serve = serve,
    };
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&client.mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    client.link = link;
    client.reader = pthread_self();
    hayi_buffer_init(&client.body);
    return hayi_remote_new(&config, &client.remote, err);
}
