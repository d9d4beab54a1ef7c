/*
 * bd preflight: is the branch ready for a pull request? Shows a checklist, or goes through it. What the
 * project does not have (no go.mod, no default.nix) is skipped, not failed.
 */
#include "bd/cmd/doctor.h"

#include "bd/cmd/commands.h"

#include "base/os.h"
#include "bd/workspace/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct step {
    const char *name, *command, *output;
    bool passed, skipped, warning;
};

static const char *top(struct bd *bd) { return bd->ws.repo_root ? bd->ws.repo_root : "."; }

static const char *below_top(struct bd *bd, const char *name) {
    return arena_printf(&bd->arena, "%s/%s", top(bd), name);
}

/* Standard output and standard error of a program, in that order. */
static int run_program(struct bd *bd, const char *const *argv, const char *directory,
                       const char **output) {
    struct buf out = BUF_INIT, error = BUF_INIT;
    struct process p = {.argv = argv, .directory = directory, .output = &out, .error = &error};
    int status = process_run(&p);
    buf_add(&out, buf_str(&error), error.size);
    *output = arena_strndup(&bd->arena, buf_str(&out), out.size);
    buf_release(&out);
    buf_release(&error);
    return status;
}

static bool in_path(struct bd *bd, const char *program) {
    for (const char *p = getenv("PATH"); p && *p;) {
        size_t n = strcspn(p, ":");
        if (n && access(arena_printf(&bd->arena, "%.*s/%s", (int)n, p, program), X_OK) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

static bool skip_without(struct bd *bd, struct step *s, const char *file) {
    if (os_exists(file) || os_exists(below_top(bd, file)))
        return false;
    s->skipped = true;
    s->output = arena_printf(&bd->arena, "%s not found", file);
    return true;
}

/* ---- the steps ---- */

static struct step tests(struct bd *bd) {
    struct step s = {.name = "Tests pass", .command = "go test -tags gms_pure_go -short ./..."};
    static const char *const argv[] = {"go", "test", "-tags", "gms_pure_go", "-short", "./...", NULL};
    if (skip_without(bd, &s, "go.mod"))
        return s;
    if (!in_path(bd, "go"))
        s.output = "go not found in PATH (install the Go toolchain)";
    else
        s.passed = run_program(bd, argv, NULL, &s.output) == 0;
    return s;
}

static struct step lint(struct bd *bd, bool skip) {
    struct step s = {.name = "Lint passes",
                     .command = "golangci-lint run --build-tags=gms_pure_go ./..."};
    static const char *const argv[] = {"golangci-lint", "run", "--build-tags=gms_pure_go", "./...",
                                       NULL};
    if (skip) {
        s.skipped = s.warning = true;
        s.output = "lint check explicitly skipped by --skip-lint";
    } else if (!skip_without(bd, &s, "go.mod")) {
        if (!in_path(bd, "golangci-lint"))
            s.output = "golangci-lint not found in PATH (install it or rerun with --skip-lint)";
        else
            s.passed = run_program(bd, argv, NULL, &s.output) == 0;
    }
    return s;
}

static struct step formatting(struct bd *bd, bool fix) {
    struct step s = {.name = "Formatting", .command = "gofmt -l ."};
    const char *list;
    if (skip_without(bd, &s, "go.mod"))
        return s;
    if (!in_path(bd, "gofmt")) {
        s.output = "gofmt not found in PATH (install Go toolchain)";
        return s;
    }
    if (fix)
        run_program(bd, (const char *const[]){"gofmt", "-w", ".", NULL}, NULL, &list);
    int status = run_program(bd, (const char *const[]){"gofmt", "-l", ".", NULL}, NULL, &list);
    s.passed = status == 0 && !*list;
    if (status)
        s.output = list;
    else if (*list)
        s.output = arena_printf(&bd->arena, "Unformatted files:\n%.*s\nRun: gofmt -w .",
                                (int)(strlen(list) - 1), list);
    return s;
}

static bool git_prints(struct bd *bd, const char *const *arguments) {
    char *text = process_git(top(bd), arguments);
    bool any = text && *text;
    free(text);
    return any;
}

static struct step pollution(struct bd *bd) {
    struct step s = {.name = "No beads pollution", .command = "git diff -- .beads/issues.jsonl"};
    size_t n = strlen(top(bd));
    s.passed = true;
    if (!bd->ws.beads_dir || !bd->ws.repo_root)
        return s;
    if (strncmp(bd->ws.beads_dir, top(bd), n) != 0 || bd->ws.beads_dir[n] != '/') {
        s.output = "Skipped: .beads is outside working tree (worktree setup)";
        return s;
    }
    const char *path = arena_printf(&bd->arena, "%s/issues.jsonl", bd->ws.beads_dir + n + 1);
    char *branch =
        process_git(top(bd), (const char *const[]){"rev-parse", "--abbrev-ref", "HEAD", NULL});
    if (!branch) {
        s.passed = false;
        s.skipped = true;
        s.output = "Cannot determine branch (no commit yet?)";
        return s;
    }
    bool changed;
    if (strcmp(branch, "main") != 0 && strcmp(branch, "HEAD") != 0)
        changed = git_prints(bd, (const char *const[]){"diff", "origin/main...HEAD", "--", path, NULL});
    else
        changed = git_prints(bd, (const char *const[]){"diff", "HEAD", "--", path, NULL}) ||
                  git_prints(bd, (const char *const[]){"diff", "--cached", "--", path, NULL});
    free(branch);
    s.passed = !changed;
    if (changed)
        s.output = ".beads/issues.jsonl has been modified — revert changes before pushing";
    return s;
}

static struct step nix_hash(struct bd *bd) {
    struct step s = {.name = "Nix hash current", .command = "git diff HEAD -- go.sum", .passed = true};
    if (git_prints(bd, (const char *const[]){"diff", "--name-only", "HEAD", "--", "go.sum", NULL}) ||
        git_prints(bd,
                   (const char *const[]){"diff", "--name-only", "--cached", "--", "go.sum", NULL})) {
        s.passed = false;
        s.warning = true;
        s.output = "go.sum has uncommitted changes - vendorHash in default.nix may need updating";
    }
    return s;
}

/* The text between the quotes of `key = "…"`, in the arena; NULL when there is none. */
static const char *quoted_value(struct bd *bd, const char *path, const char *key) {
    char *text;
    size_t size;
    const char *value = NULL;
    if (os_read_file(path, (size_t)1 << 22, &text, &size))
        return NULL;
    for (const char *p = text; !value && (p = strstr(p, key)); p++) {
        const char *q = p + strlen(key);
        q += strspn(q, " \t");
        if (*q++ != '=')
            continue;
        q += strspn(q, " \t");
        if (*q == '"' && strchr(q + 1, '"'))
            value = arena_strndup(&bd->arena, q + 1, strcspn(q + 1, "\""));
    }
    free(text);
    return value;
}

static struct step versions(struct bd *bd) {
    struct step s = {.name = "Version sync", .command = "scripts/check-versions.sh"};
    if (os_exists("scripts/check-versions.sh")) {
        s.passed = run_program(bd, (const char *const[]){"bash", "scripts/check-versions.sh", NULL},
                               NULL, &s.output) == 0;
        return s;
    }
    s.command = "Compare cmd/bd/version.go and default.nix";
    if (skip_without(bd, &s, "cmd/bd/version.go") || skip_without(bd, &s, "default.nix"))
        return s;
    const char *go = quoted_value(bd, "cmd/bd/version.go", "Version"),
               *nix = quoted_value(bd, "default.nix", "version");
    if (!go || !nix) {
        s.skipped = true;
        s.output =
            arena_printf(&bd->arena, "Cannot parse version from %s", go ? "default.nix" : "version.go");
    } else if (strcmp(go, nix) != 0) {
        s.output = arena_printf(&bd->arena, "Version mismatch: version.go=%s, default.nix=%s", go, nix);
    } else {
        s.passed = true;
        s.output = arena_printf(&bd->arena, "Versions match: %s", go);
    }
    return s;
}

static struct step documents(struct bd *bd) {
    struct step s = {.name = "AGENTS.md/CLAUDE.md in sync",
                     .command = "bd doctor (Agent Doc Divergence)"};
    struct workspace here = bd->ws;
    here.project_dir = top(bd);
    struct doctor d = {.arena = &bd->arena, .path = top(bd), .ws = &here, .config = &bd->config};
    struct doctor_result r = {.check = doctor_find("Agent Doc Divergence"), .message = ""};
    r.check->run(&d, &r);
    s.passed = r.status == DOCTOR_OK;
    s.warning = !s.passed;
    if (!s.passed)
        s.output = arena_printf(&bd->arena, "%s\n%s\n%s", r.message, r.detail ? r.detail : "",
                                r.fix ? r.fix : "");
    return s;
}

/* ---- output ---- */

static void print_step(struct bd *bd, const struct step *s) {
    enum { SHOWN_MAX = 500 };
    const char *output = s->output ? s->output : "";
    fprintf(bd->out, "%s %s%s\n  Command: %s\n",
            s->skipped || s->warning ? "⚠"
            : s->passed              ? "✓"
                                     : "✗",
            s->name, s->skipped ? " (skipped)" : "", s->command);
    if (s->skipped && *output) {
        fprintf(bd->out, "  Reason: %s\n", output);
    } else if (s->warning && *output) {
        fprintf(bd->out, "  Warning: %s\n", output);
    } else if (!s->passed && *output) {
        size_t size = strlen(output), shown = size > SHOWN_MAX ? SHOWN_MAX : size;
        fprintf(bd->out, "  Output:\n");
        for (const char *p = output; p < output + shown;) {
            size_t n = strcspn(p, "\n");
            if (p + n > output + shown)
                n = (size_t)(output + shown - p);
            fprintf(bd->out, "    %.*s\n", (int)n, p);
            p += n + 1;
        }
        if (size > shown)
            fprintf(bd->out, "    ... (truncated)\n");
    }
    fputc('\n', bd->out);
}

static void print_json(struct bd *bd, const struct step *steps, size_t count, bool all,
                       const char *summary) {
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &out, 0);
    json_object(&w);
    json_key(&w, "checks");
    json_array(&w);
    for (size_t i = 0; i < count; i++) {
        json_object(&w);
        json_member_str(&w, "name", steps[i].name);
        json_member_bool(&w, "passed", steps[i].passed);
        json_member_bool_opt(&w, "skipped", steps[i].skipped);
        json_member_bool_opt(&w, "warning", steps[i].warning);
        json_member_str_opt(&w, "output", steps[i].output);
        json_member_str(&w, "command", steps[i].command);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_member_bool(&w, "passed", all);
    json_member_str(&w, "summary", summary);
    json_object_end(&w);
    json_end(&w);
    buf_add_char(&out, '\n');
    fwrite(out.data, 1, out.size, bd->out);
    buf_release(&out);
}

static int go_through(struct bd *bd, const struct cmd_call *c) {
    struct step steps[] = {tests(bd),
                           lint(bd, cmd_bool(c, "skip-lint")),
                           formatting(bd, cmd_bool(c, "fix")),
                           pollution(bd),
                           nix_hash(bd),
                           versions(bd),
                           documents(bd)};
    size_t count = sizeof steps / sizeof *steps, passed = 0, skipped = 0, warned = 0;
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        if (steps[i].skipped)
            skipped++;
        else if (steps[i].warning)
            warned++;
        else if (steps[i].passed)
            passed++;
        else
            all = false;
    }
    const char *summary = arena_printf(&bd->arena, "%zu/%zu checks passed", passed, count - skipped);
    if (warned)
        summary = arena_printf(&bd->arena, "%s, %zu warning(s)", summary, warned);
    if (skipped)
        summary = arena_printf(&bd->arena, "%s (%zu skipped)", summary, skipped);
    if (bd->json) {
        print_json(bd, steps, count, all, summary);
    } else {
        for (size_t i = 0; i < count; i++)
            print_step(bd, &steps[i]);
        fprintf(bd->out, "%s\n", summary);
    }
    return all ? 0 : 1;
}

static int run(struct bd *bd, const struct cmd_call *c) {
    if (cmd_bool(c, "fix") && bd->read_only)
        return cmd_fail(bd, "operation 'preflight --fix' is not allowed in read-only mode");
    if (cmd_bool(c, "check") || cmd_bool(c, "fix"))
        return go_through(bd, c);
    static const char *const list[] = {
        "Tests pass: go test -tags gms_pure_go -short ./...",
        "Lint passes: golangci-lint run --build-tags=gms_pure_go ./...",
        "Formatting: gofmt -l .",
        "No beads pollution: check .beads/issues.jsonl diff",
        "Nix hash current: go.sum unchanged or vendorHash updated",
        "Version sync: version.go matches default.nix",
    };
    fprintf(bd->out, "PR Readiness Checklist:\n\n");
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        fprintf(bd->out, "[ ] %s\n", list[i]);
    fprintf(bd->out, "\nRun 'bd preflight --check' to validate automatically.\n");
    return 0;
}

static const struct cmd_flag flags[] = {
    {.name = "check", .kind = FLAG_BOOL, .help = "Go through the list"},
    {.name = "fix", .kind = FLAG_BOOL, .help = "Go through the list and format what is not formatted"},
    {.name = "skip-lint", .kind = FLAG_BOOL, .help = "Leave the linter out"},
    {0},
};

const struct cmd cmd_preflight = {
    .name = "preflight",
    .use = "preflight",
    .summary = "Is the branch ready for a pull request?",
    .details =
        "Shows what to look at before a pull request, and with --check looks: tests, linter,\n"
        "formatting, an export that slipped into the branch, versions that differ, AGENTS.md against\n"
        "CLAUDE.md.\n\n"
        "What the project does not have is skipped. The exit status is 1 when a check fails.",
    .examples = "  bd preflight\n  bd preflight --check\n  bd preflight --check --skip-lint --json",
    .group = "Maintenance",
    .args_max = -1,
    .flags = flags,
    .cls = CMD_NO_STORE,
    .run = run,
};
