/* chat_join NAME [SEPARATOR]: joins the group "chat" as chat/NAME, until Ctrl-C. chat_who lists the
 * group. Shows a name that only one program may have, and how to leave so that all know it at once.
 *     cc -I. examples/chat_join.c -o chat_join -pthread
 *     ./chat_join alice         on one machine
 *     ./chat_join bob           on another
 *     ./chat_join doug :        as chat:doug, which is another group */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <signal.h>
#include <stdio.h>

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "usage: chat_join NAME [SEPARATOR]\n"), 2;
    const char *separator = argc > 2 ? argv[2] : "/";
    char name[NW0_NAME_SIZE];
    nw0_service me;
    snprintf(name, sizeof name, "chat%s%s", separator, argv[1]);

    /* Ctrl-C and kill are kept for sigwait() below, instead of ending the program where it stands */
    sigset_t ends;
    int number;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigprocmask(SIG_BLOCK, &ends, NULL);

    if (nw0_advertise_ex(name, NULL, true, 20, &me) < 0) /* true: fail if somebody has this name */
        return fprintf(stderr, "chat_join: %s\n", nw0_error()), 1;
    printf("%s is at %s\n", me.name, me.address);
    fflush(stdout);
    sigwait(&ends, &number);
    return 0; /* the library says goodbye to the others when a program ends by itself */
}
