/* descriptors.c - none is leaked into another program, and having none left is waited out. */
#include "nw0.h"

#include "child.h"
#include "rules.h"
#include <sys/resource.h>

/* for a program that was started with --descriptors: how many it was born with */
static int descriptors_of_a_new_program(void) {
    int status = child_wait(child_start("--descriptors", NULL));
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
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

/* ---- none left ---- */

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
    if (check_valgrind()) SKIP("valgrind counts descriptors in its own way");
    new_address(address);
    pthread_t server = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    int client = raw_socket();
    int count = take_all_descriptors(taken, &old);
    CHECK(raw_call(client, address) == 0);
    raw_put(client, HELLO "\0\0\0\5hello", 17);
    double before = cpu_now();
    struct pollfd answer = {client, POLLIN, 0};
    CHECK(poll(&answer, 1, 1000) == 0);
    CHECK(cpu_now() - before < 0.3);
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
    int other = other_end(fd), unread = 1;
    raw_delivered(fd);
    for (double end = check_now() + LIMIT; check_now() < end; usleep(1000))
        if (ioctl(other, FIONREAD, &unread) == 0 && unread == 0) return 1;
    return 0;
}

/* half a question that comes while nobody can be accepted does not make it forget the others */
static void no_descriptors_left_and_half_a_question_are_waited_out(void) {
    static int taken[MAX_FD];
    char address[NW0_ADDRESS_SIZE];
    struct rlimit old;
    if (check_valgrind()) SKIP("valgrind counts descriptors in its own way");
    debug_ear ear = debug_open();
    new_address(address);
    listen_at(address);
    pthread_t server = start(echo, address);
    int half = raw_socket(), client = raw_socket();
    CHECK(raw_call(half, address) == 0);
    raw_put(half, HELLO "\0\0\0\2hi", 14);
    CHECK(raw_got(half, "\0\0\0\2hi", 6));
    int count = take_all_descriptors(taken, &old);
    CHECK(raw_call(client, address) == 0);
    raw_put(client, HELLO "\0\0\0\5hello", 17);
    CHECK(debug_says(&ear, "nobody can be accepted"));
    raw_put(half, "\0\0\0\5hal", 7);
    CHECK(is_read(half));
    give_back_descriptors(taken, count, &old);
    CHECK(raw_got(client, "\0\0\0\5hello", 9));
    raw_put(half, "lo", 2);
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
    if (raw_call(caller->fd, caller->address) != 0) return NULL;
    ssize_t n = send(caller->fd, HELLO "\0\0\0\5hello", 17, MSG_NOSIGNAL);
    return n == 17 ? argument : NULL;
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
    CHECK(finish(thread) != NULL);
    give_back_descriptors(taken, count, &old);
    return raw_got(fd, "\0\0\0\5hello", 9);
}

/* which of the two meets the fault is chance: so it is tried several times. The callers stay, for
 * the server would have a descriptor again when one leaves */
static void no_descriptors_left_concerns_all_threads(void) {
    char address[NW0_ADDRESS_SIZE];
    int fds[10], count = 0, answered = 1;
    if (check_valgrind()) SKIP("valgrind counts descriptors in its own way");
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

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--descriptors")) return descriptor_count();
    net_begin();
    check_begin(argc, argv);
    RUN(every_descriptor_is_closed_on_exec);
    RUN(no_descriptors_left_is_waited_out);
    RUN(no_descriptors_left_and_half_a_question_are_waited_out);
    RUN(no_descriptors_left_concerns_all_threads);
    RUN(no_descriptors_left_is_an_error_of_the_caller);
    nw0_shutdown();
    return check_report("rules/descriptors");
}
