/*
 * The DDL parser: statements. Whatever is a clause of a table goes into arrays in the order written;
 * what MySQL takes and Dolt ignores (ENGINE, USING BTREE, DESC, ALGORITHM, …) is read and dropped.
 */
#include "store/sql/ddl_parse.h"

#include "store/sql/ddl_column.h"
#include "store/sql/expr.h"

#include <stdlib.h>
#include <string.h>

/* A growing list whose items end up in the arena. */
#define PUSH(list, count, capacity, item)                                                              \
    do {                                                                                               \
        MEM_GROW(list, capacity, (count) + 1);                                                         \
        (list)[(count)++] = (item);                                                                    \
    } while (0)

static void *keep(struct parser *p, void *list, size_t count, size_t size) {
    void *out = count ? arena_dup(p->arena, list, count * size) : NULL;
    free(list);
    return out;
}

/* --- indexes --- */

static bool at_index_option(struct parser *p) {
    return parser_at_word(p, "using") || parser_at_word(p, "comment") ||
           parser_at_word(p, "key_block_size") || parser_at_word(p, "visible") ||
           parser_at_word(p, "invisible");
}

static void parse_index_options(struct parser *p, struct ddl_index *x) {
    while (!p->failed && at_index_option(p)) {
        if (parser_accept_word(p, "using")) {
            parser_name(p);
        } else if (parser_accept_word(p, "comment")) {
            x->comment = parser_string(p, NULL);
        } else if (parser_accept_word(p, "key_block_size")) {
            parser_accept_op(p, '=');
            parser_integer(p);
        } else {
            parser_advance(p);
        }
    }
}

static void parse_index_parts(struct parser *p, struct ddl_index *x) {
    struct ddl_index_part *parts = NULL;
    size_t count = 0, capacity = 0;
    parse_index_options(p, x);
    parser_expect_op(p, '(');
    do {
        struct ddl_index_part part = {0};
        if (parser_at_op(p, '(')) {
            parser_fail(p, BD_UNSUPPORTED, "indexes on expressions are not supported");
            break;
        }
        part.column = parser_name(p);
        if (parser_accept_op(p, '(')) {
            part.prefix_length = (unsigned)parser_integer(p);
            parser_expect_op(p, ')');
            if (part.prefix_length == 0 || part.prefix_length > UINT16_MAX)
                parser_fail(p, BD_INVALID, "an index prefix has a length from 1 to 65535");
        }
        if (parser_accept_word(p, "desc"))
            part.descending = true;
        else
            parser_accept_word(p, "asc");
        PUSH(parts, count, capacity, part);
    } while (!p->failed && parser_accept_op(p, ','));
    parser_expect_op(p, ')');
    x->parts = keep(p, parts, count, sizeof *parts);
    x->part_count = count;
    parse_index_options(p, x);
    if (parser_at_word(p, "where"))
        parser_fail(p, BD_UNSUPPORTED, "partial indexes are not supported");
}

static struct ddl_index new_index(void) { return (struct ddl_index){.comment = ""}; }

/* An optional name, then the parts. */
static void parse_index_rest(struct parser *p, struct ddl_index *x) {
    if (!parser_at_op(p, '(') && !parser_at_word(p, "using"))
        x->name = parser_name(p);
    parse_index_parts(p, x);
}

/*
 * [UNIQUE|FULLTEXT|SPATIAL] [KEY|INDEX] …, PRIMARY KEY …; false (nothing taken) for anything else.
 * `name` is a constraint name given before, or NULL.
 */
static bool parse_index_clause(struct parser *p, const char *name, struct ddl_index *x) {
    *x = new_index();
    x->name = name;
    if (parser_at_word(p, "primary") && token_is(parser_peek(p), "key")) {
        parser_accept_words(p, "primary", "key");
        x->primary = true;
        x->name = NULL;
        parse_index_parts(p, x);
        return true;
    }
    if (parser_accept_word(p, "unique"))
        x->unique = true;
    else if (parser_accept_word(p, "fulltext"))
        x->fulltext = true;
    else if (parser_accept_word(p, "spatial"))
        x->spatial = true;
    else if (!parser_at_word(p, "key") && !parser_at_word(p, "index"))
        return false;
    if (!parser_accept_word(p, "key"))
        parser_accept_word(p, "index");
    parse_index_rest(p, x);
    return true;
}

/* --- CREATE TABLE --- */

struct table_lists {
    struct ddl_column *columns;
    size_t column_count, column_capacity;
    struct ddl_index *indexes;
    size_t index_count, index_capacity;
    struct column_extras extras; /* checks and foreign keys, of columns and of the table */
};

static struct ddl_foreign_key parse_foreign_key(struct parser *p, const char *name) {
    struct ddl_foreign_key fk = {.name = name};
    parser_expect_word(p, "key");
    if (!parser_at_op(p, '('))
        fk.index_name = parser_name(p);
    fk.columns = ddl_parse_names(p, &fk.column_count);
    parser_expect_word(p, "references");
    ddl_parse_references(p, &fk);
    return fk;
}

/* CONSTRAINT [name] was read, or one of the words that begin a nameless constraint comes next. */
static void parse_constraint(struct parser *p, const char *name, struct table_lists *t) {
    struct ddl_index index;
    if (parse_index_clause(p, name, &index)) {
        PUSH(t->indexes, t->index_count, t->index_capacity, index);
    } else if (parser_accept_word(p, "foreign")) {
        struct ddl_foreign_key fk = parse_foreign_key(p, name);
        PUSH(t->extras.foreign_keys, t->extras.foreign_key_count, t->extras.foreign_key_capacity, fk);
    } else if (parser_accept_word(p, "check")) {
        struct ddl_check check = ddl_parse_check(p, name);
        PUSH(t->extras.checks, t->extras.check_count, t->extras.check_capacity, check);
    } else {
        parser_fail(p, BD_INVALID, "PRIMARY KEY, UNIQUE, FOREIGN KEY or CHECK expected");
    }
}

static bool at_constraint(const struct parser *p) {
    static const char *const words[] = {"primary",  "unique",  "key",     "index",
                                        "fulltext", "spatial", "foreign", "check"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (parser_at_word(p, words[i]))
            return true;
    return false;
}

static const char *parse_constraint_name(struct parser *p) {
    return at_constraint(p) ? NULL : parser_name(p);
}

static void add_column(struct parser *p, struct table_lists *t) {
    struct ddl_column column;
    ddl_parse_column(p, &column, &t->extras);
    PUSH(t->columns, t->column_count, t->column_capacity, column);
    if (!column.primary_key && !column.unique)
        return;
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 0 ? !column.primary_key : !column.unique)
            continue;
        struct ddl_index_part *part = arena_zalloc(p->arena, sizeof *part);
        struct ddl_index index = new_index();
        part->column = column.name;
        index.parts = part;
        index.part_count = 1;
        index.primary = pass == 0;
        index.unique = pass == 1;
        PUSH(t->indexes, t->index_count, t->index_capacity, index);
    }
}

static void parse_table_element(struct parser *p, struct table_lists *t) {
    if (parser_accept_word(p, "constraint")) {
        const char *name = parse_constraint_name(p);
        parse_constraint(p, name, t);
    } else if (at_constraint(p)) {
        parse_constraint(p, NULL, t);
    } else {
        add_column(p, t);
    }
}

/* One table option; false when the current token begins none. */
static bool parse_table_option(struct parser *p, struct ddl *d) {
    parser_accept_op(p, ',');
    parser_accept_word(p, "default");
    uint16_t collation = ddl_parse_collation(p);
    if (collation) {
        d->collation = collation;
    } else if (parser_accept_word(p, "comment")) {
        parser_accept_op(p, '=');
        d->comment = parser_string(p, NULL);
    } else if (parser_accept_word(p, "auto_increment")) {
        parser_accept_op(p, '=');
        d->auto_increment = parser_integer(p);
    } else if (p->tok.kind == TOK_WORD) { /* ENGINE = InnoDB, ROW_FORMAT = x, … have no effect */
        parser_advance(p);
        parser_accept_op(p, '=');
        if (p->tok.kind != TOK_WORD && p->tok.kind != TOK_STRING && p->tok.kind != TOK_INTEGER)
            parser_fail(p, BD_INVALID, "a table option has a value");
        parser_advance(p);
    } else {
        return false;
    }
    return !p->failed;
}

/* Columns without a collation of their own take the table's. */
static void resolve_collations(struct parser *p, struct ddl *d, struct ddl_column *columns) {
    if (d->collation == 0 || d->collation == COLLATION_UTF8MB4_0900_BIN)
        return;
    for (size_t i = 0; i < d->column_count; i++)
        if (!columns[i].collation_given && sql_type_is_text(&columns[i].type)) {
            columns[i].type.collation = d->collation;
            columns[i].type_text = sql_type_format(&columns[i].type, p->arena);
        }
}

static void parse_create_table(struct parser *p, struct ddl *d) {
    struct table_lists t = {0};
    d->kind = DDL_CREATE_TABLE;
    if (parser_accept_word(p, "if")) {
        parser_expect_word(p, "not");
        parser_expect_word(p, "exists");
        d->if_not_exists = true;
    }
    d->table = parser_qualified_name(p, &d->database);
    bool closed_like = parser_at_op(p, '(') && token_is(parser_peek(p), "like");
    if (closed_like)
        parser_advance(p);
    if (parser_accept_word(p, "like")) {
        d->like = parser_qualified_name(p, NULL);
        if (closed_like)
            parser_expect_op(p, ')');
        return;
    }
    if (!parser_at_op(p, '(')) {
        parser_fail(
            p, parser_at_word(p, "select") || parser_at_word(p, "as") ? BD_UNSUPPORTED : BD_INVALID,
            "a list of columns expected");
        return;
    }
    parser_advance(p);
    do
        parse_table_element(p, &t);
    while (!p->failed && parser_accept_op(p, ','));
    parser_expect_op(p, ')');
    while (!p->failed && parse_table_option(p, d))
        ;
    if (!p->failed && t.column_count == 0)
        parser_fail(p, BD_INVALID, "a table needs at least one column");
    d->columns = keep(p, t.columns, t.column_count, sizeof *t.columns);
    d->column_count = t.column_count;
    d->indexes = keep(p, t.indexes, t.index_count, sizeof *t.indexes);
    d->index_count = t.index_count;
    d->foreign_keys =
        keep(p, t.extras.foreign_keys, t.extras.foreign_key_count, sizeof *d->foreign_keys);
    d->foreign_key_count = t.extras.foreign_key_count;
    d->checks = keep(p, t.extras.checks, t.extras.check_count, sizeof *d->checks);
    d->check_count = t.extras.check_count;
    if (!p->failed)
        resolve_collations(p, d, (struct ddl_column *)(uintptr_t)d->columns);
}

/* --- ALTER TABLE --- */

struct actions {
    struct ddl_action *list;
    size_t count, capacity;
};

static void push_action(struct actions *s, struct ddl_action a) {
    PUSH(s->list, s->count, s->capacity, a);
}

static const void *in_arena(struct parser *p, const void *item, size_t size) {
    return arena_dup(p->arena, item, size);
}

static bool accept_if_exists(struct parser *p) { return parser_accept_words(p, "if", "exists"); }

static bool accept_if_not_exists(struct parser *p) {
    if (!parser_accept_word(p, "if"))
        return false;
    parser_expect_word(p, "not");
    parser_expect_word(p, "exists");
    return true;
}

static void push_lists(struct parser *p, struct actions *s, struct table_lists *t) {
    for (size_t i = 0; i < t->index_count; i++)
        push_action(
            s, (struct ddl_action){.kind = t->indexes[i].primary ? DDL_ADD_PRIMARY_KEY : DDL_ADD_INDEX,
                                   .index = in_arena(p, &t->indexes[i], sizeof *t->indexes)});
    for (size_t i = 0; i < t->extras.foreign_key_count; i++)
        push_action(s, (struct ddl_action){.kind = DDL_ADD_FOREIGN_KEY,
                                           .foreign_key = in_arena(p, &t->extras.foreign_keys[i],
                                                                   sizeof *t->extras.foreign_keys)});
    for (size_t i = 0; i < t->extras.check_count; i++)
        push_action(s, (struct ddl_action){
                           .kind = DDL_ADD_CHECK,
                           .check = in_arena(p, &t->extras.checks[i], sizeof *t->extras.checks)});
    free(t->columns);
    free(t->indexes);
    free(t->extras.foreign_keys);
    free(t->extras.checks);
}

/* One column definition with FIRST or AFTER, as an action; what it declares besides follows it. */
static void push_column(struct parser *p, struct actions *s, struct ddl_action a) {
    struct table_lists t = {0};
    add_column(p, &t);
    a.column = in_arena(p, &t.columns[0], sizeof *t.columns);
    if (a.kind == DDL_MODIFY_COLUMN && !a.name)
        a.name = a.column->name;
    if (parser_accept_word(p, "first"))
        a.first = true;
    else if (parser_accept_word(p, "after"))
        a.after = parser_name(p);
    push_action(s, a);
    push_lists(p, s, &t);
}

static void parse_add(struct parser *p, struct actions *s) {
    struct ddl_action a = {.kind = DDL_ADD_COLUMN};
    if (parser_at_word(p, "constraint") || at_constraint(p)) {
        struct table_lists t = {0};
        parse_table_element(p, &t);
        push_lists(p, s, &t);
        return;
    }
    parser_accept_word(p, "column");
    a.if_not_exists = accept_if_not_exists(p);
    if (!parser_accept_op(p, '(')) {
        push_column(p, s, a);
        return;
    }
    do
        push_column(p, s, a);
    while (!p->failed && parser_accept_op(p, ','));
    parser_expect_op(p, ')');
}

static void parse_drop_action(struct parser *p, struct actions *s) {
    struct ddl_action a = {.kind = DDL_DROP_COLUMN};
    if (parser_accept_words(p, "primary", "key")) {
        a.kind = DDL_DROP_PRIMARY_KEY;
        push_action(s, a);
        return;
    }
    if (parser_accept_words(p, "foreign", "key"))
        a.kind = DDL_DROP_FOREIGN_KEY;
    else if (parser_accept_word(p, "index") || parser_accept_word(p, "key"))
        a.kind = DDL_DROP_INDEX;
    else if (parser_accept_word(p, "constraint"))
        a.kind = DDL_DROP_CONSTRAINT;
    else if (parser_accept_word(p, "check"))
        a.kind = DDL_DROP_CHECK;
    else
        parser_accept_word(p, "column");
    a.if_exists = accept_if_exists(p);
    a.name = parser_name(p);
    push_action(s, a);
}

static void parse_rename_action(struct parser *p, struct actions *s) {
    struct ddl_action a = {.kind = DDL_RENAME_TABLE};
    if (parser_accept_word(p, "column"))
        a.kind = DDL_RENAME_COLUMN;
    else if (parser_accept_word(p, "index") || parser_accept_word(p, "key"))
        a.kind = DDL_RENAME_INDEX;
    if (a.kind != DDL_RENAME_TABLE) {
        a.name = parser_name(p);
        parser_expect_word(p, "to");
        a.new_name = parser_name(p);
    } else {
        if (!parser_accept_word(p, "to"))
            parser_accept_word(p, "as");
        a.new_name = parser_qualified_name(p, NULL);
    }
    push_action(s, a);
}

static void parse_alter_column(struct parser *p, struct actions *s) {
    struct ddl_action a = {.kind = DDL_SET_DEFAULT};
    parser_accept_word(p, "column");
    a.name = parser_name(p);
    if (parser_accept_words(p, "drop", "default")) {
        a.kind = DDL_DROP_DEFAULT;
    } else {
        const struct sql_type unknown = {.base = SQL_UNKNOWN};
        struct ddl_column c = {.name = a.name,
                               .type = unknown,
                               .type_text = "",
                               .comment = "",
                               .on_update = "",
                               .has_default = true};
        parser_expect_word(p, "set");
        parser_expect_word(p, "default");
        c.default_text = ddl_parse_default(p, &unknown);
        a.column = in_arena(p, &c, sizeof c);
    }
    push_action(s, a);
}

static void parse_action(struct parser *p, struct actions *s) {
    struct ddl_action a = {0};
    if (parser_accept_word(p, "add")) {
        parse_add(p, s);
    } else if (parser_accept_word(p, "drop")) {
        parse_drop_action(p, s);
    } else if (parser_accept_word(p, "modify")) {
        parser_accept_word(p, "column");
        a.kind = DDL_MODIFY_COLUMN;
        push_column(p, s, a);
    } else if (parser_accept_word(p, "change")) {
        parser_accept_word(p, "column");
        a.kind = DDL_MODIFY_COLUMN;
        a.name = parser_name(p);
        push_column(p, s, a);
    } else if (parser_accept_word(p, "rename")) {
        parse_rename_action(p, s);
    } else if (parser_accept_word(p, "alter")) {
        parse_alter_column(p, s);
    } else {
        struct ddl option = {.comment = NULL};
        if (!parse_table_option(p, &option)) {
            parser_fail(p, BD_INVALID,
                        "ADD, DROP, MODIFY, CHANGE, RENAME, ALTER or a table option expected");
            return;
        }
        if (option.collation)
            push_action(s,
                        (struct ddl_action){.kind = DDL_SET_COLLATION, .collation = option.collation});
        if (option.auto_increment)
            push_action(s, (struct ddl_action){.kind = DDL_SET_AUTO_INCREMENT,
                                               .auto_increment = option.auto_increment});
        if (option.comment)
            push_action(s, (struct ddl_action){.kind = DDL_SET_COMMENT, .new_name = option.comment});
    }
}

static void finish_actions(struct parser *p, struct ddl *d, struct actions *s) {
    d->kind = DDL_ALTER_TABLE;
    d->actions = keep(p, s->list, s->count, sizeof *s->list);
    d->action_count = s->count;
}

static void parse_alter_table(struct parser *p, struct ddl *d) {
    struct actions s = {0};
    d->table = parser_qualified_name(p, &d->database);
    do
        parse_action(p, &s);
    while (!p->failed && parser_accept_op(p, ','));
    finish_actions(p, d, &s);
}

/* --- the rest --- */

/* CREATE [UNIQUE|…] was read, INDEX comes next. */
static void parse_create_index(struct parser *p, struct ddl *d, struct ddl_index x) {
    struct actions s = {0};
    struct ddl_action a = {.kind = DDL_ADD_INDEX};
    parser_expect_word(p, "index");
    a.if_not_exists = accept_if_not_exists(p);
    x.name = parser_name(p);
    if (parser_accept_word(p, "using"))
        parser_name(p);
    parser_expect_word(p, "on");
    d->table = parser_qualified_name(p, &d->database);
    parse_index_parts(p, &x);
    a.index = in_arena(p, &x, sizeof x);
    push_action(&s, a);
    finish_actions(p, d, &s);
}

/* The statement from CREATE up to its semicolon, kept as it was written. */
static void parse_create_view(struct parser *p, struct ddl *d, const char *start) {
    d->kind = DDL_CREATE_VIEW;
    d->table = parser_qualified_name(p, &d->database);
    if (parser_at_op(p, '(')) {
        size_t ignored;
        ddl_parse_names(p, &ignored);
    }
    parser_expect_word(p, "as");
    const char *select = p->tok.start, *end = select;
    if (p->tok.kind == TOK_END)
        parser_fail(p, BD_INVALID, "a SELECT expected");
    while (!p->failed && p->tok.kind != TOK_END && !parser_at_op(p, ';')) {
        end = p->tok.start + p->tok.size;
        parser_advance(p);
    }
    if (p->failed)
        return;
    d->text = arena_strndup(p->arena, start, (size_t)(end - start));
    d->select_text = arena_strndup(p->arena, select, (size_t)(end - select));
}

static void parse_create(struct parser *p, struct ddl *d, const char *start) {
    struct ddl_index index = new_index();
    if (parser_accept_words(p, "or", "replace"))
        d->or_replace = true;
    if (parser_accept_word(p, "temporary"))
        d->temporary = true;
    if (parser_accept_word(p, "table")) {
        parse_create_table(p, d);
        return;
    }
    if (parser_at_word(p, "index")) {
        parse_create_index(p, d, index);
        return;
    }
    index.unique = parser_accept_word(p, "unique");
    index.fulltext = !index.unique && parser_accept_word(p, "fulltext");
    index.spatial = !index.unique && !index.fulltext && parser_accept_word(p, "spatial");
    if (index.unique || index.fulltext || index.spatial) {
        parse_create_index(p, d, index);
        return;
    }
    while (!p->failed && !parser_at_word(p, "view")) { /* ALGORITHM = x DEFINER = x SQL SECURITY x */
        if (parser_accept_word(p, "algorithm")) {
            parser_expect_op(p, '=');
            parser_name(p);
        } else if (parser_accept_word(p, "definer")) {
            parser_expect_op(p, '=');
            while (p->tok.kind == TOK_WORD || p->tok.kind == TOK_QUOTED || p->tok.kind == TOK_STRING ||
                   p->tok.kind == TOK_VARIABLE || parser_at_op(p, '%')) {
                if (parser_at_word(p, "sql") || parser_at_word(p, "view"))
                    break;
                parser_advance(p);
            }
        } else if (parser_accept_words(p, "sql", "security")) {
            parser_name(p);
        } else {
            parser_fail(p, BD_UNSUPPORTED, "CREATE TABLE, INDEX or VIEW is what this parser knows");
        }
    }
    if (parser_accept_word(p, "view"))
        parse_create_view(p, d, start);
}

static void parse_drop(struct parser *p, struct ddl *d) {
    const char **names = NULL;
    size_t count = 0, capacity = 0;
    parser_accept_word(p, "temporary");
    if (parser_accept_word(p, "index")) {
        struct actions s = {0};
        struct ddl_action a = {.kind = DDL_DROP_INDEX};
        a.if_exists = accept_if_exists(p);
        a.name = parser_name(p);
        parser_expect_word(p, "on");
        d->table = parser_qualified_name(p, &d->database);
        push_action(&s, a);
        finish_actions(p, d, &s);
        return;
    }
    if (parser_accept_word(p, "table")) {
        d->kind = DDL_DROP_TABLE;
    } else if (parser_accept_word(p, "view")) {
        d->kind = DDL_DROP_VIEW;
    } else {
        parser_fail(p, BD_UNSUPPORTED, "DROP TABLE, INDEX or VIEW is what this parser knows");
        return;
    }
    d->if_exists = accept_if_exists(p);
    do {
        const char *name = parser_qualified_name(p, &d->database);
        PUSH(names, count, capacity, name);
    } while (!p->failed && parser_accept_op(p, ','));
    if (!parser_accept_word(p, "cascade"))
        parser_accept_word(p, "restrict");
    d->table = count ? names[0] : "";
    d->names = keep(p, names, count, sizeof *names);
    d->name_count = count;
}

struct statements {
    struct ddl *list;
    size_t count, capacity;
};

static struct ddl new_statement(void) { return (struct ddl){.table = "", .comment = ""}; }

static void parse_rename(struct parser *p, struct statements *out) {
    parser_expect_word(p, "table");
    do {
        struct ddl d = new_statement();
        struct actions s = {0};
        struct ddl_action a = {.kind = DDL_RENAME_TABLE};
        d.table = parser_qualified_name(p, &d.database);
        parser_expect_word(p, "to");
        a.new_name = parser_qualified_name(p, NULL);
        push_action(&s, a);
        finish_actions(p, &d, &s);
        PUSH(out->list, out->count, out->capacity, d);
    } while (!p->failed && parser_accept_op(p, ','));
}

static void parse_statement(struct parser *p, struct statements *out) {
    const char *start = p->tok.start;
    struct ddl d = new_statement();
    if (parser_accept_word(p, "rename")) {
        parse_rename(p, out);
        return;
    }
    if (parser_accept_word(p, "create")) {
        parse_create(p, &d, start);
    } else if (parser_accept_word(p, "alter")) {
        parser_expect_word(p, "table");
        parse_alter_table(p, &d);
    } else if (parser_accept_word(p, "drop")) {
        parse_drop(p, &d);
    } else if (parser_accept_word(p, "truncate")) {
        parser_accept_word(p, "table");
        d.kind = DDL_TRUNCATE;
        d.table = parser_qualified_name(p, &d.database);
    } else {
        parser_fail(p, p->tok.kind == TOK_WORD ? BD_UNSUPPORTED : BD_INVALID,
                    "CREATE, ALTER, DROP, RENAME or TRUNCATE expected");
        return;
    }
    PUSH(out->list, out->count, out->capacity, d);
}

int sql_ddl_parse(const char *text, size_t size, struct arena *a, struct ddl **out, size_t *count,
                  struct err *err) {
    struct parser p;
    struct statements s = {0};
    struct err ignored;
    parser_init(&p, text, size, a, err ? err : &ignored);
    *out = NULL;
    *count = 0;
    while (!p.failed && p.tok.kind != TOK_END) {
        if (parser_accept_op(&p, ';'))
            continue;
        parse_statement(&p, &s);
        if (!p.failed && p.tok.kind != TOK_END && !parser_at_op(&p, ';'))
            parser_fail(&p, BD_INVALID, "the statement should end here");
    }
    if (p.failed) {
        free(s.list);
        return p.failed;
    }
    *count = s.count;
    *out = keep(&p, s.list, s.count, sizeof *s.list);
    return BD_OK;
}
