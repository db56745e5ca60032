/* signals.c - a signal ends every wait, and loses nothing. */
#include "nw0.h"

#include "news.h"
#include "signals.h"

static void signals_end_waits(int flags, double wait_s) {
    char address[NW0_ADDRESS_SIZE], absent[NW0_ADDRESS_SIZE], room[8];
    const char *from[] = {address, absent, NULL}, *about[] = {"a", "b", NULL};
    pest p;
    new_address(address);
    new_address(absent);
    subscribe_here(address, "", 1);
    handle(SIGUSR1, flags);
    double begin = check_now();
    for (int i = 0; i < 5; i++) {
        pest_start(&p, pthread_self(), NULL, 10000);
        if (i == 0) CHECK_FAILS(nw0_wait_for_subscribers(address, 99, wait_s), EINTR);
        if (i == 1) CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 8, wait_s), EINTR);
        if (i == 2) CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, NULL, 0, wait_s), EINTR);
        if (i == 3) CHECK_FAILS(nw0_wait_for_news_from(absent, "", NULL, room, 8, wait_s), EINTR);
        if (i == 4)
            CHECK_FAILS(nw0_wait_for_news_from_any(from, about, NULL, room, 8, wait_s), EINTR);
        pest_stop(&p);
    }
    CHECK(check_now() - begin < LIMIT / 2);
    CHECK(sends(address, "a", "b") == 2); /* the same calls go on */
    CHECK(nw0_wait_for_news_from_any(from, about, NULL, room, 8, LIMIT) == 1);
    CHECK(comes(address, "", "a", "b", LIMIT));
    nw0_close(address);
    nw0_close(absent);
}

static void a_signal_ends_every_wait(void) {
    signals_end_waits(0, LIMIT);
    signals_end_waits(SA_RESTART, LIMIT);
    signals_end_waits(0, NW0_FOREVER);
    signals_end_waits(SA_RESTART, NW0_FOREVER);
}

/* the item comes in pieces, and with each a signal */
static void an_interrupted_wait_loses_nothing(void) {
    char address[NW0_ADDRESS_SIZE], *item = malloc(100020);
    unsigned char *data = malloc(100000), *room = malloc(100001);
    int listener = raw_listen(address);
    pest p;
    fill(data, 100000);
    size_t used = encode_item(item, "topic", data, 100000);
    handle(SIGUSR1, SA_RESTART);
    nothing_comes(address, "", 0);
    int fd = raw_take_subscriber(listener, "");
    for (size_t done = 0, piece = 3; done < used; done += piece, piece *= 4) {
        raw_put(fd, item + done, piece < used - done ? piece : used - done);
        raw_delivered(fd);
        if (piece >= used - done) break;
        pest_start(&p, pthread_self(), NULL, 3000);
        CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 100001, LIMIT), EINTR);
        pest_stop(&p);
    }
    CHECK(nw0_wait_for_news_from(address, "", NULL, room, 100001, LIMIT) == 100000);
    CHECK(memcmp(room, data, 100000) == 0);
    close(fd);
    close(listener);
    nw0_close(address);
    free(item);
    free(data);
    free(room);
}

static void a_storm_of_signals_loses_nothing(void) {
    static unsigned char data[NUMBERED], room[NUMBERED + 1];
    char address[NW0_ADDRESS_SIZE];
    pest p;
    new_address(address);
    subscribe_here(address, "", 1);
    handle(SIGUSR1, SA_RESTART);
    pest_start(&p, pthread_self(), NULL, 200);
    for (unsigned i = 0; i < 1000 && !check_faults; i++) {
        ssize_t n;
        size_t size = numbered(data, i);
        CHECK(nw0_send_news_to(address, "number", data, size) == 1);
        do {
            n = nw0_wait_for_news_from(address, "", NULL, room, sizeof room, LIMIT);
        } while (n < 0 && errno == EINTR);
        CHECK(n == (ssize_t)size && number_of(room, size) == (long)i);
    }
    pest_stop(&p);
    nw0_close(address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(a_signal_ends_every_wait);
    RUN(an_interrupted_wait_loses_nothing);
    RUN(a_storm_of_signals_loses_nothing);
    nw0_shutdown();
    return check_report("news/signals");
}
