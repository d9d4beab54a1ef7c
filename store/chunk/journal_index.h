/*
 * A private index of the journal (`.dolt/temptf/bd-journal-index`), so that opening and looking up cost
 * the same whatever the journal's length. Other programs ignore the file; deleting it costs one replay.
 *
 * Written only by the owner of noms/LOCK, mapped by readers, trusted by nobody:
 *  - It belongs to one journal: it repeats the first 64 bytes of it, and names the root record at which
 *    the covered part ends, which must be found there.
 *  - It is never synced. Each page that holds entries carries a checksum, so that a page lost in a
 * power cut is noticed when it is looked at; the journal is then replayed as if there were no index. An
 *    entry that is missing below the covered mark is thus impossible as long as the checksums hold.
 *  - A hit is a file offset; the caller compares the address in the journal record there.
 *
 * File: page 0 (identity, pointer to the newest descriptor, sync mark), then segments and descriptors,
 * only ever appended. A segment is a hash table of fixed 4 KiB buckets chosen by the first 32 bits of
 * the address. Segments grow by a factor of more than three from newest to oldest (smaller ones are
 * merged), so their number is logarithmic. Integers are in the machine's byte order; a file from a
 * machine with the other order is ignored.
 */
#ifndef STORE_CHUNK_JOURNAL_INDEX_H
#define STORE_CHUNK_JOURNAL_INDEX_H

#include "store/chunk/address_map.h"
#include "store/chunk/hash.h"

#include <stdbool.h>

#define JOURNAL_INDEX_FILE "bd-journal-index"
#define JOURNAL_HEAD_SIZE 64u

struct journal_index;

/* What the index knows of the journal. */
struct journal_coverage {
    uint64_t end;        /* the index covers [0, end); a root record ends here */
    uint64_t root_start; /* where that record begins */
    struct hash root;
    uint64_t chunks;
};

/* NULL when there is no index for this journal, or none that can be used. *synced_end: the end up to
 * which the journal is known to be synced, 0 when unknown. */
struct journal_index *journal_index_open(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE],
                                         uint64_t *synced_end);
void journal_index_close(struct journal_index *x); /* NULL is fine */
const struct journal_coverage *journal_index_coverage(const struct journal_index *x);

/*
 * Record offsets that may belong to the address, newest first: up to `max` are stored, the number found
 * is returned; -1 when the index is damaged.
 */
int journal_index_find(struct journal_index *x, const struct hash *h, uint64_t *offsets, int max);

/* --- for the owner of LOCK; failures are silent, because nothing depends on the index --- */

/* The end up to which the journal is known to be synced; 0 when unknown. */
uint64_t journal_index_synced_end(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE]);

/* Notes that the journal is synced up to `end`; makes the file if there is none. */
void journal_index_mark_synced(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE], uint64_t end);

void journal_index_remove(const char *dir);

/* What the index in the file covers now; end 0 when there is none. The caller checks that it fits. */
struct journal_coverage journal_index_peek(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE]);

/*
 * Extends the index to `to`. `chunks` holds (value = record offset) every chunk record from offset
 * `from` on, and maybe older ones. With `rebuild` (and from = 0) a new file replaces the old one, else
 * what the file covers must have been checked. False when the index does not reach `to` afterwards.
 */
bool journal_index_extend(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE],
                          const struct address_map *chunks, uint64_t from,
                          const struct journal_coverage *to, bool rebuild);

#endif
