/*
 * Calls of the embedded driver that are not built yet; each says so.
 */
#include "store/db/embedded.h"

int embedded_merge(struct tables *t, const char *branch, const struct tables_write *w, struct arena *a,
                   struct tables_merge_result *out, struct err *err) {
    (void)t, (void)branch, (void)w, (void)a, (void)out;
    return err_set(err, BD_UNSUPPORTED, "merge is not built yet in the embedded engine");
}
