/* options.h - the command line of run, replay, launch and doctor. */
#ifndef APPS_OPTIONS_H
#define APPS_OPTIONS_H

#include "farm.h"
#include "formats.h"
#include "launcher.h"

enum options_word {
    WORD_RUN = 1,
    WORD_REPLAY = 2,
    WORD_LAUNCH = 4,
    WORD_DOCTOR = 8
};

struct options {
    enum options_word word;
    const char *file;   /* run, replay */
    char *const *words; /* run: a command and lists of values; NULL: a file */
    size_t word_count;
    enum format format;       /* run: of the file */
    const char **resume_from; /* run: resume files of other tools */
    size_t resume_count, resume_room;
    char **program; /* launch; NULL-terminated */
    struct launch launch;
    struct request request; /* --cores, --time, --retries ...: of tasks */
    const char *run_folder; /* NULL: hayfork-runs/STEM */
    enum show_mode show;
    enum progress_mode progress;
    unsigned columns;
    bool quiet;
    bool listen;          /* run: others may join */
    uint32_t grow;        /* run: worker jobs at once, at most; 0: none */
    const char *grow_job; /* options of these jobs; NULL: none */
    bool fresh;           /* --new: no run that is there is gone on with */
    bool why;             /* say what would run and why; run nothing */
    size_t pending_max;
    uint64_t time_left_ns; /* --time-left, if it was given */
    bool has_time_left;
    uint64_t max_fails; /* 0: any number */
    enum submit_work work;
    double time_scale;
    struct arena arena; /* of farm_argv's strings, which the library moves */
    char **farm_argv;   /* for hay_main_with(): --hay-... options only */
    int farm_argc;
    bool help; /* asked for: nothing else is set */
};

/* argv[0] is the word.  HAY_EINVAL: one line in 'fault'. */
hay_status options_parse(enum options_word word,
                         int argc,
                         char **argv,
                         struct options *options,
                         struct fault *fault);
void options_fini(struct options *options);
/* One more option for hay_main_with(): --hay-NAME=VALUE. */
void options_add_farm(struct options *options,
                      const char *name,
                      const char *value);

#endif
