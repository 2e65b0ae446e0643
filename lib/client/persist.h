/* persist.h - the tasks by which results get into an HDF5 file.
 *
 * describe: what a batch of results are, without their data;
 * layout: FILE.part with an empty dataset for each; its first result is the
 *     file's identity, the others tell groups of futures where their bytes go;
 *     all travel by value, so that it is never run again once it has ended;
 * write: the bytes of one future, from where they lie;
 * finish: FILE.part becomes FILE;
 * tidy: FILE.part goes if that did not happen;
 * done: what file it is, after both: its future is the user's.
 *
 * Owns: nothing.
 * Never: removes or renames a FILE.part that another call has made.
 * Threads: any; the functions run in slots.
 */
#ifndef HAYI_CLIENT_PERSIST_H
#define HAYI_CLIENT_PERSIST_H

#include "base/error.h"

/* Of all its tasks. */
#define HAYI_PERSIST_CATEGORY "hay.persist"

enum {
    HAYI_PERSIST_BATCH = 2000,  /* futures of one describe */
    HAYI_PERSIST_GROUP = 64,    /* futures of one result of the layout */
    HAYI_PERSIST_ITEMS = 50000, /* datasets of a file */
};

/* A result, in what describe returns: for each future a uint64_t, the number of
 * its results, and one of these for each. */
struct hayi_persist_shape {
    uint32_t type; /* hay_type */
    uint32_t dtype;
    uint32_t ndim;
    uint32_t reserved;
    uint64_t size; /* bytes of data; texts: without the 0 */
    uint64_t shape[HAY_NDIM_MAX];
};

/* FILE.part, or FILE; the numbers of devices differ between nodes. */
struct hayi_persist_file {
    uint64_t inode;
    uint64_t size;
};

/* FILE, for a run that is resumed: what persist's last task returns. */
struct hayi_persist_identity {
    uint64_t size;
    int64_t changed_s, changed_ns;
};

/* A result, in what the layout returns for a group: for each future a uint64_t,
 * the number of its results, and one of these for each. */
struct hayi_persist_place {
    uint64_t address; /* in FILE.part; 0: there is nothing to write */
    uint64_t type;    /* hay_type */
    uint64_t size;
};

/* Arguments: the descriptions of the futures' results (HAYI_KIND_SHAPE). */
hay_status hayi_persist_describe(hay_task *task);
/* path; names, each with its 0; list of what describe returned. */
hay_status hayi_persist_layout(hay_task *task);
/* path; index in its group; the group's places; the future's result. */
hay_status hayi_persist_write(hay_task *task);
/* path; the file. */
hay_status hayi_persist_finish(hay_task *task);
hay_status hayi_persist_tidy(hay_task *task);
/* path. */
hay_status hayi_persist_done(hay_task *task);
/* HAY_EIO: see errno. */
hay_status hayi_persist_identify(const char *path,
                                 struct hayi_persist_identity *identity);

#endif
