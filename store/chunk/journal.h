/*
 * The chunk journal of a directory as one process sees it: a validated prefix, its last root, and where
 * each chunk lies. The prefix only grows; a journal file that was replaced is a new struct journal.
 */
#ifndef STORE_CHUNK_JOURNAL_H
#define STORE_CHUNK_JOURNAL_H

#include "base/err.h"
#include "base/mem.h"
#include "store/chunk/address_map.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/journal_index.h"
#include "store/chunk/journal_record.h"

#include <sys/types.h>

struct journal {
    char *dir, *path;
    uint8_t head[JOURNAL_HEAD_SIZE]; /* first bytes of the file, once it is that long */
    bool has_head;
    int fd;       /* read-only */
    int write_fd; /* -1 until the first commit */
    dev_t device;
    ino_t inode;
    uint64_t end;            /* of the validated prefix */
    uint64_t size;           /* of the file when it was validated; more than `end` = invalid tail */
    enum journal_parse tail; /* what stands at `end` */
    bool has_root;
    struct hash root;            /* address of the last root record */
    uint64_t root_start;         /* where it begins */
    uint64_t root_end;           /* behind the last root record */
    uint64_t settled;            /* everything before was synced before its successor was written */
    struct journal_index *index; /* of the records before index_end; NULL: none */
    uint64_t index_end;
    uint64_t index_chunks;
    bool distrusted;           /* the index gave wrong answers: write a new one */
    struct address_map chunks; /* record size and offset of the chunks behind index_end */
    const uint8_t *map;        /* [0, map_size) with map_size <= settled; made when first read */
    size_t map_size;
    enum chunk_reading reading; /* without a mapping: pages of a long journal would fill memory */
    struct buf scratch;         /* the bytes [window, window + scratch.size) */
    uint64_t window;
    struct journal_block *blocks; /* read along the history; NULL: none yet */
    uint64_t block_uses;
    uint64_t synced_end; /* bytes known to be synced */
    uint64_t replayed;   /* bytes parsed since open */
};

/* BD_NOT_FOUND when there is no journal file; BD_CORRUPT when committed data is lost. */
int journal_open(struct journal **out, const char *dir, struct err *err);
void journal_close(struct journal *j); /* NULL is fine */

/*
 * Takes in what was appended since. *replaced is set, and nothing else done, when the file at the path
 * is no longer this one (or is gone, or was cut below the validated prefix).
 */
int journal_refresh(struct journal *j, bool *replaced, struct err *err);

/* BD_OK or BD_NOT_FOUND (no message) or an error. */
int journal_has(struct journal *j, const struct hash *h, struct err *err);
/* As has; *data is malloc'd. *place is looked at first, and set to where the record is. With `packed`
 * (may be NULL) the bytes are a snappy record, and *packed is set. */
int journal_get(struct journal *j, const struct hash *h, struct chunk_place *place, uint8_t **data,
                size_t *size, bool *packed, struct err *err);

/* The validated prefix as far as it may be mapped; *size is 0 when that cannot be. Until the next call
 * of any other function. */
const uint8_t *journal_map(struct journal *j, uint64_t *size);

void journal_set_reading(struct journal *j, enum chunk_reading how);

/* Replays the whole file instead of trusting an index; *dropped: there was an index to distrust. */
int journal_drop_index(struct journal *j, bool *dropped, struct err *err);

/* Visits the records of the validated prefix from the start of the file. */
int journal_each(struct journal *j, journal_visit *visit, void *ctx, struct err *err);

/* For the owner of LOCK: whether all bytes of the validated prefix are known to be synced. */
bool journal_is_synced(struct journal *j);
/* For the owner of LOCK, when all is synced and ends with a root record: remembers that, extends the
 * index. */
void journal_note_synced(struct journal *j);

/* After the owner of LOCK appended `size` bytes of valid records, of which the last is a root record.
 */
int journal_appended(struct journal *j, const uint8_t *records, size_t size, struct err *err);

uint64_t journal_chunk_count(const struct journal *j);

#endif
