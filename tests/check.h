/* check.h - the smallest test harness that tells you where it went wrong.
 *
 *     static void addition(void) { CHECK(1 + 1 == 2); }
 *     int main(int argc, char **argv) { check_begin(argc, argv); RUN(addition); return check_report("arithmetic"); }
 *
 * Each RUN prints "ok NAME", "FAILED NAME" or "skipped NAME"; a program given names as its arguments
 * runs only those. A test that hangs is ended by an alarm, which names it.
 *
 * How the tests' house is laid out:
 *     check.h     this: CHECK, RUN, SKIP, the report; a program's own block of ports
 *     port.h      what a system may lack, or calls otherwise
 *     net.h       raw sockets, which speak the wire byte by byte, and how long they wait
 *     talk.h      what a test says often through nw0.h itself, in this thread or in another one
 *     child.h     other processes: the only fork and exec of the tests
 *     signals.h   signals that disturb
 *     memory.h    what the library has of memory; to be included before nw0.h
 *     SECTION/    the tests of one section of the contract. Each file in there is a program, which
 *                 "tests/run BUILD SECTION/FILE" runs alone, and "tests/run BUILD SECTION" with the
 *                 others. What several files of a section share is in SECTION/SECTION.h
 *     linux/      what needs /proc, namespaces or other things that only Linux has
 *     compile/ fuzz/ wire/ hosts/ tool/ bench/    have a program run of their own
 *     promises.txt  what the header promises, and which tests prove it: "tests/promises" compares
 * A file that asks for nothing else of nw0.h leaves NW0_IMPLEMENTATION away: BUILD/nw0.o has it then.
 * net.h, talk.h and child.h need nw0.h before them.
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

static int check_passed, check_failed, check_skipped, check_faults, check_argc;
static char **check_argv;
static const char *check_name = "", *check_reason; /* why this test is skipped, if it is */

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

/* leaves the test, which cannot be done here; what has failed in it before has failed nevertheless.
 * Who is not in the test's own function calls check_skip(), and returns by himself */
#define SKIP(reason)                                                                               \
    do {                                                                                           \
        check_skip(reason);                                                                        \
        return;                                                                                    \
    } while (0)

static inline void check_fault(const char *file, int line, const char *what) {
    check_faults++;
    printf("%s:%d: not so: %s\n", file, line, what);
    fflush(stdout);
}

static inline void check_skip(const char *reason) {
    check_reason = reason;
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
    check_reason = NULL;
    signal(SIGALRM, check_too_long);
    alarm(CHECK_LIMIT_S);
    test();
    alarm(0);
    double took = check_now() - start;
    if (check_faults) check_failed++;
    else if (check_reason != NULL) check_skipped++;
    else check_passed++;
    if (check_faults) printf("FAILED %s (%.2f s)\n", name, took);
    else if (check_reason != NULL) printf("skipped: %s: %s\n", name, check_reason);
    else printf("ok %s (%.2f s)\n", name, took);
    fflush(stdout);
}

/* valgrind takes many times as long, one thread after the other, and has descriptors of its own */
static inline int check_valgrind(void) {
    const char *loaded = getenv("LD_PRELOAD");
    return loaded != NULL && strstr(loaded, "vgpreload") != NULL;
}

/* A TCP port which the system gives to nobody: whoever has it, until it ends, has the 99 behind it,
 * too, and no other program of these tests uses them now */
static inline int check_block(void) {
    static int block;
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
    return block;
}

/* the next port of this program's block */
static inline int check_port(void) {
    static int next;
    return check_block() + 1 + next++ % 99;
}

/* call first, if the tests can be chosen by name */
static inline void check_begin(int argc, char **argv) {
    check_block(); /* so that its descriptor is there before any are counted */
    check_argc = argc;
    check_argv = argv;
    setvbuf(stdout, NULL, _IOLBF, 0);
}

static inline int check_report(const char *program) {
    printf("%s: %d passed, %d failed", program, check_passed, check_failed);
    if (check_skipped) printf(", %d skipped", check_skipped);
    printf("\n");
    return check_failed != 0;
}
#endif
