/* advertise NAME [ADDRESS]: makes a service known to the network, until Enter is pressed. The
 * address may say as much as you like, and the library adds the rest:
 *     cc -I. examples/advertise.c -o advertise -pthread
 *     ./advertise printer                     the machine's best address, and a free port
 *     ./advertise printer 192.168.1.5         this address, and a free port
 *     ./advertise printer 9100                the best address, and this port
 *     ./advertise printer 192.168.1.5:9100    just this
 *     ./advertise printer '192.168.*'         the network that looks like this, and a free port
 * discover and discover_all find it, on any machine nearby. */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

int main(int argc, char **argv) {
    nw0_service me;
    if (argc < 2) return fprintf(stderr, "usage: advertise NAME [ADDRESS]\n"), 2;
    if (nw0_advertise(argv[1], argc > 2 ? argv[2] : NULL, &me) < 0)
        return fprintf(stderr, "advertise: %s\n", nw0_error()), 1;
    printf("%s is at %s until you press Enter\n", me.name, me.address);
    fflush(stdout);
    getchar();
    return 0; /* the others hear a goodbye now */
}
