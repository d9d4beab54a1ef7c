/*
 * bd init --from-jsonl: the new database starts with the issues of an export. The file is read and
 * understood before anything is created, so that a file nobody can read leaves no half-made workspace.
 */
#include "bd/cmd/import_source.h"
#include "bd/cmd/init.h"
#include "bd/ops/resolve.h"

#include <stdlib.h>

struct init_import {
    const char *path;
    struct import_source source;
    struct import_result result;
};

void init_import_free(struct init_import *i) {
    if (!i)
        return;
    import_source_release(&i->source);
    free(i);
}

static const char *export_path(struct init_job *j) {
    struct arena *a = &j->bd->arena;
    const char *name =
        config_read_file(arena_printf(a, "%s/config.yaml", j->beads_dir), "import.path", a);
    if (!name || !*name)
        name = config_get(&j->bd->config, "import.path");
    if (!name || !*name)
        name = "issues.jsonl";
    return *name == '/' ? name : arena_printf(a, "%s/%s", j->beads_dir, name);
}

int init_import_read(struct init_job *j) {
    return cmd_bool(j->call, "from-jsonl") ? init_import_from(j, export_path(j), "--from-jsonl") : 0;
}

int init_import_from(struct init_job *j, const char *path, const char *why) {
    struct bd *bd = j->bd;
    struct err err = ERR_INIT;
    j->import = mem_zalloc(1, sizeof *j->import);
    j->import->path = path;
    int rc = import_source_read(bd, path, &j->import->source, &err);
    if (rc == BD_NOT_FOUND)
        return cmd_fail(bd, "%s specified but %s does not exist", why, path);
    if (rc != BD_OK)
        return cmd_fail(bd, "failed to import from JSONL: %s: %s; nothing was created", path, err.msg);
    return 0;
}

const char *init_import_prefix(const struct init_job *j) {
    const struct import_data *d = &j->import->source.data;
    const char *prefix = d->count ? id_prefix_guess(d->issues[0].id, &j->bd->arena) : "";
    return *prefix ? prefix : NULL;
}

int init_import_into(struct init_job *j, const char *dir, struct err *err) {
    struct bd *bd = j->bd;
    struct tables_open open = {.dir = dir};
    struct import_data *d = &j->import->source.data;
    struct import_options options = {.source = import_source_name(j->import->path),
                                     .message = j->import_message};
    if (!d->count && !d->memory_count && !d->row_count)
        return BD_OK;
    int rc = tables_open_embedded(&bd->ops.tables, &open, err);
    if (rc != BD_OK) {
        bd->ops.tables = NULL;
        return rc;
    }
    bd_actor(bd);
    bd_owner(bd);
    bd->ops.commit_mode = TABLES_COMMIT;
    import_source_forgettable(&j->import->source, &options);
    import_source_show(&j->import->source, &options);
    rc = import_run(&bd->ops, d, &options, &bd->arena, &j->import->result, err);
    if (rc != BD_OK)
        err_prefix(err, "failed to import from JSONL: %s", j->import->path);
    tables_close(bd->ops.tables);
    bd->ops.tables = NULL;
    return rc;
}

void init_import_report(struct init_job *j, FILE *out, const char *indent) {
    const struct import_result *r = &j->import->result;
    fprintf(out, "%sImported %zu issues", indent, r->imported);
    if (r->memories)
        fprintf(out, " and %zu memories", r->memories);
    fprintf(out, " from %s\n", j->import->path);
    import_source_report(&j->import->source, r);
}
