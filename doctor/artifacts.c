/* The walk. A .beads directory that redirects should hold the file redirect and nothing else that
 * matters. */
#include "doctor/artifacts.h"

#include "base/os.h"
#include "bd/workspace/workspace.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 24

const char *const artifact_kind_names[] = {"sqlite", "cruft-beads", "redirect"};

struct walk {
    struct arena *a;
    struct artifact *items;
    size_t count, capacity;
};

static void add(struct walk *w, enum artifact_kind kind, const char *path, const char *description,
                bool safe) {
    MEM_GROW(w->items, w->capacity, w->count + 1);
    w->items[w->count++] = (struct artifact){kind, path, description, safe};
}

static bool ends(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && strcmp(s + n - m, end) == 0;
}

/* First line of the file redirect that says something, made absolute; NULL without one. */
static const char *redirect(struct walk *w, const char *dir, bool *exists) {
    char *text, *save = NULL;
    size_t size;
    const char *target = NULL;
    *exists = os_read_file(arena_printf(w->a, "%s/redirect", dir), 65536, &text, &size) == 0;
    if (!*exists)
        return NULL;
    for (char *line = strtok_r(text, "\r\n", &save); line && !target;
         line = strtok_r(NULL, "\r\n", &save)) {
        line += strspn(line, " \t");
        const char *slash = strrchr(dir, '/');
        if (*line && *line != '#')
            target = *line == '/' ? arena_strdup(w->a, line)
                                  : arena_printf(w->a, "%.*s/%s", (int)(slash - dir), dir, line);
    }
    free(text);
    return target;
}

static void look_into(struct walk *w, const char *dir) {
    bool redirects;
    const char *target = redirect(w, dir, &redirects);
    bool dolt = os_is_dir(arena_printf(w->a, "%s/embeddeddolt", dir)) ||
                os_is_dir(arena_printf(w->a, "%s/dolt", dir));
    DIR *open = opendir(dir);
    struct buf extra = BUF_INIT;
    for (struct dirent *e; open && (e = readdir(open));) {
        const char *name = e->d_name, *path = arena_printf(w->a, "%s/%s", dir, name);
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (dolt && (strcmp(name, "beads.db-shm") == 0 || strcmp(name, "beads.db-wal") == 0))
            add(w, ARTIFACT_SQLITE, path, "SQLite side file (Dolt is active backend)",
                !os_exists(arena_printf(w->a, "%s/beads.db", dir)));
        else if (dolt && strcmp(name, "beads.db") == 0)
            add(w, ARTIFACT_SQLITE, path, "SQLite database file (Dolt is active backend)", false);
        else if (dolt && strncmp(name, "beads.backup-", 13) == 0 && ends(name, ".db"))
            add(w, ARTIFACT_SQLITE, path, "pre-migration backup", true);
        else if (redirects &&
                 (strcmp(name, "embeddeddolt") == 0 || strcmp(name, "dolt") == 0 || ends(name, ".db")))
            buf_addf(&extra, "%s%s", extra.size ? ", " : "", name);
    }
    if (open)
        closedir(open);
    if (extra.size)
        add(w, ARTIFACT_CRUFT, arena_strdup(w->a, dir),
            arena_printf(w->a, "redirects elsewhere but has a database of its own: %s", extra.data),
            false);
    buf_release(&extra);
    if (redirects && !target)
        add(w, ARTIFACT_REDIRECT, arena_printf(w->a, "%s/redirect", dir), "redirect file is empty",
            false);
    else if (target && !os_is_dir(target))
        add(w, ARTIFACT_REDIRECT, arena_printf(w->a, "%s/redirect", dir),
            arena_printf(w->a, "redirect target %s: %s",
                         os_exists(target) ? "is not a directory" : "does not exist", target),
            false);
}

static void walk(struct walk *w, const char *dir, int depth) {
    static const char *const skipped[] = {".", "..", ".git", "node_modules", "vendor", "__pycache__"};
    DIR *open = depth < DEPTH_MAX ? opendir(dir) : NULL;
    for (struct dirent *e; open && (e = readdir(open));) {
        struct stat st;
        bool skip = false;
        for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++)
            skip = skip || strcmp(e->d_name, skipped[i]) == 0;
        if (skip || (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN))
            continue;
        const char *path = arena_printf(w->a, "%s/%s", dir, e->d_name);
        if (e->d_type == DT_UNKNOWN && (lstat(path, &st) || !S_ISDIR(st.st_mode)))
            continue;
        if (strcmp(e->d_name, ".beads") == 0)
            look_into(w, path);
        else
            walk(w, path, depth + 1);
    }
    if (open)
        closedir(open);
}

static int by_kind(const void *x, const void *y) {
    const struct artifact *a = x, *b = y;
    return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->path, b->path);
}

void artifacts_find(const char *root, struct arena *a, struct artifact **list, size_t *count) {
    struct walk w = {.a = a};
    walk(&w, root, 0);
    if (w.count)
        qsort(w.items, w.count, sizeof *w.items, by_kind);
    *list = arena_dup(a, w.items ? (void *)w.items : (void *)"", w.count * sizeof *w.items);
    *count = w.count;
    free(w.items);
}
