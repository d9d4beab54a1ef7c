/*
 * A whole export as a list of records in file order, records of one id joined, nothing of it in the
 * database yet.
 *
 * Of most issues only what a plan needs is kept; the rest stands in the text and is read again when the
 * issue is written (import_data_load).
 */
#ifndef BD_OPS_IMPORT_DATA_H
#define BD_OPS_IMPORT_DATA_H

#include "base/strmap.h"
#include "bd/ops/import_text.h"
#include "bd/ops/issue_record.h"

struct import_memory {
    const char *key, *value;
};
struct import_row {
    const char *issue_id, *label; /* label NULL: a comment */
    struct comment comment;
};
/* Of a backup set (import_set.h). */
struct import_setting {
    const char *key, *value;
};
struct import_event {
    const char *issue_id, *type, *actor, *old_value, *new_value, *comment; /* values NULL: none */
    const char *id;                                                        /* NULL: it was a number */
    int64_t number, created_at;
};
/* Called now and then during long work; total 0: unknown. */
typedef void (*import_progress_fn)(void *ctx, const char *what, size_t done, size_t total);

/* An issue of the text. */
struct import_issue {
    const char *id, *status, *issue_type;
    int64_t updated_at;
    const char *problem; /* why it cannot be taken, whatever the database says; NULL: it can */
    struct issue *whole; /* everything, for issues that do not stand in one line; NULL: read it */
    size_t at;           /* its line: text[at] … */
    uint32_t size, crc;  /* length and checksum of the line */
    uint8_t text;        /* which of the texts */
    bool ephemeral, no_history, has_closed_at;
    struct dependency *dependencies;
    size_t dependency_row_count;
};

#define IMPORT_TEXTS_MAX 8

struct import_data {
    import_progress_fn progress; /* NULL: none; told bytes of the text */
    void *progress_ctx;
    struct import_text texts[IMPORT_TEXTS_MAX];
    size_t text_count;
    struct import_issue *issues;
    size_t count, capacity;
    struct import_memory *memories;
    size_t memory_count, memory_capacity;
    struct dependency *rows; /* dependencies that stand on lines of their own */
    size_t row_count, row_capacity;
    struct import_row *loose; /* labels and comments on lines of their own */
    size_t loose_count, loose_capacity;
    struct import_setting *settings;
    size_t setting_count, setting_capacity;
    struct import_event *events;
    size_t event_count, event_capacity;
    struct strmap created;   /* ids of issues with an event `created` among them */
    size_t dependency_count; /* of all issues, and rows */
    size_t tombstones;
    size_t repeated; /* records of an id that stood in the text before */
    size_t replaced; /* records with texts that are no UTF-8, or have characters that cannot be kept */
    struct strmap unknown; /* members of issues that were left out → how many issues have them */
    struct strmap by_id;   /* id → index + 1; until import_data_finish */
    struct strmap words;   /* texts that come again and again */
};
#define IMPORT_DATA_INIT                                                                               \
    { 0 }
void import_data_release(struct import_data *d); /* closes the texts too */

/*
 * Adds the records of a text, which belongs to d from then on and is not changed; what is kept lives in
 * `a`. A later record of an id refreshes the earlier one as a second import would. BD_INVALID `failed
 * to parse JSONL line N: …`; nothing of the text is to be used then.
 */
int import_data_add(struct import_data *d, const struct import_text *text, struct arena *a,
                    struct err *err);
/* The same with bytes in memory that stay as long as d. */
int import_data_parse(struct import_data *d, const char *text, size_t size, struct arena *a,
                      struct err *err);
/* After the last text: labels and comments that stood on lines of their own join their issues.
 * BD_INVALID when one names an issue that is not here. */
int import_data_finish(struct import_data *d, struct arena *a, struct err *err);

/*
 * Everything of some issues; the texts live in `a`. Issues that follow each other in their text are
 * read at once. BD_CONFLICT when a text is not what it was.
 */
int import_data_load(const struct import_data *d, const struct import_issue *const *list, size_t count,
                     struct issue *out, struct arena *a, struct err *err);

#endif
