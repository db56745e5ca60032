/* discover_all: lists every service on the network. Waits up to five seconds for the first one.
 *     cc -I. examples/discover_all.c -o discover_all -pthread && ./discover_all */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

enum { CAPACITY = 100 };

int main(void) {
    nw0_service services[CAPACITY];
    int count = nw0_discover_all(5, services, CAPACITY);
    if (count < 0) return fprintf(stderr, "discover_all: %s\n", nw0_error()), 1;

    for (int i = 0; i < count && i < CAPACITY; i++)
        printf("%s is at %s\n", services[i].name, services[i].address);
    if (count == 0) printf("there is no service\n");
    if (count > CAPACITY) printf("... and %d more\n", count - CAPACITY);
    return 0;
}
