/* Part of the program's start; see start.c. Nobody calls it. */
#ifndef BASE_START_H
#define BASE_START_H

long start_cache_answer(int name);

#endif
