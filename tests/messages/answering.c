/* answering.c - a server's rules: which question a reply answers, and in which order. */
#include "nw0.h"

#include "messages.h"

static void autoreply_answers_with_nothing_at_once(void) {
    char address[NW0_ADDRESS_SIZE], room[10];
    asker a;
    new_address(address);
    asker_start(&a, address, "ping");
    CHECK(nw0_wait_for_message_from(address, room, sizeof room, LIMIT, true) == 4);
    CHECK(strcmp(room, "ping") == 0);
    CHECK(asker_got(&a, ""));
    CHECK_FAILS(nw0_send_reply_to(address, "again", 5), EINVAL);
    nw0_close(address);
}

static void waiting_again_hangs_up(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    asker a;
    new_address(address);
    asker_start(&a, address, "no answer to this");
    CHECK(takes(address, "no answer to this", LIMIT));
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, 0, false), ETIMEDOUT);
    CHECK(asker_failed(&a, ECONNRESET));
    CHECK(a.took < LIMIT / 2);
    CHECK_FAILS(nw0_send_reply_to(address, "sorry", 5), EINVAL);
    nw0_close(address);
}

static void a_reply_answers_what_this_thread_took(void) {
    char address[NW0_ADDRESS_SIZE], nobody[NW0_ADDRESS_SIZE];
    new_address(address);
    new_address(nobody);
    listen_at(address);
    CHECK_FAILS(nw0_send_reply_to(address, "what?", 5), EINVAL);
    CHECK_FAILS(nw0_send_reply_to(nobody, "what?", 5), EINVAL);
    int fd = raw_ask(address, "mine");
    CHECK(nw0_wait_for_message_from(address, NULL, 0, LIMIT, false) == 4);
    CHECK_FAILS(nw0_send_reply_to(address, "not taken yet", 13), EINVAL);
    CHECK(takes(address, "mine", LIMIT));
    CHECK(in_another_thread(reply_for_another, address));
    CHECK(replies(address, "yours"));
    CHECK_FAILS(nw0_send_reply_to(address, "twice", 5), EINVAL);
    CHECK(raw_got(fd, "\0\0\0\5yours", 9) && raw_silent(fd));
    close(fd);
    nw0_close(address);
}

static void an_asker_who_has_left_is_EPIPE(void) {
    char address[NW0_ADDRESS_SIZE];
    char *large = calloc(1, MOST);
    new_address(address);
    listen_at(address);
    for (size_t size = 0; size <= MOST; size += MOST) {
        int fd = raw_ask(address, "bye");
        CHECK(takes(address, "bye", LIMIT));
        raw_leave(fd);
        CHECK_FAILS(nw0_send_reply_to(address, large, size), EPIPE);
        CHECK_FAILS(nw0_send_reply_to(address, large, size),
                    EINVAL); /* that question is done with */
    }
    free(large);
    nw0_close(address);
}

/* a reset is not acknowledged: what was sent after it, and has arrived, shows that it has too */
static void an_asker_who_has_reset_is_EPIPE(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int fd = raw_ask(address, "bye");
    CHECK(takes(address, "bye", LIMIT));
    raw_abort(fd);
    fd = raw_ask(address, "next");
    CHECK_FAILS(nw0_send_reply_to(address, "too late", 8), EPIPE);
    CHECK(answers(address, "next", "fine"));
    CHECK(raw_got(fd, "\0\0\0\4fine", 8));
    close(fd);
    nw0_close(address);
}

static void one_thread_serves_two_addresses(void) {
    char a[NW0_ADDRESS_SIZE], b[NW0_ADDRESS_SIZE];
    new_address(a);
    new_address(b);
    listen_at(a);
    listen_at(b);
    int at_a = raw_ask(a, "of a"), at_b = raw_ask(b, "of b");
    CHECK(takes(b, "of b", LIMIT));
    CHECK(takes(a, "of a", LIMIT));
    CHECK(replies(b, "from b"));
    CHECK(raw_got(at_b, "\0\0\0\6from b", 10));
    CHECK(raw_silent(at_a));
    CHECK(replies(a, "from a"));
    CHECK(raw_got(at_a, "\0\0\0\6from a", 10));
    close(at_a);
    close(at_b);
    nw0_close(a);
    nw0_close(b);
}

static void a_pipelined_question_is_answered_after_the_first(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address);
    raw_put(fd, HELLO "\0\0\0\3one\0\0\0\3two\0\0\0\5thr", 8 + 7 + 7 + 7);
    CHECK(answers(address, "one", "1"));
    CHECK(raw_got(fd, "\0\0\0\0011", 5) && raw_silent(fd));
    CHECK(answers(address, "two", "2"));
    CHECK(raw_got(fd, "\0\0\0\0012", 5));
    raw_put(fd, "ee", 2);
    CHECK(answers(address, "three", "3"));
    CHECK(raw_got(fd, "\0\0\0\0013", 5) && raw_silent(fd));
    close(fd);
    nw0_close(address);
}

/* more connections than are told as ready at once, all with questions behind the first */
static void many_pipelined_questions_are_all_answered(void) {
    enum { CALLERS = 400, BEHIND = 4 };
    pthread_t threads[SERVERS];
    int fds[CALLERS];
    char questions[8 + 5 * BEHIND] = HELLO;
    crowd_begins(threads, SERVERS);
    for (int i = 0; i < BEHIND; i++) memcpy(questions + 8 + 5 * i, "\0\0\0\0017", 5);
    for (int i = 0; i < CALLERS; i++) fds[i] = raw_connect(crowd.address);
    for (int i = 0; i < CALLERS; i++) raw_put(fds[i], questions, sizeof questions);
    for (int i = 0; i < CALLERS; i++) {
        CHECK(raw_got(fds[i], questions + 8, 5 * BEHIND));
        close(fds[i]);
    }
    crowd_ends(threads, SERVERS);
    CHECK(crowd.seen[7] == CALLERS * BEHIND);
}

/* two threads wait, and yet the second question of one client waits for the answer to its first */
static void pipelined_question_goes_to_no_other_thread(const char *first, size_t size,
                                                       const char *second, size_t rest) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address);
    raw_put(fd, first, size);
    CHECK(takes(address, "one", LIMIT));
    raw_put(fd, second, rest);
    raw_delivered(fd);
    CHECK(in_another_thread(take_nothing, address));
    CHECK(replies(address, "1"));
    CHECK(in_another_thread(take_second, address));
    CHECK(raw_got(fd, "\0\0\0\0011\0\0\0\0012", 10));
    close(fd);
    nw0_close(address);
}

static void a_pipelined_question_goes_to_no_other_thread(void) {
    pipelined_question_goes_to_no_other_thread(HELLO "\0\0\0\3one\0\0\0\6second", 25, "", 0);
    pipelined_question_goes_to_no_other_thread(HELLO "\0\0\0\3one\0\0\0\6se", 21, "cond", 4);
    pipelined_question_goes_to_no_other_thread(HELLO "\0\0\0\3one", 15, "\0\0\0\6second", 10);
}

/* the one who answers the first does not call again, and another thread waits already */
static void a_pipelined_question_wakes_another_thread(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address);
    raw_put(fd, HELLO "\0\0\0\3one\0\0\0\6second", 8 + 7 + 10);
    raw_delivered(fd);
    CHECK(takes(address, "one", LIMIT));
    pthread_t thread = start(take_second, address);
    usleep(50000); /* it waits by now, or finds it there: both must work */
    CHECK(replies(address, "1"));
    CHECK(raw_got(fd, "\0\0\0\0011\0\0\0\0012", 10));
    CHECK(finish(thread) != NULL);
    close(fd);
    nw0_close(address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(autoreply_answers_with_nothing_at_once);
    RUN(waiting_again_hangs_up);
    RUN(a_reply_answers_what_this_thread_took);
    RUN(an_asker_who_has_left_is_EPIPE);
    RUN(an_asker_who_has_reset_is_EPIPE);
    RUN(one_thread_serves_two_addresses);
    RUN(a_pipelined_question_is_answered_after_the_first);
    RUN(a_pipelined_question_goes_to_no_other_thread);
    RUN(a_pipelined_question_wakes_another_thread);
    RUN(many_pipelined_questions_are_all_answered);
    nw0_shutdown();
    return check_report("messages/answering");
}
