/* memory.h - what the library has of memory, now and at most: it gets it from these three alone.
 * To be included before nw0.h, with NW0_IMPLEMENTATION.
 */
#ifndef TESTS_MEMORY_H
#define TESTS_MEMORY_H
#include <stdlib.h>
#include <string.h>

static size_t memory_now, memory_peak; /* in bytes */
static int live_allocations;           /* how many there are; read it while the library rests */

#define MEMORY_HEAD 16 /* the size of a block stands in front of it */

static inline void memory_changes(size_t more, size_t less) {
    size_t now = __atomic_add_fetch(&memory_now, more - less, __ATOMIC_SEQ_CST);
    size_t peak = __atomic_load_n(&memory_peak, __ATOMIC_SEQ_CST);
    while (now > peak && !__atomic_compare_exchange_n(&memory_peak, &peak, now, 0, __ATOMIC_SEQ_CST,
                                                      __ATOMIC_SEQ_CST))
        continue;
}

static inline void *counted_realloc(void *old, size_t size) {
    char *block = old == NULL ? NULL : (char *)old - MEMORY_HEAD;
    size_t before = 0;
    if (block != NULL) memcpy(&before, block, sizeof before);
    block = realloc(block, size + MEMORY_HEAD);
    if (block == NULL) return NULL;
    if (old == NULL) __atomic_add_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
    memcpy(block, &size, sizeof size);
    memory_changes(size, before);
    return block + MEMORY_HEAD;
}

static inline void *counted_malloc(size_t size) {
    return counted_realloc(NULL, size);
}

static inline void counted_free(void *old) {
    size_t size;
    if (old == NULL) return;
    memcpy(&size, (char *)old - MEMORY_HEAD, sizeof size);
    memory_changes(0, size);
    __atomic_sub_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
    free((char *)old - MEMORY_HEAD);
}

#define NW0_MALLOC counted_malloc
#define NW0_REALLOC counted_realloc
#define NW0_FREE counted_free
#endif
