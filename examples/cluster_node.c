/* cluster_node NAME [--delay S] [--fail]: a worker. It waits for commands at an address of its own,
 * answers each, and ends when it is told to stop. See cluster_master, which gives the commands.
 *     --delay S   starts to work only after S seconds
 *     --fail      breaks down after its first command, without a word, as a crash would
 *     cc -I. examples/cluster_node.c -o cluster_node -pthread && ./cluster_node B */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    bool fail = false, usage = argc < 2 || argv[1][0] == '-';
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "--fail") == 0) fail = true;
        else if (strcmp(argv[i], "--delay") == 0 && i + 1 < argc) sleep((unsigned)atoi(argv[++i]));
        else usage = true;
    }
    if (usage) return fprintf(stderr, "usage: cluster_node NAME [--delay S] [--fail]\n"), 2;

    char name[NW0_NAME_SIZE], command[100], reply[100];
    nw0_service me;
    snprintf(name, sizeof name, "cluster/%s", argv[1]);
    if (nw0_advertise(name, NULL, &me) < 0)
        return fprintf(stderr, "cluster_node: %s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */
    printf("%s is ready at %s\n", argv[1], me.address);

    do {
        if (nw0_wait_for_message_from(me.address, command, sizeof command, NW0_FOREVER, false) < 0)
            return fprintf(stderr, "cluster_node: %s\n", nw0_error()), 1;
        printf("%s was told: %s\n", argv[1], command);
        snprintf(reply, sizeof reply, "%.30s: done", command);
        if (nw0_send_reply_to(me.address, reply, NW0_TEXT) < 0)
            fprintf(stderr, "cluster_node: %s\n", nw0_error()); /* the asker has gone: carry on */
        if (fail) raise(SIGKILL);
    } while (strcmp(command, "stop") != 0);
    printf("%s stops\n", argv[1]);
    return 0;
}
