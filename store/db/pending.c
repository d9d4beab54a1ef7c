/*
 * Calls of the embedded driver that are not built yet; each says so.
 */
#include "store/db/embedded.h"

static int not_built(const char *what, struct err *err) {
    return err_set(err, BD_UNSUPPORTED, "%s is not built yet in the embedded engine", what);
}

int embedded_diff(struct tables *t, const char *from, const char *to, const char *table, struct arena *a,
                  int (*fn)(void *ctx, const struct tables_diff_row *d), void *ctx, struct err *err) {
    (void)t, (void)from, (void)to, (void)table, (void)a, (void)fn, (void)ctx;
    return not_built("diff", err);
}
int embedded_status(struct tables *t, struct arena *a, struct tables_status **list, size_t *count,
                    struct err *err) {
    (void)t, (void)a, (void)list, (void)count;
    return not_built("status", err);
}
int embedded_branch_create(struct tables *t, const char *name, const char *from_ref, struct err *err) {
    (void)t, (void)name, (void)from_ref;
    return not_built("creating branches", err);
}
int embedded_branch_delete(struct tables *t, const char *name, bool force, struct err *err) {
    (void)t, (void)name, (void)force;
    return not_built("deleting branches", err);
}
int embedded_checkout(struct tables *t, const char *branch, struct err *err) {
    (void)t, (void)branch;
    return not_built("checkout", err);
}
int embedded_merge(struct tables *t, const char *branch, const struct tables_write *w, struct arena *a,
                   struct tables_merge_result *out, struct err *err) {
    (void)t, (void)branch, (void)w, (void)a, (void)out;
    return not_built("merge", err);
}
