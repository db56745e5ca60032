/* hello_client [NAME]: finds hello_server by its name, wherever it runs, and prints its answer.
 *     cc -I. examples/hello_client.c -o hello_client -pthread && ./hello_client Ada */
#define NW0_STATIC /* one file: what is not called is left out */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "world";
    nw0_service server;
    char hello[120];
    if (nw0_discover("hello", 5, &server) < 0 ||
        nw0_send_message_to(server.address, name, NW0_TEXT, hello, sizeof hello, 5) < 0)
        return fprintf(stderr, "%s\n", nw0_error()), 1;
    printf("%s\n", hello);
    return 0;
}
