/*
 * The lines of an export, to a stream or into a file that appears complete or not at all.
 */
#ifndef BD_CMD_EXPORT_LINES_H
#define BD_CMD_EXPORT_LINES_H

#include "bd/cmd/context.h"
#include "bd/ops/export.h"

struct export_counts {
    size_t issues, memories;
};

/*
 * Writes to `path` (NULL: standard output), mode 0644. A failure leaves an existing file as it was; its
 * message is complete. A symbolic link stays one; a device or a pipe is written to. With `memories` the
 * memory lines follow.
 */
int export_lines(struct bd *bd, const char *path, const struct export_options *options, bool memories,
                 struct export_counts *out, struct err *err);

#endif
