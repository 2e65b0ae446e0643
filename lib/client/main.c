/* main.c - the life of an executor: hay_main() and hay_open_local(). */
#include "config.h"

#include "client/farm.h"
#include "client/settings.h"
#include "transport/transport_mpi.h"

#include <stdio.h>
#include <string.h>

enum {
    EXIT_TASKS = 1,
    EXIT_USE = 2,
    EXIT_FARM = 3,
    EXIT_MORE = 75, /* to do: the walltime was over before */
};

#define JOIN_NS UINT64_C(60000000000)

static hay_status open_local(const hay_options *options, hay_executor **ex)
{
    struct hayi_error *err = hayi_thread_error();
    const struct hayi_farm_start start = {
        .options = options,
        .spawner = hayi_farm_take_preforked(),
    };
    struct hayi_farm *farm = NULL;
    hay_status status = hayi_farm_start(&start, &farm, ex, err);
    if (status != HAY_OK) {
        return status;
    }
    status = hay_executor_wait_workers(*ex, JOIN_NS);
    if (status != HAY_OK) {
        struct hayi_error why = *err;
        hay_executor_free(*ex);
        *ex = NULL;
        *err = why;
    }
    return status;
}

hay_status hay_open_local(const hay_options *given, hay_executor **ex)
{
    hay_options options;
    hay_status status = hayi_options_copy(given, &options, hayi_thread_error());
    hay_executor *made = NULL;
    if (status == HAY_OK) {
        status = open_local(&options, &made);
    }
    if (status == HAY_OK) {
        *ex = made;
    }
    return status;
}

/* Of a run that did what it could in the time that there was.  A farm function
 * that is content has said itself what there was to say. */
static int tell_more(const hay_stats *stats, uint64_t saved, bool failed)
{
    bool some = stats->finished + saved > 0;
    if (failed) {
        (void)fprintf(stderr,
                      "hayfork: the walltime leaves %llu task%s over (%llu "
                      "finished): %s\n",
                      (unsigned long long)stats->walltime,
                      stats->walltime == 1 ? "" : "s",
                      (unsigned long long)stats->finished,
                      some ? "there is more to do"
                           : "a job as long would do no better");
    }
    return some ? EXIT_MORE : EXIT_FARM;
}

/* The farm function, then the end of its executor. */
static int run_farm(hay_executor *ex, int argc, char **argv, hay_farm_fn farm)
{
    hay_status status = farm(ex, argc, argv);
    bool failed = status != HAY_OK;
    char words[sizeof(hayi_thread_error()->text)];
    (void)snprintf(words, sizeof(words), "%s", hay_error_text());
    bool broken = hay_executor_health(ex) != HAY_OK;
    hay_stats stats = {.size = sizeof(stats)};
    (void)hay_executor_stats(ex, &stats);
    if (failed && !broken && stats.walltime == 0) {
        (void)fprintf(stderr,
                      "hayfork: %s\n",
                      words[0] != 0 ? words : hay_status_name(status));
    }
    if (hay_shutdown(ex, true, failed) != HAY_OK) {
        broken = true;
    }
    (void)hay_executor_stats(ex, &stats); /* of all that it was waited for */
    uint64_t saved = atomic_load(&ex->walltime_saved);
    hay_executor_free(ex);
    if (broken) {
        return EXIT_FARM;
    }
    if (stats.walltime > 0) {
        return tell_more(&stats, saved, failed);
    }
    return failed ? EXIT_TASKS : 0;
}

static int complain(const struct hayi_error *err, int status)
{
    (void)fprintf(stderr, "hayfork: %s\n", err->text);
    return status;
}

static int
main_over_mpi(const hay_options *options, int argc, char **argv, hay_farm_fn fn)
{
    struct hayi_error err;
    const struct hayi_farm_start start = {
        .options = options,
        .spawner = hayi_farm_take_preforked(),
        .mpi = true,
        .mpi_owned = true,
    };
    struct hayi_farm *farm = NULL;
    hay_executor *ex = NULL;
    if (hayi_farm_start(&start, &farm, &ex, &err) != HAY_OK) {
        return complain(&err, EXIT_FARM);
    }
    if (ex != NULL) {
        return run_farm(ex, argc, argv, fn);
    }
    if (hayi_farm_serve(farm, &err) != HAY_OK) {
        return complain(&err, EXIT_FARM);
    }
    return 0;
}

/* A worker of a farm that runs already. */
static int serve_as_guest(const hay_options *options)
{
    struct hayi_error err;
    const struct hayi_farm_start start = {
        .options = options,
        .spawner = hayi_farm_take_preforked(),
        .join = options->join,
    };
    struct hayi_farm *farm = NULL;
    hay_executor *ex = NULL;
    if (hayi_farm_start(&start, &farm, &ex, &err) != HAY_OK
        || hayi_farm_serve(farm, &err) != HAY_OK) {
        return complain(&err, EXIT_FARM);
    }
    return 0;
}

int hay_main_with(int argc,
                  char **argv,
                  const hay_options *defaults,
                  hay_farm_fn farm)
{
    struct hayi_error err;
    hay_options options;
    bool help = false;
    /* Before anything else: no thread yet, and little memory to copy. */
    if (hay_prefork() != HAY_OK) {
        return complain(hayi_thread_error(), EXIT_FARM);
    }
    if (hayi_options_copy(defaults, &options, &err) != HAY_OK
        || hayi_settings_take(&argc, argv, &options, &help, &err) != HAY_OK
        || hayi_mpi_misled(&err)) {
        return complain(&err, EXIT_USE);
    }
    if (help) {
        (void)fputs(hayi_settings_help(), stdout);
        return 0;
    }
    if (options.join != NULL) {
        return serve_as_guest(&options);
    }
    if (hayi_mpi_launched()) {
        return main_over_mpi(&options, argc, argv, farm);
    }
    hay_executor *ex = NULL;
    if (open_local(&options, &ex) != HAY_OK) {
        return complain(hayi_thread_error(), EXIT_FARM);
    }
    return run_farm(ex, argc, argv, farm);
}

int hay_main(int argc, char **argv, hay_farm_fn farm)
{
    return hay_main_with(argc, argv, NULL, farm);
}
