/* openmp.c - see openmp.h. */
#include "config.h"

#include "worker/openmp.h"

#include <dlfcn.h>
#include <string.h>

void hayi_openmp_limit(uint32_t cores)
{
    typedef void (*set_fn)(int);
    static _Thread_local set_fn set;
    static _Thread_local uint32_t limit;
    if (limit == 0) {
        void *symbol = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
        memcpy(&set, &symbol, sizeof(set));
    }
    if (limit != cores) {
        limit = cores;
        if (set != NULL) {
            set((int)cores);
        }
    }
}
