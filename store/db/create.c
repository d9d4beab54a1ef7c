/*
 * A new database. Everything is built beside its place, synced, and renamed into it, so a crash leaves
 * either nothing to be seen or a complete database.
 */
#include "store/db/commit.h"
#include "store/db/repo_state.h"
#include "store/db/root_value.h"
#include "store/db/store_root.h"
#include "store/db/tables.h"
#include "store/db/working_set.h"

#include "base/datetime.h"
#include "base/os.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The chunks of the first commit; *root is the store root. */
static int build_first_commit(struct node_store *ns, const char *branch,
                              const struct tables_identity *author, struct arena *a, struct hash *root,
                              struct err *err) {
    struct root_value rv;
    int64_t now = datetime_now();
    int rc = root_value_empty(&rv, ns, err);
    if (rc == BD_OK)
        rc = root_value_write(&rv, err);
    struct commit c = {
        .root = rv.hash,
        .author = author && author->name ? author->name : "beads",
        .email = author && author->name ? author->email : "beads@local",
        .message = "Initialize data repository",
        .committer_millis = (uint64_t)(now / 1000),
        .author_millis = now / 1000,
    };
    if (rc == BD_OK)
        rc = commit_create(ns, &c, err);
    struct working_set ws = {
        .working = rv.hash,
        .staged = rv.hash,
        .name = c.author,
        .email = c.email,
        .description = "sql transaction",
        .timestamp = (uint64_t)(now / MICROS_PER_SECOND),
    };
    if (rc == BD_OK)
        rc = working_set_write(ns, &ws, err);
    struct tree datasets;
    if (rc == BD_OK)
        rc = store_root_open(&datasets, ns, &HASH_ZERO, err);
    if (rc)
        return rc;
    struct store_root_edit edits[3] = {
        {"refs/internal/create", c.hash},
        {arena_printf(a, "refs/heads/%s", branch), c.hash},
        {arena_printf(a, "workingSets/heads/%s", branch), ws.hash},
    };
    return store_root_edit(&datasets, edits, 3, root, err);
}

static int make_dir(const char *path, struct err *err) {
    return os_mkdir(path, 0777) ? err_errno(err, "cannot create directory %s", path) : BD_OK;
}

static int write_file(const char *path, const char *text, struct err *err) {
    return os_write_file_atomic(path, text, strlen(text), 0644)
               ? err_errno(err, "cannot write %s", path)
               : BD_OK;
}

static int sync_dir(const char *path, struct err *err) {
    return os_fsync_dir(path) ? err_errno(err, "cannot sync directory %s", path) : BD_OK;
}

/* Takes away what a failed creation left; errors do not matter any more. */
static void remove_tree(const char *dir, struct arena *a) {
    static const char *const files[] = {"/.dolt/noms/manifest",
                                        "/.dolt/noms/LOCK",
                                        "/.dolt/noms/vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv",
                                        "/.dolt/noms/journal.idx",
                                        "/.dolt/repo_state.json",
                                        "/.dolt/config.json"};
    static const char *const dirs[] = {"/.dolt/temptf", "/.dolt/noms/oldgen", "/.dolt/noms", "/.dolt",
                                       ""};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        os_unlink(arena_printf(a, "%s%s", dir, files[i]));
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++)
        os_rmdir(arena_printf(a, "%s%s", dir, dirs[i]));
}

static int build_dir(const char *dir, const char *branch, struct node_store *ns,
                     const struct hash *root, struct arena *a, struct err *err) {
    struct chunk_write *chunks;
    size_t count;
    const char *dolt = arena_printf(a, "%s/.dolt", dir);
    int rc = node_store_collect(ns, root, a, &chunks, &count, err);
    if (rc == BD_OK)
        rc = make_dir(dir, err);
    if (rc == BD_OK)
        rc = make_dir(dolt, err);
    if (rc == BD_OK)
        rc = chunk_store_create(arena_printf(a, "%s/noms", dolt), chunks, count, root, err);
    if (rc == BD_OK)
        rc = make_dir(arena_printf(a, "%s/noms/oldgen", dolt),
                      err); /* Dolt has both from its first open on */
    if (rc == BD_OK)
        rc = make_dir(arena_printf(a, "%s/temptf", dolt), err);
    if (rc == BD_OK)
        rc = repo_state_create(dir, branch, err);
    if (rc == BD_OK)
        rc = write_file(arena_printf(a, "%s/config.json", dolt), "{}", err);
    if (rc == BD_OK)
        rc = sync_dir(dolt, err);
    return rc == BD_OK ? sync_dir(dir, err) : rc;
}

/* A folder of our own beside the database. A killed creation may have left one with our number. */
static int make_outer(const char *parent, const char *name, struct arena *a, const char **out,
                      struct err *err) {
    for (int attempt = 0;; attempt++) {
        *out = arena_printf(a, "%s/.tmp-%ld-%d-%s", parent, (long)getpid(), attempt, name);
        if (os_mkdir(*out, 0777) == 0)
            return BD_OK;
        if (errno != EEXIST || attempt == 100)
            return err_errno(err, "cannot create directory %s", *out);
    }
}

int tables_create_embedded(const char *dir, const char *branch, const struct tables_identity *author,
                           struct err *err) {
    if (!branch)
        branch = "main";
    if (!ref_name_is_valid(branch))
        return err_set(err, BD_INVALID, "not a branch name: %s", branch);
    if (os_exists(dir))
        return err_set(err, BD_EXISTS, "%s exists already", dir);
    struct arena a = ARENA_INIT;
    char *path = arena_strdup(&a, dir);
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        path[--n] = 0;
    char *slash = strrchr(path, '/');
    const char *parent = !slash          ? "."
                         : slash == path ? "/"
                                         : arena_strndup(&a, path, (size_t)(slash - path));
    const char *name = slash ? slash + 1 : path;
    struct node_store *ns = node_store_new(NULL);
    struct hash root;
    int rc = build_first_commit(ns, branch, author, &a, &root, err);
    const char *outer = NULL;
    if (rc == BD_OK)
        rc = make_outer(parent, name, &a, &outer, err);
    bool made = rc == BD_OK;
    const char *inner = arena_printf(&a, "%s/%s", made ? outer : "", name);
    if (rc == BD_OK)
        rc = build_dir(inner, branch, ns, &root, &a, err);
    if (rc == BD_OK && os_rename(inner, path))
        rc = err_errno(err, "cannot move the new database to %s", path);
    if (rc == BD_OK)
        rc = sync_dir(parent, err);
    if (rc && made)
        remove_tree(inner, &a);
    if (made)
        os_rmdir(outer);
    node_store_free(ns);
    arena_release(&a);
    return rc;
}
