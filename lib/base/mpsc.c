/* mpsc.c - see mpsc.h.
 *
 * Algorithm: Dmitry Vyukov, "Intrusive MPSC node-based queue".  A push is one
 * exchange and one store; between them the queue looks shorter than it is.
 */
#include "config.h"

#include "base/mpsc.h"

void hayi_mpsc_init(struct hayi_mpsc *queue)
{
    atomic_init(&queue->stub.next, NULL);
    atomic_init(&queue->head, &queue->stub);
    queue->tail = &queue->stub;
}

void hayi_mpsc_push(struct hayi_mpsc *queue, struct hayi_mpsc_node *node)
{
    atomic_store_explicit(&node->next, NULL, memory_order_relaxed);
    struct hayi_mpsc_node *before =
        atomic_exchange_explicit(&queue->head, node, memory_order_acq_rel);
    atomic_store_explicit(&before->next, node, memory_order_release);
}

struct hayi_mpsc_node *hayi_mpsc_pop(struct hayi_mpsc *queue)
{
    struct hayi_mpsc_node *tail = queue->tail;
    struct hayi_mpsc_node *next =
        atomic_load_explicit(&tail->next, memory_order_acquire);
    if (tail == &queue->stub) {
        if (next == NULL) {
            return NULL;
        }
        queue->tail = next;
        tail = next;
        next = atomic_load_explicit(&tail->next, memory_order_acquire);
    }
    if (next != NULL) {
        queue->tail = next;
        return tail;
    }
    if (tail != atomic_load_explicit(&queue->head, memory_order_acquire)) {
        return NULL;
    }
    hayi_mpsc_push(queue, &queue->stub);
    next = atomic_load_explicit(&tail->next, memory_order_acquire);
    if (next == NULL) {
        return NULL;
    }
    queue->tail = next;
    return tail;
}

bool hayi_mpsc_maybe(const struct hayi_mpsc *queue)
{
    return queue->tail != &queue->stub
           || atomic_load_explicit(&queue->head, memory_order_seq_cst)
                  != &queue->stub;
}
