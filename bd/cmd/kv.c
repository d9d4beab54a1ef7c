/*
 * bd kv: a small store of keys and values beside the issues, in the table config under "kv.". Writes
 * stay in the working set; the next commit takes them along.
 */
#include "bd/cmd/commands.h"
#include "bd/ops/db_config.h"
#include "bd/ui/text.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "kv."
#define PREFIX_SIZE (sizeof PREFIX - 1)

static const char *stored(struct bd *bd, const char *key) {
    return arena_printf(&bd->arena, PREFIX "%s", key);
}

/* Keys that would look like settings of bd itself are refused. */
static int check_key(struct bd *bd, const char *key) {
    static const char *const reserved[] = {"sync.",   "conflict.", "federation.", "jira.",
                                           "linear.", "export.",   "import."};
    if (!*key)
        return cmd_fail_json_stdout(bd, "invalid key: key cannot be empty");
    if (!*text_trim(&bd->arena, key))
        return cmd_fail_json_stdout(bd, "invalid key: key cannot be only whitespace");
    if (strncmp(key, PREFIX, PREFIX_SIZE) == 0)
        return cmd_fail_json_stdout(
            bd, "invalid key: key cannot start with 'kv.' (would create nested prefix)");
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strncmp(key, reserved[i], strlen(reserved[i])) == 0)
            return cmd_fail_json_stdout(bd, "invalid key: key cannot start with reserved prefix \"%s\"",
                                        reserved[i]);
    return 0;
}

static int run_change(struct bd *bd, const struct cmd_call *c, const char *value) {
    const char *key = cmd_arg(c, 0);
    struct db_config_change w = {stored(bd, key), value};
    struct tables_write write = {.mode = TABLES_WORKING};
    struct err err = ERR_INIT;
    struct json_writer j;
    struct buf out = BUF_INIT;
    int status = check_key(bd, key);
    if (status)
        return status;
    if (tables_write(bd->ops.tables, &write, db_config_change, &w, NULL, &err) != BD_OK)
        return cmd_fail_json_stdout(bd, "%s key: %s", value ? "setting" : "deleting", err.msg);
    if (!bd->json && value)
        fprintf(bd->out, "Set %s = %s\n", key, value);
    else if (!bd->json)
        fprintf(bd->out, "Cleared %s\n", key);
    if (!bd->json)
        return 0;
    bd_json_begin(bd, &j, &out, true);
    json_object(&j);
    json_member_str(&j, "key", key);
    json_member_str(&j, value ? "value" : "deleted", value ? value : "true");
    json_object_end(&j);
    bd_json_end(bd, &j, &out);
    return 0;
}

static int run_set(struct bd *bd, const struct cmd_call *c) { return run_change(bd, c, cmd_arg(c, 1)); }
static int run_clear(struct bd *bd, const struct cmd_call *c) { return run_change(bd, c, NULL); }

static int run_get(struct bd *bd, const struct cmd_call *c) {
    const char *key = cmd_arg(c, 0), *value = NULL;
    struct tables_txn *x;
    struct err err = ERR_INIT;
    struct json_writer j;
    struct buf out = BUF_INIT;
    int rc = tables_read_begin(bd->ops.tables, &x, &err);
    if (rc == BD_OK) {
        rc = db_config_get(x, stored(bd, key), &bd->arena, &value, &err);
        tables_read_end(x);
    }
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "getting key: %s", err.msg);
    bool found = value && *value;
    if (!bd->json) {
        fprintf(found ? bd->out : bd->err, found ? "%s\n" : "%s (not set)\n", found ? value : key);
        return found ? 0 : 1;
    }
    bd_json_begin(bd, &j, &out, true);
    json_object(&j);
    json_member_str(&j, "key", key);
    json_member_str(&j, "value", found ? value : "");
    json_member_bool(&j, "found", found);
    json_object_end(&j);
    bd_json_end(bd, &j, &out);
    return found ? 0 : 1;
}

struct listing {
    struct bd *bd;
    struct json_writer *j; /* NULL: text */
    size_t count;
};

static int list_row(void *ctx, const struct cell *row) {
    struct listing *l = ctx;
    struct arena *a = &l->bd->arena;
    const char *key = cell_format(&row[0], a) + PREFIX_SIZE;
    const char *value = cell_has_text(&row[1]) ? cell_format(&row[1], a) : "";
    if (l->j)
        json_member_str(l->j, key, value);
    else
        fprintf(l->bd->out, "%s  %s = %s\n", l->count ? "" : "\nKey-Value Store:\n", key, value);
    l->count++;
    return BD_OK;
}

static int run_list(struct bd *bd, const struct cmd_call *c) {
    static const char *const columns[] = {"key", "value"};
    struct tables_query q = {.table = "config",
                             .columns = columns,
                             .column_count = 2,
                             .where = pred_cmp(&bd->arena, PRED_PREFIX, "key", cell_text(PREFIX))};
    struct listing l = {.bd = bd};
    struct tables_txn *x;
    struct err err = ERR_INIT;
    struct json_writer j;
    struct buf out = BUF_INIT;
    (void)c;
    int rc = tables_read_begin(bd->ops.tables, &x, &err);
    if (rc != BD_OK)
        return cmd_fail_json_stdout(bd, "listing keys: %s", err.msg);
    if (bd->json) {
        bd_json_begin(bd, &j, &out, true);
        json_object(&j);
        l.j = &j;
    }
    rc = tables_scan(x, &q, &bd->arena, list_row, &l, &err);
    tables_read_end(x);
    if (bd->json)
        json_object_end(&j);
    if (rc != BD_OK) {
        buf_release(&out);
        return cmd_fail_json_stdout(bd, "listing keys: %s", err.msg);
    }
    if (bd->json)
        bd_json_end(bd, &j, &out);
    else if (!l.count)
        fputs("No key-value pairs set\n", bd->out);
    return 0;
}

static const struct cmd cmd_kv_set = {
    .name = "set",
    .use = "set <key> <value>",
    .summary = "Set a key",
    .examples = "  bd kv set feature_flag true",
    .args_min = 2,
    .args_max = 2,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "kv set",
    .run = run_set,
};
static const struct cmd cmd_kv_get = {
    .name = "get",
    .use = "get <key>",
    .summary = "Print the value of a key",
    .details = "Prints the value of a key. The exit status is 1 when it is not set.",
    .args_min = 1,
    .args_max = 1,
    .run = run_get,
};
static const struct cmd cmd_kv_clear = {
    .name = "clear",
    .use = "clear <key>",
    .summary = "Remove a key",
    .args_min = 1,
    .args_max = 1,
    .cls = CMD_WRITES | CMD_BRIEF,
    .readonly_label = "kv clear",
    .run = run_clear,
};
static const struct cmd cmd_kv_list = {
    .name = "list",
    .use = "list",
    .summary = "List all keys with their values",
    .args_max = -1,
    .run = run_list,
};
static const struct cmd *const children[] = {&cmd_kv_clear, &cmd_kv_get, &cmd_kv_list, &cmd_kv_set,
                                             NULL};

const struct cmd cmd_kv = {
    .name = "kv",
    .use = "kv",
    .summary = "Keep keys and values beside the issues",
    .group = "Setup & Configuration",
    .args_max = -1,
    .children = children,
};
