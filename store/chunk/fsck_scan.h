/*
 * Every chunk that the files of a store hold, read without trusting any of them: what a check and a
 * rescue read through. Unlike a chunk store, it opens whatever of a damaged directory can be opened.
 *
 * A scan is immutable once open and may be read by many threads, each through a reader of its own.
 */
#ifndef STORE_CHUNK_FSCK_SCAN_H
#define STORE_CHUNK_FSCK_SCAN_H

#include "store/chunk/address_map.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/fsck.h"
#include "store/chunk/journal_record.h"
#include "store/chunk/manifest.h"

struct scan_file {
    enum scan_kind { SCAN_TABLE, SCAN_ARCHIVE, SCAN_JOURNAL } kind;
    char *label;  /* "oldgen/<name>.darc": relative to the store directory */
    bool ignored; /* a journal the manifest does not list: its chunks do not count */
    int fd;       /* the journal, which others may cut: it is read, never mapped */
    const uint8_t *map;
    size_t size;
    const uint8_t *span_ends; /* of an archive; checked */
};

/* One stored copy of a chunk. */
struct scan_entry {
    struct hash address;
    uint32_t file;
    uint32_t size;       /* stored bytes */
    uint32_t dictionary; /* span of an archive; 0: snappy */
    uint64_t offset;     /* of the stored bytes in the file */
};

struct scan_root {
    struct hash root;
    uint64_t unix_seconds, end; /* end of its record */
};

struct scan {
    char *dir, *old_dir;
    struct scan_file *files;
    size_t file_count, file_capacity;
    struct scan_entry *entries; /* in the order of the files */
    size_t count, capacity;
    uint32_t *slots; /* address → entry + 1, first copy first; power of two */
    size_t slot_count;
    struct address_map ghosts;
    bool has_manifest, manifest_good, has_old, old_good;
    struct manifest manifest, old_manifest;
    bool has_journal, journal_listed, journal_good; /* good: no loss, all records understood */
    uint64_t journal_size, journal_end;             /* end of the last valid record */
    enum journal_parse journal_stop;
    bool journal_loss;
    struct scan_root *roots; /* root records, oldest first */
    size_t root_count, root_capacity;
    struct hash root; /* the newest one that can be told; zero: none */
    bool root_known;  /* it is what a program that opens the store sees */
};

/*
 * Opens all there is and adds a finding for everything wrong with the files. BD_NOT_FOUND when there is
 * neither manifest nor journal; BD_IO. *out is NULL after an error.
 */
int scan_open(struct scan **out, const char *dir, const struct fsck_options *o, struct fsck_report *r,
              struct err *err);
/* Every readable table file, archive and journal of a directory, whatever a manifest says: where chunks
 * may be found again. BD_NOT_FOUND when there is none. */
int scan_open_loose(struct scan **out, const char *dir);
void scan_close(struct scan *s); /* NULL is fine */

#define SCAN_NONE UINT32_MAX
/* The first entry of the address, or SCAN_NONE. */
uint32_t scan_find(const struct scan *s, const struct hash *h);
bool scan_is_ghost(const struct scan *s, const struct hash *h);

struct scan_reader;
struct scan_reader *scan_reader_new(const struct scan *s);
void scan_reader_free(struct scan_reader *r);
/* Decodes one entry; *data is malloc'd. The hash is not compared. BD_CORRUPT. */
int scan_read(struct scan_reader *r, uint32_t entry, uint8_t **data, size_t *size, struct err *err);
/* By address, kept by the reader until scan_reader_forget. BD_NOT_FOUND. Takes ctx = struct
 * scan_reader, so that it serves node_store_new_over. */
int scan_reader_get(void *reader, const struct hash *h, struct chunk *out, struct err *err);
/* Frees what scan_reader_get handed out when that is more than `limit` bytes, and then says so: a node
 * store over it is to be told (node_store_forget_read). */
bool scan_reader_forget(struct scan_reader *r, size_t limit);

/* Names in a directory, sorted; the array and the names are in the arena. 0 names when it cannot be
 * read. */
size_t scan_list_dir(const char *dir, struct arena *a, char ***names);
/* Does the name belong to a table file (32 base32 characters) or archive? */
bool scan_is_file_name(const char *name, struct hash *h, bool *is_archive);

/* ---- fsck_journal.c ---- */
/* The journal of s->dir into s; findings. BD_IO. */
int scan_journal(struct scan *s, const struct fsck_options *o, struct fsck_report *r, struct err *err);
/* Dolt's journal.idx and our private index against the journal. */
void scan_journal_indexes(struct scan *s, const struct fsck_options *o, struct fsck_report *r);

/* ---- for the parts of scan_open ---- */
struct scan_entry *scan_add(struct scan *s); /* a new entry, to be filled */

/* Moves all findings of `from` behind those of `to`. */
void fsck_absorb(struct fsck_report *to, struct fsck_report *from);
bool fsck_tell(const struct fsck_options *o, const char *phase, uint64_t done, uint64_t total);

#endif
