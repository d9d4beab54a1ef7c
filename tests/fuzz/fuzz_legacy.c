/*
 * Any bytes as the SQLite file of an old version: it is refused, or read to its last row; every text
 * that comes out is UTF-8 that fits its column, and the file has not changed. The bytes as a time, too.
 */
#include "base/os.h"
#include "migrate/legacy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One table that has the columns of all. */
static const struct {
    const char *name, *type;
} columns[] = {
    {"id", "varchar(255)"},
    {"issue_id", "varchar(255)"},
    {"parent_id", "varchar(255)"},
    {"type", "varchar(32)"},
    {"created_at", "datetime"},
    {"metadata", "json"},
    {"thread_id", "varchar(255)"},
    {"depends_on_issue_id", "varchar(255)"},
    {"depends_on_wisp_id", "varchar(255)"},
    {"depends_on_external", "varchar(255)"},
    {"title", "varchar(5)"},
    {"description", "longtext"},
    {"status", "varchar(32)"},
    {"priority", "int"},
    {"ephemeral", "tinyint(1)"},
    {"waiters", "text"},
    {"content_hash", "varchar(64)"},
    {"is_blocked", "tinyint(1)"},
    {"key", "varchar(255)"},
    {"value", "text"},
    {"label", "varchar(255)"},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static struct column table_columns[COLUMNS];
static struct schema table;
static char path[300];

static void prepare(void) {
    static struct arena a;
    const char *base = getenv("TMPDIR");
    for (size_t i = 0; i < COLUMNS; i++) {
        table_columns[i] =
            (struct column){.name = columns[i].name, .type_text = columns[i].type, .nullable = i > 0};
        table_columns[i].default_text = "";
        if (sql_type_parse(columns[i].type, &a, &table_columns[i].type, NULL))
            abort();
    }
    table = (struct schema){.columns = table_columns, .column_count = COLUMNS};
    snprintf(path, sizeof path, "%s/bd-fuzz-legacy-%ld.db", base ? base : "/tmp", (long)getpid());
}

static void check_text(const struct cell *c) {
    const unsigned char *s = (const unsigned char *)c->s.data;
    for (size_t i = 0; i < c->s.size; i++)
        if (s[i] == 0xc0 || s[i] == 0xc1 || s[i] > 0xf4)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena a = ARENA_INIT;
    struct legacy l;
    int64_t micros;
    if (!path[0])
        prepare();
    legacy_time((const char *)data, size < 64 ? size : 64, &micros);
    FILE *f = fopen(path, "wb");
    if (!f || (size && fwrite(data, size, 1, f) != 1) || fclose(f))
        abort();
    if (legacy_open(&l, path, &a, NULL) == BD_OK) {
        const struct schema *schemas[LEGACY_TARGETS];
        for (int i = 0; i < LEGACY_TARGETS; i++)
            schemas[i] = &table;
        struct legacy_cursor *c = legacy_cursor_new(&l, schemas);
        enum legacy_target t;
        const struct cell *cells;
        while (legacy_cursor_next(c, &t, &cells, NULL) == BD_OK) {
            if (t >= LEGACY_TARGETS || (cell_has_text(&cells[10]) && cells[10].s.size > 20))
                abort();
            for (size_t i = 0; i < COLUMNS; i++)
                if (cell_has_text(&cells[i]))
                    check_text(&cells[i]);
        }
        size_t count;
        legacy_note_texts(&l, &a, &count);
        legacy_cursor_free(c);
        legacy_close(&l);
    }
    char *after;
    size_t after_size;
    if (os_read_file(path, (size_t)1 << 24, &after, &after_size) || after_size != size ||
        (size && memcmp(after, data, size) != 0))
        abort();
    free(after);
    unlink(path);
    arena_release(&a);
    return 0;
}
