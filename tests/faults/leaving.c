/* leaving.c - whatever fails while the library is left. */
#define NW0_IMPLEMENTATION
#include "faults.h"

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
        listen_at(address);
        int fd = raw_ask(address, "hi");
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

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(shutdown_may_meet_any_fault);
    nw0_shutdown();
    return check_report("faults/leaving");
}
