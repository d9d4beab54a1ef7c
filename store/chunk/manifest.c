/* Parsing, formatting and atomically replacing manifests. A parsed manifest is complete or not there.
 */
#include "store/chunk/manifest.h"

#include "base/os.h"
#include "base/strmap.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define MANIFEST_SIZE_MAX (1u << 20)

const struct hash manifest_journal_name = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

void manifest_release(struct manifest *m) {
    free(m->specs);
    *m = (struct manifest)MANIFEST_INIT;
}

void manifest_copy(struct manifest *to, const struct manifest *from) {
    struct manifest copy = *from;
    copy.specs = NULL;
    copy.spec_capacity = 0;
    MEM_GROW(copy.specs, copy.spec_capacity, from->spec_count);
    if (from->spec_count)
        memcpy(copy.specs, from->specs, from->spec_count * sizeof *from->specs);
    *to = copy;
}

void manifest_add(struct manifest *m, const struct hash *name, uint32_t count) {
    MEM_GROW(m->specs, m->spec_capacity, m->spec_count + 1);
    m->specs[m->spec_count++] = (struct manifest_spec){*name, count};
}

bool manifest_names(const struct manifest *m, const struct hash *name) {
    for (size_t i = 0; i < m->spec_count; i++)
        if (hash_eq(&m->specs[i].name, name))
            return true;
    return false;
}

bool manifest_same_files(const struct manifest *a, const struct manifest *b) {
    if (a->spec_count != b->spec_count)
        return false;
    for (size_t i = 0; i < a->spec_count; i++)
        /* Nearly always in the same order, so the search is rarely made. */
        if (!hash_eq(&a->specs[i].name, &b->specs[i].name) && !manifest_names(b, &a->specs[i].name))
            return false;
    return true;
}

/* The text up to the next colon or the end; false when nothing is left. */
struct fields {
    const char *at, *end;
    bool done;
};
static bool next_field(struct fields *f, const char **text, size_t *size) {
    if (f->done)
        return false;
    const char *colon = memchr(f->at, ':', (size_t)(f->end - f->at));
    *text = f->at;
    *size = (size_t)((colon ? colon : f->end) - f->at);
    if (colon)
        f->at = colon + 1;
    else
        f->done = true;
    return true;
}

static bool parse_count(const char *text, size_t size, uint32_t *value) {
    uint64_t v = 0;
    if (size == 0 || size > 10)
        return false;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        v = v * 10 + (uint64_t)(text[i] - '0');
    }
    if (v > UINT32_MAX)
        return false;
    *value = (uint32_t)v;
    return true;
}

static int bad(struct err *err, const char *what) {
    return err_set(err, BD_CORRUPT, "corrupt manifest: %s", what);
}

static int parse_hash_field(struct fields *f, struct hash *h, const char *what, struct err *err) {
    const char *text;
    size_t size;
    if (!next_field(f, &text, &size))
        return err_set(err, BD_CORRUPT, "corrupt manifest: it ends before the %s", what);
    if (!hash_parse(text, size, h))
        return err_set(err, BD_CORRUPT, "corrupt manifest: the %s is not a hash", what);
    return BD_OK;
}

static int parse_specs(struct fields *f, struct manifest *m, struct err *err) {
    struct strmap seen = STRMAP_INIT;
    const char *text;
    size_t size;
    int rc = BD_OK;
    while (rc == BD_OK && next_field(f, &text, &size)) {
        struct manifest_spec spec;
        if (!hash_parse(text, size, &spec.name))
            rc = bad(err, "a file name is not a hash");
        else if (!next_field(f, &text, &size))
            rc = bad(err, "a file has no chunk count");
        else if (!parse_count(text, size, &spec.count))
            rc = bad(err, "a chunk count is not a number");
        else if (!strmap_get_n(&seen, (const char *)spec.name.b,
                               HASH_SIZE)) { /* the first of equals counts */
            strmap_put_n(&seen, (const char *)spec.name.b, HASH_SIZE, m);
            manifest_add(m, &spec.name, spec.count);
        }
    }
    strmap_release(&seen);
    return rc;
}

int manifest_parse(struct manifest *out, const char *text, size_t size, struct err *err) {
    struct fields f = {text, text + size, false};
    struct manifest m = MANIFEST_INIT;
    const char *field;
    size_t field_size;
    next_field(&f, &field, &field_size);
    uint32_t version;
    if (size >= 7 && memcmp(text, "<<<<<<<", 7) == 0)
        return bad(err,
                   "it holds the conflict markers of a git merge; restore the file as one side had it");
    if (f.done || field_size > 7 || !parse_count(field, field_size, &version))
        return bad(err, "it does not start with a version number");
    if (version > 5)
        return err_set(err, BD_TOO_NEW,
                       "the manifest has version %u; this program understands 4 and 5: update it",
                       version);
    if (version < 4)
        return err_set(err, BD_UNSUPPORTED, "the manifest has version %u; only 4 and 5 are understood",
                       version);
    m.version = (int)version;
    next_field(&f, &field, &field_size);
    if (field_size != strlen(MANIFEST_FORMAT) || memcmp(field, MANIFEST_FORMAT, field_size) != 0) {
        if (field_size == 0 || field_size > 40 || memchr(field, '\n', field_size))
            return bad(err, "no storage format");
        return err_set(err, BD_UNSUPPORTED,
                       "storage format %.*s is not " MANIFEST_FORMAT "; migrate it with dolt",
                       (int)field_size, field);
    }
    int rc = parse_hash_field(&f, &m.lock, "lock", err);
    if (rc == BD_OK)
        rc = parse_hash_field(&f, &m.root, "root", err);
    if (rc == BD_OK && version == 5)
        rc = parse_hash_field(&f, &m.gcgen, "collection generation", err);
    if (rc == BD_OK)
        rc = parse_specs(&f, &m, err);
    if (rc != BD_OK) {
        manifest_release(&m);
        return rc;
    }
    *out = m;
    return BD_OK;
}

static void add_hash_field(struct buf *out, const struct hash *h) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    buf_addf(out, ":%s", text);
}

void manifest_format(const struct manifest *m, struct buf *out) {
    buf_add_str(out, "5:" MANIFEST_FORMAT);
    add_hash_field(out, &m->lock);
    add_hash_field(out, &m->root);
    add_hash_field(out, &m->gcgen);
    for (size_t i = 0; i < m->spec_count; i++) {
        add_hash_field(out, &m->specs[i].name);
        buf_addf(out, ":%u", m->specs[i].count);
    }
}

static struct hash state_hash(const struct hash *root, const struct manifest_spec *specs, size_t count,
                              const char *tail, size_t tail_size) {
    SHA512_CTX ctx;
    uint8_t digest[SHA512_DIGEST_LENGTH];
    SHA512_Init(&ctx);
    SHA512_Update(&ctx, root->b, HASH_SIZE);
    SHA512_Update(&ctx, "", 1); /* between the (always empty) appendix and the names */
    for (size_t i = 0; i < count; i++)
        SHA512_Update(&ctx, specs[i].name.b, HASH_SIZE);
    SHA512_Update(&ctx, tail, tail_size);
    SHA512_Final(digest, &ctx);
    struct hash h;
    memcpy(h.b, digest, HASH_SIZE);
    return h;
}

struct hash manifest_lock_of(const struct hash *root, const struct manifest_spec *specs, size_t count) {
    return state_hash(root, specs, count, "", 1);
}

struct hash manifest_full_gcgen_of(const struct hash *root, const struct manifest_spec *specs,
                                   size_t count) {
    return state_hash(root, specs, count, "\0full", 6);
}

int manifest_read(const char *dir, struct manifest *m, struct err *err) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/manifest", dir);
    char *text;
    size_t size;
    int rc;
    if (os_read_file(path.data, MANIFEST_SIZE_MAX, &text, &size) < 0) {
        rc = errno == EFBIG ? err_set(err, BD_CORRUPT, "%s is larger than any manifest", path.data)
                            : err_errno(err, "cannot read %s", path.data);
    } else {
        rc = manifest_parse(m, text, size, err);
        if (rc != BD_OK)
            err_prefix(err, "%s", path.data);
        free(text);
    }
    buf_release(&path);
    return rc;
}

int manifest_write(const char *dir, const struct manifest *m, bool *renamed, struct err *err) {
    static atomic_uint counter;
    struct buf text = BUF_INIT, temp = BUF_INIT, path = BUF_INIT;
    manifest_format(m, &text);
    buf_addf(&path, "%s/manifest", dir);
    *renamed = false;
    int fd = -1;
    do { /* names of a crashed process with our number may be left over */
        buf_clear(&temp);
        buf_addf(&temp, "%s/nbs_manifest_%ld_%u", dir, (long)getpid(), atomic_fetch_add(&counter, 1));
        fd = os_open(temp.data, O_CREAT | O_EXCL | O_WRONLY, 0600);
    } while (fd < 0 && errno == EEXIST);
    int rc = BD_OK;
    if (fd < 0) {
        rc = err_errno(err, "cannot create %s", temp.data);
    } else {
        if (os_pwrite_all(fd, text.data, text.size, 0) < 0 || os_fsync(fd) < 0)
            rc = err_errno(err, "cannot write %s", temp.data);
        if (os_close(fd) < 0 && rc == BD_OK)
            rc = err_errno(err, "cannot write %s", temp.data);
        if (rc == BD_OK && os_rename(temp.data, path.data) < 0)
            rc = err_errno(err, "cannot replace %s", path.data);
        if (rc != BD_OK) {
            os_unlink(temp.data);
        } else {
            *renamed = true;
            if (os_fsync_dir(dir) < 0)
                rc = err_errno(err, "cannot sync %s after replacing its manifest", dir);
        }
    }
    buf_release(&text);
    buf_release(&temp);
    buf_release(&path);
    return rc;
}
