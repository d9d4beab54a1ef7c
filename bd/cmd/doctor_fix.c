/* bd doctor --fix: what would be mended, the question, and what was done. */
#include "bd/cmd/doctor.h"

#include "bd/ui/ink.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t doctor_fixable(struct bd *bd, const struct doctor *d, const struct doctor_result ***out) {
    size_t n = 0;
    const struct doctor_result **list = arena_alloc(&bd->arena, (d->count + 1) * sizeof *list);
    for (size_t i = 0; i < d->count; i++)
        if (d->results[i].fixable && d->results[i].status != DOCTOR_OK)
            list[n++] = &d->results[i];
    *out = list;
    return n;
}

static FILE *talk(struct bd *bd) { return bd->json ? bd->err : bd->out; }

static void describe(struct bd *bd, const struct doctor_result *r, const char *indent) {
    FILE *f = talk(bd);
    fprintf(f, "%sStatus: %s\n", indent,
            r->status == DOCTOR_ERROR ? doctor_ink(bd, INK_FAIL, "ERROR")
                                      : doctor_ink(bd, INK_WARN, "WARNING"));
    fprintf(f, "%sIssue:  %s\n", indent, r->message);
    if (r->detail)
        fprintf(f, "%sDetail: %.*s\n", indent, (int)strcspn(r->detail, "\n"), r->detail);
    if (r->fix)
        fprintf(f, "%sFix:    %s\n", indent, r->fix);
}

void doctor_preview(struct bd *bd, const struct doctor *d) {
    const struct doctor_result **list;
    FILE *f = talk(bd);
    size_t n = doctor_fixable(bd, d, &list);
    if (!n) {
        fprintf(f, "\n✓ No fixable issues found (dry-run)\n");
        return;
    }
    fprintf(f, "\n[DRY-RUN] The following issues would be fixed with --fix:\n\n");
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "  %zu. %s\n", i + 1, list[i]->name);
        describe(bd, list[i], "     ");
        fputc('\n', f);
    }
    fprintf(f,
            "[DRY-RUN] Would attempt to fix %zu issue(s)\nRun 'bd doctor --fix' to apply these fixes\n",
            n);
}

int doctor_ask(struct bd *bd, const char *question) {
    char line[64];
    if (!isatty(STDIN_FILENO))
        return 0;
    fprintf(talk(bd), "%s", question);
    fflush(talk(bd));
    if (!fgets(line, sizeof line, stdin))
        return 0;
    char *p = line;
    while (*p == ' ' || *p == '\t')
        p++;
    return *p == '\n' || !*p ? '\n' : tolower((unsigned char)*p);
}

static bool nobody_to_ask(struct bd *bd, bool interactive) {
    if (isatty(STDIN_FILENO))
        return false;
    if (interactive)
        fprintf(bd->err,
                "\n%s Interactive mode requires a terminal\n  Use 'bd doctor --fix --yes' for "
                "non-interactive mode\n\n",
                doctor_ink(bd, INK_WARN, "⚠"));
    else
        fprintf(bd->err,
                "\n%s Running in non-interactive mode: nothing was fixed\n"
                "  To auto-fix issues without prompting, use: %s\n\n",
                doctor_ink(bd, INK_WARN, "⚠"), doctor_ink(bd, INK_ACCENT, "bd doctor --fix --yes"));
    return true;
}

/* Leaves the approved ones in the list. */
static size_t ask_each(struct bd *bd, const struct doctor_result **list, size_t n) {
    size_t kept = 0;
    bool all = false;
    FILE *f = talk(bd);
    fprintf(f, "\nReview each fix:\n  [y]es - apply this fix\n  [n]o  - skip this fix\n"
               "  [a]ll - apply all remaining fixes\n  [q]uit - stop without applying more fixes\n\n");
    for (size_t i = 0; i < n; i++) {
        fprintf(f, "(%zu/%zu) %s\n", i + 1, n, list[i]->name);
        describe(bd, list[i], "  ");
        int answer = all ? 'y' : doctor_ask(bd, "\n  Apply this fix? [y/n/a/q]: ");
        if (answer == 'q' || answer == 0)
            break;
        all = all || answer == 'a';
        bool approved = all || answer == 'y';
        fprintf(f, "  → %s\n\n", approved ? "Approved" : "Skipped");
        if (approved)
            list[kept++] = list[i];
    }
    return kept;
}

static void print_outcomes(struct bd *bd, const struct doctor_repair *rp) {
    FILE *f = talk(bd);
    for (size_t i = 0; i < rp->count; i++) {
        const struct doctor_outcome *o = &rp->outcomes[i];
        fprintf(f, "\nFixing %s...\n", o->result->name);
        if (o->code != BD_OK) {
            fprintf(f, "  %s %s\n", doctor_icon(bd, DOCTOR_ERROR), o->text);
            continue;
        }
        if (!*o->text)
            fprintf(f, "  %s Nothing left to do\n", doctor_icon(bd, DOCTOR_OK));
        for (const char *p = o->text; *p;) {
            size_t n = strcspn(p, "\n");
            fprintf(f, "  %s %.*s\n", doctor_icon(bd, DOCTOR_OK), (int)n, p);
            p += n + (p[n] == '\n');
        }
    }
    if (rp->aside)
        fprintf(f, "\nCopies of what was changed or removed: %s\n", rp->aside);
    fprintf(f, "\n%zu fixed, %zu failed\n", rp->count - rp->failed, rp->failed);
}

int doctor_fix(struct bd *bd, const struct cmd_call *c, struct doctor *d, struct doctor_repair *rp,
               bool *fixed) {
    const struct doctor_result **list;
    size_t n = doctor_fixable(bd, d, &list);
    FILE *f = talk(bd);
    *fixed = false;
    if (!n) {
        fprintf(f, "\nNo fixable issues found.\n");
        return 0;
    }
    fprintf(f, "\nFixable issues:\n");
    for (size_t i = 0; i < n; i++)
        fprintf(f, "  %zu. %s: %s\n", i + 1, list[i]->name, list[i]->message);
    if (cmd_bool(c, "interactive")) {
        if (nobody_to_ask(bd, true))
            return 1;
        n = ask_each(bd, list, n);
        if (!n) {
            fprintf(f, "\nNo fixes approved.\n");
            return 0;
        }
    } else if (!cmd_bool(c, "yes")) {
        if (nobody_to_ask(bd, false))
            return 1;
        int answer = doctor_ask(
            bd,
            arena_printf(&bd->arena, "\nThis will attempt to fix %zu issue(s). Continue? (Y/n): ", n));
        if (answer != '\n' && answer != 'y') {
            fprintf(f, "Fix canceled.\n");
            return 0;
        }
    }
    fprintf(f, "\nApplying fixes...\n");
    int rc = doctor_repair(d, list, n, rp);
    print_outcomes(bd, rp);
    fprintf(f, "\nVerifying fixes...\n");
    *fixed = true;
    return rc == BD_OK ? 0 : 1;
}
