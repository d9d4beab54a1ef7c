/*
 * Retention: how much history a database keeps by itself, said by one setting, history.keep.
 *
 *   all            everything (also when it is not set)
 *   30d, 12 weeks  commits of that time; older ones become one snapshot, as bd compact makes it
 *   500 commits    that many of the newest commits, and as many of each other branch
 *
 * Behind a time or a number, ", 2 per day" lets two snapshots of each older day stay.
 *
 * After a command that wrote, old commits are squashed once as many new ones were made as are kept, so
 * that a command pays for one commit on average. Never with a remote, in quarantine, or when a command
 * would have to wait for it for seconds. All branches are squashed together, so that they merge as
 * before.
 */
#ifndef BD_CMD_RETENTION_H
#define BD_CMD_RETENTION_H

#include "bd/cmd/context.h"

struct retention {
    bool all;
    int64_t days;     /* 0: not by time */
    uint64_t commits; /* when !all and !days */
    uint64_t per_day; /* snapshots of each older day */
};
/* BD_INVALID says what may be given. NULL and "" mean all. */
int retention_parse(const char *text, struct retention *out, struct err *err);

/* The step after a command; before the automatic collection. */
void auto_retention(struct bd *bd);

#endif
