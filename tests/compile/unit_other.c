/* unit_other.c - see unit_main.c */
#ifdef UNIT_STATIC
#define NW0_STATIC
#endif
#if defined(UNIT_STATIC) || defined(UNIT_SWAP)
#define NW0_IMPLEMENTATION
#endif
#include "nw0.h"
#include "unit.h"

int unit_other(const char *address, char canonical[]) {
    return nw0_address(address, canonical);
}
