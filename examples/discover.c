/* discover NAME [SECONDS]: says where a service is; waits for it up to 60 seconds, or as many as
 * you say. Start it before advertise or after: the order does not matter.
 *     cc -I. examples/discover.c -o discover -pthread
 *     ./discover printer
 *     ./discover printer 0.5 */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    nw0_service service;
    if (argc < 2) return fprintf(stderr, "usage: discover NAME [SECONDS]\n"), 2;
    if (nw0_discover(argv[1], argc > 2 ? atof(argv[2]) : 60, &service) < 0)
        return fprintf(stderr, "discover: %s\n", nw0_error()), 1;
    printf("%s is at %s\n", service.name, service.address);
    return 0;
}
