/* implementation.c - the one file with the implementation, in which the header comes first, twice. */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include "nw0.h"
#undef NW0_IMPLEMENTATION
#include "nw0.h"

/* what was included before must still include, and mean the same, after it */
#include "every_header.h"
