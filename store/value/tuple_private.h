/* Shared by tuple.c and tuple_codec.c only. */
#ifndef STORE_VALUE_TUPLE_PRIVATE_H
#define STORE_VALUE_TUPLE_PRIVATE_H

#include "store/value/schema.h"

#include <stddef.h>

/* Width of a fixed-width encoding, else 0. */
size_t tuple_fixed_size(enum encoding e);

#endif
