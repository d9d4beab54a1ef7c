/*
 * Where an import reads from: a file, standard input, or a folder that holds a backup set of older
 * versions (one .jsonl file for each table).
 */
#ifndef BD_CMD_IMPORT_SOURCE_H
#define BD_CMD_IMPORT_SOURCE_H

#include "bd/cmd/context.h"
#include "bd/ops/import.h"

struct import_source {
    const char *path; /* as it is called in messages */
    struct import_data data;
    bool empty; /* a file of 0 bytes */
    char *texts[8];
    size_t text_count;
};
#define IMPORT_SOURCE_INIT                                                                             \
    { NULL, IMPORT_DATA_INIT, false, {NULL}, 0 }

/*
 * Reads and understands everything; "-" is standard input. BD_NOT_FOUND, BD_IO, BD_INVALID (which line and why)
 * with a complete message. Released in any case.
 */
int import_source_read(struct bd *bd, const char *path, struct import_source *out, struct err *err);
void import_source_release(struct import_source *s);

/* The file named by import.path, else .beads/issues.jsonl; in the arena. */
const char *import_source_default(struct bd *bd);
/* Last part of a path. */
const char *import_source_name(const char *path);

/* What the person should know of an import: dependencies and records left out, types unknown here. */
void import_source_report(struct bd *bd, const struct import_result *r);

#endif
