/*
 * Colour: one table of inks, two palettes (dark and light background), 24-bit where the terminal says
 * so and the nearest of the 256 colours elsewhere.
 */
#include "bd/ui/ink.h"

#include <stdlib.h>
#include <string.h>

struct ink_entry {
    uint32_t dark, light; /* 0xRRGGBB, INK_NO_COLOR = the terminal's own */
    bool bold;
};
#define INK_NO_COLOR 0xffffffffu

static const struct ink_entry inks[] = {
    [INK_PLAIN] = {INK_NO_COLOR, INK_NO_COLOR, false},
    [INK_BOLD] = {INK_NO_COLOR, INK_NO_COLOR, true},
    [INK_PASS] = {0xc2d94c, 0x86b300, false},
    [INK_WARN] = {0xffb454, 0xf2ae49, false},
    [INK_FAIL] = {0xf07178, 0xf07171, false},
    [INK_MUTED] = {0x6c7680, 0x828c99, false},
    [INK_ACCENT] = {0x59c2ff, 0x399ee6, false},
    [INK_HEADING] = {0x59c2ff, 0x399ee6, true},
    [INK_COMMAND] = {0xbfbdb6, 0x5c6166, false},
    [INK_IN_PROGRESS] = {0xffb454, 0xf2ae49, false},
    [INK_BLOCKED] = {0xf26d78, 0xf07171, false},
    [INK_CLOSED] = {0x8090a0, 0x9099a1, false},
    [INK_PINNED] = {0xd2a6ff, 0xd2a6ff, false},
    [INK_HOOKED] = {0x59c2ff, 0x59c2ff, false},
    [INK_P0] = {0xf07178, 0xf07171, true},
    [INK_P1] = {0xff8f40, 0xff8f40, false},
    [INK_P2] = {0xe6b450, 0xe6b450, false},
    [INK_BUG] = {0xf26d78, 0xf07171, false},
    [INK_EPIC] = {0xd2a6ff, 0xd2a6ff, false},
};

static bool env_set(const char *name) {
    const char *v = getenv(name);
    return v && *v;
}

static bool env_is(const char *name, const char *value) {
    const char *v = getenv(name);
    return v && strcmp(v, value) == 0;
}

bool ink_wanted(bool stdout_is_tty) {
    if (env_is("BD_GIT_HOOK", "1") || env_set("NO_COLOR") || env_is("CLICOLOR", "0"))
        return false;
    if (env_set("CLICOLOR_FORCE"))
        return true;
    return stdout_is_tty;
}

/* COLORFGBG is "foreground;background"; 7 and 15 are light backgrounds. Unknown counts as dark. */
static bool background_is_light(void) {
    const char *v = getenv("COLORFGBG");
    const char *bg = v ? strrchr(v, ';') : NULL;
    return bg && (strcmp(bg + 1, "7") == 0 || strcmp(bg + 1, "15") == 0);
}

static unsigned cube_step(unsigned v) { return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40; }

static void add_color(struct buf *out, uint32_t rgb) {
    unsigned r = rgb >> 16 & 255, g = rgb >> 8 & 255, b = rgb & 255;
    if (env_is("COLORTERM", "truecolor") || env_is("COLORTERM", "24bit"))
        buf_addf(out, "38;2;%u;%u;%u", r, g, b);
    else
        buf_addf(out, "38;5;%u", 16 + 36 * cube_step(r) + 6 * cube_step(g) + cube_step(b));
}

void ink_add(struct buf *out, bool color, enum ink ink, const char *text) {
    const struct ink_entry *e = &inks[ink];
    uint32_t rgb = background_is_light() ? e->light : e->dark;
    if (!text)
        return;
    if (!color || (rgb == INK_NO_COLOR && !e->bold)) {
        buf_add_str(out, text);
        return;
    }
    for (const char *p = text;;) {
        size_t n = strcspn(p, "\n");
        if (n) {
            buf_add_str(out, "\033[");
            if (e->bold)
                buf_add_str(out, rgb == INK_NO_COLOR ? "1" : "1;");
            if (rgb != INK_NO_COLOR)
                add_color(out, rgb);
            buf_add_char(out, 'm');
            buf_add(out, p, n);
            buf_add_str(out, "\033[m");
        }
        if (!p[n])
            return;
        buf_add_char(out, '\n');
        p += n + 1;
    }
}

const char *ink_text(struct arena *a, bool color, enum ink ink, const char *text) {
    if (!color || !text)
        return text ? text : "";
    struct buf b = BUF_INIT;
    ink_add(&b, color, ink, text);
    const char *out = arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return out;
}

enum ink ink_of_status(const char *status) {
    static const struct {
        const char *status;
        enum ink ink;
    } table[] = {
        {"in_progress", INK_IN_PROGRESS}, {"blocked", INK_BLOCKED}, {"closed", INK_CLOSED},
        {"deferred", INK_MUTED},          {"pinned", INK_PINNED},   {"hooked", INK_HOOKED},
    };
    for (size_t i = 0; status && i < sizeof table / sizeof *table; i++)
        if (strcmp(status, table[i].status) == 0)
            return table[i].ink;
    return INK_PLAIN;
}

enum ink ink_of_priority(int64_t priority) {
    return priority == 0 ? INK_P0 : priority == 1 ? INK_P1 : priority == 2 ? INK_P2 : INK_PLAIN;
}

enum ink ink_of_type(const char *issue_type) {
    if (issue_type && strcmp(issue_type, "bug") == 0)
        return INK_BUG;
    if (issue_type && strcmp(issue_type, "epic") == 0)
        return INK_EPIC;
    return INK_PLAIN;
}
