/*
 * ready --mol: the steps of a molecule that can be worked on; ready --gated: molecules whose gate has
 * opened.
 */
#include "bd/cmd/ready.h"

#include "bd/ops/molecule.h"
#include "bd/ops/resolve.h"
#include "bd/ui/issue_json.h"
#include "bd/ui/issue_text.h"

#include <string.h>

static void strings_or_null(struct json_writer *w, const char *key, const struct text_list *t,
                            bool null) {
    if (!t->count && null) {
        json_key(w, key);
        json_null(w);
        return;
    }
    issue_json_strings(w, key, t->items, t->count, false);
}

static void step_json(struct json_writer *w, const struct molecule_step *s) {
    json_object(w);
    json_key(w, "issue");
    issue_json(w, s->issue);
    json_key(w, "parallel_info");
    json_object(w);
    json_member_str(w, "step_id", s->issue->id);
    json_member_str(w, "status", s->issue->status);
    json_member_bool(w, "is_ready", s->ready);
    json_member_str(w, "parallel_group", s->group);
    strings_or_null(w, "blocked_by", &s->blocked_by, false);
    strings_or_null(w, "blocks", &s->blocks, false);
    strings_or_null(w, "can_parallel", &s->can_parallel, true);
    json_object_end(w);
    json_member_str_opt(w, "parallel_group", s->group);
    json_object_end(w);
}

/* Calls for each group by number: its name, and how many of its steps are ready. */
static size_t group_size(const struct molecule *m, size_t number, struct arena *a, const char **name,
                         struct text_list *members) {
    size_t ready = 0;
    *name = arena_printf(a, "group-%zu", number);
    *members = (struct text_list){NULL, 0};
    for (size_t i = 0; i < m->issues.count; i++) {
        if (strcmp(m->steps[i].group, *name) != 0)
            continue;
        text_list_add(members, a, m->issues.items[i].id);
        ready += m->steps[i].ready;
    }
    return ready;
}

static void molecule_json(struct bd *bd, const struct molecule *m) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "molecule_id", m->issues.items[0].id);
    json_member_str(&w, "molecule_title", m->issues.items[0].title);
    json_member_int(&w, "total_steps", (int64_t)m->issues.count);
    json_member_int(&w, "ready_steps", (int64_t)m->ready_count);
    json_key(&w, "steps");
    if (m->ready_count)
        json_array(&w);
    else
        json_null(&w);
    for (size_t i = 0; i < m->issues.count; i++)
        if (m->steps[i].ready)
            step_json(&w, &m->steps[i]);
    if (m->ready_count)
        json_array_end(&w);
    json_key(&w, "parallel_groups");
    json_object(&w);
    for (size_t g = 1; g <= m->group_count; g++) {
        const char *name;
        struct text_list members;
        (void)group_size(m, g, &bd->arena, &name, &members);
        issue_json_strings(&w, name, members.items, members.count, false);
    }
    json_object_end(&w);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static void step_text(struct bd *bd, struct buf *out, const struct molecule *m, size_t number,
                      const struct molecule_step *s) {
    struct text_list together = {NULL, 0};
    buf_addf(out, "%zu. [", number);
    issue_text_priority(out, bd->color, s->issue->priority);
    buf_add_str(out, "] [");
    ink_add(out, bd->color, ink_of_type(s->issue->issue_type), s->issue->issue_type);
    buf_addf(out, "] %s: %s", s->issue->id, s->issue->title);
    if (*s->group) {
        buf_add_str(out, " [");
        ink_add(out, bd->color, INK_ACCENT, s->group);
        buf_add_char(out, ']');
    }
    buf_add_char(out, '\n');
    for (size_t i = 0; i < s->can_parallel.count; i++)
        for (size_t k = 0; k < m->issues.count; k++)
            if (m->steps[k].ready && strcmp(m->issues.items[k].id, s->can_parallel.items[i]) == 0)
                text_list_add(&together, &bd->arena, s->can_parallel.items[i]);
    if (together.count) {
        buf_add_str(out, "   Can run with: ");
        text_add_list(out, together.items, together.count);
        buf_add_char(out, '\n');
    }
}

static void molecule_text(struct bd *bd, const struct molecule *m) {
    struct buf out = BUF_INIT;
    size_t number = 0;
    buf_add_char(&out, '\n');
    ink_add(&out, bd->color, INK_ACCENT, "🧪");
    buf_addf(&out, " Ready steps in molecule: %s\n   ID: %s\n   Total: %zu steps, %zu ready\n\n",
             m->issues.items[0].title, m->issues.items[0].id, m->issues.count, m->ready_count);
    if (!m->ready_count) {
        ink_add(&out, bd->color, INK_WARN, "✨");
        buf_add_str(&out, " No ready steps (all blocked or completed)\n\n");
        view_print(bd, &out);
        return;
    }
    if (m->group_count) {
        ink_add(&out, bd->color, INK_PASS, "⚡");
        buf_add_str(&out, " Parallel Groups:\n");
        for (size_t g = 1; g <= m->group_count; g++) {
            const char *name;
            struct text_list members;
            size_t ready = group_size(m, g, &bd->arena, &name, &members);
            if (ready)
                buf_addf(&out, "   %s: %zu ready\n", name, ready);
        }
        buf_add_char(&out, '\n');
    }
    ink_add(&out, bd->color, INK_PASS, "📋");
    buf_add_str(&out, " Ready steps:\n\n");
    for (size_t i = 0; i < m->issues.count; i++)
        if (m->steps[i].ready)
            step_text(bd, &out, m, ++number, &m->steps[i]);
    buf_add_char(&out, '\n');
    view_print(bd, &out);
}

int ready_molecule(struct bd *bd, struct tables_txn *x, const char *typed) {
    struct molecule m;
    struct err err = ERR_INIT;
    const char *id = NULL;
    if (issue_resolve(x, typed, &bd->arena, &id, &err) != BD_OK)
        return cmd_fail(bd, "molecule '%s' not found", typed);
    if (molecule_load(x, id, &bd->arena, &m, &err) != BD_OK)
        return cmd_fail(bd, "loading molecule: %s", err.msg);
    if (bd->json)
        molecule_json(bd, &m);
    else
        molecule_text(bd, &m);
    return 0;
}

/* ---- --gated ---- */

static void gated_json(struct bd *bd, const struct gated_molecule *list, size_t count) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_key(&w, "molecules");
    json_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w);
        json_member_str(&w, "molecule_id", list[i].molecule.id);
        json_member_str(&w, "molecule_title", list[i].molecule.title);
        json_key(&w, "closed_gate");
        issue_json(&w, &list[i].gate);
        json_key(&w, "ready_step");
        issue_json(&w, &list[i].step);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_member_int(&w, "count", (int64_t)count);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

int ready_gated(struct bd *bd, struct tables_txn *x) {
    struct gated_molecule *list = NULL;
    struct err err = ERR_INIT;
    size_t count = 0;
    if (molecules_gated(x, &bd->arena, &list, &count, &err) != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    if (bd->json) {
        gated_json(bd, list, count);
        return 0;
    }
    if (!count) {
        fprintf(bd->out, "\n No molecules ready for gate-resume dispatch\n\n");
        return 0;
    }
    fprintf(bd->out, "\n Molecules ready for gate-resume dispatch (%zu):\n\n", count);
    for (size_t i = 0; i < count; i++) {
        fprintf(bd->out, "%zu. %s: %s\n", i + 1, list[i].molecule.id, list[i].molecule.title);
        fprintf(bd->out, "   Gate closed: %s (%s)\n", list[i].gate.id,
                list[i].gate.await_type ? list[i].gate.await_type : "");
        fprintf(bd->out, "   Ready step: %s - %s\n\n", list[i].step.id, list[i].step.title);
    }
    fprintf(bd->out, "To dispatch a molecule:\n  bd sling <agent> --mol <molecule-id>\n");
    return 0;
}
