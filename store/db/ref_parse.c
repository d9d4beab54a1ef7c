/*
 * Revision expressions: HEAD, a branch, a tag, a remote branch, a commit hash, each followed by any
 * number of ~n and ^n. HEAD and branches are found whatever their case; full refs are no revisions, as
 * in Dolt.
 */
#include "store/db/embedded.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Reads a commit's address from a dataset, looking through a tag. */
static int dataset_commit(struct node_store *ns, const struct tree *datasets, const char *dataset,
                          struct hash *out, struct err *err) {
    int rc = store_root_get(datasets, dataset, out, err);
    if (rc || strncmp(dataset, "refs/tags/", 10))
        return rc;
    struct arena a = ARENA_INIT;
    struct tag tag;
    rc = tag_read(ns, out, &a, &tag, err);
    if (rc == BD_OK)
        *out = tag.commit;
    arena_release(&a);
    return rc;
}

struct branch_search {
    const char *name;
    struct hash *out;
    bool found;
};

static int same_branch(void *ctx, struct bytes dataset, const struct hash *address) {
    struct branch_search *b = ctx;
    static const char prefix[] = "refs/heads/";
    size_t n = sizeof prefix - 1, size = strlen(b->name);
    if (dataset.size != n + size || memcmp(dataset.data, prefix, n) ||
        strncasecmp((const char *)dataset.data + n, b->name, size))
        return BD_OK;
    *b->out = *address;
    b->found = true;
    return BD_DONE;
}

static int base_commit(struct node_store *ns, const struct tree *datasets, const char *head_branch,
                       const char *name, struct arena *a, struct hash *out, struct err *err) {
    if (!strcasecmp(name, "HEAD"))
        name = head_branch;
    static const char *const prefixes[] = {"refs/heads/", "refs/tags/", "refs/remotes/"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        int rc = dataset_commit(ns, datasets, arena_printf(a, "%s%s", prefixes[i], name), out, err);
        if (rc != BD_NOT_FOUND)
            return rc;
    }
    struct hash h;
    if (hash_parse(name, strlen(name), &h)) {
        struct commit c;
        int rc = commit_read(ns, &h, a, &c, err);
        if (rc)
            return rc;
        *out = h;
        return BD_OK;
    }
    struct branch_search b = {name, out, false};
    int rc = store_root_each(datasets, same_branch, &b, err);
    if (rc != BD_OK && rc != BD_DONE)
        return rc;
    return b.found ? BD_OK : err_set(err, BD_NOT_FOUND, "branch, tag or commit not found: %s", name);
}

int ref_resolve(struct node_store *ns, const struct tree *datasets, const char *head_branch,
                const char *ref, struct hash *commit, struct err *err) {
    struct arena a = ARENA_INIT;
    if (!ref || !*ref)
        ref = "HEAD";
    size_t n = strcspn(ref, "~^");
    const char *name = n ? arena_strndup(&a, ref, n) : "HEAD";
    int rc = base_commit(ns, datasets, head_branch, name, &a, commit, err);
    const char *p = ref + n;
    while (rc == BD_OK && *p) {
        char op = *p++;
        unsigned long count = 1;
        if (op != '~' && op != '^') {
            rc = err_set(err, BD_INVALID, "not a revision: %s", ref);
            break;
        }
        if (isdigit((unsigned char)*p)) {
            char *end;
            count = strtoul(p, &end, 10);
            p = end;
        }
        if (op == '^' && count == 0)
            continue;
        unsigned long steps = op == '~' ? count : 1, parent = op == '^' ? count - 1 : 0;
        for (unsigned long i = 0; rc == BD_OK && i < steps; i++) {
            struct commit c;
            rc = commit_read(ns, commit, &a, &c, err);
            if (rc == BD_OK && parent >= c.parent_count)
                rc = err_set(err, BD_NOT_FOUND, "%s goes back beyond the first commit", ref);
            if (rc == BD_OK)
                *commit = c.parents[parent];
            if ((i & 255) == 255)
                arena_reset(&a);
        }
    }
    arena_release(&a);
    return rc;
}
