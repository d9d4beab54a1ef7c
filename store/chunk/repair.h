/*
 * Mending the files of a store, one atomic step each: after a power cut at any instant the store is as
 * before the step or as after it. The caller holds noms/LOCK and has set originals aside.
 */
#ifndef STORE_CHUNK_REPAIR_H
#define STORE_CHUNK_REPAIR_H

#include "store/chunk/chunk_store.h"
#include "store/chunk/fsck.h"
#include "store/chunk/manifest.h"

/* Copies bytes [from, to) of a file (to = UINT64_MAX: its end), synced; the directory is the caller's
 * to sync. */
int repair_copy(const char *source, uint64_t from, uint64_t to, const char *target, struct err *err);

/* Cuts the journal of `dir` at `size` and takes the indexes of what was cut away first. */
int repair_cut_journal(const char *dir, uint64_t size, struct err *err);

/* Removes Dolt's journal.idx and our private index. */
int repair_drop_indexes(const char *dir, struct err *err);

struct repair_salvaged {
    uint64_t records, roots, damaged_places, dropped_bytes;
};
/*
 * Writes all sound records of the journal of `dir`, in their order, to the new file `target`, and syncs
 * it. BD_INVALID when no root record is among them.
 */
int repair_salvage_journal(const char *dir, const char *target, struct repair_salvaged *out,
                           struct err *err);
/* Does a sound root record stand somewhere behind `from`? */
bool repair_root_behind(const char *dir, uint64_t from);
/* Puts a file (in the same file system) in the place of the journal of `dir`. */
int repair_replace_journal(const char *dir, const char *file, struct err *err);

/* Appends a root record to the journal, which must end with a valid record. */
int repair_append_root(const char *dir, const struct hash *root, uint64_t unix_seconds,
                       struct err *err);

/*
 * The manifest that the files of a directory give: every sound table file and archive, the journal, the
 * root given. `damaged` (arena) tells files that are left out. `old`: a generation without journal.
 */
int repair_build_manifest(const char *dir, bool old, const struct hash *root, struct arena *a,
                          struct manifest *out, const char **left_out, struct err *err);

/*
 * Writes the chunks of a table file or archive into `dir` as a new archive, durable under its name:
 * those of the list (sorted by address) with the bytes given there, all others as they stand, damaged
 * or not.
 */
int repair_rewrite_file(const char *path, bool archive, const char *dir, const struct chunk_write *list,
                        size_t count, struct hash *name, uint32_t *chunks, struct err *err);
/* The manifest of `dir` names one file in the place of another. BD_BUSY when it did not name that. */
int repair_swap_file(const char *dir, const struct hash *before, const struct hash *now,
                     uint32_t chunks, struct err *err);

/*
 * Looks for a missing file in `place` (a directory): under its name, or as a table file under another
 * name with the right content. *found (arena) is its path; BD_NOT_FOUND.
 */
int repair_find_file(const char *place, const struct hash *name, struct arena *a, const char **found,
                     bool *is_archive, struct err *err);
/* Copies it to `dir` under its name, synced, in one rename. */
int repair_install_file(const char *found, const char *dir, const struct hash *name, bool is_archive,
                        struct err *err);

#endif
