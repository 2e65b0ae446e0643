/* hqconfig.h - what a task of a HyperQueue job file says: the keys of [[task]]
 * and [array].
 */
#ifndef APPS_HQCONFIG_H
#define APPS_HQCONFIG_H

#include "tomlfile.h"
#include "workload.h"

#define HQ_ID_MAX UINT32_MAX

/* Nodes are NULL where the key is not there. */
struct hq_config {
    const struct toml_node *command; /* a list of texts, not empty */
    const struct toml_node *id, *deps, *ids, *entries, *cwd, *stdin_text;
    const struct toml_node *out, *err; /* stdout, stderr */
    const char *out_path, *err_path;   /* "": nowhere; NULL: not said */
    bool out_rm, err_rm;               /* removed if the task finished */
    const char *pin;                   /* "omp", "taskset"; NULL: not */
    bool task_dir;
    size_t variants; /* of its request */
    struct request request;
};

struct hq_reader {
    struct workload *w;
    struct fault *fault;
    const struct request *defaults;
};

/* Read a table, and refuse what it has besides.  HAY_EINVAL. */
hay_status hq_config_read(struct hq_reader *r,
                          const struct toml_node *table,
                          bool array,
                          struct hq_config *c);

/* Is a value of this kind?  HAY_EINVAL: no. */
hay_status
hq_want(struct hq_reader *r, const struct toml_node *node, enum toml_kind kind);

/* A duration such as "1m 10s", "2 hours", "500ms". */
bool hq_time(const char *text, uint64_t *time_ns);

#endif
