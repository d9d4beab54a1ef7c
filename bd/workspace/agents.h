/*
 * What coding agents are told of bd: sections in instruction files (AGENTS.md …), hooks in their
 * settings, and files of their own. In files that belong to the user only a marked section, or the
 * entries that call bd, are ever written, replaced or removed. All texts are in the arena.
 */
#ifndef BD_WORKSPACE_AGENTS_H
#define BD_WORKSPACE_AGENTS_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

/* ---- texts ---- */

enum agents_profile {
    AGENTS_MINIMAL, /* for agents whose hooks run `bd prime` */
    AGENTS_FULL,    /* for those that read the file and nothing else */
};

struct agents_text {
    enum agents_profile profile;
    bool has_remote; /* there is something that `bd dolt push` could push to */
};

const char *agents_body(struct agents_text t, struct arena *a);
/* A new instruction file around that section. */
const char *agents_new_file(struct agents_text t, struct arena *a);

bool agents_has_section(const char *text);
/* The section that is there says everything; a minimal one must not take its place. */
bool agents_is_full(const char *text);
/* Replaces the section, or appends it. The same pointer when it is current. BD_INVALID: markers are
 * damaged. */
int agents_with_section(const char *text, struct agents_text t, struct arena *a, const char **out,
                        struct err *err);
const char *agents_without_section(const char *text, struct arena *a);

/* The section that belongs to Codex, in the same file, between markers of its own. */
const char *agents_with_codex_section(const char *text, struct arena *a);
const char *agents_without_codex_section(const char *text, struct arena *a);
bool agents_codex_section_is_current(const char *text, struct arena *a);

extern const char agents_skill[], agents_skill_yaml[], agents_rules[];

/* ---- settings ---- */

/* One hook that calls bd. */
struct agents_hook {
    const char *event, *matcher, *command, *status; /* matcher, status: NULL for none */
};
struct agents_hooks {
    bool (*is_ours)(const char *command); /* which commands bd put there, now or in the past */
    const struct agents_hook *wanted;
    size_t count; /* 0: remove ours */
};
bool agents_is_prime_command(const char *command);
bool agents_is_codex_command(const char *command);
/*
 * A JSON settings file (NULL or empty: a new one) with exactly those hooks of bd in it. What belongs to
 * others keeps its place and spelling. The same pointer when nothing changes. BD_INVALID when it is not
 * a JSON object.
 */
int agents_settings(const char *text, const struct agents_hooks *hooks, struct arena *a,
                    const char **out, struct err *err);
/* The beads plugin is enabled in such a file: it brings the hooks along. */
bool agents_settings_have_plugin(const char *text, struct arena *a);

/* Codex' config.toml with `hooks = true` under [features], or without. */
const char *agents_toml(const char *text, bool on, struct arena *a);

#endif
