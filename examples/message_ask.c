/* message_ask QUESTION: sends a question to whoever runs message_answer, and waits for the answer.
 * People need time to answer: the question is sent once, and the wait for its answer goes on.
 *     cc -I. examples/message_ask.c -o message_ask -pthread
 *     ./message_ask 'What time is it?' */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <errno.h>
#include <stdio.h>

int main(int argc, char **argv) {
    nw0_service other;
    char answer[1000];
    if (argc != 2) return fprintf(stderr, "usage: message_ask QUESTION\n"), 2;
    if (nw0_discover("answers", 10, &other) < 0)
        return fprintf(stderr, "message_ask: %s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */

    ssize_t size =
        nw0_send_message_to(other.address, argv[1], NW0_TEXT, answer, sizeof answer, 0.5);
    while (size < 0 && errno == ETIMEDOUT) {
        printf("no answer yet\n");
        size = nw0_wait_for_reply_from(other.address, answer, sizeof answer, 5);
    }
    if (size < 0) return fprintf(stderr, "message_ask: %s\n", nw0_error()), 1;
    printf("the answer: %s\n", answer);
    return 0;
}
