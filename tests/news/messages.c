/* messages.c - messages and news at one address. */
#include "nw0.h"

#include "news.h"

static void *serve_two_questions(void *address) {
    return answers(address, "question", "answer") && answers(address, "", "") ? address : NULL;
}

/* several questions of one caller, in whichever pieces they come */
static void questions_are_answered_while_news_flows(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    int fd = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 1));
    for (int i = 0; i < 100 && !check_faults; i++) {
        size_t cut = (size_t)i % 21;
        pthread_t server = start(serve_two_questions, address);
        if (i % 3) usleep(500);
        int caller = raw_connect(address);
        raw_put(caller, HELLO "\0\0\0\10question", cut);
        raw_delivered(caller);
        CHECK(sends(address, "x", "meanwhile") == 1);
        raw_put(caller, &(HELLO "\0\0\0\10question")[cut], 20 - cut);
        CHECK(raw_got(caller, "\0\0\0\6answer", 10));
        CHECK(sends(address, "x", "between") == 1);
        raw_put(caller, "\0\0\0\0", 4);
        CHECK(raw_got(caller, "\0\0\0\0", 4));
        CHECK(raw_silent(caller));
        CHECK(finish(server) != NULL);
        CHECK(raw_got_item(fd, "x", "meanwhile") && raw_got_item(fd, "x", "between"));
        CHECK(nw0_wait_for_subscribers(address, 0, 0) == 1);
        close(caller);
    }
    close(fd);
    nw0_close(address);
}

/* the library on all sides */
static void a_server_publishes_too(void) {
    char address[NW0_ADDRESS_SIZE], text[20];
    new_address(address);
    subscribe_here(address, "", 1);
    pthread_t server = start(echo, address);
    for (int i = 0; i < 300 && !check_faults; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, "n", text) == 1);
        CHECK(asks(address, i % 10 ? text : "", i % 10 ? text : ""));
        CHECK(comes(address, "", "n", text, LIMIT));
    }
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_close(address);
}

/* when nobody waits for messages, they wait */
static void questions_wait_while_news_flows(void) {
    char address[NW0_ADDRESS_SIZE];
    static const char *const questions[] = {"", "hello", ""};
    new_address(address);
    publish_at(address);
    for (int i = 0; i < 3; i++) {
        int caller = raw_connect(address), n = (int)strlen(questions[i]);
        raw_put(caller, HELLO, 8);
        raw_put_frame(caller, questions[i], (size_t)n);
        raw_delivered(caller);
        for (int k = 0; k < 20; k++) CHECK(sends(address, "x", "y") == 0);
        CHECK(takes(address, questions[i], 0));
        CHECK(nw0_send_reply_to(address, "so be it", NW0_TEXT) >= 0);
        CHECK(raw_got(caller, "\0\0\0\10so be it", 12));
        raw_put_frame(caller, "more", 4);
        raw_delivered(caller);
        for (int k = 0; k < 20; k++) CHECK(sends(address, "x", "y") == 0);
        CHECK(answers(address, "more", "less"));
        CHECK(raw_got(caller, "\0\0\0\4less", 8));
        close(caller);
    }
    nw0_close(address);
}

static void *take_empty(void *address) {
    return answers(address, "", "nothing") ? address : NULL;
}

static void an_empty_question_wakes_who_waits(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    publish_at(address);
    for (int i = 0; i < 100 && !check_faults; i++) {
        pthread_t server = start(take_empty, address);
        if (i % 2) usleep(500);
        int caller = raw_connect(address);
        if (i % 4 < 2) raw_put(caller, HELLO, 8), raw_delivered(caller);
        else raw_put(caller, HELLO "\0\0", 10), raw_delivered(caller);
        raw_put(caller, "\0\0\0\0", i % 4 < 2 ? 4 : 2);
        CHECK(raw_got(caller, "\0\0\0\7nothing", 11));
        CHECK(finish(server) != NULL);
        close(caller);
    }
    nw0_close(address);
}

/* the one who answers is not the one who publishes, and both meet the callers */
static void subscribers_come_where_messages_are_awaited(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    pthread_t server = start(echo, address);
    for (int i = 0; i < 50 && !check_faults; i++) {
        CHECK(asks(address, "hello", "hello"));
        int fd = raw_connect(address), late = raw_connect(address);
        raw_put(fd, HELLO_NEWS "\0\0\0\1a\0\0\0\1b", 18);
        raw_put(late, HELLO_NEWS, 8);
        raw_delivered(late);
        raw_put(late, "\0\0\0\0", 4);
        CHECK(has_subscribers(address, 2));
        CHECK(is_wanted_by(address, "b", 2));
        CHECK(sends(address, "c", "x") == 1);
        CHECK(raw_got_tries(fd, "b"));
        close(fd);
        close(late);
        await_fewer(address, 0);
    }
    CHECK(asks(address, "stop", "stop"));
    CHECK(finish(server) != NULL);
    nw0_close(address);
}

/* who waits for messages may be the one who accepts a subscriber, and hear what it wants only after
 * the item was sent: so each says it a moment before, and nothing follows. In every other round
 * the item leaves at once, else it is gathered with the last one. */
static void subscribers_meet_those_who_wait(int waiting) {
    char address[NW0_ADDRESS_SIZE], text[20];
    pthread_t servers[2];
    new_address(address);
    publish_at(address);
    for (int i = 0; i < waiting; i++) servers[i] = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    double limit = check_now() + 0.8;
    for (int i = 0; i < 1500 && check_now() < limit && !check_faults; i++) {
        if (i % 2) usleep(400);
        int fd = raw_subscribe(address, "");
        snprintf(text, sizeof text, "%d", i);
        CHECK(sends(address, "now", text) >= 0);
        CHECK(raw_got_of_round(fd, i, "now"));
        if (check_faults) printf("    with %d who wait, in round %d\n", waiting, i);
        close(fd);
    }
    for (int i = 0; i < waiting && !check_faults; i++) CHECK(asks(address, "stop", "stop"));
    nw0_close(address);
    for (int i = 0; i < waiting; i++) finish(servers[i]);
}

static void whoever_is_connected_gets_it_where_messages_are_awaited(void) {
    subscribers_meet_those_who_wait(1);
    subscribers_meet_those_who_wait(2);
}

static void what_has_left_is_not_for_who_comes_later_where_messages_are_awaited(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    pthread_t server = start(echo, address);
    CHECK(asks(address, "hello", "hello"));
    who_comes_later_gets_what_follows(address);
    if (!check_faults) CHECK(asks(address, "stop", "stop"));
    nw0_close(address);
    finish(server);
}

/* where only messages are awaited, one who wants news is heard by those who wait */
static void look_for_messages(const char *address) {
    char room[8];
    CHECK_FAILS(nw0_wait_for_message_from(address, room, sizeof room, 0, false), ETIMEDOUT);
}

/* it says one prefix, and another one later: nobody needs them yet, but that it has gone is seen */
static void who_wants_news_where_there_is_none_is_let_go(void) {
    char address[NW0_ADDRESS_SIZE];
    int before = 0;
    new_address(address);
    listen_at(address);
    for (int i = 0; i <= 20; i++) {
        int fd = raw_connect(address);
        raw_put(fd, HELLO_NEWS "\0\0\0\1a", 13);
        raw_delivered(fd);
        look_for_messages(address);
        raw_put(fd, "\0\0\0\1b", 5);
        raw_delivered(fd);
        look_for_messages(address);
        close(fd);
        if (i == 0) look_for_messages(address), before = descriptor_count();
    }
    double limit = check_now() + LIMIT;
    while (descriptor_count() > before && check_now() < limit)
        look_for_messages(address), usleep(500);
    CHECK(descriptor_count() <= before);
    nw0_close(address);
}

/* and what it has said counts when news is published at last; but not if it said too much */
static void who_wants_news_where_there_is_none_yet_gets_it_later(void) {
    char address[NW0_ADDRESS_SIZE], prefix[NW0_NAME_SIZE - 1];
    memset(prefix, 'p', sizeof prefix);
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address), talker = raw_connect(address);
    const char *pieces[] = {HELLO_NEWS "\0\0", "\0\1a\0\0", "\0\1b\0", "\0\0\2cd"};
    const size_t sizes[] = {10, 5, 4, 5};
    raw_put(talker, HELLO_NEWS, 8);
    for (int i = 0; i < 4; i++) {
        raw_put(fd, pieces[i], sizes[i]);
        raw_delivered(fd);
        look_for_messages(address);
    }
    for (int i = 0; i < 100; i++) {
        unsigned char frame[4 + sizeof prefix] = {0, 0, 0, sizeof prefix};
        memcpy(frame + 4, prefix, sizeof prefix);
        if (send(talker, frame, sizeof frame, MSG_NOSIGNAL) < 0) break;
        look_for_messages(address);
    }
    CHECK(raw_closed(talker));
    CHECK(has_subscribers(address, 1));
    CHECK(sends(address, "a", "1") == 1 && sends(address, "b", "2") == 1);
    CHECK(sends(address, "c", "3") == 0 && sends(address, "cd", "4") == 1);
    CHECK(raw_got_item(fd, "a", "1") && raw_got_item(fd, "b", "2") && raw_got_item(fd, "cd", "4"));
    close(fd);
    close(talker);
    nw0_close(address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(questions_are_answered_while_news_flows);
    RUN(a_server_publishes_too);
    RUN(questions_wait_while_news_flows);
    RUN(an_empty_question_wakes_who_waits);
    RUN(subscribers_come_where_messages_are_awaited);
    RUN(whoever_is_connected_gets_it_where_messages_are_awaited);
    RUN(what_has_left_is_not_for_who_comes_later_where_messages_are_awaited);
    RUN(who_wants_news_where_there_is_none_is_let_go);
    RUN(who_wants_news_where_there_is_none_yet_gets_it_later);
    nw0_shutdown();
    return check_report("news/messages");
}
