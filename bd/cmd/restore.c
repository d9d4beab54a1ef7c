/* bd restore: the full texts of a compacted issue, as the history has them. It shows them; nothing is
 * written. */
#include "bd/cmd/commands.h"
#include "bd/cmd/view.h"
#include "bd/cmd/write.h"
#include "bd/ops/compaction.h"
#include "bd/ops/history.h"
#include "bd/ui/ink.h"

#include <inttypes.h>

static void add_section(struct bd *bd, struct buf *out, const char *head, const char *text) {
    if (!text || !*text)
        return;
    ink_add(out, bd->color, INK_BOLD, head);
    buf_addf(out, "\n%s\n\n", text);
}

static void add_time(struct bd *bd, struct buf *out, const char *head, int64_t micros) {
    char time[40];
    if (micros == ISSUE_NO_TIME)
        return;
    datetime_format_sql(micros, 0, time, sizeof time);
    ink_add(out, bd->color, INK_BOLD, head);
    buf_addf(out, " %s\n", time);
}

static void show(struct bd *bd, const struct history_entry *e) {
    const struct issue *i = &e->issue;
    struct buf out = BUF_INIT;
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, INK_ACCENT, "📜");
    buf_addf(&out, " %s (restored from Dolt commit %.8s)\n", i->id,
             history_hash(&e->commit.hash, &bd->arena));
    ink_add(&out, bd->color, INK_BOLD, i->title);
    buf_add_str(&out, "\n\n");
    add_section(bd, &out, "Description:", i->description);
    add_section(bd, &out, "Design:", i->design);
    add_section(bd, &out, "Acceptance Criteria:", i->acceptance_criteria);
    add_section(bd, &out, "Notes:", i->notes);
    buf_addf(&out, "Status: %s | Priority: %" PRId64 " | Type: %s\n", i->status, i->priority,
             i->issue_type);
    if (i->assignee && *i->assignee)
        buf_addf(&out, "Assignee: %s\n", i->assignee);
    buf_add_char(&out, '\n');
    add_time(bd, &out, "Created:", i->created_at);
    add_time(bd, &out, "Updated:", i->updated_at);
    add_time(bd, &out, "Closed:", i->closed_at);
    buf_add_char(&out, '\n');
    view_print(bd, &out);
}

static int run(struct bd *bd, const struct cmd_call *c) {
    const char *typed = cmd_arg(c, 0);
    struct err err = ERR_INIT;
    struct issue now;
    struct history_entry *entries = NULL, *best = NULL;
    size_t count = 0, best_size = 0;
    int rc = write_resolve_issue(bd, typed, &now, &err);
    if (rc != BD_OK)
        return rc == BD_NOT_FOUND ? cmd_fail(bd, "issue '%s' not found", typed)
                                  : cmd_fail(bd, "issue '%s' not found: %s", typed, err.msg);
    if (!now.compaction_level)
        return cmd_fail_hint(bd, "only compacted issues need restoration", "issue %s is not compacted",
                             now.id);
    if (history_of_issue(bd->ops.tables, now.id, &bd->arena, &entries, &count, &err) != BD_OK)
        return cmd_fail(bd, "failed to query history: %s", err.msg);
    for (size_t k = 0; k < count; k++) {
        size_t size = compaction_bytes(&entries[k].issue);
        if (size > best_size) {
            best_size = size;
            best = &entries[k];
        }
    }
    if (!best || best_size <= compaction_bytes(&now))
        return cmd_fail_hint(bd, "its history may have been squashed since, or be in a backup",
                             "no pre-compaction version found in Dolt history");
    if (bd->json)
        write_json_issue(bd, &best->issue);
    else
        show(bd, best);
    return 0;
}

const struct cmd cmd_restore = {
    .name = "restore",
    .use = "restore <issue-id>",
    .summary = "Show the full texts of a compacted issue",
    .details = "Finds the fullest version of a compacted issue in the history and shows it. Nothing is "
               "changed.",
    .examples = "  bd restore web-4",
    .group = "Sync & Data",
    .args_min = 1,
    .args_max = 1,
    .run = run,
};
