/* movement_sensor ROOM: tells who watches when something moves in a room. There is no sensor here:
 * press Enter instead; Ctrl-D ends it. See movement_watch.
 *     cc -I. examples/movement_sensor.c -o movement_sensor -pthread
 *     ./movement_sensor kitchen      and another for each other room, on any machine */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

int main(int argc, char **argv) {
    char name[NW0_NAME_SIZE];
    nw0_service me;
    int key;
    if (argc != 2) return fprintf(stderr, "usage: movement_sensor ROOM\n"), 2;
    snprintf(name, sizeof name, "movement/%s", argv[1]);
    if (nw0_advertise(name, NULL, &me) < 0)
        return fprintf(stderr, "movement_sensor: %s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */

    printf("%s is at %s, and waits until somebody watches\n", me.name, me.address);
    if (nw0_wait_for_subscribers(me.address, 1, NW0_FOREVER) < 0)
        return fprintf(stderr, "movement_sensor: %s\n", nw0_error()), 1;
    printf("somebody watches: Enter is a movement\n");
    while ((key = getchar()) != EOF)
        if (key == '\n' && nw0_send_news_to(me.address, "movement", argv[1], NW0_TEXT) < 0)
            fprintf(stderr, "movement_sensor: %s\n", nw0_error());
    return 0;
}
