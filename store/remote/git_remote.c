/*
 * The driver for git repositories, as Dolt keeps databases there: the ref refs/dolt/data names a commit
 * whose tree holds the files of a bare store (large ones in parts). Git itself talks to the other side,
 * so every address and every credential that git knows works.
 *
 * The tree is copied into a folder of our own, which the driver for folders reads and writes. Moving
 * the root is one push of a new commit, with a lease on the commit that was copied: the
 * compare-and-set.
 */
#include "store/remote/remote.h"

#include "base/os.h"
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define REF "refs/dolt/data"
#define MESSAGE "gitblobstore: checkandput manifest" /* what Dolt writes */
#define PART_BYTES ((size_t)50 << 20)
#define CHAIN_MAX 64
#define LOOK_MS 60000
#define STALE_AFTER_S (24 * 60 * 60)
#define LAST                                                                                           \
    "refs/dolt/remotes/bd/last" /* what was copied last: the next fetch asks only for what came since  \
                                 */

struct entry {
    const char *type, *id, *name; /* "blob", "tree" */
};

struct git_remote {
    struct remote base;
    char *url, *shown; /* for git; without a password */
    char *cache, *repo, *mine, *tracking;
    bool temporary;       /* the cache is ours alone */
    struct remote *inner; /* the folder `mine` */
    struct arena a;       /* entries */
    struct entry *entries;
    size_t entry_count;
    char head[80]; /* the commit that was copied; empty: the ref is not there */
    bool copied, fetched, pushed;
};

static struct git_remote *of(struct remote *r) { return (struct git_remote *)r; }

/* ---- running git ---- */

/* Nothing of the repository that bd may have been started in, a hook of it for example, is passed on.
 */
#define CLEAN                                                                                          \
    "GIT_TERMINAL_PROMPT=0", "LC_ALL=C", "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE",                 \
        "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR",                  \
        "GIT_QUARANTINE_PATH", "GIT_NAMESPACE", "GIT_PREFIX"
static const char *const clean[] = {CLEAN, NULL};
static const char *const somebody[] = {CLEAN,
                                       "GIT_AUTHOR_NAME=dolt gitblobstore",
                                       "GIT_AUTHOR_EMAIL=gitblobstore@dolt.invalid",
                                       "GIT_COMMITTER_NAME=dolt gitblobstore",
                                       "GIT_COMMITTER_EMAIL=gitblobstore@dolt.invalid",
                                       NULL};

struct call {
    const char *const *environment;
    struct bytes_in {
        const void *data;
        size_t size;
    } input;
    int timeout_ms;
    struct buf out, err; /* filled */
};
#define CALL_INIT                                                                                      \
    { clean, {NULL, 0}, 0, BUF_INIT, BUF_INIT }

static void call_release(struct call *c) {
    buf_release(&c->out);
    buf_release(&c->err);
}

/* Exit status of `git --git-dir=… ARGUMENTS`, NULL-terminated. */
static int git(struct git_remote *g, struct call *c, ...) {
    char *dir = NULL;
    const char *argv[32] = {"git",       "-c", "core.hooksPath=/dev/null", "-c",
                            "gc.auto=0", "-c", "maintenance.auto=false"};
    struct buf b = BUF_INIT;
    size_t n = 7;
    va_list ap;
    buf_addf(&b, "--git-dir=%s", g->repo);
    argv[n++] = dir = buf_detach(&b);
    va_start(ap, c);
    while (n < 31 && (argv[n] = va_arg(ap, const char *)))
        n++;
    va_end(ap);
    argv[n] = NULL;
    buf_clear(&c->out);
    buf_clear(&c->err);
    struct process p = {.argv = argv,
                        .environment = c->environment,
                        .input = c->input.data,
                        .input_size = c->input.size,
                        .output = &c->out,
                        .error = &c->err,
                        .timeout_ms = c->timeout_ms};
    int status = process_run(&p);
    free(dir);
    return status;
}

/* What git said, where that cannot name a password. */
static int git_failed(struct git_remote *g, struct call *c, struct err *err, const char *what) {
    char *text = c->err.size ? mem_strdup(buf_str(&c->err))
                             : mem_strdup("git could not be run, or took too long");
    size_t n = strlen(text);
    while (n && (text[n - 1] == '\n' || text[n - 1] == ' '))
        text[--n] = '\0';
    for (char *p = text; *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    if (n > 500)
        text[500] = '\0';
    int rc = strcmp(g->url, g->shown) == 0
                 ? err_set(err, BD_IO, "%s %s: %s", what, g->shown, text)
                 : err_set(err, BD_IO,
                           "%s %s failed (what git said is not shown, as the address holds a password)",
                           what, g->shown);
    free(text);
    return rc;
}

/* One line of output without its end, at most size - 1 bytes; false when it is empty or longer. */
static bool line_of(const struct buf *b, char *out, size_t size) {
    size_t n = b->data ? strcspn(buf_str(b), "\r\n") : 0;
    if (!n || n >= size)
        return false;
    memcpy(out, b->data, n);
    out[n] = '\0';
    return true;
}

static bool is_object_id(const char *s, size_t n) {
    return (n == 40 || n == 64) && strspn(s, "0123456789abcdef") >= n;
}

/* ---- what the other side has ---- */

/* The commit that the ref names there; empty: none. */
static int look(struct git_remote *g, char *head, size_t size, struct err *err) {
    struct call c = CALL_INIT;
    c.timeout_ms = LOOK_MS;
    int rc = BD_OK;
    *head = '\0';
    if (git(g, &c, "ls-remote", "--", g->url, REF, NULL) != 0) {
        rc = git_failed(g, &c, err, "cannot read");
    } else if (c.out.size) { /* also refs that only end in the name */
        for (const char *line = buf_str(&c.out); *line && !*head;) {
            size_t n = strcspn(line, "\t"), all = strcspn(line, "\n");
            if (n < all && n < size && is_object_id(line, n) && all - n - 1 == sizeof REF - 1 &&
                memcmp(line + n + 1, REF, sizeof REF - 1) == 0) {
                memcpy(head, line, n);
                head[n] = '\0';
            }
            line += all + (line[all] == '\n');
        }
    }
    call_release(&c);
    return rc;
}

static int fetch(struct git_remote *g, struct err *err) {
    struct call c = CALL_INIT;
    struct buf b = BUF_INIT;
    buf_addf(&b, "+" REF ":%s", g->tracking);
    int rc = BD_OK;
    g->fetched = true;
    if (git(g, &c, "fetch", "-q", "--no-tags", "--no-write-fetch-head", "--refmap=", "--", g->url,
            buf_str(&b), NULL) != 0)
        rc = git_failed(g, &c, err, "cannot fetch from");
    buf_clear(&b);
    buf_addf(&b, "%s^{commit}", g->tracking);
    if (rc == BD_OK &&
        (git(g, &c, "rev-parse", "--verify", "-q", buf_str(&b), NULL) != 0 ||
         !line_of(&c.out, g->head, sizeof g->head) || !is_object_id(g->head, strlen(g->head))))
        rc = err_set(err, BD_CORRUPT, REF " of %s is no commit", g->shown);
    buf_release(&b);
    call_release(&c);
    return rc;
}

/* Lines of `ls-tree -z`, into the arena. */
static int list_tree(struct git_remote *g, const char *tree, struct entry **list, size_t *count,
                     struct err *err) {
    struct call c = CALL_INIT;
    size_t capacity = 0, n = 0;
    struct entry *entries = NULL;
    int rc =
        git(g, &c, "ls-tree", "-z", tree, NULL) == 0 ? BD_OK : git_failed(g, &c, err, "cannot list");
    for (size_t at = 0; rc == BD_OK && at < c.out.size;) {
        const char *line = c.out.data + at, *end = memchr(line, '\0', c.out.size - at);
        size_t size = end ? (size_t)(end - line) : c.out.size - at;
        char *copy = arena_strndup(&g->a, line, size);
        char *type = strchr(copy, ' '), *id = type ? strchr(type + 1, ' ') : NULL,
             *name = id ? strchr(id, '\t') : NULL;
        at += size + 1;
        if (!name) {
            rc = err_set(err, BD_CORRUPT, "git ls-tree says what is not understood");
            break;
        }
        *id = *name = '\0';
        MEM_GROW(entries, capacity, n + 1);
        entries[n++] = (struct entry){type + 1, id + 1, name + 1};
    }
    *list = n ? arena_dup(&g->a, entries, n * sizeof *entries) : NULL;
    *count = n;
    free(entries);
    call_release(&c);
    return rc;
}

static const struct entry *find_entry(const struct git_remote *g, const char *name) {
    for (size_t i = 0; i < g->entry_count; i++)
        if (strcmp(g->entries[i].name, name) == 0)
            return &g->entries[i];
    return NULL;
}

static int add_blob(struct git_remote *g, const char *id, struct buf *out, struct err *err) {
    struct call c = CALL_INIT;
    int rc = git(g, &c, "cat-file", "blob", id, NULL) == 0
                 ? BD_OK
                 : git_failed(g, &c, err, "cannot read a file of");
    if (rc == BD_OK)
        buf_add(out, c.out.data, c.out.size);
    call_release(&c);
    return rc;
}

/* Bytes of an entry: a blob, or a tree of parts 0001, 0002, … */
static int read_entry(struct git_remote *g, const struct entry *e, struct buf *out, struct err *err) {
    struct entry *parts;
    size_t count;
    char name[8];
    if (strcmp(e->type, "blob") == 0)
        return add_blob(g, e->id, out, err);
    int rc = list_tree(g, e->id, &parts, &count, err);
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        snprintf(name, sizeof name, "%04u", (unsigned)(i + 1) % 10000);
        rc = strcmp(parts[i].name, name) == 0 && strcmp(parts[i].type, "blob") == 0
                 ? add_blob(g, parts[i].id, out, err)
                 : err_set(err, BD_CORRUPT, "%s of %s lacks its part %s", e->name, g->shown, name);
    }
    return rc;
}

static bool in_mine(const struct git_remote *g, const char *name) {
    struct buf b = BUF_INIT;
    buf_addf(&b, "%s/%s", g->mine, name);
    bool yes = os_exists(buf_str(&b));
    buf_release(&b);
    return yes;
}

/* A file of the store; it is kept beside for the next time, if there will be one. */
static int copy_entry(struct git_remote *g, const struct entry *e, struct err *err) {
    struct buf kept = BUF_INIT, mine = BUF_INIT, data = BUF_INIT;
    int rc = BD_OK;
    buf_addf(&mine, "%s/%s", g->mine, e->name);
    buf_addf(&kept, "%s/files/%s-%s", g->cache, e->id,
             e->name); /* by content: an older one is no danger */
    if (g->temporary || link(buf_str(&kept), buf_str(&mine)) != 0) {
        rc = read_entry(g, e, &data, err);
        if (rc == BD_OK &&
            os_write_file_atomic(g->temporary ? mine.data : kept.data, data.data, data.size, 0644))
            rc = err_errno(err, "cannot write %s", g->temporary ? mine.data : kept.data);
        if (rc == BD_OK && !g->temporary && link(kept.data, mine.data) != 0)
            rc = err_errno(err, "cannot link %s", mine.data);
    }
    buf_release(&kept);
    buf_release(&mine);
    buf_release(&data);
    return rc;
}

/* Copies that the tree does not name any more, and that nobody can be about to use. */
static void forget_copies(struct git_remote *g) {
    struct buf dir = BUF_INIT;
    char **names;
    size_t count;
    time_t now = time(NULL);
    buf_addf(&dir, "%s/files", g->cache);
    if (g->temporary || os_list_dir(buf_str(&dir), &names, &count)) {
        buf_release(&dir);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *dash = strchr(names[i], '-');
        const struct entry *e = dash ? find_entry(g, dash + 1) : NULL;
        bool named = e && strncmp(names[i], e->id, (size_t)(dash - names[i])) == 0;
        struct stat st;
        struct buf path = BUF_INIT;
        buf_addf(&path, "%s/%s", dir.data, names[i]);
        if (!named && os_stat(buf_str(&path), &st) == 0 && now > st.st_mtime + STALE_AFTER_S)
            os_unlink(path.data);
        buf_release(&path);
    }
    os_free_list(names, count);
    buf_release(&dir);
}

static int copy_file(struct git_remote *g, const struct hash *h, struct err *err) {
    char name[HASH_TEXT_SIZE + 8];
    const struct entry *e;
    hash_format(h, name);
    if (in_mine(g, name))
        return BD_OK;
    e = find_entry(g, name);
    if (!e) {
        memcpy(name + HASH_TEXT_SIZE, ".darc", 6);
        e = find_entry(g, name);
        if (e && in_mine(g, name))
            return BD_OK;
    }
    if (!e)
        return err_set(
            err, BD_UNSUPPORTED,
            "%s keeps its file %.32s in a way that this bd does not read (older Dolt, or damaged)",
            g->shown, name);
    return copy_entry(g, e, err);
}

/* The folder becomes what the tree of `head` holds. */
static int copy_tree(struct git_remote *g, struct err *err) {
    struct buf text = BUF_INIT, path = BUF_INIT;
    struct manifest m = MANIFEST_INIT;
    buf_addf(&path, "%s/manifest", g->mine);
    arena_reset(&g->a);
    g->entries = NULL;
    g->entry_count = 0;
    int rc = *g->head ? list_tree(g, g->head, &g->entries, &g->entry_count, err) : BD_OK;
    const struct entry *e = rc == BD_OK ? find_entry(g, "manifest") : NULL;
    if (rc == BD_OK && *g->head && !e)
        rc = err_set(err, BD_CORRUPT, REF " of %s holds no Dolt database: its tree has no manifest",
                     g->shown);
    if (rc == BD_OK && e) {
        rc = read_entry(g, e, &text, err);
        if (rc == BD_OK)
            rc = manifest_parse(&m, text.data, text.size, err);
        for (size_t i = 0; rc == BD_OK && i < m.spec_count; i++)
            rc = copy_file(g, &m.specs[i].name, err);
        if (rc == BD_OK && os_write_file_atomic(buf_str(&path), text.data, text.size, 0644))
            rc = err_errno(err, "cannot write %s", path.data);
        manifest_release(&m);
    } else if (rc == BD_OK && os_unlink(buf_str(&path)) && errno != ENOENT) {
        rc = err_errno(err, "cannot remove %s", path.data);
    }
    if (rc == BD_OK)
        forget_copies(g);
    buf_release(&path);
    buf_release(&text);
    return rc;
}

static int refresh(struct git_remote *g, struct err *err) {
    char head[sizeof g->head];
    int rc = look(g, head, sizeof head, err);
    if (rc != BD_OK || (g->copied && strcmp(head, g->head) == 0))
        return rc;
    g->copied = false;
    memcpy(g->head, head, sizeof head);
    if (*head)
        rc = fetch(g, err);
    remote_close(g->inner);
    g->inner = NULL;
    if (rc == BD_OK)
        rc = copy_tree(g, err);
    int opened =
        remote_open_dir(&g->inner, g->mine, REMOTE_WRITE | REMOTE_CREATE, rc == BD_OK ? err : NULL);
    g->copied = rc == BD_OK && opened == BD_OK;
    return rc == BD_OK ? opened : rc;
}

static int no_folder(struct err *err) {
    return err_set(err, BD_IO, "the copy of the remote could not be made");
}

static int root(struct remote *r, struct hash *out, struct err *err) {
    int rc = refresh(of(r), err);
    return rc == BD_OK ? of(r)->inner->driver->root(of(r)->inner, out, err) : rc;
}
static int has_many(struct remote *r, const struct hash *h, size_t count, bool *present,
                    struct err *err) {
    struct remote *i = of(r)->inner;
    return i ? i->driver->has_many(i, h, count, present, err) : no_folder(err);
}
static int get_many(struct remote *r, const struct hash *h, size_t count, remote_chunk_fn fn, void *ctx,
                    struct err *err) {
    struct remote *i = of(r)->inner;
    return i ? i->driver->get_many(i, h, count, fn, ctx, err) : no_folder(err);
}
static int list_files(struct remote *r, struct arena *a, struct manifest_spec **files, size_t *count,
                      struct err *err) {
    struct remote *i = of(r)->inner;
    return i ? i->driver->list_files(i, a, files, count, err) : no_folder(err);
}
static const char *staging(struct remote *r) { return of(r)->mine; }
static int put_file(struct remote *r, const struct manifest_spec *file, struct err *err) {
    struct remote *i = of(r)->inner;
    return i ? i->driver->put_file(i, file, err) : no_folder(err);
}
static int add_files(struct remote *r, const struct manifest_spec *files, size_t count,
                     struct err *err) {
    struct remote *i = of(r)->inner;
    return i ? i->driver->add_files(i, files, count, err) : no_folder(err);
}

/* ---- writing ---- */

static int hash_object(struct git_remote *g, const void *data, size_t size, char *id, size_t id_size,
                       struct err *err) {
    struct call c = CALL_INIT;
    c.input.data = data;
    c.input.size = size;
    int rc = git(g, &c, "hash-object", "-w", "--no-filters", "--stdin", NULL) == 0 &&
                     line_of(&c.out, id, id_size)
                 ? BD_OK
                 : git_failed(g, &c, err, "cannot prepare the push to");
    call_release(&c);
    return rc;
}

static int make_tree(struct git_remote *g, const struct buf *lines, char *id, size_t id_size,
                     struct err *err) {
    struct call c = CALL_INIT;
    c.input.data = lines->data;
    c.input.size = lines->size;
    int rc = git(g, &c, "mktree", NULL) == 0 && line_of(&c.out, id, id_size)
                 ? BD_OK
                 : git_failed(g, &c, err, "cannot prepare the push to");
    call_release(&c);
    return rc;
}

/* One line of a tree for some bytes; many of them become a tree of parts. */
static int add_line(struct git_remote *g, struct buf *lines, const char *name, const char *data,
                    size_t size, struct err *err) {
    char id[80];
    struct buf parts = BUF_INIT;
    if (size <= PART_BYTES) {
        int rc = hash_object(g, data, size, id, sizeof id, err);
        if (rc == BD_OK)
            buf_addf(lines, "100644 blob %s\t%s\n", id, name);
        return rc;
    }
    int rc = BD_OK;
    for (size_t at = 0, n = 1; at < size && rc == BD_OK; at += PART_BYTES, n++) {
        rc = hash_object(g, data + at, size - at < PART_BYTES ? size - at : PART_BYTES, id, sizeof id,
                         err);
        if (rc == BD_OK)
            buf_addf(&parts, "100644 blob %s\t%04zu\n", id, n);
    }
    if (rc == BD_OK)
        rc = make_tree(g, &parts, id, sizeof id, err);
    if (rc == BD_OK)
        buf_addf(lines, "040000 tree %s\t%s\n", id, name);
    buf_release(&parts);
    return rc;
}

static int add_path(struct git_remote *g, struct buf *lines, const char *name, struct err *err) {
    struct buf path = BUF_INIT;
    char *data;
    size_t size;
    buf_addf(&path, "%s/%s", g->mine, name);
    int rc = os_read_file(buf_str(&path), (size_t)1 << 31, &data, &size)
                 ? err_errno(err, "cannot read %s", path.data)
                 : BD_OK;
    if (rc == BD_OK) {
        rc = add_line(g, lines, name, data, size, err);
        free(data);
    }
    buf_release(&path);
    return rc;
}

/* The tree of the folder's state; *kept counts the entries of the old one that stay. */
static int build_tree(struct git_remote *g, char *id, size_t id_size, size_t *kept, struct err *err) {
    struct buf lines = BUF_INIT;
    struct manifest m;
    int rc = manifest_read(g->mine, &m, err);
    if (rc != BD_OK)
        return rc;
    *kept = find_entry(g, "manifest") != NULL;
    for (size_t i = 0; i < m.spec_count && rc == BD_OK; i++) {
        char name[HASH_TEXT_SIZE + 8];
        hash_format(&m.specs[i].name, name);
        if (!in_mine(g, name))
            memcpy(name + HASH_TEXT_SIZE, ".darc", 6);
        const struct entry *e = find_entry(g, name);
        *kept += e != NULL;
        if (e)
            buf_addf(&lines, "%s %s %s\t%s\n", strcmp(e->type, "tree") == 0 ? "040000" : "100644",
                     e->type, e->id, name);
        else
            rc = add_path(g, &lines, name, err);
    }
    if (rc == BD_OK)
        rc = add_path(g, &lines, "manifest", err);
    if (rc == BD_OK)
        rc = make_tree(g, &lines, id, id_size, err);
    manifest_release(&m);
    buf_release(&lines);
    return rc;
}

static bool chain_is_long(struct git_remote *g) {
    struct call c = CALL_INIT;
    bool is = git(g, &c, "rev-list", "--count", "--max-count=65", g->head, NULL) == 0 &&
              atoi(buf_str(&c.out)) >= CHAIN_MAX;
    call_release(&c);
    return is;
}

/* Files that are gone stay in no history, as Dolt does it: the commit is then a first one. */
static int make_commit(struct git_remote *g, const char *tree, bool alone, char *id, size_t size,
                       struct err *err) {
    struct call c = CALL_INIT;
    int rc = BD_OK;
    for (int attempt = 0; attempt < 2; attempt++) {
        c.environment = attempt ? somebody : clean; /* git may know nobody here */
        int status = alone ? git(g, &c, "commit-tree", tree, "-m", MESSAGE, NULL)
                           : git(g, &c, "commit-tree", tree, "-p", g->head, "-m", MESSAGE, NULL);
        if (status == 0 && line_of(&c.out, id, size))
            break;
        if (attempt)
            rc = git_failed(g, &c, err, "cannot prepare the push to");
    }
    call_release(&c);
    return rc;
}

/* BD_ROOT_MOVED: the ref is not where we copied it any more. */
static int push(struct git_remote *g, const char *commit, struct err *err) {
    struct call c = CALL_INIT;
    struct buf lease = BUF_INIT, spec = BUF_INIT;
    char now[sizeof g->head];
    buf_addf(&lease, "--force-with-lease=" REF ":%s", g->head);
    buf_addf(&spec, "%s:" REF, commit);
    int rc = BD_OK;
    if (git(g, &c, "push", "-q", "--no-verify", buf_str(&lease), "--", g->url, buf_str(&spec), NULL) !=
        0) {
        rc = look(g, now, sizeof now, NULL);
        if (rc == BD_OK && strcmp(now, commit) == 0)
            rc = BD_OK; /* it arrived, the answer did not */
        else if (rc == BD_OK && strcmp(now, g->head) != 0)
            rc = err_set(err, BD_ROOT_MOVED, "somebody else pushed to %s meanwhile", g->shown);
        else
            rc = git_failed(g, &c, err, "cannot push to");
    }
    buf_release(&lease);
    buf_release(&spec);
    call_release(&c);
    return rc;
}

static int commit_root(struct remote *r, const struct hash *expected, const struct hash *new_root,
                       struct err *err) {
    struct git_remote *g = of(r);
    char tree[sizeof g->head], commit[sizeof g->head];
    size_t kept;
    if (!g->inner || !g->copied)
        return no_folder(err);
    int rc = g->inner->driver->commit_root(g->inner, expected, new_root, err);
    g->copied = false; /* from here on the folder differs; the next look copies again */
    if (rc == BD_OK)
        rc = build_tree(g, tree, sizeof tree, &kept, err);
    if (rc == BD_OK)
        rc = make_commit(g, tree, !*g->head || kept < g->entry_count || chain_is_long(g), commit,
                         sizeof commit, err);
    if (rc == BD_OK)
        rc = push(g, commit, err);
    if (rc == BD_OK) {
        memcpy(g->head, commit, sizeof commit);
        g->pushed = true;
    }
    return rc;
}

/* ---- opening ---- */

/* Once a day; whoever finds it due notes it first, so that others need not. */
static bool collection_is_due(struct git_remote *g) {
    struct buf b = BUF_INIT;
    struct stat st;
    buf_addf(&b, "%s/collected", g->cache);
    bool known = os_stat(buf_str(&b), &st) == 0;
    bool due = known && time(NULL) > st.st_mtime + STALE_AFTER_S;
    if (!known || due)
        os_write_file_atomic(b.data, "", 0, 0600);
    buf_release(&b);
    return due;
}

static void close_remote(struct remote *r) {
    struct git_remote *g = of(r);
    struct call c = CALL_INIT;
    remote_close(g->inner);
    if (g->temporary) {
        os_remove_tree(g->cache);
    } else {
        if (g->mine)
            os_remove_tree(g->mine);
        if ((g->fetched || g->pushed) && *g->head)
            git(g, &c, "update-ref", LAST, g->head, NULL);
        if (g->fetched)
            git(g, &c, "update-ref", "-d", g->tracking, NULL);
        if ((g->fetched || g->pushed) && collection_is_due(g))
            git(g, &c, "gc", "-q", "--prune=1.hour.ago", NULL);
    }
    call_release(&c);
    arena_release(&g->a);
    free(g->url), free(g->shown), free(g->cache), free(g->repo), free(g->mine), free(g->tracking);
    free(g);
}

static const struct remote_driver driver = {
    .scheme = "git",
    .root = root,
    .has_many = has_many,
    .get_many = get_many,
    .list_files = list_files,
    .staging = staging,
    .put_file = put_file,
    .add_files = add_files,
    .commit_root = commit_root,
    .close = close_remote,
};

/* git+ssh://host/./path is relative to the login directory, which only the short form can say. */
static char *url_for_git(const char *url) {
    struct buf b = BUF_INIT;
    const char *rest = url + strlen("git+");
    size_t n = strcspn(rest, "?#");
    const char *host = strncmp(rest, "ssh://", 6) == 0 ? rest + 6 : NULL,
               *dot = host ? strstr(host, "/./") : NULL;
    if (dot && dot < rest + n && !memchr(host, '/', (size_t)(dot - host)))
        buf_addf(&b, "%.*s:%.*s", (int)(dot - host), host, (int)(rest + n - dot - 3), dot + 3);
    else
        buf_add(&b, rest, n);
    buf_add(&b, "", 0);
    return buf_detach(&b);
}

static int make_cache(struct git_remote *g, const char *database_dir, struct err *err) {
    struct buf b = BUF_INIT;
    char text[HASH_TEXT_SIZE + 1];
    int rc = BD_OK;
    g->temporary = !database_dir;
    if (database_dir) {
        struct hash h = hash_of((const uint8_t *)g->url, strlen(g->url));
        hash_format(&h, text);
        buf_addf(&b, "%s/.dolt/git-remote-cache/bd-%s", database_dir, text);
        g->cache = buf_detach(&b);
        b = (struct buf)BUF_INIT;
        buf_addf(&b, "%s/files", g->cache);
        if (os_mkdir_p(buf_str(&b), 0700))
            rc = err_errno(err, "cannot create %s", b.data);
    } else {
        const char *tmp = getenv("TMPDIR");
        buf_addf(&b, "%s/bd-git-XXXXXX", tmp && *tmp ? tmp : "/tmp");
        buf_add(&b, "", 0);
        g->cache = buf_detach(&b);
        b = (struct buf)BUF_INIT;
        if (!mkdtemp(g->cache)) {
            rc = err_errno(err, "cannot create %s", g->cache);
            g->temporary = false;
        }
    }
    buf_release(&b);
    return rc;
}

/* Folders of processes that died long ago. */
static void sweep(struct git_remote *g) {
    char **names;
    size_t count;
    time_t now = time(NULL);
    if (g->temporary || os_list_dir(g->cache, &names, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        struct buf b = BUF_INIT;
        buf_addf(&b, "%s/%s", g->cache, names[i]);
        if (strncmp(names[i], "open-", 5) == 0 && os_stat(buf_str(&b), &st) == 0 &&
            now > st.st_mtime + STALE_AFTER_S)
            os_remove_tree(b.data);
        buf_release(&b);
    }
    os_free_list(names, count);
}

static int make_repository(struct git_remote *g, struct err *err) {
    static unsigned opened;
    struct buf b = BUF_INIT;
    struct call c = CALL_INIT;
    buf_addf(&b, "%s/repo.git", g->cache);
    g->repo = buf_detach(&b);
    b = (struct buf)BUF_INIT;
    buf_addf(&b, "%s/open-%ld-%u", g->cache, (long)getpid(), opened);
    g->mine = buf_detach(&b);
    b = (struct buf)BUF_INIT;
    buf_addf(&b, "refs/dolt/remotes/bd/dolt/data/%ld-%u", (long)getpid(), opened++);
    g->tracking = buf_detach(&b);
    b = (struct buf)BUF_INIT;
    buf_addf(&b, "%s/init.lock", g->cache);
    int lock = os_open(buf_str(&b), O_RDWR | O_CREAT, 0600), rc = BD_OK;
    if (lock < 0 || os_flock(lock, LOCK_EX))
        rc = err_errno(err, "cannot lock %s", b.data);
    buf_clear(&b);
    buf_addf(&b, "%s/HEAD", g->repo);
    if (rc == BD_OK && !os_exists(buf_str(&b)) && git(g, &c, "init", "-q", "--bare", NULL) != 0)
        rc = err_set(err, BD_UNSUPPORTED, "remotes in git repositories need the program git: %s",
                     c.err.size ? buf_str(&c.err) : "it could not be run");
    if (lock >= 0)
        os_close(lock);
    os_remove_tree(g->mine); /* of a dead process with our number */
    if (rc == BD_OK && os_mkdir(g->mine, 0700))
        rc = err_errno(err, "cannot create %s", g->mine);
    buf_release(&b);
    call_release(&c);
    return rc;
}

int remote_open_git(struct remote **out, const char *url, unsigned flags, const char *database_dir,
                    struct err *err) {
    static const char *const known[] = {"git+file://", "git+http://", "git+https://", "git+ssh://"};
    bool fits = false;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        fits = fits || strncmp(url, known[i], strlen(known[i])) == 0;
    if (!fits)
        return err_set(err, BD_INVALID, "%s: git remotes are git+file, git+http, git+https or git+ssh",
                       url);
    struct git_remote *g = mem_zalloc(1, sizeof *g);
    g->base.driver = &driver;
    g->url = url_for_git(url);
    struct arena a = ARENA_INIT;
    g->shown = mem_strdup(remote_shown_url(g->url, &a));
    arena_release(&a);
    int rc = make_cache(g, database_dir, err);
    if (rc == BD_OK)
        sweep(g);
    if (rc == BD_OK)
        rc = make_repository(g, err);
    if (rc == BD_OK)
        rc = refresh(g, err);
    if (rc == BD_OK && !*g->head && !(flags & REMOTE_CREATE))
        rc = err_set(err, BD_NOT_FOUND, "%s contains no dolt data (it has no " REF ")", g->shown);
    if (rc == BD_OK)
        *out = &g->base;
    else
        close_remote(&g->base);
    return rc;
}
