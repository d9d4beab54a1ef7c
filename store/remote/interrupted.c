/* Two kinds: a whole database (a restore), and .dolt alone (the roll-back of a recovery). */
#include "store/remote/interrupted.h"

#include "base/os.h"
#include "store/chunk/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool has_store(const char *dot) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/noms", dot);
    bool yes = os_is_dir(path.data);
    buf_release(&path);
    return yes;
}

static bool has_database(struct arena *a, const char *dir) {
    return os_is_dir(arena_printf(a, "%s/.dolt", dir));
}

static bool ends_with(const char *name, const char *tail) {
    size_t n = strlen(name), m = strlen(tail);
    return n > m && name[n - m - 1] == '-' && strcmp(name + n - m, tail) == 0;
}

static bool starts_with(const char *name, const char *head) {
    return strncmp(name, head, strlen(head)) == 0;
}

static void split(const char *dir, struct arena *a, const char **parent, const char **name) {
    char *path = arena_strdup(a, dir);
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/';)
        path[--n] = '\0';
    char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    *parent = !slash ? "." : slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

/* The names in a folder, the newest first: they hold the time. */
static bool each_newest(const char *dir, bool (*fn)(void *ctx, const char *name), void *ctx) {
    char **names;
    size_t count;
    bool found = false;
    if (os_list_dir(dir, &names, &count))
        return false;
    for (size_t round = 0; !found && round < count; round++) {
        size_t best = 0;
        for (size_t i = 1; i < count; i++)
            if (strcmp(names[i], names[best]) > 0)
                best = i;
        found = fn(ctx, names[best]);
        names[best][0] = '\0';
    }
    os_free_list(names, count);
    return found;
}

struct search {
    const char *dir, *parent, *name;
    struct arena *a;
    struct interrupted *out;
};

/* The former one beside the new one: the exchange was under way. */
static bool is_interrupted_restore(void *ctx, const char *entry) {
    struct search *s = ctx;
    if (!starts_with(entry, INTERRUPTED_REPLACED) || !ends_with(entry, s->name))
        return false;
    const char *built = arena_printf(s->a, "%s/%s/%s", s->parent, entry, s->name),
               *old = arena_printf(s->a, "%s" INTERRUPTED_OLD, built);
    if (!has_database(s->a, old))
        return false;
    bool whole = has_database(s->a, built);
    *s->out = (struct interrupted){s->dir, whole ? built : old, whole ? old : NULL,
                                   arena_printf(s->a, "%s/.dolt/noms", old)};
    return true;
}

static bool is_interrupted_roll_back(void *ctx, const char *entry) {
    struct search *s = ctx;
    if (!starts_with(entry, ".dolt.restore-"))
        return false;
    const char *ready = arena_printf(s->a, "%s/%s", s->dir, entry);
    if (!has_store(ready))
        return false;
    *s->out = (struct interrupted){arena_printf(s->a, "%s/.dolt", s->dir), ready, NULL,
                                   arena_printf(s->a, "%s/noms", ready)};
    return true;
}

static bool is_former_dolt(void *ctx, const char *entry) {
    struct search *s = ctx;
    if (!starts_with(entry, ".dolt.failed-"))
        return false;
    s->out->former = arena_printf(s->a, "%s/%s", s->dir, entry);
    return true;
}

bool interrupted_find(const char *dir, struct arena *a, struct interrupted *out) {
    struct search s = {.dir = dir, .a = a, .out = out};
    split(dir, a, &s.parent, &s.name);
    if (!os_exists(dir))
        return each_newest(s.parent, is_interrupted_restore, &s);
    if (os_exists(arena_printf(a, "%s/.dolt", dir)) || !each_newest(dir, is_interrupted_roll_back, &s))
        return false;
    each_newest(dir, is_former_dolt, &s);
    return true;
}

struct search_in {
    const char *dir;
    struct arena *a;
    struct interrupted *out;
};

static bool find_of_former(void *ctx, const char *former) {
    struct search_in *s = ctx;
    size_t n = strlen(former), tail = sizeof INTERRUPTED_OLD - 1;
    return n > tail && strcmp(former + n - tail, INTERRUPTED_OLD) == 0 &&
           interrupted_find(arena_printf(s->a, "%s/%s", s->dir, arena_strndup(s->a, former, n - tail)),
                            s->a, s->out);
}

static bool find_of_entry(void *ctx, const char *entry) {
    struct search_in *s = ctx;
    const char *path = arena_printf(s->a, "%s/%s", s->dir, entry);
    return starts_with(entry, INTERRUPTED_REPLACED) ? each_newest(path, find_of_former, s)
                                                    : interrupted_find(path, s->a, s->out);
}

bool interrupted_find_in(const char *databases, struct arena *a, struct interrupted *out) {
    struct search_in s = {databases, a, out};
    return each_newest(databases, find_of_entry, &s);
}

int interrupted_finish(const char *dir, bool *done, struct err *err) {
    struct arena a = ARENA_INIT;
    struct interrupted found;
    struct store_lock lock;
    const char *parent, *name;
    *done = false;
    if (!interrupted_find(dir, &a, &found)) {
        arena_release(&a);
        return BD_OK;
    }
    bool lockable = os_is_dir(found.lock);
    store_lock_init(&lock, found.lock);
    int rc = lockable ? store_lock_take(&lock, 0, err) : BD_OK;
    if (rc == BD_BUSY)
        err_set(err, rc, "%s is being replaced by another process; try again when it is done",
                found.place);
    split(found.place, &a, &parent, &name);
    if (rc == BD_OK && os_rename(found.ready, found.place) == 0)
        *done = true;
    else if (rc == BD_OK && errno != EEXIST && errno != ENOTEMPTY) /* else somebody was quicker */
        rc = err_errno(err, "cannot move %s to %s", found.ready, found.place);
    if (*done && os_fsync_dir(parent))
        rc = err_errno(err, "cannot sync %s", parent);
    store_lock_give(&lock);
    store_lock_close(&lock);
    arena_release(&a);
    return rc;
}
