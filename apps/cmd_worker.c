/* cmd_worker.c - hayfork worker --join RUN: joins a run that listens.
 *
 * It leaves in order at the first signal, when it has been idle for as long as
 * it was told, and a margin before its job ends; the library does that.  A
 * second signal ends it on the spot: the run then loses a worker.  SIGUSR1 and
 * SIGUSR2 are a batch system's hints of the end: where that is known anyway
 * they tell nothing new.
 */
#include "config.h"

#include "deadline.h"
#include "runfolder.h"
#include "signals.h"
#include "units.h"
#include "words.h"

#include <hayfork/hayfork.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wish {
    const char *run;
    uint64_t idle_ns; /* 0: never */
    char **farm;      /* argv of the farm; room for two more */
    int count;
};

/* Not called: a worker serves. */
static hay_status no_farm(hay_executor *ex, int argc, char **argv)
{
    (void)ex;
    (void)argc;
    (void)argv;
    return HAY_OK;
}

static int serve(struct wish *r)
{
    struct text folder = TEXT_INIT;
    struct text option = TEXT_INIT;
    struct text idle = TEXT_INIT;
    struct fault fault;
    hay_options defaults = HAY_OPTIONS_INIT;
    int code = EXIT_USE;
    if (runfolder_find(r->run, &folder, &fault) != HAY_OK) {
        fault_print(&fault);
    } else {
        text_format(&option, "--hay-join=%s", folder.data);
        r->farm[r->count++] = option.data;
        if (r->idle_ns != 0) {
            text_format(
                &idle,
                "--hay-idle-timeout=%llus",
                (unsigned long long)((r->idle_ns + NS_PER_S - 1) / NS_PER_S));
            r->farm[r->count++] = idle.data;
        }
        deadline_watch(NULL);
        signals_setup_guest(hay_leave, getenv(ENV_DEADLINE) == NULL);
        code = hay_main_with(r->count, r->farm, &defaults, no_farm);
    }
    text_fini(&idle);
    text_fini(&option);
    text_fini(&folder);
    return code;
}

/* The value of --name=VALUE or --name VALUE at argv[*i]; NULL: it is another
 * option, or there is no value. */
static const char *value_of(const char *name, int argc, char **argv, int *i)
{
    size_t size = strlen(name);
    const char *word = argv[*i];
    if (strncmp(word, name, size) != 0) {
        return NULL;
    }
    if (word[size] == '=') {
        return word + size + 1;
    }
    if (word[size] == '\0' && *i + 1 < argc) {
        return argv[++*i];
    }
    return NULL;
}

static bool take_time(const char *name, const char *text, uint64_t *time_ns)
{
    if (units_time(text, time_ns) && *time_ns > 0) {
        return true;
    }
    say("worker: %s: '%.100s' is no time such as 90, 90s, 2h30m or 1:30:00",
        name,
        text);
    return false;
}

/* 'false': said why. */
static bool take_option(struct wish *r, int argc, char **argv, int *i)
{
    const char *value;
    uint64_t time_ns = 0;
    if (strncmp(argv[*i], "--hay-", 6) == 0) {
        r->farm[r->count++] = argv[*i];
        return true;
    }
    if (r->run == NULL && (value = value_of("--join", argc, argv, i)) != NULL) {
        r->run = value;
        return true;
    }
    if ((value = value_of("--idle-timeout", argc, argv, i)) != NULL) {
        return take_time("--idle-timeout", value, &r->idle_ns);
    }
    if ((value = value_of("--time-left", argc, argv, i)) != NULL) {
        if (!take_time("--time-left", value, &time_ns)) {
            return false;
        }
        deadline_set_left(time_ns);
        return true;
    }
    say("worker: unknown or incomplete option %.100s (hayfork help worker "
        "tells more)",
        argv[*i]);
    return false;
}

int cmd_worker(int argc, char **argv)
{
    struct wish r = {.count = 0};
    bool good = true;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help_text("worker"), stdout);
            return EXIT_DONE;
        }
    }
    r.farm = mem_alloc((size_t)argc + 3, sizeof(char *));
    r.farm[r.count++] = argv[0];
    for (int i = 1; i < argc && good; i++) {
        good = take_option(&r, argc, argv, &i);
    }
    int code = EXIT_USE;
    if (good && r.run == NULL) {
        say("worker: --join=RUN is missing (hayfork help worker tells more)");
    } else if (good) {
        code = serve(&r);
    }
    free(r.farm);
    return code;
}
