/*
 * The message envelope (kind byte 27, u24 big-endian length, flatbuffer with a 4-letter identifier) and
 * the addresses that any message refers to. Source of the layouts: Dolt go/serial and its generated
 * code.
 */
#ifndef STORE_PROLLY_MESSAGE_H
#define STORE_PROLLY_MESSAGE_H

#include "base/err.h"
#include "store/chunk/chunk_store.h"

enum message_kind {
    MESSAGE_UNKNOWN = 0,
    MESSAGE_STORE_ROOT,      /* STRT */
    MESSAGE_ROOT_VALUE,      /* RTVL */
    MESSAGE_TABLE,           /* DTBL */
    MESSAGE_TABLE_SCHEMA,    /* DSCH */
    MESSAGE_FOREIGN_KEYS,    /* DFKC */
    MESSAGE_TREE_NODE,       /* TUPM */
    MESSAGE_ADDRESS_MAP,     /* ADRM */
    MESSAGE_COMMIT_CLOSURE,  /* CMCL */
    MESSAGE_MERGE_ARTIFACTS, /* ARTM */
    MESSAGE_BLOB,            /* BLOB */
    MESSAGE_COMMIT,          /* DCMT */
    MESSAGE_TAG,             /* DTAG */
    MESSAGE_WORKING_SET,     /* WRST */
    MESSAGE_STASH,           /* STSH */
    MESSAGE_STASH_LIST,      /* SLST */
    MESSAGE_STATISTIC,       /* STAT */
    MESSAGE_TUPLE,           /* TUPL */
    MESSAGE_VECTOR_NODE,     /* IVFF */
};

/* Kind by identifier; MESSAGE_UNKNOWN when the envelope is not one of ours or lengths disagree. */
enum message_kind message_kind_of(const struct chunk *c);

/*
 * Calls fn for every address the message refers to (zero addresses are skipped), including those inside
 * embedded messages. fn returns BD_OK to go on; any other value ends the walk and is returned.
 * BD_CORRUPT when the message does not parse.
 */
typedef int (*message_ref_fn)(void *ctx, const struct hash *h);
int message_walk(const struct chunk *c, message_ref_fn fn, void *ctx, struct err *err);

/*
 * The same; `field` tells through which part of the message the address was reached. Addresses of one
 * field follow one another, so that two versions of a message can be compared field by field.
 */
typedef int (*message_field_fn)(void *ctx, unsigned field, const struct hash *h);
int message_walk_fields(const struct chunk *c, message_field_fn fn, void *ctx, struct err *err);
/* The field of an inner tree node under which its children stand. */
#define MESSAGE_FIELD_CHILDREN 1u
/* The field of a table message under which its secondary indexes stand, in the order of their names. */
#define MESSAGE_FIELD_INDEXES 25u
/* The field of a commit under which its root value stands. */
#define MESSAGE_FIELD_COMMIT_ROOT 2u

#endif
