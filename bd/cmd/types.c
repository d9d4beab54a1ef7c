/* bd types and bd statuses: what create --type and update --status take, built in and configured. */
#include "bd/cmd/commands.h"
#include "bd/cmd/view.h"
#include "bd/ops/db_config.h"
#include "bd/ui/issue_text.h"

struct known {
    const char *name, *description;
};

static const struct known types[] = {
    {"task", "General work item (default)"},
    {"bug", "Bug report or defect"},
    {"feature", "New feature or enhancement"},
    {"chore", "Maintenance or housekeeping"},
    {"epic", "Large body of work spanning multiple issues"},
    {"decision", "Architecture decision record (ADR)"},
    {"spike", "Timeboxed investigation to reduce uncertainty before committing to a story"},
    {"story", "User story describing a feature from the user's perspective"},
    {"milestone", "Marks completion of a set of related issues (contains no work itself)"},
};
static const struct known statuses[] = {
    {"open", "Available to work (default)"},
    {"in_progress", "Actively being worked on"},
    {"blocked", "Blocked by a dependency"},
    {"deferred", "Deliberately put on ice for later"},
    {"closed", "Completed"},
    {"pinned", "Persistent, stays open indefinitely"},
    {"hooked", "Attached to an agent's hook"},
};
#define COUNT(list) (sizeof(list) / sizeof *(list))

static void begin(struct bd *bd, struct json_writer *w, struct buf *out, const char *key) {
    bd_json_begin(bd, w, out, true);
    json_object(w);
    json_key(w, key);
    json_array(w);
}

static void end(struct bd *bd, struct json_writer *w, struct buf *out) {
    json_object_end(w);
    bd_json_end(bd, w, out);
}

/* ---- types ---- */

static void types_json(struct bd *bd, const struct text_list *custom) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    begin(bd, &w, &out, "core_types");
    for (size_t i = 0; i < COUNT(types); i++) {
        json_object(&w);
        json_member_str(&w, "name", types[i].name);
        json_member_str(&w, "description", types[i].description);
        json_object_end(&w);
    }
    json_array_end(&w);
    if (custom->count) {
        json_key(&w, "custom_types");
        json_array(&w);
        for (size_t i = 0; i < custom->count; i++)
            json_str(&w, custom->items[i]);
        json_array_end(&w);
    }
    end(bd, &w, &out);
}

static int run_types(struct bd *bd, const struct cmd_call *c) {
    struct tables_txn *x = NULL;
    struct text_list custom = {NULL, 0};
    struct err err = ERR_INIT;
    (void)c;
    int status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = db_config_types(&bd->ops, x, &bd->arena, &custom, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (bd->json) {
        types_json(bd, &custom);
        return 0;
    }
    fputs("Core work types (built-in):\n", bd->out);
    for (size_t i = 0; i < COUNT(types); i++)
        fprintf(bd->out, "  %-14s %s\n", types[i].name, types[i].description);
    if (custom.count) {
        fputs("\nConfigured custom types:\n", bd->out);
        for (size_t i = 0; i < custom.count; i++)
            fprintf(bd->out, "  %s\n", custom.items[i]);
    } else {
        fputs("\nNo custom types configured.\nConfigure with: bd config set types.custom "
              "\"type1,type2,...\"\n",
              bd->out);
    }
    return 0;
}

/* ---- statuses ---- */

static void statuses_json(struct bd *bd, const struct custom_statuses *custom) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    begin(bd, &w, &out, "built_in_statuses");
    for (size_t i = 0; i < COUNT(statuses); i++) {
        json_object(&w);
        json_member_str(&w, "name", statuses[i].name);
        json_member_str(&w, "category", status_category(statuses[i].name, custom));
        json_member_str(&w, "icon", issue_status_icon(statuses[i].name));
        json_member_str(&w, "description", statuses[i].description);
        json_object_end(&w);
    }
    json_array_end(&w);
    if (custom->count) {
        json_key(&w, "custom_statuses");
        json_array(&w);
        for (size_t i = 0; i < custom->count; i++) {
            json_object(&w);
            json_member_str(&w, "name", custom->items[i].name);
            json_member_str(&w, "category", custom->items[i].category);
            json_object_end(&w);
        }
        json_array_end(&w);
    }
    end(bd, &w, &out);
}

static void statuses_text(struct bd *bd, const struct custom_statuses *custom) {
    struct buf out = BUF_INIT;
    buf_add_str(&out, "Built-in statuses:\n");
    for (size_t i = 0; i < COUNT(statuses); i++) {
        buf_add_str(&out, "  ");
        issue_text_icon(&out, bd->color, statuses[i].name);
        buf_addf(&out, " %-14s [%-6s]  %s\n", statuses[i].name,
                 status_category(statuses[i].name, custom), statuses[i].description);
    }
    buf_add_str(&out,
                custom->count
                    ? "\nCustom statuses:\n"
                    : "\nNo custom statuses configured.\nConfigure with: bd config set status.custom "
                      "\"name:category,...\"\nCategories: active, wip, done, frozen\n");
    for (size_t i = 0; i < custom->count; i++)
        buf_addf(&out, "  %s %-14s [%-6s]\n",
                 issue_status_icon_of(custom->items[i].name, custom->items[i].category),
                 custom->items[i].name, custom->items[i].category);
    view_print(bd, &out);
}

static int run_statuses(struct bd *bd, const struct cmd_call *c) {
    struct tables_txn *x = NULL;
    struct custom_statuses custom = {NULL, 0};
    struct err err = ERR_INIT;
    (void)c;
    int status = view_begin(bd, &x);
    if (status)
        return status;
    int rc = db_config_statuses(&bd->ops, x, &bd->arena, &custom, &err);
    tables_read_end(x);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (bd->json)
        statuses_json(bd, &custom);
    else
        statuses_text(bd, &custom);
    return 0;
}

const struct cmd cmd_types = {
    .name = "types",
    .use = "types",
    .summary = "List the types an issue can have",
    .details = "The built-in types are always valid; types.custom adds more.",
    .examples = "  bd types\n  bd types --json",
    .group = "Views & Reports",
    .args_max = -1,
    .run = run_types,
};

const struct cmd cmd_statuses = {
    .name = "statuses",
    .use = "statuses",
    .summary = "List the statuses an issue can have",
    .details =
        "The built-in statuses are always valid; status.custom adds more, each with a category:\n"
        "active statuses are ready for work, wip ones are being worked on, done and frozen ones are "
        "neither.",
    .examples = "  bd statuses\n  bd config set status.custom \"in_review:active,on_hold:frozen\"",
    .group = "Views & Reports",
    .args_max = -1,
    .run = run_statuses,
};
