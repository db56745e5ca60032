/* closing.c - closing, shutting down and exiting: what was sent leaves, who waits is woken. */
#include "memory.h"

#define NW0_NEWS_BUFFER 200000 /* little of a torrent is kept */
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "child.h"
#include "news.h"

static int publish_and_exit(const char *address, unsigned count) {
    static unsigned char data[NUMBERED];
    if (nw0_wait_for_subscribers(address, 1000, 0) != -1) return 1;
    printf("ready\n");
    fflush(stdout);
    if (nw0_wait_for_subscribers(address, 1, LIMIT) < 1) return 2;
    for (unsigned i = 0; i < count; i++)
        if (nw0_send_news_to(address, "number", data, numbered(data, i)) < 1) return 3;
    if (sends(address, "end", "") < 1) return 4;
    printf("done\n");
    fflush(stdout);
    return 0; /* from main: a normal exit */
}

static void what_is_unsent_leaves_at_exit(void) {
    char address[NW0_ADDRESS_SIZE], line[10];
    int out;
    for (int much = 0; much < 2; much++) {
        new_address(address);
        pid_t pid = child_start_out(much ? "--torrent" : "--flood", address, &out);
        CHECK(strcmp(child_line(out, line, sizeof line), "ready") == 0);
        int fd = raw_subscribe_lazily(address, "");
        CHECK(strcmp(child_line(out, line, sizeof line), "done") == 0);
        int count = raw_reads_whole_items(fd);
        CHECK(much ? count > 0 : count == 10);
        CHECK(raw_closed(fd));
        CHECK(child_ended_well(pid));
        close(fd);
        close(out);
    }
}

/* one who never reads does not keep the program from ending */
static void an_exit_does_not_wait_for_ever(void) {
    char address[NW0_ADDRESS_SIZE], line[10];
    int out;
    new_address(address);
    pid_t pid = child_start_out("--torrent", address, &out);
    CHECK(strcmp(child_line(out, line, sizeof line), "ready") == 0);
    int fd = raw_subscribe_lazily(address, "");
    CHECK(strcmp(child_line(out, line, sizeof line), "done") == 0);
    double begin = check_now();
    CHECK(child_ended_well(pid));
    CHECK(check_now() - begin < 5);
    close(fd);
    close(out);
}

static void closing_unsubscribes(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    nothing_comes(address, "a", 0);
    nothing_comes(address, "b", 0);
    int a = raw_take_subscriber(listener, "a"), b = raw_take_subscriber(listener, "b");
    raw_put_item(a, "a", "never taken");
    CHECK(nw0_close(address) >= 0);
    CHECK(raw_closed(a) && raw_closed(b));
    CHECK_FAILS(nw0_close(address), ENOENT);
    close(a);
    close(b);
    nothing_comes(address, "a", 0);
    a = raw_take_subscriber(listener, "a");
    raw_put_item(a, "a", "again");
    CHECK(comes(address, "a", "a", "again", LIMIT));
    nw0_close(address);
    close(a);
    close(listener);
}

static void closing_hangs_up_on_subscribers(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int fd = raw_subscribe(address, ""), silent = raw_connect(address);
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, "last", "1") == 1 && sends(address, "last", "2") == 1);
    CHECK(nw0_close(address) >= 0);
    CHECK(raw_got_item(fd, "last", "1") && raw_got_item(fd, "last", "2"));
    CHECK(raw_closed(fd) && raw_closed(silent));
    close(fd);
    close(silent);
    int listener = raw_listen_at(address); /* the port is free */
    close(listener);
    CHECK(sends(address, "a", "b") == 0); /* and may be used again */
    nw0_close(address);
}

/* it was connected when the item was sent, but says only a moment before the end what it wants */
static void who_speaks_just_before_the_end_gets_what_was_sent(void) {
    char address[NW0_ADDRESS_SIZE];
    for (int i = 0; i < 100 && !check_faults; i++) {
        new_address(address);
        publish_at(address);
        int fd = raw_connect(address);
        CHECK(sends(address, "last", "1") == 0);
        raw_put(fd, HELLO_NEWS "\0\0\0\0", 12);
        raw_delivered(fd);
        if (i % 2) nw0_shutdown();
        else CHECK(nw0_close(address) >= 0);
        CHECK(raw_got_item(fd, "last", "1") && raw_closed(fd));
        close(fd);
    }
}

typedef struct waiter {
    const char *address;
    char kind;
    int failure, ready;
    char sentence[600];
    double took;
    pthread_t thread;
} waiter;

static void *waiter_run(void *argument) {
    waiter *w = argument;
    char room[8];
    double begin = check_now();
    long n = w->kind == 's' ? (long)nw0_wait_for_subscribers(w->address, 1000, LIMIT)
                            : (long)nw0_wait_for_news_from(w->address, "", NULL, room, 8, LIMIT);
    w->failure = n == -1 ? errno : 0;
    w->took = check_now() - begin;
    snprintf(w->sentence, sizeof w->sentence, "%s", nw0_error());
    __atomic_store_n(&w->ready, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void waiter_start(waiter *w, const char *address, char kind) {
    memset(w, 0, sizeof *w);
    w->address = address;
    w->kind = kind;
    w->thread = start(waiter_run, w);
}

/* closing is repeated, for it may come before the other thread's wait has begun */
static void waiter_is_closed(waiter *w, const char *address, char kind) {
    waiter_start(w, address, kind);
    while (!__atomic_load_n(&w->ready, __ATOMIC_SEQ_CST)) {
        usleep(20000);
        nw0_close(address);
    }
    finish(w->thread);
}

static void closing_ends_another_threads_wait(void) {
    char address[NW0_ADDRESS_SIZE];
    for (int kind = 0; kind < 2; kind++) {
        waiter w;
        new_address(address);
        waiter_is_closed(&w, address, "sn"[kind]);
        CHECK(w.failure == ECANCELED && w.took < LIMIT / 2);
    }
}

static void a_wait_that_was_closed_names_no_port_0(void) {
    char address[NW0_ADDRESS_SIZE];
    waiter w;
    new_address(address);
    waiter_is_closed(&w, address, 'n');
    CHECK(w.failure == ECANCELED && strlen(w.sentence) > 20);
    CHECK(strstr(w.sentence, "port 0") == NULL);
}

static void a_shutdown_ends_waits_and_frees_everything(void) {
    char address[NW0_ADDRESS_SIZE], absent[NW0_ADDRESS_SIZE], other[NW0_ADDRESS_SIZE];
    nw0_shutdown();
    int listener = raw_listen(other), descriptors = descriptor_count();
    for (int round = 0; round < 3; round++) {
        waiter w[2];
        CHECK(__atomic_load_n(&memory_now, __ATOMIC_SEQ_CST) == 0);
        CHECK(descriptor_count() == descriptors);
        new_address(address);
        new_address(absent);
        subscribe_here(address, "", 1);
        nothing_comes(absent, "", 0);
        nothing_comes(other, "", 0);
        int fd = raw_take_subscriber(listener, ""), lazy = raw_subscribe_lazily(address, "");
        CHECK(has_subscribers(address, 2));
        raw_put(fd, "\0\0\0\3one\0\0\0\11half of", 18);
        raw_delivered(fd);
        nothing_comes(other, "", 0);
        CHECK(sends(address, "a", "b") == 2 && sends(address, "c", "d") == 2);
        CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == 1);
        waiter_start(&w[0], absent, 'n');
        waiter_start(&w[1], address, 's');
        nw0_shutdown();
        CHECK(raw_closed(fd));
        CHECK(raw_got_item(lazy, "a", "b") && raw_got_item(lazy, "c", "d") && raw_closed(lazy));
        close(fd);
        close(lazy);
        for (int i = 0; i < 2; i++) {
            nw0_shutdown(); /* it may have begun its wait only now */
            while (!__atomic_load_n(&w[i].ready, __ATOMIC_SEQ_CST)) usleep(1000), nw0_shutdown();
            finish(w[i].thread);
            CHECK(w[i].failure == ECANCELED && w[i].took < LIMIT / 2);
        }
        nw0_shutdown();
    }
    close(listener);
    CHECK(descriptor_count() == descriptors - 1);
    CHECK(__atomic_load_n(&memory_now, __ATOMIC_SEQ_CST) == 0);
}

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--flood")) return publish_and_exit(argv[2], 10);
    if (child_role(argc, argv, "--torrent")) return publish_and_exit(argv[2], 1000);
    net_begin();
    check_begin(argc, argv);
    RUN(what_is_unsent_leaves_at_exit);
    RUN(an_exit_does_not_wait_for_ever);
    RUN(closing_unsubscribes);
    RUN(closing_hangs_up_on_subscribers);
    RUN(who_speaks_just_before_the_end_gets_what_was_sent);
    RUN(closing_ends_another_threads_wait);
    RUN(a_wait_that_was_closed_names_no_port_0);
    RUN(a_shutdown_ends_waits_and_frees_everything);
    nw0_shutdown();
    return check_report("news/closing");
}
