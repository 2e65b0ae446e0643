/* farm.c - see farm.h. */
#include "config.h"

#include "client/farm.h"

#include "base/clock.h"
#include "client/guests.h"
#include "client/settings.h"
#include "data/store.h"
#include "manager/loop.h"
#include "transport/transport_mpi.h"
#include "worker/child.h"
#include "worker/node_gpus.h"
#include "worker/registry.h"

#include <inttypes.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* What each rank tells the others at start. */
struct card {
    struct hayi_cpumask mask;
    struct hayi_store_card store;
    uint64_t gpus; /* which ones it sees, see gpus.h */
    uint32_t epoch;
    uint32_t listens; /* rank 0's word */
};

struct hayi_farm {
    /* before the thread starts, then read only */
    hay_options options;
    bool mpi, mpi_owned, given_manager;
    void *comm;
    struct hayi_topology *topology;
    pthread_t thread;
    sem_t ready;

    hay_status begun; /* the thread writes it before 'ready' alone */

    /* the thread, until 'ready' and after its end the caller */
    hay_status status;
    struct hayi_error error;
    hay_executor *ex; /* or NULL */
    struct hayi_spawner *spawner;
    struct hayi_store *store; /* until the executor takes it */
    uint32_t store_of;        /* the peer that made it */
    uint32_t store_member;    /* our number there */
    struct hayi_bell bell;
    struct hayi_mpi_start start; /* over MPI */
    struct hayi_transport *inproc[2];
    struct hayi_guests guests;     /* of a farm that listens */
    struct hayi_transport *joined; /* a guest's own */
    struct hayi_manager *manager;
    struct hayi_worker *worker;
    enum hayi_worker_end end;
};

static atomic_int leave_asked;

void hay_leave(void)
{
    atomic_store(&leave_asked, 1); /* the loop looks ten times a second */
}

/* ---- how the executor reaches its manager ---------------------------------
 */

static void post(void *manager, struct hayi_item *item)
{
    hayi_manager_post(((struct hayi_farm *)manager)->manager, item);
}

static void close_inproc(struct hayi_farm *farm)
{
    hayi_guests_close(&farm->guests);
    if (farm->joined != NULL) {
        farm->joined->ops->close(farm->joined, true);
        farm->joined = NULL;
    }
    for (int i = 0; i < 2; i++) {
        if (farm->inproc[i] != NULL) {
            farm->inproc[i]->ops->close(farm->inproc[i], true);
            farm->inproc[i] = NULL;
        }
    }
}

static void free_farm(struct hayi_farm *farm)
{
    hayi_manager_free(farm->manager);
    close_inproc(farm);
    hayi_spawner_free(farm->spawner);
    hayi_store_free(farm->store);
    hayi_topology_free(farm->topology);
    hayi_bell_fini(&farm->bell);
    free(farm->start.peers);
    free(farm->start.blobs);
    (void)sem_destroy(&farm->ready);
    free((void *)(uintptr_t)farm->options.run_folder);
    free((void *)(uintptr_t)farm->options.spill_folder);
    free((void *)(uintptr_t)farm->options.resources);
    free((void *)(uintptr_t)farm->options.limits);
    free((void *)(uintptr_t)farm->options.join);
    free(farm);
}

static hay_status join(void *manager, struct hayi_error *err)
{
    struct hayi_farm *farm = manager;
    (void)pthread_join(farm->thread, NULL);
    hay_status status = HAY_OK;
    if (atomic_load(&farm->ex->broken) != 0) {
        *err = farm->ex->broken_error;
        status = HAY_EFARM;
    }
    free_farm(farm);
    return status;
}

static const struct hayi_manager_ops manager_ops = {post, join, NULL};

/* Of the ranks of a node that run tasks. */
struct node_ranks {
    struct hayi_cpumask *masks;
    uint64_t *gpu_ids;
    uint32_t *numbers;
    size_t count;
    size_t mine;
};

/* ---- parts -----------------------------------------------------------------
 */

/* What makes a guest leave. */
static struct hayi_worker_leaving leaving_of(const struct hayi_farm *farm)
{
    uint64_t deadline_ns = farm->options.deadline_ns;
    uint64_t unix_ns = hayi_clock_unix_ns();
    struct hayi_worker_leaving leaving = {
        .asked = &leave_asked,
        .idle_ns = farm->options.idle_timeout_ns,
    };
    if (deadline_ns != 0) {
        leaving.deadline_ns =
            hayi_clock_ns()
            + (deadline_ns > unix_ns ? deadline_ns - unix_ns : 0);
    }
    return leaving;
}

static hay_status make_worker(struct hayi_farm *farm,
                              struct hayi_transport *transport,
                              const char *host,
                              const struct node_ranks *ranks,
                              uint32_t epoch)
{
    /* Of hay_serve(); hay_main()'s options are rank 0's. */
    bool own = (farm->mpi && !farm->mpi_owned) || farm->joined != NULL;
    bool shared = transport == farm->inproc[1] && farm->guests.wide == NULL;
    bool guests = farm->joined != NULL || transport == farm->guests.wide;
    const struct hayi_worker_config config = {
        .transport = transport,
        .bell = &farm->bell,
        .topology = farm->topology,
        .masks = ranks->masks,
        .mask_count = ranks->count,
        .mask_mine = ranks->mine,
        .gpu_ids = ranks->gpu_ids,
        .spawner = farm->spawner,
        .executor = farm->ex,
        .store = shared ? farm->ex->store : farm->store,
        .store_of = farm->store_of,
        .store_member = farm->store_member,
        .keep_store = true,
        .before = ranks->numbers,
        .before_count = farm->store_of == transport->self ? 0 : ranks->mine,
        .host = host,
        .epoch = epoch,
        .shared_memory = shared,
        .guests_max = guests ? HAYI_GUESTS_MAX : 0,
        .joined = farm->joined != NULL,
        .slots = own ? farm->options.slots : 0,
        .no_pin = own && farm->options.no_pin,
        .own_gpus = own && farm->options.gpus != HAY_GPUS_FOUND,
        .gpus = farm->options.gpus,
        .resources = own ? farm->options.resources : NULL,
        .leaving = farm->joined != NULL ? leaving_of(farm)
                                        : (struct hayi_worker_leaving){0},
    };
    hay_status status = hayi_worker_new(&config, &farm->worker, &farm->error);
    if (status == HAY_OK) {
        farm->spawner = NULL;
    }
    return status;
}

static bool has_processes(const struct hayi_spawner *spawner)
{
    return spawner != NULL && hayi_spawner_has_children(spawner);
}

static hay_status make_manager(struct hayi_farm *farm,
                               struct hayi_transport *transport,
                               const struct hayi_worker_name *names,
                               uint32_t epoch)
{
    hay_status status = hayi_executor_new(&farm->options, &farm->ex);
    if (status != HAY_OK) {
        return hayi_fail(&farm->error, status, "%s", hay_error_text());
    }
    farm->ex->has_processes = has_processes(farm->spawner);
    uint32_t guests_max = transport == farm->guests.wide ? HAYI_GUESTS_MAX : 0;
    farm->ex->workers_expected = transport->peer_count - 1 - guests_max;
    farm->ex->store = farm->store;
    farm->store = NULL;
    if (farm->options.dry_run) {
        farm->options.output = HAY_OUTPUT_NULL; /* there is none */
    }
    const struct hayi_manager_config config = {
        .transport = transport,
        .bell = &farm->bell,
        .ex = farm->ex,
        .options = &farm->options,
        .names = names,
        .guests_max = guests_max,
        .epoch = epoch,
        .shared_memory = transport == farm->inproc[0],
        .with_worker = farm->inproc[0] != NULL,
        .environment = environ,
    };
    status = hayi_manager_new(&config, &farm->manager, &farm->error);
    if (status != HAY_OK) {
        hayi_executor_release(farm->ex);
        farm->ex = NULL;
        return status;
    }
    farm->ex->ops = &manager_ops;
    farm->ex->manager = farm;
    return HAY_OK;
}

static void get_host(char *host, size_t size)
{
    if (gethostname(host, size - 1) != 0) {
        (void)snprintf(host, size, "localhost");
    }
}

static uint32_t make_epoch(void)
{
    return (uint32_t)(hayi_clock_ns() >> 10) ^ (uint32_t)getpid();
}

/* Manager and worker in this process, which deal with each other as over MPI,
 * and a door for others. */
static hay_status make_listening(struct hayi_farm *farm,
                                 const struct hayi_worker_name *name,
                                 const struct node_ranks *alone)
{
    uint32_t epoch = make_epoch();
    struct hayi_store_card card;
    hayi_store_get_card(farm->store, &card);
    hay_status status =
        hayi_guests_listen(&farm->guests, farm->inproc[0], epoch, &farm->error);
    if (status == HAY_OK) {
        status = make_manager(farm, farm->guests.wide, name, epoch);
    }
    if (status == HAY_OK) {
        farm->store_member = 1;
        status = hayi_store_join(&card, 1, &farm->store, &farm->error);
    }
    if (status == HAY_OK) {
        status = make_worker(farm, farm->inproc[1], name->host, alone, epoch);
    }
    if (status == HAY_OK) {
        status = hayi_guests_open(
            &farm->guests, farm->options.run_folder, &farm->error);
    }
    return status;
}

/* A worker of a farm that runs already. */
static hay_status make_guest(struct hayi_farm *farm)
{
    char host[64] = "";
    uint32_t epoch = 0;
    struct hayi_cpumask mask;
    get_host(host, sizeof(host));
    hayi_topology_mask(farm->topology, &mask);
    hay_status status = hayi_guests_enter(
        farm->options.join, host, &farm->joined, &epoch, &farm->error);
    if (status == HAY_OK) {
        const struct node_ranks alone = {.masks = &mask, .count = 1};
        farm->store_of = farm->joined->self;
        status = make_worker(farm, farm->joined, host, &alone, epoch);
    }
    return status;
}

/* Manager and worker in this process. */
static hay_status make_inproc(struct hayi_farm *farm)
{
    struct hayi_worker_name name = {.number = 0, .pid = (int32_t)getpid()};
    struct hayi_cpumask mask;
    hay_status status =
        hayi_transport_inproc_new(&farm->inproc[0], &farm->inproc[1]);
    if (status != HAY_OK) {
        return hayi_fail(&farm->error, status, "out of memory");
    }
    get_host(name.host, sizeof(name.host));
    hayi_topology_mask(farm->topology, &mask);
    const struct node_ranks alone = {.masks = &mask, .count = 1};
    if (farm->options.listen && !farm->options.dry_run) {
        return make_listening(farm, &name, &alone);
    }
    status = make_manager(farm, farm->inproc[0], &name, 1);
    if (status == HAY_OK) {
        status = make_worker(farm, farm->inproc[1], name.host, &alone, 1);
    }
    return status;
}

static const char *variable(const char *name)
{
    return getenv(name);
}

static uint64_t gpus_seen(const struct hayi_farm *farm)
{
    struct hayi_node_gpus gpus;
    hayi_node_gpus_find(&gpus, farm->topology, variable);
    return gpus.identity;
}

static hay_status start_mpi(struct hayi_farm *farm)
{
    char *identity = hayi_registry_identity();
    if (identity == NULL) {
        return hayi_fail(&farm->error, HAY_ENOMEM, "out of memory");
    }
    struct card card = {
        .epoch = make_epoch(),
        .listens = farm->options.listen && !farm->options.dry_run,
    };
    hayi_topology_mask(farm->topology, &card.mask);
    card.gpus = gpus_seen(farm);
    hayi_store_get_card(farm->store, &card.store);
    farm->start.identity = identity;
    farm->start.identity_size = strlen(identity) + 1;
    farm->start.blob = &card;
    farm->start.blob_size = sizeof(card);
    farm->start.mpi_owned = farm->mpi_owned;
    farm->start.comm = farm->comm;
    hay_status status = HAY_OK;
    if (!farm->mpi_owned) {
        status = hayi_mpi_find_manager(farm->comm,
                                       farm->given_manager,
                                       &farm->start.manager,
                                       &farm->error);
    }
    if (status == HAY_OK) {
        status = hayi_mpi_start(&farm->start, &farm->error);
    }
    free(identity);
    return status;
}

/* Use the store of the first rank of this node.  Where that cannot be opened
 * from here, this rank is a node of its own. */
static void share_store(struct hayi_farm *farm, const struct card *cards)
{
    const struct hayi_mpi_peer *peers = farm->start.peers;
    const struct hayi_transport *transport = farm->start.transport;
    uint32_t node = peers[transport->self].node;
    uint32_t first = 0;
    uint32_t member = 0;
    farm->store_of = transport->self;
    while (peers[first].node != node) {
        first++;
    }
    for (uint32_t i = first; i < transport->self; i++) {
        member += peers[i].node == node;
    }
    struct hayi_store *shared = NULL;
    if (member > 0 && member < HAYI_STORE_MEMBERS_MAX
        && hayi_store_join(&cards[first].store, member, &shared, NULL)
               == HAY_OK) {
        hayi_store_free(farm->store);
        farm->store = shared;
        farm->store_of = first;
        farm->store_member = member;
    }
}

/* This rank's part of a farm over MPI. */
static hay_status make_over_mpi(struct hayi_farm *farm)
{
    struct hayi_transport *transport = farm->start.transport;
    const struct hayi_mpi_peer *peers = farm->start.peers;
    const struct card *cards = farm->start.blobs;
    uint32_t count = transport->peer_count;
    if (count == 1) {
        return make_inproc(farm);
    }
    share_store(farm, cards);
    hay_status status = HAY_ENOMEM;
    if (cards[0].listens != 0) {
        status = hayi_guests_listen_mpi(&farm->guests,
                                        &farm->start,
                                        farm->options.run_folder,
                                        cards[0].epoch,
                                        &farm->error);
        if (status != HAY_OK) {
            return status;
        }
        transport = farm->guests.wide;
    }
    struct hayi_worker_name *names = calloc(count, sizeof(*names));
    struct node_ranks ranks = {
        .masks = calloc(count, sizeof(*ranks.masks)),
        .gpu_ids = calloc(count, sizeof(*ranks.gpu_ids)),
        .numbers = calloc(count, sizeof(*ranks.numbers)),
    };
    if (names == NULL || ranks.masks == NULL || ranks.gpu_ids == NULL
        || ranks.numbers == NULL) {
        (void)hayi_fail(&farm->error, HAY_ENOMEM, "out of memory");
    } else if (transport->self == 0) {
        for (uint32_t i = 1; i < count; i++) {
            names[i - 1].number = i;
            names[i - 1].pid = peers[i].pid;
            memcpy(names[i - 1].host, peers[i].host, sizeof(names->host));
        }
        status = make_manager(farm, transport, names, cards[0].epoch);
        if (status == HAY_OK && cards[0].listens != 0) {
            status = hayi_guests_open(
                &farm->guests, farm->options.run_folder, &farm->error);
        }
    } else {
        for (uint32_t i = 1; i < count; i++) {
            if (peers[i].node == peers[transport->self].node) {
                if (i == transport->self) {
                    ranks.mine = ranks.count;
                }
                ranks.numbers[ranks.count] = i;
                ranks.gpu_ids[ranks.count] = cards[i].gpus;
                ranks.masks[ranks.count++] = cards[i].mask;
            }
        }
        status = make_worker(farm,
                             transport,
                             peers[transport->self].host,
                             &ranks,
                             cards[0].epoch);
    }
    free(names);
    free(ranks.masks);
    free(ranks.gpu_ids);
    free(ranks.numbers);
    return status;
}

/* ---- the thread ------------------------------------------------------------
 */

static void note_plain_mpirun(const struct hayi_farm *farm)
{
    if (farm->mpi_owned && farm->ex != NULL && !farm->start.recovery
        && farm->start.transport->peer_count > 1 && !farm->options.quiet) {
        (void)fprintf(stderr,
                      "hayfork: note: started by a plain mpirun; the death of "
                      "a rank ends the whole job\n");
    }
}

/* Leaving without order: functions may still run, MPI cannot be finalized. */
static void leave_at_once(struct hayi_farm *farm)
{
    if (farm->error.text[0] != 0 && farm->end != HAYI_WORKER_AT_ONCE) {
        (void)fprintf(stderr, "hayfork: %s\n", farm->error.text);
    }
    hayi_worker_abandon(farm->worker);
    hayi_mpi_leave(farm->end == HAYI_WORKER_DONE ? 0 : 3);
}

static void run(struct hayi_farm *farm)
{
    bool over_mpi = farm->mpi && farm->start.transport->peer_count > 1;
    struct hayi_transport *wide =
        farm->joined != NULL ? farm->joined : farm->guests.wide;
    struct hayi_loop loop = {
        .manager = farm->manager,
        .worker = farm->worker,
        .transport = over_mpi && wide == NULL ? farm->start.transport : wide,
        .bell = &farm->bell,
    };
    hayi_loop_run(&loop);
    bool orderly = true;
    bool good = true;
    if (farm->manager != NULL) {
        orderly = hayi_manager_orderly(farm->manager);
        good = !hayi_manager_broken(farm->manager);
    }
    if (farm->worker != NULL && farm->manager == NULL) {
        farm->end = hayi_worker_ended(farm->worker, &farm->error);
        good = farm->end == HAYI_WORKER_DONE;
        orderly = good && !hayi_worker_saw_loss(farm->worker);
        if (!orderly && (farm->mpi_owned || (farm->joined != NULL && !good))) {
            leave_at_once(farm);
        }
        if (good && !orderly && farm->mpi) { /* who owns MPI has to know */
            good = false;
            (void)hayi_fail(&farm->error,
                            HAY_EFARM,
                            "another rank was lost; MPI_Finalize may wait for "
                            "ever");
        }
    }
    hayi_worker_free(farm->worker);
    farm->worker = NULL;
    if (farm->mpi) {
        struct hayi_transport *transport = farm->start.transport;
        transport->ops->close(transport, orderly);
    }
    close_inproc(farm);
    farm->status = good ? HAY_OK : HAY_EFARM;
    if (farm->manager != NULL) {
        hayi_manager_refuse_late(farm->manager);
    }
}

/* mpirun binds each of one or two ranks to a core if nobody said otherwise.
 * The topology knows better; the loop must not wait there behind a slot, nor
 * slots that are not pinned behind each other. */
static void unbind(const struct hayi_farm *farm)
{
    struct hayi_cpumask mask;
    int cpus[HAYI_CPUS_MAX];
    size_t count = 0;
    hayi_topology_mask(farm->topology, &mask);
    for (int cpu = 0; cpu < HAYI_CPUS_MAX; cpu++) {
        if ((mask.bits[cpu / 64] >> (cpu % 64) & 1) != 0) {
            cpus[count++] = cpu;
        }
    }
    (void)hayi_topology_bind_thread(cpus, count);
}

static void *farm_main(void *argument)
{
    struct hayi_farm *farm = argument;
    unbind(farm);
    hayi_thread_set_no_wait(true);
    farm->status = hayi_store_new(&farm->store, &farm->error);
    if (farm->status == HAY_OK && farm->mpi) {
        farm->status = start_mpi(farm);
    }
    bool started = farm->status == HAY_OK;
    if (started) {
        farm->status = farm->options.join != NULL ? make_guest(farm)
                       : farm->mpi                ? make_over_mpi(farm)
                                                  : make_inproc(farm);
    }
    farm->begun = farm->status;
    if (farm->status != HAY_OK) {
        if (farm->mpi && started) {
            /* The others wait for us: they see the end of this process. */
            (void)fprintf(stderr, "hayfork: %s\n", farm->error.text);
            if (farm->mpi_owned) {
                hayi_mpi_leave(3);
            }
        }
        (void)sem_post(&farm->ready);
        return NULL;
    }
    note_plain_mpirun(farm);
    (void)sem_post(&farm->ready);
    run(farm);
    return NULL;
}

/* ---- start and end ---------------------------------------------------------
 */

static _Atomic(struct hayi_spawner *) preforked;

hay_status hay_prefork(void)
{
    struct hayi_spawner *spawner = NULL;
    if (atomic_load(&preforked) != NULL) {
        return HAY_OK;
    }
    hayi_spawner_set_child(hayi_child_run);
    hay_status status = hayi_spawner_fork(&spawner, hayi_thread_error());
    if (status == HAY_OK) {
        atomic_store(&preforked, spawner);
    }
    return status;
}

/* Executors may be opened by several threads at the same time. */
struct hayi_spawner *hayi_farm_take_preforked(void)
{
    return atomic_exchange(&preforked, NULL);
}

/* Writing to a worker that is gone shall not kill the program; one that has a
 * handler of its own for this signal is left alone. */
static void ignore_sigpipe(void)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) == 0
        && action.sa_handler == SIG_DFL) {
        (void)signal(SIGPIPE, SIG_IGN);
    }
}

/* Threads of the farm take no signals: those are the program's. */
static int create_thread(struct hayi_farm *farm)
{
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    int error = pthread_create(&farm->thread, NULL, farm_main, farm);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

/* Copies of the strings, which are borrowed so far; false: no memory for one.
 */
static bool own_texts(hay_options *options)
{
    const char **const texts[] = {&options->run_folder,
                                  &options->spill_folder,
                                  &options->resources,
                                  &options->limits,
                                  &options->join};
    bool good = true;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (*texts[i] != NULL) {
            *texts[i] = strdup(*texts[i]);
            good = good && *texts[i] != NULL;
        }
    }
    return good;
}

static hay_status prepare(struct hayi_farm *farm,
                          const struct hayi_farm_start *start,
                          struct hayi_error *err)
{
    farm->options = *start->options;
    farm->mpi = start->mpi;
    farm->mpi_owned = start->mpi_owned;
    farm->comm = start->comm;
    farm->given_manager = start->manager;
    farm->spawner = start->spawner;
    farm->bell.fd = -1;
    (void)sem_init(&farm->ready, 0, 0);
    farm->options.join = start->join;
    if (!own_texts(&farm->options)) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    if (farm->options.runner == HAY_RUNNER_PROCESS
        && !has_processes(farm->spawner)) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "process slots need hay_main(), or hay_prefork() "
                         "first in main()");
    }
    if (farm->options.listen && !farm->mpi
        && farm->options.run_folder == NULL) {
        return hayi_fail(err, HAY_EINVAL, HAYI_GUESTS_NO_FOLDER);
    }
    hay_status status = hayi_registry_seal(err);
    if (status == HAY_OK) {
        status = hayi_topology_new(&farm->topology, err);
    }
    if (status == HAY_OK && hayi_bell_init(&farm->bell) != HAY_OK) {
        status = hayi_fail(err, HAY_EIO, "%s", hay_error_text());
    }
    return status;
}

hay_status hayi_farm_start(const struct hayi_farm_start *start,
                           struct hayi_farm **out,
                           hay_executor **ex,
                           struct hayi_error *err)
{
    struct hayi_farm *farm = calloc(1, sizeof(*farm));
    if (farm == NULL) {
        hayi_spawner_free(start->spawner);
        return hayi_fail(err, HAY_ENOMEM, "out of memory");
    }
    ignore_sigpipe();
    hay_status status = prepare(farm, start, err);
    if (status != HAY_OK) {
        free_farm(farm);
        return status;
    }
    int error = create_thread(farm);
    if (error != 0) {
        free_farm(farm);
        return hayi_fail(err,
                         HAY_EIO,
                         "cannot start the farm's thread: %s",
                         strerror(error));
    }
    while (sem_wait(&farm->ready) != 0) {
    }
    status = farm->begun;
    if (status != HAY_OK) {
        *err = farm->error;
        (void)pthread_join(farm->thread, NULL);
        hay_executor *started = farm->ex;
        free_farm(farm);
        if (started != NULL) {
            hayi_executor_release(started);
        }
        return status;
    }
    *out = farm;
    *ex = farm->ex;
    return HAY_OK;
}

hay_status hayi_farm_serve(struct hayi_farm *farm, struct hayi_error *err)
{
    (void)pthread_join(farm->thread, NULL);
    hay_status status = farm->status;
    if (status != HAY_OK) {
        *err = farm->error;
    }
    free_farm(farm);
    return status;
}
