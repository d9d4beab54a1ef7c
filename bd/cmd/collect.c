/* A garbage collection with its progress; bd gc, bd flatten, bd compact and dolt gc run it. */
#include "bd/cmd/collect.h"

#include "bd/ui/progress.h"

static int show(void *ctx, enum db_gc_phase phase, uint64_t done, uint64_t total) {
    static const char *const names[] = {"Finding what is in use", "Writing", "Publishing"};
    progress_step(ctx, names[phase]);
    progress_at(ctx, done, total);
    return BD_OK;
}

int collect_run(struct bd *bd, const char *dir, struct db_gc_options o, struct db_gc_result *out,
                struct err *err) {
    struct progress p;
    progress_begin(&p, bd->err, bd->stderr_tty && !bd->quiet && !bd->json, "Collecting");
    o.progress = show;
    o.progress_ctx = &p;
    int rc = db_gc(dir, &o, out, err);
    progress_end(&p);
    return rc;
}
