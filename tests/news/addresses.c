/* addresses.c - where news is published, and waits that find nothing. */
#include "nw0.h"

#include "talk.h"

static void nonsense_is_EINVAL(void) {
    static const char *const nonsense[] = {
        NULL,     "",   "127.0.0.1:99999", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:80:80",
        "a b:80", "-1", "127.0.0.1:-1",    "127.0.0.1"};
    char room[8];
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        CHECK_FAILS(sends(nonsense[i], "a", "b"), EINVAL);
        CHECK_FAILS(nw0_wait_for_subscribers(nonsense[i], 1, LIMIT), EINVAL);
        CHECK_FAILS(nw0_wait_for_news_from(nonsense[i], "", NULL, room, 8, LIMIT), EINVAL);
        CHECK_FAILS(nw0_fd(nonsense[i]), EINVAL);
        CHECK_FAILS(nw0_news_fd(nonsense[i], ""), EINVAL);
    }
}

static void one_publishes_at_ones_own_address(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    CHECK_FAILS(sends("192.0.2.1:5000", "a", "b"), EADDRNOTAVAIL);
    CHECK_FAILS(nw0_wait_for_subscribers("192.0.2.1:5000", 1, 0), EADDRNOTAVAIL);
    CHECK_FAILS(nw0_fd("192.0.2.1:5000"), EADDRNOTAVAIL);
    CHECK_FAILS(sends(address, "a", "b"), EADDRINUSE);
    CHECK_FAILS(nw0_wait_for_subscribers(address, 1, 0), EADDRINUSE);
    CHECK_FAILS(nw0_fd(address), EADDRINUSE);
    CHECK(strstr(nw0_error(), address) != NULL);
    close(listener);
}

static void news_comes_from_an_advertised_service(void) {
    nw0_service service, found;
    CHECK(nw0_advertise("news/station", NULL, &service) >= 0);
    int early = raw_subscribe(service.address, ""); /* before anything was published */
    CHECK(nw0_discover("news/station", LIMIT, &found) >= 0);
    nothing_comes(found.address, "", 0);
    CHECK(has_subscribers(service.address, 2));
    CHECK(sends(service.address, "weather", "sun") == 2);
    CHECK(comes(found.address, "", "weather", "sun", LIMIT));
    CHECK(raw_got_item(early, "weather", "sun"));
    CHECK(nw0_unadvertise("news/station") >= 0);
    CHECK(sends(service.address, "weather", "still") == 2); /* it stays open */
    CHECK(raw_got_item(early, "weather", "still"));
    close(early);
    nw0_close(service.address);
}

static void nothing_in_time_is_ETIMEDOUT(void) {
    char address[NW0_ADDRESS_SIZE], absent[NW0_ADDRESS_SIZE], room[8];
    new_address(address);
    new_address(absent);
    subscribe_here(address, "", 1);
    double begin = check_now();
    nothing_comes(address, "", BRIEF);
    CHECK(strstr(nw0_error(), address) != NULL);
    nothing_comes(absent, "", BRIEF);
    CHECK(strstr(nw0_error(), absent) != NULL);
    CHECK_FAILS(nw0_wait_for_subscribers(address, 2, BRIEF), ETIMEDOUT);
    CHECK(strstr(nw0_error(), strchr(address, ':') + 1) != NULL);
    CHECK(check_now() - begin >= 3 * BRIEF - 0.003 && check_now() - begin < 5);
    begin = check_now();
    nothing_comes(address, "", 0);
    nothing_comes(absent, "", 0);
    CHECK_FAILS(nw0_wait_for_subscribers(address, 2, 0), ETIMEDOUT);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 8, 0.0 / 1.0), ETIMEDOUT);
    CHECK(check_now() - begin < 1);
    nw0_close(address);
    nw0_close(absent);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(nonsense_is_EINVAL);
    RUN(one_publishes_at_ones_own_address);
    RUN(news_comes_from_an_advertised_service);
    RUN(nothing_in_time_is_ETIMEDOUT);
    nw0_shutdown();
    return check_report("news/addresses");
}
