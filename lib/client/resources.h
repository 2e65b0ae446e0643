/* resources.h - what the farm has beside cores, by name, and what was asked of
 * it: names under small numbers, farm-wide limits, what each worker has, and
 * requests under numbers of their own.
 *
 * Owns: the names, the limits, the workers' amounts, every distinct request.
 * Never: books anything (the scheduler does); forgets a name or a request.
 * Threads: requests and feasibility from any; joined and left are the
 *     manager's.
 */
#ifndef HAYI_CLIENT_RESOURCES_H
#define HAYI_CLIENT_RESOURCES_H

#include "core/sched.h"

struct hayi_resources;

/* From options.resources and options.limits.  HAY_EINVAL with words. */
hay_status hayi_resources_new(const hay_options *options,
                              struct hayi_resources **resources,
                              struct hayi_error *err);
void hayi_resources_free(struct hayi_resources *resources);

/* ---- names and limits ---------------------------------------------------- */

/* The number of a name, a new one if need be.  HAY_ETOOBIG: there are too many.
 */
hay_status hayi_resources_number(struct hayi_resources *resources,
                                 const char *name,
                                 size_t size,
                                 uint32_t *number,
                                 struct hayi_error *err);
/* Borrowed; as hayi_sched_config.resource_name wants it. */
const char *hayi_resources_name(void *resources, uint32_t number);
/* The limit with this index: its number and amount; false: there are less. */
bool hayi_resources_limit(const struct hayi_resources *resources,
                          size_t index,
                          struct hayi_amount *limit);

/* ---- requests ------------------------------------------------------------ */

/* The number of what 'text' asks for over the cores, gpus and memory of
 * 'needs'; a task of a category that is a limit takes one of that besides.
 * text, category: may be NULL.  0: needs alone tell it all.
 * HAY_EINVAL: the text is wrong; HAY_ETOOBIG: too many names or requests;
 * HAY_ENOMEM; with words. */
hay_status hayi_resources_request(struct hayi_resources *resources,
                                  const struct hayi_needs *needs,
                                  const char *text,
                                  const char *category,
                                  uint32_t *request,
                                  struct hayi_error *err);
/* Its variants; borrowed.  request: from 1, as given. */
const struct hayi_variant *
hayi_resources_variants(const struct hayi_resources *resources,
                        uint32_t request,
                        size_t *count);
/* What a variant has of gpus and named amounts: "gpus=0.5 licences=2", "" if
 * nothing.  Borrowed. */
const char *hayi_resources_got(const struct hayi_resources *resources,
                               uint32_t request,
                               uint32_t variant);
/* The whole request as a text that says the same of any 'needs'.  Borrowed. */
const char *hayi_resources_text(const struct hayi_resources *resources,
                                uint32_t request);

/* ---- what there is ------------------------------------------------------- */

struct hayi_capacity {
    uint32_t cores;
    uint32_t gpus;
    uint64_t memory_bytes; /* 0: not accounted */
    const struct hayi_amount *amounts;
    size_t amount_count;
};

/* A worker has this; amounts are copied.  HAY_ENOMEM. */
hay_status hayi_resources_joined(struct hayi_resources *resources,
                                 uint32_t worker,
                                 const struct hayi_capacity *capacity);
void hayi_resources_left(struct hayi_resources *resources, uint32_t worker);

/* All workers have joined: can one (the one that needs are bound to) ever meet
 * this?  HAY_OK; HAY_EINFEASIBLE with words that tell what there is. */
hay_status hayi_resources_feasible(struct hayi_resources *resources,
                                   const struct hayi_needs *needs,
                                   struct hayi_error *err);

#endif
