/* .beads/.env: variables for this workspace; what the environment already has wins. */
#include "bd/workspace/config.h"

#include "base/os.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ENV_FILE_MAX ((size_t)1 << 20)

static bool is_name(const char *s) {
    if (!isalpha((unsigned char)*s) && *s != '_')
        return false;
    while (isalnum((unsigned char)*s) || *s == '_')
        s++;
    return !*s;
}

/* The value in place, without quotes, escapes (in double quotes) and trailing comment. */
static char *clean_value(char *v) {
    v += strspn(v, " \t");
    char quote = *v == '"' || *v == '\'' ? *v : 0, *out = v;
    if (quote) {
        char *p = v + 1;
        for (; *p && *p != quote; p++) {
            if (quote == '"' && *p == '\\' && p[1]) {
                p++;
                *out++ = *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p;
            } else {
                *out++ = *p;
            }
        }
        *out = 0;
        return v;
    }
    char *comment = strstr(v, " #");
    if (comment)
        *comment = 0;
    size_t n = strlen(v);
    while (n && isspace((unsigned char)v[n - 1]))
        v[--n] = 0;
    return v;
}

bool config_load_env_file(const char *path, bool selection_only) {
    char *data, *line, *rest;
    size_t size;
    bool any = false;
    if (os_read_file(path, ENV_FILE_MAX, &data, &size))
        return false;
    rest = data;
    while ((line = strsep(&rest, "\n"))) {
        line += strspn(line, " \t\r");
        if (strncmp(line, "export ", 7) == 0)
            line += 7 + strspn(line + 7, " \t");
        char *equals = strchr(line, '=');
        if (*line == '#' || !equals)
            continue;
        *equals = 0;
        size_t n = strlen(line);
        while (n && isspace((unsigned char)line[n - 1]))
            line[--n] = 0;
        bool selects = strcmp(line, "BEADS_DIR") == 0 || strcmp(line, "BEADS_DB") == 0 ||
                       strcmp(line, "BD_DB") == 0;
        if (!is_name(line) || (selection_only && !selects) || getenv(line))
            continue;
        setenv(line, clean_value(equals + 1), 0);
        any = true;
    }
    free(data);
    return any;
}
