/* idle.c - what waits costs nothing: absent publishers, subscribers who do not read, no descriptors left. */
#include "nw0.h"

#include "news.h"
#include <sys/resource.h>

/* the share of a processor that the library takes while this thread sleeps */
static int is_at_rest(void) {
    double least = 1;
    for (int i = 0; i < 3 && least > 0.15; i++) { /* the first may be busy with something else */
        double cpu = cpu_now(), begin = check_now();
        usleep(300000);
        double share = (cpu_now() - cpu) / (check_now() - begin);
        if (share < least) least = share;
    }
    if (least > 0.15) printf("    %.0f %% of a processor\n", least * 100);
    return least <= 0.15;
}

static void an_absent_publisher_costs_nothing(void) {
    char address[NW0_ADDRESS_SIZE], another[NW0_ADDRESS_SIZE];
    new_address(address);
    new_address(another);
    nothing_comes(address, "", 0);
    nothing_comes(another, "", 0);
    CHECK(is_at_rest());
    double cpu = cpu_now();
    nothing_comes(address, "", 1);
    CHECK(cpu_now() - cpu < 0.3);
    CHECK(has_subscribers(address, 1)); /* it was not given up */
    nw0_close(address);
    nw0_close(another);
}

static void a_publisher_that_hangs_up_costs_little(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address), calls = 0;
    double limit = check_now() + 1;
    while (check_now() < limit) {
        nothing_comes(address, "", 0.005);
        if (raw_unvisited(listener)) continue;
        close(raw_accept(listener));
        calls++;
    }
    CHECK(calls > 1 && calls < 300);
    close(listener);
    nw0_close(address);
}

static void subscribers_who_do_not_read_or_speak_cost_nothing(void) {
    static unsigned char data[NUMBERED];
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int lazy = raw_subscribe_lazily(address, ""), silent = raw_connect(address);
    int half = raw_connect(address);
    raw_put(half, HELLO_NEWS "\0\0", 10);
    CHECK(has_subscribers(address, 1));
    CHECK(is_at_rest());
    for (unsigned i = 0; i < 1000; i++)
        CHECK(nw0_send_news_to(address, "number", data, numbered(data, i)) == 1);
    CHECK(is_at_rest());
    raw_put_frame(lazy, "another", 7);
    raw_delivered(lazy);
    CHECK(is_at_rest());
    CHECK(sends(address, "end", "") == 1);
    CHECK(raw_reads_whole_items(lazy) > 0);
    close(lazy);
    close(silent);
    close(half);
    nw0_close(address);
}

/* all descriptors are taken but so many; returns how it was */
static int fillers[MAX_FD], filler_count;

static void use_up_descriptors(void) {
    int fd;
    while (filler_count < MAX_FD && (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        fillers[filler_count++] = fd;
}

static void give_back_descriptors(void) {
    while (filler_count > 0) close(fillers[--filler_count]);
}

/* valgrind keeps the limit itself: it accepts a caller beyond it, and hangs up on it */
static int raw_call_again(int fd, const char *address) {
    if (raw_silent(fd)) return fd;
    close(fd);
    return raw_subscribe(address, "");
}

static void without_descriptors_nothing_spins_and_nobody_is_lost(void) {
    char address[NW0_ADDRESS_SIZE], other[NW0_ADDRESS_SIZE], absent[NW0_ADDRESS_SIZE];
    struct rlimit before, few;
    new_address(address);
    new_address(other);
    new_address(absent);
    listen_at(address);
    publish_at(other);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    few = before;
    few.rlim_cur = 200;
    int one = raw_socket(), two = raw_socket();
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    use_up_descriptors();
    CHECK(raw_call(one, address) == 0);
    raw_put(one, HELLO_NEWS "\0\0\0\0", 12);
    CHECK(raw_call(two, other) == 0);
    raw_put(two, HELLO_NEWS "\0\0\0\0", 12);
    raw_delivered(two);
    CHECK(sends(address, "nobody", "was accepted") == 0);
    CHECK(sends(other, "nobody", "was accepted") == 0);
    CHECK(is_at_rest());
    give_back_descriptors();
    one = raw_call_again(one, address);
    two = raw_call_again(two, other);
    CHECK(has_subscribers(address, 1));
    CHECK(has_subscribers(other, 1));
    CHECK(sends(address, "now", "1") == 1);
    CHECK(raw_got_item(one, "now", "1"));
    nothing_comes(absent, "", 0); /* and one that calls, again and again */
    use_up_descriptors();
    CHECK(is_at_rest());
    give_back_descriptors();
    CHECK(has_subscribers(absent, 1));
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    close(one);
    close(two);
    nw0_close(address);
    nw0_close(other);
    nw0_close(absent);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(an_absent_publisher_costs_nothing);
    RUN(a_publisher_that_hangs_up_costs_little);
    RUN(subscribers_who_do_not_read_or_speak_cost_nothing);
    RUN(without_descriptors_nothing_spins_and_nobody_is_lost);
    nw0_shutdown();
    return check_report("news/idle");
}
