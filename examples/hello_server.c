/* hello_server: says hello to whoever asks. Start it, then hello_client on any machine nearby.
 *     cc -I. examples/hello_server.c -o hello_server -pthread && ./hello_server */
#define NW0_STATIC /* one file: what is not called is left out */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

int main(void) {
    nw0_service me;
    char name[100], hello[120];
    if (nw0_advertise("hello", NULL, &me) < 0) return fprintf(stderr, "%s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */
    printf("waiting at %s\n", me.address);
    while (nw0_wait_for_message_from(me.address, name, sizeof name, NW0_FOREVER, false) >= 0) {
        printf("%s is here\n", name);
        snprintf(hello, sizeof hello, "Hello, %s!", name);
        if (nw0_send_reply_to(me.address, hello, NW0_TEXT) < 0) puts(nw0_error());
    }
    return fprintf(stderr, "%s\n", nw0_error()), 1;
}
