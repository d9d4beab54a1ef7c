/* A batch of lines is cut into parts of equal number; the first line that fails is the one told. */
#include "bd/ops/import_lines.h"

#include "base/parallel.h"
#include "store/chunk/crc32c.h"

#include <stdlib.h>
#include <string.h>

/* Each part of a batch is read into memory of its own. */
#define PARTS_MAX 16u
#define LINES_WORTH_THREADS 300u

struct part {
    struct import_line *lines;
    struct record *records;
    size_t count;
    struct arena memory;
    size_t failed; /* the line that could not be read, for rc */
    int rc;
    struct err err;
};

static bool is_conflict_mark(const char *line, size_t size) {
    return size >= 7 && (memcmp(line, "<<<<<<<", 7) == 0 || memcmp(line, "=======", 7) == 0 ||
                         memcmp(line, ">>>>>>>", 7) == 0);
}

static int parse_line(struct import_line *l, struct arena *a, struct record *r, struct err *err) {
    if (l->size > IMPORT_LINE_MAX)
        return err_set(err, BD_INVALID, "longer than %zu bytes", IMPORT_LINE_MAX);
    if (is_conflict_mark(l->text, l->size))
        return err_set(err, BD_INVALID,
                       "a git conflict marker; resolve the conflict in the file first");
    l->crc = crc32c(l->text, l->size);
    return record_parse(l->text, l->size, a, r, err);
}

static void parse_part(void *ctx, size_t i) {
    struct part *p = (struct part *)ctx + i;
    for (size_t k = 0; p->rc == BD_OK && k < p->count; k++) {
        p->rc = parse_line(&p->lines[k], &p->memory, &p->records[k], &p->err);
        p->failed = k;
    }
}

int import_lines_parse(struct import_line *lines, size_t count, struct record *records, struct arena *a,
                       size_t *failed, struct err *err) {
    struct part *parts = mem_zalloc(PARTS_MAX, sizeof *parts);
    size_t n = count < LINES_WORTH_THREADS ? 1 : PARTS_MAX;
    int rc = BD_OK;
    for (size_t i = 0; i < n; i++) {
        size_t start = count * i / n;
        parts[i].lines = lines + start;
        parts[i].records = records + start;
        parts[i].count = count * (i + 1) / n - start;
    }
    parallel_run(n, parse_part, parts);
    for (size_t i = 0; i < n; i++) {
        struct part *p = &parts[i];
        arena_absorb(a, &p->memory);
        if (rc != BD_OK || p->rc == BD_OK)
            continue;
        rc = p->rc;
        *failed = (size_t)(p->lines - lines) + p->failed;
        if (err)
            *err = p->err;
    }
    free(parts);
    return rc;
}
