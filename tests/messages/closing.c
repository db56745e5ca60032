/* closing.c - closing hangs up, frees the port, and cuts no answer. */
#include "nw0.h"

#include "child.h"
#include "messages.h"

static void closing_does_not_cut_an_answer(void) {
    unsigned char *answer = malloc(MOST);
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    fill(answer, MOST);
    int slow = raw_ask(address, "everything"), idle = raw_connect(address);
    CHECK(takes(address, "everything", LIMIT));
    CHECK(nw0_send_reply_to(address, answer, MOST) >= 0);
    CHECK(nw0_close(address) == 0);
    CHECK(raw_closed(idle));
    CHECK_FAILS(nw0_close(address), ENOENT);
    listen_at(address); /* the address is free again meanwhile */
    int other = raw_ask(address, "short");
    CHECK(answers(address, "short", "and quick") && raw_got(other, "\0\0\0\11and quick", 13));
    unsigned char *copy = calloc(1, 4 + MOST);
    CHECK(raw_get(slow, copy, 4 + MOST) == 4 + MOST && memcmp(copy + 4, answer, MOST) == 0);
    CHECK(raw_closed(slow));
    close(slow);
    close(idle);
    close(other);
    nw0_close(address);
    free(answer);
    free(copy);
}

static unsigned char *everything;

static void *take_and_send_everything(void *address) {
    if (!takes(address, "everything", LIMIT)) return NULL;
    return nw0_send_reply_to(address, everything, MOST) >= 0 ? address : NULL;
}

/* the answer has begun, and is too large to be on its way already */
static void closing_does_not_cut_an_answer_that_is_just_sent(void) {
    unsigned char header[4], *copy = calloc(1, MOST);
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    everything = malloc(MOST);
    fill(everything, MOST);
    int fd = raw_ask(address, "everything");
    pthread_t thread = start(take_and_send_everything, address);
    CHECK(raw_get(fd, header, 4) == 4 && memcmp(header, "\0\377\377\377", 4) == 0);
    CHECK(nw0_close(address) == 0);
    CHECK(raw_get(fd, copy, MOST) == MOST && memcmp(copy, everything, MOST) == 0);
    CHECK(raw_closed(fd));
    CHECK(finish(thread) != NULL);
    close(fd);
    free(everything);
    free(copy);
}

static void closing_frees_the_port(void) {
    char address[NW0_ADDRESS_SIZE];
    struct sockaddr_in sin;
    new_address(address);
    listen_at(address);
    sin = socket_address(address);
    int fd = raw_socket(), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == -1 && errno == EADDRINUSE);
    CHECK(nw0_close(address) >= 0);
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
    close(fd);
    listen_at(address);
    CHECK(nw0_close(address) >= 0);
}

/* a port alone is every address, also where NW0_NETWORK matches no interface: it is closed by the
 * name that it was opened by. It is read once in a process, so this is one of its own */
static int close_a_port_alone(const char *port) {
    setenv("NW0_NETWORK", "10.9.*", 1);
    listen_at(port);
    CHECK(nw0_close(port) == 0);
    CHECK_FAILS(nw0_close(port), ENOENT);
    return check_faults;
}

static void closing_a_port_alone_needs_no_network(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    CHECK(child_ended_well(child_start("--elsewhere", strchr(address, ':') + 1)));
}

static void closing_hangs_up(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int taken = raw_ask(address, "taken");
    CHECK(takes(address, "taken", LIMIT));
    int idle = raw_connect(address), waiting = raw_ask(address, "waiting");
    CHECK(nw0_close(address) >= 0);
    CHECK(raw_closed(taken) && raw_closed(idle) && raw_closed(waiting));
    CHECK_FAILS(nw0_send_reply_to(address, "gone", 4), EINVAL);
    close(taken);
    close(idle);
    close(waiting);
}

static int waiter_back;

static void *wait_for_nothing(void *argument) {
    char room[8];
    errno = 0;
    ssize_t n = nw0_wait_for_message_from(argument, room, sizeof room, NW0_FOREVER, false);
    void *result = n == -1 && errno != 0 && strlen(nw0_error()) > 10 ? argument : NULL;
    __atomic_store_n(&waiter_back, 1, __ATOMIC_SEQ_CST);
    return result;
}

/* closing is repeated, for it may come before the other thread's wait has begun */
static void closing_ends_another_threads_wait(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    __atomic_store_n(&waiter_back, 0, __ATOMIC_SEQ_CST);
    pthread_t thread = start(wait_for_nothing, address);
    while (!__atomic_load_n(&waiter_back, __ATOMIC_SEQ_CST)) {
        usleep(20000);
        nw0_close(address);
    }
    CHECK(finish(thread) != NULL);
}

static void closing_a_conversation_ends_it(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    int listener = raw_listen(address);
    ask_unanswered(address, "hello");
    int fd = raw_take_question(listener, "hello");
    CHECK(nw0_close(address) >= 0);
    CHECK(raw_closed(fd));
    CHECK_FAILS(nw0_wait_for_reply_from(address, none, sizeof none, LIMIT), EINVAL);
    close(fd);
    ask_unanswered(address, "again");
    fd = raw_take_question(listener, "again");
    close(fd);
    close(listener);
    nw0_close(address);
}

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--elsewhere")) return close_a_port_alone(argv[2]);
    net_begin();
    check_begin(argc, argv);
    RUN(closing_does_not_cut_an_answer);
    RUN(closing_does_not_cut_an_answer_that_is_just_sent);
    RUN(closing_frees_the_port);
    RUN(closing_a_port_alone_needs_no_network);
    RUN(closing_hangs_up);
    RUN(closing_ends_another_threads_wait);
    RUN(closing_a_conversation_ends_it);
    nw0_shutdown();
    return check_report("messages/closing");
}
