/* find.c - what discovery does, with times on a clock that all network namespaces share.
 *
 *     find advertise PREFIX COUNT    advertises PREFIX0, PREFIX1 ...; prints how long the first one
 *                                    and how long all took, in seconds; then it obeys its standard
 *                                    input: "bye NAME" and "exit" print when that began
 *     find name NAME                 prints how long finding it took
 *     find group GROUP               prints how long the first look took, and how many it saw
 *     find watch                     prints when which name joined and left */
#include "bench.h"
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <string.h>

#define MOST 1024

static nw0_service services[MOST], found;

static _Noreturn void fail(void) {
    fprintf(stderr, "%s\n", nw0_error());
    exit(1);
}

static void obey(char *line) {
    char *words[2];
    int count = nw0_action_and_params(line, words, 2);
    if (count < 1) return;
    printf("%.6f\n", now());
    if (strcmp(words[0], "exit") == 0) exit(0);
    if (count == 2 && nw0_unadvertise(words[1]) < 0) fail();
}

static void advertise(const char *prefix, int count) {
    char name[NW0_NAME_SIZE], line[NW0_NAME_SIZE + 10];
    double start = now(), first = 0;
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%.100s%d", prefix, i);
        if (nw0_advertise(name, NULL, NULL) < 0) fail();
        if (i == 0) first = now() - start;
    }
    printf("%.6f %.6f\n", first, now() - start);
    while (fgets(line, sizeof line, stdin)) obey(line);
}

static void find_name(const char *name) {
    double start = now();
    if (nw0_discover(name, 10, &found) < 0) fail();
    printf("%.6f\n", now() - start);
}

static void find_group(const char *group) {
    double start = now();
    int count = nw0_discover_group(group, NULL, NULL, services, MOST);
    if (count < 0) fail();
    printf("%.6f %d\n", now() - start, count);
}

static void watch(void) {
    int known = 0, change;
    while ((change = nw0_wait_for_change(NULL, NULL, services, &known, MOST, &found, NW0_FOREVER)) >
           0)
        printf("%.6f %s %s\n", now(), change == NW0_JOINED ? "joined" : "left", found.name);
    fail();
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    end_with_parent();
    if (strcmp(what, "advertise") == 0 && argc == 4) advertise(argv[2], atoi(argv[3]));
    else if (strcmp(what, "name") == 0 && argc == 3) find_name(argv[2]);
    else if (strcmp(what, "group") == 0 && argc == 3) find_group(argv[2]);
    else if (strcmp(what, "watch") == 0) watch();
    else return fprintf(stderr, "usage: see find.c\n"), 2;
    return 0;
}
