/* hosts.c - lists of hosts; see hosts.h.
 *
 * Batch systems tell hosts by variables: SLURM_JOB_NODELIST in a notation of
 * its own, PE_HOSTFILE ("host slots queue cpus" a line) and PBS_NODEFILE (a
 * host a line, once for each of its slots).
 */
#include "config.h"

#include "hosts.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void hosts_init(struct hosts *hosts)
{
    *hosts = (struct hosts){.arena = ARENA_INIT};
}

void hosts_fini(struct hosts *hosts)
{
    arena_fini(&hosts->arena);
    free(hosts->list);
    hosts_init(hosts);
}

/* Adds a host, or workers to one that is there; 'more' false: leaves them. */
static void hosts_add(struct hosts *hosts,
                      const char *name,
                      size_t length,
                      uint32_t workers,
                      bool more)
{
    /* The lists name a host's lines one after the other. */
    for (size_t i = hosts->count; i > 0; i--) {
        struct host *host = &hosts->list[i - 1];
        if (strlen(host->name) == length
            && memcmp(host->name, name, length) == 0) {
            host->workers += more ? workers : 0;
            return;
        }
    }
    hosts->list =
        mem_grow(hosts->list, hosts->count, &hosts->room, sizeof *hosts->list);
    hosts->list[hosts->count++] = (struct host){
        .name = arena_text(&hosts->arena, name, length), .workers = workers};
}

hay_status
hosts_parse(struct hosts *hosts, const char *text, struct fault *fault)
{
    char *copy = arena_string(&hosts->arena, text);
    char *word;
    while ((word = strsep(&copy, ",")) != NULL) {
        uint64_t workers = 1;
        char *colon = strchr(word, ':');
        size_t length = colon == NULL ? strlen(word) : (size_t)(colon - word);
        if (length == 0 || strcspn(word, " \t") < length
            || (colon != NULL
                && (!units_uint(colon + 1, RANKS_MAX, &workers)
                    || workers == 0))) {
            return fault_set(fault,
                             HAY_EINVAL,
                             "--hosts: '%.80s' is not HOST or HOST:RANKS",
                             word);
        }
        hosts_add(hosts, word, length, (uint32_t)workers, true);
    }
    return HAY_OK;
}

/* ---- Slurm's notation ---- */

/* One item of the brackets, "7" or "07-11"; false: it is neither. */
static bool slurm_range(struct hosts *hosts,
                        const char *prefix,
                        size_t prefix_length,
                        char *item)
{
    uint64_t first;
    uint64_t last;
    char *dash = strchr(item, '-');
    int width = (int)(dash == NULL ? strlen(item) : (size_t)(dash - item));
    if (dash != NULL) {
        *dash = '\0';
    }
    if (width > 18 || !units_uint(item, UINT32_MAX, &first)
        || !units_uint(dash == NULL ? item : dash + 1, UINT32_MAX, &last)
        || last < first || last - first >= HOSTS_MAX) {
        return false;
    }
    for (uint64_t i = first; i <= last; i++) {
        struct text name = TEXT_INIT;
        text_add(&name, prefix, prefix_length);
        text_format(&name, "%0*" PRIu64, width, i);
        hosts_add(hosts, name.data, name.length, 1, false);
        text_fini(&name);
    }
    return true;
}

hay_status
hosts_slurm(struct hosts *hosts, const char *text, struct fault *fault)
{
    char *at = arena_string(&hosts->arena, text);
    while (*at != '\0') {
        size_t length = strcspn(at, ",[");
        const char *prefix = at;
        at += length;
        if (*at != '[') {
            if (length > 0) {
                hosts_add(hosts, prefix, length, 1, false);
            }
            at += *at == ',' ? 1 : 0;
            continue;
        }
        char *items = at + 1;
        char *end = strchr(items, ']');
        bool good = end != NULL && (end[1] == ',' || end[1] == '\0');
        if (good) {
            char *item;
            *end = '\0';
            at = end + 1 + (end[1] == ',' ? 1 : 0);
            while (good && (item = strsep(&items, ",")) != NULL) {
                good = slurm_range(hosts, prefix, length, item);
            }
        }
        if (!good) {
            return fault_set(fault,
                             HAY_EINVAL,
                             "cannot read the list of nodes '%.200s'",
                             text);
        }
    }
    return HAY_OK;
}

hay_status
hosts_file(struct hosts *hosts, const char *path, struct fault *fault)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t got;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return fault_set(fault, HAY_EIO, "%.500s: %s", path, strerror(errno));
    }
    while ((got = getline(&line, &room, file)) >= 0) {
        size_t length = strcspn(line, " \t\r\n");
        if (length > 0) {
            hosts_add(hosts, line, length, 1, false);
        }
    }
    free(line);
    fclose(file);
    return HAY_OK;
}

/* ---- the environment ---- */

static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

hay_status hosts_allocation(struct hosts *hosts,
                            enum batch_system *system,
                            struct fault *fault)
{
    const char *nodes = variable("SLURM_JOB_NODELIST");
    *system = BATCH_NONE;
    if (variable("SLURM_JOB_ID") != NULL && nodes != NULL) {
        *system = BATCH_SLURM;
        return hosts_slurm(hosts, nodes, fault);
    }
    if (variable("PE_HOSTFILE") != NULL) {
        *system = BATCH_GRIDENGINE;
        return hosts_file(hosts, variable("PE_HOSTFILE"), fault);
    }
    if (variable("PBS_NODEFILE") != NULL) {
        *system = BATCH_PBS;
        return hosts_file(hosts, variable("PBS_NODEFILE"), fault);
    }
    return HAY_OK;
}

bool hosts_is_rank(void)
{
    return variable("OMPI_COMM_WORLD_SIZE") != NULL
           || variable("PMIX_RANK") != NULL || variable("PMI_RANK") != NULL
           || variable("PMI_FD") != NULL || variable("PMI2_FD") != NULL;
}

uint32_t hosts_rank(void)
{
    static const char *const names[] = {
        "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "SLURM_PROCID"};
    uint64_t rank;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = variable(names[i]);
        if (value != NULL && units_uint(value, UINT32_MAX, &rank)) {
            return (uint32_t)rank;
        }
    }
    return 0;
}

bool hosts_lonely_srun(void)
{
    uint64_t tasks;
    const char *value = variable("SLURM_STEP_NUM_TASKS");
    return value != NULL && variable("SLURM_STEP_ID") != NULL
           && units_uint(value, UINT32_MAX, &tasks) && tasks > 1
           && !hosts_is_rank();
}

hay_status hosts_place(const struct hosts *hosts,
                       uint32_t *ranks,
                       struct text *argument,
                       struct fault *fault)
{
    uint64_t round = 0;
    for (size_t i = 0; i < hosts->count; i++) {
        round += hosts->list[i].workers;
    }
    uint64_t all = *ranks != 0 ? *ranks : round + 1;
    if (all > RANKS_MAX) {
        return fault_set(fault, HAY_EINVAL, "too many ranks");
    }
    uint64_t workers = all - 1;
    uint64_t rest = workers % round;
    text_clear(argument);
    for (size_t i = 0; i < hosts->count; i++) {
        uint64_t own = hosts->list[i].workers;
        uint64_t more = rest < own ? rest : own;
        uint64_t here = workers / round * own + more + (i == 0 ? 1 : 0);
        rest -= more;
        if (here > 0) {
            text_format(argument,
                        "%s%s:%" PRIu64,
                        argument->length == 0 ? "" : ",",
                        hosts->list[i].name,
                        here);
        }
    }
    *ranks = (uint32_t)all;
    return HAY_OK;
}
