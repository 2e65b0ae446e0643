/* relay.c - see relay.h. */
#include "config.h"

#include "worker/relay.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct hayi_relay_message *hayi_relay_new(struct hayi_slot_process *slot,
                                          uint64_t life,
                                          uint32_t type,
                                          const void *body,
                                          uint64_t size)
{
    struct hayi_relay_message *message = malloc(sizeof(*message) + size);
    if (message != NULL) {
        message->slot = slot;
        message->next = NULL;
        message->ends = 0;
        message->life = life;
        message->size = size;
        message->type = type;
        message->reserved = 0;
        if (size > 0) {
            memcpy(message->body, body, size);
        }
    }
    return message;
}

struct hayi_relay_message *hayi_relay_pop(struct hayi_mpsc *queue)
{
    struct hayi_mpsc_node *node = hayi_mpsc_pop(queue);
    while (node == NULL && hayi_mpsc_maybe(queue)) {
        (void)sched_yield();
        node = hayi_mpsc_pop(queue);
    }
    return (struct hayi_relay_message *)node;
}

void hayi_relay_drop_all(struct hayi_mpsc *queue)
{
    struct hayi_relay_message *message;
    while ((message = hayi_relay_pop(queue)) != NULL) {
        free(message);
    }
}
