/*
 * The foreign keys of a root value (DFKC; Dolt: go/serial/foreign_key.fbs).
 */
#ifndef STORE_DB_FOREIGN_KEYS_H
#define STORE_DB_FOREIGN_KEYS_H

#include "store/prolly/node_store.h"

#include <stdbool.h>

enum fk_action { FK_DEFAULT, FK_CASCADE, FK_NO_ACTION, FK_RESTRICT, FK_SET_NULL, FK_SET_DEFAULT };

struct foreign_key {
    const char *name;
    const char *child_table, *child_index;   /* index "": prefix of the primary key */
    const char *parent_table, *parent_index; /* index "": the primary key */
    const uint64_t *child_tags, *parent_tags;
    size_t child_tag_count, parent_tag_count; /* 0 while unresolved */
    const char **child_names, **parent_names; /* column names, kept after resolution */
    size_t child_name_count, parent_name_count;
    uint8_t on_update, on_delete; /* enum fk_action */
    bool not_valid;
    uint8_t match_type;
};

struct foreign_keys {
    struct foreign_key *keys; /* sorted by name; in the arena */
    size_t count;
};

/* A zero address gives no keys. Everything lives in the arena. */
int foreign_keys_read(struct node_store *ns, const struct hash *h, struct arena *a,
                      struct foreign_keys *out, struct err *err);
/* *out is zero for no keys. */
int foreign_keys_write(struct node_store *ns, const struct foreign_keys *fks, struct hash *out,
                       struct err *err);

static inline bool foreign_key_resolved(const struct foreign_key *fk) {
    return fk->child_tag_count > 0;
}
/* All stored attributes but the unresolved names equal. */
bool foreign_key_equal(const struct foreign_key *a, const struct foreign_key *b);

/* Equal in all that is stored. */
bool foreign_key_identical(const struct foreign_key *a, const struct foreign_key *b);

/* A key is named by its table and its name. Adds a copy (replacing one of that name); keeps order. */
void foreign_keys_put(struct foreign_keys *fks, struct arena *a, const struct foreign_key *fk);
bool foreign_keys_remove(struct foreign_keys *fks, const char *child_table, const char *name);
struct foreign_key *foreign_keys_find(const struct foreign_keys *fks, const char *child_table,
                                      const char *name);

#endif
