/* A step that fails is told once and tried again after an hour, not by every command. */
#include "bd/cmd/auto_collect.h"

#include "bd/cmd/cmd.h"

#include "base/os.h"
#include "store/db/gc.h"

#include <strings.h>
#include <time.h>

#define RETRY_S 3600

static bool switched_off(struct bd *bd) {
    static const char *const words[] = {"false", "off", "no", "0"};
    const char *value = config_get(&bd->config, "gc.auto");
    for (size_t i = 0; value && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(value, words[i]) == 0)
            return true;
    return false;
}

static bool failed_lately(const char *marker) {
    struct stat st;
    time_t now = time(NULL);
    return os_stat(marker, &st) == 0 && st.st_mtim.tv_sec <= now && now - st.st_mtim.tv_sec < RETRY_S;
}

void auto_collect(struct bd *bd) {
    struct db_gc_step_options o = {0};
    struct err err = ERR_INIT;
    if (!bd->command_writes || !bd->ops.tables || tables_is_read_only(bd->ops.tables) ||
        bd->schema_too_new || !db_gc_step_due(bd->ws.database_dir, &o) || switched_off(bd))
        return;
    const char *marker = arena_printf(&bd->arena, "%s/.dolt/temptf/bd-gc-failed", bd->ws.database_dir);
    if (failed_lately(marker))
        return;
    fflush(bd->out);
    tables_close(bd->ops.tables);
    bd->ops.tables = NULL;
    if (db_gc_step(bd->ws.database_dir, &o, &err) == BD_OK)
        return;
    os_write_file_atomic(marker, err.msg, strlen(err.msg), 0666);
    cmd_warn(bd,
             "the automatic collection of the store failed and is tried again in an hour: %s\n"
             "Your change is saved. 'bd doctor' looks what is wrong",
             err.msg);
}
