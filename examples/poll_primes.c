/* poll_primes: counts prime numbers, and between two of its steps looks whether somebody asks how
 * far it is. A wait of 0 seconds looks once and returns. See poll_ask.
 *     cc -I. examples/poll_primes.c -o poll_primes -pthread && ./poll_primes */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static bool is_prime(unsigned number) {
    for (unsigned i = 2; i <= number / i; i++)
        if (number % i == 0) return false;
    return number > 1;
}

int main(void) {
    nw0_service me;
    char question[100], answer[100];
    unsigned number = 0, found = 0;
    if (nw0_advertise("primes", NULL, &me) < 0)
        return fprintf(stderr, "poll_primes: %s\n", nw0_error()), 1;

    for (;;) {
        /* a step of the work: another hundred numbers, and a nap, to be kind to the machine */
        for (int i = 0; i < 100; i++) found += is_prime(++number);
        usleep(1000);

        if (nw0_wait_for_message_from(me.address, question, sizeof question, 0, false) >= 0) {
            snprintf(answer, sizeof answer, "%u primes up to %u", found, number);
            if (nw0_send_reply_to(me.address, answer, NW0_TEXT) < 0)
                fprintf(stderr, "poll_primes: %s\n", nw0_error());
        } else if (errno != ETIMEDOUT) { /* that one says: nobody has asked */
            return fprintf(stderr, "poll_primes: %s\n", nw0_error()), 1;
        }
    }
}
