/* Hooks in the JSON settings of agents: the file is written anew around the pieces that are not ours.
 */
#include "base/json_value.h"
#include "bd/ui/json.h"
#include "bd/workspace/agents.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool agents_is_prime_command(const char *command) {
    static const char *const known[] = {"bd prime", "bd prime --stealth", "bd prime --hook-json",
                                        "bd prime --stealth --hook-json"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(command, known[i]) == 0)
            return true;
    return false;
}

bool agents_is_codex_command(const char *command) {
    return strncmp(command, "bd codex-hook ", 14) == 0;
}

static bool is_object(const struct json_value *v) { return json_value_is(v, JSON_OBJECT); }
static bool is_array(const struct json_value *v) { return json_value_is(v, JSON_ARRAY); }
static void raw(struct json_writer *w, const struct json_value *v) { json_raw(w, v->raw, v->raw_size); }

/* ---- one hook ---- */

static bool equal(const char *a, const char *b) { return strcmp(a ? a : "", b ? b : "") == 0; }

static bool is_wanted(const struct json_value *entry, const struct json_value *command,
                      const struct agents_hook *h) {
    return equal(json_value_get_text(entry, "matcher"), h->matcher) &&
           equal(json_value_get_text(command, "command"), h->command) &&
           equal(json_value_get_text(command, "statusMessage"), h->status);
}

static void write_hook(struct json_writer *w, const struct agents_hook *h) {
    json_object(w);
    if (h->matcher)
        json_member_str(w, "matcher", h->matcher);
    json_key(w, "hooks");
    json_array(w);
    json_object(w);
    json_member_str(w, "type", "command");
    json_member_str(w, "command", h->command);
    if (h->status)
        json_member_str(w, "statusMessage", h->status);
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
}

/* ---- one event ---- */

struct filter {
    const struct agents_hooks *hooks;
    const struct agents_hook *wanted; /* for this event; NULL: none */
    bool kept;                        /* it is there already */
};

/* Whether a command of an entry stays. */
static bool stays(struct filter *f, const struct json_value *entry, const struct json_value *command) {
    const char *text = json_value_get_text(command, "command");
    if (!text || !f->hooks->is_ours(text))
        return true;
    if (!f->wanted || f->kept || !is_wanted(entry, command, f->wanted))
        return false;
    f->kept = true;
    return true;
}

/* An entry loses our commands; one that had nothing else goes away. */
static void write_entry(struct json_writer *w, struct filter *f, const struct json_value *entry) {
    const struct json_value *commands = json_value_get(entry, "hooks");
    size_t left = 0, all = 0;
    struct filter probe = *f;
    if (is_array(commands))
        JSON_EACH(c, commands) {
            all++;
            left += stays(&probe, entry, c);
        }
    if (left == all) {
        *f = probe;
        raw(w, entry);
        return;
    }
    if (left == 0)
        return;
    json_object(w);
    JSON_EACH(member, entry) {
        json_key(w, member->key);
        if (member != commands) {
            raw(w, member);
            continue;
        }
        json_array(w);
        JSON_EACH(c, commands)
        if (stays(f, entry, c))
            raw(w, c);
        json_array_end(w);
    }
    json_object_end(w);
}

static const struct agents_hook *wanted_for(const struct agents_hooks *hooks, const char *event) {
    for (size_t i = 0; i < hooks->count; i++)
        if (strcmp(hooks->wanted[i].event, event) == 0)
            return &hooks->wanted[i];
    return NULL;
}

/* Is anything left of the event? */
static bool has_entries(const struct agents_hooks *hooks, const struct json_value *event) {
    struct filter none = {hooks, NULL, false};
    JSON_EACH(entry, event) {
        const struct json_value *commands = json_value_get(entry, "hooks");
        if (!is_array(commands) || !commands->child)
            return true;
        JSON_EACH(c, commands)
        if (stays(&none, entry, c))
            return true;
    }
    return false;
}

static void write_event(struct json_writer *w, const struct agents_hooks *hooks, const char *name,
                        const struct json_value *event) {
    struct filter f = {hooks, wanted_for(hooks, name), false};
    if (!f.wanted && !has_entries(hooks, event))
        return;
    json_key(w, name);
    json_array(w);
    JSON_EACH(entry, event)
    write_entry(w, &f, entry);
    if (f.wanted && !f.kept)
        write_hook(w, f.wanted);
    json_array_end(w);
}

/* ---- the file ---- */

static void write_hooks(struct json_writer *w, const struct agents_hooks *hooks,
                        const struct json_value *old) {
    json_key(w, "hooks");
    json_object(w);
    JSON_EACH(event, old) {
        if (is_array(event)) {
            write_event(w, hooks, event->key, event);
        } else if (!json_value_is(event, JSON_NULL)) { /* null is what a bug of old versions left */
            json_key(w, event->key);
            raw(w, event);
        }
    }
    for (size_t i = 0; i < hooks->count; i++)
        if (!is_array(json_value_get(old, hooks->wanted[i].event)))
            write_event(w, hooks, hooks->wanted[i].event, NULL);
    json_object_end(w);
}

static bool is_blank(const char *text) { return !text || text[strspn(text, " \t\r\n")] == 0; }

int agents_settings(const char *text, const struct agents_hooks *hooks, struct arena *a,
                    const char **out, struct err *err) {
    struct err why = ERR_INIT;
    const struct json_value *root =
        is_blank(text) ? NULL : json_value_parse(text, strlen(text), a, &why);
    if (!is_blank(text) && !is_object(root))
        return err_set(err, BD_INVALID, "it is not a JSON object%s%s; repair it by hand",
                       *why.msg ? ": " : "", why.msg);
    const struct json_value *old = json_value_get(root, "hooks");
    if (old && !is_object(old) && !json_value_is(old, JSON_NULL))
        return err_set(err, BD_INVALID, "its member \"hooks\" is not an object; repair it by hand");
    struct buf b = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &b, JSON_NO_HTML);
    json_object(&w);
    JSON_EACH(member, root) {
        if (member == old) {
            write_hooks(&w, hooks, old);
        } else {
            json_key(&w, member->key);
            raw(&w, member);
        }
    }
    if (!old && hooks->count)
        write_hooks(&w, hooks, NULL);
    json_object_end(&w);
    json_end(&w);
    if (b.size == 0 || b.data[b.size - 1] != '\n')
        buf_add_char(&b, '\n');
    const struct json_value *now = json_value_parse(b.data, b.size, a, NULL);
    *out = root && json_value_equal(root, now) ? text : arena_strdup(a, buf_str(&b));
    buf_release(&b);
    return BD_OK;
}

bool agents_settings_have_plugin(const char *text, struct arena *a) {
    const struct json_value *root =
        is_blank(text) ? NULL : json_value_parse(text, strlen(text), a, NULL);
    const struct json_value *plugins = json_value_get(root, "enabledPlugins");
    if (is_object(plugins))
        JSON_EACH(p, plugins)
    if (strcasestr(p->key, "beads") && json_value_is(p, JSON_TRUE))
        return true;
    return false;
}

/* ---- config.toml ---- */

static bool is_key(const char *line, size_t size, const char *key) {
    size_t n = strlen(key);
    while (size && isspace((unsigned char)*line)) {
        line++;
        size--;
    }
    if (size <= n || strncmp(line, key, n) != 0)
        return false;
    line += n;
    return line[strspn(line, " \t")] == '=';
}

const char *agents_toml(const char *text, bool on, struct arena *a) {
    struct buf out = BUF_INIT;
    bool inside = false, done = false;
    if (!text)
        text = "";
    for (const char *p = text; *p;) {
        size_t size = strcspn(p, "\n");
        const char *word = p + strspn(p, " \t");
        if (*word == '[')
            inside = strncmp(word, "[features]", 10) == 0;
        bool ours = inside && (is_key(p, size, "hooks") || is_key(p, size, "codex_hooks"));
        if (!ours) {
            buf_add(&out, p, size);
            buf_add_char(&out, '\n');
        }
        if (inside && *word == '[' && on) { /* right below the heading */
            buf_add_str(&out, "hooks = true\n");
            done = true;
        }
        p += size;
        p += *p == '\n';
    }
    if (on && !done)
        buf_addf(&out, "%s[features]\nhooks = true\n", out.size ? "\n" : "");
    const char *result = strcmp(buf_str(&out), text) == 0 ? text : arena_strdup(a, buf_str(&out));
    buf_release(&out);
    return result;
}
