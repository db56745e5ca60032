/* flood.c - many small items in a row: they are gathered, and leave by themselves. */
#include "nw0.h"

#include "talk.h"

static void gathered_news_leaves_without_another_call(void) {
    char address[NW0_ADDRESS_SIZE], text[20];
    new_address(address);
    publish_at(address);
    int fd = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 1));
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, "flood", text) == 1);
    }
    double begin = check_now();
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(raw_got_item(fd, "flood", text));
    }
    CHECK(check_now() - begin < 2);
    CHECK(raw_silent(fd));
    close(fd);
    nw0_close(address);
}

/* most of these items are gathered when the number is told */
static void a_flood_is_counted_right(void) {
    static const char *const topics[] = {"ab", "a", "b", ""};
    char address[NW0_ADDRESS_SIZE], text[20];
    new_address(address);
    publish_at(address);
    int all = raw_subscribe(address, ""), some = raw_subscribe(address, "a"),
        few = raw_subscribe(address, "ab");
    CHECK(has_subscribers(address, 3));
    for (int i = 0; i < 2000; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, topics[i % 4], text) == (i % 4 == 0 ? 3 : i % 4 == 1 ? 2 : 1));
    }
    for (int i = 0; i < 2000 && !check_faults; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(raw_got_item(all, topics[i % 4], text));
        if (i % 4 < 2) CHECK(raw_got_item(some, topics[i % 4], text));
        if (i % 4 < 1) CHECK(raw_got_item(few, topics[i % 4], text));
    }
    CHECK(raw_silent(all) && raw_silent(some) && raw_silent(few));
    close(all);
    close(some);
    close(few);
    nw0_close(address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(gathered_news_leaves_without_another_call);
    RUN(a_flood_is_counted_right);
    nw0_shutdown();
    return check_report("news/flood");
}
