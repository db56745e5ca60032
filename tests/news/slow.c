/* slow.c - who does not read misses whole items, holds up nobody, and costs little memory. */
#include "memory.h"

#define NW0_NEWS_BUFFER 200000
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "child.h"
#include "news.h"

/* takes numbered items until the last one, which comes although others were missed */
static int subscribe_and_count(const char *address) {
    unsigned char data[NUMBERED + 1];
    char topic[NW0_NAME_SIZE];
    long last = -1, missed = 0;
    for (;;) {
        ssize_t n = nw0_wait_for_news_from(address, "", topic, data, sizeof data, LIMIT);
        if (n < 0 && errno == EINTR) continue; /* SIGCONT, after SIGSTOP, ends some system calls */
        if (n < 0) return printf("%s\n", nw0_error()), 2;
        if (strcmp(topic, "end") == 0) return printf("missed %ld\n", missed), missed == 0;
        long number = number_of(data, (size_t)n);
        if (number <= last || strcmp(topic, "number") != 0) return printf("broken\n"), 3;
        missed += number - last - 1;
        last = number;
    }
}

/* so many numbered items: this program's own subscriber has each of them at once. Returns what the
 * slowest send took */
static double publish_numbered(const char *address, unsigned from, unsigned to, int count) {
    static unsigned char data[NUMBERED], room[NUMBERED + 1];
    double slowest = 0;
    for (unsigned i = from; i < to && !check_faults; i++) {
        size_t size = numbered(data, i);
        double begin = check_now();
        CHECK(nw0_send_news_to(address, "number", data, size) == count);
        if (check_now() - begin > slowest) slowest = check_now() - begin;
        ssize_t n = nw0_wait_for_news_from(address, "", NULL, room, sizeof room, LIMIT);
        CHECK(n == (ssize_t)size && memcmp(room, data, size) == 0);
    }
    return slowest;
}

/* what the library has now; its peak is measured anew */
static size_t memory_from_here(void) {
    size_t before = __atomic_load_n(&memory_now, __ATOMIC_SEQ_CST);
    __atomic_store_n(&memory_peak, before, __ATOMIC_SEQ_CST);
    return before;
}

static size_t memory_beyond(size_t before) {
    return __atomic_load_n(&memory_peak, __ATOMIC_SEQ_CST) - before;
}

static void who_does_not_read_misses_whole_items_and_holds_up_nobody(void) {
    char address[NW0_ADDRESS_SIZE], line[40];
    int out;
    new_address(address);
    subscribe_here(address, "", 1);
    pid_t pid = child_start_out("--subscribe", address, &out);
    CHECK(has_subscribers(address, 2));
    publish_numbered(address, 0, 10, 2);
    child_stop(pid);
    size_t before = memory_from_here();
    CHECK(publish_numbered(address, 10, 2500, 2) < 1); /* 25 MB */
    CHECK(memory_beyond(before) < NW0_NEWS_BUFFER + 100000);
    child_signal(pid, SIGCONT);
    publish_numbered(address, 2500, 2600, 2);
    CHECK(sends(address, "end", "") == 2);
    CHECK(strncmp(child_line(out, line, sizeof line), "missed ", 7) == 0);
    if (check_faults) printf("    it said: %s\n", line);
    CHECK(child_ended_well(pid));
    close(out);
    nw0_close(address);
}

static void many_who_do_not_read_cost_little(void) {
    enum { LAZY = 8 };
    char address[NW0_ADDRESS_SIZE];
    int fds[LAZY];
    new_address(address);
    subscribe_here(address, "", 1);
    for (int i = 0; i < LAZY; i++) fds[i] = raw_subscribe_lazily(address, i % 2 ? "" : "n");
    CHECK(has_subscribers(address, 1 + LAZY));
    size_t before = memory_from_here();
    CHECK(publish_numbered(address, 0, 1000, 1 + LAZY) < 1);
    CHECK(memory_beyond(before) < NW0_NEWS_BUFFER + 100000 + (LAZY + 1) * NUMBERED);
    for (int i = 2; i < LAZY; i++) raw_put_frame(fds[i], "end", 3); /* for those with "n", too */
    close(fds[0]);
    close(fds[1]);
    await_fewer(address, LAZY - 1);
    CHECK(is_wanted_by(address, "end", LAZY - 1));
    for (int i = 2; i < LAZY; i++) {
        int count = raw_reads_whole_items(fds[i]);
        CHECK(count > 0 && count < 1000);
        close(fds[i]);
    }
    nw0_close(address);
}

/* the largest item in the middle of others, to one who reads and one who does not */
static void a_large_item_and_a_slow_subscriber(void) {
    char address[NW0_ADDRESS_SIZE];
    unsigned char *data = malloc(MOST), head[15];
    new_address(address);
    subscribe_here(address, "", 1);
    int lazy = raw_subscribe_lazily(address, "");
    CHECK(has_subscribers(address, 2));
    fill(data, MOST);
    for (int i = 0; i < 3; i++) {
        char *room = malloc(MOST + 1);
        CHECK(nw0_send_news_to(address, "large", data, MOST) == 2);
        CHECK(nw0_wait_for_news_from(address, "", NULL, room, MOST + 1, LIMIT) == (ssize_t)MOST);
        CHECK(memcmp(room, data, MOST) == 0);
        free(room);
        CHECK(sends(address, "small", "x") == 2 && comes(address, "", "small", "x", LIMIT));
    }
    CHECK(raw_get(lazy, head, 13) == 13 && memcmp(head, "\0\0\0\5large\0\377\377\377", 13) == 0);
    CHECK(raw_got(lazy, data, MOST)); /* it had begun, so it comes whole */
    close(lazy);
    nw0_close(address);
    free(data);
}

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--subscribe")) return subscribe_and_count(argv[2]);
    net_begin();
    check_begin(argc, argv);
    RUN(who_does_not_read_misses_whole_items_and_holds_up_nobody);
    RUN(many_who_do_not_read_cost_little);
    RUN(a_large_item_and_a_slow_subscriber);
    nw0_shutdown();
    return check_report("news/slow");
}
