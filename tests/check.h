/* check.h - the smallest test harness that tells you where it went wrong.
 *
 *     static void addition(void) { CHECK(1 + 1 == 2); }
 *     int main(int argc, char **argv) { check_begin(argc, argv); RUN(addition); return check_report("arithmetic"); }
 *
 * Each RUN prints "ok NAME" or "FAILED NAME"; a program given names as its arguments runs only those.
 * A test that hangs is ended by an alarm, which names it.
 */
#ifndef CHECK_H
#define CHECK_H
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifndef CHECK_LIMIT_S
#define CHECK_LIMIT_S 60 /* a test that takes longer hangs */
#endif

static int check_passed, check_failed, check_faults, check_argc;
static char **check_argv;
static const char *check_name = "";

/* counted without a lock: CHECK in the thread that runs the test, and let other threads report to it */
#define CHECK(condition) ((condition) ? (void)0 : check_fault(__FILE__, __LINE__, #condition))

/* call fails with this errno, and leaves a sentence that names the thing */
#define CHECK_FAILS(call, error)                                                                   \
    do {                                                                                           \
        errno = 0;                                                                                 \
        long check_result = (long)(call);                                                          \
        int check_errno = errno;                                                                   \
        if (check_result != -1 || check_errno != (error) || strlen(nw0_error()) < 20) {            \
            check_fault(__FILE__, __LINE__, #call " fails with " #error);                          \
            printf("    gave %ld, errno %d (%s): %s\n", check_result, check_errno,                 \
                   strerror(check_errno), nw0_error());                                            \
        }                                                                                          \
    } while (0)

#define RUN(test) check_run(#test, test)

static inline void check_fault(const char *file, int line, const char *what) {
    check_faults++;
    printf("%s:%d: not so: %s\n", file, line, what);
    fflush(stdout);
}

static inline double check_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline void check_too_long(int number) {
    (void)number;
    (void)!write(STDOUT_FILENO, "TOO LONG: ", 10);
    (void)!write(STDOUT_FILENO, check_name, strlen(check_name));
    (void)!write(STDOUT_FILENO, "\n", 1);
    _exit(99);
}

static inline int check_wanted(const char *name) {
    if (check_argc < 2) return 1;
    for (int i = 1; i < check_argc; i++)
        if (strcmp(check_argv[i], name) == 0) return 1;
    return 0;
}

static inline void check_run(const char *name, void (*test)(void)) {
    if (!check_wanted(name)) return;
    double start = check_now();
    check_name = name;
    check_faults = 0;
    signal(SIGALRM, check_too_long);
    alarm(CHECK_LIMIT_S);
    test();
    alarm(0);
    if (check_faults) check_failed++;
    else check_passed++;
    printf("%s %s (%.2f s)\n", check_faults ? "FAILED" : "ok", name, check_now() - start);
    fflush(stdout);
}

/* The next of 99 TCP ports which the system gives to nobody, and which no other program of these
 * tests uses now: whoever has the one before them, until it ends, has them all. */
static inline int check_port(void) {
    static int block, next;
    for (int i = 0; block == 0 && i < 150; i++) {
        struct sockaddr_in sin;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        memset(&sin, 0, sizeof sin);
        sin.sin_family = AF_INET;
        sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        sin.sin_port = htons((uint16_t)(10000 + (getpid() + i) % 150 * 100));
        if (bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0) block = ntohs(sin.sin_port);
        else close(fd);
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return block + 1 + next++ % 99;
}

/* call first, if the tests can be chosen by name */
static inline void check_begin(int argc, char **argv) {
    check_port(); /* so that its descriptor is there before any are counted */
    check_argc = argc;
    check_argv = argv;
    setvbuf(stdout, NULL, _IOLBF, 0);
}

static inline int check_report(const char *program) {
    printf("%s: %d passed, %d failed\n", program, check_passed, check_failed);
    return check_failed != 0;
}
#endif
