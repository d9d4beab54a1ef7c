/* Mending: which repairs the findings call for, and their order. */
#include "store/db/repair.h"

#include <stdlib.h>

void repair_result_release(struct repair_result *r) {
    free(r->steps);
    arena_release(&r->arena);
    *r = (struct repair_result){.arena = ARENA_INIT};
}

int db_repair(const char *dir, const struct repair_options *o, struct repair_result *r, struct err *err) {
    (void)o;
    (void)r;
    return err_set(err, BD_UNSUPPORTED, "%s: repairing databases is not built yet", dir);
}

int db_revive_journal(const char *dir, struct arena *a, const char **saved, uint64_t *cut_bytes,
                      struct err *err) {
    (void)a;
    (void)saved;
    (void)cut_bytes;
    return err_set(err, BD_UNSUPPORTED, "%s: reviving journals is not built yet", dir);
}
