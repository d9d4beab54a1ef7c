/* What the files of the store share: the snapshot behind a struct chunk_store. */
#ifndef STORE_CHUNK_STORE_INTERNAL_H
#define STORE_CHUNK_STORE_INTERNAL_H

#include "store/chunk/address_map.h"
#include "store/chunk/chunk_file.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/journal.h"
#include "store/chunk/lock.h"
#include "store/chunk/manifest.h"

#include <sys/stat.h>

/*
 * Which file stood at a path. Manifests are only ever replaced, never written into; `settled` says that
 * the file was old enough when it was looked at for its times to tell it from any later one.
 */
struct file_mark {
    bool exists, settled;
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
};

/* The files of one directory, as its manifest names them. */
struct generation {
    bool exists; /* has a manifest */
    struct manifest manifest;
    struct file_mark mark; /* of the manifest, taken before it was read */
    struct chunk_file **files;
    size_t file_count;
};

struct snapshot {
    struct generation young, old;
    struct journal *journal; /* NULL: none */
    bool journal_listed;     /* the manifest names it: only then do its chunks count */
    struct hash root;
};

struct chunk_store {
    char *dir, *old_dir;
    char *manifest_path, *old_manifest_path;
    bool read_only, is_bare;
    enum chunk_reading reading;
    bool write_failed; /* in an unknown state: no more writes through this value */
    struct store_lock lock;
    unsigned lock_wait_ms;
    struct snapshot now;
    uint64_t generation; /* counts snapshots whose set of files differs from the one before */
    uint64_t losses;     /* counts snapshots that lack a file of the one before: a collection ran */
    struct address_map cache;   /* address -> malloc'd bytes of the chunk */
    struct address_map passing; /* the same, of chunks read in passing */
    size_t passing_bytes;
    unsigned forgotten; /* times that either was emptied */
    bool ghosts_loaded;
    struct address_map ghosts;
    uint64_t replayed; /* by journals closed meanwhile */
};

/* As chunk_store_has, in the files alone (journal, both generations); no cache, no ghosts. */
int store_find(struct chunk_store *cs, const struct hash *h, struct err *err);

/* Removes what is derived from the bytes of the journal: dolt's index and ours. */
void store_unlink_indexes(const char *dir);
/* With LOCK held: makes the records last that the snapshot's journal ends with, for whoever wrote them
 * may have died before syncing them. */
int store_sync_journal(struct chunk_store *cs, struct err *err);

#endif
