/*
 * The git hooks that call bd. In each hook file bd owns what stands between two marker lines and
 * nothing else; the rest belongs to the user and survives installing, upgrading and uninstalling.
 */
#ifndef BD_WORKSPACE_GIT_HOOKS_H
#define BD_WORKSPACE_GIT_HOOKS_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>

#define GIT_HOOK_COUNT 5
extern const char *const git_hook_names[GIT_HOOK_COUNT + 1]; /* NULL-terminated */

/* Where git looks for the hooks of the repository around `directory`; NULL outside of git. */
const char *git_hooks_dir(const char *directory, struct arena *a);

/* ---- the text of one hook ---- */

/* What bd owns in the hook of that name, marker lines included. */
const char *git_hook_section(const char *hook, struct arena *a);
/*
 * The text with that section: in the place of an older one, else where it is reached (in front of a
 * final `exec`), else at the end. Damaged markers are cleaned up.
 */
const char *git_hook_with_section(const char *text, const char *section, struct arena *a);
/* The text without bd's section; *found (may be NULL) says whether there was any marker. */
const char *git_hook_without_section(const char *text, bool *found, struct arena *a);
/* A hook of husky's, made independent of the helper scripts beside it; other texts as they are. */
const char *git_hook_without_husky(const char *text, struct arena *a);

struct git_hook {
    const char *name;
    bool installed;      /* the file is there, whoever wrote it */
    bool is_bd;          /* bd wrote it, or part of it */
    bool is_shim;        /* calls whatever bd is installed, so it never grows old */
    const char *version; /* of the bd that wrote it; "" unknown */
    bool outdated;
};
/* What a text is; name and installed are left alone. */
void git_hook_classify(const char *text, struct arena *a, struct git_hook *out);
/* All managed hooks of the repository around `directory`. */
void git_hooks_list(const char *directory, struct arena *a, struct git_hook out[GIT_HOOK_COUNT]);

/* ---- files ---- */

enum git_hooks_place {
    GIT_HOOKS_GIT,    /* where git looks now */
    GIT_HOOKS_BEADS,  /* <beads_dir>/hooks, and core.hooksPath is set to it */
    GIT_HOOKS_SHARED, /* .beads-hooks in the main repository, likewise */
};
struct git_hooks_request {
    const char *directory; /* somewhere in the repository, absolute */
    const char *beads_dir; /* for GIT_HOOKS_BEADS */
    enum git_hooks_place place;
    bool two_only;        /* pre-commit and post-merge, all that jujutsu has a use for */
    struct buf *notes;    /* takes lines for standard output (hooks that were carried along) */
    struct buf *warnings; /* lines for standard error */
};
/* BD_NOT_FOUND outside of git. Hooks are written one by one, each whole or not at all. */
int git_hooks_install(const struct git_hooks_request *rq, struct err *err);
/* Hooks that hold nothing else are deleted, old ones of bd's give their place to their .backup. */
int git_hooks_uninstall(const struct git_hooks_request *rq, struct err *err);

#endif
