/* movement_watch: says where something moves. It listens to all the movement_sensor programs that
 * run when it starts, with one call that waits for whichever has news first.
 *     cc -I. examples/movement_watch.c -o movement_watch -pthread && ./movement_watch */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

enum { CAPACITY = 100 };

int main(void) {
    const char *const topics[] = {"movement", NULL}; /* both lists end with NULL */
    const char *addresses[CAPACITY + 1];
    nw0_service sensors[CAPACITY];
    char room[100];

    int count = nw0_discover_group("movement", NULL, NULL, sensors, CAPACITY);
    if (count < 0) return fprintf(stderr, "movement_watch: %s\n", nw0_error()), 1;
    if (count == 0) return fprintf(stderr, "movement_watch: start a movement_sensor first\n"), 1;
    if (count > CAPACITY) count = CAPACITY;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */
    for (int i = 0; i < count; i++) {
        addresses[i] = sensors[i].address;
        printf("watching %s\n", sensors[i].name);
    }
    addresses[count] = NULL;

    while (nw0_wait_for_news_from_any(addresses, topics, NULL, room, sizeof room, NW0_FOREVER) >= 0)
        printf("movement in the %s\n", room);
    return fprintf(stderr, "movement_watch: %s\n", nw0_error()), 1;
}
