/*
 * DCMT and DTAG messages.
 */
#include "store/db/commit.h"

#include "store/prolly/flatbuf.h"

#include <string.h>

static const char *text_of(struct arena *a, struct fb_bytes b) {
    return b.data ? arena_strndup(a, (const char *)b.data, b.size) : NULL;
}

int commit_read(struct node_store *ns, const struct hash *h, struct arena *a, struct commit *out,
                struct err *err) {
    memset(out, 0, sizeof *out);
    out->hash = *h;
    char name[HASH_TEXT_SIZE + 1];
    hash_format(h, name);
    struct chunk c;
    int rc = node_store_read(ns, h, &c, err);
    if (rc)
        return err_prefix(err, "reading commit %s", name);
    bool bad = false;
    struct fb_table t;
    rc = fb_open(c.data, c.size, "DCMT", &bad, &t, err);
    if (rc)
        return err_prefix(err, "commit %s", name);
    struct fb_bytes root = fb_bytes_at(&t, 0), parents = fb_bytes_at(&t, 2),
                    closure = fb_bytes_at(&t, 3);
    out->height = fb_u64(&t, 1, 0);
    out->author = text_of(a, fb_bytes_at(&t, 4));
    out->email = text_of(a, fb_bytes_at(&t, 5));
    out->message = text_of(a, fb_bytes_at(&t, 6));
    out->committer_millis = fb_u64(&t, 7, 0);
    out->author_millis = fb_i64(&t, 8, 0);
    out->signature = text_of(a, fb_bytes_at(&t, 9));
    out->committer = text_of(a, fb_bytes_at(&t, 10));
    out->committer_email = text_of(a, fb_bytes_at(&t, 11));
    if (bad || root.size != HASH_SIZE || parents.size % HASH_SIZE || !out->author || !out->email ||
        !out->message || (closure.data && closure.size != HASH_SIZE))
        return err_set(err, BD_CORRUPT, "commit %s is damaged: a field is missing or has a wrong size",
                       name);
    memcpy(out->root.b, root.data, HASH_SIZE);
    if (closure.data)
        memcpy(out->closure.b, closure.data, HASH_SIZE);
    out->parent_count = parents.size / HASH_SIZE;
    out->parents = arena_alloc(a, parents.size + 1);
    if (parents.size)
        memcpy(out->parents, parents.data, parents.size);
    return BD_OK;
}

int commit_write(struct node_store *ns, struct commit *c, struct err *err) {
    struct flatbuf fb;
    flatbuf_init(&fb);
    flatbuf_ref root = flatbuf_bytes(&fb, c->root.b, HASH_SIZE);
    flatbuf_ref parents = flatbuf_bytes(&fb, c->parents, c->parent_count * HASH_SIZE);
    flatbuf_ref closure = flatbuf_bytes(&fb, c->closure.b, HASH_SIZE);
    flatbuf_ref name = flatbuf_string(&fb, c->author, strlen(c->author));
    flatbuf_ref email = flatbuf_string(&fb, c->email, strlen(c->email));
    flatbuf_ref message = flatbuf_string(&fb, c->message, strlen(c->message));
    flatbuf_ref signature = 0, committer = 0, committer_email = 0;
    if (c->signature && *c->signature)
        signature = flatbuf_string(&fb, c->signature, strlen(c->signature));
    if (c->committer && strcmp(c->committer, c->author))
        committer = flatbuf_string(&fb, c->committer, strlen(c->committer));
    if (c->committer_email && strcmp(c->committer_email, c->email))
        committer_email = flatbuf_string(&fb, c->committer_email, strlen(c->committer_email));
    flatbuf_table_begin(&fb, 12);
    flatbuf_add_ref(&fb, 0, root);
    flatbuf_add_u64(&fb, 1, c->height, 0);
    flatbuf_add_ref(&fb, 2, parents);
    flatbuf_add_ref(&fb, 3, closure);
    flatbuf_add_ref(&fb, 4, name);
    flatbuf_add_ref(&fb, 5, email);
    flatbuf_add_ref(&fb, 6, message);
    flatbuf_add_u64(&fb, 7, c->committer_millis, 0);
    flatbuf_add_u64(&fb, 8, (uint64_t)c->author_millis, 0);
    flatbuf_add_ref(&fb, 9, signature);
    flatbuf_add_ref(&fb, 10, committer);
    flatbuf_add_ref(&fb, 11, committer_email);
    flatbuf_ref table = flatbuf_table_end(&fb);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, table, "DCMT", &data, &size);
    int rc = node_store_write(ns, data, size, &c->hash, err);
    flatbuf_release(&fb);
    return rc;
}

static const char *trimmed(struct arena *a, const char *s) {
    while (*s == ' ' || *s == '\t' || *s == '\n' || *s == '\r' || *s == '\v' || *s == '\f')
        s++;
    size_t n = strlen(s);
    while (n && strchr(" \t\n\r\v\f", s[n - 1]))
        n--;
    return arena_strndup(a, s, n);
}

int commit_link(struct node_store *ns, struct commit *c, struct err *err) {
    struct arena a = ARENA_INIT;
    int rc = BD_OK;
    struct closure_parent *parents = arena_zalloc(&a, (c->parent_count + 1) * sizeof *parents);
    c->height = 1;
    for (size_t i = 0; rc == BD_OK && i < c->parent_count; i++) {
        struct commit parent;
        rc = commit_read(ns, &c->parents[i], &a, &parent, err);
        if (rc)
            break;
        parents[i] = (struct closure_parent){parent.hash, parent.height, parent.closure};
        if (parent.height + 1 > c->height)
            c->height = parent.height + 1;
    }
    struct tree closure;
    c->closure = HASH_ZERO;
    if (rc == BD_OK && c->parent_count) {
        rc = closure_build(ns, parents, c->parent_count, &closure, err);
        if (rc == BD_OK)
            rc = tree_write_root(&closure, &c->closure, err);
    }
    arena_release(&a);
    return rc;
}

int commit_create(struct node_store *ns, struct commit *c, struct err *err) {
    struct arena a = ARENA_INIT;
    const char *author = c->author, *email = c->email, *message = c->message;
    c->author = trimmed(&a, author ? author : "");
    c->email = trimmed(&a, email ? email : "");
    c->message = trimmed(&a, message ? message : "");
    int rc = BD_OK;
    if (!*c->message)
        rc = err_set(err, BD_INVALID, "a commit needs a message");
    else if (!*c->author || !*c->email)
        rc = err_set(err, BD_INVALID, "a commit needs the name and e-mail of its author");
    else if (c->parent_count > COMMIT_PARENTS_MAX)
        rc = err_set(err, BD_INVALID, "a commit cannot have %zu parents", c->parent_count);
    if (rc == BD_OK)
        rc = commit_link(ns, c, err);
    if (rc == BD_OK)
        rc = commit_write(ns, c, err);
    c->author = author;
    c->email = email;
    c->message = message;
    arena_release(&a);
    return rc;
}

int tag_read(struct node_store *ns, const struct hash *h, struct arena *a, struct tag *out,
             struct err *err) {
    memset(out, 0, sizeof *out);
    struct chunk c;
    int rc = node_store_read(ns, h, &c, err);
    if (rc)
        return err_prefix(err, "reading a tag");
    bool bad = false;
    struct fb_table t;
    rc = fb_open(c.data, c.size, "DTAG", &bad, &t, err);
    if (rc)
        return rc;
    struct fb_bytes commit = fb_bytes_at(&t, 0);
    out->name = text_of(a, fb_bytes_at(&t, 1));
    out->email = text_of(a, fb_bytes_at(&t, 2));
    out->description = text_of(a, fb_bytes_at(&t, 3));
    out->timestamp_millis = fb_u64(&t, 4, 0);
    out->user_timestamp_millis = fb_i64(&t, 5, 0);
    if (bad || commit.size != HASH_SIZE)
        return err_set(err, BD_CORRUPT, "a tag names no commit");
    memcpy(out->commit.b, commit.data, HASH_SIZE);
    return BD_OK;
}

int tag_write(struct node_store *ns, const struct tag *tag, struct hash *out, struct err *err) {
    struct flatbuf fb;
    flatbuf_init(&fb);
    flatbuf_ref commit = flatbuf_bytes(&fb, tag->commit.b, HASH_SIZE);
    flatbuf_ref name = flatbuf_string(&fb, tag->name, strlen(tag->name));
    flatbuf_ref email = flatbuf_string(&fb, tag->email, strlen(tag->email));
    flatbuf_ref desc = flatbuf_string(&fb, tag->description, strlen(tag->description));
    flatbuf_table_begin(&fb, 6);
    flatbuf_add_ref(&fb, 0, commit);
    flatbuf_add_ref(&fb, 1, name);
    flatbuf_add_ref(&fb, 2, email);
    flatbuf_add_ref(&fb, 3, desc);
    flatbuf_add_u64(&fb, 4, tag->timestamp_millis, 0);
    flatbuf_add_u64(&fb, 5, (uint64_t)tag->user_timestamp_millis, 0);
    flatbuf_ref table = flatbuf_table_end(&fb);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, table, "DTAG", &data, &size);
    int rc = node_store_write(ns, data, size, out, err);
    flatbuf_release(&fb);
    return rc;
}
