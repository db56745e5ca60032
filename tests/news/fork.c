/* fork.c - a forked child publishes and subscribes for itself, and takes nothing from its parent. */
#include "memory.h"

#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "child.h"
#include "talk.h"

/* fd is its parent's, or -1. Without such a descriptor there may be a thread that polls: it has an
 * array of its own, which nobody can free in the child */
static void child_lives_a_life_of_its_own(const char *parent, const char *own, int fd) {
    if (fd >= 0) CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF); /* closed here */
    if (fd >= 0) CHECK(__atomic_load_n(&memory_now, __ATOMIC_SEQ_CST) == 0);
    if (CHILD_HAS_NO_THREADS) return;
    nothing_comes(parent, "", 0); /* subscribes anew */
    CHECK(sends(own, "nobody", "yet") == 0);
    CHECK(has_subscribers(own, 1));
    CHECK(sends(own, "hello", "parent") == 1);
    CHECK(comes(parent, "", "hello", "child", LIMIT));
}

static void a_forked_child_starts_afresh(void) {
    char address[NW0_ADDRESS_SIZE], child[NW0_ADDRESS_SIZE];
    nw0_shutdown();
    new_address(address);
    new_address(child);
    subscribe_here(address, "", 1);
    int raw = raw_subscribe(address, ""), fd = nw0_fd(address);
    CHECK(fd >= 0 || errno == ENOTSUP);
    CHECK(has_subscribers(address, 2));
    CHECK(sends(address, "before", "1") == 2 && sends(address, "before", "2") == 2);
    CHECK(raw_got_item(raw, "before", "1") && raw_got_item(raw, "before", "2"));
    pid_t pid = child_fork();
    if (pid == 0) {
        child_lives_a_life_of_its_own(address, child, fd);
        exit(check_faults);
    }
    if (!CHILD_HAS_NO_THREADS) {
        nothing_comes(child, "", 0);
        CHECK(comes(child, "", "hello", "parent", LIMIT));
        CHECK(has_subscribers(address, 3));
        CHECK(sends(address, "hello", "child") == 3);
    }
    CHECK(child_ended_well(pid));
    if (CHILD_HAS_NO_THREADS) CHECK(sends(address, "hello", "child") == 2);
    CHECK(comes(address, "", "before", "1", LIMIT) && comes(address, "", "before", "2", LIMIT));
    CHECK(comes(address, "", "hello", "child", LIMIT));
    CHECK(raw_got_item(raw, "hello", "child") && raw_silent(raw));
    close(raw);
    nw0_close(address);
    nw0_close(child);
}

int main(int argc, char **argv) {
    child_begin(argv);
    net_begin();
    check_begin(argc, argv);
    RUN(a_forked_child_starts_afresh);
    nw0_shutdown();
    return check_report("news/fork");
}
