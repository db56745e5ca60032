/* faults.c - what happens when the system says no: every call that can fail does, one after the
 * other, and so do transfers that move only a few bytes at a time. Over loopback.
 *
 * NW0_FAULT is asked before each system call, NW0_SHORT how much a transfer may move at most.
 */
#include <stdlib.h>

static int my_fault(const char *name);
static size_t my_short(const char *name, size_t size);
static int live_allocations;

static void *counted_malloc(size_t size) {
    void *p = malloc(size);
    if (p != NULL) __atomic_add_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
    return p;
}

static void *counted_realloc(void *old, size_t size) {
    void *p = realloc(old, size);
    if (p != NULL && old == NULL) __atomic_add_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
    return p;
}

static void counted_free(void *p) {
    if (p != NULL) __atomic_sub_fetch(&live_allocations, 1, __ATOMIC_SEQ_CST);
    free(p);
}

#define NW0_FAULT(name) my_fault(#name)
#define NW0_SHORT(name, size) my_short(#name, size)
#define NW0_MALLOC counted_malloc
#define NW0_REALLOC counted_realloc
#define NW0_FREE counted_free
#define NW0_ADVERT_INTERVAL_S 0.25 /* so that what a round repairs is repaired soon */
#define NW0_MAX_MESSAGE 1000000
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>

#define LIMIT 20.0
#define HELLO "\0\0\0\4nw0?"
#define LARGE 100000

/* ---- the hooks ---- */

typedef struct fault {
    const char *name; /* of the call, or NULL: all of them */
    int error;
    long first, last; /* of the calls of that name, counted from 1, which fail */
    long every;       /* if not 0: each that this divides, instead */
} fault;

static fault now_fault, next_fault; /* the second is armed when the first has hit */
static long fault_calls, fault_hits, piece;
static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;

static int my_fault(const char *name) {
    int error = 0;
    pthread_mutex_lock(&fault_lock);
    if (now_fault.error != 0 && strcmp(name, now_fault.name) == 0) {
        long n = ++fault_calls;
        if (now_fault.every ? n % now_fault.every == 0
                            : n >= now_fault.first && n <= now_fault.last) {
            error = now_fault.error;
            fault_hits++;
            if (next_fault.error != 0) {
                now_fault = next_fault;
                next_fault.error = 0;
                fault_calls = 0;
            }
        }
    }
    pthread_mutex_unlock(&fault_lock);
    if (error != 0) errno = error;
    return error != 0;
}

static size_t my_short(const char *name, size_t size) {
    size_t most = (size_t)__atomic_load_n(&piece, __ATOMIC_SEQ_CST);
    (void)name;
    return most != 0 && size > most ? most : size;
}

static void arm_both(fault f, fault after_it) {
    pthread_mutex_lock(&fault_lock);
    now_fault = f;
    next_fault = after_it;
    fault_calls = fault_hits = 0;
    pthread_mutex_unlock(&fault_lock);
}

static void arm(fault f) {
    fault none = {"none", 0, 0, 0, 0};
    arm_both(f, none);
}

/* how often it has hit */
static long disarm(void) {
    pthread_mutex_lock(&fault_lock);
    long hits = fault_hits;
    now_fault.error = next_fault.error = 0;
    pthread_mutex_unlock(&fault_lock);
    return hits;
}

static long calls_so_far(void) {
    pthread_mutex_lock(&fault_lock);
    long calls = fault_calls;
    pthread_mutex_unlock(&fault_lock);
    return calls;
}

/* ---- tools ---- */

static int descriptor_count(void) {
    int count = 0;
    for (int fd = 0; fd < 1024; fd++) count += fcntl(fd, F_GETFD) != -1;
    return count;
}

static struct sockaddr_in loopback(int port) {
    struct sockaddr_in sin;
    memset(&sin, 0, sizeof sin);
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons((uint16_t)port);
    return sin;
}

static int raw_socket(int type) {
    struct timeval limit = {(time_t)LIMIT, 0};
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

/* a socket at a port of its own; which, in address */
static int raw_bind(int type, char address[NW0_ADDRESS_SIZE]) {
    struct sockaddr_in sin = loopback(0);
    socklen_t size = sizeof sin;
    int fd = raw_socket(type);
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&sin, &size) == 0);
    snprintf(address, NW0_ADDRESS_SIZE, "127.0.0.1:%u", (unsigned)ntohs(sin.sin_port));
    return fd;
}

/* a port outside of those that the system gives away by itself: nobody else takes it meanwhile */
static void new_address(char address[NW0_ADDRESS_SIZE]) {
    snprintf(address, NW0_ADDRESS_SIZE, "127.0.0.1:%d", check_port());
}

static int raw_connect(const char *address) {
    struct sockaddr_in sin = loopback(atoi(strchr(address, ':') + 1));
    int fd = raw_socket(SOCK_STREAM);
    CHECK(connect(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
    return fd;
}

/* before a call: no errno, and a sentence that is not about it */
static void forget_errors(void) {
    (void)nw0_address("127.0.0.1:stale", NULL);
    errno = 0;
}

/* success, or -1 with a cause and a sentence about it: nothing else is allowed, whatever failed */
static int allowed(ssize_t result, int error) {
    const char *sentence = nw0_error();
    return result >= 0 || (result == -1 && error != 0 && strlen(sentence) >= 20 &&
                           strstr(sentence, "stale") == NULL);
}

/* ---- the scenario ---- */

static int served_wrongly; /* by the server thread */

/* answers every message with itself, and goes on whatever fails, until the message is "stop" */
static void *serve(void *address) {
    char *room = malloc(LARGE + 1);
    for (int stop = 0; !stop;) {
        forget_errors();
        ssize_t n = nw0_wait_for_message_from(address, room, LARGE + 1, NW0_FOREVER, false);
        if (!allowed(n, errno)) __atomic_add_fetch(&served_wrongly, 1, __ATOMIC_SEQ_CST);
        if (n < 0) {
            usleep(5000);
            continue;
        }
        stop = strcmp(room, "stop") == 0;
        forget_errors();
        int replied = nw0_send_reply_to(address, room, (size_t)n);
        if (!allowed(replied, errno)) __atomic_add_fetch(&served_wrongly, 1, __ATOMIC_SEQ_CST);
    }
    free(room);
    return NULL;
}

/* an answer is the whole question, or there is none */
static int asked(const char *address, const char *question, size_t size, double wait_s) {
    static char reply[LARGE + 1];
    forget_errors();
    ssize_t n = nw0_send_message_to(address, question, size, reply, sizeof reply, wait_s);
    CHECK(allowed(n, errno));
    CHECK(n < 0 || (n == (ssize_t)size && memcmp(reply, question, size) == 0));
    return n >= 0;
}

static const char *large_question(void) {
    static char question[LARGE];
    for (size_t i = 0; question[1] == 0 && i < LARGE; i++) question[i] = (char)(i * 31 + i / 253);
    return question;
}

static int advertised(const char *name, const char *address) {
    nw0_service service;
    forget_errors();
    int result = nw0_advertise(name, address, &service);
    CHECK(allowed(result, errno));
    return result >= 0;
}

static int discovered(const char *name, double wait_s) {
    nw0_service service;
    forget_errors();
    int result = nw0_discover(name, wait_s, &service);
    CHECK(allowed(result, errno));
    return result >= 0;
}

static double look_s; /* how long the library's own thread has for its part */

/* everything once; whether all of it went well */
static int use(const char *address, double wait_s) {
    int well = advertised("faults/service", address);
    well &= advertised("faults/own", NULL);
    well &= discovered("faults/service", wait_s);
    well &= !discovered("faults/nobody", look_s);
    well &= asked(address, "hello", 5, wait_s);
    well &= asked(address, large_question(), LARGE, wait_s);
    forget_errors();
    int left = nw0_unadvertise("faults/own");
    CHECK(allowed(left, errno));
    return well && left >= 0;
}

/* whether somebody who asks the network for the service is told of it: discovery is alive */
static int is_told(const char *name) {
    char own[NW0_ADDRESS_SIZE], text[512], head[256];
    int fd = raw_bind(SOCK_DGRAM, own), on = 1, told = 0;
    struct sockaddr_in everybody = loopback(atoi(getenv("NW0_PORT")));
    everybody.sin_addr.s_addr = inet_addr("127.255.255.255");
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    snprintf(head, sizeof head, "[\"%s\"", name);
    for (double end = check_now() + LIMIT; !told && check_now() < end;) {
        struct pollfd p = {fd, POLLIN, 0};
        int size = snprintf(text, sizeof text, "[\"?%s\",\"%s\",0]", name, own);
        sendto(fd, text, (size_t)size, 0, (struct sockaddr *)&everybody, sizeof everybody);
        if (poll(&p, 1, 50) == 1 && recv(fd, text, sizeof text, 0) > 0)
            told = strncmp(text, head, strlen(head)) == 0;
    }
    close(fd);
    return told;
}

/* what the library's own thread calls, it calls when it has its turn */
static void wait_for_a_call(void) {
    for (double end = check_now() + LIMIT; calls_so_far() == 0 && check_now() < end;) usleep(1000);
}

static int went_well; /* the last use with a fault, if that was not met */

/* uses everything while the fault is there, and again without it; whether the fault was met */
static int survives(fault f, double wait_s) {
    char address[NW0_ADDRESS_SIZE];
    pthread_t server;
    int faults = check_faults, descriptors = descriptor_count();
    new_address(address);
    served_wrongly = 0;
    arm(f);
    CHECK(pthread_create(&server, NULL, serve, address) == 0);
    went_well = use(address, wait_s);
    if (look_s > 0) wait_for_a_call();
    int met = disarm() > 0;
    CHECK(use(address, LIMIT));
    CHECK(is_told("faults/service"));
    CHECK(asked(address, "stop", 4, LIMIT));
    pthread_join(server, NULL);
    nw0_shutdown();
    CHECK(served_wrongly == 0);
    CHECK(descriptor_count() == descriptors);
    CHECK(live_allocations == 0);
    if (check_faults > faults)
        printf("    when %s failed with %s, calls %ld to %ld\n", f.name, strerror(f.error), f.first,
               f.last);
    return met;
}

/* the Nth call fails, for each N that there is; and all from the Nth on, for some */
static void survives_all(const char *name, int error) {
    int met = 1;
    long n;
    for (n = 1; met && n <= 30; n++) {
        fault f = {name, error, n, n, 0};
        met = survives(f, 0.5);
        CHECK(met || n > 1); /* it is called at all */
    }
    for (n = 1; n <= 16; n *= 4) {
        fault f = {name, error, n, 1000000000, 0};
        survives(f, 0.05);
    }
}

static void nothing_fails(void) {
    fault f = {"none", EIO, 1, 1, 0};
    CHECK(!survives(f, LIMIT));
    CHECK(went_well);
}

static void socket_may_fail(void) {
    survives_all("socket", EMFILE);
    survives_all("socket", ENOBUFS);
}

static void bind_may_fail(void) {
    survives_all("bind", EADDRINUSE);
}

static void listen_may_fail(void) {
    survives_all("listen", EADDRINUSE);
}

static void accept_may_fail(void) {
    survives_all("accept", ECONNABORTED);
    survives_all("accept", EMFILE);
    survives_all("accept", EINTR);
}

static void connect_may_fail(void) {
    survives_all("connect", ENETUNREACH);
    survives_all("connect", ECONNREFUSED);
    survives_all("connect", EINTR);
}

static void sendmsg_may_fail(void) {
    survives_all("sendmsg", EAGAIN);
    survives_all("sendmsg", EINTR);
    survives_all("sendmsg", ENOBUFS);
    survives_all("sendmsg", EPIPE);
}

static void recvmsg_may_fail(void) {
    survives_all("recvmsg", EAGAIN);
    survives_all("recvmsg", EINTR);
    survives_all("recvmsg", ECONNRESET);
}

static void sendto_may_fail(void) {
    look_s = 0.02;
    survives_all("sendto", ENETUNREACH);
    survives_all("sendto", ENETDOWN);
    survives_all("sendto", ENOBUFS);
    survives_all("sendto", EPERM);
    look_s = 0;
}

static void recvfrom_may_fail(void) {
    look_s = 0.02;
    survives_all("recvfrom", EINTR);
    survives_all("recvfrom", ECONNREFUSED);
    look_s = 0;
}

static void poll_may_fail(void) {
    survives_all("poll", EINTR);
    survives_all("poll", ENOMEM);
}

#ifdef NW0__EPOLL
static void epoll_create1_may_fail(void) {
    survives_all("epoll_create1", EMFILE);
}

static void epoll_ctl_may_fail(void) {
    survives_all("epoll_ctl", ENOMEM);
    survives_all("epoll_ctl", ENOSPC);
}

static void epoll_wait_may_fail(void) {
    survives_all("epoll_wait", EINTR);
}
#endif

static void socketpair_may_fail(void) {
    survives_all("socketpair", EMFILE);
}

static void pthread_create_may_fail(void) {
    survives_all("pthread_create", EAGAIN);
}

static void getifaddrs_may_fail(void) {
    survives_all("getifaddrs", ENOMEM);
}

static void malloc_may_fail(void) {
    survives_all("malloc", ENOMEM);
}

static void realloc_may_fail(void) {
    survives_all("realloc", ENOMEM);
}

static void setsockopt_may_fail(void) {
    survives_all("setsockopt", ENOBUFS);
}

static void getsockname_may_fail(void) {
    survives_all("getsockname", ENOBUFS);
}

static const char *const names[] = {
    "socket",        "bind",      "listen",     "accept",     "connect",
    "sendmsg",       "recvmsg",   "sendto",     "recvfrom",   "poll",
    "epoll_create1", "epoll_ctl", "epoll_wait", "socketpair", "pthread_create",
    "getifaddrs",    "malloc",    "realloc",    "setsockopt", "getsockname",
};
enum { NAMES = sizeof names / sizeof *names };

/* leaving is not prevented by anything that fails meanwhile */
static void shutdown_may_meet_any_fault(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    int before = descriptor_count();
    for (int i = 0; i < 2 * NAMES; i++) {
        fault f = {names[i / 2], i % 2 ? EINTR : ENOMEM, 1, i % 2 ? 1 : 1000000000, 0};
        int faults = check_faults;
        new_address(address);
        CHECK(nw0_advertise("faults/own", NULL, NULL) >= 0);
        CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0, false), ETIMEDOUT);
        int fd = raw_connect(address);
        CHECK(send(fd, HELLO "\0\0\0\2hi", 14, 0) == 14);
        CHECK(nw0_wait_for_message_from(address, none, sizeof none, LIMIT, false) == 2);
        CHECK_FAILS(nw0_send_message_to(address, "hello", 5, none, sizeof none, 0), ETIMEDOUT);
        arm(f);
        nw0_shutdown();
        disarm();
        close(fd);
        CHECK(descriptor_count() == before && live_allocations == 0);
        if (check_faults > faults)
            printf("    when %s failed with %s\n", f.name, strerror(f.error));
    }
}

static double cpu_s(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* what fails for a while is tried again, and not without a pause */
static void no_fault_makes_it_spin(void) {
    static const struct {
        const char *name;
        int error;
    } lasting[] = {{"poll", ENOMEM},   {"epoll_wait", ENOMEM}, {"accept", EMFILE},
                   {"socket", EMFILE}, {"getifaddrs", ENOMEM}, {"sendto", ENETDOWN}};
    for (size_t i = 0; i < sizeof lasting / sizeof *lasting; i++) {
        char address[NW0_ADDRESS_SIZE];
        fault f = {lasting[i].name, lasting[i].error, 1, 1000000000, 0};
        pthread_t server;
        int faults = check_faults;
        new_address(address);
        CHECK(pthread_create(&server, NULL, serve, address) == 0);
        CHECK(use(address, LIMIT));
        arm(f);
        int fd = raw_connect(address);
        double before = cpu_s();
        usleep(500000);
        CHECK(cpu_s() - before < 0.2);
        long hits = disarm();
        CHECK(hits < 300);
        CHECK(asked(address, "stop", 4, LIMIT));
        pthread_join(server, NULL);
        close(fd);
        nw0_shutdown();
        if (check_faults > faults)
            printf("    when %s failed with %s, %ld times\n", f.name, strerror(f.error), hits);
    }
}

#ifdef NW0__EPOLL
/* nobody can be accepted for a moment, and then the listener does not come back at the first try */
static void a_listener_that_does_not_come_back_at_once_comes_back_later(void) {
    static const fault accept_fails = {"accept", EMFILE, 1, 1, 0},
                       epoll_ctl_fails = {"epoll_ctl", ENOMEM, 1, 1, 0};
    char address[NW0_ADDRESS_SIZE], none[8];
    pthread_t server;
    new_address(address);
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0, false), ETIMEDOUT);
    arm_both(accept_fails, epoll_ctl_fails);
    int fd = raw_connect(address);
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0.25, false), ETIMEDOUT);
    CHECK(disarm() == 2);
    CHECK(pthread_create(&server, NULL, serve, address) == 0);
    CHECK(asked(address, "hello", 5, LIMIT));
    CHECK(asked(address, "stop", 4, LIMIT));
    pthread_join(server, NULL);
    close(fd);
    nw0_shutdown();
}

/* who could not accept leaves; the other one, who waits for ever, must accept again. Ten rounds,
 * because either of them may be the one who could not */
static void who_goes_on_waiting_accepts_again(void) {
    static const fault accept_fails = {"accept", EMFILE, 1, 1, 0};
    for (int i = 0; i < 10; i++) {
        char address[NW0_ADDRESS_SIZE], none[8];
        pthread_t server;
        new_address(address);
        CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0, false), ETIMEDOUT);
        CHECK(pthread_create(&server, NULL, serve, address) == 0);
        arm(accept_fails);
        int fd = raw_connect(address);
        CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0.05, false), ETIMEDOUT);
        disarm();
        int heard = asked(address, "hello", 5, LIMIT);
        CHECK(heard);
        if (!heard) CHECK(nw0_close(address) >= 0); /* the server opens it again, and can be ended */
        CHECK(asked(address, "stop", 4, LIMIT));
        pthread_join(server, NULL);
        close(fd);
        nw0_shutdown();
    }
}
#endif

/* what has come of an answer must be kept when the time is up. That there is no memory for it is
 * this machine's fault, and not the service's */
static void no_memory_for_half_an_answer_is_ENOMEM(void) {
    char address[NW0_ADDRESS_SIZE], room[100];
    int listener = raw_bind(SOCK_STREAM, address);
    fault f = {"realloc", ENOMEM, 1, 1000000000, 0};
    CHECK(listen(listener, 5) == 0);
    CHECK_FAILS(nw0_send_message_to(address, "hello", 5, room, sizeof room, 0.05), ETIMEDOUT);
    int fd = accept(listener, NULL, NULL);
    CHECK(send(fd, "\0\0\0\5hal", 7, 0) == 7);
    arm(f);
    CHECK_FAILS(nw0_wait_for_reply_from(address, room, sizeof room, 0.05), ENOMEM);
    CHECK(disarm() > 0);
    CHECK(strstr(nw0_error(), "memory") != NULL);
    close(fd);
    close(listener);
    nw0_shutdown();
    CHECK(live_allocations == 0);
}

/* ---- pieces ---- */

static void exchange_in_pieces(long most, long every) {
    static const char *const calls[] = {"sendmsg", "recvmsg"};
    char address[NW0_ADDRESS_SIZE];
    pthread_t server;
    new_address(address);
    __atomic_store_n(&piece, most, __ATOMIC_SEQ_CST);
    CHECK(pthread_create(&server, NULL, serve, address) == 0);
    for (size_t i = 0; i < 2; i++) {
        fault f = {calls[i], EAGAIN, 0, 0, every};
        if (every) arm(f);
        for (size_t size = 0; size <= 20; size++)
            CHECK(asked(address, large_question(), size, LIMIT));
        CHECK(asked(address, large_question(), 1000, LIMIT));
        CHECK(asked(address, large_question(), 5000, LIMIT));
        CHECK(!every || disarm() > 20);
    }
    CHECK(asked(address, "stop", 4, LIMIT));
    pthread_join(server, NULL);
    __atomic_store_n(&piece, 0, __ATOMIC_SEQ_CST);
    nw0_shutdown();
    CHECK(live_allocations == 0);
}

static void frames_may_move_in_any_pieces(void) {
    static const long pieces[] = {1, 2, 3, 5, 7};
    for (int i = 0; i < 5; i++) exchange_in_pieces(pieces[i], 0);
}

static void frames_may_move_with_interruptions(void) {
    exchange_in_pieces(1, 2);
    exchange_in_pieces(2, 3);
    exchange_in_pieces(7, 2);
    exchange_in_pieces(100, 2);
}

/* what a slow reader gets from the library's own thread is whole too */
static void a_rest_may_move_in_any_pieces(void) {
    char address[NW0_ADDRESS_SIZE], *answer = malloc(NW0_MAX_MESSAGE),
                                    *got = malloc(NW0_MAX_MESSAGE + 4), room[8];
    fault f = {"sendmsg", EAGAIN, 0, 0, 2};
    new_address(address);
    for (size_t i = 0; i < NW0_MAX_MESSAGE; i++) answer[i] = (char)(i * 31 + i / 253);
    CHECK_FAILS(nw0_wait_for_message_from(address, room, sizeof room, 0, false), ETIMEDOUT);
    int fd = raw_connect(address);
    CHECK(send(fd, HELLO "\0\0\0\3all", 15, 0) == 15);
    CHECK(nw0_wait_for_message_from(address, room, sizeof room, LIMIT, false) == 3);
    __atomic_store_n(&piece, 1000, __ATOMIC_SEQ_CST);
    arm(f);
    CHECK(nw0_send_reply_to(address, answer, NW0_MAX_MESSAGE) >= 0);
    CHECK(recv(fd, got, NW0_MAX_MESSAGE + 4, MSG_WAITALL) == NW0_MAX_MESSAGE + 4);
    CHECK(disarm() > 0);
    CHECK(memcmp(got, "\0\17\102\100", 4) == 0 && memcmp(got + 4, answer, NW0_MAX_MESSAGE) == 0);
    __atomic_store_n(&piece, 0, __ATOMIC_SEQ_CST);
    close(fd);
    nw0_shutdown();
    free(answer);
    free(got);
}

/* ---- a limit of one's own ---- */

static void a_question_above_the_limit_is_hung_up_on(void) {
    char address[NW0_ADDRESS_SIZE], byte;
    pthread_t server;
    new_address(address);
    CHECK(pthread_create(&server, NULL, serve, address) == 0);
    CHECK(asked(address, "hello", 5, LIMIT));
    int fd = raw_connect(address);
    CHECK(send(fd, HELLO "\0\17\102\101", 12, 0) == 12); /* one more than 1,000,000 */
    CHECK(recv(fd, &byte, 1, 0) == 0);
    close(fd);
    CHECK(asked(address, "stop", 4, LIMIT));
    pthread_join(server, NULL);
    nw0_shutdown();
}

static void *answer_too_much(void *listener) {
    char question[17];
    int fd = accept(*(int *)listener, NULL, NULL);
    if (recv(fd, question, sizeof question, MSG_WAITALL) != 17) listener = NULL;
    if (send(fd, "\0\17\102\101", 4, MSG_NOSIGNAL) != 4) listener = NULL;
    (void)!recv(fd, question, 1, 0); /* it is hung up on */
    close(fd);
    return listener;
}

/* it may be a good answer, which only this program was not built for: and that is what it is told */
static void an_answer_above_the_limit_is_EPROTO(void) {
    char address[NW0_ADDRESS_SIZE], room[8];
    int listener = raw_bind(SOCK_STREAM, address);
    pthread_t server;
    void *result = NULL;
    CHECK(listen(listener, 5) == 0);
    CHECK(pthread_create(&server, NULL, answer_too_much, &listener) == 0);
    CHECK_FAILS(nw0_send_message_to(address, "hello", 5, room, sizeof room, LIMIT), EPROTO);
    CHECK(strstr(nw0_error(), "NW0_MAX_MESSAGE") != NULL);
    pthread_join(server, &result);
    CHECK(result != NULL);
    close(listener);
    nw0_shutdown();
}

int main(int argc, char **argv) {
    char port[8];
    snprintf(port, sizeof port, "%d", 20000 + (int)(getpid() % 10000));
    setenv("NW0_NETWORK", "127.*", 1);
    setenv("NW0_PORT", port, 1);
    check_begin(argc, argv);
    RUN(nothing_fails);
    RUN(socket_may_fail);
    RUN(bind_may_fail);
    RUN(listen_may_fail);
    RUN(accept_may_fail);
    RUN(connect_may_fail);
    RUN(sendmsg_may_fail);
    RUN(recvmsg_may_fail);
    RUN(sendto_may_fail);
    RUN(recvfrom_may_fail);
    RUN(poll_may_fail);
#ifdef NW0__EPOLL
    RUN(epoll_create1_may_fail);
    RUN(epoll_ctl_may_fail);
    RUN(epoll_wait_may_fail);
#endif
    RUN(socketpair_may_fail);
    RUN(pthread_create_may_fail);
    RUN(getifaddrs_may_fail);
    RUN(malloc_may_fail);
    RUN(realloc_may_fail);
    RUN(setsockopt_may_fail);
    RUN(getsockname_may_fail);
    RUN(shutdown_may_meet_any_fault);
    RUN(no_fault_makes_it_spin);
#ifdef NW0__EPOLL
    RUN(a_listener_that_does_not_come_back_at_once_comes_back_later);
    RUN(who_goes_on_waiting_accepts_again);
#endif
    RUN(no_memory_for_half_an_answer_is_ENOMEM);
    RUN(frames_may_move_in_any_pieces);
    RUN(frames_may_move_with_interruptions);
    RUN(a_rest_may_move_in_any_pieces);
    RUN(a_question_above_the_limit_is_hung_up_on);
    RUN(an_answer_above_the_limit_is_EPROTO);
    nw0_shutdown();
    return check_report("faults");
}
