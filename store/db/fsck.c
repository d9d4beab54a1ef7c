/* The order of the checks. */
#include "store/db/fsck.h"

int db_fsck(const char *dir, const struct fsck_options *o, struct fsck_report *r, struct err *err) {
    (void)o;
    (void)r;
    return err_set(err, BD_UNSUPPORTED, "%s: checking databases is not built yet", dir);
}

int db_fsck_refs(const char *dir, const struct fsck_options *o, struct arena *a, struct fsck_ref **refs,
                 size_t *count, struct err *err) {
    (void)o;
    (void)a;
    (void)refs;
    (void)count;
    return err_set(err, BD_UNSUPPORTED, "%s: checking branches is not built yet", dir);
}
