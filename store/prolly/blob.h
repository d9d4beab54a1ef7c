/*
 * Blob trees: long values stored out of line, cut every 4000 bytes, fan-out 200 (Dolt:
 * go/store/prolly/tree/blob_builder.go), and the reading of JSON documents that Dolt indexed (internal
 * ADRM nodes over BLOB leaves).
 */
#ifndef STORE_PROLLY_BLOB_H
#define STORE_PROLLY_BLOB_H

#include "store/prolly/node_store.h"

/* *h is zero for size 0, and nothing is written. */
int blob_write(struct node_store *ns, const void *data, size_t size, struct hash *h, struct err *err);

/* Appends the whole value to out; a zero hash appends nothing. Handles blob trees and indexed JSON. */
int blob_read(struct node_store *ns, const struct hash *h, struct buf *out, struct err *err);

/* Length in bytes without reading the leaves where the tree allows it. */
int blob_size(struct node_store *ns, const struct hash *h, uint64_t *size, struct err *err);

/*
 * Writes JSON text (already normalised) exactly as Dolt's optimised JSON writer would: indexed leaves
 * cut by the splitter at locations.
 */
int blob_write_json(struct node_store *ns, const char *text, size_t size, struct hash *h,
                    struct err *err);

#endif
