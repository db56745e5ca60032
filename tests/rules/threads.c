/* threads.c - a thread that ends hangs up, leaves nothing, and needs none of the system's keys. */
#include "memory.h"
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "child.h"
#include "rules.h"

static void *take_and_exit(void *address) {
    return takes(address, "anybody?", LIMIT) ? address : NULL;
}

static void *ask_anybody(void *address) {
    char room[8];
    errno = 0;
    ssize_t n = nw0_send_message_to(address, "anybody?", 8, room, sizeof room, LIMIT);
    return n == -1 && errno == ECONNRESET ? address : NULL;
}

static void a_thread_that_exits_hangs_up(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    double begin = check_now();
    pthread_t caller = start(ask_anybody, address), taker = start(take_and_exit, address);
    CHECK(finish(taker) != NULL);
    CHECK(finish(caller) != NULL);
    CHECK(check_now() - begin < LIMIT / 2);
    CHECK(echo_round_trip());
    nw0_shutdown();
}

static void *ask_and_give_up(void *address) {
    char room[8];
    errno = 0;
    ssize_t n = nw0_send_message_to(address, "hello", 5, room, sizeof room, BRIEF);
    return n == -1 && errno == ETIMEDOUT ? address : NULL;
}

/* nobody can fetch the answer to its question any more */
static void a_thread_that_exits_ends_what_it_asked(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    CHECK(finish(start(ask_and_give_up, address)) != NULL);
    int fd = raw_accept(listener);
    CHECK(raw_got(fd, HELLO "\0\0\0\5hello", 17));
    CHECK(raw_closed(fd));
    close(fd);
    close(listener);
    nw0_shutdown();
}

/* a thread that came and went leaves no descriptor behind, though the library goes on */
static void *ask_and_exit(void *address) {
    return asks(address, "hello", "hello") ? address : NULL;
}

static void threads_that_exit_leave_nothing(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    pthread_t server = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    for (int i = 0; i < 100; i++) CHECK(finish(start(ask_and_exit, address)) != NULL);
    CHECK(descriptor_count() < 50);
    CHECK(asks(address, "stop", "stop"));
    finish(server);
    nw0_shutdown();
    CHECK(live_allocations == 0);
}

/* in a process of its own: a program that has taken all keys of threads there are */
static void *take_all_keys(void *unused) {
    static pthread_key_t keys[4096];
    int count = 0, mine = 5;
    while (count < 4096 && pthread_key_create(&keys[count], NULL) == 0) count++;
    CHECK(count > 0 && count < 4096);
    for (int i = 0; i < count; i++) CHECK(pthread_setspecific(keys[i], &mine) == 0);
    CHECK(echo_round_trip());
    CHECK(nw0_advertise("rules/no keys", NULL, NULL) >= 0);
    CHECK(nw0_discover("rules/no keys", LIMIT, NULL) >= 0);
    for (int i = 0; i < 10; i++) CHECK(echo_round_trip()); /* threads that begin and end */
    nw0_shutdown();
    for (int i = 0; i < count; i++) CHECK(pthread_getspecific(keys[i]) == &mine);
    CHECK(mine == 5 && live_allocations == 0);
    return unused;
}

/* in a thread: the C library keeps the places of the first one to the end, which valgrind reports */
static int have_taken_all_keys(void) {
    int anything;
    CHECK(in_another_thread(take_all_keys, &anything));
    return check_faults;
}

static void a_program_that_has_taken_all_keys_keeps_them(void) {
    CHECK(child_ended_well(child_start("--keys", NULL)));
}

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--keys")) return have_taken_all_keys();
    net_begin();
    check_begin(argc, argv);
    RUN(a_thread_that_exits_hangs_up);
    RUN(a_thread_that_exits_ends_what_it_asked);
    RUN(threads_that_exit_leave_nothing);
    RUN(a_program_that_has_taken_all_keys_keeps_them);
    nw0_shutdown();
    return check_report("rules/threads");
}
