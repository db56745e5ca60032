/* late.c - the header as the last of many: LATE_IMPLEMENTATION with the implementation. */
#include "every_header.h"
#ifdef LATE_IMPLEMENTATION
#define NW0_IMPLEMENTATION
#endif
#include "nw0.h"

int late(void);
int late(void) {
    return nw0_address("127.0.0.1:1", NULL);
}
