/* hosts.h - where ranks go: lists of hosts from options and batch systems. */
#ifndef APPS_HOSTS_H
#define APPS_HOSTS_H

#include "arena.h"
#include "fault.h"

#define HOSTS_MAX ((size_t)1 << 20)
#define RANKS_MAX ((uint32_t)1 << 20)

struct host {
    const char *name;
    uint32_t workers; /* worker ranks that it is to have */
};

struct hosts {
    struct arena arena;
    struct host *list; /* in order, each once */
    size_t count, room;
};

enum batch_system {
    BATCH_NONE = 0,
    BATCH_SLURM = 1,
    BATCH_GRIDENGINE = 2,
    BATCH_PBS = 3,
    BATCH_LOCAL = 4 /* no system: in the background on this machine */
};

void hosts_init(struct hosts *hosts);
void hosts_fini(struct hosts *hosts);

/* "a,b:2": a host with one worker rank, one with two. */
hay_status
hosts_parse(struct hosts *hosts, const char *text, struct fault *fault);
/* Slurm's "n[1-3,07-11],login": a worker each. */
hay_status
hosts_slurm(struct hosts *hosts, const char *text, struct fault *fault);
/* PE_HOSTFILE or PBS_NODEFILE: the first word of each line; a worker each. */
hay_status
hosts_file(struct hosts *hosts, const char *path, struct fault *fault);

/* The allocation that this process is in, by the environment; hosts stay empty
 * where there is none. */
hay_status hosts_allocation(struct hosts *hosts,
                            enum batch_system *system,
                            struct fault *fault);

/* Was this process started as a rank by mpirun, or srun with a PMI? */
bool hosts_is_rank(void);
/* Its rank; 0 if it cannot be told. */
uint32_t hosts_rank(void);
/* Started by srun as one of several tasks, and without a PMI? */
bool hosts_lonely_srun(void);

/* mpirun's --host argument for 'ranks' ranks in all (0: what the hosts say, and
 * rank 0): rank 0 goes to the first host, the others follow the hosts' numbers
 * round and round.  *ranks is then the number. */
hay_status hosts_place(const struct hosts *hosts,
                       uint32_t *ranks,
                       struct text *argument,
                       struct fault *fault);

#endif
