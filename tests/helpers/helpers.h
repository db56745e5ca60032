/* helpers.h - what the tests of the helpers share. */
#ifndef TESTS_HELPERS_H
#define TESTS_HELPERS_H
#include "edge.h"

/* a sequence that is the same in every run */
static inline unsigned dice(unsigned sides) {
    static unsigned state = 1;
    state = state * 1103515245u + 12345u;
    return (state >> 16) % sides;
}
#endif
