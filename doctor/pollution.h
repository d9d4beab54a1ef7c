/* Issues that look as if a test had left them, with a score and its reasons. */
#ifndef DOCTOR_POLLUTION_H
#define DOCTOR_POLLUTION_H

#include "store/db/tables.h"

enum { POLLUTION_REASONS = 5 };
struct pollution {
    const char *id, *title;
    double score; /* 0.7 and more: reported; 0.9 and more: sure */
    const char *reasons[POLLUTION_REASONS];
    size_t reason_count;
    int64_t created_at; /* INT64_MIN: unknown */
};

/* In the order of the ids, in the arena. */
int pollution_find(struct tables_txn *x, struct arena *a, struct pollution **list, size_t *count,
                   struct err *err);

#endif
