/* Usage blocks and help, generated from the command table, in the shape of upstream's library. */
#include "bd/cmd/parse.h"

#include "bd/ui/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const groups[] = {
    "Working With Issues",   "Views & Reports", "Dependencies & Structure", "Sync & Data",
    "Setup & Configuration", "Maintenance",     "Integrations & Advanced",  NULL,
};

static const char *value_name(const struct cmd_flag *f) {
    static const char *const names[] = {
        [FLAG_BOOL] = "",
        [FLAG_INT] = "int",
        [FLAG_FLOAT] = "float",
        [FLAG_DURATION] = "duration",
        [FLAG_STRING] = "string",
        [FLAG_STRINGS] = "strings",
        [FLAG_ARRAY] = "stringArray",
    };
    return f->value_name ? f->value_name : names[f->kind];
}

static bool default_is_zero(const struct cmd_flag *f) {
    const char *d = f->default_text;
    if (!d || !*d)
        return true;
    switch (f->kind) {
    case FLAG_BOOL: return strcmp(d, "false") == 0;
    case FLAG_INT:
    case FLAG_FLOAT: return strcmp(d, "0") == 0;
    case FLAG_DURATION: return strcmp(d, "0s") == 0;
    default: return false;
    }
}

static int compare_flags(const void *x, const void *y) {
    return strcmp((*(const struct cmd_flag *const *)x)->name,
                  (*(const struct cmd_flag *const *)y)->name);
}

static void add_flag_lines(struct buf *out, struct arena *a, const struct cmd_flag **list, size_t n) {
    const char **heads = arena_alloc(a, (n + 1) * sizeof *heads);
    size_t widest = 0;
    qsort(list, n, sizeof *list, compare_flags);
    for (size_t i = 0; i < n; i++) {
        const struct cmd_flag *f = list[i];
        const char *type = value_name(f);
        char letter[5] = {'-', f->shorthand, ',', ' ', 0};
        heads[i] = arena_printf(
            a, "  %s--%s%s%s%s", f->shorthand ? letter : "    ", f->name, *type ? " " : "", type,
            f->no_value && f->kind != FLAG_BOOL ? arena_printf(a, "[=\"%s\"]", f->no_value) : "");
        size_t w = strlen(heads[i]);
        widest = w > widest ? w : widest;
    }
    for (size_t i = 0; i < n; i++) {
        const struct cmd_flag *f = list[i];
        buf_add_str(out, text_pad(a, heads[i], widest + 3));
        buf_add_str(out, f->help ? f->help : "");
        if (!default_is_zero(f)) {
            if (f->kind == FLAG_STRING)
                buf_addf(out, " (default %s)", cmd_quote(a, f->default_text));
            else if (f->kind == FLAG_STRINGS || f->kind == FLAG_ARRAY)
                buf_addf(out, " (default [%s])", f->default_text);
            else
                buf_addf(out, " (default %s)", f->default_text);
        }
        if (f->deprecated)
            buf_addf(out, " (DEPRECATED: %s)", f->deprecated);
        buf_add_char(out, '\n');
    }
}

static bool shadowed(const struct cmd_call *c, size_t level, const char *name) {
    for (size_t d = c->depth; d-- > level;)
        for (const struct cmd_flag *f = c->chain[d]->flags; f && f->name; f++)
            if (strcmp(f->name, name) == 0)
                return true;
    return false;
}

static void add_flags(struct buf *out, const struct cmd_call *c) {
    static const struct cmd_flag help = {.name = "help", .shorthand = 'h', .kind = FLAG_BOOL};
    const struct cmd *cmd = cmd_of(c);
    struct arena *a = c->arena;
    const struct cmd_flag *list[256];
    size_t n = 0;
    struct cmd_flag own_help = help;
    own_help.help = arena_printf(a, "help for %s", cmd->name);
    list[n++] = &own_help;
    for (const struct cmd_flag *f = cmd->flags; f && f->name && n < 200; f++)
        if (!f->hidden)
            list[n++] = f;
    bool root = c->depth == 1;
    for (const struct cmd_flag *f = cmd_global_flags; root && f->name; f++)
        if (!f->hidden)
            list[n++] = f;
    buf_add_str(out, "\nFlags:\n");
    add_flag_lines(out, a, list, n);
    if (root)
        return;
    n = 0;
    for (size_t d = 0; d + 1 < c->depth; d++)
        for (const struct cmd_flag *f = c->chain[d]->flags; f && f->name && n < 100; f++)
            if (f->persistent && !f->hidden && !shadowed(c, d + 1, f->name))
                list[n++] = f;
    for (const struct cmd_flag *f = cmd_global_flags; f->name; f++)
        if (!f->hidden && !shadowed(c, 1, f->name))
            list[n++] = f;
    buf_add_str(out, "\nGlobal Flags:\n");
    add_flag_lines(out, a, list, n);
}

static void add_command(struct buf *out, const struct cmd *c, size_t width) {
    buf_add_str(out, "  ");
    buf_addf(out, "%-*s %s\n", (int)width, c->name, c->summary ? c->summary : "");
}

static void add_children(struct buf *out, const struct cmd_call *c) {
    const struct cmd *const *kids = cmd_sorted_children(c->arena, cmd_of(c));
    size_t width = 11;
    if (!kids[0])
        return;
    for (size_t i = 0; kids[i]; i++)
        width = strlen(kids[i]->name) > width ? strlen(kids[i]->name) : width;
    buf_add_str(out, "\nAvailable Commands:\n");
    if (c->depth > 1) {
        for (size_t i = 0; kids[i]; i++)
            add_command(out, kids[i], width);
        return;
    }
    for (size_t g = 0;; g++) {
        bool any = false;
        for (size_t i = 0; kids[i]; i++) {
            bool here =
                groups[g] ? kids[i]->group && strcmp(kids[i]->group, groups[g]) == 0 : !kids[i]->group;
            if (!here)
                continue;
            if (!any)
                buf_addf(out, "%s%s:\n", g ? "\n" : "", groups[g] ? groups[g] : "Additional Commands");
            any = true;
            add_command(out, kids[i], width);
        }
        if (!groups[g])
            break;
    }
}

void cmd_usage(struct buf *out, const struct cmd_call *c) {
    const struct cmd *cmd = cmd_of(c);
    bool children = cmd->children && cmd->children[0];
    buf_add_str(out, "Usage:\n");
    if (cmd->run) {
        const char *rest = cmd->use ? strchr(cmd->use, ' ') : NULL;
        buf_addf(out, "  %s%s%s\n", c->path, rest ? rest : "",
                 rest && strstr(rest, "[flags]") ? "" : " [flags]");
    }
    if (children)
        buf_addf(out, "  %s [command]\n", c->path);
    if (cmd->aliases && cmd->aliases[0]) {
        buf_addf(out, "\nAliases:\n  %s", cmd->name);
        for (size_t i = 0; cmd->aliases[i]; i++)
            buf_addf(out, ", %s", cmd->aliases[i]);
        buf_add_char(out, '\n');
    }
    if (cmd->examples)
        buf_addf(out, "\nExamples:\n%s%s", cmd->examples,
                 cmd->examples[strlen(cmd->examples) - 1] == '\n' ? "" : "\n");
    if (children)
        add_children(out, c);
    add_flags(out, c);
    if (children)
        buf_addf(out, "\nUse \"%s [command] --help\" for more information about a command.\n", c->path);
}

void cmd_help(struct buf *out, const struct cmd_call *c) {
    const struct cmd *cmd = cmd_of(c);
    const char *text = cmd->details ? cmd->details : cmd->summary ? cmd->summary : "";
    size_t size = strlen(text);
    while (size && (text[size - 1] == '\n' || text[size - 1] == ' '))
        size--;
    if (size)
        buf_addf(out, "%.*s\n\n", (int)size, text);
    cmd_usage(out, c);
}
