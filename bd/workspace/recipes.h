/*
 * Recipes: for each coding agent or editor the files that tell it of bd, and how to install, check and
 * remove them. bd init uses those for Claude and Codex.
 */
#ifndef BD_WORKSPACE_RECIPES_H
#define BD_WORKSPACE_RECIPES_H

#include "bd/workspace/agents.h"

struct recipe {
    const char *name, *title, *summary; /* "cursor", "Cursor IDE", "Cursor IDE rules file" */
    const struct recipe_part *parts;
    size_t count;
    bool by_user; /* of .beads/recipes.toml */
};

struct recipe_call {
    const char *project, *home; /* directories; home may be NULL */
    bool global, stealth, has_remote;
    struct buf *notes, *warnings; /* take lines for people */
};

/* Sorted by name. Those of the workspace (beads_dir may be NULL) stand among the built-in ones. */
const struct recipe *recipes_all(const char *beads_dir, struct arena *a, size_t *count);
/* NULL when there is none of that name (in any case). */
const struct recipe *recipes_find(const char *name, const char *beads_dir, struct arena *a);
/* Adds one to .beads/recipes.toml, or replaces it: a file of rules at `path`. BD_EXISTS for a built-in
 * name. */
int recipes_add(const char *beads_dir, const char *name, const char *path, struct err *err);

int recipe_install(const struct recipe *r, const struct recipe_call *c, struct arena *a,
                   struct err *err);
/* BD_OK when all is there and current; BD_NOT_FOUND when not. A line for each part that is missing or
 * old goes to the notes. */
int recipe_check(const struct recipe *r, const struct recipe_call *c, struct arena *a, struct err *err);
/* BD_NOT_FOUND when there was nothing. Files that the user changed lose only what is bd's. */
int recipe_remove(const struct recipe *r, const struct recipe_call *c, struct arena *a,
                  struct err *err);

/* The instruction file of a project (AGENTS.md, or what agents.file names), as bd init writes it.
 * `template_text` (may be NULL) is what a new one is made from. */
int recipe_instructions(const char *path, const char *template_text, struct agents_text t,
                        const struct recipe_call *c, struct arena *a, struct err *err);

#endif
