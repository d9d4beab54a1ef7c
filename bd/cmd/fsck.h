/* What the commands around damaged databases share. */
#ifndef BD_CMD_FSCK_H
#define BD_CMD_FSCK_H

#include "bd/cmd/cmd.h"
#include "store/db/repair.h"

/* The database directory that a command is about: an argument, --db, or the workspace's. NULL: none. */
const char *fsck_directory(struct bd *bd, const char *argument);

/* A line of progress on standard error, on a terminal only; ctx = struct fsck_line, zeroed at first. */
struct fsck_line {
    struct bd *bd;
    uint64_t shown_ms;
    bool shown;
};
bool fsck_show_progress(void *ctx, const struct fsck_progress *p);
void fsck_end_progress(struct fsck_line *line);

void fsck_print_report(struct bd *bd, const struct fsck_report *r, enum fsck_level level);
void fsck_json_report(struct json_writer *w, const struct fsck_report *r);
void fsck_print_steps(struct bd *bd, const struct repair_result *r);
void fsck_json_steps(struct json_writer *w, const struct repair_result *r);

#endif
