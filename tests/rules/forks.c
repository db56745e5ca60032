/* forks.c - a forked child starts afresh, whatever its parent does, which notices nothing of it. */
#include "nw0.h"

#include "child.h"
#include "talk.h"

/* an ear of our own, which hears every advert and goodbye that is broadcast on this machine */
static int ear_open(void) {
    return udp_socket("0.0.0.0", atoi(getenv("NW0_PORT")));
}

/* how many of the datagrams that have been heard begin and end like this */
static int ear_heard(int fd, const char *head, const char *tail) {
    char text[512];
    int count = 0;
    while (udp_hear(fd, text, NULL, 0)) {
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
    CHECK(takes(own.address, "hello, child", LIMIT));
    CHECK(replies(own.address, "hello again"));
}

static void a_forked_child_starts_afresh(void) {
    char before[MAX_FD], during[MAX_FD];
    nw0_service parent, child;
    int ear = ear_open();
    descriptors(before);
    CHECK(nw0_advertise("rules/parent", NULL, &parent) >= 0);
    pthread_t thread = start(echo, parent.address);
    CHECK(asks(parent.address, "hello", "hello"));
    descriptors(during);
    pid_t pid = child_fork();
    if (pid == 0) {
        child_has_no_sockets_of_its_parent(before, during);
        if (CHILD_HAS_NO_THREADS) child_asks(parent.address);
        else child_lives_a_life_of_its_own();
        exit(check_faults);
    }
    if (!CHILD_HAS_NO_THREADS) {
        CHECK(nw0_discover("rules/child", LIMIT, &child) >= 0);
        CHECK(asks(child.address, "hello, child", "hello again"));
    }
    CHECK(child_ended_well(pid));
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
    int ear = ear_open();
    CHECK(nw0_advertise("rules/parent", NULL, &parent) >= 0);
    pthread_t thread = start(echo, parent.address);
    CHECK(asks(parent.address, "hello", "hello"));
    pid_t pid = child_fork();
    if (pid == 0) exit(0);
    CHECK(child_ended_well(pid));
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
    nw0_service service;
    CHECK(nw0_advertise("rules/busy", NULL, &service) >= 0);
    memcpy(busy_address, service.address, sizeof busy_address);
    __atomic_store_n(&busy_stop, 0, __ATOMIC_SEQ_CST);
    pthread_t server = start(echo, busy_address), busy = start(keep_busy, &busy_stop);
    for (int i = 0; i < 20; i++) {
        CHECK(asks(busy_address, "hello", "hello"));
        pid_t pid = child_fork();
        if (pid == 0) child_asks_and_exits(busy_address);
        CHECK(child_ended_well(pid));
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
 * later: a fork takes its time until the memory is copied. A child that hangs has an alarm */
static int fork_in_the_first_call(int later) {
    pthread_t thread = start(make_the_first_call, &later);
    usleep(300); /* it runs, or does not yet: both happen */
    __atomic_store_n(&first_call_begins, 1, __ATOMIC_SEQ_CST);
    pid_t pid = child_fork();
    if (pid == 0) {
        alarm(2);
        exit(nw0_address("127.0.0.1", NULL) >= 0 ? 0 : 1);
    }
    CHECK(child_ended_well(pid));
    CHECK(finish(thread) != NULL);
    return check_faults;
}

/* a fork meets the first call by chance: so there are many, but not for longer than some seconds */
static void a_fork_in_the_very_first_call_does_not_hang(void) {
    double begin = check_now();
    for (int i = 0; i < 100 && check_faults == 0 && check_now() < begin + 3; i++) {
        char later[16];
        snprintf(later, sizeof later, "%d", i % 50 * 200);
        CHECK(child_ended_well(child_start("--fork", later)));
    }
}

int main(int argc, char **argv) {
    child_begin(argv);
    const char *later = child_role(argc, argv, "--fork");
    if (later) return fork_in_the_first_call(atoi(later));
    net_begin();
    check_begin(argc, argv);
    RUN(a_forked_child_starts_afresh);
    RUN(a_forked_child_may_do_nothing);
    RUN(a_fork_in_the_middle_of_work_does_not_hang);
    RUN(a_fork_in_the_very_first_call_does_not_hang);
    nw0_shutdown();
    return check_report("rules/forks");
}
