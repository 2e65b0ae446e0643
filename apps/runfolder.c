/* runfolder.c - the run folder; see runfolder.h.  mkdir decides who gets a name
 * where many start at the same time. */
#include "config.h"

#include "runfolder.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NUMBER_MAX 1000000
#define STEM_MAX   100

static hay_status make_parents(const char *path, struct fault *fault)
{
    struct text part = TEXT_INIT;
    hay_status status = HAY_OK;
    for (const char *at = path + 1; *path != '\0' && *at != '\0'; at++) {
        if (*at != '/') {
            continue;
        }
        text_clear(&part);
        text_add(&part, path, (size_t)(at - path));
        if (mkdir(part.data, 0777) != 0 && errno != EEXIST) {
            status = fault_set(
                fault, HAY_EIO, "%.500s: %s", part.data, strerror(errno));
            break;
        }
    }
    text_fini(&part);
    return status;
}

static bool has(const char *folder, const char *name)
{
    struct text path = TEXT_INIT;
    text_format(&path, "%s/%s", folder, name);
    bool there = access(path.data, F_OK) == 0;
    text_fini(&path);
    return there;
}

/* Made by `hayfork submit`, and nothing has been run in it yet? */
static bool waits_for_job(const char *path)
{
    return has(path, RUNFOLDER_JOB) && !has(path, "tasks.tsv");
}

static bool has_journal(const char *folder)
{
    struct text path = TEXT_INIT;
    struct stat st;
    text_format(&path, "%s/journal.log", folder);
    bool has = stat(path.data, &st) == 0 && st.st_size > 0;
    text_fini(&path);
    return has;
}

static hay_status
make_wanted(const char *wanted, struct text *path, struct fault *fault)
{
    hay_status status = make_parents(wanted, fault);
    if (status != HAY_OK) {
        return status;
    }
    int error = mkdir(wanted, 0777) == 0 ? 0 : errno;
    if (error == EEXIST && !waits_for_job(wanted)) {
        return fault_set(
            fault,
            HAY_EINVAL,
            "--run-folder: %.500s is there already%s",
            wanted,
            has_journal(wanted) ? "" : ", and has no journal to go on with");
    }
    if (error != 0 && error != EEXIST) {
        return fault_set(fault, HAY_EIO, "%.500s: %s", wanted, strerror(error));
    }
    text_clear(path);
    text_add_string(path, wanted);
    return HAY_OK;
}

/* "a/b.c.hay" -> "b.c". */
static void stem_of(const char *file, struct text *stem)
{
    const char *slash = strrchr(file, '/');
    const char *name = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(name, '.');
    size_t length =
        dot == NULL || dot == name ? strlen(name) : (size_t)(dot - name);
    text_clear(stem);
    text_add(stem, name, length > STEM_MAX ? STEM_MAX : length);
    if (strcmp(file, "-") == 0 || length == 0
        || strcmp(stem->data, "latest") == 0 || stem->data[0] == '.') {
        text_clear(stem);
        text_add_string(stem, strcmp(file, "-") == 0 ? "stdin" : "run");
    }
}

void runfolder_guess(const char *wanted, const char *file, struct text *path)
{
    struct text stem = TEXT_INIT;
    stem_of(file, &stem);
    text_clear(path);
    if (wanted != NULL) {
        text_add_string(path, wanted);
    } else {
        text_format(path, "%s/%s", RUNFOLDER_BASE, stem.data);
    }
    text_fini(&stem);
}

/* 0, or errno. */
static int try_make(const char *path)
{
    if (mkdir(RUNFOLDER_BASE, 0777) != 0 && errno != EEXIST) {
        return errno;
    }
    return mkdir(path, 0777) == 0 ? 0 : errno;
}

hay_status runfolder_make(const char *wanted,
                          const char *file,
                          struct text *path,
                          struct fault *fault)
{
    struct text stem = TEXT_INIT;
    unsigned number = 1;
    int error;
    if (wanted != NULL) {
        return make_wanted(wanted, path, fault);
    }
    stem_of(file, &stem);
    do {
        text_clear(path);
        text_format(path, "%s/%s", RUNFOLDER_BASE, stem.data);
        if (number > 1) {
            text_format(path, ".%u", number);
        }
        error = try_make(path->data);
        /* ENOENT: a run that gave up its folder has removed the base, too. */
        number += error == EEXIST;
    } while ((error == EEXIST || error == ENOENT) && number < NUMBER_MAX);
    text_fini(&stem);
    if (error != 0) {
        return fault_set(fault,
                         HAY_EIO,
                         "%s: %s (--run-folder takes another place)",
                         path->data,
                         strerror(error));
    }
    return HAY_OK;
}

bool runfolder_is_run(const char *path)
{
    return has(path, "tasks.tsv") || has(path, RUNFOLDER_JOB);
}

hay_status
runfolder_find(const char *given, struct text *path, struct fault *fault)
{
    text_clear(path);
    text_add_string(path, given != NULL ? given : RUNFOLDER_LATEST);
    if (runfolder_is_run(path->data)) {
        return HAY_OK;
    }
    if (given == NULL) {
        return fault_set(
            fault, HAY_EINVAL, "no run has been started in this folder");
    }
    text_clear(path);
    text_format(path, "%s/%s", RUNFOLDER_BASE, given);
    if (given[0] != '/' && runfolder_is_run(path->data)) {
        return HAY_OK;
    }
    return fault_set(
        fault, HAY_EINVAL, "%.500s is not the folder of a run", given);
}

void runfolder_set_latest(const char *path)
{
    size_t base = strlen(RUNFOLDER_BASE "/");
    char draft[64];
    if (strncmp(path, RUNFOLDER_BASE "/", base) != 0) {
        return;
    }
    snprintf(
        draft, sizeof draft, RUNFOLDER_BASE "/.latest.%ld", (long)getpid());
    unlink(draft);
    if (symlink(path + base, draft) == 0
        && rename(draft, RUNFOLDER_LATEST) != 0) {
        unlink(draft);
    }
}

/* No second line in tasks.tsv? */
static bool nothing_run(const char *path)
{
    struct text name = TEXT_INIT;
    text_format(&name, "%s/tasks.tsv", path);
    FILE *file = fopen(name.data, "re");
    int lines = 0;
    int c = 0;
    while (file != NULL && lines == 0 && (c = getc(file)) != EOF) {
        lines += c == '\n';
    }
    bool nothing = file == NULL ? errno == ENOENT : getc(file) == EOF;
    if (file != NULL) {
        fclose(file);
    }
    text_fini(&name);
    return nothing;
}

void runfolder_discard(const char *path)
{
    if (nothing_run(path) && !has(path, RUNFOLDER_JOB)) {
        runfolder_remove_tree(path);
        if (strncmp(path, RUNFOLDER_BASE "/", strlen(RUNFOLDER_BASE "/"))
            == 0) {
            rmdir(RUNFOLDER_BASE); /* only if it is empty */
        }
    }
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)ftw;
    if (type == FTW_DP) {
        rmdir(path);
    } else {
        unlink(path);
    }
    return 0;
}

void runfolder_remove_tree(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
