/*
 * One line of an issue export (JSONL) as an object of the tracker. Pure: no database, no files.
 *
 * What export writes is read again, whatever version of it wrote: the legacy flag `wisp`, comment ids
 * that are numbers, flags stored as 0 and 1, SQL times, waiters as text. Members that are unknown are
 * skipped.
 */
#ifndef BD_OPS_ISSUE_RECORD_H
#define BD_OPS_ISSUE_RECORD_H

#include "bd/ops/issue.h"

enum record_kind {
    RECORD_NONE, /* blank line, header (`_schema`), tombstone, memory without key or value */
    RECORD_ISSUE,
    RECORD_MEMORY,
    RECORD_DEPENDENCY, /* a row of its own, as old backup sets have them … */
    RECORD_LABEL,      /* … and so on */
    RECORD_COMMENT,
};

#define RECORD_UNKNOWN_MAX 8

struct record {
    enum record_kind kind;
    const char *type;             /* the member _type as it stands, or NULL */
    bool header, tombstone;       /* RECORD_NONE because of `_schema`, or of status tombstone */
    bool replaced;                /* texts of it had bytes or characters that cannot be kept */
    struct issue issue;           /* status and type have their defaults; times may be ISSUE_NO_TIME */
    struct dependency dependency; /* issue_id: of any kind of row */
    const char *label;
    struct comment comment;
    const char *memory_key, *memory_value;
    const char
        *unknown[RECORD_UNKNOWN_MAX]; /* members that an issue has no place for (the first of them) */
    size_t unknown_count;
};

/*
 * Reads the line in place: `text` is changed, must be NUL-terminated at text[size], and the record
 * borrows from it (and from `a`). BD_INVALID with what is wrong, without the place.
 */
int record_parse(char *text, size_t size, struct arena *a, struct record *out, struct err *err);
/* Gives every comment that has a time but no id one that is made from time, place and content. */
void record_name_comments(struct issue *i, struct arena *a);

#endif
