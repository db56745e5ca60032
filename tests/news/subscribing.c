/* subscribing.c - what a subscriber says on the wire, and understands; what a subscription keeps. */
#include "nw0.h"

#include "talk.h"

static void a_subscriber_speaks_the_wire(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    nothing_comes(address, "ab", 0);
    int fd = raw_accept(listener);
    CHECK(raw_got(fd, HELLO_NEWS "\0\0\0\2ab", 14));
    CHECK(raw_silent(fd));
    nothing_comes(address, NULL, 0);
    int all = raw_accept(listener);
    CHECK(raw_got(all, HELLO_NEWS "\0\0\0\0", 12));
    raw_put(fd, "\0\0\0\3abc\0\0\0\4rain", 15);
    CHECK(comes(address, "ab", "abc", "rain", LIMIT));
    raw_put(all, "\0\0\0\0\0\0\0\0", 8);
    CHECK(comes(address, "", "", "", LIMIT)); /* NULL and "" are the same subscription */
    CHECK(raw_silent(fd) && raw_silent(all));
    close(fd);
    close(all);
    close(listener);
    nw0_close(address);
}

static void a_subscriber_says_all_its_prefixes(void) {
    char address[NW0_ADDRESS_SIZE], another[NW0_ADDRESS_SIZE], got[10], topic[NW0_NAME_SIZE];
    int listener = raw_listen(address), second = raw_listen(another);
    const char *from[] = {address, another, NULL}, *about[] = {"fire", "", "water", NULL};
    CHECK_FAILS(nw0_wait_for_news_from_any(from, about, topic, got, sizeof got, 0), ETIMEDOUT);
    int fds[2] = {raw_accept(listener), raw_accept(second)};
    for (int i = 0; i < 2; i++)
        CHECK(raw_got(fds[i], HELLO_NEWS "\0\0\0\4fire\0\0\0\0\0\0\0\5water", 29));
    raw_put_item(fds[1], "water", "1");
    CHECK(nw0_wait_for_news_from_any(from, about, topic, got, sizeof got, LIMIT) == 1);
    CHECK(strcmp(topic, "water") == 0 && strcmp(got, "1") == 0);
    raw_put_item(fds[0], "fire", "22");
    CHECK(nw0_wait_for_news_from_any(from, about, NULL, got, sizeof got, LIMIT) == 2);
    for (int i = 0; i < 2; i++) CHECK(raw_silent(fds[i]) && close(fds[i]) == 0);
    close(listener);
    close(second);
    nw0_close(address);
    CHECK_FAILS(nw0_close(another), ENOENT); /* it was one subscription */
}

static void prefixes_have_rules(void) {
    char address[NW0_ADDRESS_SIZE], prefix[NW0_NAME_SIZE + 1], room[8];
    const char *from[] = {address, NULL}, *none[] = {NULL}, *many[66];
    new_address(address);
    memset(prefix, 't', sizeof prefix);
    prefix[NW0_NAME_SIZE] = '\0';
    CHECK_FAILS(nw0_wait_for_news_from(address, prefix, NULL, room, 8, 0), ENAMETOOLONG);
    prefix[NW0_NAME_SIZE - 1] = '\0';
    nothing_comes(address, prefix, 0);
    CHECK_FAILS(nw0_wait_for_news_from_any(from, none, NULL, room, 8, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_news_from_any(none, from, NULL, room, 8, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_news_from_any(from, NULL, NULL, room, 8, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_news_from_any(NULL, from, NULL, room, 8, 0), EINVAL);
    for (int i = 0; i < 65; i++) many[i] = "same";
    many[65] = NULL;
    CHECK_FAILS(nw0_wait_for_news_from_any(from, many, NULL, room, 8, 0), EINVAL);
    many[64] = NULL;
    CHECK_FAILS(nw0_wait_for_news_from_any(from, many, NULL, room, 8, 0), ETIMEDOUT);
    nw0_close(address);
}

static void news_may_come_in_pieces(void) {
    char address[NW0_ADDRESS_SIZE], stream[4000], data[200], name[20];
    unsigned char bytes[200];
    int listener = raw_listen(address);
    nothing_comes(address, "", 0);
    int fd = raw_take_subscriber(listener, "");
    for (size_t piece = 1; piece <= 7; piece++) {
        size_t used = 0, done = 0;
        ssize_t n;
        int items = 0;
        for (size_t i = 0; i < 12; i++) {
            snprintf(name, sizeof name, "%.*s", (int)i, "abcdefghijklm");
            fill(bytes, i * 7);
            used += encode_item(stream + used, name, bytes, i * 7);
        }
        double limit = check_now() + LIMIT;
        while (items < 12 && check_now() < limit && !check_faults) {
            char topic[NW0_NAME_SIZE] = "?";
            size_t size = piece < used - done ? piece : used - done;
            raw_put(fd, stream + done, size);
            done += size;
            n = nw0_wait_for_news_from(address, "", topic, data, sizeof data, done == used ? 1 : 0);
            if (n < 0) CHECK(errno == ETIMEDOUT);
            if (n < 0) continue;
            fill(bytes, (size_t)items * 7);
            CHECK(n == items * 7 && memcmp(data, bytes, (size_t)n) == 0 && data[n] == 0);
            CHECK(strlen(topic) == (size_t)items++);
        }
        CHECK(items == 12);
    }
    close(fd);
    close(listener);
    nw0_close(address);
}

/* every place where a stream can be cut: one half is taken first, or tried, then the other */
static void an_item_may_be_cut_anywhere(void) {
    char address[NW0_ADDRESS_SIZE], stream[100];
    int listener = raw_listen(address);
    nothing_comes(address, "", 0);
    int fd = raw_take_subscriber(listener, "");
    size_t used = encode_item(stream, "one", "first", 5);
    used += encode_item(stream + used, "two", "second", 6);
    for (size_t cut = 0; cut <= used; cut++) {
        raw_put(fd, stream, cut);
        raw_delivered(fd);
        if (cut < 16) nothing_comes(address, "", 0);
        else CHECK(comes(address, "", "one", "first", 0));
        raw_put(fd, stream + cut, used - cut);
        if (cut < 16) CHECK(comes(address, "", "one", "first", LIMIT));
        CHECK(comes(address, "", "two", "second", LIMIT));
    }
    nothing_comes(address, "", 0);
    close(fd);
    close(listener);
    nw0_close(address);
}

/* a publisher that says this; then one that does it right */
static void strange(const char *bytes, size_t size, int error) {
    char address[NW0_ADDRESS_SIZE], got[100];
    int listener = raw_listen(address), fd;
    nothing_comes(address, "", 0);
    fd = raw_take_subscriber(listener, "");
    raw_put(fd, bytes, size);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, got, sizeof got, LIMIT), error);
    CHECK(strstr(nw0_error(), address) != NULL);
    if (error == EPROTONOSUPPORT) CHECK(strstr(nw0_error(), "ZeroMQ") != NULL);
    CHECK(raw_closed(fd));
    close(fd);
    fd = raw_take_subscriber(listener, "");
    raw_put_item(fd, "right", "this time");
    CHECK(comes(address, "", "right", "this time", LIMIT));
    close(fd);
    close(listener);
    nw0_close(address);
}

static void a_ZeroMQ_publisher_is_EPROTONOSUPPORT(void) {
    strange(ZEROMQ, 10, EPROTONOSUPPORT);
    strange("\377", 1, EPROTONOSUPPORT);
}

static void any_other_stranger_is_EPROTO(void) {
    char topic[204] = "", much[200] = "";
    strange("HTTP/1.1 400 Bad Request\r\n\r\n", 28, EPROTO);
    strange("\1", 1, EPROTO);
    strange("\0\0\0\310", 4, EPROTO);        /* a topic of 200 bytes */
    strange("\0\377\377\377", 4, EPROTO);    /* or of 16 million */
    strange("\0\0\0\2\303\50", 6, EPROTO);   /* not UTF-8 */
    strange("\0\0\0\3a\0b", 7, EPROTO);      /* a NUL */
    strange("\0\0\0\1a\1\0\0\0", 9, EPROTO); /* data of more than 16,777,215 bytes */
    strange(topic, encode_frame(topic, much, 200), EPROTO);
}

static void news_between_two_waits_is_kept(void) {
    char address[NW0_ADDRESS_SIZE], text[20];
    new_address(address);
    subscribe_here(address, "", 1);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, "n", text) == 1);
    }
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(comes(address, "", "n", text, LIMIT));
    }
    nothing_comes(address, "", 0);
    nw0_close(address);
}

static void each_subscription_has_its_own_news(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "a", 1);
    subscribe_here(address, "ab", 2);
    CHECK(sends(address, "abc", "1") == 2 && sends(address, "a", "2") == 1);
    CHECK(sends(address, "b", "3") == 0);
    CHECK(comes(address, "a", "abc", "1", LIMIT) && comes(address, "a", "a", "2", LIMIT));
    CHECK(comes(address, "ab", "abc", "1", LIMIT));
    nothing_comes(address, "a", 0);
    nothing_comes(address, "ab", 0);
    nw0_close(address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(a_subscriber_speaks_the_wire);
    RUN(a_subscriber_says_all_its_prefixes);
    RUN(prefixes_have_rules);
    RUN(news_may_come_in_pieces);
    RUN(an_item_may_be_cut_anywhere);
    RUN(a_ZeroMQ_publisher_is_EPROTONOSUPPORT);
    RUN(any_other_stranger_is_EPROTO);
    RUN(news_between_two_waits_is_kept);
    RUN(each_subscription_has_its_own_news);
    nw0_shutdown();
    return check_report("news/subscribing");
}
