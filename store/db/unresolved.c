/* A table's message names the tree of its artifacts; none is a zero address. */
#include "store/db/unresolved.h"

#include "store/db/embedded.h"

int db_unresolved_tables(struct tables_txn *x, struct arena *a, const char ***names, size_t *count,
                         struct err *err) {
    const char **all;
    size_t n;
    int rc = tables_list(x, a, &all, &n, err);
    *count = 0;
    *names = all;
    for (size_t i = 0; rc == BD_OK && i < n; i++) {
        struct table *t;
        rc = embedded_table(embedded_txn_of(x), all[i], &t, err);
        if (rc == BD_OK && (!hash_is_zero(&t->artifacts) || !hash_is_zero(&t->conflicts[0]) ||
                            !hash_is_zero(&t->violations)))
            all[(*count)++] = all[i];
    }
    return rc;
}
