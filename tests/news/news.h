/* news.h - what the tests of news share: who is wanted by whom, and items that can be recognized. */
#ifndef TESTS_NEWS_H
#define TESTS_NEWS_H
#include "talk.h"

/* ---- a publisher and its raw subscribers ---- */

/* tries until it goes to that many: "?", and then, once, "!" */
static inline int is_wanted_by(const char *address, const char *topic, int count) {
    double limit = check_now() + LIMIT;
    while (sends(address, topic, "?") < count && check_now() < limit) usleep(500);
    return sends(address, topic, "!") == count;
}

/* what was tried until then: news that is still gathered may also reach who comes a moment later */
static inline int raw_got_tries(int fd, const char *topic) {
    char item[300], got[300];
    size_t size = encode_item(item, topic, "!", 1);
    while (raw_get(fd, got, size) == size && memcmp(got, item, size - 1) == 0)
        if (got[size - 1] != '?') return got[size - 1] == '!';
    return 0;
}

/* until no more than so many are counted */
static inline void await_fewer(const char *address, int most) {
    double limit = check_now() + LIMIT;
    while (nw0_wait_for_subscribers(address, 0, 0) > most && check_now() < limit) usleep(500);
}

/* the next item of this round: who comes a moment after an item may get that, too */
static inline int raw_got_of_round(int fd, int round, const char *topic) {
    char right[20], data[20], its_topic[NW0_NAME_SIZE];
    unsigned char head[4];
    snprintf(right, sizeof right, "%d", round);
    do {
        if (raw_get(fd, head, 4) != 4 || raw_get(fd, its_topic, head[3]) != head[3]) return 0;
        its_topic[head[3]] = '\0';
        if (raw_get(fd, head, 4) != 4 || head[3] >= sizeof data) return 0;
        if (raw_get(fd, data, head[3]) != head[3]) return 0;
        data[head[3]] = '\0';
    } while (atoi(data) < round);
    return strcmp(data, right) == 0 && strcmp(its_topic, topic) == 0;
}

/* of one, two or three items, the second and the third are gathered; somebody who has them proves
 * that they have left */
static inline void who_comes_later_gets_what_follows(const char *address) {
    char text[20];
    publish_at(address);
    int early = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 1));
    for (int i = 0; i < 48 && !check_faults; i++) {
        snprintf(text, sizeof text, "%d", i);
        for (int k = 0; k <= i % 3; k++) CHECK(sends(address, "then", text) >= 1);
        for (int k = 0; k <= i % 3; k++) CHECK(raw_got_item(early, "then", text));
        int late = raw_subscribe(address, i % 2 ? "" : "then");
        if (i % 4 < 2) CHECK(nw0_wait_for_subscribers(address, 2, LIMIT) >= 2);
        CHECK(sends(address, "then", "next") >= 1);
        CHECK(raw_got_item(early, "then", "next"));
        CHECK(raw_got_item(late, "then", "next") && raw_silent(late));
        close(late);
    }
    close(early);
}

/* ---- large items, and who reads them late ---- */

/* an item that can be recognized: its number, its size and all its bytes belong together */
#define NUMBERED 15000

static inline size_t numbered(unsigned char *data, unsigned number) {
    size_t size = 5000 + number * 7919u % 10000;
    fill(data, size);
    memcpy(data, &number, sizeof number);
    return size;
}

/* the number of an item that is whole, or -1 */
static inline long number_of(const unsigned char *data, size_t size) {
    static unsigned char right[NUMBERED];
    unsigned number;
    memcpy(&number, data, sizeof number);
    return numbered(right, number) == size && memcmp(right, data, size) == 0 ? (long)number : -1;
}

/* a raw subscriber that reads nothing until it is told to */
static inline int raw_subscribe_lazily(const char *address, const char *prefix) {
    int small = 100000, fd = raw_socket();
    char hello[300] = HELLO_NEWS;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    CHECK(raw_call(fd, address) == 0);
    raw_put(fd, hello, 8 + encode_frame(hello + 8, prefix, strlen(prefix)));
    return fd;
}

/* what comes is whole items in their order; the last one's topic is "end". How many there were */
static inline int raw_reads_whole_items(int fd) {
    static unsigned char data[NUMBERED + 1];
    unsigned char head[4];
    char topic[NW0_NAME_SIZE];
    long last = -1;
    for (int count = 0;; count++) {
        if (raw_get(fd, head, 4) != 4 || head[0] || head[1] || head[2] || head[3] > 10) return -1;
        if (raw_get(fd, topic, head[3]) != head[3]) return -1;
        topic[head[3]] = '\0';
        if (raw_get(fd, head, 4) != 4 || head[0]) return -2;
        size_t size = (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
        if (size > NUMBERED || raw_get(fd, data, size) != size) return -3;
        if (strcmp(topic, "end") == 0) return count;
        long number = number_of(data, size);
        if (number <= last) return -4;
        last = number;
    }
}
#endif
