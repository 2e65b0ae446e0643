/* node_tell.c - what a simulated worker tells its manager. */
#include "config.h"

#include "sim/node_inside.h"

#include "wire/record.h"

void *hayi_node_append(struct hayi_sim_node *node, uint16_t type, size_t size)
{
    void *body = hayi_channel_append(node->channel, type, size);
    if (body == NULL) {
        hayi_node_no_memory(node);
    }
    return body;
}

void hayi_node_tell_attempt(struct hayi_sim_node *node,
                            uint16_t type,
                            const struct hayi_sim_run *run)
{
    struct hayi_attempt_record *record =
        hayi_node_append(node, type, sizeof *record);
    if (record != NULL) {
        *record = (struct hayi_attempt_record){
            .task = run->task, .attempt = run->attempt, .missing = run->index};
    }
}

void hayi_node_tell_nest(struct hayi_sim_node *node,
                         enum hayi_sim_record type,
                         const struct hayi_sim_run *run,
                         uint32_t ordinal)
{
    struct hayi_sim_nest *record =
        hayi_node_append(node, (uint16_t)type, sizeof *record);
    if (record != NULL) {
        *record = (struct hayi_sim_nest){.task = run->task,
                                         .index = run->index,
                                         .attempt = run->attempt,
                                         .ordinal = ordinal};
    }
    node->urgent = true;
}

void hayi_node_tell_ended(struct hayi_sim_node *node,
                          const struct hayi_sim_run *run)
{
    if (run->range) {
        struct hayi_range_ended *record =
            hayi_node_append(node, HAYI_RECORD_RANGE_ENDED, sizeof *record);
        if (record != NULL) {
            *record = (struct hayi_range_ended){.task = run->task,
                                                .attempt = run->attempt,
                                                .start_ns = run->begin_ns,
                                                .end_ns = run->end_ns,
                                                .items = run->items,
                                                .failed = run->failed,
                                                .outcome = run->outcome};
        }
    } else {
        struct hayi_ended *record =
            hayi_node_append(node, HAYI_RECORD_ENDED, sizeof *record);
        bool over = node->world->ledger.tasks[run->index].spec.over_memory
                    && run->outcome == HAYI_OUTCOME_FARM;
        if (record != NULL) {
            *record = (struct hayi_ended){
                .task = run->task,
                .handed_ns = hayi_ledger_report(run->index, run->attempt),
                .attempt = run->attempt,
                .start_ns = run->begin_ns,
                .end_ns = run->end_ns,
                .outcome = run->outcome,
                .cause = over ? HAY_CAUSE_MEMORY_LIMIT : HAY_CAUSE_NONE};
        }
    }
    node->urgent = node->urgent || run->prompt;
}

void hayi_node_tell_cancelled(struct hayi_sim_node *node,
                              struct hayi_sim_run *run)
{
    run->outcome = HAYI_OUTCOME_CANCELLED;
    run->begin_ns = node->world->now_ns;
    run->end_ns = node->world->now_ns;
    run->items = 0;
    run->failed = 0;
    hayi_node_tell_ended(node, run);
    node->urgent = true;
}

void hayi_node_flush(struct hayi_sim_node *node)
{
    const struct hayi_transport_ops *ops = node->transport->ops;

    while (hayi_channel_sendable(node->channel)) {
        const void *data;
        size_t size = hayi_channel_take_frame(node->channel, &data);
        if (size == 0) {
            break;
        }
        if (ops->send(node->transport, HAYI_NODE_SINK, data, size) != HAY_OK) {
            hayi_ledger_fail(&node->world->ledger,
                             "w%u: the net is full in spite of credit",
                             node->config.index);
            break;
        }
    }
}
