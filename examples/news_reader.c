/* news_reader [TOPIC]: shows what news_station publishes: all of it, or one topic only. Start as
 * many as you like, at any time.
 *     cc -I. examples/news_reader.c -o news_reader -pthread
 *     ./news_reader
 *     ./news_reader temperature */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>

int main(int argc, char **argv) {
    const char *wanted = argc > 1 ? argv[1] : NULL; /* NULL: everything */
    nw0_service station;
    char topic[NW0_NAME_SIZE], value[100];
    if (nw0_discover("weather", 60, &station) < 0)
        return fprintf(stderr, "news_reader: %s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */
    while (nw0_wait_for_news_from(station.address, wanted, topic, value, sizeof value,
                                  NW0_FOREVER) >= 0)
        printf("%s: %s\n", topic, value);
    return fprintf(stderr, "news_reader: %s\n", nw0_error()), 1;
}
