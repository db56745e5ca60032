/* port.h - what a system may lack, or calls otherwise. A test of what is lacking here is skipped by
 * SKIP, with a word, and counted: never passed over in silence.
 */
#ifndef TESTS_PORT_H
#define TESTS_PORT_H
#include "check.h"
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/ioctl.h>
#ifdef __linux__
#include <sys/epoll.h>
#define PORT_HAS_EPOLL 1
#else
#define PORT_HAS_EPOLL 0
#endif

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0 /* then port_socket() turns the signal off */
#endif

/* the number of the last signal that there is */
static inline int port_signals(void) {
#ifdef SIGRTMAX
    return SIGRTMAX;
#else
    return NSIG - 1;
#endif
}

/* a descriptor that no other program gets, whatever this one starts meanwhile */
static inline int port_close_on_exec(int fd) {
    if (fd >= 0) fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

static inline int port_socket(int type) {
#ifdef SOCK_CLOEXEC
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
#else
    int fd = port_close_on_exec(socket(AF_INET, type, 0));
#endif
#ifdef SO_NOSIGPIPE
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return fd;
}

/* two ends that keep what is written at once apart from what is written next */
static inline int port_pair(int ends[2]) {
#ifdef __linux__
    return socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends);
#else
    return socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
#endif
}

/* how much of what was sent the other side has not acknowledged yet; -1 if this is a system that
 * does not say. A call that fails is not taken for good news */
static inline int port_unsent(int fd) {
    int left = 1;
#if defined(TIOCOUTQ) && defined(__linux__)
    if (ioctl(fd, TIOCOUTQ, &left) != 0) left = 1;
#elif defined(SO_NWRITE)
    socklen_t size = sizeof left;
    if (getsockopt(fd, SOL_SOCKET, SO_NWRITE, &left, &size) != 0) left = 1;
#elif defined(FIONWRITE)
    if (ioctl(fd, FIONWRITE, &left) != 0) left = 1;
#else
    (void)fd;
    left = -1;
#endif
    return left;
}

/* whether the connection is over on both sides */
static inline int port_over(int fd) {
#if defined(TCP_CONNECTION_INFO)
    struct tcp_connection_info info;
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_CONNECTION_INFO, &info, &size) == 0 &&
           info.tcpi_state == 0; /* TCPS_CLOSED */
#elif defined(TCP_INFO)
    struct tcp_info info;
    socklen_t size = sizeof info;
#ifdef __linux__
    int closed = TCP_CLOSE;
#else
    int closed = 0; /* TCPS_CLOSED */
#endif
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 && info.tcpi_state == closed;
#else
    (void)fd;
    return 0;
#endif
}

/* whether epoll finds it readable now; -1 if it cannot be asked */
static inline int port_epoll(int fd) {
#ifdef __linux__
    struct epoll_event e = {EPOLLIN, {NULL}};
    int outer = epoll_create1(EPOLL_CLOEXEC), count = -1;
    if (epoll_ctl(outer, EPOLL_CTL_ADD, fd, &e) == 0) count = epoll_wait(outer, &e, 1, 0);
    close(outer);
    return count;
#else
    (void)fd;
    return -1;
#endif
}

/* threads that wait for each other and then go on together: not every system has such a thing */
typedef struct barrier {
    pthread_mutex_t lock;
    pthread_cond_t all_here;
    int wanted, here, round;
} barrier;

static inline void barrier_begin(barrier *b, int threads) {
    memset(b, 0, sizeof *b);
    b->wanted = threads;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->all_here, NULL);
}

static inline void barrier_wait(barrier *b) {
    pthread_mutex_lock(&b->lock);
    int round = b->round;
    if (++b->here == b->wanted) {
        b->here = 0;
        b->round++;
        pthread_cond_broadcast(&b->all_here);
    }
    while (b->round == round) pthread_cond_wait(&b->all_here, &b->lock);
    pthread_mutex_unlock(&b->lock);
}

static inline void barrier_end(barrier *b) {
    pthread_cond_destroy(&b->all_here);
    pthread_mutex_destroy(&b->lock);
}

/* what this process has taken of the processors, in seconds */
static inline double cpu_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

#define MAX_FD 1024 /* tests do not look at descriptors beyond this */

/* how many descriptors are open, and which */
static inline int descriptors(char open_now[MAX_FD]) {
    int count = 0;
    for (int fd = 0; fd < MAX_FD; fd++) {
        open_now[fd] = fcntl(fd, F_GETFD) != -1;
        count += open_now[fd];
    }
    return count;
}

static inline int descriptor_count(void) {
    char ignored[MAX_FD];
    return descriptors(ignored);
}
#endif
