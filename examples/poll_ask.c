/* poll_ask: asks poll_primes how far it is.
 *     cc -I. examples/poll_ask.c -o poll_ask -pthread && ./poll_ask */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

int main(void) {
    nw0_service primes;
    char answer[100];
    if (nw0_discover("primes", 10, &primes) < 0 ||
        nw0_send_message_to(primes.address, "how far?", NW0_TEXT, answer, sizeof answer, 5) < 0)
        return fprintf(stderr, "poll_ask: %s\n", nw0_error()), 1;
    printf("%s\n", answer);
    return 0;
}
