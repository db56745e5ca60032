/* allocator.c - an allocator of one's own. ALLOCATOR is which of the three are given, as bits:
 * 1 NW0_MALLOC, 2 NW0_REALLOC, 4 NW0_FREE. Only 7, all of them, may compile. It runs, counting:
 * everything that was allocated is freed by nw0_shutdown(). */
#include <stddef.h>
#ifdef __cplusplus
extern "C" {
#endif
void *mine_malloc(size_t size);
void *mine_realloc(void *old, size_t size);
void mine_free(void *old);
#ifdef __cplusplus
}
#endif
#if ALLOCATOR & 1
#define NW0_MALLOC(size) mine_malloc(size)
#endif
#if ALLOCATOR & 2
#define NW0_REALLOC(old, size) mine_realloc(old, size)
#endif
#if ALLOCATOR & 4
#define NW0_FREE(old) mine_free(old)
#endif
#define NW0_IMPLEMENTATION
#include "nw0.h"
