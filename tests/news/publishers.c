/* publishers.c - several publishers, absent ones, and those that go and come back. */
#include "nw0.h"

#include "child.h"
#include "talk.h"

/* several publishers, several prefixes: everything once, in the order of each publisher */
static void news_comes_from_any(void) {
    char addresses[3][NW0_ADDRESS_SIZE], topic[NW0_NAME_SIZE], data[30];
    const char *from[4] = {addresses[0], addresses[1], addresses[2], NULL};
    const char *about[] = {"smoke", "water", NULL};
    int next[3] = {0, 0, 0};
    for (int i = 0; i < 3; i++) new_address(addresses[i]);
    CHECK_FAILS(nw0_wait_for_news_from_any(from, about, topic, data, sizeof data, 0), ETIMEDOUT);
    for (int i = 0; i < 3; i++) CHECK(has_subscribers(addresses[i], 1));
    for (int n = 0; n < 20; n++)
        for (int i = 0; i < 3; i++) {
            snprintf(data, sizeof data, "%d %d", i, n);
            CHECK(sends(addresses[i], n % 2 ? "smoke/a" : "water/b", data) == 1);
            CHECK(sends(addresses[i], "air", "no") == 0);
        }
    for (int count = 0; count < 60; count++) {
        int i = -1, n = -1;
        CHECK(nw0_wait_for_news_from_any(from, about, topic, data, sizeof data, LIMIT) > 0);
        CHECK(sscanf(data, "%d %d", &i, &n) == 2 && i >= 0 && i < 3);
        if (check_faults) break;
        CHECK(n == next[i]++ && strcmp(topic, n % 2 ? "smoke/a" : "water/b") == 0);
    }
    CHECK_FAILS(nw0_wait_for_news_from_any(from, about, topic, data, sizeof data, 0), ETIMEDOUT);
    for (int i = 0; i < 3; i++) nw0_close(addresses[i]);
}

static void an_absent_publisher_is_named(void) {
    char here[NW0_ADDRESS_SIZE], absent[NW0_ADDRESS_SIZE], room[10];
    const char *both[] = {here, absent, NULL}, *all[] = {"", NULL};
    int named = 0;
    new_address(here);
    new_address(absent);
    publish_at(here);
    CHECK_FAILS(nw0_wait_for_news_from_any(both, all, NULL, room, sizeof room, 0), ETIMEDOUT);
    CHECK(has_subscribers(here, 1));
    for (double limit = check_now() + 3; !named && check_now() < limit;) {
        CHECK_FAILS(nw0_wait_for_news_from_any(both, all, NULL, room, sizeof room, 0.01),
                    ETIMEDOUT);
        named = strstr(nw0_error(), absent) != NULL && strstr(nw0_error(), here) == NULL;
    }
    CHECK(named);
    nw0_close(here);
    nw0_close(absent);
}

static void one_absent_publisher_holds_up_no_other(void) {
    char address[NW0_ADDRESS_SIZE], absent[NW0_ADDRESS_SIZE], data[10];
    const char *from[] = {absent, address, NULL}, *about[] = {"", NULL};
    new_address(address);
    new_address(absent);
    CHECK_FAILS(nw0_wait_for_news_from_any(from, about, NULL, data, sizeof data, 0), ETIMEDOUT);
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, "a", "here") == 1);
    CHECK(nw0_wait_for_news_from_any(from, about, NULL, data, sizeof data, LIMIT) == 4);
    CHECK(has_subscribers(absent, 1)); /* there it is */
    CHECK(sends(absent, "a", "there") == 1);
    CHECK(nw0_wait_for_news_from_any(from, about, NULL, data, sizeof data, LIMIT) == 5);
    nw0_close(address);
    nw0_close(absent);
}

/* publishes until it is killed */
static int publish_and_stay(const char *address) {
    if (nw0_wait_for_subscribers(address, 1, LIMIT) < 1) return 1;
    if (sends(address, "alive", "yes") < 1) return 2;
    while (sends(address, "noise", "?") >= 0) usleep(1000);
    return 3;
}

/* the subscription is older than the publisher, and outlives it. Under valgrind, which has much to
 * say about a program that a SIGTERM ends, it is a SIGKILL */
static void a_publisher_may_die_and_come_back(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    nothing_comes(address, "alive", 0);
    for (int life = 0; life < 4; life++) {
        pid_t pid = child_start("--publish", address);
        CHECK(comes(address, "alive", "alive", "yes", LIMIT));
        child_signal(pid, life % 2 || check_valgrind() ? SIGKILL : SIGTERM);
        CHECK(WIFSIGNALED(child_wait(pid)));
    }
    nw0_close(address);
}

/* a publisher takes a subscriber back, who notices in its next wait that the last one has gone */
static int raw_take_back(int listener, const char *address, const char *prefix) {
    double limit = check_now() + LIMIT;
    while (raw_unvisited(listener) && check_now() < limit) nothing_comes(address, prefix, 0.002);
    return raw_take_subscriber(listener, prefix);
}

/* half an item is nothing, also if the publisher comes back and says the other half */
static void half_an_item_is_dropped_when_the_publisher_goes(void) {
    char address[NW0_ADDRESS_SIZE];
    static const char item[] = "\0\0\0\3one\0\0\0\5first";
    int listener = raw_listen(address);
    for (size_t cut = 1; cut < 16; cut++) {
        int fd = raw_take_back(listener, address, "");
        raw_put(fd, item, cut);
        raw_delivered(fd);
        if (cut % 2) nothing_comes(address, "", 0);
        close(fd);
        fd = raw_take_back(listener, address, "");
        raw_put(fd, item, 16);
        CHECK(comes(address, "", "one", "first", LIMIT));
        close(fd);
    }
    close(listener);
    nw0_close(address);
}

/* closed and opened again in the same program, at a port that nobody else takes meanwhile */
static void a_publisher_may_close_and_come_back(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    int listener = raw_listen_at(address);
    for (int life = 0; life < 3; life++) {
        int fd = raw_take_back(listener, address, "");
        close(listener);
        raw_put_item(fd, "last", "words");
        close(fd);
        CHECK(comes(address, "", "last", "words", LIMIT)); /* what came before the end counts */
        nothing_comes(address, "", BRIEF);
        listener = raw_listen_at(address);
    }
    close(listener);
    nw0_close(address);
}

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--publish")) return publish_and_stay(argv[2]);
    net_begin();
    check_begin(argc, argv);
    RUN(news_comes_from_any);
    RUN(an_absent_publisher_is_named);
    RUN(one_absent_publisher_holds_up_no_other);
    RUN(a_publisher_may_die_and_come_back);
    RUN(half_an_item_is_dropped_when_the_publisher_goes);
    RUN(a_publisher_may_close_and_come_back);
    nw0_shutdown();
    return check_report("news/publishers");
}
