/*
 * One issue as a page of text: header, texts, labels, metadata, the issues around it, comments.
 */
#include "bd/cmd/show.h"

#include "bd/ui/issue_text.h"

#include <string.h>

static void heading(struct bd *bd, struct buf *out, const char *title) {
    buf_add_char(out, '\n');
    ink_add(out, bd->color, INK_BOLD, title);
    buf_add_char(out, '\n');
}

static void text_block(struct bd *bd, struct buf *out, const char *title, const char *text) {
    if (!text || !*text)
        return;
    heading(bd, out, title);
    buf_add_str(out, text);
    buf_add_char(out, '\n');
}

static void compaction(struct buf *out, const struct issue *i) {
    const char *texts[] = {i->description, i->design, i->notes, i->acceptance_criteria};
    int64_t size = 0;
    if (i->compaction_level <= 0)
        return;
    buf_add_char(out, '\n');
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
        size += texts[k] ? (int64_t)strlen(texts[k]) : 0;
    int64_t saved = i->original_size - size;
    if (i->original_size > 0 && saved > 0)
        buf_addf(out, "📊 %lld → %lld bytes (%.0f%% reduction)\n", (long long)i->original_size,
                 (long long)size, (double)saved / (double)i->original_size * 100);
}

/* The four groups that links fall into, in each direction. */
enum group { GROUP_PARENT, GROUP_BLOCKS, GROUP_DISCOVERED, GROUP_RELATED };

static enum group group_of(const char *type) {
    if (strcmp(type, "parent-child") == 0)
        return GROUP_PARENT;
    if (strcmp(type, "discovered-from") == 0)
        return GROUP_DISCOVERED;
    if (strcmp(type, "related") == 0 || strcmp(type, "relates-to") == 0)
        return GROUP_RELATED;
    return GROUP_BLOCKS;
}

static size_t print_group(struct bd *bd, struct buf *out, const struct issue_link *links, size_t count,
                          enum group group, const char *title, const char *arrow) {
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (group_of(links[i].type) != group)
            continue;
        if (!n++)
            heading(bd, out, title);
        issue_text_dependency(out, bd->color, arrow, &links[i].issue);
        buf_add_char(out, '\n');
    }
    return n;
}

static void epic_progress(struct bd *bd, struct buf *out, const struct issue_link *links, size_t count,
                          size_t children) {
    size_t closed = 0;
    for (size_t i = 0; i < count; i++)
        closed +=
            group_of(links[i].type) == GROUP_PARENT && strcmp(links[i].issue.status, "closed") == 0;
    bool done = closed == children;
    buf_add_str(out, "  ");
    ink_add(out, bd->color, done ? INK_PASS : INK_MUTED, done ? "✓" : "◐");
    buf_addf(out, " %zu/%zu complete (%zu%%)%s\n", closed, children, closed * 100 / children,
             done ? " — eligible for close" : "");
}

/* Links of both directions that only say "has to do with", each issue once. */
static void print_related(struct bd *bd, struct buf *out, const struct issue_link *down,
                          size_t down_count, const struct issue_link *up, size_t up_count) {
    size_t n = 0;
    for (size_t i = 0; i < down_count + up_count; i++) {
        const struct issue_link *l = i < down_count ? &down[i] : &up[i - down_count];
        bool again = group_of(l->type) != GROUP_RELATED;
        for (size_t k = 0; k < i && !again; k++) {
            const struct issue_link *before = k < down_count ? &down[k] : &up[k - down_count];
            again =
                group_of(before->type) == GROUP_RELATED && strcmp(before->issue.id, l->issue.id) == 0;
        }
        if (again)
            continue;
        if (!n++)
            heading(bd, out, "RELATED");
        issue_text_dependency(out, bd->color, "↔", &l->issue);
        buf_add_char(out, '\n');
    }
}

static void print_comments(struct bd *bd, struct buf *out, const struct show_options *o,
                           const struct comment *comments, size_t count) {
    if (count)
        heading(bd, out, "COMMENTS");
    for (size_t i = 0; i < count; i++) {
        struct buf time = BUF_INIT;
        issue_text_minute(&time, comments[i].created_at, o->local_time);
        buf_add_str(out, "  ");
        ink_add(out, bd->color, INK_MUTED, buf_str(&time));
        buf_addf(out, " %s\n", comments[i].author);
        size_t size = strlen(comments[i].text);
        while (size && comments[i].text[size - 1] == '\n')
            size--;
        text_add_indented(out, "    ", arena_strndup(&bd->arena, comments[i].text, size));
        buf_release(&time);
    }
}

int show_issue_text(struct bd *bd, struct tables_txn *x, const struct show_options *o,
                    const struct issue *i, struct buf *out) {
    struct err err = ERR_INIT;
    struct arena *a = &bd->arena;
    struct issue_link *down = NULL, *up = NULL;
    struct comment *comments = NULL;
    size_t down_count = 0, up_count = 0, comment_count = 0;
    int rc = related_dependencies(x, i->id, a, &down, &down_count, &err);
    if (rc == BD_OK)
        rc = related_dependents(x, i->id, a, &up, &up_count, &err);
    if (rc == BD_OK)
        rc = related_comments(x, i->id, a, &comments, &comment_count, &err);
    if (rc != BD_OK)
        return cmd_fail(bd, "%s", err.msg);
    issue_text_header(out, bd->color, i);
    buf_add_char(out, '\n');
    issue_text_summary(out, bd->color, i);
    compaction(out, i);
    if (i->description && *i->description) {
        text_block(bd, out, "DESCRIPTION", i->description);
    } else {
        heading(bd, out, "DESCRIPTION");
        buf_add_str(out, "  ");
        ink_add(out, bd->color, INK_MUTED, "(none)");
        buf_add_char(out, '\n');
    }
    text_block(bd, out, "DESIGN", i->design);
    text_block(bd, out, "NOTES", i->notes);
    text_block(bd, out, "ACCEPTANCE CRITERIA", i->acceptance_criteria);
    if (i->label_count) {
        buf_add_char(out, '\n');
        ink_add(out, bd->color, INK_BOLD, "LABELS:");
        buf_add_char(out, ' ');
        text_add_joined(out, i->labels, i->label_count, ", ");
        buf_add_char(out, '\n');
    }
    struct buf metadata = BUF_INIT;
    issue_text_custom_metadata(&metadata, bd->color, i);
    if (metadata.size)
        buf_addf(out, "\n%s", buf_str(&metadata));
    buf_release(&metadata);
    print_group(bd, out, down, down_count, GROUP_PARENT, "PARENT", "↑");
    print_group(bd, out, down, down_count, GROUP_BLOCKS, "DEPENDS ON", "→");
    print_group(bd, out, down, down_count, GROUP_DISCOVERED, "DISCOVERED FROM", "◊");
    size_t children = print_group(bd, out, up, up_count, GROUP_PARENT, "CHILDREN", "↳");
    if (children && strcmp(i->issue_type, "epic") == 0)
        epic_progress(bd, out, up, up_count, children);
    print_group(bd, out, up, up_count, GROUP_BLOCKS, "BLOCKS", "←");
    print_group(bd, out, up, up_count, GROUP_DISCOVERED, "DISCOVERED", "◊");
    print_related(bd, out, down, down_count, up, up_count);
    print_comments(bd, out, o, comments, comment_count);
    if (o->long_form)
        issue_text_extras(out, bd->color, i, o->local_time);
    buf_add_char(out, '\n');
    return 0;
}
