/* command_robot: obeys commands that need no answer. Each gets an empty one by itself, so that the
 * sender can go on at once. The commands are forward STEPS, say WORDS and stop. See command_send.
 *     cc -I. examples/command_robot.c -o command_robot -pthread && ./command_robot */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    nw0_service me;
    char command[200], *words[2];
    int place = 0;
    if (nw0_advertise("robot", NULL, &me) < 0)
        return fprintf(stderr, "command_robot: %s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */
    printf("ready at %s\n", me.address);

    /* true at the end: answer by yourself */
    while (nw0_wait_for_message_from(me.address, command, sizeof command, NW0_FOREVER, true) >= 0) {
        int count = nw0_action_and_params(command, words, 2); /* like a shell: say "good morning" */
        if (count == 2 && strcmp(words[0], "forward") == 0) {
            place += atoi(words[1]);
            printf("I am at %d\n", place);
        } else if (count == 2 && strcmp(words[0], "say") == 0) {
            printf("I say: %s\n", words[1]);
        } else if (count == 1 && strcmp(words[0], "stop") == 0) {
            printf("I stop\n");
            return 0;
        } else {
            printf("I do not know how to do that\n");
        }
    }
    return fprintf(stderr, "command_robot: %s\n", nw0_error()), 1;
}
