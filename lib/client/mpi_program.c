/* mpi_program.c - farms in programs that own MPI: hay_open() and hay_serve().
 * Passes the communicator on; calls no MPI itself. */
#include "config.h"

#include <hayfork/mpi.h>

#include "client/farm.h"
#include "client/settings.h"

static hay_status start(MPI_Comm comm,
                        const hay_options *given,
                        bool manager,
                        struct hayi_farm **farm,
                        hay_executor **ex)
{
    struct hayi_error *err = hayi_thread_error();
    hay_options options;
    hay_status status = hayi_options_copy(given, &options, err);
    if (status != HAY_OK) {
        return status;
    }
    const struct hayi_farm_start farm_start = {
        .options = &options,
        .spawner = hayi_farm_take_preforked(),
        .mpi = true,
        .comm = &comm,
        .manager = manager,
    };
    return hayi_farm_start(&farm_start, farm, ex, err);
}

hay_status
hay_open(MPI_Comm comm, const hay_options *options, hay_executor **ex)
{
    struct hayi_farm *farm = NULL;
    hay_executor *made = NULL;
    hay_status status = start(comm, options, true, &farm, &made);
    if (status == HAY_OK) {
        *ex = made;
    }
    return status;
}

hay_status hay_serve(MPI_Comm comm, const hay_options *options)
{
    struct hayi_farm *farm = NULL;
    hay_executor *ex = NULL;
    hay_status status = start(comm, options, false, &farm, &ex);
    if (status == HAY_OK) {
        status = hayi_farm_serve(farm, hayi_thread_error());
    }
    return status;
}
