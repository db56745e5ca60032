/* net.h - raw sockets on loopback: the other side of a test, which speaks the wire byte by byte.
 *
 * Whatever must come is waited for with LIMIT; BRIEF is for what must not come. Every raw socket is
 * closed on exec, raises no SIGPIPE, and never waits longer than LIMIT.
 */
#ifndef TESTS_NET_H
#define TESTS_NET_H
#include "check.h"
#include "port.h"
#include <poll.h>
#include <stdint.h>
#include <sys/time.h>

#ifndef LIMIT
#define LIMIT 20.0
#endif
#ifndef BRIEF
#define BRIEF 0.2
#endif
#ifdef NW0_MAX_MESSAGE
#define MOST ((size_t)NW0_MAX_MESSAGE)
#else
#define MOST ((size_t)16777215) /* if nw0.h is told nothing else */
#endif
#define HELLO "\0\0\0\4nw0?"      /* who asks */
#define HELLO_NEWS "\0\0\0\4nw0!" /* who subscribes */
#define ZEROMQ "\377\0\0\0\0\0\0\0\1\177"

/* ---- ports and addresses ---- */

/* the next of 20 UDP ports which no other program of these tests uses now */
static inline int net_discovery_port(void) {
    static int next;
    return 25000 + (check_block() - 10000) / 100 * 20 + next++ % 20;
}

/* from here on: which discovery port this process uses. It is read once in a process */
static inline void net_use(int discovery_port) {
    char port[8];
    snprintf(port, sizeof port, "%u", (unsigned)discovery_port % 65536);
    setenv("NW0_PORT", port, 1);
}

/* call before anything of nw0.h: loopback alone, and a discovery port that is nobody else's. Other
 * processes that this one starts inherit both */
static inline void net_begin(void) {
    setenv("NW0_NETWORK", "127.*", 1);
    net_use(net_discovery_port());
}

/* a port outside of those that the system gives away by itself: nobody else takes it meanwhile */
static inline void new_address(char address[NW0_ADDRESS_SIZE]) {
    snprintf(address, NW0_ADDRESS_SIZE, "127.0.0.1:%d", check_port());
}

static inline struct sockaddr_in inet_address(const char *ip, int port) {
    struct sockaddr_in sin;
    memset(&sin, 0, sizeof sin);
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, ip, &sin.sin_addr);
    return sin;
}

/* of "IP:PORT" */
static inline struct sockaddr_in socket_address(const char *address) {
    char ip[NW0_ADDRESS_SIZE] = "";
    memcpy(ip, address, strcspn(address, ":"));
    return inet_address(ip, atoi(address + strlen(ip) + 1));
}

/* "IP:PORT" of a socket address, or of a socket; both are good until eight more have been asked */
static inline const char *address_text(const struct sockaddr_in *sin) {
    static char texts[8][NW0_ADDRESS_SIZE];
    static unsigned next;
    char ip[INET_ADDRSTRLEN], *text = texts[next++ % 8];
    inet_ntop(AF_INET, &sin->sin_addr, ip, sizeof ip);
    snprintf(text, sizeof texts[0], "%s:%u", ip, (unsigned)ntohs(sin->sin_port));
    return text;
}

static inline const char *address_of(int fd) {
    struct sockaddr_in sin;
    socklen_t size = sizeof sin;
    CHECK(getsockname(fd, (struct sockaddr *)&sin, &size) == 0);
    return address_text(&sin);
}

/* whether a socket can be bound to it: not every system has more of loopback than 127.0.0.1 */
static inline int net_has(const char *ip) {
    struct sockaddr_in sin = inet_address(ip, 0);
    int fd = port_socket(SOCK_DGRAM);
    int has = bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0;
    close(fd);
    return has;
}

/* ---- raw sockets ---- */

/* it never waits longer than the limit, and sends each piece by itself */
static inline void raw_limit(int fd) {
    struct timeval limit = {(time_t)LIMIT, 0};
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static inline int raw_socket(void) {
    int fd = port_socket(SOCK_STREAM);
    raw_limit(fd);
    return fd;
}

/* connects a socket; 0, or -1 and errno */
static inline int raw_call(int fd, const char *address) {
    struct sockaddr_in sin = socket_address(address);
    return connect(fd, (struct sockaddr *)&sin, sizeof sin);
}

static inline int raw_connect(const char *address) {
    int fd = raw_socket();
    CHECK(raw_call(fd, address) == 0);
    return fd;
}

static inline int raw_listen_at(const char *address) {
    struct sockaddr_in sin = socket_address(address);
    int fd = raw_socket(), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 100) == 0);
    return fd;
}

/* listens at an address that the system chooses: which, in address */
static inline int raw_listen(char address[NW0_ADDRESS_SIZE]) {
    struct sockaddr_in sin = inet_address("127.0.0.1", 0);
    int fd = raw_socket();
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 100) == 0);
    snprintf(address, NW0_ADDRESS_SIZE, "%s", address_of(fd));
    return fd;
}

static inline int raw_accept(int listener) {
    int fd = port_close_on_exec(accept(listener, NULL, NULL));
    CHECK(fd >= 0);
    raw_limit(fd);
    return fd;
}

/* whether nobody is there to be accepted */
static inline int raw_unvisited(int listener) {
    struct pollfd p = {listener, POLLIN, 0};
    return poll(&p, 1, 0) == 0;
}

static inline void raw_put(int fd, const void *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, (const char *)bytes + done, size - done, MSG_NOSIGNAL);
        CHECK(n > 0);
        if (n <= 0) return;
        done += (size_t)n;
    }
}

/* the size of what came: all of it, or what there was before the end */
static inline size_t raw_get(int fd, void *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t n = recv(fd, (char *)bytes + done, size - done, 0);
        if (n <= 0) break;
        done += (size_t)n;
    }
    return done;
}

/* whether these bytes come next */
static inline int raw_got(int fd, const void *bytes, size_t size) {
    char *got = malloc(size + 1);
    int same = raw_get(fd, got, size) == size && memcmp(got, bytes, size) == 0;
    free(got);
    return same;
}

/* whether nothing has come, and nobody has hung up */
static inline int raw_silent(int fd) {
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

/* whether the other side hangs up, without another word */
static inline int raw_closed(int fd) {
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE));
}

/* everything that was sent, a FIN included, is at the other side: it has been acknowledged. Where
 * the system does not tell, a moment must do */
static inline void raw_delivered(int fd) {
    double limit = check_now() + LIMIT;
    int left = port_unsent(fd);
    if (left < 0) usleep(20000);
    while (left > 0 && !port_over(fd) && check_now() < limit) {
        usleep(100);
        left = port_unsent(fd);
    }
    CHECK(left <= 0 || port_over(fd));
}

/* hangs up: the other side knows when this returns */
static inline void raw_leave(int fd) {
    shutdown(fd, SHUT_RDWR);
    raw_delivered(fd);
    close(fd);
}

/* hangs up with a reset */
static inline void raw_abort(int fd) {
    struct linger now = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

/* ---- frames ---- */

static inline size_t encode_frame(char *out, const void *data, size_t size) {
    unsigned char header[4] = {0, (unsigned char)(size >> 16), (unsigned char)(size >> 8),
                               (unsigned char)size};
    memcpy(out, header, 4);
    if (size > 0) memcpy(out + 4, data, size);
    return 4 + size;
}

static inline void raw_put_frame(int fd, const void *data, size_t size) {
    char *frame = malloc(size + 4);
    raw_put(fd, frame, encode_frame(frame, data, size));
    free(frame);
}

static inline int raw_got_frame(int fd, const void *data, size_t size) {
    char *frame = malloc(size + 4);
    int same = raw_got(fd, frame, encode_frame(frame, data, size));
    free(frame);
    return same;
}

/* a conversation with one question in it, which is there when this returns */
static inline int raw_ask(const char *address, const char *question) {
    int fd = raw_connect(address);
    raw_put(fd, HELLO, 8);
    raw_put_frame(fd, question, strlen(question));
    raw_delivered(fd);
    return fd;
}

/* accepts a client and takes its hello and its first question, byte by byte as they must be */
static inline int raw_take_question(int listener, const char *question) {
    int fd = raw_accept(listener);
    CHECK(raw_got(fd, HELLO, 8));
    CHECK(raw_got_frame(fd, question, strlen(question)));
    return fd;
}

/* a subscriber whose wishes have arrived when this returns */
static inline int raw_subscribe(const char *address, const char *prefix) {
    char hello[300] = HELLO_NEWS;
    int fd = raw_connect(address);
    raw_put(fd, hello, 8 + encode_frame(hello + 8, prefix, strlen(prefix)));
    raw_delivered(fd);
    return fd;
}

/* accepts a subscriber, who wants one prefix */
static inline int raw_take_subscriber(int listener, const char *prefix) {
    int fd = raw_accept(listener);
    CHECK(raw_got(fd, HELLO_NEWS, 8));
    CHECK(raw_got_frame(fd, prefix, strlen(prefix)));
    return fd;
}

static inline size_t encode_item(char *out, const char *topic, const void *data, size_t size) {
    size_t used = encode_frame(out, topic, strlen(topic));
    return used + encode_frame(out + used, data, size);
}

static inline void raw_put_item(int fd, const char *topic, const char *data) {
    char item[1000];
    raw_put(fd, item, encode_item(item, topic, data, strlen(data)));
}

static inline int raw_got_item(int fd, const char *topic, const char *data) {
    char item[1000];
    return raw_got(fd, item, encode_item(item, topic, data, strlen(data)));
}

/* ---- datagrams ---- */

/* a socket at this port, which others may have too, or at one that the system chooses: 0 */
static inline int udp_socket(const char *ip, int port) {
    int fd = port_socket(SOCK_DGRAM), on = 1, room = 1 << 20;
    struct sockaddr_in sin = inet_address(ip, port);
    raw_limit(fd);
    if (port != 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0) return fd;
    perror("a test's UDP socket");
    exit(2);
}

static inline void udp_say(int fd, const void *bytes, size_t size, const struct sockaddr_in *to) {
    CHECK(sendto(fd, bytes, size, 0, (const struct sockaddr *)to, sizeof *to) == (ssize_t)size);
}

/* to everybody on loopback who uses this program's discovery port */
static inline void udp_shout(int fd, const void *bytes, size_t size) {
    struct sockaddr_in everybody = inet_address("127.255.255.255", atoi(getenv("NW0_PORT")));
    udp_say(fd, bytes, size, &everybody);
}

/* the next datagram as text, and from whom, unless that is NULL; 0 when the time is up */
static inline int udp_hear(int fd, char text[512], struct sockaddr_in *from, double seconds) {
    struct pollfd p = {fd, POLLIN, 0};
    struct sockaddr_in source;
    socklen_t size = sizeof source;
    if (poll(&p, 1, seconds > 0 ? (int)(seconds * 1000) + 1 : 0) <= 0) return 0;
    ssize_t n = recvfrom(fd, text, 511, 0, (struct sockaddr *)&source, &size);
    if (n < 0) return 0;
    text[n] = '\0';
    if (from != NULL) *from = source;
    return 1;
}

/* ---- data ---- */

/* a byte of its own for each place and size, which a shifted or repeated piece would not match */
static inline void fill(unsigned char *bytes, size_t size) {
    uint32_t x = (uint32_t)size + 1;
    for (size_t i = 0; i < size; i++) {
        if (i % 64 == 0) x = x * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)((x >> 24) + i);
    }
}
#endif
