/* waiting.c - poll() and epoll fail; what fails for long costs no processor, and comes back. */
#define NW0_IMPLEMENTATION
#include "faults.h"

#ifdef NW0__EPOLL
#define NEEDS_EPOLL (void)0
#else
#define NEEDS_EPOLL SKIP("the library was built without epoll")
#endif

static void poll_may_fail(void) {
    survives_all("poll", EINTR);
    survives_all("poll", ENOMEM);
}

static void epoll_create1_may_fail(void) {
    NEEDS_EPOLL;
    survives_all("epoll_create1", EMFILE);
}

static void epoll_ctl_may_fail(void) {
    NEEDS_EPOLL;
    survives_all("epoll_ctl", ENOMEM);
    survives_all("epoll_ctl", ENOSPC);
}

static void epoll_wait_may_fail(void) {
    NEEDS_EPOLL;
    survives_all("epoll_wait", EINTR);
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
        int faults = check_faults;
        new_address(address);
        pthread_t server = start(serve, address);
        CHECK(use(address, LIMIT));
        arm(f);
        int fd = raw_connect(address);
        double before = cpu_now();
        usleep(500000);
        CHECK(cpu_now() - before < 0.2);
        long hits = disarm();
        CHECK(hits < 300);
        stop_serving(address, server);
        close(fd);
        nw0_shutdown();
        if (check_faults > faults)
            printf("    when %s failed with %s, %ld times\n", f.name, strerror(f.error), hits);
    }
}

/* nobody can be accepted for a moment, and then the listener does not come back at the first try */
static void a_listener_that_does_not_come_back_at_once_comes_back_later(void) {
    NEEDS_EPOLL;
    static const fault accept_fails = {"accept", EMFILE, 1, 1, 0},
                       epoll_ctl_fails = {"epoll_ctl", ENOMEM, 1, 1, 0};
    char address[NW0_ADDRESS_SIZE], none[8];
    new_address(address);
    listen_at(address);
    arm_both(accept_fails, epoll_ctl_fails);
    int fd = raw_connect(address);
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0.25, false), ETIMEDOUT);
    CHECK(disarm() == 2);
    pthread_t server = start(serve, address);
    CHECK(asked(address, "hello", 5, LIMIT));
    stop_serving(address, server);
    close(fd);
    nw0_shutdown();
}

/* who could not accept leaves; the other one, who waits for ever, must accept again. Ten rounds,
 * because either of them may be the one who could not */
static void who_goes_on_waiting_accepts_again(void) {
    NEEDS_EPOLL;
    static const fault accept_fails = {"accept", EMFILE, 1, 1, 0};
    for (int i = 0; i < 10; i++) {
        char address[NW0_ADDRESS_SIZE], none[8];
        new_address(address);
        listen_at(address);
        pthread_t server = start(serve, address);
        arm(accept_fails);
        int fd = raw_connect(address);
        CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0.05, false), ETIMEDOUT);
        disarm();
        int heard = asked(address, "hello", 5, LIMIT);
        CHECK(heard);
        if (!heard)
            CHECK(nw0_close(address) >= 0); /* the server opens it again, and can be ended */
        stop_serving(address, server);
        close(fd);
        nw0_shutdown();
    }
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(poll_may_fail);
    RUN(epoll_create1_may_fail);
    RUN(epoll_ctl_may_fail);
    RUN(epoll_wait_may_fail);
    RUN(no_fault_makes_it_spin);
    RUN(a_listener_that_does_not_come_back_at_once_comes_back_later);
    RUN(who_goes_on_waiting_accepts_again);
    nw0_shutdown();
    return check_report("faults/waiting");
}
