/* How an examination looks: for people, for programs, for coding agents. */
#include "bd/cmd/doctor.h"

#include "base/os.h"
#include "base/version.h"
#include "bd/ui/ink.h"
#include "bd/ui/text.h"

#include <string.h>
#include <sys/utsname.h>

const char *doctor_ink(struct bd *bd, int ink, const char *text) {
    return ink_text(&bd->arena, bd->color, (enum ink)ink, text);
}

const char *doctor_icon(struct bd *bd, enum doctor_status s) {
    static const char *const icons[] = {"✓", "⚠", "✗"};
    static const enum ink inks[] = {INK_PASS, INK_WARN, INK_FAIL};
    return doctor_ink(bd, (int)inks[s], icons[s]);
}

/* ---- people ---- */

static void print_lines(struct bd *bd, const char *first, const char *rest, const char *text,
                        bool muted) {
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        const char *line = arena_strndup(&bd->arena, p, n);
        fprintf(bd->out, "%s%s\n", p == text ? first : rest,
                muted ? doctor_ink(bd, INK_MUTED, line) : line);
        p += n + (p[n] == '\n');
    }
}

static void print_finding(struct bd *bd, const struct doctor_result *r) {
    const char *line = arena_printf(&bd->arena, "%s: %s", r->name, r->message);
    fprintf(bd->out, "  %s  %s\n", doctor_icon(bd, r->status),
            r->status == DOCTOR_ERROR ? doctor_ink(bd, INK_FAIL, line) : line);
    if (r->detail)
        print_lines(bd, "      ", "      ", r->detail, true);
    if (r->fix)
        print_lines(bd, "      └─ ", "         ", r->fix, false);
}

static void print_passed(struct bd *bd, const struct doctor_result *r) {
    fprintf(bd->out, "  %s  %s %s\n", doctor_icon(bd, r->status), r->name,
            doctor_ink(bd, INK_MUTED, r->message));
    if (r->detail)
        print_lines(bd, "     └─ ", "        ", r->detail, true);
}

static void print_category(struct bd *bd, const struct doctor *d, const char *category, bool all) {
    size_t total = 0, passed = 0;
    for (size_t i = 0; i < d->count; i++) {
        bool here = strcmp(d->results[i].category, category) == 0;
        total += here;
        passed += here && d->results[i].status == DOCTOR_OK;
    }
    if (!total || (!all && passed == total))
        return;
    fprintf(bd->out, "\n%s %s\n", doctor_ink(bd, INK_HEADING, text_upper(&bd->arena, category)),
            doctor_ink(bd, INK_MUTED, arena_printf(&bd->arena, "(%zu/%zu passed)", passed, total)));
    for (int s = DOCTOR_ERROR; s >= (all ? DOCTOR_OK : DOCTOR_WARNING); s--)
        for (size_t i = 0; i < d->count; i++) {
            const struct doctor_result *r = &d->results[i];
            if (strcmp(r->category, category) != 0 || (int)r->status != s)
                continue;
            if (s == DOCTOR_OK)
                print_passed(bd, r);
            else
                print_finding(bd, r);
        }
}

void doctor_print(struct bd *bd, const struct doctor *d, bool verbose) {
    size_t bad = doctor_count(d, DOCTOR_ERROR), warned = doctor_count(d, DOCTOR_WARNING), fixable = 0;
    fprintf(bd->out, "\nbd doctor v%s  %s  %s %zu passed  %s %zu warnings  %s %zu errors\n", BD_VERSION,
            doctor_ink(bd, INK_MUTED, "──"), doctor_icon(bd, DOCTOR_OK), doctor_count(d, DOCTOR_OK),
            doctor_icon(bd, DOCTOR_WARNING), warned, doctor_icon(bd, DOCTOR_ERROR), bad);
    for (size_t i = 0; doctor_categories[i]; i++)
        print_category(bd, d, doctor_categories[i], verbose);
    for (size_t i = 0; i < d->count; i++)
        fixable += d->results[i].fixable;
    fputc('\n', bd->out);
    if (!bad && !warned)
        fprintf(bd->out, "%s\n", doctor_ink(bd, INK_PASS, "✓ All checks passed"));
    if (fixable)
        fprintf(bd->out, "Next: %s mends %zu of these ('bd doctor --dry-run' shows how)\n",
                doctor_ink(bd, INK_COMMAND, "bd doctor --fix"), fixable);
    if (!verbose)
        fprintf(bd->out, "%s\n", doctor_ink(bd, INK_MUTED, "Run with --verbose to see all checks"));
    if (d->suppressed)
        fprintf(
            bd->out, "%s\n",
            doctor_ink(bd, INK_MUTED,
                       arena_printf(&bd->arena, "(%zu warning%s suppressed via doctor.suppress config)",
                                    d->suppressed, d->suppressed == 1 ? "" : "s")));
}

void doctor_print_list(struct bd *bd, const struct doctor *d) {
    for (size_t i = 0; i < d->count; i++) {
        const struct doctor_result *r = &d->results[i];
        print_passed(bd, r);
        if (r->status != DOCTOR_OK && r->fix)
            print_lines(bd, "     ", "     ",
                        doctor_ink(bd, INK_MUTED, arena_printf(&bd->arena, "Fix: %s", r->fix)), false);
    }
}

/* ---- programs ---- */

void doctor_json_members(struct json_writer *w, const struct doctor_result *r) {
    json_member_str(w, "name", r->name);
    json_member_str(w, "status", doctor_status_name(r->status));
    json_member_str(w, "message", r->message);
    json_member_str_opt(w, "detail", r->detail);
    json_member_str_opt(w, "fix", r->fix);
    json_member_str_opt(w, "category", r->category);
}

void doctor_json_checks(struct json_writer *w, const struct doctor *d) {
    json_array(w);
    for (size_t i = 0; i < d->count; i++) {
        const struct doctor_result *r = &d->results[i];
        json_object(w);
        doctor_json_members(w, r);
        json_member_bool_opt(w, "fixable", r->fixable);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_result(struct json_writer *w, const struct doctor *d) {
    struct utsname name;
    char stamp[40];
    datetime_format_rfc3339(d->now - d->now % MICROS_PER_SECOND, stamp, sizeof stamp);
    json_member_str(w, "path", d->path);
    json_key(w, "checks");
    doctor_json_checks(w, d);
    json_member_bool(w, "overall_ok", d->overall_ok);
    json_member_str(w, "cli_version", BD_VERSION);
    json_member_str(w, "timestamp", stamp);
    json_key(w, "platform");
    json_object(w);
    json_member_str(w, "backend", "dolt");
    json_member_str(w, "compiler", "C " __VERSION__);
    if (uname(&name) == 0)
        json_member_str(w, "os_arch", arena_printf(d->arena, "%s/%s", name.sysname, name.machine));
    json_object_end(w);
    json_member_int_opt(w, "suppressed_count", (int64_t)d->suppressed);
}

void doctor_print_json(struct bd *bd, const struct doctor *d, const struct doctor_repair *fixes) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    write_result(&w, d);
    if (fixes) {
        json_key(&w, "fixes");
        json_array(&w);
        for (size_t i = 0; i < fixes->count; i++) {
            json_object(&w);
            json_member_str(&w, "name", fixes->outcomes[i].result->name);
            json_member_bool(&w, "ok", fixes->outcomes[i].code == BD_OK);
            json_member_str(&w, "text", fixes->outcomes[i].text);
            json_object_end(&w);
        }
        json_array_end(&w);
        json_member_str_opt(&w, "set_aside", fixes->aside);
    }
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

int doctor_write_file(struct bd *bd, const struct doctor *d, const char *path) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &out, 0);
    json_object(&w);
    write_result(&w, d);
    json_object_end(&w);
    json_end(&w);
    buf_add_char(&out, '\n');
    struct err err = ERR_INIT;
    int rc = os_write_file_through(path, out.data, out.size, 0644)
                 ? err_errno(&err, "cannot write %s", path)
                 : BD_OK;
    buf_release(&out);
    if (rc)
        return cmd_fail(bd, "failed to export diagnostics: %s", err.msg);
    if (!bd->json)
        fprintf(bd->out, "✓ Diagnostics exported to %s\n", path);
    return 0;
}

/* ---- coding agents ---- */

static const char *severity(const struct doctor_result *r) {
    return r->status == DOCTOR_ERROR         ? "blocking"
           : r->check->flags & DOCTOR_STRICT ? "degraded"
                                             : "advisory";
}

/* The commands a hint names: what stands between quotes, or behind "Run: ". */
static size_t commands(struct bd *bd, const char *hint, const char **out, size_t max) {
    size_t n = 0;
    if (!hint)
        return 0;
    if (strncmp(hint, "Run: ", 5) == 0) {
        out[n++] = arena_strndup(&bd->arena, hint + 5, strcspn(hint + 5, "\n("));
        return n;
    }
    for (const char *p = hint; n < max && (p = strchr(p, '\''));) {
        size_t size = strcspn(p + 1, "'\n");
        if (p[1 + size] != '\'')
            break;
        if (strncmp(p + 1, "bd ", 3) == 0 || strncmp(p + 1, "git ", 4) == 0 ||
            strncmp(p + 1, "dolt ", 5) == 0)
            out[n++] = arena_strndup(&bd->arena, p + 1, size);
        p += size + 2;
    }
    return n;
}

static const char *summary(struct bd *bd, const struct doctor *d) {
    size_t bad = doctor_count(d, DOCTOR_ERROR), warned = doctor_count(d, DOCTOR_WARNING),
           ok = doctor_count(d, DOCTOR_OK);
    if (!bad && !warned)
        return arena_printf(&bd->arena, "All %zu checks passed. No issues found.", ok);
    const char *errors = bad ? arena_printf(&bd->arena, "%zu error(s)", bad) : "";
    const char *warnings = warned ? arena_printf(&bd->arena, "%zu warning(s)", warned) : "";
    return arena_printf(&bd->arena, "%s%s%s found, %zu checks passed.", errors,
                        bad && warned ? " and " : "", warnings, ok);
}

static const char *observed(struct bd *bd, const struct doctor_result *r) {
    return r->detail ? arena_printf(&bd->arena, "%s\n%s", r->message, r->detail) : r->message;
}

static void agent_json(struct bd *bd, const struct doctor *d) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "path", d->path);
    json_member_bool(&w, "overall_ok", d->overall_ok);
    json_member_str(&w, "cli_version", BD_VERSION);
    json_member_str(&w, "summary", summary(bd, d));
    json_key(&w, "diagnostics");
    json_array(&w);
    for (size_t i = 0; i < d->count; i++) {
        const struct doctor_result *r = &d->results[i];
        const char *list[8];
        if (r->status == DOCTOR_OK)
            continue;
        json_object(&w);
        json_member_str(&w, "name", r->name);
        json_member_str(&w, "status", doctor_status_name(r->status));
        json_member_str(&w, "severity", severity(r));
        json_member_str(&w, "category", r->category);
        json_member_str(&w, "explanation", r->check->why);
        json_member_str(&w, "observed", observed(bd, r));
        json_member_str(&w, "expected", r->check->expected);
        size_t n = commands(bd, r->fix, list, 8);
        if (n) {
            json_key(&w, "commands");
            json_array(&w);
            for (size_t k = 0; k < n; k++)
                json_str(&w, list[k]);
            json_array_end(&w);
        }
        json_member_str_opt(&w, "hint", r->fix);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_member_int(&w, "passed_count", (int64_t)doctor_count(d, DOCTOR_OK));
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

void doctor_print_agent(struct bd *bd, const struct doctor *d) {
    if (bd->json) {
        agent_json(bd, d);
        return;
    }
    fprintf(bd->out, "## bd doctor (agent diagnostic mode) v%s\n\n**Path:** %s\n**Status:** %s\n\n",
            BD_VERSION, d->path, summary(bd, d));
    size_t ok = doctor_count(d, DOCTOR_OK);
    if (ok == d->count) {
        fprintf(bd->out, "All checks passed. No action needed.\n");
        return;
    }
    for (int s = DOCTOR_ERROR; s >= DOCTOR_WARNING; s--)
        for (size_t i = 0; i < d->count; i++) {
            const struct doctor_result *r = &d->results[i];
            const char *list[8];
            if ((int)r->status != s)
                continue;
            fprintf(bd->out, "### %s: %s [%s]\nSeverity: %s\n\n%s\n\n",
                    s == DOCTOR_ERROR ? "ERROR" : "WARNING", r->name, r->category, severity(r),
                    r->check->why);
            fprintf(bd->out, "- **Observed:** ");
            print_lines(bd, "", "  ", observed(bd, r), false);
            fprintf(bd->out, "- **Expected:** %s\n", r->check->expected);
            size_t n = commands(bd, r->fix, list, 8);
            if (r->fix)
                fprintf(bd->out, "- **To fix:** %s\n", r->fix);
            for (size_t k = 0; k < n; k++)
                fprintf(bd->out, "  - `%s`\n", list[k]);
            fputc('\n', bd->out);
        }
    fprintf(bd->out, "---\n%zu other checks passed.\n", ok);
}
