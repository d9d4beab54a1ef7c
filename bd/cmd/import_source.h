/*
 * Where an import reads from: a file, standard input, or a folder that holds a backup set of older
 * versions (one .jsonl file for each table).
 */
#ifndef BD_CMD_IMPORT_SOURCE_H
#define BD_CMD_IMPORT_SOURCE_H

#include "bd/cmd/context.h"
#include "bd/ops/import.h"
#include "bd/ui/progress.h"

#include <sys/stat.h>

struct import_source {
    const char *path; /* as it is called in messages */
    struct import_data data;
    bool empty;          /* a file of 0 bytes */
    char *piped;         /* the text, when it came through a pipe */
    struct arena memory; /* what is kept of the records */
    struct bd *bd;
    struct stat stat; /* of the file that was read */
    struct progress progress;
    const char *note; /* about members that were left out; in bd's arena, NULL for none */
};

/*
 * Reads and understands everything; "-" is standard input. BD_NOT_FOUND, BD_IO, BD_INVALID (which line
 * and why) with a complete message. Released in any case.
 */
int import_source_read(struct bd *bd, const char *path, struct import_source *out, struct err *err);
void import_source_release(struct import_source *s);
/* Shows on a terminal how far an import is, until the source is released. */
void import_source_show(struct import_source *s, struct import_options *options);
/*
 * Lets an import release the records early and read the file again when it must: for regular files. The
 * second reading is BD_CONFLICT when the file has changed.
 */
void import_source_forgettable(struct import_source *s, struct import_options *options);

/* The file named by import.path, else .beads/issues.jsonl; in the arena. */
const char *import_source_default(struct bd *bd);
/* Last part of a path. */
const char *import_source_name(const char *path);

/* What the person should know of an import: dependencies and members left out, types unknown here. */
void import_source_report(const struct import_source *s, const struct import_result *r);

#endif
