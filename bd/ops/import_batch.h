/*
 * Some of the issues of an import with everything they have, as they will be written. A batch is loaded
 * in parts, each of which any thread may take. Private to import*.c.
 */
#ifndef BD_OPS_IMPORT_BATCH_H
#define BD_OPS_IMPORT_BATCH_H

#include "bd/ops/import_plan.h"

#define BATCH_ISSUES 768
#define BATCH_PARTS 4

struct import_batch {
    const struct plan *plan;
    struct known **knowns;
    const struct import_issue **from; /* their records */
    struct issue *issues;
    size_t count;
    struct arena memory;
    struct batch_part {
        struct arena memory;
        struct err err;
        int rc;
    } parts[BATCH_PARTS];
};

void import_batch_init(struct import_batch *b, const struct plan *p);
void import_batch_release(struct import_batch *b);
void import_batch_clear(struct import_batch *b);
/* At most BATCH_ISSUES. */
void import_batch_add(struct import_batch *b, struct known *k);

/* Each part once, then import_batch_loaded, which gives the first error. */
void import_batch_load_part(struct import_batch *b, size_t part);
int import_batch_loaded(struct import_batch *b, struct err *err);
/* Both, on all processors. */
int import_batch_load(struct import_batch *b, struct err *err);

#endif
