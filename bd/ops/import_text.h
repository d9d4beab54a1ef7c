/*
 * A text that an import reads more than once: a file, or bytes in memory. It is never in memory as a
 * whole unless it was handed in so.
 */
#ifndef BD_OPS_IMPORT_TEXT_H
#define BD_OPS_IMPORT_TEXT_H

#include "base/err.h"

#include <stddef.h>

struct import_text {
    const char *name;  /* for messages; borrowed */
    const char *bytes; /* borrowed; NULL: read from fd */
    int fd;            /* owned; -1: none */
    size_t start;      /* where the text begins in the file */
    size_t size;
};

/* Opens a file. BD_NOT_FOUND and the like, BD_INVALID when it is no regular file. */
int import_text_open(struct import_text *t, const char *path, struct err *err);
void import_text_release(struct import_text *t);
/* Bytes [at, at + size), which lie inside. BD_CONFLICT: the file became shorter meanwhile. */
int import_text_read(const struct import_text *t, size_t at, size_t size, char *out, struct err *err);
/* What to say when the bytes are not those that were read before. */
int import_text_changed(const struct import_text *t, struct err *err);

#endif
