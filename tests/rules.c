/* rules.c - the rules that hold everywhere: signals, descriptors, forks, threads, errors, time, and
 * nothing left behind. Over loopback. Whatever must come is waited for with LIMIT.
 */
#include <stdlib.h>

static int live_allocations; /* of the library: it gets its memory from these three alone */

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

#define NW0_MALLOC counted_malloc
#define NW0_REALLOC counted_realloc
#define NW0_FREE counted_free
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "check.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#define LIMIT 20.0
#define BRIEF 0.2
#define MOST ((size_t)NW0_MAX_MESSAGE)
#define HELLO "\0\0\0\4nw0?"
#define MAX_FD 1024

static char program[4096]; /* this program's own path, for tests that need another process */
static int discovery_port;

/* ThreadSanitizer knows no threads in the child of a program with threads: there, a child does only
 * what needs none. LeakSanitizer would wait for the parent's threads in a child that exits */
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

static pid_t fork_child(void) {
    pid_t pid = fork();
    if (pid == 0) is_child = 1;
    return pid;
}

/* ---- tools ---- */

static struct sockaddr_in socket_address(const char *address) {
    struct sockaddr_in sin;
    memset(&sin, 0, sizeof sin);
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    sin.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
    return sin;
}

static int raw_connect(int fd, const char *address) {
    struct sockaddr_in sin = socket_address(address);
    return connect(fd, (struct sockaddr *)&sin, sizeof sin);
}

/* a socket whose reads do not last longer than the limit */
static int raw_socket(void) {
    struct timeval limit = {(time_t)LIMIT, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
}

static int raw_listen(char address[NW0_ADDRESS_SIZE]) {
    struct sockaddr_in sin = socket_address("any:0");
    socklen_t size = sizeof sin;
    int fd = raw_socket();
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(fd, 100) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&sin, &size) == 0);
    snprintf(address, NW0_ADDRESS_SIZE, "127.0.0.1:%u", (unsigned)ntohs(sin.sin_port));
    return fd;
}

static int raw_got(int fd, const char *bytes, size_t size) {
    char got[100];
    return recv(fd, got, size, MSG_WAITALL) == (ssize_t)size && memcmp(got, bytes, size) == 0;
}

static int raw_closed(int fd) {
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

/* a port outside of those that the system gives away by itself: nobody else takes it meanwhile */
static void new_address(char address[NW0_ADDRESS_SIZE]) {
    snprintf(address, NW0_ADDRESS_SIZE, "127.0.0.1:%d", check_port());
}

static void listen_at(const char *address) {
    char none[1];
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0, false), ETIMEDOUT);
}

static int takes(const char *address, const char *text) {
    char got[100];
    ssize_t n = nw0_wait_for_message_from(address, got, sizeof got, LIMIT, false);
    return n == (ssize_t)strlen(text) && strcmp(got, text) == 0;
}

static int asks(const char *address, const char *text, const char *answer) {
    char got[100];
    ssize_t n = nw0_send_message_to(address, text, NW0_TEXT, got, sizeof got, LIMIT);
    return n == (ssize_t)strlen(answer) && strcmp(got, answer) == 0;
}

/* answers every message at the address with itself, until it is "stop" */
static void *echo(void *address) {
    char room[100] = "";
    while (strcmp(room, "stop") != 0) {
        ssize_t n = nw0_wait_for_message_from(address, room, sizeof room, NW0_FOREVER, false);
        if (n < 0 || nw0_send_reply_to(address, room, (size_t)n) < 0) return NULL;
    }
    return address;
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

static int echo_round_trip(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    pthread_t thread = start(echo, address);
    int right = asks(address, "hello", "hello") && asks(address, "stop", "stop");
    return finish(thread) != NULL && right;
}

/* this program once more, to do something in a process of its own; how it ended, as of waitpid */
static int in_a_new_program(const char *what, const char *argument) {
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        alarm(CHECK_LIMIT_S / 2); /* of the new program: if that hangs, it ends before this test */
        execl(program, program, what, argument, (char *)NULL);
        _exit(255);
    }
    CHECK(waitpid(pid, &status, 0) == pid);
    return status;
}

/* ---- signals ---- */

static int signals_seen;

static void on_signal(int number) {
    (void)number;
    __atomic_add_fetch(&signals_seen, 1, __ATOMIC_SEQ_CST);
}

static void handle(int number, int flags) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = flags;
    CHECK(sigaction(number, &action, NULL) == 0);
}

/* a thread that sends up to two others a signal every so many microseconds, until it is stopped */
typedef struct pest {
    pthread_t victims[2], thread;
    int count, stop;
    useconds_t every;
} pest;

static void *pest_run(void *argument) {
    pest *p = argument;
    while (!__atomic_load_n(&p->stop, __ATOMIC_SEQ_CST)) {
        usleep(p->every);
        for (int i = 0; i < p->count; i++) pthread_kill(p->victims[i], SIGUSR1);
    }
    return NULL;
}

static void pest_start(pest *p, pthread_t one, const pthread_t *another, useconds_t every) {
    memset(p, 0, sizeof *p);
    p->victims[0] = one;
    if (another != NULL) p->victims[1] = *another;
    p->count = another != NULL ? 2 : 1;
    p->every = every;
    p->thread = start(pest_run, p);
}

static void pest_stop(pest *p) {
    __atomic_store_n(&p->stop, 1, __ATOMIC_SEQ_CST);
    finish(p->thread);
}

/* what there is to wait for. Nothing of it comes by itself */
static char silent_address[NW0_ADDRESS_SIZE], absent_address[NW0_ADDRESS_SIZE],
    own_address[NW0_ADDRESS_SIZE];

static ssize_t waits_for_a_name(double wait_s) {
    return nw0_discover("rules/nobody", wait_s, NULL);
}

static ssize_t waits_for_a_change(double wait_s) {
    nw0_service members[4], changed;
    int count = 0;
    return nw0_wait_for_change("rules", NULL, members, &count, 4, &changed, wait_s);
}

static ssize_t waits_for_a_message(double wait_s) {
    char room[100];
    return nw0_wait_for_message_from(own_address, room, sizeof room, wait_s, false);
}

static ssize_t waits_for_a_messages_size(double wait_s) {
    return nw0_wait_for_message_from(own_address, NULL, 0, wait_s, false);
}

static ssize_t waits_for_an_absent_server(double wait_s) {
    char room[100];
    return nw0_send_message_to(absent_address, "hello", 5, room, sizeof room, wait_s);
}

static ssize_t waits_for_a_silent_server(double wait_s) {
    char room[100];
    return nw0_send_message_to(silent_address, "hello", 5, room, sizeof room, wait_s);
}

static ssize_t waits_for_the_reply(double wait_s) {
    char room[100];
    return nw0_wait_for_reply_from(silent_address, room, sizeof room, wait_s);
}

static ssize_t waits_for_a_late_reply(double wait_s) {
    ssize_t n = waits_for_a_silent_server(BRIEF / 2);
    if (n != -1 || (errno != ETIMEDOUT && errno != EINTR)) return n;
    return waits_for_the_reply(wait_s);
}

/* the last takes time to begin */
static ssize_t (*const waits[])(double) = {
    waits_for_a_name,          waits_for_a_change,         waits_for_a_message,
    waits_for_a_messages_size, waits_for_an_absent_server, waits_for_a_silent_server,
    waits_for_a_late_reply,
};
enum { WAITS = sizeof waits / sizeof *waits };

static int silent_listener = -1; /* it never accepts */

static void waits_begin(void) {
    silent_listener = raw_listen(silent_address);
    new_address(absent_address);
    new_address(own_address);
}

static void waits_end(void) {
    close(silent_listener);
    nw0_shutdown();
}

static void signals_end_waits(int flags, double wait_s) {
    pest p;
    waits_begin();
    handle(SIGUSR1, flags);
    for (int i = 0; i < WAITS; i++) {
        pest_start(&p, pthread_self(), NULL, 20000);
        double begin = check_now();
        CHECK_FAILS(waits[i](wait_s), EINTR);
        CHECK(check_now() - begin < LIMIT / 2);
        pest_stop(&p);
    }
    waits_end();
}

static void a_signal_ends_every_wait(void) {
    signals_end_waits(0, LIMIT);
    signals_end_waits(0, NW0_FOREVER);
}

static void a_signal_ends_every_wait_under_SA_RESTART_too(void) {
    signals_end_waits(SA_RESTART, LIMIT);
    signals_end_waits(SA_RESTART, NW0_FOREVER);
}

static void interrupt_once(ssize_t wait(double)) {
    pest p;
    pest_start(&p, pthread_self(), NULL, 20000);
    CHECK_FAILS(wait(LIMIT), EINTR);
    pest_stop(&p);
}

static void an_interrupted_discovery_goes_on(void) {
    handle(SIGUSR1, SA_RESTART);
    interrupt_once(waits_for_a_name);
    interrupt_once(waits_for_a_change);
    CHECK(nw0_advertise("rules/nobody", NULL, NULL) >= 0);
    CHECK(waits_for_a_name(LIMIT) >= 0);
    CHECK(waits_for_a_change(LIMIT) == NW0_JOINED);
    nw0_shutdown();
}

/* half a question came before the signal, and half comes after it */
static void an_interrupted_wait_loses_no_half_message(void) {
    waits_begin();
    handle(SIGUSR1, 0);
    listen_at(own_address);
    int fd = raw_socket();
    CHECK(raw_connect(fd, own_address) == 0);
    CHECK(send(fd, HELLO "\0\0\0\5hal", 15, MSG_NOSIGNAL) == 15);
    interrupt_once(waits_for_a_message);
    CHECK(send(fd, "lo", 2, MSG_NOSIGNAL) == 2);
    CHECK(takes(own_address, "hallo"));
    CHECK(nw0_send_reply_to(own_address, "ok", 2) >= 0);
    CHECK(raw_got(fd, "\0\0\0\2ok", 6));
    close(fd);
    waits_end();
}

static void an_interrupted_question_is_answered_by_the_same_call(void) {
    waits_begin();
    handle(SIGUSR1, 0);
    interrupt_once(waits_for_an_absent_server);
    pthread_t thread = start(echo, absent_address);
    CHECK(waits_for_an_absent_server(LIMIT) == 5);
    CHECK(asks(absent_address, "stop", "stop"));
    CHECK(finish(thread) != NULL);
    waits_end();
}

static void an_interrupted_answer_can_be_fetched(void) {
    char room[8];
    waits_begin();
    handle(SIGUSR1, 0);
    interrupt_once(waits_for_a_silent_server);
    int fd = accept(silent_listener, NULL, NULL);
    CHECK(raw_got(fd, HELLO "\0\0\0\5hello", 17));
    interrupt_once(waits_for_the_reply);
    CHECK(send(fd, "\0\0\0\3yes", 7, MSG_NOSIGNAL) == 7);
    CHECK(nw0_wait_for_reply_from(silent_address, room, sizeof room, LIMIT) == 3);
    CHECK(strcmp(room, "yes") == 0);
    close(fd);
    waits_end();
}

/* ---- a storm of signals ---- */

#define STORM_MESSAGES 4
static char storm_address[NW0_ADDRESS_SIZE];
static int storm_taken;

static void *storm_serve(void *unused) {
    char *room = malloc(MOST + 1);
    while (storm_taken < STORM_MESSAGES) {
        ssize_t n = nw0_wait_for_message_from(storm_address, room, MOST + 1, LIMIT, false);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) break;
        storm_taken++;
        while (nw0_send_reply_to(storm_address, room, (size_t)n) < 0 && errno == EINTR) continue;
    }
    free(room);
    return unused;
}

/* what is to be done about EINTR: fetch the answer if the question went out, else ask again */
static ssize_t ask_stubbornly(const void *message, size_t size, void *reply) {
    ssize_t n = nw0_send_message_to(storm_address, message, size, reply, MOST + 1, LIMIT);
    while (n < 0 && errno == EINTR) {
        n = nw0_wait_for_reply_from(storm_address, reply, MOST + 1, LIMIT);
        if (n < 0 && errno == EINVAL)
            n = nw0_send_message_to(storm_address, message, size, reply, MOST + 1, LIMIT);
    }
    return n;
}

static void a_storm_of_signals_loses_nothing(void) {
    unsigned char *message = malloc(MOST), *reply = malloc(MOST + 1);
    pest p;
    new_address(storm_address);
    storm_taken = signals_seen = 0;
    handle(SIGUSR1, SA_RESTART);
    for (size_t i = 0; i < MOST; i++) message[i] = (unsigned char)(i * 7 + i / 255);
    pthread_t thread = start(storm_serve, NULL);
    pest_start(&p, pthread_self(), &thread, 1000);
    for (size_t i = 0; i < STORM_MESSAGES; i++) {
        CHECK(ask_stubbornly(message + i, MOST - i, reply) == (ssize_t)(MOST - i));
        CHECK(memcmp(reply, message + i, MOST - i) == 0);
    }
    pest_stop(&p);
    finish(thread);
    CHECK(storm_taken == STORM_MESSAGES); /* each once */
    CHECK(signals_seen > 10);
    nw0_shutdown();
    free(message);
    free(reply);
}

/* ---- signals that are none of the library's business ---- */

/* says that it will say no more, and goes away in the middle: who sends on is told by SIGPIPE */
static void *take_large_and_leave(void *listener) {
    char some[100];
    int fd = accept(*(int *)listener, NULL, NULL);
    if (recv(fd, some, sizeof some, MSG_WAITALL) != sizeof some) listener = NULL;
    shutdown(fd, SHUT_WR);
    if (recv(fd, some, sizeof some, MSG_WAITALL) != sizeof some) listener = NULL;
    close(fd);
    return listener;
}

static void no_SIGPIPE_is_raised(void) {
    char address[NW0_ADDRESS_SIZE], *large = calloc(1, MOST), none[8];
    int listener = raw_listen(address);
    handle(SIGPIPE, 0);
    signals_seen = 0;
    pthread_t thread = start(take_large_and_leave, &listener);
    CHECK_FAILS(nw0_send_message_to(address, large, MOST, none, sizeof none, LIMIT), ECONNRESET);
    CHECK(finish(thread) != NULL);
    close(listener);
    new_address(address);
    listen_at(address);
    for (int i = 0; i < 3; i++) { /* the first reply may still find the buffers of the kernel */
        int fd = raw_socket();
        CHECK(raw_connect(fd, address) == 0 &&
              send(fd, HELLO "\0\0\0\2hi", 14, MSG_NOSIGNAL) == 14);
        CHECK(takes(address, "hi"));
        close(fd);
        if (nw0_send_reply_to(address, large, MOST) < 0) CHECK(errno == EPIPE);
    }
    CHECK(echo_round_trip());
    CHECK(signals_seen == 0);
    signal(SIGPIPE, SIG_DFL);
    nw0_shutdown();
    free(large);
}

/* in a process of its own: what is said is told to nobody, by this thread and by the library's */
static int say_to_nobody(void) {
    nw0_service service;
    int ends[2];
    signal(SIGPIPE, SIG_DFL);
    if (pipe(ends) < 0 || dup2(ends[1], STDERR_FILENO) < 0) return 1;
    close(ends[0]);
    setenv("NW0_DEBUG", "1", 1);
    CHECK(nw0_advertise("rules/nobody hears", NULL, &service) >= 0);
    CHECK(nw0_discover("rules/nobody hears", LIMIT, NULL) >= 0);
    CHECK(echo_round_trip());
    nw0_shutdown();
    return check_faults;
}

static void no_SIGPIPE_is_raised_by_NW0_DEBUG(void) {
    CHECK(in_a_new_program("--to-nobody", NULL) == 0);
}

static void remember_handlers(struct sigaction actions[65]) {
    memset(actions, 0, 65 * sizeof *actions);
    for (int i = 1; i < 65; i++) sigaction(i, NULL, &actions[i]);
}

static void no_signal_handler_is_installed(void) {
    static struct sigaction before[65], after[65];
    remember_handlers(before);
    CHECK(nw0_advertise("rules/handlers", NULL, NULL) >= 0);
    CHECK(echo_round_trip());
    remember_handlers(after);
    for (int i = 1; i < 65; i++)
        CHECK(before[i].sa_handler == after[i].sa_handler &&
              before[i].sa_flags == after[i].sa_flags);
    nw0_shutdown();
}

/* the threads of this process; how many */
static int threads_now(long ids[], int capacity) {
    int count = 0;
    struct dirent *entry;
    DIR *tasks = opendir("/proc/self/task");
    while ((entry = readdir(tasks)) != NULL && count < capacity)
        if (entry->d_name[0] != '.') ids[count++] = atol(entry->d_name);
    closedir(tasks);
    return count;
}

/* a line of what the system says about a thread; what follows its title */
static char *thread_status(long thread, const char *title, char line[200]) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/status", thread);
    FILE *status = fopen(path, "r");
    if (status == NULL) return strcpy(line, "");
    while (fgets(line, 200, status) != NULL && strncmp(line, title, strlen(title)) != 0)
        line[0] = 0;
    fclose(status);
    return line + strcspn(line, "\t") + 1;
}

static unsigned long long blocked_signals(long thread) {
    char line[200];
    return strtoull(thread_status(thread, "SigBlk:", line), NULL, 16);
}

/* a thread that has just been born blocks everything for a moment, in the C library */
static int falls_asleep(long thread) {
    char line[200];
    for (double end = check_now() + LIMIT; check_now() < end; usleep(1000))
        if (thread_status(thread, "State:", line)[0] == 'S') return 1;
    return 0;
}

static void the_librarys_thread_blocks_all_signals(void) {
    /* nobody can block the first two; valgrind keeps the last for itself, the C library some */
    unsigned long long never = 1ull << (SIGKILL - 1) | 1ull << (SIGSTOP - 1) | 1ull << 63;
    for (int number = 32; number < SIGRTMIN; number++) never |= 1ull << (number - 1);
    long before[100], after[100];
    int old = threads_now(before, 100), seen = 0;
    CHECK(nw0_advertise("rules/thread", NULL, NULL) >= 0);
    int now = threads_now(after, 100);
    CHECK(now == old + 1);
    for (int i = 0; i < now; i++) {
        int known = 0;
        for (int k = 0; k < old; k++) known = known || before[k] == after[i];
        if (known) continue;
        CHECK(falls_asleep(after[i]));
        CHECK((blocked_signals(after[i]) | never) == ~0ull);
        seen++;
    }
    CHECK(seen == 1);
    CHECK(blocked_signals((long)getpid()) == 0); /* and that of the program is left as it was */
    nw0_shutdown();
}

static void a_signal_of_the_process_waits_for_the_programs_threads(void) {
    sigset_t set, pending;
    handle(SIGUSR1, 0);
    signals_seen = 0;
    CHECK(nw0_advertise("rules/pending", NULL, NULL) >= 0);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    kill(getpid(), SIGUSR1);
    usleep(50000); /* time enough for another thread to take it, if one would */
    sigpending(&pending);
    CHECK(sigismember(&pending, SIGUSR1) == 1 && signals_seen == 0);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    for (double end = check_now() + LIMIT; signals_seen == 0 && check_now() < end;) usleep(100);
    CHECK(signals_seen == 1);
    nw0_shutdown();
}

/* ---- descriptors ---- */

static int descriptors(char open_now[MAX_FD]) {
    int count = 0;
    for (int fd = 0; fd < MAX_FD; fd++) {
        open_now[fd] = fcntl(fd, F_GETFD) != -1;
        count += open_now[fd];
    }
    return count;
}

static int descriptor_count(void) {
    char ignored[MAX_FD];
    return descriptors(ignored);
}

/* for a program that was started with --descriptors: how many it was born with */
static int descriptors_of_a_new_program(void) {
    int status = in_a_new_program("--descriptors", NULL);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* every kind of descriptor that there is: adverts, questions asked, taken, and half written */
static char used_address[NW0_ADDRESS_SIZE];
static int used_listener, used_client;

static void use_everything(void) {
    nw0_service service;
    char none[8];
    CHECK(nw0_advertise("rules/everything", NULL, &service) >= 0);
    CHECK(nw0_discover("rules/everything", LIMIT, &service) >= 0);
    CHECK(echo_round_trip());
    used_listener = raw_listen(used_address);
    CHECK_FAILS(nw0_send_message_to(used_address, "hello", 5, none, sizeof none, BRIEF), ETIMEDOUT);
    used_client = raw_socket();
    CHECK(raw_connect(used_client, service.address) == 0);
    CHECK(send(used_client, HELLO "\0\0\0\2hi\0\0\0\5hal", 21, MSG_NOSIGNAL) == 21);
    CHECK(takes(service.address, "hi"));
}

static void use_no_more(void) {
    close(used_listener);
    close(used_client);
}

static void every_descriptor_is_closed_on_exec(void) {
    char before[MAX_FD], during[MAX_FD];
    int count = 0, born = descriptors_of_a_new_program();
    descriptors(before);
    use_everything();
    descriptors(during);
    for (int fd = 0; fd < MAX_FD; fd++) {
        if (before[fd] || !during[fd] || fd == used_listener || fd == used_client) continue;
        CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        count++;
    }
    CHECK(count >= 5); /* ear, mouth, what listens, what asks, what was asked */
    CHECK(descriptors_of_a_new_program() == born);
    nw0_shutdown();
    use_no_more();
}

static void shutdown_leaves_nothing(void) {
    int before = descriptor_count();
    CHECK(live_allocations == 0);
    long ids[100];
    int threads = threads_now(ids, 100);
    for (int i = 0; i < 3; i++) {
        use_everything();
        CHECK(descriptor_count() > before + 5);
        nw0_shutdown();
        use_no_more();
        CHECK(descriptor_count() == before);
        CHECK(live_allocations == 0);
        CHECK(threads_now(ids, 100) == threads);
    }
}

static void shutdown_hangs_up(void) {
    use_everything();
    int asked = accept(used_listener, NULL, NULL);
    CHECK(raw_got(asked, HELLO "\0\0\0\5hello", 17));
    nw0_shutdown();
    CHECK(raw_closed(asked));
    CHECK(raw_closed(used_client));
    close(asked);
    use_no_more();
}

static void shutdown_may_come_first_and_twice(void) {
    nw0_shutdown();
    nw0_shutdown();
    CHECK(echo_round_trip());
    nw0_shutdown();
    nw0_shutdown();
}

static void after_shutdown_everything_works_again(void) {
    nw0_service service;
    for (int i = 0; i < 3; i++) {
        CHECK(nw0_advertise("rules/again", NULL, &service) >= 0);
        CHECK(nw0_discover("rules/again", LIMIT, &service) >= 0);
        CHECK(echo_round_trip());
        nw0_shutdown();
        CHECK_FAILS(nw0_discover("rules/again", 0, NULL), ETIMEDOUT); /* it is forgotten */
        nw0_shutdown();
    }
}

/* ---- shutdown while others wait ---- */

static int still_waiting, wrongly_ended;

static void *wait_until_shutdown(void *wait) {
    errno = 0;
    ssize_t n = (*(ssize_t(*const *)(double))wait)(NW0_FOREVER);
    if (n != -1 || errno != ECANCELED || strlen(nw0_error()) < 20) {
        printf("    gave %ld, errno %d (%s): %s\n", (long)n, errno, strerror(errno), nw0_error());
        __atomic_add_fetch(&wrongly_ended, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_sub_fetch(&still_waiting, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

/* repeated, for it may come before a thread's wait has begun, which then begins afresh */
static void shutdown_ends_the_waits_of_other_threads(void) {
    pthread_t threads[WAITS];
    int before = descriptor_count();
    waits_begin();
    wrongly_ended = 0;
    __atomic_store_n(&still_waiting, WAITS, __ATOMIC_SEQ_CST);
    for (int i = 0; i < WAITS; i++)
        threads[i] = start(wait_until_shutdown, (void *)(size_t)&waits[i]);
    while (__atomic_load_n(&still_waiting, __ATOMIC_SEQ_CST) > 0) {
        usleep(300000);
        nw0_shutdown();
    }
    for (int i = 0; i < WAITS; i++) finish(threads[i]);
    CHECK(wrongly_ended == 0);
    waits_end();
    CHECK(descriptor_count() == before && live_allocations == 0);
    CHECK(echo_round_trip());
    nw0_shutdown();
}

static int held_up, let_go;

static void on_signal_for_long(int number) {
    (void)number;
    __atomic_store_n(&held_up, 1, __ATOMIC_SEQ_CST);
    for (double end = check_now() + LIMIT / 2; check_now() < end; usleep(10000))
        if (__atomic_load_n(&let_go, __ATOMIC_SEQ_CST)) return;
}

/* a thread that stays in a wait for long, such as in a signal handler: shutdown waits for it, but
 * not for ever, and yet the library can be used again */
static void shutdown_with_a_thread_held_up_is_not_the_end(void) {
    char address[NW0_ADDRESS_SIZE];
    int before = descriptor_count();
    long ids[100];
    new_address(address);
    signal(SIGUSR2, on_signal_for_long);
    held_up = let_go = 0;
    pthread_t thread = start(echo, address);
    int count = threads_now(ids, 100);
    CHECK(asks(address, "hello", "hello"));
    CHECK(falls_asleep(ids[count - 1])); /* the newest is the last: it is in its next wait */
    pthread_kill(thread, SIGUSR2);
    while (!__atomic_load_n(&held_up, __ATOMIC_SEQ_CST)) usleep(1000);
    double begin = check_now();
    nw0_shutdown();
    double took = check_now() - begin;
    CHECK(took > 0.9 && took < 5); /* a second */
    __atomic_store_n(&let_go, 1, __ATOMIC_SEQ_CST);
    CHECK(finish(thread) == NULL);
    CHECK(echo_round_trip());
    nw0_shutdown();
    CHECK(descriptor_count() == before && live_allocations == 0);
}

/* ---- fork ---- */

/* an ear of our own, which hears every advert and goodbye that is broadcast on this machine */
static int ear_open(void) {
    struct sockaddr_in sin;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
    memset(&sin, 0, sizeof sin);
    sin.sin_family = AF_INET;
    sin.sin_port = htons((uint16_t)discovery_port);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
    return fd;
}

/* how many of the datagrams that have been heard begin and end like this */
static int ear_heard(int fd, const char *head, const char *tail) {
    char text[512];
    int count = 0;
    ssize_t n;
    while ((n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) >= 0) {
        text[n] = 0;
        size_t end = strlen(text) > strlen(tail) ? strlen(text) - strlen(tail) : 0;
        count += strncmp(text, head, strlen(head)) == 0 && strcmp(text + end, tail) == 0;
    }
    return count;
}

static void child_has_no_sockets_of_its_parent(const char before[MAX_FD],
                                               const char during[MAX_FD]) {
    for (int fd = 0; fd < MAX_FD; fd++)
        if (!before[fd] && during[fd]) CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF);
}

static void child_asks(const char *parent) {
    CHECK(asks(parent, "hello, parent", "hello, parent"));
}

/* finds its parent and asks it, and then is found and asked by it */
static void child_lives_a_life_of_its_own(void) {
    nw0_service parent, own;
    CHECK(nw0_discover("rules/parent", LIMIT, &parent) >= 0);
    child_asks(parent.address);
    CHECK(nw0_advertise("rules/child", NULL, &own) >= 0);
    CHECK(takes(own.address, "hello, child"));
    CHECK(nw0_send_reply_to(own.address, "hello again", NW0_TEXT) >= 0);
}

static void a_forked_child_starts_afresh(void) {
    char before[MAX_FD], during[MAX_FD];
    nw0_service parent, child;
    int status = -1, ear = ear_open();
    descriptors(before);
    CHECK(nw0_advertise("rules/parent", NULL, &parent) >= 0);
    pthread_t thread = start(echo, parent.address);
    CHECK(asks(parent.address, "hello", "hello"));
    descriptors(during);
    pid_t pid = fork_child();
    if (pid == 0) {
        check_faults = 0;
        child_has_no_sockets_of_its_parent(before, during);
        if (CHILD_HAS_NO_THREADS) child_asks(parent.address);
        else child_lives_a_life_of_its_own();
        exit(check_faults);
    }
    if (!CHILD_HAS_NO_THREADS) {
        CHECK(nw0_discover("rules/child", LIMIT, &child) >= 0);
        CHECK(asks(child.address, "hello, child", "hello again"));
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(asks(parent.address, "still there?", "still there?"));
    CHECK(ear_heard(ear, "[\"rules/parent\"", ",0]") == 0); /* the child says no goodbye for it */
    CHECK(asks(parent.address, "stop", "stop"));
    CHECK(finish(thread) != NULL);
    nw0_shutdown();
    CHECK(ear_heard(ear, "[\"rules/parent\"", ",0]") > 0);
    close(ear);
}

/* a child that exits without having used the library says nothing and breaks nothing */
static void a_forked_child_may_do_nothing(void) {
    nw0_service parent;
    int status = -1, ear = ear_open();
    CHECK(nw0_advertise("rules/parent", NULL, &parent) >= 0);
    pthread_t thread = start(echo, parent.address);
    CHECK(asks(parent.address, "hello", "hello"));
    pid_t pid = fork_child();
    if (pid == 0) exit(0);
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(ear_heard(ear, "[\"rules/parent\"", ",0]") == 0);
    CHECK(asks(parent.address, "stop", "stop")); /* on the same connection */
    CHECK(finish(thread) != NULL);
    nw0_shutdown();
    close(ear);
}

static char busy_address[NW0_ADDRESS_SIZE];
static int busy_stop;

static void *keep_busy(void *unused) {
    while (!__atomic_load_n(&busy_stop, __ATOMIC_SEQ_CST))
        if (!asks(busy_address, "busy", "busy") || nw0_discover("rules/busy", 0, NULL) < 0)
            return NULL;
    return unused;
}

static void child_asks_and_exits(const char *address) {
    int answered = asks(address, "from a child", "from a child");
    nw0_shutdown();
    _exit(answered ? 0 : 1);
}

/* whatever lock another thread holds at that moment */
static void a_fork_in_the_middle_of_work_does_not_hang(void) {
    int status = -1;
    nw0_service service;
    CHECK(nw0_advertise("rules/busy", NULL, &service) >= 0);
    memcpy(busy_address, service.address, sizeof busy_address);
    __atomic_store_n(&busy_stop, 0, __ATOMIC_SEQ_CST);
    pthread_t server = start(echo, busy_address), busy = start(keep_busy, &busy_stop);
    for (int i = 0; i < 20; i++) {
        CHECK(asks(busy_address, "hello", "hello"));
        pid_t pid = fork_child();
        if (pid == 0) child_asks_and_exits(busy_address);
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
    __atomic_store_n(&busy_stop, 1, __ATOMIC_SEQ_CST);
    CHECK(finish(busy) != NULL);
    CHECK(asks(busy_address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_shutdown();
}

static int first_call_begins;

static void *make_the_first_call(void *later) {
    while (!__atomic_load_n(&first_call_begins, __ATOMIC_SEQ_CST)) continue;
    for (volatile int i = 0; i < *(const int *)later; i++) continue;
    return nw0_address("127.0.0.1", NULL) >= 0 ? later : NULL;
}

/* a process that has not used the library yet forks, and another thread begins to use it a little
 * later: a fork takes its time until the memory is copied. A child that hangs is ended by its alarm */
static int fork_in_the_first_call(int later) {
    int status = -1;
    pthread_t thread = start(make_the_first_call, &later);
    usleep(300); /* it runs, or does not yet: both happen */
    __atomic_store_n(&first_call_begins, 1, __ATOMIC_SEQ_CST);
    pid_t pid = fork_child();
    if (pid == 0) {
        alarm(2);
        exit(nw0_address("127.0.0.1", NULL) >= 0 ? 0 : 1);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(finish(thread) != NULL);
    return check_faults;
}

/* a fork meets the first call by chance: so there are many, but not for longer than some seconds */
static void a_fork_in_the_very_first_call_does_not_hang(void) {
    double begin = check_now();
    for (int i = 0; i < 100 && check_faults == 0 && check_now() < begin + 3; i++) {
        char later[16];
        snprintf(later, sizeof later, "%d", i % 50 * 200);
        CHECK(in_a_new_program("--fork", later) == 0);
    }
}

/* ---- threads ---- */

static void *take_and_exit(void *address) {
    return takes(address, "anybody?") ? address : NULL;
}

static void *ask_anybody(void *address) {
    char room[8];
    errno = 0;
    ssize_t n = nw0_send_message_to(address, "anybody?", 8, room, sizeof room, LIMIT);
    return n == -1 && errno == ECONNRESET ? address : NULL;
}

static void a_thread_that_exits_hangs_up(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    double begin = check_now();
    pthread_t asker = start(ask_anybody, address), taker = start(take_and_exit, address);
    CHECK(finish(taker) != NULL);
    CHECK(finish(asker) != NULL);
    CHECK(check_now() - begin < LIMIT / 2);
    CHECK(echo_round_trip());
    nw0_shutdown();
}

static void *ask_and_give_up(void *address) {
    char room[8];
    errno = 0;
    ssize_t n = nw0_send_message_to(address, "hello", 5, room, sizeof room, BRIEF);
    return n == -1 && errno == ETIMEDOUT ? address : NULL;
}

/* nobody can fetch the answer to its question any more */
static void a_thread_that_exits_ends_what_it_asked(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    CHECK(finish(start(ask_and_give_up, address)) != NULL);
    int fd = accept(listener, NULL, NULL);
    CHECK(raw_got(fd, HELLO "\0\0\0\5hello", 17));
    CHECK(raw_closed(fd));
    close(fd);
    close(listener);
    nw0_shutdown();
}

/* a thread that came and went leaves no descriptor behind, though the library goes on */
static void *ask_and_exit(void *address) {
    return asks(address, "hello", "hello") ? address : NULL;
}

static void threads_that_exit_leave_nothing(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    pthread_t server = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    for (int i = 0; i < 100; i++) CHECK(finish(start(ask_and_exit, address)) != NULL);
    CHECK(descriptor_count() < 50);
    CHECK(asks(address, "stop", "stop"));
    finish(server);
    nw0_shutdown();
    CHECK(live_allocations == 0);
}

/* in a process of its own: a program that has taken all keys of threads there are */
static int have_taken_all_keys(void) {
    static pthread_key_t keys[4096];
    int count = 0, mine = 5;
    while (count < 4096 && pthread_key_create(&keys[count], NULL) == 0) count++;
    CHECK(count > 0 && count < 4096);
    for (int i = 0; i < count; i++) CHECK(pthread_setspecific(keys[i], &mine) == 0);
    CHECK(echo_round_trip());
    CHECK(nw0_advertise("rules/no keys", NULL, NULL) >= 0);
    CHECK(nw0_discover("rules/no keys", LIMIT, NULL) >= 0);
    for (int i = 0; i < 10; i++) CHECK(echo_round_trip()); /* threads that begin and end */
    nw0_shutdown();
    for (int i = 0; i < count; i++) CHECK(pthread_getspecific(keys[i]) == &mine);
    CHECK(mine == 5 && live_allocations == 0);
    return check_faults;
}

static void a_program_that_has_taken_all_keys_keeps_them(void) {
    CHECK(in_a_new_program("--keys", NULL) == 0);
}

/* ---- errors ---- */

static void *fail_otherwise(void *argument) {
    CHECK_FAILS(nw0_discover("rules/other", 0, NULL), ETIMEDOUT);
    return strstr(nw0_error(), "rules/other") != NULL ? argument : NULL;
}

static void errors_belong_to_a_thread(void) {
    char sentence[1000];
    CHECK_FAILS(nw0_discover("rules/nobody", 0, NULL), ETIMEDOUT);
    CHECK(strstr(nw0_error(), "rules/nobody") != NULL);
    snprintf(sentence, sizeof sentence, "%s", nw0_error());
    CHECK(finish(start(fail_otherwise, sentence)) != NULL);
    CHECK(strcmp(sentence, nw0_error()) == 0);
    nw0_shutdown();
}

static void *no_error_yet(void *argument) {
    return nw0_error() != NULL ? argument : NULL;
}

static void a_thread_without_an_error_has_a_sentence_too(void) {
    int anything;
    CHECK(finish(start(no_error_yet, &anything)) != NULL);
}

/* success leaves the sentence of the last failure: it is of the last failure, not the last call */
static void an_error_lasts_until_the_next(void) {
    CHECK_FAILS(nw0_discover("rules/nobody", 0, NULL), ETIMEDOUT);
    CHECK(echo_round_trip());
    CHECK(strstr(nw0_error(), "rules/nobody") != NULL);
    nw0_shutdown();
}

#define FAILS(call, thing)                                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK((call) == -1 && errno != 0);                                                         \
        CHECK(strlen(nw0_error()) >= 20 && strstr(nw0_error(), thing) != NULL);                    \
    } while (0)

static void every_failure_sets_errno_and_names_the_thing(void) {
    nw0_service service;
    char room[8], canonical[NW0_ADDRESS_SIZE], line[] = "play \"so what", *words[4];
    int count = 0;
    waits_begin();
    FAILS(nw0_address("127.0.0.1:nonsense", canonical), "127.0.0.1:nonsense");
    FAILS(nw0_advertise("?rules", NULL, &service), "?rules");
    FAILS(nw0_advertise("rules/x", "127.0.0.1:nonsense", &service), "127.0.0.1:nonsense");
    FAILS(nw0_unadvertise("rules/unknown"), "rules/unknown");
    FAILS(nw0_discover("rules/nobody", 0, &service), "rules/nobody");
    FAILS(nw0_wait_for_change("rules", NULL, &service, &count, 1, NULL, 0), "rules");
    FAILS(nw0_send_message_to(absent_address, "x", 1, room, sizeof room, 0), absent_address);
    FAILS(nw0_wait_for_reply_from(own_address, room, sizeof room, 0), own_address);
    FAILS(nw0_wait_for_message_from(own_address, room, sizeof room, 0, false),
          strchr(own_address, ':') + 1);
    FAILS(nw0_send_reply_to(own_address, "x", 1), own_address);
    FAILS(nw0_send_news_to("192.0.2.1:5000", "rules", "x", 1), "192.0.2.1:5000");
    FAILS(nw0_wait_for_subscribers(own_address, 1, 0), strchr(own_address, ':') + 1);
    FAILS(nw0_wait_for_news_from(absent_address, NULL, NULL, room, sizeof room, 0), absent_address);
    FAILS(nw0_fd("192.0.2.1:5000"), "192.0.2.1:5000");
    FAILS(nw0_news_fd("127.0.0.1:nonsense", NULL), "127.0.0.1:nonsense");
    FAILS(nw0_close(silent_address), silent_address);
    FAILS(nw0_action_and_params(line, words, 4), "play \"so what");
    FAILS(nw0_bytes_to_string(NULL, 3, room, sizeof room), "data");
    FAILS(nw0_string_to_bytes("not base64!", room, sizeof room), "not base64!");
    waits_end();
}

/* ---- time ---- */

static void waits_keep_to_their_time(void) {
    waits_begin();
    for (int i = 0; i < WAITS - 1; i++) {
        double begin = check_now();
        CHECK_FAILS(waits[i](0), ETIMEDOUT);
        CHECK(check_now() - begin < 2);
        begin = check_now();
        CHECK_FAILS(waits[i](BRIEF), ETIMEDOUT);
        double took = check_now() - begin;
        CHECK(took >= BRIEF - 0.001 && took < BRIEF + 2);
    }
    waits_end();
}

static void nobody_to_be_discovered_takes_all_the_time(void) {
    nw0_service services[4];
    double begin = check_now();
    CHECK(nw0_discover_all(BRIEF, services, 4) == 0);
    double took = check_now() - begin;
    CHECK(took >= BRIEF - 0.001 && took < BRIEF + 2);
    nw0_shutdown();
}

static void *discover_forever(void *unused) {
    return nw0_discover("rules/late", NW0_FOREVER, NULL) >= 0 ? unused : NULL;
}

static void *change_forever(void *unused) {
    nw0_service members[4];
    int count = 0;
    return nw0_wait_for_change("rules", NULL, members, &count, 4, NULL, NW0_FOREVER) == NW0_JOINED
               ? unused
               : NULL;
}

static void *discover_all_forever(void *unused) {
    nw0_service services[4];
    return nw0_discover_all(NW0_FOREVER, services, 4) > 0 ? unused : NULL;
}

static void a_wait_forever_ends_with_what_it_waits_for(void) {
    char address[NW0_ADDRESS_SIZE];
    int some;
    new_address(address);
    pthread_t name = start(discover_forever, &some), change = start(change_forever, &some),
              all = start(discover_all_forever, &some), server = start(echo, address);
    usleep(50000); /* they wait by now, or will find it there: both must work */
    CHECK(nw0_advertise("rules/late", NULL, NULL) >= 0);
    CHECK(finish(name) != NULL);
    CHECK(finish(change) != NULL);
    CHECK(finish(all) != NULL);
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_shutdown();
}

/* ---- no descriptors left ---- */

static double cpu_s(void) {
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* it accepts a caller before it finds that there is no descriptor for him, and hangs up */
static int is_valgrind(void) {
    const char *loaded = getenv("LD_PRELOAD");
    int is = loaded != NULL && strstr(loaded, "vgpreload") != NULL;
    if (is) printf("    (skipped under valgrind, which counts descriptors in its own way)\n");
    return is;
}

/* takes every descriptor there is; how many that was */
static int take_all_descriptors(int taken[MAX_FD], struct rlimit *old) {
    int count = 0;
    CHECK(getrlimit(RLIMIT_NOFILE, old) == 0);
    struct rlimit few = {256, old->rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    while (count < 256 && (taken[count] = dup(STDOUT_FILENO)) >= 0) count++;
    return count;
}

static void give_back_descriptors(const int taken[], int count, const struct rlimit *old) {
    while (count > 0) close(taken[--count]);
    CHECK(setrlimit(RLIMIT_NOFILE, old) == 0);
}

/* a client that cannot be accepted is ready for ever, and yet nobody must run in circles */
static void no_descriptors_left_is_waited_out(void) {
    static int taken[MAX_FD];
    char address[NW0_ADDRESS_SIZE];
    struct rlimit old;
    if (is_valgrind()) return;
    new_address(address);
    pthread_t server = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    int client = raw_socket();
    int count = take_all_descriptors(taken, &old);
    CHECK(raw_connect(client, address) == 0);
    CHECK(send(client, HELLO "\0\0\0\5hello", 17, MSG_NOSIGNAL) == 17);
    double before = cpu_s();
    struct pollfd answer = {client, POLLIN, 0};
    CHECK(poll(&answer, 1, 1000) == 0);
    CHECK(cpu_s() - before < 0.3);
    CHECK(asks(address, "known", "known")); /* who has a connection is served on */
    give_back_descriptors(taken, count, &old);
    CHECK(raw_got(client, "\0\0\0\5hello", 9));
    close(client);
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_shutdown();
}

/* what NW0_DEBUG says from the library's next start on: a pipe for what was stderr */
typedef struct debug_ear {
    int old, fd;
} debug_ear;

static debug_ear debug_open(void) {
    debug_ear ear = {dup(STDERR_FILENO), -1};
    int ends[2];
    CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    close(ends[1]);
    ear.fd = ends[0];
    setenv("NW0_DEBUG", "1", 1);
    return ear;
}

/* waits until it has said these words */
static int debug_says(const debug_ear *ear, const char *words) {
    char text[10000] = "";
    size_t size = 0;
    struct pollfd p = {ear->fd, POLLIN, 0};
    while (strstr(text, words) == NULL && size < sizeof text - 1) {
        if (poll(&p, 1, (int)(LIMIT * 1000)) != 1) return 0;
        ssize_t n = read(ear->fd, text + size, sizeof text - 1 - size);
        if (n <= 0) return 0;
        text[size += (size_t)n] = 0;
    }
    return strstr(text, words) != NULL;
}

static void debug_close(const debug_ear *ear) {
    unsetenv("NW0_DEBUG");
    CHECK(dup2(ear->old, STDERR_FILENO) == STDERR_FILENO);
    close(ear->old);
    close(ear->fd);
}

/* the other end of a connection within this program, or -1 */
static int other_end(int fd) {
    struct sockaddr_in own, peer;
    socklen_t size = sizeof own;
    CHECK(getsockname(fd, (struct sockaddr *)&own, &size) == 0);
    for (int other = 0; other < MAX_FD; other++) {
        size = sizeof peer;
        if (getpeername(other, (struct sockaddr *)&peer, &size) == 0 && size == sizeof peer &&
            peer.sin_port == own.sin_port)
            return other;
    }
    return -1;
}

/* waits until the other end has got, and has read, all that was sent */
static int is_read(int fd) {
    int other = other_end(fd);
    for (double end = check_now() + LIMIT; check_now() < end; usleep(1000)) {
        int unsent = 1, unread = 1;
        if (ioctl(fd, TIOCOUTQ, &unsent) == 0 && unsent == 0 &&
            ioctl(other, FIONREAD, &unread) == 0 && unread == 0)
            return 1;
    }
    return 0;
}

/* half a question that comes while nobody can be accepted does not make it forget the others */
static void no_descriptors_left_and_half_a_question_are_waited_out(void) {
    static int taken[MAX_FD];
    char address[NW0_ADDRESS_SIZE];
    struct rlimit old;
    if (is_valgrind()) return;
    debug_ear ear = debug_open();
    new_address(address);
    listen_at(address);
    pthread_t server = start(echo, address);
    int half = raw_socket(), client = raw_socket();
    CHECK(raw_connect(half, address) == 0);
    CHECK(send(half, HELLO "\0\0\0\2hi", 14, MSG_NOSIGNAL) == 14);
    CHECK(raw_got(half, "\0\0\0\2hi", 6));
    int count = take_all_descriptors(taken, &old);
    CHECK(raw_connect(client, address) == 0);
    CHECK(send(client, HELLO "\0\0\0\5hello", 17, MSG_NOSIGNAL) == 17);
    CHECK(debug_says(&ear, "nobody can be accepted"));
    CHECK(send(half, "\0\0\0\5hal", 7, MSG_NOSIGNAL) == 7);
    CHECK(is_read(half));
    give_back_descriptors(taken, count, &old);
    CHECK(raw_got(client, "\0\0\0\5hello", 9));
    CHECK(send(half, "lo", 2, MSG_NOSIGNAL) == 2);
    CHECK(raw_got(half, "\0\0\0\5hallo", 9));
    close(half);
    close(client);
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_shutdown();
    debug_close(&ear);
}

typedef struct late_caller {
    const char *address;
    int fd;
} late_caller;

static void *call_late(void *argument) {
    late_caller *caller = argument;
    usleep(30000);
    CHECK(raw_connect(caller->fd, caller->address) == 0);
    CHECK(send(caller->fd, HELLO "\0\0\0\5hello", 17, MSG_NOSIGNAL) == 17);
    return argument;
}

/* a caller whom this thread cannot accept, and then it leaves: the other one must accept him */
static int caller_is_inherited(const char *address, int fd) {
    static int taken[MAX_FD];
    char none[8];
    struct rlimit old;
    late_caller caller = {address, fd};
    int count = take_all_descriptors(taken, &old);
    pthread_t thread = start(call_late, &caller);
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0.08, false), ETIMEDOUT);
    finish(thread);
    give_back_descriptors(taken, count, &old);
    return raw_got(fd, "\0\0\0\5hello", 9);
}

/* which of the two meets the fault is chance: so it is tried several times. The callers stay, for
 * the server would have a descriptor again when one leaves */
static void no_descriptors_left_concerns_all_threads(void) {
    char address[NW0_ADDRESS_SIZE];
    int fds[10], count = 0, answered = 1;
    if (is_valgrind()) return;
    new_address(address);
    pthread_t server = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    while (count < 10 && answered) {
        fds[count] = raw_socket();
        CHECK(answered = caller_is_inherited(address, fds[count++]));
    }
    while (count > 0) close(fds[--count]);
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_shutdown();
}

static void no_descriptors_left_is_an_error_of_the_caller(void) {
    static int taken[MAX_FD];
    char room[8];
    struct rlimit old;
    waits_begin();
    int count = take_all_descriptors(taken, &old);
    CHECK_FAILS(nw0_send_message_to(silent_address, "x", 1, room, sizeof room, 0), EMFILE);
    CHECK_FAILS(nw0_wait_for_message_from(own_address, room, sizeof room, 0, false), EMFILE);
    CHECK_FAILS(nw0_advertise("rules/none", NULL, NULL), EMFILE);
    give_back_descriptors(taken, count, &old);
    CHECK(nw0_advertise("rules/none", NULL, NULL) >= 0);
    CHECK(echo_round_trip());
    waits_end();
}

static int count_descriptors_at_birth(void) {
    return descriptor_count();
}

int main(int argc, char **argv) {
    char port[8];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (argc == 2 && strcmp(argv[1], "--descriptors") == 0) return count_descriptors_at_birth();
    discovery_port = 20000 + (int)(getpid() % 10000);
    snprintf(port, sizeof port, "%d", discovery_port);
    setenv("NW0_NETWORK", "127.*", 1);
    setenv("NW0_PORT", port, 1);
    if (argc == 3 && strcmp(argv[1], "--fork") == 0) return fork_in_the_first_call(atoi(argv[2]));
    if (argc == 2 && strcmp(argv[1], "--to-nobody") == 0) return say_to_nobody();
    if (argc == 2 && strcmp(argv[1], "--keys") == 0) return have_taken_all_keys();
    if (n <= 0) return 1;
    check_begin(argc, argv);
    RUN(shutdown_may_come_first_and_twice);
    RUN(shutdown_leaves_nothing);
    RUN(shutdown_hangs_up);
    RUN(after_shutdown_everything_works_again);
    RUN(shutdown_ends_the_waits_of_other_threads);
    RUN(shutdown_with_a_thread_held_up_is_not_the_end);
    RUN(a_signal_ends_every_wait);
    RUN(a_signal_ends_every_wait_under_SA_RESTART_too);
    RUN(an_interrupted_discovery_goes_on);
    RUN(an_interrupted_wait_loses_no_half_message);
    RUN(an_interrupted_question_is_answered_by_the_same_call);
    RUN(an_interrupted_answer_can_be_fetched);
    RUN(a_storm_of_signals_loses_nothing);
    RUN(no_SIGPIPE_is_raised);
    RUN(no_SIGPIPE_is_raised_by_NW0_DEBUG);
    RUN(no_signal_handler_is_installed);
    RUN(the_librarys_thread_blocks_all_signals);
    RUN(a_signal_of_the_process_waits_for_the_programs_threads);
    RUN(every_descriptor_is_closed_on_exec);
    RUN(a_forked_child_starts_afresh);
    RUN(a_forked_child_may_do_nothing);
    RUN(a_fork_in_the_middle_of_work_does_not_hang);
    RUN(a_fork_in_the_very_first_call_does_not_hang);
    RUN(a_thread_that_exits_hangs_up);
    RUN(a_thread_that_exits_ends_what_it_asked);
    RUN(threads_that_exit_leave_nothing);
    RUN(a_program_that_has_taken_all_keys_keeps_them);
    RUN(errors_belong_to_a_thread);
    RUN(a_thread_without_an_error_has_a_sentence_too);
    RUN(an_error_lasts_until_the_next);
    RUN(every_failure_sets_errno_and_names_the_thing);
    RUN(waits_keep_to_their_time);
    RUN(nobody_to_be_discovered_takes_all_the_time);
    RUN(a_wait_forever_ends_with_what_it_waits_for);
    RUN(no_descriptors_left_is_waited_out);
    RUN(no_descriptors_left_and_half_a_question_are_waited_out);
    RUN(no_descriptors_left_concerns_all_threads);
    RUN(no_descriptors_left_is_an_error_of_the_caller);
    nw0_shutdown();
    return check_report("rules");
}
