/* unit_main.c and unit_other.c - two units of one program. They are built as C or C++, with the
 * implementation in the one, in the other (UNIT_SWAP), or static in both (UNIT_STATIC). */
#ifdef UNIT_STATIC
#define NW0_STATIC
#endif
#if defined(UNIT_STATIC) || !defined(UNIT_SWAP)
#define NW0_IMPLEMENTATION
#endif
#include "nw0.h"
#include "unit.h"
#include <stdio.h>
#include <string.h>

int main(void) {
    char here[NW0_ADDRESS_SIZE], there[NW0_ADDRESS_SIZE];
    if (nw0_address("127.0.0.1:50123", here) < 0 || unit_other("127.0.0.1:50123", there) < 0)
        return printf("%s\n", nw0_error()), 1;
    nw0_shutdown();
    return strcmp(here, there) == 0 ? 0 : 1;
}
