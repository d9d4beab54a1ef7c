/*
 * Issues as text: icons, one-line and several-line renderings. Everything appends to a buffer; `color`
 * says whether styles are emitted. Lines do not end in a line feed unless said so.
 */
#ifndef BD_UI_ISSUE_TEXT_H
#define BD_UI_ISSUE_TEXT_H

#include "bd/ops/issue.h"
#include "bd/ui/ink.h"
#include "bd/ui/text.h"

/* ○ ◐ ● ✓ ❄ 📌, ◇ for anything else; the category of a custom status (active, wip, done, frozen) may be
 * NULL. */
const char *issue_status_icon(const char *status);
const char *issue_status_icon_of(const char *status, const char *category);
void issue_text_icon(struct buf *out, bool color, const char *status);   /* styled */
void issue_text_priority(struct buf *out, bool color, int64_t priority); /* "● P2", styled */

/* Who stands around an issue in a list line. Empty parts are left out. */
struct issue_dep_info {
    const char *parent;
    const char *const *blocked_by;
    size_t blocked_by_count;
    const char *const *blocks;
    size_t blocks_count;
};

/* "○ ID ● P2 [bug] TITLE"; a closed one is "✓ ID ● P2 TYPE TITLE" (tree, ready, show --short). */
void issue_text_pretty(struct buf *out, bool color, const struct issue *i);
/* "○ ID [● P2] [TYPE] @WHO [l1 l2] - TITLE (parent: P, blocked by: a, blocks: b)" (list --flat). */
void issue_text_compact(struct buf *out, bool color, const struct issue *i,
                        const struct issue_dep_info *deps);
/* "ID [● P2] [TYPE] STATUS - TITLE"-like line of search: "ID [P2] [type] status @who [labels] - TITLE".
 */
void issue_text_search_line(struct buf *out, bool color, const struct issue *i);
/* "ID: TITLE (DEPINFO)" (agents). */
void issue_text_agent(struct buf *out, const struct issue *i, const struct issue_dep_info *deps);
/* The block of list --long, with its line feeds and a blank line behind it. */
void issue_text_long(struct buf *out, bool color, const struct issue *i, bool labels_skipped);
/* "  ARROW ICON ID: (EPIC) TITLE ● P2" (show). */
void issue_text_dependency(struct buf *out, bool color, const char *arrow, const struct issue *i);

/* The header line of show, the lines below it, and the blocks of --long (each with its line feeds). */
void issue_text_header(struct buf *out, bool color, const struct issue *i);
void issue_text_summary(struct buf *out, bool color, const struct issue *i);
void issue_text_extras(struct buf *out, bool color, const struct issue *i, bool local_time);
/* "METADATA\n  key: value…", nothing when the issue has none. */
void issue_text_custom_metadata(struct buf *out, bool color, const struct issue *i);

/* "2026-01-02 15:04" */
void issue_text_minute(struct buf *out, int64_t micros, bool local_time);

/* "ID — TITLE" and "ID (TITLE)", the title cut to max_title characters; max_title 0: the id alone. */
const char *issue_text_feedback(struct arena *a, const char *id, const char *title, int64_t max_title);
const char *issue_text_feedback_paren(struct arena *a, const char *id, const char *title,
                                      int64_t max_title);

#endif
