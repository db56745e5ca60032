/* cluster_master: gives commands to the cluster_node programs, whose number changes meanwhile.
 * Start these, on four machines or on one:
 *     ./cluster_node A --fail        breaks down after its first command
 *     ./cluster_node B
 *     ./cluster_node C --delay 8     comes late
 *     ./cluster_master
 *     cc -I. examples/cluster_master.c -o cluster_master -pthread */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CAPACITY = 100 };

static const char *short_name(const nw0_service *node) {
    return node->name + strlen("cluster/");
}

/* tells a node to do something, and prints what it answers; 1 if it does not answer */
static int tell(const nw0_service *node, const char *command) {
    char reply[100];
    if (nw0_send_message_to(node->address, command, NW0_TEXT, reply, sizeof reply, 5) < 0)
        return fprintf(stderr, "cluster_master: %s\n", nw0_error()), 1;
    printf("%s answers: %s\n", short_name(node), reply);
    return 0;
}

int main(void) {
    const char *const myself[] = {"cluster/master", NULL};
    nw0_service nodes[CAPACITY], a, changed;
    int change, failures = 0;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */

    /* the master is in the group too; A and B must be there before it begins */
    if (nw0_advertise(myself[0], NULL, NULL) < 0 || nw0_discover("cluster/A", 60, &a) < 0 ||
        nw0_discover("cluster/B", 60, NULL) < 0)
        return fprintf(stderr, "cluster_master: %s\n", nw0_error()), 1;
    int count = nw0_discover_group("cluster", NULL, myself, nodes, CAPACITY);
    if (count > CAPACITY) count = CAPACITY;
    for (int i = 0; i < count; i++) printf("%s is here\n", short_name(&nodes[i]));

    failures += tell(&a, "work");

    /* who comes, and who goes? Until nothing has happened for five seconds: a node that crashed is
     * missed by the library after three or four. The list is ours, and is kept right by the call. */
    do {
        change = nw0_wait_for_change("cluster", NULL, nodes, &count, CAPACITY, &changed, 5);
        if (change > 0 && strcmp(changed.name, myself[0]) != 0)
            printf("%s has %s\n", short_name(&changed), change == NW0_JOINED ? "joined" : "left");
    } while (change > 0);
    if (errno != ETIMEDOUT) fprintf(stderr, "cluster_master: %s\n", nw0_error());

    for (int i = 0; i < count; i++)
        if (strcmp(nodes[i].name, myself[0]) != 0) failures += tell(&nodes[i], "stop");
    return failures != 0;
}
