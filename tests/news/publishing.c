/* publishing.c - what a publisher says on the wire, and understands: raw subscribers and their prefixes. */
#include "nw0.h"

#include "news.h"

static void a_publisher_speaks_the_wire(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    CHECK(has_subscribers(address, 0));
    int fd = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, "weather", "rain") == 1);
    CHECK(raw_got(fd, "\0\0\0\7weather\0\0\0\4rain", 19));
    CHECK(nw0_send_news_to(address, NULL, NULL, 0) == 1);
    CHECK(raw_got(fd, "\0\0\0\0\0\0\0\0", 8));
    CHECK(nw0_send_news_to(address, "", "\0\1\377", 3) == 1);
    CHECK(raw_got(fd, "\0\0\0\0\0\0\0\3\0\1\377", 11));
    CHECK(nw0_send_news_to(address, "t", NULL, NW0_TEXT) == 1);
    CHECK(raw_got(fd, "\0\0\0\1t\0\0\0\0", 9));
    CHECK(raw_silent(fd));
    close(fd);
    nw0_close(address);
}

static void a_subscriber_gets_what_begins_with_its_prefix(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int all = raw_subscribe(address, ""), some = raw_subscribe(address, "te");
    CHECK(has_subscribers(address, 2));
    CHECK(sends(address, "temperature", "1") == 2);
    CHECK(sends(address, "te", "2") == 2);
    CHECK(sends(address, "t", "3") == 1);
    CHECK(sends(address, "Te", "4") == 1);
    CHECK(sends(address, "", "5") == 1);
    CHECK(sends(address, "ate", "6") == 1);
    CHECK(sends(address, "tea", "7") == 2);
    CHECK(raw_got_item(some, "temperature", "1") && raw_got_item(some, "te", "2"));
    CHECK(raw_got_item(some, "tea", "7") && raw_silent(some));
    CHECK(raw_got_item(all, "temperature", "1") && raw_got_item(all, "te", "2"));
    CHECK(raw_got_item(all, "t", "3") && raw_got_item(all, "Te", "4"));
    CHECK(raw_got_item(all, "", "5") && raw_got_item(all, "ate", "6"));
    CHECK(raw_got_item(all, "tea", "7") && raw_silent(all));
    close(all);
    close(some);
    nw0_close(address);
}

static void several_prefixes_get_an_item_once(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int fd = raw_connect(address);
    raw_put(fd, HELLO_NEWS "\0\0\0\1a\0\0\0\2ab\0\0\0\1x\0\0\0\1a", 29);
    raw_delivered(fd);
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, "abc", "1") == 1);
    CHECK(sends(address, "bc", "2") == 0);
    CHECK(sends(address, "x", "3") == 1);
    CHECK(raw_got_item(fd, "abc", "1") && raw_got_item(fd, "x", "3"));
    CHECK(raw_silent(fd));
    close(fd);
    nw0_close(address);
}

static void more_prefixes_may_follow_later(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int fd = raw_subscribe(address, "a");
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, "b", "too early") == 0 && sends(address, "a", "first") == 1);
    CHECK(raw_got_item(fd, "a", "first"));
    raw_put_frame(fd, "b", 1);
    CHECK(is_wanted_by(address, "b", 1));
    CHECK(raw_got_tries(fd, "b"));
    CHECK(sends(address, "a", "still") == 1);
    CHECK(raw_got_item(fd, "a", "still"));
    raw_put_frame(fd, "", 0);
    CHECK(is_wanted_by(address, "c", 1));
    CHECK(raw_got_tries(fd, "c") && raw_silent(fd));
    CHECK(nw0_wait_for_subscribers(address, 1, 0) == 1); /* it counts once */
    close(fd);
    nw0_close(address);
}

/* news flows all the while; what came before its prefix is not for it */
static void a_subscriber_may_speak_byte_by_byte(void) {
    char address[NW0_ADDRESS_SIZE], hello[] = HELLO_NEWS "\0\0\0\2ab\0\0\0";
    new_address(address);
    publish_at(address);
    int all = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 1));
    int fd = raw_connect(address);
    for (size_t i = 0; i < 13; i++) {
        raw_put(fd, hello + i, 1);
        raw_delivered(fd);
        for (int k = 0; k < 3; k++) {
            CHECK(sends(address, "x", "meanwhile") == 1);
            CHECK(raw_got_item(all, "x", "meanwhile"));
        }
        CHECK(raw_silent(fd));
    }
    raw_put(fd, "b", 1);
    CHECK(has_subscribers(address, 2));
    CHECK(sends(address, "abc", "now") == 2);
    CHECK(raw_got_item(all, "abc", "now"));
    for (size_t i = 14; i < 17; i++) {
        raw_put(fd, hello + i, 1);
        raw_delivered(fd);
        CHECK(sends(address, "x", "still not") == 1);
        CHECK(raw_got_item(all, "x", "still not"));
    }
    raw_put(fd, "\0", 1);
    CHECK(is_wanted_by(address, "y", 2));
    CHECK(raw_got_item(fd, "abc", "now"));
    CHECK(raw_got_tries(fd, "y") && raw_silent(fd));
    close(all);
    close(fd);
    nw0_close(address);
}

/* what was sent before anybody came is no more in memory when it is looked for */
static void half_a_prefix_wants_nothing_yet(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    for (int i = 0; i < 100; i++) CHECK(sends(address, "nobody", "hears this") == 0);
    int fd = raw_connect(address);
    for (size_t i = 0; i < 13; i++) {
        raw_put(fd, &(HELLO_NEWS "\0\0\0\2a")[i], 1);
        raw_delivered(fd);
        usleep(2000); /* so that the other side sees it by itself */
        CHECK(sends(address, "x", "y") == 0);
    }
    CHECK(raw_silent(fd));
    raw_put(fd, "b", 1);
    CHECK(has_subscribers(address, 1));
    CHECK(is_wanted_by(address, "ab", 1) && raw_got_tries(fd, "ab"));
    close(fd);
    nw0_close(address);
}

/* whether a caller who says that is hung up on, without an answer */
static int is_refused(const char *address, const void *bytes, size_t size) {
    int fd = raw_connect(address);
    raw_put(fd, bytes, size);
    int closed = raw_closed(fd);
    close(fd);
    return closed;
}

static void what_is_not_ours_is_closed_without_an_answer(void) {
    char address[NW0_ADDRESS_SIZE], late[300] = HELLO_NEWS "\0\0\0\1a", much[200] = "";
    new_address(address);
    publish_at(address);
    CHECK(is_refused(address, ZEROMQ, 10));
    CHECK(is_refused(address, "\1", 1));
    CHECK(is_refused(address, "GET / HTTP/1.1\r\n\r\n", 18));
    CHECK(is_refused(address, "\0\0\0\5", 4));
    CHECK(is_refused(address, "\0\0\0\3nw0", 7));
    CHECK(is_refused(address, "\0\0\0\4nw0#", 8));
    CHECK(is_refused(address, "\0\0\0\4NW0!", 8));
    CHECK(is_refused(address, HELLO_NEWS "\1", 9));
    CHECK(is_refused(address, HELLO_NEWS "\0\0\0\1a\377\0\0\0", 17)); /* later, too */
    CHECK(is_refused(address, HELLO_NEWS "\0\0\0\310", 12)); /* 200 bytes are none of a topic */
    CHECK(is_refused(address, HELLO_NEWS "\0\1\0\0", 12));
    CHECK(is_refused(address, late, 13 + encode_frame(late + 13, much, 200)));
    publish_at(address);
    CHECK(sends(address, "still", "there") == 0);
    nw0_close(address);
}

static void the_longest_prefix_is_taken(void) {
    char address[NW0_ADDRESS_SIZE], topic[NW0_NAME_SIZE], shorter[NW0_NAME_SIZE];
    new_address(address);
    memset(topic, 't', sizeof topic);
    topic[NW0_NAME_SIZE - 1] = '\0';
    strcpy(shorter, topic + 1);
    publish_at(address);
    int fd = raw_subscribe(address, topic);
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, topic, "long") == 1);
    CHECK(sends(address, shorter, "shorter") == 0);
    CHECK(raw_got_item(fd, topic, "long") && raw_silent(fd));
    close(fd);
    nw0_close(address);
}

static void prefixes_may_be_64_and_no_more(void) {
    char address[NW0_ADDRESS_SIZE], many[1000] = HELLO_NEWS, topic[4];
    size_t used = 8;
    new_address(address);
    publish_at(address);
    for (int i = 0; i < 64; i++) {
        snprintf(topic, sizeof topic, "%02d", i % 100);
        used += encode_frame(many + used, topic, 2);
    }
    int fd = raw_connect(address);
    raw_put(fd, many, used);
    CHECK(has_subscribers(address, 1));
    CHECK(is_wanted_by(address, "63", 1) && raw_got_tries(fd, "63"));
    CHECK(sends(address, "00", "first") == 1 && raw_got_item(fd, "00", "first"));
    CHECK(sends(address, "64", "none") == 0);
    raw_put_frame(fd, "64", 2);
    CHECK(raw_closed(fd));
    close(fd);
    used += encode_frame(many + used, "64", 2);
    CHECK(is_refused(address, many, used));
    nw0_close(address);
}

/* hanging up is unsubscribing */
static void who_has_left_is_not_counted(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int stays = raw_subscribe(address, ""), leaves = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 2));
    CHECK(nw0_wait_for_subscribers(address, 1, 0) == 2);
    CHECK(nw0_wait_for_subscribers(address, 0, 0) == 2);
    close(leaves);
    await_fewer(address, 1);
    CHECK(nw0_wait_for_subscribers(address, 0, 0) == 1);
    CHECK_FAILS(nw0_wait_for_subscribers(address, 2, 0), ETIMEDOUT);
    CHECK(sends(address, "a", "b") == 1);
    CHECK(raw_got_item(stays, "a", "b"));
    close(stays);
    nw0_close(address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(a_publisher_speaks_the_wire);
    RUN(a_subscriber_gets_what_begins_with_its_prefix);
    RUN(several_prefixes_get_an_item_once);
    RUN(more_prefixes_may_follow_later);
    RUN(a_subscriber_may_speak_byte_by_byte);
    RUN(half_a_prefix_wants_nothing_yet);
    RUN(what_is_not_ours_is_closed_without_an_answer);
    RUN(the_longest_prefix_is_taken);
    RUN(prefixes_may_be_64_and_no_more);
    RUN(who_has_left_is_not_counted);
    nw0_shutdown();
    return check_report("news/publishing");
}
