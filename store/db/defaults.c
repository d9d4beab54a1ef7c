/*
 * Values that schemas compute: defaults, ON UPDATE, generated columns. Parsed expressions are kept for
 * the transaction.
 */
#include "store/db/expr.h"
#include "store/db/row_write.h"

#include <string.h>

static struct expr_scope scope_of(struct embedded_txn *x, const struct schema *s,
                                  const struct cell *row) {
    return (struct expr_scope){.schema = s, .row = row, .now_utc = x->now_utc, .a = &x->arena};
}

static int evaluate(struct embedded_txn *x, const char *text, const struct schema *s,
                    const struct cell *row, struct cell *out, struct err *err) {
    const struct expr *e = strmap_get(&x->expressions, text);
    if (!e) {
        int rc = expr_parse(text, &x->arena, &e, err);
        if (rc)
            return rc;
        strmap_put(&x->expressions, text, (void *)e);
    }
    struct expr_scope scope = scope_of(x, s, row);
    return expr_eval(e, &scope, out, err);
}

int default_value(struct embedded_txn *x, const char *text, struct cell *out, struct err *err) {
    return evaluate(x, text, NULL, NULL, out, err);
}

int default_in_row(struct embedded_txn *x, const struct schema *s, const char *text,
                   const struct cell *row, struct cell *out, struct err *err) {
    return evaluate(x, text, s, row, out, err);
}

int generated_value(struct embedded_txn *x, const struct schema *s, size_t column,
                    const struct cell *row, struct cell *out, struct err *err) {
    return evaluate(x, s->columns[column].default_text, s, row, out, err);
}

struct mention {
    const struct schema *s;
    const bool *set;
    bool any;
};

static void note_column(void *ctx, const char *column) {
    struct mention *m = ctx;
    int c = schema_column(m->s, column);
    if (c >= 0 && m->set[c])
        m->any = true;
}

int check_holds(struct embedded_txn *x, const struct schema *s, const struct check *c,
                const struct cell *row, bool *holds, struct err *err) {
    struct cell truth;
    int rc = evaluate(x, c->expression, s, row, &truth, err);
    *holds = rc == BD_OK && cell_truth(&truth) != 0;
    return rc;
}

int checks_run(struct embedded_txn *x, struct table *t, const struct cell *cells, const bool *set,
               struct err *err) {
    const struct schema *s = &t->ts->schema;
    for (size_t i = 0; i < s->check_count; i++) {
        const struct check *c = &s->checks[i];
        if (!c->enforced)
            continue;
        struct cell truth;
        const struct expr *e = strmap_get(&x->expressions, c->expression);
        if (e && set) {
            struct mention m = {s, set, false};
            expr_columns(e, note_column, &m);
            if (!m.any)
                continue;
        }
        int rc = evaluate(x, c->expression, s, cells, &truth, err);
        if (rc)
            return err_prefix(err, "check %s of table %s", c->name, t->name);
        if (cell_truth(&truth) == 0)
            return err_set(err, BD_CONSTRAINT, "Check constraint \"%s\" violated", c->name);
    }
    return BD_OK;
}
