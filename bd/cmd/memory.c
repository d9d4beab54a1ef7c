/*
 * bd remember, recall, memories, forget: short texts that bd prime shows at the start of every session.
 * They are rows of the table config under "kv.memory.".
 */
#include "bd/cmd/commands.h"
#include "bd/cmd/config.h"
#include "bd/ops/db_config.h"
#include "bd/ui/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define PREFIX "kv.memory."
#define PREFIX_SIZE (sizeof PREFIX - 1)
#define KEY_WORDS 8
#define KEY_SIZE 60u
#define SHOWN 80u   /* bytes of a memory in an answer */
#define LISTED 120u /* and in a list */

static const char *stored(struct bd *bd, const char *key) {
    return arena_printf(&bd->arena, PREFIX "%s", key);
}

/* The first words, in lower case, with hyphens between them. */
static const char *make_key(struct bd *bd, const char *text) {
    char key[KEY_SIZE + 1];
    size_t n = 0, words = 1;
    for (const unsigned char *p = (const unsigned char *)text; *p && n < KEY_SIZE; p++) {
        unsigned char c = (unsigned char)(*p < 0x80 ? tolower(*p) : 0);
        if (isalnum(c)) {
            key[n++] = (char)c;
        } else if (n && key[n - 1] != '-') {
            if (words++ == KEY_WORDS)
                break;
            key[n++] = '-';
        }
    }
    while (n && key[n - 1] == '-')
        n--;
    return arena_strndup(&bd->arena, key, n);
}

/* On one line, cut where a character begins. */
static const char *shorten(struct bd *bd, const char *text, size_t max) {
    char *line = arena_strdup(&bd->arena, text);
    for (char *p = line; *p; p++)
        *p = *p == '\n' ? ' ' : *p;
    if (strlen(line) <= max)
        return line;
    size_t n = max - 3;
    while (n && ((unsigned char)line[n] & 0xc0) == 0x80)
        n--;
    return arena_printf(&bd->arena, "%.*s...", (int)n, line);
}

/* *value is NULL when there is no such memory. */
static int look_up(struct bd *bd, const char *key, const char **value, struct err *err) {
    struct tables_txn *x;
    *value = NULL;
    int rc = tables_read_begin(bd->ops.tables, &x, err);
    if (rc)
        return rc;
    rc = db_config_get(x, stored(bd, key), &bd->arena, value, err);
    tables_read_end(x);
    if (*value && !**value)
        *value = NULL;
    return rc;
}

static int store(struct bd *bd, const char *key, const char *value, struct err *err) {
    struct db_config_change w = {stored(bd, key), value};
    struct tables_write write = {.mode = TABLES_WORKING};
    int rc = tables_write(bd->ops.tables, &write, db_config_change, &w, NULL, err);
    bd->did_write = bd->did_write || rc == BD_OK;
    return rc;
}

/* A JSON object of texts: key, value, key, value …, NULL. */
static void answer(struct bd *bd, const char *const *pairs) {
    struct json_writer w;
    struct buf out = BUF_INIT;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    for (; *pairs; pairs += 2)
        json_member_str(&w, pairs[0], pairs[1]);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
}

static int run_remember(struct bd *bd, const struct cmd_call *c) {
    const char *text = cmd_arg(c, 0), *key = cmd_str(c, "key"), *old;
    struct err err = ERR_INIT;
    if (!*text_trim(&bd->arena, text))
        return cmd_fail_json_stdout(bd, "memory content cannot be empty");
    if (!*key)
        key = make_key(bd, text);
    if (!*key)
        return cmd_fail_json_stdout(bd,
                                    "could not generate key from content; use --key to specify one");
    if (look_up(bd, key, &old, &err) || store(bd, key, text, &err))
        return cmd_fail_json_stdout(bd, "storing memory: %s", err.msg);
    if (bd->json)
        answer(bd, (const char *const[]){"key", key, "value", text, "action",
                                         old ? "updated" : "remembered", NULL});
    else
        fprintf(bd->out, "%s [%s]: %s\n", old ? "Updated" : "Remembered", key,
                shorten(bd, text, SHOWN));
    return 0;
}

static int run_recall(struct bd *bd, const struct cmd_call *c) {
    const char *key = cmd_arg(c, 0), *value;
    struct json_writer w;
    struct buf out = BUF_INIT;
    struct err err = ERR_INIT;
    if (look_up(bd, key, &value, &err))
        return cmd_fail_json_stdout(bd, "recalling memory: %s", err.msg);
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        json_member_str(&w, "key", key);
        json_member_str(&w, "value", value ? value : "");
        json_member_bool(&w, "found", value != NULL);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
    } else if (value) {
        fprintf(bd->out, "%s\n", value);
    } else {
        fprintf(bd->err, "No memory with key %s\n", cmd_quote(&bd->arena, key));
    }
    return value ? 0 : 1;
}

static int run_forget(struct bd *bd, const struct cmd_call *c) {
    const char *key = cmd_arg(c, 0), *value;
    struct err err = ERR_INIT;
    if (look_up(bd, key, &value, &err))
        return cmd_fail_json_stdout(bd, "forgetting memory: %s", err.msg);
    if (!value) {
        if (bd->json)
            answer(bd, (const char *const[]){"key", key, "found", "false", NULL});
        else
            fprintf(bd->err, "No memory with key %s\n", cmd_quote(&bd->arena, key));
        return 1;
    }
    if (store(bd, key, NULL, &err))
        return cmd_fail_json_stdout(bd, "forgetting memory: %s", err.msg);
    if (bd->json)
        answer(bd, (const char *const[]){"key", key, "deleted", "true", NULL});
    else
        fprintf(bd->out, "Forgot [%s]: %s\n", key, shorten(bd, value, SHOWN));
    return 0;
}

static int run_memories(struct bd *bd, const struct cmd_call *c) {
    const char *words = cmd_arg_count(c) ? cmd_arg(c, 0) : "";
    struct config_row *rows;
    size_t count, found = 0;
    struct err err = ERR_INIT;
    struct json_writer w;
    struct buf out = BUF_INIT;
    if (config_rows(bd, &rows, &count, &err))
        return cmd_fail_json_stdout(bd, "listing memories: %s", err.msg);
    for (size_t i = 0; i < count; i++) {
        if (strncmp(rows[i].key, PREFIX, PREFIX_SIZE) != 0)
            continue;
        struct config_row row = {rows[i].key + PREFIX_SIZE, rows[i].value};
        if (strcasestr(row.key, words) || strcasestr(row.value, words))
            rows[found++] = row;
    }
    if (bd->json) {
        bd_json_begin(bd, &w, &out, true);
        json_object(&w);
        for (size_t i = 0; i < found; i++)
            json_member_str(&w, rows[i].key, rows[i].value);
        json_object_end(&w);
        bd_json_end(bd, &w, &out);
        return 0;
    }
    if (!found && *words)
        fprintf(bd->out, "No memories matching %s\n", cmd_quote(&bd->arena, words));
    else if (!found)
        fprintf(bd->out, "No memories stored. Use 'bd remember \"insight\"' to add one.\n");
    else if (*words)
        fprintf(bd->out, "Memories matching %s:\n\n", cmd_quote(&bd->arena, words));
    else
        fprintf(bd->out, "Memories (%zu):\n\n", found);
    for (size_t i = 0; i < found; i++)
        fprintf(bd->out, "  %s\n    %s\n\n", rows[i].key, shorten(bd, rows[i].value, LISTED));
    return 0;
}

static const struct cmd_flag remember_flags[] = {
    {.name = "key",
     .kind = FLAG_STRING,
     .help = "Key of the memory (else made from its first words); an existing one is replaced"},
    {0},
};

const struct cmd cmd_remember = {
    .name = "remember",
    .use = "remember \"<insight>\"",
    .summary = "Keep a short text for all sessions to come",
    .details = "What is remembered here stands in the output of bd prime, which agents read at the "
               "start of a session.",
    .examples =
        "  bd remember \"run tests with -race\"\n  bd remember \"tokens, not sessions\" --key auth",
    .group = "Setup & Configuration",
    .args_min = 1,
    .args_max = 1,
    .flags = remember_flags,
    .cls = CMD_WRITES,
    .run = run_remember,
};
const struct cmd cmd_memories = {
    .name = "memories",
    .use = "memories [search]",
    .summary = "List what was remembered, all or what contains a text",
    .examples = "  bd memories\n  bd memories auth",
    .group = "Setup & Configuration",
    .args_max = 1,
    .run = run_memories,
};
const struct cmd cmd_recall = {
    .name = "recall",
    .use = "recall <key>",
    .summary = "Print one memory",
    .group = "Setup & Configuration",
    .args_min = 1,
    .args_max = 1,
    .run = run_recall,
};
const struct cmd cmd_forget = {
    .name = "forget",
    .use = "forget <key>",
    .summary = "Remove a memory",
    .group = "Setup & Configuration",
    .args_min = 1,
    .args_max = 1,
    .cls = CMD_WRITES,
    .run = run_forget,
};
