#include "bd/cmd/import_source.h"

#include "base/os.h"

#include <errno.h>
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
    for (size_t i = 0; i < s->text_count; i++)
        free(s->texts[i]);
    s->text_count = 0;
    arena_release(&s->memory);
}

void import_source_release(struct import_source *s) {
    release_records(s);
    progress_end(&s->progress);
}

static void show(void *ctx, const char *what, size_t done, size_t total);

static int read_stdin(char **data, size_t *size, struct err *err) {
    struct buf b = BUF_INIT;
    for (;;) {
        buf_reserve(&b, (size_t)1 << 20);
        ssize_t n = read(STDIN_FILENO, b.data + b.size, (size_t)1 << 20);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            buf_release(&b);
            return err_errno(err, "cannot read standard input");
        }
        if (n == 0)
            break;
        b.size += (size_t)n;
        if (b.size > INPUT_MAX) {
            buf_release(&b);
            return err_set(err, BD_INVALID, "standard input is too large");
        }
    }
    *size = b.size;
    buf_add_char(&b, 0);
    *data = buf_detach(&b);
    return BD_OK;
}

static int parse(struct import_source *s, char *text, size_t size, struct err *err) {
    s->texts[s->text_count++] = text;
    return import_data_parse(&s->data, text, size, &s->memory, err);
}

static int read_folder(struct bd *bd, const char *folder, struct import_source *s, struct err *err) {
    static const char *const files[] = {"issues", "labels", "comments", "dependencies"};
    size_t found = 0, size;
    char *text;
    int rc = BD_OK;
    for (size_t i = 0; rc == BD_OK && i < sizeof files / sizeof *files; i++) {
        const char *path = arena_printf(&bd->arena, "%s/%s.jsonl", folder, files[i]);
        if (!os_exists(path))
            continue;
        found++;
        if (os_read_file(path, INPUT_MAX, &text, &size))
            return err_errno(err, "cannot open %s", path);
        rc = parse(s, text, size, err);
        if (rc != BD_OK)
            err_prefix(err, "%s", path);
    }
    if (rc == BD_OK && !found)
        rc = err_set(err, BD_NOT_FOUND, "cannot read %s: is a directory without issues.jsonl", folder);
    return rc;
}

static const char *note_unknown(struct import_source *s);

int import_source_read(struct bd *bd, const char *path, struct import_source *s, struct err *err) {
    struct stat st;
    char *text;
    size_t size;
    int rc;
    *s = (struct import_source){.path = path, .data = IMPORT_DATA_INIT, .memory = ARENA_INIT, .bd = bd};
    progress_begin(&s->progress, bd->err, bd->stderr_tty && !bd->quiet, "Reading");
    s->data.progress = show;
    s->data.progress_ctx = s;
    if (strcmp(path, "-") == 0) {
        s->path = "stdin";
        rc = read_stdin(&text, &size, err);
        if (rc == BD_OK)
            rc = parse(s, text, size, err);
    } else if (os_stat(path, &st)) {
        rc = err_errno(err, "cannot read %s", path);
    } else if (S_ISDIR(st.st_mode)) {
        rc = read_folder(bd, path, s, err);
    } else {
        s->empty = S_ISREG(st.st_mode) && st.st_size == 0;
        s->stat = st;
        rc = os_read_file(path, INPUT_MAX, &text, &size) ? err_errno(err, "cannot open %s", path)
                                                         : parse(s, text, size, err);
    }
    if (rc == BD_OK) {
        rc = import_data_finish(&s->data, &s->memory, err);
        if (rc != BD_OK)
            err_prefix(err, "import failed");
    }
    if (rc == BD_OK)
        s->note = note_unknown(s);
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
    if (!S_ISREG(s->stat.st_mode) || s->text_count != 1)
        return;
    options->forget = forget;
    options->reload = reload;
    options->reload_ctx = s;
}

/* Taken down at once: the records may be gone when it is told. */
static const char *note_unknown(struct import_source *s) {
    struct buf b = BUF_INIT;
    for (struct strmap_entry *e = NULL; (e = strmap_next(&s->data.unknown, e));)
        buf_addf(&b, "%s %s (%zu)", b.size ? "," : "", e->key, (size_t)(uintptr_t)e->value);
    const char *note =
        b.size ? arena_printf(&s->bd->arena,
                              "Note: an issue has no place for these members, which were left out:%s\n",
                              buf_str(&b))
               : NULL;
    buf_release(&b);
    return note;
}

void import_source_report(const struct import_source *s, const struct import_result *r) {
    FILE *out = s->bd->err;
    for (size_t i = 0; i < r->skipped_count; i++)
        fprintf(out, "Skipped dependency: %s\n", r->skipped_dependencies[i]);
    if (s->note)
        fputs(s->note, out);
    if (!r->unknown_type_count)
        return;
    fprintf(out, "Note: issue types that are not configured here were kept:");
    for (size_t i = 0; i < r->unknown_type_count; i++)
        fprintf(out, "%s %s (%zu)", i ? "," : "", r->unknown_types[i].name, r->unknown_types[i].count);
    fprintf(out, "; add them with 'bd config set types.custom …'\n");
}
