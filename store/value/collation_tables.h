/* Constant tables behind collation.c. */
#ifndef STORE_VALUE_COLLATION_TABLES_H
#define STORE_VALUE_COLLATION_TABLES_H

#include <stddef.h>
#include <stdint.h>

struct collation_name {
    uint16_t id;
    const char *name;
};
extern const struct collation_name collation_names[];
extern const size_t collation_name_count;

struct charset_name {
    const char *name;
    uint16_t default_collation, binary_collation;
};
extern const struct charset_name charset_names[];
extern const size_t charset_name_count;

#define COLLATION_RANKS_LOW 0x530 /* U+0000 … U+052F, then U+2000 … U+206F */
#define COLLATION_RANKS (COLLATION_RANKS_LOW + 0x70)
extern const uint16_t collation_ranks_ai_ci[COLLATION_RANKS];
extern const uint16_t collation_ranks_as_ci[COLLATION_RANKS];
extern const uint16_t collation_ranks_as_cs[COLLATION_RANKS];
extern const uint16_t collation_ranks_general_ci[COLLATION_RANKS];
extern const uint16_t collation_ranks_unicode_ci[COLLATION_RANKS];
extern const uint16_t collation_ranks_latin1_swedish[COLLATION_RANKS];

#endif
