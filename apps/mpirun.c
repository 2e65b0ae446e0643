/* mpirun.c - the command line of mpirun; see mpirun.h.
 *
 * Measured with Open MPI 4.1:
 * - --enable-recovery: the death of a rank does not end the others;
 * - --bind-to none: mpirun's default binds all of a rank to one core, the farm
 *   pins by itself;
 * - pml ob1 with btl self, vader, tcp: the probing of others costs 0.2 s;
 * - keepalives of 10 s + 5 * 2 s: mpirun notices a host that is gone;
 * - plm_rsh_agent: ourselves, since a remote shell that ends with a failure (as
 *   ssh does when its host is lost) would end the job;
 * - plm_slurm_args --no-kill: the same under Slurm.
 * A parameter that the user has set as OMPI_MCA_... is left alone: options on
 * the command line would win over the environment.
 */
#include "config.h"

#include "deadline.h"
#include "mpirun.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct words {
    char **list;
    size_t count, room;
    struct arena *arena;
};

static void add(struct words *words, const char *word)
{
    words->list =
        mem_grow(words->list, words->count, &words->room, sizeof(char *));
    words->list[words->count++] =
        word == NULL ? NULL : arena_string(words->arena, word);
}

/* Has the user set this parameter? */
static bool is_set(const char *parameter)
{
    char name[128];
    snprintf(name, sizeof name, "OMPI_MCA_%s", parameter);
    return getenv(name) != NULL;
}

static void
add_parameter(struct words *words, const char *parameter, const char *value)
{
    if (!is_set(parameter)) {
        add(words, "--mca");
        add(words, parameter);
        add(words, value);
    }
}

static hay_status add_hosts(struct words *words,
                            const struct launch *launch,
                            enum batch_system *system,
                            struct fault *fault)
{
    struct hosts hosts;
    struct text argument = TEXT_INIT;
    uint32_t ranks = launch->ranks;
    char number[16];
    hosts_init(&hosts);
    hay_status status = hosts_allocation(&hosts, system, fault);
    if (status == HAY_OK && launch->hosts != NULL) {
        hosts_fini(&hosts);
        status = hosts_parse(&hosts, launch->hosts, fault);
    } else if (status == HAY_OK && *system != BATCH_NONE && hosts.count > 1) {
        for (size_t i = 0; i < hosts.count; i++) {
            hosts.list[i].workers =
                launch->ranks_per_node == 0 ? 1 : launch->ranks_per_node;
        }
    }
    if (status == HAY_OK && (hosts.count > 1 || launch->hosts != NULL)) {
        status = hosts_place(&hosts, &ranks, &argument, fault);
        if (status == HAY_OK) {
            add(words, "--host");
            add(words, argument.data);
        }
    }
    snprintf(number, sizeof number, "%" PRIu32, ranks == 0 ? 2 : ranks);
    add(words, "-n");
    add(words, number);
    text_fini(&argument);
    hosts_fini(&hosts);
    return status;
}

static void
add_parameters(struct words *words, const char *self, enum batch_system system)
{
    if (!is_set("orte_enable_recovery")) {
#if HAVE_DECL_MPIX_COMM_FAILURE_ACK /* Open MPI 5 */
        add(words, "--with-ft");
        add(words, "ulfm");
#else
        add(words, "--enable-recovery");
#endif
    }
    if (!is_set("hwloc_base_binding_policy")) {
        add(words, "--bind-to");
        add(words, "none");
    }
    if (!is_set("rmaps_base_oversubscribe")) {
        add(words, "--oversubscribe");
    }
    add_parameter(words, "pml", "ob1");
    add_parameter(words, "btl", "self,vader,tcp");
    add_parameter(words, "btl_base_warn_component_unused", "0");
    add_parameter(words, "oob_tcp_keepalive_time", "10");
    add_parameter(words, "oob_tcp_keepalive_intvl", "2");
    add_parameter(words, "oob_tcp_keepalive_probes", "5");
    if (system == BATCH_SLURM) {
        add_parameter(words, "plm_slurm_args", "--no-kill");
    }
    if (strpbrk(self, " \t") == NULL) {
        char agent[4200];
        snprintf(agent, sizeof agent, "%.4000s %s", self, RSH_WORD);
        add_parameter(words, "plm_rsh_agent", agent);
        if (system == BATCH_GRIDENGINE) {
            add_parameter(words, "plm_rsh_disable_qrsh", "1");
        }
    }
}

hay_status mpirun_argv(const struct launch *launch,
                       const char *self,
                       struct arena *arena,
                       char ***argv,
                       struct fault *fault)
{
    static const char *const forwarded[] = {ENV_STATUS_FILE,
                                            ENV_DRAINS,
                                            ENV_RUN_FOLDER,
                                            ENV_PROGRESS,
                                            ENV_DEADLINE,
                                            ENV_DEADLINE_FILE,
                                            "HAYFORK_GPUS",
                                            "HAYFORK_LIMITS",
                                            "HAYFORK_RESOURCES",
                                            "HAYFORK_RUN_FOLDER"};
    struct words words = {.arena = arena};
    enum batch_system system = BATCH_NONE;
    const char *mpirun = NULL;
    hay_status status = mpirun_find(arena, &mpirun, fault);
    if (status == HAY_OK) {
        add(&words, mpirun);
        status = add_hosts(&words, launch, &system, fault);
    }
    if (status != HAY_OK) {
        free(words.list);
        return status;
    }
    add_parameters(&words, self, system);
    for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++) {
        if (getenv(forwarded[i]) != NULL) {
            add(&words, "-x");
            add(&words, forwarded[i]);
        }
    }
    add(&words, self);
    add(&words, GUARD_WORD);
    for (size_t i = 0; launch->argv[i] != NULL; i++) {
        add(&words, launch->argv[i]);
    }
    add(&words, NULL);
    *argv = arena_alloc(arena, words.count * sizeof(char *));
    memcpy(*argv, words.list, words.count * sizeof(char *));
    free(words.list);
    return HAY_OK;
}

void mpirun_environment(const struct launch *launch, const char *tmp_dir)
{
    const char *base = getenv(ENV_MPI_TMP_BASE);
    bool inside = base != NULL && strncmp(tmp_dir, base, strlen(base)) == 0;
    setenv(ENV_MPI_TMP_BASE, tmp_dir, base == NULL || inside);
    if (geteuid() == 0) {
        /* The user is root already; mpirun's question is not ours. */
        setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0);
        setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0);
    }
    if (launch->rsh != NULL) {
        setenv(ENV_RSH, launch->rsh, 1);
    }
    if (launch->drains) {
        setenv(ENV_DRAINS, "1", 1);
    }
}

static bool is_program(const char *path)
{
    return access(path, X_OK) == 0;
}

hay_status
mpirun_find(struct arena *arena, const char **path, struct fault *fault)
{
    const char *own = getenv("HAYFORK_MPIRUN");
    const char *folders = getenv("PATH");
    if (own != NULL && own[0] != '\0') {
        *path = own;
        return HAY_OK;
    }
    char *copy = arena_string(arena, folders == NULL ? "" : folders);
    char *folder;
    while ((folder = strsep(&copy, ":")) != NULL) {
        char full[4200];
        snprintf(full, sizeof full, "%.4000s/mpirun", folder);
        if (folder[0] != '\0' && is_program(full)) {
            *path = "mpirun";
            return HAY_OK;
        }
    }
    return fault_set(fault,
                     HAY_EIO,
                     "mpirun is not in PATH: install Open MPI (Debian: "
                     "openmpi-bin), or run on this host alone, without -n and "
                     "--hosts");
}
