/* goon.c - which run a command line goes on with; see goon.h.
 *
 * The last run of a file is the one with the highest number; it is of this file
 * if its recorded command line, read as ours was, names the same one.
 */
#include "config.h"

#include "goon.h"
#include "runfolder.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NUMBER_MAX 1000000

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static hay_status
look(const char *folder, hay_run_info *info, struct fault *fault)
{
    *info = (hay_run_info){.size = sizeof *info};
    hay_status status = hay_run_look(folder, info);
    if (status != HAY_OK) {
        info->memory = NULL;
        fault_library(fault, status);
    }
    return status;
}

hay_status
goon_check(const char *folder, const hay_run_info *info, struct fault *fault)
{
    char since[64] = "";
    char host[256] = "";
    time_t at = (time_t)info->since_s;
    struct tm when;
    if (!info->running) {
        return HAY_OK;
    }
    (void)gethostname(host, sizeof host - 1);
    if (strcmp(host, info->host) != 0) {
        return HAY_OK;
    }
    if (localtime_r(&at, &when) != NULL) {
        strftime(since, sizeof since, " since %F %T", &when);
    }
    return fault_set(fault,
                     HAY_EINVAL,
                     "%.500s is in use by hayfork (pid %" PRId32 " on %s)%s",
                     folder,
                     info->pid,
                     info->host,
                     since);
}

/* ---- the last run of a file ---- */

/* The path of 'file', which is relative to 'folder'; NULL: it is not there. */
static char *whole_path(const char *folder, const char *file)
{
    struct text path = TEXT_INIT;
    if (file[0] != '/') {
        text_format(&path, "%s/", folder);
    }
    text_add_string(&path, file);
    char *whole = realpath(path.data, NULL);
    text_fini(&path);
    return whole;
}

static bool same_file(const char *folder, const char *then, const char *now)
{
    char *a = whole_path(folder, then);
    char *b = whole_path(".", now);
    bool same = a != NULL && b != NULL && strcmp(a, b) == 0;
    free(a);
    free(b);
    return same;
}

static bool same_words(const struct options *a, const struct options *b)
{
    bool same = a->word_count == b->word_count;
    for (size_t i = 0; same && i < a->word_count; i++) {
        same = strcmp(a->words[i], b->words[i]) == 0;
    }
    return same;
}

/* Was that run started for what this command line names? */
static bool same_work(const hay_run_info *info, const struct options *o)
{
    const char *word = o->word == WORD_RUN ? "run" : "replay";
    struct options then;
    struct fault fault;
    bool same = false;
    if (info->argc < 3 || strcmp(info->argv[1], word) != 0) {
        return false;
    }
    char **copy = mem_alloc(info->argc, sizeof(char *));
    for (size_t i = 1; i < info->argc; i++) {
        copy[i - 1] = strdup(info->argv[i]);
    }
    copy[info->argc - 1] = NULL;
    char **list = mem_alloc(info->argc, sizeof(char *)); /* is permuted */
    memcpy(list, copy, info->argc * sizeof(char *));
    if (options_parse(o->word, (int)info->argc - 1, list, &then, &fault)
        == HAY_OK) {
        same = (then.words != NULL) == (o->words != NULL);
        if (same && o->words != NULL) {
            same = same_words(&then, o);
        } else if (same) {
            same =
                then.file != NULL && same_file(info->cwd, then.file, o->file);
        }
    }
    options_fini(&then);
    for (size_t i = 0; copy[i] != NULL; i++) {
        free(copy[i]);
    }
    free(copy);
    free(list);
    return same;
}

/* The last folder of this file's runs; "": none. */
static void find_last(const struct options *o, struct text *folder)
{
    struct text first = TEXT_INIT;
    struct text next = TEXT_INIT;
    runfolder_guess(NULL, o->file, &first);
    text_clear(folder);
    text_add_string(&next, first.data);
    for (unsigned n = 2; n < NUMBER_MAX && is_folder(next.data); n++) {
        text_clear(folder);
        text_add_string(folder, next.data);
        text_clear(&next);
        text_format(&next, "%s.%u", first.data, n);
    }
    text_fini(&first);
    text_fini(&next);
}

/* Is there a run to be gone on with? */
static bool unfinished(const struct options *o, struct text *folder)
{
    hay_run_info info;
    struct fault fault;
    if (strcmp(o->file, "-") == 0) {
        return false;
    }
    find_last(o, folder);
    if (folder->length == 0 || look(folder->data, &info, &fault) != HAY_OK) {
        return false;
    }
    bool is =
        info.recorded && !info.running && !info.ended && same_work(&info, o);
    hay_run_info_fini(&info);
    return is;
}

/* ---- the choice ---- */

/* The user's own folder, which is there.  HAY_EEMPTY: it has no journal. */
static hay_status take_wanted(const char *wanted, struct fault *fault)
{
    hay_run_info info;
    hay_status status = look(wanted, &info, fault);
    if (status != HAY_OK) {
        return status;
    }
    status = goon_check(wanted, &info, fault);
    if (status == HAY_OK && info.running) {
        say("%.500s was in use by hayfork (pid %" PRId32 " on %s) some seconds "
            "ago; for half a minute it is looked whether it still is",
            wanted,
            info.pid,
            info.host);
    }
    if (status == HAY_OK && !info.recorded) {
        status = HAY_EEMPTY;
    }
    hay_run_info_fini(&info);
    return status;
}

hay_status goon_choose(const struct options *o,
                       const char *wanted,
                       struct text *folder,
                       bool *made,
                       struct fault *fault)
{
    const char *resumed = getenv(ENV_RESUME);
    bool fresh = o->fresh && resumed == NULL;
    wanted = resumed != NULL ? resumed : wanted;
    *made = false;
    if (wanted != NULL && !fresh && is_folder(wanted)) {
        hay_status status = take_wanted(wanted, fault);
        if (status != HAY_EEMPTY) {
            text_clear(folder);
            text_add_string(folder, wanted);
            return status;
        }
    }
    if (wanted == NULL && !fresh && unfinished(o, folder)) {
        if (!o->quiet && !o->why) {
            say("going on with the unfinished run %s (--new begins another)",
                folder->data);
        }
        return HAY_OK;
    }
    if (o->why) {
        runfolder_guess(wanted, o->file, folder);
        if (wanted == NULL) { /* the next free one has nothing in it */
            text_format(folder, ".new");
        }
        return HAY_OK;
    }
    *made = true;
    return runfolder_make(wanted, o->file, folder, fault);
}
