/* child_client.c - see child_client.h.
 *
 * What is posted is written and sent at once, by whoever posts: the mutex keeps
 * the records of several threads apart.  A record's room is a buffer that is
 * sent when the next one is begun, or nothing more is to be written.
 */
#include "config.h"

#include "worker/child_client.h"

#include "base/buffer.h"
#include "base/clock.h"
#include "client/callback.h"
#include "client/nested.h"
#include "client/remote_executor.h"
#include "worker/child.h"
#include "worker/task.h"

#include <unistd.h>

enum {
    RECORD_BIT = 1 << HAYI_CHILD_RECORD,
    RESUME_BIT = 1 << HAYI_CHILD_RESUME,
};

static struct {
    struct hayi_child_link *link;
    struct hayi_remote *remote;
    pthread_mutex_t mutex; /* recursive */
    pthread_t reader;
    struct hayi_child_record head;
    struct hayi_buffer body;
    bool pumping;
    bool again;
    bool looking; /* the reader: it takes a record */
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
    client.looking = true;
    hay_status status = hayi_remote_take(client.remote,
                                         (uint16_t)head->type,
                                         head + 1,
                                         (size_t)size - sizeof(*head),
                                         &err);
    hayi_remote_wake(client.remote);
    client.looking = false;
    (void)pthread_mutex_unlock(&client.mutex);
    return status == HAY_OK;
}

/* ---- waiting ------------------------------------------------------------- */

static void take(const struct hayi_pipe_record *record, const void *body)
{
    if (!hayi_child_client_take(body, record->size)) {
        _exit(HAYI_CHILD_EXIT_BROKEN);
    }
}

/* What has come. */
static void look(void)
{
    struct hayi_pipe_record record;
    const void *body;
    if (client.looking || !pthread_equal(pthread_self(), client.reader)) {
        return;
    }
    while (hayi_child_link_maybe(client.link)
           && hayi_child_link_await_any(
               client.link, RECORD_BIT, 0, &record, &body)) {
        take(&record, body);
    }
}

static void say_wait(const struct hay_task *task)
{
    const struct hayi_child_wait head = {
        .waits_for =
            task->waits_for != NULL ? hay_future_id(task->waits_for) : 0,
        .several = task->waits_several,
    };
    const struct hayi_pipe_part part = {&head, sizeof(head)};
    hayi_child_link_send(client.link, HAYI_CHILD_WAIT, &part, 1, true);
}

struct sleeper {
    hay_executor *ex;
    bool (*ready)(void *);
    void *argument;
    uint64_t deadline_ns;
    bool callbacks;
};

static bool due(const struct sleeper *s)
{
    return s->ready(s->argument)
           || (s->callbacks && hayi_callback_waiting(s->ex))
           || hayi_clock_left(s->deadline_ns) == 0;
}

/* Without cores, until it is due and has some again. */
static void park(const struct sleeper *s)
{
    struct hay_task *task = hayi_task_current();
    struct hayi_pipe_record record;
    const void *body;
    bool woken = false;
    say_wait(task);
    for (;;) {
        uint64_t wait_ns = woken ? UINT64_MAX : hayi_clock_left(s->deadline_ns);
        bool any = hayi_child_link_await_any(
            client.link, RECORD_BIT | RESUME_BIT, wait_ns, &record, &body);
        if (any && record.kind == HAYI_CHILD_RESUME) {
            if (!hayi_child_go_on(task, body, record.size)) {
                _exit(HAYI_CHILD_EXIT_BROKEN);
            }
            return;
        }
        if (any) {
            take(&record, body);
        }
        if (!woken && due(s)) {
            woken = true;
            hayi_child_link_send(client.link, HAYI_CHILD_WAKE, NULL, 0, true);
        }
    }
}

/* With its cores, for what the farm answers at once. */
static void await_answer(uint64_t deadline_ns)
{
    struct hayi_pipe_record record;
    const void *body;
    if (hayi_child_link_await_any(client.link,
                                  RECORD_BIT,
                                  hayi_clock_left(deadline_ns),
                                  &record,
                                  &body)) {
        take(&record, body);
    }
}

static hay_status sleep_here(hay_executor *ex,
                             bool (*ready)(void *),
                             void *argument,
                             uint64_t deadline_ns,
                             bool callbacks)
{
    const struct sleeper s = {
        ex,
        ready,
        argument,
        deadline_ns,
        callbacks && !hayi_callback_inside(),
    };
    for (;;) {
        look();
        if (s.callbacks) {
            (void)hayi_callback_run(ex);
        }
        if (ready(argument)) {
            return HAY_OK;
        }
        if (hayi_clock_left(deadline_ns) == 0) {
            return HAY_ETIMEDOUT;
        }
        if (callbacks) {
            park(&s);
        } else {
            await_answer(deadline_ns);
        }
    }
}

/* ---- life ---------------------------------------------------------------- */

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
    static const struct hayi_nested_child child = {sleep_here, look};
    pthread_mutexattr_t attributes;
    (void)pthread_mutexattr_init(&attributes);
    (void)pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    (void)pthread_mutex_init(&client.mutex, &attributes);
    (void)pthread_mutexattr_destroy(&attributes);
    client.link = link;
    client.reader = pthread_self();
    hayi_buffer_init(&client.body);
    hayi_nested_set_child(&child);
    return hayi_remote_new(&config, &client.remote, err);
}
