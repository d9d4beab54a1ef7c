/*
 * A whole export file in memory: its records in file order, records of one id joined, nothing of it in
 * the database yet.
 */
#ifndef BD_OPS_IMPORT_DATA_H
#define BD_OPS_IMPORT_DATA_H

#include "base/strmap.h"
#include "bd/ops/issue_record.h"

#define IMPORT_LINE_MAX ((size_t)64 << 20)

struct import_memory {
    const char *key, *value;
};
struct import_row {
    const char *issue_id, *label; /* label NULL: a comment */
    struct comment comment;
};
/* Called now and then during long work; total 0: unknown. */
typedef void (*import_progress_fn)(void *ctx, const char *what, size_t done, size_t total);

struct import_data {
    import_progress_fn progress; /* NULL: none; told bytes of the text */
    void *progress_ctx;
    struct issue *issues;
    size_t count, capacity;
    struct import_memory *memories;
    size_t memory_count, memory_capacity;
    struct dependency *rows; /* dependencies that stand on lines of their own */
    size_t row_count, row_capacity;
    struct import_row *loose; /* labels and comments on lines of their own */
    size_t loose_count, loose_capacity;
    size_t tombstones;
    struct strmap unknown; /* members of issues that were left out → how many issues have them */
    struct strmap by_id;   /* id → index + 1 */
};
#define IMPORT_DATA_INIT                                                                               \
    { 0 }
void import_data_release(struct import_data *d);

/*
 * Adds the records of a text, which is changed and must stay as long as d, with a writable NUL at
 * text[size]. A later record of an id refreshes the earlier one as a second import would. BD_INVALID
 * `failed to parse JSONL line N: …`; nothing of the text is to be used then.
 */
int import_data_parse(struct import_data *d, char *text, size_t size, struct arena *a, struct err *err);
/* After the last text: labels and comments that stood on lines of their own join their issues.
 * BD_INVALID when one names an issue that is not here. */
int import_data_finish(struct import_data *d, struct arena *a, struct err *err);

#endif
