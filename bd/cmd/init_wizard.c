/*
 * The dialogues of bd init --contributor and --team. They only ask, before anything is written; what
 * was answered becomes settings that the database starts with, and is carried out when that exists.
 */
#include "bd/cmd/init.h"

#include "base/os.h"
#include "bd/ui/ink.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_BRANCH "beads-metadata"

static const char *accent(struct init_job *j, const char *text) {
    return ink_text(&j->bd->arena, j->bd->color, INK_ACCENT, text);
}

/* The answer without white space at its ends, `fallback` when there was none; NULL: the dialogue was
 * ended. */
static const char *ask(struct init_job *j, const char *question, const char *fallback) {
    char answer[1024];
    if (!init_ask(j, question, answer, sizeof answer))
        return NULL;
    char *text = answer + strspn(answer, " \t");
    size_t n = strlen(text);
    while (n && (text[n - 1] == ' ' || text[n - 1] == '\t'))
        n--;
    return n ? arena_strndup(&j->bd->arena, text, n) : fallback;
}

enum reply { NO, YES, ENDED };
static enum reply ask_yes(struct init_job *j, const char *question, const char *fallback) {
    const char *text = ask(j, question, fallback);
    return !text ? ENDED : strcasecmp(text, "y") == 0 || strcasecmp(text, "yes") == 0 ? YES : NO;
}

void init_set(struct init_job *j, const char *key, const char *value) {
    if (j->setting_count < INIT_SETTINGS_MAX)
        j->settings[j->setting_count++] = (struct init_setting){key, value};
}

/* ---- contributors ---- */

static int make_planning(struct init_job *j, const char *dir) {
    static const char readme[] =
        "# Planning\n\nIssues of a contributor that are not part of the projects themselves. "
        "bd puts them here by itself\nwhile you work in a fork (routing.contributor).\n";
    struct arena *a = &j->bd->arena;
    static const char *const commands[][8] = {{"git", "init", "-q", NULL},
                                              {"git", "add", "README.md", NULL},
                                              {"git", "commit", "-q", "-m", "Start planning", NULL}};
    if (os_exists(dir)) {
        if (!os_is_dir(dir))
            return cmd_fail(j->bd, "%s is not a folder", dir);
        return 0;
    }
    if (os_mkdir_p(dir, 0750) || os_mkdir_p(arena_printf(a, "%s/.beads", dir), 0700) ||
        os_write_file_atomic(arena_printf(a, "%s/README.md", dir), readme, sizeof readme - 1, 0644))
        return cmd_fail(j->bd, "cannot create the planning repository %s: %s", dir, strerror(errno));
    for (size_t i = 0; i < 3; i++)
        if (process_run(&(struct process){.argv = commands[i], .directory = dir}) != 0 && i == 0)
            return cmd_fail(j->bd, "cannot make %s a git repository", dir);
    return 0;
}

/* By the look of its address: who can only read mostly has it by https. */
static bool may_push(struct init_job *j) {
    const char *origin = git_setting(j->cwd, "remote.origin.url", &j->bd->arena);
    return origin && *origin && strncmp(origin, "https://", 8) != 0;
}

static int contributor(struct init_job *j) {
    struct bd *bd = j->bd;
    const char *home = getenv("HOME"),
               *upstream = git_setting(j->cwd, "remote.upstream.url", &bd->arena);
    const char *given = getenv("BEADS_DIR");
    enum reply reply = YES;
    fprintf(bd->out, "\nContributing to somebody else's project\n\n"
                     "Issues that you create can go to a repository of your own, so that your pull "
                     "requests hold none of "
                     "them.\n\n");
    if (given && *given)
        reply = ask_yes(
            j, "BEADS_DIR is set, and it decides before any of this. Continue anyway? [y/N]: ", "n");
    if (reply == YES && upstream && *upstream)
        fprintf(bd->out, "  This is a fork of %s.\n", accent(j, upstream));
    else if (reply == YES)
        reply = ask_yes(j,
                        "There is no git remote 'upstream', so this does not look like a fork.\n"
                        "Continue with contributor setup? [y/N]: ",
                        "n");
    if (reply == YES && may_push(j))
        reply = ask_yes(j,
                        "You may be able to push to origin.\n"
                        "Keep your issues in a repository of your own? [Y/n]: ",
                        "y");
    if (reply == NO)
        fprintf(bd->out, "  Nothing of that was set up; issues stay in this repository.\n\n");
    if (reply != YES)
        return reply == NO ? 0 : INIT_CANCELLED;
    const char *usual =
        given && *given ? given : arena_printf(&bd->arena, "%s/.beads-planning", home ? home : "");
    const char *dir = ask(j, arena_printf(&bd->arena, "Where? [%s]: ", usual), usual);
    if (!dir)
        return INIT_CANCELLED;
    if (home && strncmp(dir, "~/", 2) == 0)
        dir = arena_printf(&bd->arena, "%s%s", home, dir + 1);
    int status = make_planning(j, dir = workspace_real_path(dir, &bd->arena));
    if (status)
        return status;
    j->planning_dir = dir;
    j->settings_replace = true;
    init_set(j, "routing.contributor", dir);
    init_set(j, "routing.mode", "auto");
    if (upstream && *upstream)
        init_set(j, "sync.remote", "upstream");
    fprintf(bd->out, "  Issues you create go to %s.\n\n", accent(j, dir));
    return 0;
}

/* ---- teams ---- */

static int team(struct init_job *j) {
    struct bd *bd = j->bd;
    char *current = process_git(j->cwd, (const char *const[]){"symbolic-ref", "--short", "HEAD", NULL});
    const char *branch = current ? arena_strdup(&bd->arena, current) : NULL;
    free(current);
    if (!branch)
        return cmd_fail(
            bd, "--team needs a git repository with a branch checked out; run 'git init' first");
    fprintf(bd->out, "\nWorking on this project as a team (on branch %s)\n\n", accent(j, branch));
    enum reply reply =
        ask_yes(j, "Is the main branch protected, so that nobody commits to it directly? [y/N]: ", "n");
    if (reply == ENDED)
        return INIT_CANCELLED;
    if (reply == YES) {
        branch = ask(j, "Branch for commits of issue files [" DEFAULT_BRANCH "]: ", DEFAULT_BRANCH);
        if (!branch)
            return INIT_CANCELLED;
        char *checked =
            process_git(j->cwd, (const char *const[]){"check-ref-format", "--branch", branch, NULL});
        if (!checked)
            return cmd_fail(bd, "%s is not a name for a branch", cmd_quote(&bd->arena, branch));
        free(checked);
        j->team_branch = branch;
        init_set(j, "sync.branch", branch);
    }
    init_set(j, "team.enabled", "true");
    init_set(j, "team.sync_branch", branch);
    return 0;
}

int init_wizard(struct init_job *j) {
    if (cmd_bool(j->call, "contributor"))
        return contributor(j);
    return cmd_bool(j->call, "team") ? team(j) : 0;
}

void init_wizard_finish(struct init_job *j) {
    if (!j->team_branch)
        return;
    char *known = process_git(
        j->cwd,
        (const char *const[]){"rev-parse", "--verify", "--quiet",
                              arena_printf(&j->bd->arena, "refs/heads/%s", j->team_branch), NULL});
    const char *argv[] = {"git", "branch", j->team_branch, NULL};
    if (!known && process_run(&(struct process){.argv = argv, .directory = j->cwd}) != 0)
        cmd_warn(j->bd, "failed to create the branch %s; create it with: git branch %s", j->team_branch,
                 j->team_branch);
    else if (!j->quiet)
        fprintf(j->bd->out, "  Issue files are to be committed on %s, and merged from there.\n",
                accent(j, j->team_branch));
    free(known);
}
