/* load.c - many connections to a server at 127.0.0.1, some busy and some idle; prints how many
 * requests a second the server answers. All servers get the same load from the same program, so it
 * speaks the first words of three protocols: frames (nw0.h and bare sockets), zmq, nng.
 *
 *     load PROTOCOL PORT CPU BUSY IDLE SECONDS [hold]
 *
 * Each busy connection has one request of 64 bytes on its way all the time. hold: the connections
 * stay open until standard input ends. */
#include "bench.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BODY 64
#define MOST 20000

typedef struct {
    const char *name;
    const char *hello; /* what a client says first */
    size_t hello_size;
    bool (*welcome)(int fd); /* reads what the server says first */
    const char *head;        /* of a request, and as long as that of a reply */
    size_t head_size;
} protocol;

static _Noreturn void die(const char *what) {
    perror(what);
    exit(1);
}

/* ---- three protocols ---- */

static bool receive(int fd, void *bytes, size_t size) {
    return recv(fd, bytes, size, MSG_WAITALL) == (ssize_t)size;
}

static bool nothing(int fd) {
    return fd >= 0;
}

static bool
zmq_welcome(int fd) { /* a greeting, and a command of which the second byte is the size */
    unsigned char bytes[256];
    return receive(fd, bytes, 64) && receive(fd, bytes, 2) && receive(fd, bytes, bytes[1]);
}

static bool nng_welcome(int fd) {
    char bytes[8];
    return receive(fd, bytes, sizeof bytes);
}

#define ZEROS_8 "\0\0\0\0\0\0\0\0"
#define ZMQ_HELLO                                                                                  \
    "\xFF" ZEROS_8 "\x7F\3\0NULL" ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8 ZEROS_8                  \
    "\4\x19\5READY\13Socket-Type\0\0\0\3REQ"

static const protocol protocols[] = {
    {"frames", "\0\0\0\4nw0?", 8, nothing, "\0\0\0\100", 4},
    {"zmq", ZMQ_HELLO, sizeof ZMQ_HELLO - 1, zmq_welcome, "\1\0\0\100", 4},
    {"nng", "\0SP\0\0\60\0\0", 8, nng_welcome, "\0\0\0\0\0\0\0\104\x80\0\0\1", 12},
};

static const protocol *find_protocol(const char *name) {
    for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
        if (strcmp(protocols[i].name, name) == 0) return &protocols[i];
    fprintf(stderr, "no such protocol: %s\n", name);
    exit(2);
}

/* ---- connections ---- */

static int connect_and_greet(const protocol *p, int port) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
    a.sin_port = htons((uint16_t)port);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof a) < 0) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    if (send(fd, p->hello, p->hello_size, 0) != (ssize_t)p->hello_size || !p->welcome(fd))
        die("greeting");
    return fd;
}

static char request[100];
static size_t request_size;
static size_t replied[MOST]; /* bytes of the reply so far, by descriptor */

static void send_request(int fd) {
    if (send(fd, request, request_size, MSG_NOSIGNAL) != (ssize_t)request_size) die("send");
}

/* Reads what has come. True: a whole reply. */
static bool read_reply(int fd) {
    char bytes[sizeof request];
    ssize_t n = recv(fd, bytes, request_size - replied[fd], MSG_DONTWAIT);
    if (n <= 0) die("recv");
    replied[fd] += (size_t)n;
    if (replied[fd] < request_size) return false;
    replied[fd] = 0;
    return true;
}

/* Asks again wherever a reply has come, for so long; returns how many a second. */
static double ask_for(int set, double seconds) {
    struct epoll_event events[256];
    double start = now(), end = start + seconds, last = start + 10 + 2 * seconds;
    long count = 0;
    do {
        int n = epoll_wait(set, events, 256, 1000);
        for (int i = 0; i < n; i++)
            if (read_reply(events[i].data.fd)) {
                count++;
                send_request(events[i].data.fd);
            }
        if (n <= 0 && now() > last) die("the server says nothing");
    } while (now() < end);
    return (double)count / (now() - start);
}

static void allow_descriptors(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
    if (argc < 7) return fprintf(stderr, "usage: see load.c\n"), 2;
    const protocol *p = find_protocol(argv[1]);
    int port = atoi(argv[2]), busy = atoi(argv[4]), idle = atoi(argv[5]), set = epoll_create1(0);
    double seconds = atof(argv[6]), rates[SLICES];
    end_with_parent();
    pin(atoi(argv[3]));
    allow_descriptors();
    if (busy + idle > MOST - 100) return fprintf(stderr, "too many connections\n"), 2;
    memcpy(request, p->head, p->head_size);
    memset(request + p->head_size, 'x', BODY);
    request_size = p->head_size + BODY;
    for (int i = 0; i < idle; i++) connect_and_greet(p, port);
    for (int i = 0; i < busy; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = connect_and_greet(p, port)};
        if (epoll_ctl(set, EPOLL_CTL_ADD, event.data.fd, &event) < 0) die("epoll_ctl");
        send_request(event.data.fd);
    }
    ask_for(set, seconds / SLICES);
    for (int i = 0; i < SLICES; i++) rates[i] = ask_for(set, seconds / SLICES);
    printf("%.0f\n", median(rates, SLICES));
    fflush(stdout);
    while (argc > 7 && getchar() != EOF) continue;
    return 0;
}
