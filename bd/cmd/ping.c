/* bd ping: can the database be reached, and how fast. */
#include "bd/cmd/commands.h"
#include "bd/ui/ink.h"

#include <inttypes.h>
#include <time.h>

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fail(struct bd *bd, int64_t start, const char *reason) {
    int64_t total = now_ms() - start;
    if (!bd->json) {
        fprintf(bd->err, "%s bd ping: %s (%" PRId64 "ms)\n",
                ink_text(&bd->arena, bd->color, INK_FAIL, "✗"), reason, total);
        return 1;
    }
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "status", "error");
    json_member_str(&w, "error", reason);
    json_member_int(&w, "total_ms", total);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 1;
}

static int one_row(void *ctx, const struct cell *row) {
    (void)ctx, (void)row;
    return BD_DONE;
}

static int run(struct bd *bd, const struct cmd_call *call) {
    static const char *const columns[] = {"id"};
    struct tables_query q = {.table = "issues", .columns = columns, .column_count = 1, .limit = 1};
    struct err err = ERR_INIT;
    struct tables_txn *x;
    (void)call;
    int64_t start = now_ms();
    bd->store_read_only = true;
    int status = bd_open_store(bd);
    if (status)
        return status;
    int64_t opened = now_ms();
    int rc = tables_read_begin(bd->ops.tables, &x, &err);
    if (rc == BD_OK) {
        rc = tables_scan(x, &q, &bd->arena, one_row, NULL, &err);
        tables_read_end(x);
    }
    if (rc)
        return fail(bd, start, arena_printf(&bd->arena, "query failed: %s", err.msg));
    int64_t end = now_ms();
    if (!bd->json) {
        fprintf(bd->out, "%s bd ping: ok (%" PRId64 "ms)\n",
                ink_text(&bd->arena, bd->color, INK_PASS, "✓"), end - start);
        return 0;
    }
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "status", "ok");
    json_member_int(&w, "resolve_ms", 0);
    json_member_int(&w, "store_ms", opened - start);
    json_member_int(&w, "query_ms", end - opened);
    json_member_int(&w, "total_ms", end - start);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 0;
}

const struct cmd cmd_ping = {
    .name = "ping",
    .use = "ping",
    .summary = "Check that the database can be reached",
    .group = "Maintenance",
    .details = "Finds the workspace, opens the database, reads one row, and prints how long that took.",
    .args_max = -1,
    .cls = CMD_NO_STORE,
    .run = run,
};
