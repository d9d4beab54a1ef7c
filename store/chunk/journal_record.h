/*
 * Records of the chunk journal: parsing, encoding, and the two walks over a journal file that every
 * reader and writer makes (replay up to the first invalid record; search for data lost behind it).
 */
#ifndef STORE_CHUNK_JOURNAL_RECORD_H
#define STORE_CHUNK_JOURNAL_RECORD_H

#include "base/err.h"
#include "base/mem.h"
#include "store/chunk/hash.h"

#include <stdbool.h>

#define JOURNAL_RECORD_MAX (UINT32_C(5) << 20)
#define JOURNAL_ROOT_SIZE 40u
#define JOURNAL_CHUNK_PAYLOAD 28u  /* where the payload starts in a chunk record */
#define JOURNAL_CHUNK_OVERHEAD 32u /* record size less payload size */

enum journal_record_kind { JOURNAL_ROOT = 1, JOURNAL_CHUNK = 2 };

struct journal_record {
    uint32_t size; /* whole record */
    int kind;
    struct hash address;     /* of the chunk, or the root */
    uint64_t timestamp;      /* Unix seconds; 0 in old root records */
    uint32_t payload_offset; /* from the start of the record */
    uint32_t payload_size;   /* snappy block and its CRC */
};

/* What lies at a position of the journal. */
enum journal_parse {
    JOURNAL_RECORD_OK,
    JOURNAL_RECORD_NONE,     /* fewer than four bytes: the clean end */
    JOURNAL_RECORD_ZERO,     /* length 0: padding */
    JOURNAL_RECORD_TOO_LONG, /* length over the limit */
    JOURNAL_RECORD_PARTIAL,  /* the file ends inside the record */
    JOURNAL_RECORD_BAD,      /* checksum or length wrong */
    JOURNAL_RECORD_UNKNOWN,  /* sound, but with a field or kind nobody knows */
};
enum journal_parse journal_record_parse(const uint8_t *bytes, size_t available,
                                        struct journal_record *r);
/* As parse without the checksum, for a record that was checked before. */
enum journal_parse journal_record_fields(const uint8_t *bytes, size_t available,
                                         struct journal_record *r);

void journal_append_root(struct buf *out, const struct hash *root, uint64_t unix_seconds);
/* Appends the record of a chunk; its size is at most JOURNAL_RECORD_MAX only if the chunk allows it. */
void journal_append_chunk(struct buf *out, const struct hash *address, const uint8_t *data,
                          size_t size);

/* Called for each record; anything but BD_OK ends the walk with that code. */
typedef int journal_visit(void *ctx, uint64_t offset, const uint8_t *bytes,
                          const struct journal_record *r, struct err *err);

struct journal_walk_end {
    uint64_t offset;         /* behind the last valid record */
    enum journal_parse stop; /* why it ended there */
};

/*
 * Visits the valid records of `fd` from offset `from` up to `size`. `path` is for messages. An unknown
 * field or kind is BD_CORRUPT; every other kind of end is BD_OK with *end filled.
 */
int journal_walk(int fd, const char *path, uint64_t from, uint64_t size, journal_visit *visit,
                 void *ctx, struct journal_walk_end *end, struct err *err);

/* The same in memory; map[0] is the first byte of the file. */
int journal_walk_mapped(const uint8_t *map, const char *path, uint64_t from, uint64_t size,
                        journal_visit *visit, void *ctx, struct journal_walk_end *end, struct err *err);

/*
 * Looks behind an invalid record for a valid root record that is followed, anywhere later, by another
 * valid record: such bytes were once committed and must not be cut off. *found tells.
 */
int journal_find_loss(int fd, const char *path, uint64_t from, uint64_t size, bool *found,
                      struct err *err);

/* Why a replay ended, as a phrase for messages. */
const char *journal_stop_text(enum journal_parse stop);

#endif
