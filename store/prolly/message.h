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

#endif
