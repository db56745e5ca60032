/* news_station: a weather station that publishes a temperature and a humidity every second, to as
 * many readers as there are: none, or a hundred. See news_reader.
 *     cc -I. examples/news_station.c -o news_station -pthread && ./news_station */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* sends one item, and shows it with the number of those it went to */
static void publish(const nw0_service *me, const char *topic, const char *value) {
    int readers = nw0_send_news_to(me->address, topic, value, NW0_TEXT);
    if (readers < 0) fprintf(stderr, "news_station: %s\n", nw0_error());
    else printf("%s: %s (to %d)\n", topic, value, readers);
}

int main(void) {
    nw0_service me;
    char value[20];
    if (nw0_advertise("weather", NULL, &me) < 0)
        return fprintf(stderr, "news_station: %s\n", nw0_error()), 1;
    setvbuf(stdout, NULL, _IOLBF, 0); /* show every line at once, also in a file or a pipe */

    for (double degrees = 18, percent = 60;; sleep(1)) {
        degrees += (rand() % 11 - 5) / 10.0; /* there is no thermometer here: up or down a bit */
        snprintf(value, sizeof value, "%.1f", degrees);
        publish(&me, "temperature", value);
        percent += (60 - percent) / 10 + rand() % 5 - 2;
        snprintf(value, sizeof value, "%.0f", percent);
        publish(&me, "humidity", value);
    }
}
