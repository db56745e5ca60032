/* threads.c - many clients, several server threads, and what a thread has measured. */
#include "nw0.h"

#include "messages.h"

/* the size that a thread has asked for is of a message that no other thread gets */
static void the_message_whose_size_was_asked_is_this_threads(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int first = raw_ask(address, "first");
    CHECK(nw0_wait_for_message_from(address, NULL, 0, LIMIT, false) == 5);
    CHECK(in_another_thread(take_nothing, address));
    int second = raw_ask(address, "second");
    CHECK(in_another_thread(take_second, address));
    CHECK(raw_got(second, "\0\0\0\0012", 5));
    CHECK(answers(address, "first", "1"));
    CHECK(raw_got(first, "\0\0\0\0011", 5));
    close(first);
    close(second);
    nw0_close(address);
}

/* a thread that has measured a message, and neither takes it nor ends until it is let go */
typedef struct holder {
    const char *address;
    int holds, let_go;
    pthread_t thread;
} holder;

static void *holder_run(void *argument) {
    holder *h = argument;
    ssize_t size = nw0_wait_for_message_from(h->address, NULL, 0, LIMIT, false);
    __atomic_store_n(&h->holds, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&h->let_go, __ATOMIC_SEQ_CST)) usleep(1000);
    return size > 0 ? argument : NULL;
}

static void holder_start(holder *h, const char *address) {
    memset(h, 0, sizeof *h);
    h->address = address;
    CHECK(pthread_create(&h->thread, NULL, holder_run, h) == 0);
    while (!__atomic_load_n(&h->holds, __ATOMIC_SEQ_CST)) usleep(1000);
}

static void holder_end(holder *h) {
    void *result = NULL;
    __atomic_store_n(&h->let_go, 1, __ATOMIC_SEQ_CST);
    pthread_join(h->thread, &result);
    CHECK(result != NULL);
}

/* what one thread has measured is not there for another one: its loop sleeps meanwhile */
static void a_message_that_another_thread_has_measured_wakes_no_loop(void) {
    char address[NW0_ADDRESS_SIZE], room[100];
    holder h;
    int wakes = 0;
    new_address(address);
    struct pollfd p = {nw0_fd(address), POLLIN, 0};
    int fd = raw_ask(address, "held");
    holder_start(&h, address);
    for (double end = check_now() + 0.5; check_now() < end;) {
        if (poll(&p, 1, 100) == 0) continue;
        wakes++;
        CHECK_FAILS(nw0_wait_for_message_from(address, room, sizeof room, 0, false), ETIMEDOUT);
    }
    CHECK(wakes < 200);
    if (wakes >= 200) printf("    woken up %d times\n", wakes);
    holder_end(&h);
    close(fd);
    nw0_close(address);
}

static void *measure_and_end(void *address) {
    return nw0_wait_for_message_from(address, NULL, 0, LIMIT, false) == 5 ? address : NULL;
}

static void *have_no_room_and_end(void *address) {
    char room[3];
    CHECK_FAILS(nw0_wait_for_message_from(address, room, sizeof room, LIMIT, false), EMSGSIZE);
    return address;
}

/* "the message stays where it is for the next call", whoever makes it */
static void a_thread_that_ends_leaves_what_it_has_measured_to_the_next(void) {
    void *(*const ways[])(void *) = {measure_and_end, have_no_room_and_end};
    for (int i = 0; i < 2; i++) {
        char address[NW0_ADDRESS_SIZE];
        asker a;
        new_address(address);
        asker_start(&a, address, "hello");
        CHECK(in_another_thread(ways[i], address));
        CHECK(takes(address, "hello", 1) && replies(address, "good-bye"));
        CHECK(asker_got(&a, "good-bye"));
        nw0_close(address);
    }
}

static void a_thread_that_ends_leaves_what_it_has_measured_to_one_who_waits_already(void) {
    pthread_t waiter[1];
    holder h;
    crowd_begins(waiter, 0);
    int fd = raw_ask(crowd.address, "1");
    holder_start(&h, crowd.address);
    CHECK(pthread_create(waiter, NULL, crowd_serve, NULL) == 0);
    CHECK(asks(crowd.address, "2",
               "2")); /* it is at its next wait, or soon will be: both must work */
    holder_end(&h);
    CHECK(raw_got(fd, "\0\0\0\0011", 5));
    close(fd);
    crowd_ends(waiter, 1);
}

/* the library has let go of the thread's messages before the program's own destructor takes one:
 * the next thread has this one's place in memory, but not what it has taken */
static pthread_key_t late_key;
static int late_turns, taken_late;

static void take_late(void *address) {
    if (late_turns++ == 0) pthread_setspecific(late_key, address); /* once more, after the others */
    else taken_late = takes(address, "late", LIMIT);
}

static void *take_one_and_end(void *address) {
    char room[100];
    ssize_t n = nw0_wait_for_message_from(address, room, sizeof room, LIMIT, true);
    return n == 5 && pthread_setspecific(late_key, address) == 0 ? address : NULL;
}

static void what_a_destructor_took_is_not_inherited_by_a_later_thread(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    late_turns = taken_late = 0;
    CHECK(pthread_key_create(&late_key, take_late) == 0);
    int fd = raw_ask(address, "early"), late;
    pthread_t thread = start(take_one_and_end, address);
    CHECK(raw_got(fd, "\0\0\0\0", 4));
    late = raw_ask(address, "late");
    CHECK(finish(thread) != NULL && taken_late);
    CHECK(in_another_thread(reply_for_another, address));
    pthread_key_delete(late_key);
    close(fd);
    close(late);
    nw0_close(address);
}

static void *crowd_ask(void *unused) {
    int first = QUESTIONS * __atomic_fetch_add(&crowd.next, 1, __ATOMIC_SEQ_CST);
    for (int i = first; i < first + QUESTIONS; i++) {
        char question[20];
        snprintf(question, sizeof question, "%d", i);
        if (!asks(crowd.address, question, question))
            __atomic_add_fetch(&crowd.wrong, 1, __ATOMIC_SEQ_CST);
    }
    return unused;
}

static void crowd_meets(int servers) {
    pthread_t server_threads[SERVERS], client_threads[CLIENTS];
    crowd_begins(server_threads, servers);
    for (int i = 0; i < CLIENTS; i++)
        CHECK(pthread_create(&client_threads[i], NULL, crowd_ask, NULL) == 0);
    for (int i = 0; i < CLIENTS; i++) pthread_join(client_threads[i], NULL);
    crowd_ends(server_threads, servers);
    for (int i = 0; i < CLIENTS * QUESTIONS; i++) CHECK(crowd.seen[i] == 1);
}

static void many_clients_have_one_server(void) {
    crowd_meets(1);
}

static void many_clients_have_several_server_threads(void) {
    crowd_meets(SERVERS);
}

static void *take_patience(void *argument) {
    return answers(argument, "quick", "done") ? argument : NULL;
}

/* one thread waits for its answer, and another asks the same address and has its answer first */
static void one_askers_wait_holds_up_no_other(void) {
    char address[NW0_ADDRESS_SIZE];
    asker slow, quick;
    new_address(address);
    asker_start(&slow, address, "slow");
    CHECK(takes(address, "slow", LIMIT));
    asker_start(&quick, address, "quick");
    CHECK(in_another_thread(take_patience, address));
    CHECK(asker_got(&quick, "done"));
    CHECK(replies(address, "done too"));
    CHECK(asker_got(&slow, "done too"));
    nw0_close(address);
}

/* threads that wait are woken one for each message, however the messages come */
static void waiting_threads_share_what_comes_on_one_connection(void) {
    pthread_t threads[SERVERS];
    crowd_begins(threads, SERVERS);
    for (int i = 0; i < SERVERS; i++) CHECK(asks(crowd.address, "1", "1"));
    crowd_ends(threads, SERVERS);
    CHECK(crowd.seen[1] == SERVERS);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(the_message_whose_size_was_asked_is_this_threads);
    RUN(a_message_that_another_thread_has_measured_wakes_no_loop);
    RUN(a_thread_that_ends_leaves_what_it_has_measured_to_the_next);
    RUN(a_thread_that_ends_leaves_what_it_has_measured_to_one_who_waits_already);
    RUN(what_a_destructor_took_is_not_inherited_by_a_later_thread);
    RUN(many_clients_have_one_server);
    RUN(many_clients_have_several_server_threads);
    RUN(one_askers_wait_holds_up_no_other);
    RUN(waiting_threads_share_what_comes_on_one_connection);
    nw0_shutdown();
    return check_report("messages/threads");
}
