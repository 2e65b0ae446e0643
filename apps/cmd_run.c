/* cmd_run.c - hayfork run FILE: runs a task file, or a command that lists of
 * values are put into.
 */
#include "config.h"

#include "formats.h"
#include "mpirun.h"
#include "paralleljob.h"
#include "resume.h"
#include "session.h"
#include "words.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What was guessed is told once: by the launcher, if there is one. */
static void tell_format(const struct options *o, enum format format)
{
    const char *option;
    const char *tool = formats_tool(format, &option);
    if (o->format != FORMAT_AUTO || o->quiet || format == FORMAT_HAYFORK
        || getenv(ENV_RUN_FOLDER) != NULL) {
        return;
    }
    say("%s is read as a file of %s (--format=%s)", o->file, tool, option);
}

/* A rescue file that nobody has asked for. */
static void tell_rescue(const struct options *o, enum format format)
{
    struct text path = TEXT_INIT;
    text_format(&path, "%s.rescue", o->file);
    if (format == FORMAT_PMC && o->resume_count == 0 && !o->quiet
        && getenv(ENV_RUN_FOLDER) == NULL && access(path.data, F_OK) == 0) {
        say("%s is not read without --resume-from=%s: all tasks run",
            path.data,
            path.data);
    }
    text_fini(&path);
}

hay_status
run_read(const struct options *o, struct workload *w, struct fault *fault)
{
    enum format format = FORMAT_PARALLEL;
    hay_status status;
    if (o->words != NULL) {
        status =
            paralleljob_parse(o->words, o->word_count, &o->request, w, fault);
    } else {
        status =
            formats_read(o->file, o->format, &o->request, w, &format, fault);
    }
    for (size_t i = 0; i < o->resume_count && status == HAY_OK; i++) {
        status = resume_read(o->resume_from[i], format, w, fault);
    }
    if (status == HAY_OK && o->listen && w->worker_command_count > 0) {
        status = fault_at(fault,
                          o->file,
                          w->worker_commands[0].line,
                          "PERENGINE in a run that others may join (--listen, "
                          "--grow): a worker that joins would run tasks "
                          "without it");
    }
    if (status == HAY_OK && o->words == NULL) {
        tell_format(o, format);
        tell_rescue(o, format);
    }
    return status;
}

int cmd_run(int argc, char **argv)
{
    return session_main(WORD_RUN, argc, argv, run_read);
}
