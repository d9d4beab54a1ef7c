/*
 * Commits (DCMT) and tags (DTAG), and the closure of a commit's ancestors (Dolt: go/serial/commit.fbs,
 * tag.fbs).
 */
#ifndef STORE_DB_COMMIT_H
#define STORE_DB_COMMIT_H

#include "store/prolly/tree.h"

#define COMMIT_PARENTS_MAX 64

/* A commit; `hash` is its address once it was read or written. */
struct commit {
    struct hash hash, root, closure;
    uint64_t height;
    struct hash *parents; /* in the arena */
    size_t parent_count;
    const char *author, *email, *message;    /* in the arena */
    const char *committer, *committer_email; /* NULL: as the author */
    const char *signature;                   /* NULL: none */
    uint64_t committer_millis;
    int64_t author_millis;
};

/* BD_NOT_FOUND for a ghost of a shallow clone. Texts and parents go to the arena. */
int commit_read(struct node_store *ns, const struct hash *h, struct arena *a, struct commit *out,
                struct err *err);
/* Writes the message as it stands (height and closure included) and sets c->hash. */
int commit_write(struct node_store *ns, struct commit *c, struct err *err);

/* Fills height and closure from the parents; all else is left as it is. */
int commit_link(struct node_store *ns, struct commit *c, struct err *err);

/*
 * Fills height and closure from the parents and writes. Author, e-mail and message are trimmed; an
 * empty one is BD_INVALID.
 */
int commit_create(struct node_store *ns, struct commit *c, struct err *err);

/* A tag object; texts in the arena of whoever read it. */
struct tag {
    struct hash commit;
    const char *name, *email, *description;
    uint64_t timestamp_millis;
    int64_t user_timestamp_millis;
};
/* BD_NOT_FOUND, BD_CORRUPT. */
int tag_read(struct node_store *ns, const struct hash *h, struct arena *a, struct tag *out,
             struct err *err);
/* *out is the address that refs/tags/… then names. */
int tag_write(struct node_store *ns, const struct tag *tag, struct hash *out, struct err *err);

#endif
