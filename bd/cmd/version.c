/* bd version: what this program is, and a warning when several programs of its name are in the way. */
#include "bd/cmd/commands.h"

#include "base/version.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Real paths of the executables named bd on PATH, each once. */
static size_t find_programs(struct bd *bd, const char **found, size_t max) {
    const char *path = getenv("PATH");
    size_t n = 0;
    while (path && *path && n < max) {
        size_t size = strcspn(path, ":");
        char *candidate = arena_printf(&bd->arena, "%.*s/bd", (int)size, path);
        char real[PATH_MAX];
        if (size && access(candidate, X_OK) == 0 && realpath(candidate, real)) {
            bool known = false;
            for (size_t i = 0; i < n; i++)
                known = known || strcmp(found[i], real) == 0;
            if (!known)
                found[n++] = arena_strdup(&bd->arena, real);
        }
        path += size + (path[size] == ':');
    }
    return n;
}

static int run(struct bd *bd, const struct cmd_call *call) {
    (void)call;
    if (bd->json) {
        struct buf out = BUF_INIT;
        struct json_writer w;
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "version", BD_VERSION);
        json_member_str(&w, "build", BD_BUILD);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else {
        fprintf(bd->out, "bd version %s (%s)\n", BD_VERSION, BD_BUILD);
    }
    const char *found[16];
    size_t n = find_programs(bd, found, 16);
    if (n > 1) {
        fprintf(bd->err, "\nWarning: multiple 'bd' binaries found in PATH:\n");
        for (size_t i = 0; i < n; i++)
            fprintf(bd->err, "  %s\n", found[i]);
        fprintf(bd->err, "The first one is used; remove the others to be sure which one runs.\n");
    }
    return 0;
}

const struct cmd cmd_version = {
    .name = "version",
    .use = "version",
    .summary = "Print the version",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run,
};
