/* command_send COMMAND...: sends commands to command_robot, one after the other. It wants to know
 * nothing back, so it has no buffer for an answer: NULL, 0.
 *     cc -I. examples/command_send.c -o command_send -pthread
 *     ./command_send 'forward 10' 'say "good morning"' stop */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

int main(int argc, char **argv) {
    nw0_service robot;
    if (argc < 2) return fprintf(stderr, "usage: command_send COMMAND...\n"), 2;
    if (nw0_discover("robot", 10, &robot) < 0)
        return fprintf(stderr, "command_send: %s\n", nw0_error()), 1;
    for (int i = 1; i < argc; i++)
        if (nw0_send_message_to(robot.address, argv[i], NW0_TEXT, NULL, 0, 5) < 0)
            return fprintf(stderr, "command_send: %s\n", nw0_error()), 1;
    return 0;
}
