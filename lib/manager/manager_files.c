/* manager_files.c - the files that commands read and write: for the run's
 * record, and as soft objects, by which their readers are placed.
 *
 * A command's report holds a list of its outputs as objects and an array of the
 * sizes of its inputs (worker/command_files.h).  The client never sees it: the
 * result of a command is HAY_NONE, and its objects are kept beside.
 */
#include "config.h"

#include "manager/manager_inside.h"
#include "wire/command.h"
#include "wire/value.h"

#include <stdlib.h>
#include <string.h>

static void write_line(struct hayi_manager *manager,
                       const hay_future *future,
                       bool out,
                       const char *path,
                       uint64_t bytes)
{
    const struct hayi_file_line line = {
        .task = future->id,
        .name = hayi_spec_name(future->spec),
        .out = out,
        .path = path,
        .bytes = bytes,
    };
    hayi_manager_record_file(manager, &line);
}

static void write_record(struct hayi_manager *manager,
                         const hay_future *future,
                         const struct hayi_command_view *view,
                         const struct hayi_value *list)
{
    struct hayi_value element;
    if (hayi_list_get(list, view->out_count, &element)
        && element.size == view->in_count * sizeof(uint64_t)) {
        for (uint32_t i = 0; i < view->in_count; i++) {
            uint64_t bytes;
            memcpy(&bytes,
                   (const char *)element.data + i * sizeof(bytes),
                   sizeof(bytes));
            write_line(manager, future, false, view->in_files[i], bytes);
        }
    }
    for (uint32_t i = 0; i < view->out_count; i++) {
        if (hayi_list_get(list, i, &element) && element.is_object) {
            write_line(
                manager, future, true, view->out_files[i], element.object.size);
        }
    }
}

static void keep_objects(struct hayi_manager *manager,
                         const struct hayi_value *list,
                         struct hayi_result *result)
{
    struct hayi_value element;
    result->files = malloc((list->count + (size_t)1) * sizeof(hayi_object));
    if (result->files == NULL) {
        hayi_manager_panic(manager, "out of memory for a command's files");
        return;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (hayi_list_get(list, i, &element) && element.is_object
            && element.object.object != 0) {
            result->files[result->file_count++] = element.object.object;
        }
    }
}

void hayi_manager_note_files(struct hayi_manager *manager,
                             const hay_future *future,
                             const struct hayi_report *report,
                             struct hayi_result *result)
{
    const struct hayi_spec *spec = future->spec;
    struct hayi_command_view view;
    struct hayi_value list;
    if (hayi_command_read(hayi_spec_args(spec), spec->args_size, &view, NULL)
        != HAY_OK) {
        return;
    }
    if (hayi_value_read(report->value, report->value_size, &list, NULL, NULL)
            == HAY_OK
        && list.type == HAY_LIST && !list.is_object) {
        if (manager->run_folder != NULL) {
            write_record(manager, future, &view, &list);
        }
        keep_objects(manager, &list, result);
    }
    free(view.memory);
}

void hayi_manager_release_files(struct hayi_manager *manager,
                                const struct hayi_result *result)
{
    for (uint32_t i = 0; i < result->file_count; i++) {
        struct hayi_event event = {.kind = HAYI_EVENT_RELEASE,
                                   .u.release = {.object = result->files[i]}};
        hayi_manager_step(manager, &event, NULL);
    }
}
