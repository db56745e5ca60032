/* asking.c - a question and its answer: the bytes on the wire, and in which order they come. */
#include "nw0.h"

#include "messages.h"

static void a_message_is_answered(void) {
    char address[NW0_ADDRESS_SIZE];
    asker a;
    new_address(address);
    asker_start(&a, address, "how are you?");
    CHECK(takes(address, "how are you?", LIMIT));
    CHECK(nw0_send_reply_to(address, "very well", 4) >= 0); /* so many bytes, and not the text */
    CHECK(asker_got(&a, "very"));
    nw0_close(address);
}

static void many_messages_take_one_connection(void) {
    char address[NW0_ADDRESS_SIZE], reply[10];
    int listener = raw_listen(address);
    ask_unanswered(address, "one");
    int fd = raw_take_question(listener, "one");
    raw_put(fd, "\0\0\0\1x", 5);
    CHECK(fetches(address, "x", LIMIT));
    CHECK_FAILS(nw0_send_message_to(address, "two", 3, reply, sizeof reply, BRIEF), ETIMEDOUT);
    CHECK(raw_got(fd, "\0\0\0\3two", 7));
    CHECK(raw_silent(fd) && raw_unvisited(listener));
    close(fd);
    close(listener);
    nw0_close(address);
}

static void a_server_speaks_the_wire(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address);
    raw_put(fd, "\0\0\0\4nw0?\0\0\0\5hello", 17);
    CHECK(answers(address, "hello", "good-bye"));
    CHECK(raw_got(fd, "\0\0\0\10good-bye", 12));
    raw_put(fd, "\0\0\0\0", 4);
    CHECK(answers(address, "", ""));
    CHECK(raw_got(fd, "\0\0\0\0", 4));
    CHECK(raw_silent(fd));
    close(fd);
    nw0_close(address);
}

static void a_message_may_be_nothing(void) {
    char address[NW0_ADDRESS_SIZE], room[4] = "abc";
    new_address(address);
    listen_at(address);
    CHECK_FAILS(nw0_send_message_to(address, NULL, 0, room, 1, BRIEF), ETIMEDOUT);
    CHECK(nw0_wait_for_message_from(address, room, 1, LIMIT, false) == 0);
    CHECK(memcmp(room, "\0bc", 4) == 0); /* the NUL, and nothing behind it */
    CHECK(nw0_send_reply_to(address, NULL, 0) >= 0);
    memcpy(room, "xyz", 4);
    CHECK(nw0_wait_for_reply_from(address, room, 1, LIMIT) == 0);
    CHECK(memcmp(room, "\0yz", 4) == 0);
    nw0_close(address);
}

static void a_late_answer_can_be_fetched(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    ask_unanswered(address, "are you there?");
    CHECK(takes(address, "are you there?", LIMIT));
    CHECK_FAILS(nw0_wait_for_reply_from(address, NULL, 0, 0), ETIMEDOUT);
    CHECK(replies(address, "now I am"));
    CHECK(fetches(address, "now I am", LIMIT));
    nw0_close(address);
}

static int looked;

static void *ask_and_look(void *argument) {
    char room[8];
    ssize_t n = nw0_send_message_to(argument, "q", 1, room, sizeof room, BRIEF);
    while (n < 0 && errno == ETIMEDOUT) {
        n = nw0_wait_for_reply_from(argument, room, sizeof room, looked % 2 ? 0.001 : 0);
        __atomic_add_fetch(&looked, 1, __ATOMIC_SEQ_CST);
    }
    return n == 1 && room[0] == 'a' ? argument : NULL;
}

/* looking again and again is as good as waiting */
static void a_late_answer_can_be_looked_for(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    looked = 0;
    pthread_t thread = start(ask_and_look, address);
    CHECK(takes(address, "q", LIMIT));
    while (__atomic_load_n(&looked, __ATOMIC_SEQ_CST) < 20) usleep(1000);
    CHECK(replies(address, "a"));
    CHECK(finish(thread) != NULL);
    nw0_close(address);
}

static void a_late_answer_never_meets_the_next_question(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    ask_unanswered(address, "one");
    CHECK(answers(address, "one", "answer one"));
    ask_unanswered(address, "two");
    CHECK(answers(address, "two", "answer two"));
    CHECK(fetches(address, "answer two", LIMIT));
    CHECK(nw0_wait_for_reply_from(address, NULL, 0, 0) == -1);
    nw0_close(address);
}

/* the same when the first answer comes after the second question; whether it can still be sent is
 * not the point */
static void a_very_late_answer_never_meets_the_next_question(void) {
    char address[NW0_ADDRESS_SIZE];
    asker unrelated;
    new_address(address);
    listen_at(address);
    ask_unanswered(address, "one");
    CHECK(takes(address, "one", LIMIT));
    ask_unanswered(address, "two");
    nw0_send_reply_to(address, "answer one", NW0_TEXT);
    CHECK(answers(address, "two", "answer two"));
    CHECK(fetches(address, "answer two", LIMIT));
    asker_start(&unrelated, address, "three");
    CHECK(answers(address, "three", "answer three"));
    CHECK(asker_got(&unrelated, "answer three"));
    nw0_close(address);
}

static void half_a_late_answer_never_meets_the_next_question(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    int listener = raw_listen(address), again;
    ask_unanswered(address, "one");
    int fd = raw_take_question(listener, "one");
    raw_put(fd, "\0\0\0\7the fi", 10);
    raw_delivered(fd);
    CHECK_FAILS(nw0_wait_for_reply_from(address, none, sizeof none, BRIEF), ETIMEDOUT);
    ask_unanswered(address, "two");
    send(fd, "x", 1, MSG_NOSIGNAL); /* the end of the first answer, if it is still wanted */
    if (raw_unvisited(listener)) CHECK(raw_got(again = dup(fd), "\0\0\0\3two", 7));
    else again = raw_take_question(listener, "two");
    raw_put(again, "\0\0\0\6second", 10);
    CHECK(fetches(address, "second", LIMIT));
    close(fd);
    close(again);
    close(listener);
    nw0_close(address);
}

static void an_answer_is_fetched_once(void) {
    char none[8];
    server s;
    server_start(&s);
    CHECK_FAILS(nw0_wait_for_reply_from(s.address, none, sizeof none, LIMIT),
                EINVAL); /* never asked */
    CHECK(asks(s.address, "once", "once"));
    CHECK_FAILS(nw0_wait_for_reply_from(s.address, none, sizeof none, LIMIT), EINVAL);
    server_stop(&s);
}

static void nothing_is_sent_twice(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    int listener = raw_listen(address);
    ask_unanswered(address, "once");
    CHECK_FAILS(nw0_wait_for_reply_from(address, none, sizeof none, BRIEF), ETIMEDOUT);
    int fd = raw_take_question(listener, "once");
    CHECK_FAILS(nw0_wait_for_reply_from(address, none, sizeof none, 0), ETIMEDOUT);
    CHECK(raw_silent(fd));
    raw_leave(fd);
    CHECK_FAILS(nw0_wait_for_reply_from(address, none, sizeof none, LIMIT), ECONNRESET);
    CHECK(raw_unvisited(listener));
    close(listener);
    nw0_close(address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(a_message_is_answered);
    RUN(many_messages_take_one_connection);
    RUN(a_server_speaks_the_wire);
    RUN(a_message_may_be_nothing);
    RUN(a_late_answer_can_be_fetched);
    RUN(a_late_answer_can_be_looked_for);
    RUN(a_late_answer_never_meets_the_next_question);
    RUN(a_very_late_answer_never_meets_the_next_question);
    RUN(half_a_late_answer_never_meets_the_next_question);
    RUN(an_answer_is_fetched_once);
    RUN(nothing_is_sent_twice);
    nw0_shutdown();
    return check_report("messages/asking");
}
