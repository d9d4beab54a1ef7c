/*
 * bd init --from-jsonl: the new database starts with the issues of an export. The file is read and understood before
 * anything is created, so that a file nobody can read leaves no half-made workspace.
 */
#include "base/os.h"
#include "bd/cmd/init.h"
#include "bd/ops/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_SIZE ((size_t)4 << 30)

struct init_import {
    const char *path;
    char *text;
    struct import_data data;
};

void init_import_free(struct init_import *i) {
    if (!i)
        return;
    import_data_release(&i->data);
    free(i->text);
    free(i);
}

static const char *export_path(struct init_job *j) {
    struct arena *a = &j->bd->arena;
    const char *name = config_read_file(arena_printf(a, "%s/config.yaml", j->beads_dir), "import.path", a);
    if (!name || !*name)
        name = config_get(&j->bd->config, "import.path");
    if (!name || !*name)
        name = "issues.jsonl";
    return *name == '/' ? name : arena_printf(a, "%s/%s", j->beads_dir, name);
}

int init_import_read(struct init_job *j) {
    struct bd *bd = j->bd;
    struct err err = ERR_INIT;
    size_t size;
    if (!cmd_bool(j->call, "from-jsonl"))
        return 0;
    j->import = mem_zalloc(1, sizeof *j->import);
    j->import->path = export_path(j);
    if (os_read_file(j->import->path, FILE_MAX_SIZE, &j->import->text, &size))
        return errno == ENOENT ? cmd_fail(bd, "--from-jsonl specified but %s does not exist", j->import->path)
                               : cmd_fail(bd, "cannot read %s: %s", j->import->path, strerror(errno));
    if (import_data_parse(&j->import->data, j->import->text, size, &bd->arena, &err))
        return cmd_fail(bd, "failed to import from JSONL: %s: %s; nothing was created", j->import->path, err.msg);
    return 0;
}

int init_import_run(struct init_job *j) {
    struct bd *bd = j->bd;
    struct tables_open open = {.dir = j->database_dir};
    struct import_result result = {0};
    struct err err = ERR_INIT;
    if (!j->import)
        return 0;
    const char *slash = strrchr(j->import->path, '/');
    struct import_options options = {.source = slash ? slash + 1 : j->import->path};
    int rc = tables_open_embedded(&bd->ops.tables, &open, &err);
    if (rc == BD_OK) {
        bd_actor(bd);
        bd_owner(bd);
        bd->ops.commit_mode = TABLES_COMMIT;
        if (j->import->data.count || j->import->data.memory_count || j->import->data.row_count)
            rc = import_run(&bd->ops, &j->import->data, &options, &bd->arena, &result, &err);
        tables_close(bd->ops.tables);
        bd->ops.tables = NULL;
    }
    if (rc != BD_OK)
        return cmd_fail_hint(bd, "the database is there, without issues: mend the file, then run 'bd import'",
                             "failed to import from JSONL: %s: %s", j->import->path, err.msg);
    if (!j->quiet) {
        fprintf(bd->out, "  Imported %zu issues from %s\n", result.imported, j->import->path);
        for (size_t i = 0; i < result.skipped_count; i++)
            fprintf(bd->err, "Skipped dependency: %s\n", result.skipped_dependencies[i]);
    }
    return 0;
}
