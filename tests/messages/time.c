/* time.c - every wait ends in time, and a wait of 0 finds what is there. */
#include "nw0.h"

#include "messages.h"

static void no_answer_in_time_is_ETIMEDOUT(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    int listener = raw_listen(address); /* it never accepts */
    double start = check_now();
    CHECK_FAILS(nw0_send_message_to(address, "hello?", 6, none, sizeof none, BRIEF), ETIMEDOUT);
    CHECK(strstr(nw0_error(), address) != NULL);
    CHECK_FAILS(nw0_wait_for_reply_from(address, none, sizeof none, BRIEF), ETIMEDOUT);
    CHECK(check_now() - start >= 2 * BRIEF - 0.002 && check_now() - start < 5);
    close(listener);
    nw0_close(address);
}

static void nobody_there_in_time_is_ETIMEDOUT(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    new_address(address);
    double start = check_now();
    CHECK_FAILS(nw0_send_message_to(address, "hello?", 6, none, sizeof none, BRIEF), ETIMEDOUT);
    CHECK(strstr(nw0_error(), address) != NULL);
    CHECK(check_now() - start >= BRIEF - 0.001 && check_now() - start < 5);
    start = check_now();
    CHECK_FAILS(nw0_send_message_to(address, "hello?", 6, none, sizeof none, 0), ETIMEDOUT);
    CHECK(check_now() - start < 1);
    nw0_close(address);
}

static void no_question_in_time_is_ETIMEDOUT(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    new_address(address);
    double start = check_now();
    CHECK_FAILS(nw0_wait_for_message_from(address, none, sizeof none, BRIEF, false), ETIMEDOUT);
    CHECK(strstr(nw0_error(), strchr(address, ':') + 1) != NULL);
    CHECK(check_now() - start >= BRIEF - 0.001 && check_now() - start < 5);
    nw0_close(address);
}

static void a_wait_of_0_finds_who_is_not_accepted_yet(void) {
    char address[NW0_ADDRESS_SIZE], question[20];
    int fds[CLIENTS];
    new_address(address);
    listen_at(address);
    for (int i = 0; i < CLIENTS; i++) {
        snprintf(question, sizeof question, "number %d", i);
        fds[i] = raw_ask(address, question);
    }
    for (int i = 0; i < CLIENTS; i++) {
        CHECK(nw0_wait_for_message_from(address, question, sizeof question, 0, true) > 0);
        CHECK(strncmp(question, "number ", 7) == 0);
    }
    for (int i = 0; i < CLIENTS; i++) {
        CHECK(raw_got(fds[i], "\0\0\0\0", 4));
        close(fds[i]);
    }
    nw0_close(address);
}

/* where news is published too, the library's own thread accepts and reads: a wait of 0 seconds must
 * find what that thread has in its hands just then */
static void a_wait_of_0_finds_what_has_come_where_news_is_published_too(void) {
    enum { TRIES = 200 };
    char address[NW0_ADDRESS_SIZE], room[20];
    int found = 0;
    new_address(address);
    CHECK(nw0_send_news_to(address, "topic", "data", 4) == 0);
    for (int i = 0; i < TRIES; i++) {
        int fd = raw_connect(address);
        CHECK_FAILS(nw0_wait_for_message_from(address, room, sizeof room, 0, true), ETIMEDOUT);
        usleep((useconds_t)(i % 4) * 500); /* that thread has got further each time */
        raw_put(fd, HELLO "\0\0\0\1q", 13);
        raw_delivered(fd);
        if (nw0_wait_for_message_from(address, room, sizeof room, 0, true) == 1) found++;
        else CHECK(nw0_wait_for_message_from(address, room, sizeof room, LIMIT, true) == 1);
        close(fd);
    }
    CHECK(found == TRIES);
    if (found < TRIES) printf("    found %d of %d\n", found, TRIES);
    nw0_close(address);
}

/* an answer whose pieces come at this pace, each twice as large as what came before: the asker's
 * room grows like that, so that each piece fills it; until the asker hangs up */
static void *answer_in_growing_pieces(void *argument) {
    static const char nothing[1 << 17];
    int fd = raw_accept(*(int *)argument);
    struct pollfd p = {fd, POLLIN, 0};
    char question[13];
    size_t sent = 0, piece = 4;
    raw_get(fd, question, sizeof question);
    while (piece <= sizeof nothing && poll(&p, 1, 900) == 0) {
        const char *bytes = sent == 0 ? "\0\20\0\0" : nothing;
        if (send(fd, bytes, piece, MSG_NOSIGNAL) != (ssize_t)piece) break;
        sent += piece;
        piece = sent <= 4096 ? 4096 : sent - 4;
    }
    poll(&p, 1, (int)(LIMIT * 1000));
    close(fd);
    return NULL;
}

static void a_wait_ends_in_time_while_pieces_of_an_answer_come(void) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    pthread_t thread = start(answer_in_growing_pieces, &listener);
    double start = check_now();
    CHECK_FAILS(nw0_send_message_to(address, "x", 1, NULL, 0, 1), ETIMEDOUT);
    CHECK(check_now() - start < 4);
    nw0_close(address);
    pthread_join(thread, NULL);
    close(listener);
}

/* reads a question late, and never answers; until the asker hangs up */
static void *read_late(void *argument) {
    char *room = malloc(1 << 20);
    int fd = raw_accept(*(int *)argument);
    usleep(1350000);
    while (recv(fd, room, 1 << 20, 0) > 0) continue;
    free(room);
    close(fd);
    return NULL;
}

static double time_of_a_slow_send(void) {
    char address[NW0_ADDRESS_SIZE], room[10], *question = calloc(1, MOST);
    int listener = raw_listen(address);
    pthread_t thread = start(read_late, &listener);
    double start = check_now();
    CHECK_FAILS(nw0_send_message_to(address, question, MOST, room, sizeof room, 1.5), ETIMEDOUT);
    double took = check_now() - start;
    nw0_close(address);
    pthread_join(thread, NULL);
    close(listener);
    free(question);
    return took;
}

/* a busy machine gets another try */
static void a_slow_send_leaves_less_time_for_the_answer(void) {
    double least = time_of_a_slow_send();
    for (int i = 0; i < 2 && least >= 2.4; i++) least = time_of_a_slow_send();
    CHECK(least < 2.4);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(no_answer_in_time_is_ETIMEDOUT);
    RUN(nobody_there_in_time_is_ETIMEDOUT);
    RUN(no_question_in_time_is_ETIMEDOUT);
    RUN(a_wait_of_0_finds_who_is_not_accepted_yet);
    RUN(a_wait_of_0_finds_what_has_come_where_news_is_published_too);
    RUN(a_wait_ends_in_time_while_pieces_of_an_answer_come);
    RUN(a_slow_send_leaves_less_time_for_the_answer);
    nw0_shutdown();
    return check_report("messages/time");
}
