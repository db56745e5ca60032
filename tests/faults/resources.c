/* resources.c - no memory, no thread, no list of networks. */
#define NW0_IMPLEMENTATION
#include "faults.h"

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

/* what has come of an answer must be kept when the time is up. That there is no memory for it is
 * this machine's fault, and not the service's */
static void no_memory_for_half_an_answer_is_ENOMEM(void) {
    char address[NW0_ADDRESS_SIZE], room[100];
    int listener = raw_listen(address);
    fault f = {"realloc", ENOMEM, 1, 1000000000, 0};
    CHECK_FAILS(nw0_send_message_to(address, "hello", 5, room, sizeof room, 0.05), ETIMEDOUT);
    int fd = raw_accept(listener);
    raw_put(fd, "\0\0\0\5hal", 7);
    arm(f);
    CHECK_FAILS(nw0_wait_for_reply_from(address, room, sizeof room, 0.05), ENOMEM);
    CHECK(disarm() > 0);
    CHECK(strstr(nw0_error(), "memory") != NULL);
    close(fd);
    close(listener);
    nw0_shutdown();
    CHECK(live_allocations == 0);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(pthread_create_may_fail);
    RUN(getifaddrs_may_fail);
    RUN(malloc_may_fail);
    RUN(realloc_may_fail);
    RUN(no_memory_for_half_an_answer_is_ENOMEM);
    nw0_shutdown();
    return check_report("faults/resources");
}
