/* message_answer: shows each question that comes, and sends back what you type as the answer.
 * Ctrl-D ends it. See message_ask.
 *     cc -I. examples/message_answer.c -o message_answer -pthread && ./message_answer */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>
#include <string.h>

int main(void) {
    nw0_service me;
    char question[1000], answer[1000];
    if (nw0_advertise("answers", NULL, &me) < 0)
        return fprintf(stderr, "message_answer: %s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */
    printf("waiting for questions at %s\n", me.address);

    for (;;) {
        if (nw0_wait_for_message_from(me.address, question, sizeof question, NW0_FOREVER, false) <
            0)
            return fprintf(stderr, "message_answer: %s\n", nw0_error()), 1;
        printf("%s\n", question);
        if (!fgets(answer, sizeof answer, stdin)) return 0;
        answer[strcspn(answer, "\n")] = '\0';
        if (nw0_send_reply_to(me.address, answer, NW0_TEXT) < 0)
            fprintf(stderr, "message_answer: %s\n", nw0_error()); /* did not want to wait */
    }
}
