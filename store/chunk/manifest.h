/*
 * The manifest: one line that names the storage format, the root, the files of a generation and two
 * tokens that tell apart the states between which writers compare and swap.
 */
#ifndef STORE_CHUNK_MANIFEST_H
#define STORE_CHUNK_MANIFEST_H

#include "base/err.h"
#include "base/mem.h"
#include "store/chunk/hash.h"

#include <stdbool.h>

#define MANIFEST_FORMAT "__DOLT__"

struct manifest_spec {
    struct hash name;
    uint32_t count; /* chunks; checked for table files, ignored for archives and the journal */
};

struct manifest {
    int version; /* 4 or 5 as read; always written as 5 */
    struct hash lock, root, gcgen;
    struct manifest_spec *specs;
    size_t spec_count, spec_capacity;
};
#define MANIFEST_INIT                                                                                  \
    { 5, {{0}}, {{0}}, {{0}}, NULL, 0, 0 }

/* Twenty 0xFF bytes: the name of the journal. */
extern const struct hash manifest_journal_name;
#define JOURNAL_FILE "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

void manifest_release(struct manifest *m);
void manifest_copy(struct manifest *to, const struct manifest *from); /* `to` is overwritten */

/* *m is filled only on success. BD_CORRUPT, BD_TOO_NEW, BD_UNSUPPORTED (another storage format). */
int manifest_parse(struct manifest *m, const char *text, size_t size, struct err *err);
/* Version 5, no newline. */
void manifest_format(const struct manifest *m, struct buf *out);

bool manifest_names(const struct manifest *m, const struct hash *name);
void manifest_add(struct manifest *m, const struct hash *name, uint32_t count);
/* Equal sets of names, in any order. */
bool manifest_same_files(const struct manifest *a, const struct manifest *b);

/* The token of a state: depends on root and names, not on counts. */
struct hash manifest_lock_of(const struct hash *root, const struct manifest_spec *specs, size_t count);
/* The generation that a full collection gives (a default one: the lock itself). */
struct hash manifest_full_gcgen_of(const struct hash *root, const struct manifest_spec *specs,
                                   size_t count);

/* Reads <dir>/manifest. BD_NOT_FOUND when there is none. */
int manifest_read(const char *dir, struct manifest *m, struct err *err);
/*
 * Replaces <dir>/manifest and makes it durable together with every earlier change of the directory.
 * The caller holds the directory's LOCK and has set m->lock. BD_NO_SPACE or BD_IO; *renamed tells
 * whether the new manifest may be in place nevertheless.
 */
int manifest_write(const char *dir, const struct manifest *m, bool *renamed, struct err *err);

#endif
