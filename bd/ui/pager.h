/*
 * Long text through a pager when stdout is a terminal that it does not fit on; printed as it is
 * otherwise.
 */
#ifndef BD_UI_PAGER_H
#define BD_UI_PAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* BD_PAGER, PAGER, else less (with LESS=-RFX unless set); never with BD_NO_PAGER or `no_pager`. */
void pager_print(FILE *out, const char *text, size_t size, bool no_pager);

#endif
