/*
 * Where trees read their nodes from and put new ones: a chunk store with a write overlay.
 *
 * New chunks stay in memory until the transaction ends; node_store_collect then picks those that a new
 * root really needs. Addresses are computed on write, so equal content is one chunk.
 */
#ifndef STORE_PROLLY_NODE_STORE_H
#define STORE_PROLLY_NODE_STORE_H

#include "base/mem.h"
#include "store/chunk/chunk_store.h"

#include <stdbool.h>

struct node_store;

/* cs may be NULL: a store in memory only (tests, building a new database). cs must outlive it. */
struct node_store *node_store_new(struct chunk_store *cs);
/* Over anything else that chunks can be read from. What `read` hands out must live as long as the
 * caller uses it. */
typedef int (*node_store_reader)(void *ctx, const struct hash *h, struct chunk *out, struct err *err);
struct node_store *node_store_new_over(node_store_reader read, void *ctx);
void node_store_free(struct node_store *ns);

/* Reads from the overlay, then from the chunk store. The bytes live until node_store_free/_reset. */
int node_store_read(struct node_store *ns, const struct hash *h, struct chunk *out, struct err *err);

/* The same by chunk_store_get_passing, for what lies below the root of a tree. */
int node_store_read_passing(struct node_store *ns, const struct hash *h, struct chunk *out,
                            struct err *err);

/* Keeps a copy of the bytes in the overlay; *h gets the address. */
int node_store_write(struct node_store *ns, const void *data, size_t size, struct hash *h,
                     struct err *err);

/* As node_store_write; the copy and its address stay where they are until _reset or _free. */
int node_store_put(struct node_store *ns, const void *data, size_t size,
                   const struct chunk_write **stored, struct err *err);

/* Keeps a copy of bytes that are no chunk (an embedded root), as long as the overlay. */
struct chunk node_store_keep(struct node_store *ns, const void *data, size_t size);

/*
 * A second overlay on top of this one, for a thread of its own: it reads what is here, and what it
 * writes is here after node_store_join, which also frees it. While forks are in use nobody writes to
 * ns, reads it only through them, or reads the chunk store.
 */
struct node_store *node_store_fork(struct node_store *ns);
void node_store_join(struct node_store *ns, struct node_store *fork);

/*
 * Very much at once is not kept until the end: chunks of a fork may go into the chunk store before the
 * root that leads to them, in the order they were made. `root` is the one the transaction started from;
 * it stays, so what a transaction that fails has left is unreachable and goes with the next collection.
 */
void node_store_allow_ahead(struct node_store *ns, const struct hash *root);
/*
 * Puts the chunks of a fork away when they are more than `limit` bytes, if that is allowed; their bytes
 * are gone then, also for whoever holds pointers. What chunk_store_commit says: BD_ROOT_MOVED …
 */
int node_store_put_ahead(struct node_store *fork, size_t limit, struct err *err);
/* Whether that may happen, and whether it has. */
bool node_store_may_put_ahead(const struct node_store *fork);
bool node_store_has_put_ahead(const struct node_store *fork);

/* What the `read` of node_store_new_over handed out is gone: nothing that was kept of it is used. */
void node_store_forget_read(struct node_store *ns);

/* Forgets all unwritten chunks (a lost race, a rollback). */
void node_store_reset(struct node_store *ns);

/*
 * The overlay chunks that are reachable from `root` without passing through a chunk the store already
 * has, children before parents. *list is allocated in `a`; data is borrowed from the overlay.
 */
int node_store_collect(struct node_store *ns, const struct hash *root, struct arena *a,
                       struct chunk_write **list, size_t *count, struct err *err);

/*
 * What short contents became, so that values that come again and again (empty objects, recurring texts)
 * are encoded and hashed once. `kind` tells the encodings of equal bytes apart. NULL when unknown or
 * longer than NODE_STORE_RECALL_MAX; what is recalled is in the overlay.
 */
#define NODE_STORE_RECALL_MAX 61
enum { BLOB_TEXT = 1, BLOB_JSON };
const struct hash *node_store_recall(const struct node_store *ns, uint8_t kind, const void *data,
                                     size_t size);
void node_store_remember(struct node_store *ns, uint8_t kind, const void *data, size_t size,
                         const struct hash *h);

#endif
