/* store_life.c - how a store comes into being, and who joins it. */
#include "config.h"

#include "data/store_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* "hayfork", and what must be equal for two builds to share a store. */
#define MAGIC UINT64_C(0x6b726f66796168)
#define BUILD                                                                  \
    ((uint64_t)3 << 48 | (uint64_t)sizeof(struct hayi_store_header) << 16      \
     | sizeof(struct hayi_store_entry))

#define LIMIT_MIN_BYTES HAYI_STORE_MIB

enum {
    /* For the first member to tell which spill file he has made. */
    WAITS_MAX = 1000,
    WAIT_NS = 1000 * 1000,
    ENTRY_BITS_MIN = 14,
    ENTRY_BITS_SHIFT = 48, /* in header->configured */
};
#define UNITS_MASK (((uint64_t)1 << 40) - 1)

/* ---- The memory file ------------------------------------------------------
 */

static int open_memory(void)
{
    int fd = -1;
#ifdef HAVE_MEMFD_CREATE
    fd = memfd_create("hayfork-store", MFD_CLOEXEC);
#endif
    return fd >= 0 ? fd
                   : open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

/* Takes 'fd', of which the header is there. */
static hay_status new_store(int fd,
                            uint32_t member,
                            struct hayi_store **store,
                            struct hayi_error *err)
{
    struct stat info;
    struct hayi_store *s = calloc(1, sizeof(*s));
    void *header = mmap(NULL,
                        HAYI_STORE_HEADER_BYTES,
                        PROT_READ | PROT_WRITE,
                        MAP_SHARED,
                        fd,
                        0);
    if (s == NULL || header == MAP_FAILED || fstat(fd, &info) != 0) {
        int error = errno;
        if (header != MAP_FAILED) {
            (void)munmap(header, HAYI_STORE_HEADER_BYTES);
        }
        free(s);
        (void)close(fd);
        return hayi_fail(
            err, HAY_ENOMEM, "store: cannot map it: %s", strerror(error));
    }
    s->fd = fd;
    s->me = member;
    s->inode = info.st_ino;
    s->header = header;
    (void)pthread_mutex_init(&s->lock, NULL);
    *store = s;
    return HAY_OK;
}

static void count_member(struct hayi_store *store)
{
    uint32_t top = atomic_load(&store->header->member_top);
    while (top <= store->me
           && !atomic_compare_exchange_weak(
               &store->header->member_top, &top, store->me + 1)) {
    }
}

hay_status hayi_store_new(struct hayi_store **store, struct hayi_error *err)
{
    int fd = open_memory();
    if (fd < 0 || ftruncate(fd, (off_t)HAYI_STORE_HEADER_BYTES) != 0) {
        int error = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return hayi_fail(err,
                         HAY_EIO,
                         "store: cannot make a memory file: %s",
                         strerror(error));
    }
    hay_status status = new_store(fd, 0, store, err);
    if (status == HAY_OK) {
        (*store)->header->magic = MAGIC;
        (*store)->header->build = BUILD;
        count_member(*store);
    }
    return status;
}

void hayi_store_get_card(const struct hayi_store *store,
                         struct hayi_store_card *card)
{
    card->pid = getpid();
    card->fd = store->fd;
    card->inode = store->inode;
}

hay_status hayi_store_join(const struct hayi_store_card *card,
                           uint32_t member,
                           struct hayi_store **store,
                           struct hayi_error *err)
{
    char path[60];
    struct stat info = {.st_ino = 0};
    if (member == 0 || member >= HAYI_STORE_MEMBERS_MAX) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "store: member %" PRIu32 " is not between 1 and %d",
                         member,
                         HAYI_STORE_MEMBERS_MAX - 1);
    }
    (void)snprintf(path,
                   sizeof(path),
                   "/proc/%" PRId32 "/fd/%" PRId32,
                   card->pid,
                   card->fd);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &info) != 0 || info.st_ino != card->inode
        || (uint64_t)info.st_size < HAYI_STORE_HEADER_BYTES) {
        const char *why = fd < 0 ? strerror(errno) : "it is another file";
        hay_status status =
            hayi_fail(err,
                      HAY_EIO,
                      "the store of process %" PRId32 " cannot be joined: %s",
                      card->pid,
                      why);
        if (fd >= 0) {
            (void)close(fd);
        }
        return status;
    }
    struct hayi_store *s;
    hay_status status = new_store(fd, member, &s, err);
    if (status != HAY_OK) {
        return status;
    }
    if (s->header->magic != MAGIC || s->header->build != BUILD) {
        hayi_store_free(s);
        return hayi_fail(err,
                         HAY_EIO,
                         "the store of process %" PRId32
                         " cannot be joined: it is of another version",
                         card->pid);
    }
    count_member(s);
    *store = s;
    return HAY_OK;
}

static void unmap_all(struct hayi_store *store)
{
    for (int i = 0; i < 2; i++) {
        if (store->tables[i] != NULL) {
            (void)munmap(store->tables[i], store->tables_bytes[i]);
        }
    }
    if (store->units != NULL) {
        (void)munmap(store->units, (size_t)store->units_bytes);
    }
    if (store->read_units != NULL) {
        (void)munmap((void *)(uintptr_t)store->read_units,
                     (size_t)store->units_bytes);
    }
    store->tables[0] = store->tables[1] = NULL;
    store->units = NULL;
    store->read_units = NULL;
    store->words = NULL;
}

void hayi_store_free(struct hayi_store *store)
{
    if (store == NULL) {
        return;
    }
    hayi_store_unmap_all(store);
    if (store->words != NULL) {
        hayi_store_reap(store, store->me);
        unmap_all(store);
    }
    if (store->has_spill) {
        hayi_spill_close(&store->spill);
    }
    (void)munmap(store->header, HAYI_STORE_HEADER_BYTES);
    (void)close(store->fd);
    (void)pthread_mutex_destroy(&store->lock);
    free(store->gone);
    free(store);
}

/* ---- The spill file -------------------------------------------------------
 */

/* Others may open ours now. */
static void show_spill(struct hayi_store *store)
{
    struct hayi_store_member *member = &store->header->members[store->me];
    atomic_store(&member->spill_inode, store->spill.inode);
    atomic_store(&member->spill_card,
                 (uint64_t)(uint32_t)getpid() << 32
                     | ((uint32_t)store->spill.fd + 1));
}

/* That which some member has open already. */
static bool
open_shown(struct hayi_store *store, const char *folder, struct hayi_error *err)
{
    uint32_t top = atomic_load(&store->header->member_top);
    for (uint32_t i = 0; i < top; i++) {
        struct hayi_store_member *member = &store->header->members[i];
        uint64_t card = atomic_load(&member->spill_card);
        if (card != 0
            && hayi_spill_open(&store->spill,
                               (int32_t)(card >> 32),
                               (int32_t)(uint32_t)card - 1,
                               atomic_load(&member->spill_inode),
                               folder,
                               err)
                   == HAY_OK) {
            return true;
        }
    }
    return false;
}

static hay_status make_spill(struct hayi_store *store,
                             enum hayi_store_folder kind,
                             const char *folder,
                             struct hayi_error *err)
{
    hay_status status = HAY_OK;
    if (kind != HAYI_STORE_FOLDER_NONE) {
        status = kind == HAYI_STORE_FOLDER_GIVEN
                     ? hayi_spill_make(&store->spill, folder, err)
                     : hayi_spill_make_usual(&store->spill, err);
    }
    store->has_spill = kind != HAYI_STORE_FOLDER_NONE && status == HAY_OK;
    /* Where no usual folder takes a file, one does without. */
    return kind == HAYI_STORE_FOLDER_GIVEN ? status : HAY_OK;
}

static void drop_spill(struct hayi_store *store)
{
    if (store->has_spill) {
        hayi_spill_close(&store->spill);
        store->has_spill = false;
    }
}

/* Another member was the first; he tells right away. */
static hay_status
follow(struct hayi_store *store, uint32_t first, struct hayi_error *err)
{
    struct hayi_store_header *header = store->header;
    struct hayi_store_member *member = &header->members[first];
    for (int i = 0; atomic_load(&header->spill_maker) == 0; i++) {
        struct timespec nap = {0, WAIT_NS};
        if (i == WAITS_MAX) {
            return hayi_fail(err,
                             HAY_EIO,
                             "the member %" PRIu32 " of this node, which set "
                             "the store up, has gone",
                             first);
        }
        (void)nanosleep(&nap, NULL);
    }
    if (atomic_load(&member->folder_kind) == HAYI_STORE_FOLDER_NONE) {
        return HAY_OK;
    }
    if (!open_shown(store, member->folder, err)) {
        return HAY_EIO;
    }
    store->has_spill = true;
    show_spill(store);
    return HAY_OK;
}

/* ---- Configuring ----------------------------------------------------------
 */

static uint64_t read_number(const char *path)
{
    char text[40];
    FILE *file = fopen(path, "re");
    uint64_t number = UINT64_MAX;
    if (file != NULL) {
        if (fgets(text, sizeof(text), file) != NULL && text[0] >= '0'
            && text[0] <= '9') {
            number = strtoull(text, NULL, 10);
        }
        (void)fclose(file);
    }
    return number;
}

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The least limit of our control group and those above it. */
static uint64_t cgroup_bytes(void)
{
    char line[2048], path[2304];
    uint64_t least = UINT64_MAX;
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = 0;
        bool unified = strncmp(line, "0::/", 4) == 0;
        char *own = strstr(line, unified ? "0::/" : ":memory:/");
        if (own == NULL) {
            continue;
        }
        own = strchr(own, '/');
        for (;;) {
            (void)snprintf(path,
                           sizeof(path),
                           unified ? "/sys/fs/cgroup%s/memory.max"
                                   : "/sys/fs/cgroup/memory%s/"
                                     "memory.limit_in_bytes",
                           own);
            least = lesser(least, read_number(path));
            char *slash = strrchr(own, '/');
            if (slash == NULL) {
                break;
            }
            *slash = 0;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return least;
}

static uint64_t resource(int which)
{
    struct rlimit limit;
    return getrlimit((__rlimit_resource_t)which, &limit) == 0
                   && limit.rlim_cur != RLIM_INFINITY
               ? limit.rlim_cur
               : UINT64_MAX;
}

/* What the memory file may grow to.  A memfd asks no file system; /dev/shm is
 * small in many containers, and who writes beyond its end dies. */
static uint64_t file_system_bytes(int fd)
{
    struct statfs info;
    return fstatfs(fd, &info) == 0 && info.f_blocks > 0
               ? (uint64_t)info.f_bavail * (uint64_t)info.f_bsize
               : UINT64_MAX;
}

uint64_t hayi_store_node_bytes(void)
{
    uint64_t memory =
        (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    return lesser(memory, cgroup_bytes());
}

static uint64_t usual_limit(int fd)
{
    uint64_t limit = hayi_store_node_bytes() / 10 * 3;
    /* It is mapped twice, and is not all that a process needs. */
    limit = lesser(limit, resource(RLIMIT_AS) / 8);
    limit = lesser(limit, file_system_bytes(fd) / 2);
    uint64_t file = resource(RLIMIT_FSIZE);
    uint64_t rest = HAYI_STORE_UNITS_AT + HAYI_STORE_TAIL_BYTES;
    limit = lesser(limit, file > rest ? file - rest : 0);
    return limit > LIMIT_MIN_BYTES ? limit : LIMIT_MIN_BYTES;
}

/* By writing its last byte, which never makes it shorter. */
static hay_status
make_longer(int fd, uint64_t size_bytes, struct hayi_error *err)
{
    struct stat info;
    if (fstat(fd, &info) == 0 && (uint64_t)info.st_size >= size_bytes) {
        return HAY_OK;
    }
    if (size_bytes > resource(RLIMIT_FSIZE)) {
        return hayi_fail(err,
                         HAY_EIO,
                         "store: it needs a file of %" PRIu64
                         " MiB, which the limit on the size of files "
                         "(ulimit -f) does not allow",
                         size_bytes / HAYI_STORE_MIB);
    }
    if (pwrite(fd, "", 1, (off_t)size_bytes - 1) != 1) {
        return hayi_fail(err,
                         HAY_EIO,
                         "store: cannot make the memory file longer: %s",
                         strerror(errno));
    }
    return HAY_OK;
}

/* How many objects can be told apart, as a power of 2: their table may take a
 * 16th of the addresses that there are. */
static unsigned usual_entry_bits(void)
{
    unsigned bits = HAYI_STORE_ENTRY_BITS;
    uint64_t most = resource(RLIMIT_AS) / 16;
    while (bits > ENTRY_BITS_MIN
           && sizeof(struct hayi_store_entry) << bits > most) {
        bits--;
    }
    return bits;
}

/* NULL: errno tells. */
static void *
map_part(struct hayi_store *store, uint64_t at, uint64_t size_bytes, int access)
{
    void *part = mmap(NULL,
                      (size_t)size_bytes,
                      access,
                      MAP_SHARED | MAP_NORESERVE,
                      store->fd,
                      (off_t)at);
    return part == MAP_FAILED ? NULL : part;
}

/* 'configured' as in the header. */
static hay_status
map_all(struct hayi_store *store, uint64_t configured, struct hayi_error *err)
{
    uint64_t units = configured >> 8 & UNITS_MASK;
    uint64_t units_bytes = units * HAYI_STORE_UNIT_BYTES;
    uint64_t file_bytes =
        HAYI_STORE_UNITS_AT + units_bytes + HAYI_STORE_TAIL_BYTES;
    hay_status status = make_longer(store->fd, file_bytes, err);
    if (status != HAY_OK) {
        return status;
    }
    const int both = PROT_READ | PROT_WRITE;
    store->entry_max = (uint32_t)1 << (configured >> ENTRY_BITS_SHIFT);
    store->tables_bytes[0] =
        HAYI_STORE_ENTRIES_AT
        + store->entry_max * sizeof(struct hayi_store_entry);
    store->tables_bytes[1] = units / 8 + 2 * sizeof(uint64_t);
    store->units_bytes = units_bytes;
    store->tables[0] = map_part(store, 0, store->tables_bytes[0], both);
    store->tables[1] =
        map_part(store, HAYI_STORE_MEMORY_AT, store->tables_bytes[1], both);
    store->units = map_part(store, HAYI_STORE_UNITS_AT, units_bytes, both);
    store->read_units =
        map_part(store, HAYI_STORE_UNITS_AT, units_bytes, PROT_READ);
    if (store->tables[0] == NULL || store->tables[1] == NULL
        || store->units == NULL || store->read_units == NULL) {
        int error = errno;
        unmap_all(store);
        return hayi_fail(err,
                         HAY_ENOMEM,
                         "store: cannot map %" PRIu64 " MiB twice and %" PRIu64
                         " MiB of tables: %s%s",
                         units_bytes / HAYI_STORE_MIB,
                         (uint64_t)store->tables_bytes[0] / HAYI_STORE_MIB,
                         strerror(error),
                         resource(RLIMIT_AS) != UINT64_MAX ? " (see ulimit -v)"
                                                           : "");
    }
    unsigned char *base = store->tables[0];
    (void)madvise(store->units, (size_t)units_bytes, MADV_HUGEPAGE);
    (void)madvise((void *)(uintptr_t)store->read_units,
                  (size_t)units_bytes,
                  MADV_DONTDUMP);
    store->entries = (void *)(base + HAYI_STORE_ENTRIES_AT);
    store->memory.head = &store->header->memory;
    store->memory.words = store->tables[1];
    store->memory.unit_count = units;
    store->disk.head = &store->header->disk;
    store->disk.words = (void *)(base + HAYI_STORE_DISK_AT);
    store->disk.unit_count = HAYI_STORE_DISK_UNITS;
    store->words = (void *)(base + HAYI_STORE_WORDS_AT);
    return HAY_OK;
}

/* Nobody has configured it yet, as it seems.  *configured: what holds now. */
static hay_status be_first(struct hayi_store *store,
                           const struct hayi_store_config *config,
                           uint64_t *configured,
                           struct hayi_error *err)
{
    struct hayi_store_header *header = store->header;
    struct hayi_store_member *member = &header->members[store->me];
    uint64_t limit =
        config->limit_bytes != 0 ? config->limit_bytes : usual_limit(store->fd);
    uint64_t units = limit / HAYI_STORE_UNIT_BYTES;
    const char *folder = config->spill_folder;
    enum hayi_store_folder kind = folder == NULL ? HAYI_STORE_FOLDER_USUAL
                                  : *folder == 0 ? HAYI_STORE_FOLDER_NONE
                                                 : HAYI_STORE_FOLDER_GIVEN;
    if (limit < LIMIT_MIN_BYTES || units > HAYI_STORE_MEMORY_UNITS) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "a memory limit of %" PRIu64
                         " bytes for objects is not between 1 MiB and 16 TiB",
                         limit);
    }
    if (limit > file_system_bytes(store->fd)) {
        return hayi_fail(err,
                         HAY_EIO,
                         "/dev/shm has no room for the %" PRIu64
                         " MiB that objects may take in memory",
                         limit / HAYI_STORE_MIB);
    }
    uint64_t wanted = (uint64_t)usual_entry_bits() << ENTRY_BITS_SHIFT
                      | units << 8 | (store->me + 1);
    hay_status status = make_spill(store, kind, folder, err);
    if (status == HAY_OK) {
        status = map_all(store, wanted, err);
    }
    if (status != HAY_OK) {
        drop_spill(store);
        return status;
    }
    (void)snprintf(member->folder,
                   sizeof(member->folder),
                   "%s",
                   store->has_spill ? store->spill.folder : "");
    atomic_store(&member->folder_kind,
                 store->has_spill ? kind : HAYI_STORE_FOLDER_NONE);
    if (atomic_compare_exchange_strong(
            &header->configured, configured, wanted)) {
        *configured = wanted;
        if (store->has_spill) {
            show_spill(store);
        }
        atomic_store(&header->spill_maker, store->me + 1);
        return HAY_OK;
    }
    unmap_all(store);
    drop_spill(store);
    return HAY_OK;
}

hay_status hayi_store_configure(struct hayi_store *store,
                                const struct hayi_store_config *config,
                                struct hayi_error *err)
{
    uint64_t configured = atomic_load(&store->header->configured);
    hay_status status = HAY_OK;
    if (store->words != NULL) {
        return HAY_OK;
    }
    if (configured == 0) {
        status = be_first(store, config, &configured, err);
        if (status != HAY_OK || store->words != NULL) {
            return status;
        }
    }
    status = follow(store, (uint32_t)(configured & 0xff) - 1, err);
    if (status == HAY_OK) {
        status = map_all(store, configured, err);
    }
    if (status != HAY_OK) {
        drop_spill(store);
    }
    return status;
}
