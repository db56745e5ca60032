/* edge.h - memory that ends at a guard page: one byte too far crashes. */
#ifndef TESTS_EDGE_H
#define TESTS_EDGE_H
#include "check.h"
#include <sys/mman.h>

#if !defined(MAP_ANONYMOUS) && defined(MAP_ANON)
#define MAP_ANONYMOUS MAP_ANON
#endif
#define EDGE_SIZE 8192

/* room for so many bytes, at most EDGE_SIZE, and not one more; it is the same room in every call */
static inline char *edge(size_t size) {
    static char *guard; /* the first byte that must not be touched */
    if (guard == NULL) {
        size_t page = (size_t)sysconf(_SC_PAGESIZE), room = (EDGE_SIZE + page - 1) / page * page;
        int kind = MAP_PRIVATE | MAP_ANONYMOUS;
        char *memory = mmap(NULL, room + page, PROT_READ | PROT_WRITE, kind, -1, 0);
        if (memory == MAP_FAILED || mprotect(memory + room, page, PROT_NONE) < 0) abort();
        guard = memory + room;
    }
    return guard - size;
}

/* a copy of n bytes that ends where the memory does */
static inline char *at_the_edge(const void *bytes, size_t n) {
    return memcpy(edge(n), bytes, n);
}

/* the text, its NUL being the last byte that may be read */
static inline char *text_at_edge(const char *text) {
    return at_the_edge(text, strlen(text) + 1);
}
#endif
