/*
 * When libcrypto learns what the processor can. By itself it asks as soon as the program starts, in
 * some ten microseconds a question in a virtual machine; a program that reads an issue hashes nothing.
 * So bd/main.c puts the question off where the linker can do that (see the Makefile), and whoever
 * hashes much calls crypto_start first. Without it digests are right, but slower.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

/* Set by main before any thread starts; NULL: libcrypto has asked already. */
extern void (*crypto_start_hook)(void);
/* Costs nothing from the second call on; safe in threads. */
void crypto_start(void);

#endif
