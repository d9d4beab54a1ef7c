/*
 * show --refs and --children: who points to an issue; show --thread: a conversation.
 */
#include "bd/cmd/show.h"

#include "bd/ops/edges.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"

#include <stdlib.h>
#include <string.h>

/* What each resolved id has pointing to it. */
struct found {
    const char *id;
    struct issue_link *links;
    size_t count;
};

static int load_links(struct bd *bd, struct tables_txn *x, const struct show_options *o,
                      const char *only_type, struct found *found, size_t *found_count) {
    *found_count = 0;
    for (size_t i = 0; i < o->id_count; i++) {
        struct err err = ERR_INIT;
        struct issue issue;
        if (!show_resolve(bd, x, o->ids[i], "resolving", &issue))
            continue;
        struct found *f = &found[(*found_count)++];
        *f = (struct found){issue.id, NULL, 0};
        if (related_dependents(x, issue.id, &bd->arena, &f->links, &f->count, &err) != BD_OK)
            return cmd_fail(bd, "%s", err.msg);
        size_t kept = 0;
        for (size_t k = 0; k < f->count; k++)
            if (!only_type || strcmp(f->links[k].type, only_type) == 0)
                f->links[kept++] = f->links[k];
        f->count = kept;
    }
    return 0;
}

static void links_json(struct bd *bd, const struct found *found, size_t count) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    for (size_t i = 0; i < count; i++) {
        json_key(&w, found[i].id);
        json_array(&w);
        for (size_t k = 0; k < found[i].count; k++)
            issue_json_link(&w, &found[i].links[k]);
        json_array_end(&w);
    }
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

int show_children(struct bd *bd, struct tables_txn *x, const struct show_options *o) {
    struct found *found = arena_alloc(&bd->arena, (o->id_count + 1) * sizeof *found);
    struct buf out = BUF_INIT;
    size_t count;
    int status = load_links(bd, x, o, "parent-child", found, &count);
    if (status)
        return status;
    if (bd->json) {
        links_json(bd, found, count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (!found[i].count) {
            ink_add(&out, bd->color, INK_ACCENT, found[i].id);
            buf_add_str(&out, ": No children found\n");
            continue;
        }
        ink_add(&out, bd->color, INK_ACCENT, "↳");
        buf_addf(&out, " Children of %s (%zu):\n", found[i].id, found[i].count);
        for (size_t k = 0; k < found[i].count; k++) {
            if (o->short_form) {
                buf_add_str(&out, "  ");
                issue_text_pretty(&out, bd->color, &found[i].links[k].issue);
            } else {
                issue_text_dependency(&out, bd->color, "↳", &found[i].links[k].issue);
            }
            buf_add_char(&out, '\n');
        }
        buf_add_char(&out, '\n');
    }
    view_print(bd, &out);
    return 0;
}

/* The order in which kinds of references are shown, with their signs; others follow. */
static const struct {
    const char *type, *sign;
} kinds[] = {
    {"until", "⏳"},        {"caused-by", "⚡"},   {"validates", "✅"},   {"blocks", "🚫"},
    {"parent-child", "↳"}, {"relates-to", "↔"},  {"tracks", "👁"},   {"discovered-from", "◊"},
    {"related", "↔"},      {"supersedes", "⬆"},  {"duplicates", "🔄"},  {"replies-to", "💬"},
    {"approved-by", "👍"},  {"authored-by", "✏"}, {"assigned-to", "👤"},
};
enum { KIND_COUNT = sizeof kinds / sizeof *kinds };

static size_t kind_of(const char *type) {
    size_t k = 0;
    while (k < KIND_COUNT && strcmp(kinds[k].type, type) != 0)
        k++;
    return k;
}

static void ref_group(struct bd *bd, struct buf *out, const struct found *f, const char *type,
                      const char *sign) {
    size_t n = 0;
    for (size_t i = 0; i < f->count; i++)
        n += strcmp(f->links[i].type, type) == 0;
    buf_addf(out, "\n  %s %s (%zu):\n", sign, type, n);
    for (size_t i = 0; i < f->count; i++) {
        const struct issue *r = &f->links[i].issue;
        bool closed = strcmp(r->status, "closed") == 0;
        if (strcmp(f->links[i].type, type) != 0)
            continue;
        buf_add_str(out, "    ");
        ink_add(out, bd->color, closed ? INK_MUTED : ink_of_status(r->status), r->id);
        buf_add_str(out, ": ");
        ink_add(out, bd->color, closed ? INK_MUTED : INK_PLAIN, r->title);
        buf_addf(out, " [P%lld - %s]\n", (long long)r->priority, r->status);
    }
}

int show_refs(struct bd *bd, struct tables_txn *x, const struct show_options *o) {
    struct found *found = arena_alloc(&bd->arena, (o->id_count + 1) * sizeof *found);
    struct buf out = BUF_INIT;
    size_t count;
    int status = load_links(bd, x, o, NULL, found, &count);
    if (status)
        return status;
    if (bd->json) {
        links_json(bd, found, count);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct found *f = &found[i];
        buf_add_char(&out, '\n');
        ink_add(&out, bd->color, INK_ACCENT, f->count ? "📎" : f->id);
        if (!f->count) {
            buf_add_str(&out, ": No references found\n");
            continue;
        }
        buf_addf(&out, " References to %s:\n", f->id);
        for (size_t kind = 0; kind <= KIND_COUNT; kind++) {
            for (size_t k = 0; k < f->count; k++) {
                bool first = kind_of(f->links[k].type) == kind;
                for (size_t before = 0; before < k && first; before++)
                    first = strcmp(f->links[before].type, f->links[k].type) != 0;
                if (first)
                    ref_group(bd, &out, f, f->links[k].type,
                              kind < KIND_COUNT ? kinds[kind].sign : "→");
            }
        }
        buf_add_char(&out, '\n');
    }
    view_print(bd, &out);
    return 0;
}

/* ---- --thread ---- */

struct message {
    struct issue issue;
    const char *replies_to;
    int depth;
};
struct thread {
    struct message *items;
    size_t count, capacity;
    struct id_set seen;
};

static void add_message(struct thread *t, const struct issue *i, const struct message *parent) {
    MEM_GROW(t->items, t->capacity, t->count + 1);
    int depth = parent ? parent->depth + 1 : 0;
    t->items[t->count] = (struct message){*i, parent ? parent->issue.id : NULL, depth > 5 ? 5 : depth};
    t->count++;
    id_set_add(&t->seen, i->id);
}

/* Follows replies-to upward to the first message. */
static int find_root(struct bd *bd, struct tables_txn *x, struct issue *i, struct err *err) {
    struct id_set seen = ID_SET_INIT;
    int rc = BD_OK;
    for (bool moved = true; moved && rc == BD_OK;) {
        struct dependency_list rows;
        moved = false;
        id_set_add(&seen, i->id);
        rc = dependency_load(x, DEPENDENCY_BY_SOURCE, &i->id, 1, DEPENDENCY_BOTH, &bd->arena, &rows,
                             err);
        for (size_t k = 0; k < rows.count && rc == BD_OK && !moved; k++) {
            struct issue parent;
            if (strcmp(rows.items[k].type, "replies-to") != 0 ||
                id_set_has(&seen, rows.items[k].depends_on_id))
                continue;
            if (issue_load(x, rows.items[k].depends_on_id, &bd->arena, &parent, NULL) != BD_OK)
                continue;
            *i = parent;
            moved = true;
        }
    }
    id_set_release(&seen);
    return rc;
}

static int compare_messages(const void *a, const void *b) {
    const struct message *x = a, *y = b;
    if (x->issue.created_at != y->issue.created_at)
        return x->issue.created_at < y->issue.created_at ? -1 : 1;
    return strcmp(x->issue.id, y->issue.id);
}

static void thread_text(struct bd *bd, struct buf *out, const struct thread *t, const char *title) {
    buf_add_char(out, '\n');
    ink_add(out, bd->color, INK_ACCENT, "📬");
    buf_addf(out, " Thread: %s\n", title);
    for (int i = 0; i < 66; i++)
        buf_add_str(out, "─");
    buf_add_char(out, '\n');
    for (size_t i = 0; i < t->count; i++) {
        const struct message *m = &t->items[i];
        struct buf time = BUF_INIT;
        const char *indent = arena_printf(&bd->arena, "%*s", m->depth * 2, "");
        issue_text_minute(&time, m->issue.created_at, false);
        buf_addf(out, "%s%s ", indent, strcmp(m->issue.status, "closed") == 0 ? "✓" : "📧");
        ink_add(out, bd->color, INK_ACCENT, m->issue.id);
        buf_add_char(out, ' ');
        ink_add(out, bd->color, INK_MUTED, buf_str(&time));
        buf_addf(out, "\n%s  From: %s  To: %s\n", indent, m->issue.sender ? m->issue.sender : "",
                 m->issue.assignee ? m->issue.assignee : "");
        if (m->replies_to)
            buf_addf(out, "%s  Re: %s\n", indent, m->replies_to);
        buf_addf(out, "%s  ", indent);
        ink_add(out, bd->color, INK_MUTED, "Subject");
        buf_addf(out, ": %s\n", m->issue.title);
        if (m->issue.description && *m->issue.description)
            text_add_indented(out, arena_printf(&bd->arena, "%s  ", indent), m->issue.description);
        buf_add_char(out, '\n');
        buf_release(&time);
    }
    buf_addf(out, "Total: %zu messages in thread\n\n", t->count);
}

int show_thread(struct bd *bd, struct tables_txn *x, const char *id) {
    struct err err = ERR_INIT;
    struct thread t = {NULL, 0, 0, ID_SET_INIT};
    struct issue root;
    int rc = issue_load(x, id, &bd->arena, &root, &err);
    if (rc == BD_OK)
        rc = find_root(bd, x, &root, &err);
    const char *title = rc == BD_OK ? root.title : "";
    if (rc == BD_OK)
        add_message(&t, &root, NULL);
    for (size_t at = 0; at < t.count && rc == BD_OK; at++) {
        struct issue_link *links;
        size_t count;
        rc = related_dependents(x, t.items[at].issue.id, &bd->arena, &links, &count, &err);
        for (size_t k = 0; k < count && rc == BD_OK; k++) {
            struct message parent = t.items[at];
            if (strcmp(links[k].type, "replies-to") == 0 && !id_set_has(&t.seen, links[k].issue.id))
                add_message(&t, &links[k].issue, &parent);
        }
    }
    if (rc == BD_OK) {
        struct buf out = BUF_INIT;
        qsort(t.items, t.count, sizeof *t.items, compare_messages);
        if (bd->json) {
            struct json_writer w;
            json_begin(&w, &out, 0);
            json_array(&w);
            for (size_t i = 0; i < t.count; i++)
                issue_json(&w, &t.items[i].issue);
            json_array_end(&w);
            json_end(&w);
            buf_add_char(&out, '\n');
        } else {
            thread_text(bd, &out, &t, title);
        }
        view_print(bd, &out);
    }
    id_set_release(&t.seen);
    free(t.items);
    return rc == BD_OK ? 0 : cmd_fail(bd, "fetching message %s: %s", id, err.msg);
}
