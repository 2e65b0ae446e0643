/* slot_process_area.c - the memory that a process slot shares with its child.
 */
#include "config.h"

#include "worker/slot_process_inside.h"

#include "worker/node_gpus.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- areas ----------------------------------------------------------------
 */

static_assert(sizeof(struct hayi_node_gpus) <= HAYI_CHILD_GPUS_BYTES,
              "they have room");

static void fill_area(const struct hayi_slot_process *slot,
                      struct hayi_child_area *area)
{
    const struct hayi_process_config *config = slot->config;
    area->magic = HAYI_CHILD_MAGIC;
    area->seed = config->farm->seed;
    area->worker = config->farm->worker;
    area->identity = config->identity;
    area->memory_max_bytes = config->memory_max_bytes;
    area->tasks_max = config->tasks_max;
    area->scratch_keep_bytes = config->scratch_keep_bytes;
    area->rank_pid = getpid();
    area->deals_gpus = config->farm->deals_gpus;
    if (config->farm->gpus != NULL) {
        memcpy((unsigned char *)area + HAYI_CHILD_AT_GPUS,
               config->farm->gpus,
               sizeof(*config->farm->gpus));
    }
    atomic_init(&area->work_end_ns,
                config->farm->work_end_ns != NULL
                    ? atomic_load(config->farm->work_end_ns)
                    : UINT64_MAX);
    area->store.fd = area->spill.fd = -1;
    if (config->farm->store != NULL) {
        struct hayi_store_files files;
        hayi_store_get_files(config->farm->store, &files);
        area->store = (struct hayi_child_file){.fd = files.memory_fd,
                                               .inode = files.memory_inode};
        area->spill = (struct hayi_child_file){.fd = files.spill_fd,
                                               .inode = files.spill_inode};
        area->units_at = files.units_at;
        area->units_bytes = files.units_bytes;
    }
}

void hayi_process_tell_end(struct hayi_slot_process *slot)
{
    (void)pthread_mutex_lock(&slot->mutex);
    if (slot->area != NULL) {
        atomic_store(&slot->area->work_end_ns,
                     atomic_load(slot->config->farm->work_end_ns));
    }
    (void)pthread_mutex_unlock(&slot->mutex);
}

/* A new one; with the mutex, unless the thread has not begun. */
hay_status hayi_process_new_area(struct hayi_slot_process *slot,
                                 struct hayi_error *err)
{
    struct stat info;
    int fd = memfd_create("hayfork-child", MFD_CLOEXEC);
    void *area = MAP_FAILED;
    if (fd >= 0 && ftruncate(fd, HAYI_CHILD_AREA_BYTES) == 0
        && fstat(fd, &info) == 0) {
        area = mmap(NULL,
                    HAYI_CHILD_AREA_BYTES,
                    PROT_READ | PROT_WRITE,
                    MAP_SHARED,
                    fd,
                    0);
    }
    if (area == MAP_FAILED) {
        int error = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return hayi_fail(err,
                         HAY_EIO,
                         "cannot share memory with a child: %s",
                         strerror(error));
    }
    fill_area(slot, area);
    slot->area = area;
    slot->area_fd = fd;
    slot->area_inode = info.st_ino;
    struct hayi_child_area *a = area;
    unsigned char *base = area;
    const struct hayi_ring down = {.shared = &a->down,
                                   .data = base + HAYI_CHILD_AT_DOWN,
                                   .size = HAYI_CHILD_RING_BYTES};
    const struct hayi_ring up = {.shared = &a->up,
                                 .data = base + HAYI_CHILD_AT_UP,
                                 .size = HAYI_CHILD_RING_BYTES};
    hayi_pipe_init(&slot->pipe, &down, &up);
    slot->child_asked = slot->child_over = false;
    slot->leaving = slot->served = false;
    return HAY_OK;
}

/* With the mutex: for the next child.  HAY_EIO: the old one stays. */
hay_status hayi_process_renew_area(struct hayi_slot_process *slot,
                                   struct hayi_error *err)
{
    struct hayi_pipe pipe = slot->pipe;
    struct hayi_child_area *area = slot->area;
    int fd = slot->area_fd;
    hay_status status = hayi_process_new_area(slot, err);
    if (status == HAY_OK) {
        hayi_pipe_fini(&pipe);
        (void)munmap(area, HAYI_CHILD_AREA_BYTES);
        (void)close(fd);
    }
    return status;
}

void hayi_process_drop_area(struct hayi_slot_process *slot)
{
    if (slot->area != NULL) {
        hayi_pipe_fini(&slot->pipe);
        (void)munmap(slot->area, HAYI_CHILD_AREA_BYTES);
        (void)close(slot->area_fd);
        slot->area = NULL;
    }
}
