/* What cannot be opened again (standard input, a pipe) is kept in memory; a file is read as it lies. */
#include "bd/cmd/import_source.h"

#include "base/os.h"
#include "bd/ops/import_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)4 << 30)

const char *import_source_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

const char *import_source_default(struct bd *bd) {
    const char *name = bd->global ? "global-issues.jsonl" : config_get(&bd->config, "import.path");
    if (!name || !*name)
        name = "issues.jsonl";
    return *name == '/' ? name : arena_printf(&bd->arena, "%s/%s", bd->ws.beads_dir, name);
}

static void release_records(struct import_source *s) {
    import_data_release(&s->data);
    free(s->piped);
    s->piped = NULL;
    arena_release(&s->memory);
}

void import_source_release(struct import_source *s) {
    release_records(s);
    progress_end(&s->progress);
}

static void show(void *ctx, const char *what, size_t done, size_t total);

/* What comes through a pipe stays in memory, as it cannot be read again. */
static int read_pipe(struct import_source *s, int fd, const char *what, struct err *err) {
    struct buf b = BUF_INIT;
    int rc = BD_OK;
    for (ssize_t n = 1; rc == BD_OK && n != 0;) {
        buf_reserve(&b, (size_t)1 << 20);
        n = read(fd, b.data + b.size, (size_t)1 << 20);
        if (n > 0)
            b.size += (size_t)n;
        if (n < 0 && errno != EINTR)
            rc = err_errno(err, "cannot read %s", what);
        else if (b.size > INPUT_MAX)
            rc = err_set(err, BD_INVALID, "%s is too large", what);
    }
    struct import_text text = {.name = s->path, .fd = -1, .size = b.size};
    s->piped = b.data;
    text.bytes = b.data ? b.data : "";
    return rc == BD_OK ? import_data_add(&s->data, &text, &s->memory, err) : rc;
}

static int read_input(struct import_source *s, struct err *err) {
    struct stat st;
    off_t at = lseek(STDIN_FILENO, 0, SEEK_CUR);
    if (at < 0 || os_fstat(STDIN_FILENO, &st) || !S_ISREG(st.st_mode))
        return read_pipe(s, STDIN_FILENO, "standard input", err);
    struct import_text text = {.name = s->path,
                               .fd = dup(STDIN_FILENO),
                               .start = (size_t)at,
                               .size = st.st_size > at ? (size_t)(st.st_size - at) : 0};
    if (text.fd < 0)
        return err_errno(err, "cannot read standard input");
    return import_data_add(&s->data, &text, &s->memory, err);
}

static int read_file(struct import_source *s, const char *path, struct err *err) {
    struct import_text text;
    int rc = import_text_open(&text, path, err);
    if (rc == BD_OK && text.size > INPUT_MAX)
        rc = err_set(err, BD_INVALID, "%s is too large", path);
    if (rc == BD_OK)
        return import_data_add(&s->data, &text, &s->memory, err);
    import_text_release(&text);
    return rc;
}

static int read_special(struct import_source *s, const char *path, struct err *err) {
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return err_errno(err, "cannot open %s", path);
    int rc = read_pipe(s, fd, path, err);
    os_close(fd);
    return rc;
}

/* Settings or events of a backup set, if it has them. */
static int read_rows(struct import_source *s, enum import_set_part part, const char *path,
                     struct err *err) {
    char *text;
    size_t size;
    if (!os_exists(path))
        return BD_OK;
    if (os_read_file(path, INPUT_MAX, &text, &size))
        return err_errno(err, "cannot read %s", path);
    int rc = import_set_add(&s->data, part, text, size, &s->memory, err);
    if (rc != BD_OK)
        err_prefix(err, "%s: failed to parse JSONL", path);
    free(text);
    return rc;
}

static int read_folder(struct bd *bd, const char *folder, struct import_source *s, struct err *err) {
    static const char *const files[] = {"issues", "labels", "comments", "dependencies"};
    size_t found = 0;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < sizeof files / sizeof *files; i++) {
        const char *path = arena_printf(&bd->arena, "%s/%s.jsonl", folder, files[i]);
        if (!os_exists(path))
            continue;
        found++;
        rc = read_file(s, path, err);
        if (rc != BD_OK)
            err_prefix(err, "%s", path);
    }
    static const char *const more[] = {
        [IMPORT_SET_SETTINGS] = "config", [IMPORT_SET_EVENTS] = "events"};
    for (size_t i = 0; rc == BD_OK && found && i < sizeof more / sizeof *more; i++)
        rc = read_rows(s, (enum import_set_part)i,
                       arena_printf(&bd->arena, "%s/%s.jsonl", folder, more[i]), err);
    if (rc == BD_OK && !found)
        rc = err_set(err, BD_NOT_FOUND, "cannot read %s: is a directory without issues.jsonl", folder);
    return rc;
}

static const char *notes_of(struct import_source *s);

int import_source_read(struct bd *bd, const char *path, struct import_source *s, struct err *err) {
    struct stat st;
    int rc;
    *s = (struct import_source){.path = path, .data = IMPORT_DATA_INIT, .memory = ARENA_INIT, .bd = bd};
    progress_begin(&s->progress, bd->err, bd->stderr_tty && !bd->quiet, "Reading");
    s->data.progress = show;
    s->data.progress_ctx = s;
    if (strcmp(path, "-") == 0) {
        s->path = "stdin";
        rc = read_input(s, err);
    } else if (os_stat(path, &st)) {
        rc = err_errno(err, "cannot read %s", path);
    } else if (S_ISDIR(st.st_mode)) {
        rc = read_folder(bd, path, s, err);
    } else {
        s->empty = S_ISREG(st.st_mode) && st.st_size == 0;
        s->stat = st;
        rc = S_ISREG(st.st_mode) ? read_file(s, path, err) : read_special(s, path, err);
    }
    if (rc == BD_OK) {
        rc = import_data_finish(&s->data, &s->memory, err);
        if (rc != BD_OK)
            err_prefix(err, "import failed");
    }
    if (rc == BD_OK)
        s->note = notes_of(s);
    return rc;
}

static void show(void *ctx, const char *what, size_t done, size_t total) {
    struct import_source *s = ctx;
    s->progress.what = what;
    progress_at(&s->progress, done, total);
}

void import_source_show(struct import_source *s, struct import_options *options) {
    options->progress = show;
    options->progress_ctx = s;
}

static void forget(void *ctx) { release_records(ctx); }

static int reload(void *ctx, struct err *err) {
    struct import_source *s = ctx;
    struct stat before = s->stat, now;
    if (os_stat(s->path, &now) || now.st_size != before.st_size || now.st_ino != before.st_ino ||
        now.st_mtim.tv_sec != before.st_mtim.tv_sec || now.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
        return err_set(err, BD_CONFLICT, "%s changed while it was imported; run the import again",
                       s->path);
    return import_source_read(s->bd, s->path, s, err);
}

void import_source_forgettable(struct import_source *s, struct import_options *options) {
    if (!S_ISREG(s->stat.st_mode) || s->data.text_count != 1)
        return;
    options->forget = forget;
    options->reload = reload;
    options->reload_ctx = s;
}

/* Taken down at once: the records may be gone when it is told. */
static const char *notes_of(struct import_source *s) {
    struct buf b = BUF_INIT;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&s->data.unknown, e));)
        buf_addf(&b, "%s %s (%zu)", b.size ? "," : "", e->key, (size_t)(uintptr_t)e->value);
    struct arena *a = &s->bd->arena;
    const struct import_data *d = &s->data;
    const char *note = "";
    if (b.size)
        note = arena_printf(
            a, "Note: an issue has no place for these members, which were left out:%s\n", buf_str(&b));
    buf_release(&b);
    if (d->repeated)
        note = arena_printf(
            a, "%sNote: %zu record%s came again with an id of this file; the last counts\n", note,
            d->repeated, d->repeated == 1 ? "" : "s");
    if (d->replaced)
        note =
            arena_printf(a,
                         "%sNote: %zu record%s had bytes that are not UTF-8 or characters that no text "
                         "can hold; U+FFFD stands for them\n",
                         note, d->replaced, d->replaced == 1 ? "" : "s");
    if (d->tombstones)
        note = arena_printf(a, "%sNote: %zu deleted issue%s (tombstones) left out\n", note,
                            d->tombstones, d->tombstones == 1 ? "" : "s");
    return *note ? note : NULL;
}

void import_source_report(const struct import_source *s, const struct import_result *r) {
    FILE *out = s->bd->err;
    for (size_t i = 0; i < r->skipped_count; i++)
        fprintf(out, "Skipped dependency: %s\n", r->skipped_dependencies[i]);
    if (s->note)
        fputs(s->note, out);
    if (r->settings || r->events)
        fprintf(out, "Also of the backup set: %zu events, %zu settings that were not set here\n",
                r->events, r->settings);
    if (r->lost_events)
        fprintf(out, "Note: %zu events of issues that are not here were left out\n", r->lost_events);
    if (!r->unknown_type_count)
        return;
    fprintf(out, "Note: issue types that are not configured here were kept:");
    for (size_t i = 0; i < r->unknown_type_count; i++)
        fprintf(out, "%s %s (%zu)", i ? "," : "", r->unknown_types[i].name, r->unknown_types[i].count);
    fprintf(out, "; add them with 'bd config set types.custom …'\n");
}
