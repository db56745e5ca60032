/* news.c - one publisher, any number of subscribers: what the header promises about news and about
 * event loops, over loopback.
 *
 * The other side is the library itself, here or in another process, or a raw socket that speaks the
 * wire byte by byte, or a program in Python (wire/news.py). Whatever must come is waited for with
 * LIMIT; BRIEF is for what must not come.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* what the library has of memory, now and at most: it gets it from these three alone */
static size_t memory_now, memory_peak;

#define MEMORY_HEAD 16 /* the size of a block stands in front of it */

static void memory_changes(size_t more, size_t less) {
    size_t now = __atomic_add_fetch(&memory_now, more - less, __ATOMIC_SEQ_CST);
    size_t peak = __atomic_load_n(&memory_peak, __ATOMIC_SEQ_CST);
    while (now > peak && !__atomic_compare_exchange_n(&memory_peak, &peak, now, 0, __ATOMIC_SEQ_CST,
                                                      __ATOMIC_SEQ_CST))
        continue;
}

static void *counted_realloc(void *old, size_t size) {
    char *block = old == NULL ? NULL : (char *)old - MEMORY_HEAD;
    size_t before = 0;
    if (block != NULL) memcpy(&before, block, sizeof before);
    block = realloc(block, size + MEMORY_HEAD);
    if (block == NULL) return NULL;
    memcpy(block, &size, sizeof size);
    memory_changes(size, before);
    return block + MEMORY_HEAD;
}

static void *counted_malloc(size_t size) {
    return counted_realloc(NULL, size);
}

static void counted_free(void *old) {
    size_t size;
    if (old == NULL) return;
    memcpy(&size, (char *)old - MEMORY_HEAD, sizeof size);
    memory_changes(0, size);
    free((char *)old - MEMORY_HEAD);
}

#define NW0_MALLOC counted_malloc
#define NW0_REALLOC counted_realloc
#define NW0_FREE counted_free
#define NW0_NEWS_BUFFER 200000
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#ifdef __linux__
#include <sys/epoll.h>
#endif

#define LIMIT 20.0
#define BRIEF 0.15
#define MOST ((size_t)NW0_MAX_MESSAGE)
#define NEWS "\0\0\0\4nw0!"
#define QUESTIONS "\0\0\0\4nw0?"
#define ZEROMQ "\377\0\0\0\0\0\0\0\1\177"
#define MAX_FD 1024

static char program[4096]; /* this program's own path, for tests that need another process */

/* ThreadSanitizer knows no threads in the child of a program with threads, and LeakSanitizer would
 * wait for the parent's threads in a child that exits */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILD_HAS_NO_THREADS 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define CHILD_HAS_NO_THREADS 1
#endif
#ifndef CHILD_HAS_NO_THREADS
#define CHILD_HAS_NO_THREADS 0
#endif

static int is_child;

const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "die_after_fork=0";
}

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
    return is_child;
}

/* ---- raw sockets ---- */

static struct sockaddr_in socket_address(const char *address) {
    struct sockaddr_in sin;
    memset(&sin, 0, sizeof sin);
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return sin;
}

static void new_address(char address[NW0_ADDRESS_SIZE]) {
    snprintf(address, NW0_ADDRESS_SIZE, "127.0.0.1:%d", check_port());
}

static void raw_limit(int fd) {
    struct timeval limit = {(time_t)LIMIT, 0};
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* a raw socket never waits longer than the limit, and sends each piece by itself */
static int raw_socket(void) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    raw_limit(fd);
    return fd;
}

static void raw_call(int fd, const char *address) {
    struct sockaddr_in sin = socket_address(address);
    CHECK(connect(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
}

static int raw_connect(const char *address) {
    int fd = raw_socket();
    raw_call(fd, address);
    return fd;
}

static int raw_listen_at(const char *address) {
    struct sockaddr_in sin = socket_address(address);
    int fd = raw_socket(), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 100) == 0);
    return fd;
}

static int raw_listen(char address[NW0_ADDRESS_SIZE]) {
    struct sockaddr_in sin;
    socklen_t size = sizeof sin;
    int fd = raw_listen_at("any:0");
    CHECK(getsockname(fd, (struct sockaddr *)&sin, &size) == 0);
    snprintf(address, NW0_ADDRESS_SIZE, "127.0.0.1:%u", (unsigned)ntohs(sin.sin_port));
    return fd;
}

static int raw_accept(int listener) {
    int fd = accept(listener, NULL, NULL);
    CHECK(fd >= 0);
    raw_limit(fd);
    return fd;
}

static void raw_put(int fd, const void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        CHECK(n > 0);
        if (n <= 0) return;
        done += (size_t)n;
    }
}

static size_t encode_frame(char *out, const void *data, size_t size) {
    unsigned char header[4] = {0, (unsigned char)(size >> 16), (unsigned char)(size >> 8),
                               (unsigned char)size};
    memcpy(out, header, 4);
    if (size > 0) memcpy(out + 4, data, size);
    return 4 + size;
}

static size_t encode_item(char *out, const char *topic, const void *data, size_t size) {
    size_t used = encode_frame(out, topic, strlen(topic));
    return used + encode_frame(out + used, data, size);
}

static void raw_put_frame(int fd, const void *data, size_t size) {
    char *frame = malloc(size + 4);
    raw_put(fd, frame, encode_frame(frame, data, size));
    free(frame);
}

static void raw_put_item(int fd, const char *topic, const char *data) {
    char item[1000];
    raw_put(fd, item, encode_item(item, topic, data, strlen(data)));
}

/* the size of what came: all of it, or what there was before the end */
static size_t raw_get(int fd, void *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t n = recv(fd, (char *)bytes + done, size - done, 0);
        if (n <= 0) break;
        done += (size_t)n;
    }
    return done;
}

static int raw_got(int fd, const void *bytes, size_t size) {
    char *got = malloc(size + 1);
    int same = raw_get(fd, got, size) == size && memcmp(got, bytes, size) == 0;
    free(got);
    return same;
}

static int raw_got_item(int fd, const char *topic, const char *data) {
    char item[1000];
    return raw_got(fd, item, encode_item(item, topic, data, strlen(data)));
}

static int raw_silent(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* whether the other side hangs up, without another word */
static int raw_closed(int fd) {
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE));
}

static int raw_over(int fd) {
    struct tcp_info info;
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == TCP_CLOSE;
}

/* everything that was sent is at the other side: it has been acknowledged */
static void raw_delivered(int fd) {
    int left = 1;
    double limit = check_now() + LIMIT;
    while (ioctl(fd, TIOCOUTQ, &left) == 0 && left > 0 && !raw_over(fd) && check_now() < limit)
        usleep(100);
    CHECK(left == 0 || raw_over(fd));
}

/* a subscriber whose wishes have arrived when this returns */
static int raw_subscribe(const char *address, const char *prefix) {
    int fd = raw_connect(address);
    char hello[300] = NEWS;
    raw_put(fd, hello, 8 + encode_frame(hello + 8, prefix, strlen(prefix)));
    raw_delivered(fd);
    return fd;
}

/* a publisher takes a subscriber, who wants one prefix */
static int raw_take(int listener, const char *prefix) {
    char hello[300] = NEWS;
    int fd = raw_accept(listener);
    CHECK(raw_got(fd, hello, 8 + encode_frame(hello + 8, prefix, strlen(prefix))));
    return fd;
}

/* ---- the library ---- */

static int sends(const char *address, const char *topic, const char *data) {
    return nw0_send_news_to(address, topic, data, NW0_TEXT);
}

static int comes(const char *address, const char *prefix, const char *topic, const char *data,
                 double wait_s) {
    char its_topic[NW0_NAME_SIZE] = "?", got[1000];
    ssize_t n = nw0_wait_for_news_from(address, prefix, its_topic, got, sizeof got, wait_s);
    int right =
        n == (ssize_t)strlen(data) && strcmp(got, data) == 0 && strcmp(its_topic, topic) == 0;
    if (!right)
        printf("    \"%s\" was to come: gave %ld \"%s\" %s\n", data, (long)n,
               n < 0 ? "" : its_topic, n < 0 ? nw0_error() : got);
    return right;
}

static void nothing_comes(const char *address, const char *prefix, double wait_s) {
    char got[1000];
    CHECK_FAILS(nw0_wait_for_news_from(address, prefix, NULL, got, sizeof got, wait_s), ETIMEDOUT);
}

/* from now on news is published there */
static void publish_at(const char *address) {
    CHECK_FAILS(nw0_wait_for_subscribers(address, 1000, 0), ETIMEDOUT);
}

static int has_subscribers(const char *address, int count) {
    return nw0_wait_for_subscribers(address, count, LIMIT) == count;
}

/* publisher and subscriber in this program: for news with that prefix, from now on */
static void subscribe_here(const char *address, const char *prefix, int count) {
    nothing_comes(address, prefix, 0);
    CHECK(has_subscribers(address, count));
}

static void listen_at(const char *address) {
    char none[1];
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0, false), ETIMEDOUT);
}

static int takes(const char *address, const char *text, double wait_s) {
    char got[1000];
    ssize_t n = nw0_wait_for_message_from(address, got, sizeof got, wait_s, false);
    return n == (ssize_t)strlen(text) && strcmp(got, text) == 0;
}

static int answers(const char *address, const char *question, const char *answer) {
    return takes(address, question, LIMIT) && nw0_send_reply_to(address, answer, NW0_TEXT) >= 0;
}

static pthread_t start(void *run(void *), void *argument) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, run, argument) == 0);
    return thread;
}

static void *finish(pthread_t thread) {
    void *result = NULL;
    CHECK(pthread_join(thread, &result) == 0);
    return result;
}

static int in_another_thread(void *run(void *), void *argument) {
    return finish(start(run, argument)) != NULL;
}

/* a byte of its own for each place and size, which a shifted or repeated piece would not match */
static void fill(unsigned char *bytes, size_t size) {
    uint32_t x = (uint32_t)size + 1;
    for (size_t i = 0; i < size; i++) {
        if (i % 64 == 0) x = x * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)((x >> 24) + i);
    }
}

static double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int descriptor_count(void) {
    int count = 0;
    for (int fd = 0; fd < MAX_FD; fd++) count += fcntl(fd, F_GETFD) != -1;
    return count;
}

/* ---- the wire: what a publisher says ---- */

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
    raw_put(fd, NEWS "\0\0\0\1a\0\0\0\2ab\0\0\0\1x\0\0\0\1a", 29);
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

/* tries until it goes to that many: "?", and then, once, "!" */
static int is_wanted_by(const char *address, const char *topic, int count) {
    double limit = check_now() + LIMIT;
    while (sends(address, topic, "?") < count && check_now() < limit) usleep(500);
    return sends(address, topic, "!") == count;
}

/* what was tried until then: news that is still gathered may also reach who comes a moment later */
static int raw_got_tries(int fd, const char *topic) {
    char item[300], got[300];
    size_t size = encode_item(item, topic, "!", 1);
    while (raw_get(fd, got, size) == size && memcmp(got, item, size - 1) == 0)
        if (got[size - 1] != '?') return got[size - 1] == '!';
    return 0;
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
    char address[NW0_ADDRESS_SIZE], hello[] = NEWS "\0\0\0\2ab\0\0\0";
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
        raw_put(fd, &(NEWS "\0\0\0\2a")[i], 1);
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
    char address[NW0_ADDRESS_SIZE], late[300] = NEWS "\0\0\0\1a", much[200] = "";
    new_address(address);
    publish_at(address);
    CHECK(is_refused(address, ZEROMQ, 10));
    CHECK(is_refused(address, "\1", 1));
    CHECK(is_refused(address, "GET / HTTP/1.1\r\n\r\n", 18));
    CHECK(is_refused(address, "\0\0\0\5", 4));
    CHECK(is_refused(address, "\0\0\0\3nw0", 7));
    CHECK(is_refused(address, "\0\0\0\4nw0#", 8));
    CHECK(is_refused(address, "\0\0\0\4NW0!", 8));
    CHECK(is_refused(address, NEWS "\1", 9));
    CHECK(is_refused(address, NEWS "\0\0\0\1a\377\0\0\0", 17)); /* later, too */
    CHECK(is_refused(address, NEWS "\0\0\0\310", 12));          /* 200 bytes are none of a topic */
    CHECK(is_refused(address, NEWS "\0\1\0\0", 12));
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
    char address[NW0_ADDRESS_SIZE], many[1000] = NEWS, topic[4];
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
    double limit = check_now() + LIMIT;
    new_address(address);
    publish_at(address);
    int stays = raw_subscribe(address, ""), leaves = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 2));
    CHECK(nw0_wait_for_subscribers(address, 1, 0) == 2);
    CHECK(nw0_wait_for_subscribers(address, 0, 0) == 2);
    close(leaves);
    while (nw0_wait_for_subscribers(address, 0, 0) > 1 && check_now() < limit) usleep(500);
    CHECK(nw0_wait_for_subscribers(address, 0, 0) == 1);
    CHECK_FAILS(nw0_wait_for_subscribers(address, 2, 0), ETIMEDOUT);
    CHECK(sends(address, "a", "b") == 1);
    CHECK(raw_got_item(stays, "a", "b"));
    close(stays);
    nw0_close(address);
}

/* ---- the wire: what a subscriber says and understands ---- */

static void a_subscriber_speaks_the_wire(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    nothing_comes(address, "ab", 0);
    int fd = raw_accept(listener);
    CHECK(raw_got(fd, NEWS "\0\0\0\2ab", 14));
    CHECK(raw_silent(fd));
    nothing_comes(address, NULL, 0);
    int all = raw_accept(listener);
    CHECK(raw_got(all, NEWS "\0\0\0\0", 12));
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
        CHECK(raw_got(fds[i], NEWS "\0\0\0\4fire\0\0\0\0\0\0\0\5water", 29));
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

static void news_may_come_in_pieces(void) {
    char address[NW0_ADDRESS_SIZE], stream[4000], data[200], name[20];
    unsigned char bytes[200];
    int listener = raw_listen(address);
    nothing_comes(address, "", 0);
    int fd = raw_take(listener, "");
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
    int fd = raw_take(listener, "");
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
    fd = raw_take(listener, "");
    raw_put(fd, bytes, size);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, got, sizeof got, LIMIT), error);
    CHECK(strstr(nw0_error(), address) != NULL);
    if (error == EPROTONOSUPPORT) CHECK(strstr(nw0_error(), "ZeroMQ") != NULL);
    CHECK(raw_closed(fd));
    close(fd);
    fd = raw_take(listener, "");
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

/* a publisher takes a subscriber back, who notices in its next wait that the last one has gone */
static int raw_take_back(int listener, const char *address, const char *prefix) {
    struct pollfd p = {listener, POLLIN, 0};
    double limit = check_now() + LIMIT;
    while (poll(&p, 1, 0) == 0 && check_now() < limit) nothing_comes(address, prefix, 0.002);
    return raw_take(listener, prefix);
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

/* ---- topics, sizes, buffers ---- */

static void topics_have_rules(void) {
    char address[NW0_ADDRESS_SIZE], topic[NW0_NAME_SIZE + 1];
    new_address(address);
    subscribe_here(address, "", 1);
    memset(topic, 't', sizeof topic);
    topic[NW0_NAME_SIZE] = '\0';
    CHECK_FAILS(sends(address, topic, "x"), ENAMETOOLONG);
    topic[NW0_NAME_SIZE - 1] = '\0';
    CHECK(sends(address, topic, "long") == 1);
    CHECK(comes(address, "", topic, "long", LIMIT));
    CHECK_FAILS(sends(address, "\377", "x"), EINVAL);
    CHECK_FAILS(sends(address, "a\303", "x"), EINVAL);
    CHECK_FAILS(sends(address, "\355\240\200", "x"), EINVAL);
    CHECK_FAILS(sends(address, "\300\200", "x"), EINVAL);
    const char *const allowed[] = {"", "?", "?chat", "/", " ", "\303\244\342\202\254", "\n\1"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        CHECK(sends(address, allowed[i], "y") == 1);
        CHECK(comes(address, "", allowed[i], "y", LIMIT));
    }
    nothing_comes(address, "", 0);
    nw0_close(address);
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

/* news of that size goes out and comes back, with a NUL; nothing beyond the buffer is touched */
static int arrives(const char *address, const unsigned char *data, size_t size) {
    unsigned char *room = malloc(size + 65);
    char topic[NW0_NAME_SIZE] = "?";
    memset(room, 0xA5, size + 65);
    int count = nw0_send_news_to(address, "size", data, size);
    ssize_t n = nw0_wait_for_news_from(address, "", topic, room, size + 1, LIMIT);
    int right = count == 1 && n == (ssize_t)size && memcmp(room, data, size) == 0;
    right = right && room[size] == 0 && strcmp(topic, "size") == 0;
    for (size_t i = 1; i < 65; i++) right = right && room[size + i] == 0xA5;
    if (!right)
        printf("    size %zu: went to %d, gave %ld: %s\n", size, count, (long)n, nw0_error());
    free(room);
    return right;
}

static void every_size_arrives_whole(void) {
    unsigned char *data = malloc(MOST);
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "", 1);
    for (size_t power = 1; power <= MOST + 1; power *= 2)
        for (size_t size = power - 1; size <= power + 1 && size <= MOST; size++) {
            fill(data, size);
            CHECK(arrives(address, data, size));
        }
    nw0_close(address);
    free(data);
}

static void news_has_a_limit(void) {
    char address[NW0_ADDRESS_SIZE];
    char *huge = calloc(1, MOST + 1);
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK_FAILS(nw0_send_news_to(address, "a", huge, MOST + 1), EMSGSIZE);
    CHECK_FAILS(nw0_send_news_to(address, "a", NULL, 1), EINVAL);
    nothing_comes(address, "", BRIEF);
    CHECK(sends(address, "a", "less") == 1);
    CHECK(comes(address, "", "a", "less", LIMIT));
    nw0_close(address);
    free(huge);
}

static void the_size_can_be_asked(void) {
    char address[NW0_ADDRESS_SIZE], topic[NW0_NAME_SIZE] = "?";
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK(sends(address, "one", "twelve bytes") == 1 && sends(address, "two", "") == 1);
    CHECK(nw0_wait_for_news_from(address, NULL, topic, NULL, 0, LIMIT) == 12);
    CHECK(strcmp(topic, "one") == 0);
    CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, 0) == 12);
    CHECK(comes(address, "", "one", "twelve bytes", 0));
    CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == 0);
    CHECK(comes(address, "", "two", "", 0));
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, NULL, 0, 0), ETIMEDOUT);
    nw0_close(address);
}

static void a_small_buffer_loses_nothing(void) {
    char address[NW0_ADDRESS_SIZE], room[7] = "......";
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK(sends(address, "a", "hello") == 1 && sends(address, "b", "next") == 1);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 5, LIMIT), EMSGSIZE);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 1, LIMIT), EMSGSIZE);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 0, LIMIT), EMSGSIZE);
    CHECK(strcmp(room + 5, ".") == 0);
    CHECK(nw0_wait_for_news_from(address, "", NULL, room, 6, 0) == 5);
    CHECK(strcmp(room, "hello") == 0);
    CHECK(comes(address, "", "b", "next", LIMIT));
    nw0_close(address);
}

/* the first buffer holds less than the item: what has come of it must be kept elsewhere */
static void a_small_buffer_loses_nothing_large(void) {
    size_t size = 200000;
    unsigned char *data = malloc(size), *room = malloc(size + 1);
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "", 1);
    fill(data, size);
    for (int i = 0; i < 3; i++) {
        CHECK(nw0_send_news_to(address, "large", data, size) == 1);
        CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, size, LIMIT), EMSGSIZE);
        memset(room, 0, size);
        CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 1000, LIMIT), EMSGSIZE);
        CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, 0) == (ssize_t)size);
        memset(room, 0, size);
        CHECK(nw0_wait_for_news_from(address, "", NULL, room, size + 1, 0) == (ssize_t)size);
        CHECK(memcmp(room, data, size) == 0);
        CHECK(sends(address, "small", "too") == 1 && comes(address, "", "small", "too", LIMIT));
    }
    nw0_close(address);
    free(data);
    free(room);
}

/* half of it comes while one waits with a large buffer, the rest while one asks for the size */
static void half_an_item_survives_a_change_of_buffers(void) {
    size_t size = 300000, cut = 123456;
    unsigned char *data = malloc(size), *room = malloc(size + 1);
    char address[NW0_ADDRESS_SIZE], *item = malloc(size + 20);
    int listener = raw_listen(address);
    fill(data, size);
    size_t used = encode_item(item, "large", data, size);
    nothing_comes(address, "", 0);
    int fd = raw_take(listener, "");
    raw_put(fd, item, cut);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, size + 1, BRIEF), ETIMEDOUT);
    memset(room, 0, size);
    raw_put(fd, item + cut, used - cut - 1);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 10, BRIEF), ETIMEDOUT);
    raw_put(fd, item + used - 1, 1);
    CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == (ssize_t)size);
    CHECK(nw0_wait_for_news_from(address, "", NULL, room, size + 1, 0) == (ssize_t)size);
    CHECK(memcmp(room, data, size) == 0);
    close(fd);
    close(listener);
    nw0_close(address);
    free(data);
    free(room);
    free(item);
}

/* ---- addresses and time ---- */

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

/* ---- who gets what ---- */

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

/* the next item of this round: who comes a moment after an item may get that, too */
static int raw_got_of_round(int fd, int round, const char *topic) {
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
        raw_put(fd, NEWS "\0\0\0\0", cut);
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

/* of one, two or three items, the second and the third are gathered; somebody who has them proves
 * that they have left */
static void who_comes_later_gets_what_follows(const char *address) {
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
    raw_put(fd, NEWS "\0\0\0\1a\0\0\0\1b", 18);
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
    int fd = raw_listen(address); /* a wait of 0 finds one that was not accepted yet */
    close(fd);
    listen_at(address);
    fd = raw_subscribe(address, "");
    CHECK(nw0_wait_for_subscribers(address, 1, 0) == 1);
    close(fd);
    nw0_close(address);
}

/* ---- publishers come and go, slow subscribers ---- */

/* another process of this program, or of Python; what it prints can be read from *out */
static pid_t start_process(char *const words[], int *out) {
    int ends[2] = {-1, -1};
    CHECK(out == NULL || pipe(ends) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (out != NULL) dup2(ends[1], STDOUT_FILENO);
        if (out != NULL) close(ends[0]), close(ends[1]);
        execvp(words[0], words);
        _exit(127);
    }
    if (out != NULL) close(ends[1]), *out = ends[0];
    return pid;
}

static pid_t start_again(const char *what, char *address, int *out) {
    char *words[] = {program, (char *)(uintptr_t)what, address, NULL};
    return start_process(words, out);
}

static int ended_well(pid_t pid) {
    int status = -1;
    return waitpid(pid, &status, 0) == pid && status == 0;
}

/* a line that another process prints, or what there is of it before the end */
static const char *line_from(int fd, char *line, size_t size) {
    size_t n = 0;
    while (n + 1 < size && read(fd, line + n, 1) == 1 && line[n] != '\n') n++;
    line[n] = '\0';
    return line;
}

/* publishes until it is killed */
static int publish_and_stay(const char *address) {
    if (nw0_wait_for_subscribers(address, 1, LIMIT) < 1) return 1;
    if (sends(address, "alive", "yes") < 1) return 2;
    while (sends(address, "noise", "?") >= 0) usleep(1000);
    return 3;
}

/* the subscription is older than the publisher, and outlives it */
static void a_publisher_may_die_and_come_back(void) {
    char address[NW0_ADDRESS_SIZE];
    int status = 0;
    new_address(address);
    nothing_comes(address, "alive", 0);
    for (int life = 0; life < 4; life++) {
        pid_t pid = start_again("--publish", address, NULL);
        CHECK(comes(address, "alive", "alive", "yes", LIMIT));
        kill(pid, life % 2 ? SIGKILL : SIGTERM);
        CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
    }
    nw0_close(address);
}

/* closed and opened again in the same program */
static void a_publisher_may_close_and_come_back(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
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

/* an item that can be recognized: its number, its size and all its bytes belong together */
#define NUMBERED 15000

static size_t numbered(unsigned char *data, unsigned number) {
    size_t size = 5000 + number * 7919u % 10000;
    fill(data, size);
    memcpy(data, &number, sizeof number);
    return size;
}

/* the number of an item that is whole, or -1 */
static long number_of(const unsigned char *data, size_t size) {
    static unsigned char right[NUMBERED];
    unsigned number;
    memcpy(&number, data, sizeof number);
    return numbered(right, number) == size && memcmp(right, data, size) == 0 ? (long)number : -1;
}

/* takes numbered items until the last one, which comes although others were missed */
static int subscribe_and_count(const char *address) {
    unsigned char data[NUMBERED + 1];
    char topic[NW0_NAME_SIZE];
    long last = -1, missed = 0;
    for (;;) {
        ssize_t n = nw0_wait_for_news_from(address, "", topic, data, sizeof data, LIMIT);
        if (n < 0 && errno == EINTR) continue; /* SIGCONT, after SIGSTOP, ends some system calls */
        if (n < 0) return printf("%s\n", nw0_error()), 2;
        if (strcmp(topic, "end") == 0) return printf("missed %ld\n", missed), missed == 0;
        long number = number_of(data, (size_t)n);
        if (number <= last || strcmp(topic, "number") != 0) return printf("broken\n"), 3;
        missed += number - last - 1;
        last = number;
    }
}

/* so many numbered items: this program's own subscriber has each of them at once. Returns what the
 * slowest send took */
static double publish_numbered(const char *address, unsigned from, unsigned to, int count) {
    static unsigned char data[NUMBERED], room[NUMBERED + 1];
    double slowest = 0;
    for (unsigned i = from; i < to && !check_faults; i++) {
        size_t size = numbered(data, i);
        double begin = check_now();
        CHECK(nw0_send_news_to(address, "number", data, size) == count);
        if (check_now() - begin > slowest) slowest = check_now() - begin;
        ssize_t n = nw0_wait_for_news_from(address, "", NULL, room, sizeof room, LIMIT);
        CHECK(n == (ssize_t)size && memcmp(room, data, size) == 0);
    }
    return slowest;
}

static void who_does_not_read_misses_whole_items_and_holds_up_nobody(void) {
    char address[NW0_ADDRESS_SIZE], line[40];
    int out;
    new_address(address);
    subscribe_here(address, "", 1);
    pid_t pid = start_again("--subscribe", address, &out);
    CHECK(has_subscribers(address, 2));
    publish_numbered(address, 0, 10, 2);
    kill(pid, SIGSTOP);
    size_t before = __atomic_load_n(&memory_now, __ATOMIC_SEQ_CST);
    __atomic_store_n(&memory_peak, before, __ATOMIC_SEQ_CST);
    CHECK(publish_numbered(address, 10, 2500, 2) < 1); /* 25 MB */
    CHECK(__atomic_load_n(&memory_peak, __ATOMIC_SEQ_CST) - before < NW0_NEWS_BUFFER + 100000);
    kill(pid, SIGCONT);
    publish_numbered(address, 2500, 2600, 2);
    CHECK(sends(address, "end", "") == 2);
    CHECK(strncmp(line_from(out, line, sizeof line), "missed ", 7) == 0);
    if (check_faults) printf("    it said: %s\n", line);
    CHECK(ended_well(pid));
    close(out);
    nw0_close(address);
}

/* a raw subscriber that reads nothing until it is told to */
static int raw_subscribe_lazily(const char *address, const char *prefix) {
    int small = 100000, fd = raw_socket();
    char hello[300] = NEWS;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    raw_call(fd, address);
    raw_put(fd, hello, 8 + encode_frame(hello + 8, prefix, strlen(prefix)));
    return fd;
}

/* what comes is whole items in their order; the last one's topic is "end". How many there were */
static int raw_reads_whole_items(int fd) {
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

static void many_who_do_not_read_cost_little(void) {
    enum { LAZY = 8 };
    char address[NW0_ADDRESS_SIZE];
    int fds[LAZY];
    new_address(address);
    subscribe_here(address, "", 1);
    for (int i = 0; i < LAZY; i++) fds[i] = raw_subscribe_lazily(address, i % 2 ? "" : "n");
    CHECK(has_subscribers(address, 1 + LAZY));
    size_t before = __atomic_load_n(&memory_now, __ATOMIC_SEQ_CST);
    __atomic_store_n(&memory_peak, before, __ATOMIC_SEQ_CST);
    CHECK(publish_numbered(address, 0, 1000, 1 + LAZY) < 1);
    CHECK(__atomic_load_n(&memory_peak, __ATOMIC_SEQ_CST) - before <
          NW0_NEWS_BUFFER + 100000 + (LAZY + 1) * NUMBERED);
    for (int i = 2; i < LAZY; i++) raw_put_frame(fds[i], "end", 3); /* for those with "n", too */
    close(fds[0]);
    close(fds[1]);
    double limit = check_now() + LIMIT;
    while (nw0_wait_for_subscribers(address, 0, 0) > LAZY - 1 && check_now() < limit) usleep(500);
    CHECK(is_wanted_by(address, "end", LAZY - 1));
    for (int i = 2; i < LAZY; i++) {
        int count = raw_reads_whole_items(fds[i]);
        CHECK(count > 0 && count < 1000);
        close(fds[i]);
    }
    nw0_close(address);
}

/* the largest item in the middle of others, to one who reads and one who does not */
static void a_large_item_and_a_slow_subscriber(void) {
    char address[NW0_ADDRESS_SIZE];
    unsigned char *data = malloc(MOST), head[15];
    new_address(address);
    subscribe_here(address, "", 1);
    int lazy = raw_subscribe_lazily(address, "");
    CHECK(has_subscribers(address, 2));
    fill(data, MOST);
    for (int i = 0; i < 3; i++) {
        char *room = malloc(MOST + 1);
        CHECK(nw0_send_news_to(address, "large", data, MOST) == 2);
        CHECK(nw0_wait_for_news_from(address, "", NULL, room, MOST + 1, LIMIT) == (ssize_t)MOST);
        CHECK(memcmp(room, data, MOST) == 0);
        free(room);
        CHECK(sends(address, "small", "x") == 2 && comes(address, "", "small", "x", LIMIT));
    }
    CHECK(raw_get(lazy, head, 13) == 13 && memcmp(head, "\0\0\0\5large\0\377\377\377", 13) == 0);
    CHECK(raw_got(lazy, data, MOST)); /* it had begun, so it comes whole */
    close(lazy);
    nw0_close(address);
    free(data);
}

/* ---- the end ---- */

static int publish_and_exit(const char *address, unsigned count) {
    static unsigned char data[NUMBERED];
    if (nw0_wait_for_subscribers(address, 1000, 0) != -1) return 1;
    printf("ready\n");
    fflush(stdout);
    if (nw0_wait_for_subscribers(address, 1, LIMIT) < 1) return 2;
    for (unsigned i = 0; i < count; i++)
        if (nw0_send_news_to(address, "number", data, numbered(data, i)) < 1) return 3;
    if (sends(address, "end", "") < 1) return 4;
    printf("done\n");
    fflush(stdout);
    return 0; /* from main: a normal exit */
}

static void what_is_unsent_leaves_at_exit(void) {
    char address[NW0_ADDRESS_SIZE], line[10];
    int out;
    for (int much = 0; much < 2; much++) {
        new_address(address);
        pid_t pid = start_again(much ? "--torrent" : "--flood", address, &out);
        CHECK(strcmp(line_from(out, line, sizeof line), "ready") == 0);
        int fd = raw_subscribe_lazily(address, "");
        CHECK(strcmp(line_from(out, line, sizeof line), "done") == 0);
        int count = raw_reads_whole_items(fd);
        CHECK(much ? count > 0 : count == 10);
        CHECK(raw_closed(fd));
        CHECK(ended_well(pid));
        close(fd);
        close(out);
    }
}

/* one who never reads does not keep the program from ending */
static void an_exit_does_not_wait_for_ever(void) {
    char address[NW0_ADDRESS_SIZE], line[10];
    int out;
    new_address(address);
    pid_t pid = start_again("--torrent", address, &out);
    CHECK(strcmp(line_from(out, line, sizeof line), "ready") == 0);
    int fd = raw_subscribe_lazily(address, "");
    CHECK(strcmp(line_from(out, line, sizeof line), "done") == 0);
    double begin = check_now();
    CHECK(ended_well(pid));
    CHECK(check_now() - begin < 5);
    close(fd);
    close(out);
}

static void closing_unsubscribes(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    nothing_comes(address, "a", 0);
    nothing_comes(address, "b", 0);
    int a = raw_take(listener, "a"), b = raw_take(listener, "b");
    raw_put_item(a, "a", "never taken");
    CHECK(nw0_close(address) >= 0);
    CHECK(raw_closed(a) && raw_closed(b));
    CHECK_FAILS(nw0_close(address), ENOENT);
    close(a);
    close(b);
    nothing_comes(address, "a", 0);
    a = raw_take(listener, "a");
    raw_put_item(a, "a", "again");
    CHECK(comes(address, "a", "a", "again", LIMIT));
    nw0_close(address);
    close(a);
    close(listener);
}

static void closing_hangs_up_on_subscribers(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int fd = raw_subscribe(address, ""), silent = raw_connect(address);
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, "last", "1") == 1 && sends(address, "last", "2") == 1);
    CHECK(nw0_close(address) >= 0);
    CHECK(raw_got_item(fd, "last", "1") && raw_got_item(fd, "last", "2"));
    CHECK(raw_closed(fd) && raw_closed(silent));
    close(fd);
    close(silent);
    int listener = raw_listen_at(address); /* the port is free */
    close(listener);
    CHECK(sends(address, "a", "b") == 0); /* and may be used again */
    nw0_close(address);
}

typedef struct waiter {
    const char *address;
    char kind;
    int failure, ready;
    char sentence[300];
    double took;
    pthread_t thread;
} waiter;

static void *waiter_run(void *argument) {
    waiter *w = argument;
    char room[8];
    double begin = check_now();
    long n = w->kind == 's' ? (long)nw0_wait_for_subscribers(w->address, 1000, LIMIT)
                            : (long)nw0_wait_for_news_from(w->address, "", NULL, room, 8, LIMIT);
    w->failure = n == -1 ? errno : 0;
    w->took = check_now() - begin;
    snprintf(w->sentence, sizeof w->sentence, "%s", nw0_error());
    __atomic_store_n(&w->ready, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* closing is repeated, for it may come before the other thread's wait has begun */
static void closing_ends_another_threads_wait(void) {
    char address[NW0_ADDRESS_SIZE];
    for (int kind = 0; kind < 2; kind++) {
        waiter w;
        new_address(address);
        memset(&w, 0, sizeof w);
        w.address = address;
        w.kind = "sn"[kind];
        w.thread = start(waiter_run, &w);
        while (!__atomic_load_n(&w.ready, __ATOMIC_SEQ_CST)) {
            usleep(20000);
            nw0_close(address);
        }
        finish(w.thread);
        CHECK(w.failure == ECANCELED && w.took < LIMIT / 2);
    }
}

static void a_wait_that_was_closed_names_no_port_0(void) {
    char address[NW0_ADDRESS_SIZE];
    waiter w;
    new_address(address);
    memset(&w, 0, sizeof w);
    w.address = address;
    w.kind = 'n';
    w.thread = start(waiter_run, &w);
    while (!__atomic_load_n(&w.ready, __ATOMIC_SEQ_CST)) {
        usleep(20000);
        nw0_close(address);
    }
    finish(w.thread);
    CHECK(w.failure == ECANCELED && strlen(w.sentence) > 20);
    CHECK(strstr(w.sentence, "port 0") == NULL);
}

static void a_shutdown_ends_waits_and_frees_everything(void) {
    char address[NW0_ADDRESS_SIZE], absent[NW0_ADDRESS_SIZE], other[NW0_ADDRESS_SIZE];
    nw0_shutdown();
    int listener = raw_listen(other), descriptors = descriptor_count();
    for (int round = 0; round < 3; round++) {
        waiter w[2];
        CHECK(__atomic_load_n(&memory_now, __ATOMIC_SEQ_CST) == 0);
        CHECK(descriptor_count() == descriptors);
        new_address(address);
        new_address(absent);
        subscribe_here(address, "", 1);
        nothing_comes(absent, "", 0);
        nothing_comes(other, "", 0);
        int fd = raw_take(listener, ""), lazy = raw_subscribe_lazily(address, "");
        CHECK(has_subscribers(address, 2));
        raw_put(fd, "\0\0\0\3one\0\0\0\11half of", 18);
        raw_delivered(fd);
        nothing_comes(other, "", 0);
        CHECK(sends(address, "a", "b") == 2 && sends(address, "c", "d") == 2);
        CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == 1);
        memset(w, 0, sizeof w);
        for (int i = 0; i < 2; i++) {
            w[i].address = i ? address : absent;
            w[i].kind = i ? 's' : 'n';
            w[i].thread = start(waiter_run, &w[i]);
        }
        nw0_shutdown();
        CHECK(raw_closed(fd));
        CHECK(raw_got_item(lazy, "a", "b") && raw_got_item(lazy, "c", "d") && raw_closed(lazy));
        close(fd);
        close(lazy);
        for (int i = 0; i < 2; i++) {
            nw0_shutdown(); /* it may have begun its wait only now */
            while (!__atomic_load_n(&w[i].ready, __ATOMIC_SEQ_CST)) usleep(1000), nw0_shutdown();
            finish(w[i].thread);
            CHECK(w[i].failure == ECANCELED && w[i].took < LIMIT / 2);
        }
        nw0_shutdown();
    }
    close(listener);
    CHECK(descriptor_count() == descriptors - 1);
    CHECK(__atomic_load_n(&memory_now, __ATOMIC_SEQ_CST) == 0);
}

/* ---- messages and news at one address ---- */

/* answers every message at the address with itself, until it is "stop" */
static void *echo(void *address) {
    char room[100] = "";
    while (strcmp(room, "stop") != 0) {
        ssize_t n = nw0_wait_for_message_from(address, room, sizeof room, LIMIT, false);
        if (n < 0 || nw0_send_reply_to(address, room, (size_t)n) < 0) return NULL;
    }
    return address;
}

static int asks(const char *address, const char *question, const char *answer) {
    char got[100];
    ssize_t n = nw0_send_message_to(address, question, NW0_TEXT, got, sizeof got, LIMIT);
    return n == (ssize_t)strlen(answer) && strcmp(got, answer) == 0;
}

static void *serve_two_questions(void *address) {
    return answers(address, "question", "answer") && answers(address, "", "") ? address : NULL;
}

/* several questions of one caller, in whichever pieces they come */
static void questions_are_answered_while_news_flows(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int fd = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 1));
    for (int i = 0; i < 100 && !check_faults; i++) {
        size_t cut = (size_t)i % 21;
        pthread_t server = start(serve_two_questions, address);
        if (i % 3) usleep(500);
        int asker = raw_connect(address);
        raw_put(asker, QUESTIONS "\0\0\0\10question", cut);
        raw_delivered(asker);
        CHECK(sends(address, "x", "meanwhile") == 1);
        raw_put(asker, &(QUESTIONS "\0\0\0\10question")[cut], 20 - cut);
        CHECK(raw_got(asker, "\0\0\0\6answer", 10));
        CHECK(sends(address, "x", "between") == 1);
        raw_put(asker, "\0\0\0\0", 4);
        CHECK(raw_got(asker, "\0\0\0\0", 4));
        CHECK(raw_silent(asker));
        CHECK(finish(server) != NULL);
        CHECK(raw_got_item(fd, "x", "meanwhile") && raw_got_item(fd, "x", "between"));
        CHECK(nw0_wait_for_subscribers(address, 0, 0) == 1);
        close(asker);
    }
    close(fd);
    nw0_close(address);
}

/* the library on all sides */
static void a_server_publishes_too(void) {
    char address[NW0_ADDRESS_SIZE], text[20];
    new_address(address);
    subscribe_here(address, "", 1);
    pthread_t server = start(echo, address);
    for (int i = 0; i < 300 && !check_faults; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, "n", text) == 1);
        CHECK(asks(address, i % 10 ? text : "", i % 10 ? text : ""));
        CHECK(comes(address, "", "n", text, LIMIT));
    }
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_close(address);
}

/* when nobody waits for messages, they wait */
static void questions_wait_while_news_flows(void) {
    char address[NW0_ADDRESS_SIZE];
    static const char *const questions[] = {"", "hello", ""};
    new_address(address);
    publish_at(address);
    for (int i = 0; i < 3; i++) {
        int asker = raw_connect(address), n = (int)strlen(questions[i]);
        raw_put(asker, QUESTIONS, 8);
        raw_put_frame(asker, questions[i], (size_t)n);
        raw_delivered(asker);
        for (int k = 0; k < 20; k++) CHECK(sends(address, "x", "y") == 0);
        CHECK(takes(address, questions[i], 0));
        CHECK(nw0_send_reply_to(address, "so be it", NW0_TEXT) >= 0);
        CHECK(raw_got(asker, "\0\0\0\10so be it", 12));
        raw_put_frame(asker, "more", 4);
        raw_delivered(asker);
        for (int k = 0; k < 20; k++) CHECK(sends(address, "x", "y") == 0);
        CHECK(answers(address, "more", "less"));
        CHECK(raw_got(asker, "\0\0\0\4less", 8));
        close(asker);
    }
    nw0_close(address);
}

static void *take_empty(void *address) {
    return answers(address, "", "nothing") ? address : NULL;
}

static void an_empty_question_wakes_who_waits(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    for (int i = 0; i < 100 && !check_faults; i++) {
        pthread_t server = start(take_empty, address);
        if (i % 2) usleep(500);
        int asker = raw_connect(address);
        if (i % 4 < 2) raw_put(asker, QUESTIONS, 8), raw_delivered(asker);
        else raw_put(asker, QUESTIONS "\0\0", 10), raw_delivered(asker);
        raw_put(asker, "\0\0\0\0", i % 4 < 2 ? 4 : 2);
        CHECK(raw_got(asker, "\0\0\0\7nothing", 11));
        CHECK(finish(server) != NULL);
        close(asker);
    }
    nw0_close(address);
}

/* the one who answers is not the one who publishes, and both meet the callers */
static void subscribers_come_where_messages_are_awaited(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    pthread_t server = start(echo, address);
    for (int i = 0; i < 50 && !check_faults; i++) {
        CHECK(asks(address, "hello", "hello"));
        int fd = raw_connect(address), late = raw_connect(address);
        raw_put(fd, NEWS "\0\0\0\1a\0\0\0\1b", 18);
        raw_put(late, NEWS, 8);
        raw_delivered(late);
        raw_put(late, "\0\0\0\0", 4);
        CHECK(has_subscribers(address, 2));
        CHECK(is_wanted_by(address, "b", 2));
        CHECK(sends(address, "c", "x") == 1);
        CHECK(raw_got_tries(fd, "b"));
        close(fd);
        close(late);
        double limit = check_now() + LIMIT;
        while (nw0_wait_for_subscribers(address, 0, 0) > 0 && check_now() < limit) usleep(500);
    }
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_close(address);
}

/* who waits for messages may be the one who accepts a subscriber, and hear what it wants only after
 * the item was sent: so each says it a moment before, and nothing follows. In every other round
 * the item leaves at once, else it is gathered with the last one. */
static void subscribers_meet_those_who_wait(int waiting) {
    char address[NW0_ADDRESS_SIZE], text[20];
    pthread_t servers[2];
    new_address(address);
    publish_at(address);
    for (int i = 0; i < waiting; i++) servers[i] = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    double limit = check_now() + 0.8;
    for (int i = 0; i < 1500 && check_now() < limit && !check_faults; i++) {
        if (i % 2) usleep(400);
        int fd = raw_subscribe(address, "");
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, "now", text) >= 0);
        CHECK(raw_got_of_round(fd, i, "now"));
        if (check_faults) printf("    with %d who wait, in round %d\n", waiting, i);
        close(fd);
    }
    for (int i = 0; i < waiting && !check_faults; i++) CHECK(asks(address, "stop", "stop"));
    nw0_close(address);
    for (int i = 0; i < waiting; i++) finish(servers[i]);
}

static void whoever_is_connected_gets_it_where_messages_are_awaited(void) {
    subscribers_meet_those_who_wait(1);
    subscribers_meet_those_who_wait(2);
}

static void what_has_left_is_not_for_who_comes_later_where_messages_are_awaited(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    pthread_t server = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    who_comes_later_gets_what_follows(address);
    if (!check_faults) CHECK(asks(address, "stop", "stop"));
    nw0_close(address);
    finish(server);
}

/* ---- signals ---- */

static void on_signal(int number) {
    (void)number;
}

static void handle(int number, int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    CHECK(sigaction(number, &action, NULL) == 0);
}

/* a thread that sends another one a signal every so many microseconds, until it is stopped */
typedef struct pest {
    pthread_t victim, thread;
    int stop;
    useconds_t every;
} pest;

static void *pest_run(void *argument) {
    pest *p = argument;
    while (!__atomic_load_n(&p->stop, __ATOMIC_SEQ_CST)) {
        usleep(p->every);
        pthread_kill(p->victim, SIGUSR1);
    }
    return NULL;
}

static void pest_start(pest *p, useconds_t every) {
    memset(p, 0, sizeof *p);
    p->victim = pthread_self();
    p->every = every;
    p->thread = start(pest_run, p);
}

static void pest_stop(pest *p) {
    __atomic_store_n(&p->stop, 1, __ATOMIC_SEQ_CST);
    finish(p->thread);
}

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
        pest_start(&p, 10000);
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
    int fd = raw_take(listener, "");
    for (size_t done = 0, piece = 3; done < used; done += piece, piece *= 4) {
        raw_put(fd, item + done, piece < used - done ? piece : used - done);
        raw_delivered(fd);
        if (piece >= used - done) break;
        pest_start(&p, 3000);
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
    pest_start(&p, 200);
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

/* ---- threads ---- */

enum { ITEMS = 2000, READERS = 3 };

static struct crowd {
    char address[NW0_ADDRESS_SIZE];
    int seen[ITEMS], wrong;
} crowd;

/* takes items until one is called "stop"; every other one after it has asked for the size */
static void *crowd_read(void *unused) {
    char room[20], topic[NW0_NAME_SIZE];
    for (int i = 0;; i++) {
        ssize_t size = -2, n;
        if (i % 2) size = nw0_wait_for_news_from(crowd.address, "", NULL, NULL, 0, LIMIT);
        n = nw0_wait_for_news_from(crowd.address, "", topic, room, sizeof room,
                                   size == -2 ? LIMIT : 0);
        if (n < 0 || (size != -2 && size != n))
            __atomic_add_fetch(&crowd.wrong, 1, __ATOMIC_SEQ_CST);
        if (n < 0 || strcmp(topic, "stop") == 0) return unused;
        __atomic_add_fetch(&crowd.seen[atoi(room)], 1, __ATOMIC_SEQ_CST);
    }
}

static void threads_that_wait_for_the_same_news_share_it(void) {
    pthread_t threads[READERS];
    char text[20];
    memset(&crowd, 0, sizeof crowd);
    new_address(crowd.address);
    subscribe_here(crowd.address, "", 1);
    for (int i = 0; i < READERS; i++) threads[i] = start(crowd_read, NULL);
    for (int i = 0; i < ITEMS; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(crowd.address, "n", text) == 1);
        if (i % 100 < 3) usleep(1000); /* now and then one alone */
    }
    for (int i = 0; i < READERS; i++) CHECK(sends(crowd.address, "stop", "") == 1);
    for (int i = 0; i < READERS; i++) finish(threads[i]);
    CHECK(crowd.wrong == 0);
    for (int i = 0; i < ITEMS; i++) CHECK(crowd.seen[i] == 1);
    nw0_close(crowd.address);
}

typedef struct newcomer {
    const char *address;
    pthread_barrier_t *together;
} newcomer;

static void *subscribe_together(void *argument) {
    newcomer *n = argument;
    pthread_barrier_wait(n->together);
    return nw0_wait_for_news_from(n->address, "", NULL, NULL, 0, 0) == -1 && errno == ETIMEDOUT
               ? argument
               : NULL;
}

/* a host's name takes a while to look up: another thread may subscribe meanwhile */
static void threads_that_subscribe_at_once_subscribe_once(void) {
    char address[NW0_ADDRESS_SIZE], name[NW0_ADDRESS_SIZE], canonical[NW0_ADDRESS_SIZE] = "";
    pthread_barrier_t together;
    newcomer n = {name, &together};
    for (int round = 0; round < 8 && !check_faults; round++) {
        new_address(address);
        snprintf(name, sizeof name, "localhost%s", strchr(address, ':'));
        if (nw0_address(name, canonical) < 0 || strcmp(canonical, address) != 0) {
            printf("    (skipped: localhost is not 127.0.0.1 here)\n");
            return;
        }
        publish_at(address);
        CHECK(pthread_barrier_init(&together, NULL, 2) == 0);
        pthread_t one = start(subscribe_together, &n), two = start(subscribe_together, &n);
        CHECK(finish(one) != NULL && finish(two) != NULL);
        pthread_barrier_destroy(&together);
        CHECK(has_subscribers(address, 1));
        CHECK_FAILS(nw0_wait_for_subscribers(address, 2, BRIEF), ETIMEDOUT);
        CHECK(sends(address, "to", "both") == 1);
        CHECK(comes(name, "", "to", "both", LIMIT));
        nw0_close(address);
        nw0_close(name);
    }
}

static void *crowd_publish(void *argument) {
    char text[20];
    int first = *(int *)argument;
    for (int i = first; i < first + ITEMS / 4; i++) {
        snprintf(text, sizeof text, "%d", i);
        if (sends(crowd.address, "n", text) != 1) return NULL;
    }
    return argument;
}

static void several_threads_publish(void) {
    pthread_t threads[4];
    int first[4];
    char room[20];
    memset(&crowd, 0, sizeof crowd);
    new_address(crowd.address);
    subscribe_here(crowd.address, "n", 1);
    for (int i = 0; i < 4; i++) {
        first[i] = i * ITEMS / 4;
        threads[i] = start(crowd_publish, &first[i]);
    }
    for (int i = 0; i < ITEMS; i++) {
        CHECK(nw0_wait_for_news_from(crowd.address, "n", NULL, room, sizeof room, LIMIT) > 0);
        crowd.seen[atoi(room)]++;
    }
    for (int i = 0; i < 4; i++) CHECK(finish(threads[i]) != NULL);
    for (int i = 0; i < ITEMS; i++) CHECK(crowd.seen[i] == 1);
    nothing_comes(crowd.address, "n", 0);
    nw0_close(crowd.address);
}

static void *take_nothing(void *address) {
    char room[100];
    ssize_t n = nw0_wait_for_news_from(address, "", NULL, room, sizeof room, BRIEF);
    return n == -1 && errno == ETIMEDOUT ? address : NULL;
}

static void *ask_for_a_size(void *address) {
    return nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == 3 ? address : NULL;
}

static void the_news_whose_size_was_asked_is_this_threads(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK(sends(address, "1", "one") == 1);
    CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == 3);
    CHECK(sends(address, "2", "two") == 1);
    CHECK(in_another_thread(take_nothing, address));
    CHECK(comes(address, "", "1", "one", 0));
    CHECK(comes(address, "", "2", "two", LIMIT));
    CHECK(sends(address, "3", "three") == 1);
    CHECK(comes(address, "", "3", "three", LIMIT));
    nw0_close(address);
}

static void the_news_of_a_thread_that_ends_is_for_the_others(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK(sends(address, "1", "one") == 1);
    CHECK(sends(address, "2", "two") == 1);
    CHECK(in_another_thread(ask_for_a_size, address));
    CHECK(comes(address, "", "1", "one", LIMIT) && comes(address, "", "2", "two", LIMIT));
    CHECK(sends(address, "3", "three") == 1);
    CHECK(comes(address, "", "3", "three", LIMIT));
    nw0_close(address);
}

/* ---- fork ---- */

static void child_lives_a_life_of_its_own(const char *parent, const char *own, int fd) {
    CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF); /* it closed what is its parent's */
#ifdef NW0__EPOLL /* a thread that is polling has an array of its own, which nobody can free */
    CHECK(__atomic_load_n(&memory_now, __ATOMIC_SEQ_CST) == 0);
#endif
    if (CHILD_HAS_NO_THREADS) return;
    nothing_comes(parent, "", 0); /* subscribes anew */
    CHECK(sends(own, "nobody", "yet") == 0);
    CHECK(has_subscribers(own, 1));
    CHECK(sends(own, "hello", "parent") == 1);
    CHECK(comes(parent, "", "hello", "child", LIMIT));
}

static void a_forked_child_starts_afresh(void) {
    char address[NW0_ADDRESS_SIZE], child[NW0_ADDRESS_SIZE];
    nw0_shutdown();
    new_address(address);
    new_address(child);
    subscribe_here(address, "", 1);
    int raw = raw_subscribe(address, ""), fd = nw0_fd(address);
    CHECK(has_subscribers(address, 2));
    CHECK(sends(address, "before", "1") == 2 && sends(address, "before", "2") == 2);
    CHECK(raw_got_item(raw, "before", "1") && raw_got_item(raw, "before", "2"));
    if (fd < 0) fd = MAX_FD - 1; /* where there is no epoll */
    pid_t pid = fork();
    if (pid == 0) {
        is_child = 1;
        check_faults = 0;
        child_lives_a_life_of_its_own(address, child, fd);
        exit(check_faults);
    }
    if (!CHILD_HAS_NO_THREADS) {
        nothing_comes(child, "", 0);
        CHECK(comes(child, "", "hello", "parent", LIMIT));
        CHECK(has_subscribers(address, 3));
        CHECK(sends(address, "hello", "child") == 3);
    }
    CHECK(ended_well(pid));
    if (CHILD_HAS_NO_THREADS) CHECK(sends(address, "hello", "child") == 2);
    CHECK(comes(address, "", "before", "1", LIMIT) && comes(address, "", "before", "2", LIMIT));
    CHECK(comes(address, "", "hello", "child", LIMIT));
    CHECK(raw_got_item(raw, "hello", "child") && raw_silent(raw));
    close(raw);
    nw0_close(address);
    nw0_close(child);
}

/* ---- loops of one's own ---- */

static int is_readable(int fd, double wait_s) {
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, (int)(wait_s * 1000)) == 1 && (p.revents & POLLIN);
}

/* the same by select() and epoll */
static int is_readable_three_ways(int fd) {
    fd_set set;
    struct timeval none = {0, 0};
    int readable = is_readable(fd, 0);
    FD_ZERO(&set);
    FD_SET(fd, &set);
    CHECK(select(fd + 1, &set, NULL, NULL, &none) == readable);
#ifdef __linux__
    struct epoll_event e = {EPOLLIN, {NULL}};
    int outer = epoll_create1(EPOLL_CLOEXEC);
    CHECK(epoll_ctl(outer, EPOLL_CTL_ADD, fd, &e) == 0);
    CHECK(epoll_wait(outer, &e, 1, 0) == readable);
    close(outer);
#endif
    return readable;
}

/* nothing is there, and nothing is worth a call */
static int is_quiet(int fd) {
    return !is_readable(fd, BRIEF) && !is_readable_three_ways(fd);
}

/* one with 0 seconds is worth calling, but may find nothing */
static void look_for_news(const char *address, int fd) {
    CHECK(is_readable(fd, LIMIT));
    nothing_comes(address, "", 0);
}

static int has_no_epoll(const char *address) {
    if (nw0_fd(address) >= 0 || errno != ENOTSUP) return 0;
    CHECK_FAILS(nw0_news_fd(address, ""), ENOTSUP);
    printf("    (skipped: no epoll)\n");
    nw0_close(address);
    return 1;
}

static void nw0_news_fd_is_readable_when_a_wait_is_worth_calling(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    if (has_no_epoll(address)) return;
    publish_at(address);
    int fd = nw0_news_fd(address, ""); /* subscribes by itself */
    CHECK(fd >= 0);
    CHECK(has_subscribers(address, 1));
    CHECK(nw0_news_fd(address, NULL) == fd && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(nw0_news_fd(address, "other") != fd);
    CHECK(is_quiet(fd));
    for (int i = 0; i < 20; i++) {
        CHECK(sends(address, "a", "b") == 1);
        CHECK(is_readable(fd, LIMIT) && is_readable_three_ways(fd));
        CHECK(comes(address, "", "a", "b", 0));
        CHECK(!is_readable_three_ways(fd));
    }
    CHECK(is_quiet(fd));
    nw0_close(address);
}

/* what was read in one gulp keeps it readable until all is taken */
static void nw0_news_fd_stays_readable_while_there_is_more(void) {
    char address[NW0_ADDRESS_SIZE], stream[8000], text[20];
    size_t used = 0;
    int listener = raw_listen(address), fd = nw0_news_fd(address, "");
    if (fd < 0) printf("    (skipped: no epoll)\n"), close(listener);
    if (fd < 0) return;
    int raw = raw_take(listener, "");
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "%d", i);
        used += encode_item(stream + used, "n", text, strlen(text));
    }
    for (int round = 0; round < 3; round++) {
        raw_put(raw, stream, used);
        raw_delivered(raw);
        for (int i = 0; i < 300; i++) {
            snprintf(text, sizeof text, "%d", i);
            CHECK(is_readable(fd, 0));
            if (round == 1) CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, 0) >= 0);
            if (round == 1) CHECK(is_readable(fd, 0));
            if (round == 2) CHECK(nw0_wait_for_news_from(address, "", NULL, text, 1, 0) == -1);
            if (round == 2) CHECK(is_readable(fd, 0));
            CHECK(comes(address, "", "n", text, 0));
        }
        CHECK(is_quiet(fd));
    }
    raw_put(raw, stream, used - 1); /* the last one is not whole */
    raw_delivered(raw);
    for (int i = 0; i < 299; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(is_readable(fd, 0));
        CHECK(comes(address, "", "n", text, 0));
    }
    if (is_readable(fd, 0)) nothing_comes(address, "", 0);
    CHECK(is_quiet(fd));
    raw_put(raw, stream + used - 1, 1);
    CHECK(is_readable(fd, LIMIT) && comes(address, "", "n", "299", 0));
    CHECK(is_quiet(fd));
    close(raw);
    close(listener);
    nw0_close(address);
}

static void nw0_news_fd_brings_a_publisher_back(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address), fd = nw0_news_fd(address, "");
    if (fd < 0) printf("    (skipped: no epoll)\n"), close(listener);
    if (fd < 0) return;
    for (int i = 0; i < 3; i++) {
        int raw = raw_take(listener, "");
        CHECK(is_quiet(fd));
        raw_put_item(raw, "a", "b");
        CHECK(is_readable(fd, LIMIT) && comes(address, "", "a", "b", 0));
        CHECK(is_quiet(fd));
        close(raw);
        look_for_news(address, fd);
        CHECK(is_readable(listener, LIMIT)); /* it calls again without another wait */
    }
    close(listener);
    nw0_close(address);
}

static void nw0_fd_is_readable_when_a_wait_is_worth_calling(void) {
    char address[NW0_ADDRESS_SIZE];
    for (int publishing = 0; publishing < 2; publishing++) {
        new_address(address);
        if (has_no_epoll(address)) return;
        int fd = nw0_fd(address); /* listens by itself */
        CHECK(fd >= 0 && nw0_fd(address) == fd && fcntl(fd, F_GETFD) == FD_CLOEXEC);
        if (publishing) publish_at(address);
        CHECK(is_quiet(fd));
        for (int i = 0; i < 3; i++) {
            const char *question = i == 1 ? "" : "hello";
            int raw = raw_connect(address);
            raw_put(raw, QUESTIONS, 8);
            raw_put_frame(raw, question, strlen(question));
            CHECK(is_readable(fd, LIMIT));
            double limit = check_now() + LIMIT; /* its bytes may come one by one */
            while (nw0_wait_for_message_from(address, NULL, 0, 0, false) < 0 && check_now() < limit)
                CHECK(is_readable(fd, LIMIT));
            CHECK(is_readable(fd, 0)); /* asking for the size takes nothing */
            CHECK(takes(address, question, 0));
            CHECK(is_quiet(fd));
            CHECK(nw0_send_reply_to(address, "hi", 2) >= 0);
            CHECK(raw_got(raw, "\0\0\0\2hi", 6));
            raw_put(raw, "\0\0\0\1x\0\0\0\1y", 10); /* two at once */
            raw_delivered(raw);
            CHECK(is_readable(fd, LIMIT) && takes(address, "x", 0));
            CHECK(nw0_send_reply_to(address, "", 0) >= 0);
            CHECK(is_readable(fd, 0) && takes(address, "y", 0));
            CHECK(nw0_send_reply_to(address, "", 0) >= 0);
            CHECK(is_quiet(fd));
            raw_put(raw, "\0\0\0\4ha", 6);
            CHECK(is_readable(fd, LIMIT)); /* half a message may be worth a call, but only one */
            CHECK_FAILS(nw0_wait_for_message_from(address, NULL, 0, 0, false), ETIMEDOUT);
            CHECK(is_quiet(fd));
            raw_put(raw, "lf", 2);
            CHECK(is_readable(fd, LIMIT) && takes(address, "half", 0));
            close(raw);
            listen_at(address); /* hangs up */
            CHECK(is_quiet(fd));
        }
        nw0_close(address);
    }
}

/* subscribers are not messages */
static void nw0_fd_is_quiet_when_subscribers_come(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    if (has_no_epoll(address)) return;
    publish_at(address);
    int fd = nw0_fd(address), raw = raw_subscribe(address, "a");
    CHECK(has_subscribers(address, 1));
    CHECK(is_quiet(fd));
    CHECK(sends(address, "a", "b") == 1);
    CHECK(is_quiet(fd));
    raw_put_frame(raw, "b", 1);
    CHECK(is_wanted_by(address, "b", 1));
    CHECK(nw0_fd(address) == fd && is_quiet(fd));
    close(raw);
    nw0_close(address);
}

static void *wait_for_two(void *address) {
    return nw0_wait_for_subscribers(address, 2, LIMIT) == 2 ? address : NULL;
}

/* another thread that waits for subscribers takes nothing away */
static void nw0_fd_shows_messages_while_subscribers_are_awaited(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    if (has_no_epoll(address)) return;
    publish_at(address);
    int fd = nw0_fd(address), asker = raw_connect(address);
    raw_put(asker, QUESTIONS "\0\0\0\0", 12);
    raw_delivered(asker);
    CHECK(is_readable(fd, LIMIT));
    CHECK_FAILS(nw0_wait_for_subscribers(address, 1, BRIEF), ETIMEDOUT);
    CHECK(is_readable(fd, 0));
    pthread_t thread = start(wait_for_two, address);
    int one = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 1));
    for (double limit = check_now() + BRIEF; check_now() < limit;) usleep(1000);
    CHECK(is_readable(fd, 0));
    CHECK(answers(address, "", "yes"));
    int two = raw_subscribe(address, "");
    CHECK(finish(thread) != NULL);
    close(one);
    close(two);
    close(asker);
    nw0_close(address);
}

/* stdin, messages and news in one loop */
static void one_loop_hears_everything(void) {
    char address[NW0_ADDRESS_SIZE], station[NW0_ADDRESS_SIZE], key;
    int keyboard[2], keys = 0, messages = 0, items = 0;
    new_address(address);
    if (has_no_epoll(address)) return;
    new_address(station);
    CHECK(pipe(keyboard) == 0);
    struct pollfd p[3] = {{keyboard[0], POLLIN, 0}, {nw0_fd(address), POLLIN, 0}, {-1, POLLIN, 0}};
    publish_at(station);
    p[2].fd = nw0_news_fd(station, "");
    CHECK(has_subscribers(station, 1));
    int asker = raw_connect(address);
    raw_put(asker, QUESTIONS, 8);
    for (int i = 0; i < 50; i++) {
        CHECK(write(keyboard[1], "k", 1) == 1);
        CHECK(sends(station, "n", "?") == 1);
        raw_put(asker, "\0\0\0\1?", 5);
    }
    double limit = check_now() + LIMIT;
    while ((keys < 50 || messages < 50 || items < 50) && check_now() < limit) {
        CHECK(poll(p, 3, (int)(LIMIT * 1000)) > 0);
        if (p[0].revents) keys += read(keyboard[0], &key, 1) == 1;
        if (p[1].revents && takes(address, "?", 0))
            messages += nw0_send_reply_to(address, "!", 1) >= 0;
        if (p[2].revents)
            items += nw0_wait_for_news_from(station, "", NULL, &key, 1, 0) == -1 &&
                     errno == EMSGSIZE && comes(station, "", "n", "?", 0);
    }
    CHECK(keys == 50 && messages == 50 && items == 50);
    CHECK(poll(p, 3, (int)(BRIEF * 1000)) == 0);
    close(asker);
    close(keyboard[0]);
    close(keyboard[1]);
    nw0_close(address);
    nw0_close(station);
}

/* ---- no spinning ---- */

/* the share of a processor that the library takes while this thread sleeps */
static int is_at_rest(void) {
    double least = 1;
    for (int i = 0; i < 3 && least > 0.15;
         i++) { /* the first time may be busy with something else */
        double cpu = cpu_now(), begin = check_now();
        usleep(300000);
        double share = (cpu_now() - cpu) / (check_now() - begin);
        if (share < least) least = share;
    }
    if (least > 0.15) printf("    %.0f %% of a processor\n", least * 100);
    return least <= 0.15;
}

static void an_absent_publisher_costs_nothing(void) {
    char address[NW0_ADDRESS_SIZE], another[NW0_ADDRESS_SIZE];
    new_address(address);
    new_address(another);
    nothing_comes(address, "", 0);
    nothing_comes(another, "", 0);
    CHECK(is_at_rest());
    double cpu = cpu_now();
    nothing_comes(address, "", 1);
    CHECK(cpu_now() - cpu < 0.3);
    CHECK(has_subscribers(address, 1)); /* it was not given up */
    nw0_close(address);
    nw0_close(another);
}

static void a_publisher_that_hangs_up_costs_little(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address), calls = 0;
    double limit = check_now() + 1;
    while (check_now() < limit) {
        nothing_comes(address, "", 0.005);
        if (!is_readable(listener, 0)) continue;
        close(raw_accept(listener));
        calls++;
    }
    CHECK(calls > 1 && calls < 300);
    close(listener);
    nw0_close(address);
}

static void subscribers_who_do_not_read_or_speak_cost_nothing(void) {
    static unsigned char data[NUMBERED];
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int lazy = raw_subscribe_lazily(address, ""), silent = raw_connect(address);
    int half = raw_connect(address);
    raw_put(half, NEWS "\0\0", 10);
    CHECK(has_subscribers(address, 1));
    CHECK(is_at_rest());
    for (unsigned i = 0; i < 1000; i++)
        CHECK(nw0_send_news_to(address, "number", data, numbered(data, i)) == 1);
    CHECK(is_at_rest());
    raw_put_frame(lazy, "another", 7);
    raw_delivered(lazy);
    CHECK(is_at_rest());
    CHECK(sends(address, "end", "") == 1);
    CHECK(raw_reads_whole_items(lazy) > 0);
    close(lazy);
    close(silent);
    close(half);
    nw0_close(address);
}

/* all descriptors are taken but so many; returns how it was */
static int fillers[MAX_FD], filler_count;

static void use_up_descriptors(void) {
    int fd;
    while (filler_count < MAX_FD && (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        fillers[filler_count++] = fd;
}

static void give_back_descriptors(void) {
    while (filler_count > 0) close(fillers[--filler_count]);
}

/* valgrind keeps the limit itself: it accepts a caller beyond it, and hangs up on it */
static int raw_call_again(int fd, const char *address) {
    if (raw_silent(fd)) return fd;
    close(fd);
    return raw_subscribe(address, "");
}

static void without_descriptors_nothing_spins_and_nobody_is_lost(void) {
    char address[NW0_ADDRESS_SIZE], other[NW0_ADDRESS_SIZE], absent[NW0_ADDRESS_SIZE];
    struct rlimit before, few;
    new_address(address);
    new_address(other);
    new_address(absent);
    listen_at(address);
    publish_at(other);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = 200;
    int one = raw_socket(), two = raw_socket();
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    use_up_descriptors();
    raw_call(one, address);
    raw_put(one, NEWS "\0\0\0\0", 12);
    raw_call(two, other);
    raw_put(two, NEWS "\0\0\0\0", 12);
    raw_delivered(two);
    CHECK(sends(address, "nobody", "was accepted") == 0);
    CHECK(sends(other, "nobody", "was accepted") == 0);
    CHECK(is_at_rest());
    give_back_descriptors();
    one = raw_call_again(one, address);
    two = raw_call_again(two, other);
    CHECK(has_subscribers(address, 1));
    CHECK(has_subscribers(other, 1));
    CHECK(sends(address, "now", "1") == 1);
    CHECK(raw_got_item(one, "now", "1"));
    nothing_comes(absent, "", 0); /* and one that calls, again and again */
    use_up_descriptors();
    CHECK(is_at_rest());
    give_back_descriptors();
    CHECK(has_subscribers(absent, 1));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    close(one);
    close(two);
    nw0_close(address);
    nw0_close(other);
    nw0_close(absent);
}

/* ---- another language ---- */

/* where wire/news.py is: beside the sources, which are above the directory of this program */
static int find_script(char path[sizeof program + 64]) {
    char directory[sizeof program];
    strcpy(directory, program);
    for (char *slash; (slash = strrchr(directory, '/')) != NULL;) {
        *slash = '\0';
        snprintf(path, sizeof program + 64, "%s/tests/wire/news.py", directory);
        if (access(path, R_OK) == 0) return 1;
    }
    return 0;
}

static int has_python(void) {
    char *words[] = {(char *)(uintptr_t) "python3", (char *)(uintptr_t) "-c",
                     (char *)(uintptr_t) "", NULL};
    return ended_well(start_process(words, NULL));
}

static pid_t start_python(const char *script, const char *what, const char *where,
                          const char *prefix, const char *count, int *out) {
    char *words[] = {(char *)(uintptr_t) "python3",
                     (char *)(uintptr_t)script,
                     (char *)(uintptr_t)what,
                     (char *)(uintptr_t)where,
                     (char *)(uintptr_t)prefix,
                     (char *)(uintptr_t)count,
                     NULL};
    if (prefix == NULL) words[4] = words[5], words[5] = NULL;
    return start_process(words, out);
}

/* the line that the other program prints for an item */
static void describe(char *line, const char *topic, const unsigned char *data, size_t size) {
    line += sprintf(line, "%s ", topic);
    for (size_t i = 0; i < size; i++) line += sprintf(line, "%02x", data[i]);
}

static void python_subscribes(const char *script) {
    char address[NW0_ADDRESS_SIZE], topic[NW0_NAME_SIZE], line[3000], right[3000];
    unsigned char data[1000];
    int out[2];
    new_address(address);
    publish_at(address);
    pid_t all = start_python(script, "subscribe", address, "", "41", &out[0]);
    pid_t some = start_python(script, "subscribe", address, "n/1", "11", &out[1]);
    CHECK(has_subscribers(address, 2));
    for (size_t i = 0; i < 40; i++) {
        snprintf(topic, sizeof topic, "n/%d", (int)i);
        fill(data, i * 25);
        CHECK(nw0_send_news_to(address, topic, data, i * 25) == (i == 1 || i / 10 == 1 ? 2 : 1));
    }
    CHECK(sends(address, "\303\244", "") == 1);
    for (size_t i = 0; i < 40 && !check_faults; i++) {
        snprintf(topic, sizeof topic, "n/%d", (int)i);
        fill(data, i * 25);
        describe(right, topic, data, i * 25);
        CHECK(strcmp(line_from(out[0], line, sizeof line), right) == 0);
        if (i == 1 || i / 10 == 1) CHECK(strcmp(line_from(out[1], line, sizeof line), right) == 0);
    }
    CHECK(strcmp(line_from(out[0], line, sizeof line), "\303\244 ") == 0);
    CHECK(ended_well(all) && ended_well(some));
    close(out[0]);
    close(out[1]);
    nw0_close(address);
}

static void python_publishes(const char *script) {
    char line[100], topic[NW0_NAME_SIZE], right[40];
    unsigned char data[5000];
    const char *about[] = {"item/0", "item/1", "item/23", NULL};
    int out;
    pid_t pid = start_python(script, "publish", "0", NULL, "30", &out);
    CHECK(strncmp(line_from(out, line, sizeof line), "listening at ", 13) == 0);
    const char *address = line + 13, *from[] = {address, NULL};
    for (int i = 0; i < 30 && !check_faults; i++) {
        if (i > 1 && i / 10 != 1 && i != 23) continue;
        ssize_t n = nw0_wait_for_news_from_any(from, about, topic, data, sizeof data, LIMIT);
        snprintf(right, sizeof right, "item/%d", i);
        CHECK(strcmp(topic, right) == 0 && n == i * 97);
        for (int k = 0; k < n; k++) CHECK(data[k] == (unsigned char)(i + k));
    }
    CHECK(nw0_wait_for_news_from_any(from, about, topic, data, sizeof data, 0) == -1);
    CHECK(ended_well(pid));
    close(out);
    nw0_close(address);
}

static void another_language_speaks_the_same_frames(void) {
    char script[sizeof program + 64];
    if (!find_script(script) || !has_python()) {
        printf("    (skipped: no python3, or not the script for it)\n");
        return;
    }
    python_subscribes(script);
    python_publishes(script);
}

/* what another process of this program does */
static int play(const char *what, const char *address) {
    if (strcmp(what, "--publish") == 0) return publish_and_stay(address);
    if (strcmp(what, "--subscribe") == 0) return subscribe_and_count(address);
    if (strcmp(what, "--flood") == 0) return publish_and_exit(address, 10);
    if (strcmp(what, "--torrent") == 0) return publish_and_exit(address, 1000);
    return 1;
}

int main(int argc, char **argv) {
    char port[8];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    snprintf(port, sizeof port, "%d", 20000 + (int)(getpid() % 10000));
    setenv("NW0_NETWORK", "127.*", 1);
    setenv("NW0_PORT", port, 1);
    if (argc == 3 && strncmp(argv[1], "--", 2) == 0) return play(argv[1], argv[2]);
    if (n <= 0) return 1;
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
    RUN(a_subscriber_speaks_the_wire);
    RUN(a_subscriber_says_all_its_prefixes);
    RUN(news_may_come_in_pieces);
    RUN(an_item_may_be_cut_anywhere);
    RUN(a_ZeroMQ_publisher_is_EPROTONOSUPPORT);
    RUN(any_other_stranger_is_EPROTO);
    RUN(half_an_item_is_dropped_when_the_publisher_goes);
    RUN(topics_have_rules);
    RUN(prefixes_have_rules);
    RUN(every_size_arrives_whole);
    RUN(news_has_a_limit);
    RUN(the_size_can_be_asked);
    RUN(a_small_buffer_loses_nothing);
    RUN(a_small_buffer_loses_nothing_large);
    RUN(half_an_item_survives_a_change_of_buffers);
    RUN(nonsense_is_EINVAL);
    RUN(one_publishes_at_ones_own_address);
    RUN(news_comes_from_an_advertised_service);
    RUN(nothing_in_time_is_ETIMEDOUT);
    RUN(news_between_two_waits_is_kept);
    RUN(each_subscription_has_its_own_news);
    RUN(news_comes_from_any);
    RUN(an_absent_publisher_is_named);
    RUN(one_absent_publisher_holds_up_no_other);
    RUN(whoever_is_connected_gets_it);
    RUN(whoever_speaks_slowly_gets_it_too);
    RUN(what_has_left_is_not_for_who_comes_later);
    RUN(whoever_came_early_gets_all_its_prefixes);
    RUN(a_hundred_who_came_early_get_the_first_item);
    RUN(a_hundred_who_came_early_are_found_without_waiting);
    RUN(gathered_news_leaves_without_another_call);
    RUN(a_flood_is_counted_right);
    RUN(subscribers_are_waited_for);
    RUN(a_publisher_may_die_and_come_back);
    RUN(a_publisher_may_close_and_come_back);
    RUN(who_does_not_read_misses_whole_items_and_holds_up_nobody);
    RUN(many_who_do_not_read_cost_little);
    RUN(a_large_item_and_a_slow_subscriber);
    RUN(what_is_unsent_leaves_at_exit);
    RUN(an_exit_does_not_wait_for_ever);
    RUN(closing_unsubscribes);
    RUN(closing_hangs_up_on_subscribers);
    RUN(closing_ends_another_threads_wait);
    RUN(a_wait_that_was_closed_names_no_port_0);
    RUN(a_shutdown_ends_waits_and_frees_everything);
    RUN(questions_are_answered_while_news_flows);
    RUN(a_server_publishes_too);
    RUN(questions_wait_while_news_flows);
    RUN(an_empty_question_wakes_who_waits);
    RUN(subscribers_come_where_messages_are_awaited);
    RUN(whoever_is_connected_gets_it_where_messages_are_awaited);
    RUN(what_has_left_is_not_for_who_comes_later_where_messages_are_awaited);
    RUN(a_signal_ends_every_wait);
    RUN(an_interrupted_wait_loses_nothing);
    RUN(a_storm_of_signals_loses_nothing);
    RUN(threads_that_wait_for_the_same_news_share_it);
    RUN(threads_that_subscribe_at_once_subscribe_once);
    RUN(several_threads_publish);
    RUN(the_news_whose_size_was_asked_is_this_threads);
    RUN(the_news_of_a_thread_that_ends_is_for_the_others);
    RUN(a_forked_child_starts_afresh);
    RUN(nw0_news_fd_is_readable_when_a_wait_is_worth_calling);
    RUN(nw0_news_fd_stays_readable_while_there_is_more);
    RUN(nw0_news_fd_brings_a_publisher_back);
    RUN(nw0_fd_is_readable_when_a_wait_is_worth_calling);
    RUN(nw0_fd_is_quiet_when_subscribers_come);
    RUN(nw0_fd_shows_messages_while_subscribers_are_awaited);
    RUN(one_loop_hears_everything);
    RUN(an_absent_publisher_costs_nothing);
    RUN(a_publisher_that_hangs_up_costs_little);
    RUN(subscribers_who_do_not_read_or_speak_cost_nothing);
    RUN(without_descriptors_nothing_spins_and_nobody_is_lost);
    RUN(another_language_speaks_the_same_frames);
    nw0_shutdown();
    return check_report("news");
}
