/* connected.c - whoever is connected when news is sent gets it, and who comes later does not. */
#include "nw0.h"

#include "news.h"
#include <sys/resource.h>

/* although the publisher never calls again; also where news is gathered */
static void whoever_is_connected_gets_it(void) {
    char address[NW0_ADDRESS_SIZE], text[20];
    new_address(address);
    publish_at(address);
    for (int i = 0; i < 100 && !check_faults; i++) {
        int fd = raw_subscribe(address, "");
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, "first", text) >= 0);
        if (i % 2) CHECK(sends(address, "second", text) >= 0);
        CHECK(raw_got_of_round(fd, i, "first"));
        if (i % 2) CHECK(raw_got_of_round(fd, i, "second"));
        CHECK(raw_silent(fd));
        close(fd);
    }
    nw0_close(address);
}

/* its introduction was heard a while ago, its prefix came just now */
static void whoever_speaks_slowly_gets_it_too(void) {
    char address[NW0_ADDRESS_SIZE], text[20];
    new_address(address);
    publish_at(address);
    for (int i = 0; i < 200 && !check_faults; i++) {
        size_t cut = i % 2 ? 10 : 8;
        int fd = raw_connect(address);
        raw_put(fd, HELLO_NEWS "\0\0\0\0", cut);
        raw_delivered(fd);
        usleep(500);
        raw_put(fd, "\0\0\0\0", 12 - cut);
        raw_delivered(fd);
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, "now", text) >= 0);
        CHECK(sends(address, "and", text) >= 0);
        CHECK(raw_got_of_round(fd, i, "now"));
        CHECK(raw_got_of_round(fd, i, "and"));
        close(fd);
    }
    nw0_close(address);
}

static void what_has_left_is_not_for_who_comes_later(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    who_comes_later_gets_what_follows(address);
    nw0_close(address);
}

/* it came before the address was opened for news: while one waited there for messages */
static void whoever_came_early_gets_all_its_prefixes(void) {
    char address[NW0_ADDRESS_SIZE], room[100];
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address);
    raw_put(fd, HELLO_NEWS "\0\0\0\1a\0\0\0\1b", 18);
    raw_delivered(fd);
    CHECK_FAILS(nw0_wait_for_message_from(address, room, sizeof room, 0, false), ETIMEDOUT);
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, "a", "first") == 1);
    CHECK(sends(address, "b", "second") == 1);
    CHECK(raw_got_item(fd, "a", "first"));
    CHECK(!check_faults && raw_got_item(fd, "b", "second"));
    close(fd);
    nw0_close(address);
}

/* so many descriptors may be open, if the system lets us; returns how it was */
static struct rlimit allow_descriptors(rlim_t count) {
    struct rlimit before, more;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    more = before;
    if (more.rlim_cur < count) more.rlim_cur = count < more.rlim_max ? count : more.rlim_max;
    CHECK(setrlimit(RLIMIT_NOFILE, &more) == 0);
    return before;
}

/* more than the library accepts at a time have called, and have said what they want, before this
 * program has said a word of news; the port is open, for it was advertised, or listened at */
static void a_hundred_come_early(int listens, int counts) {
    enum { MANY = 100 };
    struct rlimit before = allow_descriptors(500);
    nw0_service service;
    int fds[MANY];
    if (listens) new_address(service.address), listen_at(service.address);
    else CHECK(nw0_advertise("news/popular", NULL, &service) >= 0);
    for (int i = 0; i < MANY; i++) fds[i] = raw_subscribe(service.address, "");
    if (counts) CHECK(nw0_wait_for_subscribers(service.address, MANY, 0) == MANY);
    CHECK(sends(service.address, "first", "1") >= 0);
    for (int i = 0; i < MANY && !check_faults; i++) CHECK(raw_got_item(fds[i], "first", "1"));
    CHECK(sends(service.address, "second", "2") == MANY);
    for (int i = 0; i < MANY && !check_faults; i++) CHECK(raw_got_item(fds[i], "second", "2"));
    for (int i = 0; i < MANY; i++) close(fds[i]);
    if (!listens) CHECK(nw0_unadvertise("news/popular") >= 0);
    nw0_close(service.address);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
}

static void a_hundred_who_came_early_get_the_first_item(void) {
    a_hundred_come_early(0, 0);
    a_hundred_come_early(1, 0);
}

static void a_hundred_who_came_early_are_found_without_waiting(void) {
    a_hundred_come_early(0, 1);
    a_hundred_come_early(1, 1);
}

static void *wait_for_three(void *address) {
    return nw0_wait_for_subscribers(address, 3, LIMIT) == 3 ? address : NULL;
}

static void subscribers_are_waited_for(void) {
    char address[NW0_ADDRESS_SIZE];
    int fds[3];
    new_address(address);
    listen_at(address);
    pthread_t first = start(wait_for_three, address), second = start(wait_for_three, address);
    for (int i = 0; i < 3; i++) fds[i] = raw_subscribe(address, "");
    CHECK(finish(first) != NULL && finish(second) != NULL);
    for (int i = 0; i < 3; i++) close(fds[i]);
    nw0_close(address);
    new_address(address);
    listen_at(address);
    int fd = raw_subscribe(address, ""); /* a wait of 0 finds one that was not accepted yet */
    CHECK(nw0_wait_for_subscribers(address, 1, 0) == 1);
    close(fd);
    nw0_close(address);
}

static void *wait_for_one(void *address) {
    return has_subscribers(address, 1) ? address : NULL;
}

/* others leave elsewhere meanwhile, when no descriptor is left: that is nothing to fail for */
static void a_wait_that_has_begun_needs_no_other_descriptor(void) {
    enum { OTHERS = 20 };
    char address[NW0_ADDRESS_SIZE], elsewhere[NW0_ADDRESS_SIZE];
    int others[OTHERS];
    struct rlimit old, none;
    new_address(address);
    new_address(elsewhere);
    publish_at(address);
    publish_at(elsewhere);
    if (nw0_fd(address) < 0 && errno == ENOTSUP)
        SKIP("poll() itself takes no more descriptors than the limit");
    for (int i = 0; i < OTHERS; i++) others[i] = raw_subscribe(elsewhere, "");
    CHECK(has_subscribers(elsewhere, OTHERS));
    int fd = raw_connect(address), before;
    CHECK(sends(address, "not", "yet") == 0); /* it has been accepted */
    before = descriptor_count();
    pthread_t waiter = start(wait_for_one, address);
    double limit = check_now() + LIMIT;
    while (descriptor_count() < before + 2 && check_now() < limit) usleep(500);
    CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0);
    none = old;
    none.rlim_cur = 3;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    for (int i = 0; i < OTHERS; i++) {
        close(others[i]);
        await_fewer(elsewhere, OTHERS - 1 - i);
    }
    raw_put(fd, HELLO_NEWS "\0\0\0\0", 12);
    CHECK(finish(waiter) != NULL);
    CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
    close(fd);
    nw0_close(address);
    nw0_close(elsewhere);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(whoever_is_connected_gets_it);
    RUN(whoever_speaks_slowly_gets_it_too);
    RUN(what_has_left_is_not_for_who_comes_later);
    RUN(whoever_came_early_gets_all_its_prefixes);
    RUN(a_hundred_who_came_early_get_the_first_item);
    RUN(a_hundred_who_came_early_are_found_without_waiting);
    RUN(subscribers_are_waited_for);
    RUN(a_wait_that_has_begun_needs_no_other_descriptor);
    nw0_shutdown();
    return check_report("news/connected");
}
