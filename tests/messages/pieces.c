/* pieces.c - questions and answers that come in pieces hold up nobody, and are kept. */
#include "nw0.h"

#include "messages.h"

static void half_a_question_holds_up_nobody(void) {
    char address[NW0_ADDRESS_SIZE];
    asker a;
    new_address(address);
    listen_at(address);
    int silent = raw_connect(address), hello = raw_connect(address), half = raw_connect(address);
    raw_put(hello, "\0\0\0\4nw", 6);
    raw_put(half, HELLO "\0\0\0\5hal", 15);
    raw_delivered(hello);
    raw_delivered(half);
    asker_start(&a, address, "whole");
    CHECK(answers(address, "whole", "thanks"));
    CHECK(asker_got(&a, "thanks"));
    CHECK(a.took < LIMIT / 2);
    raw_put(half, "lo", 2);
    CHECK(answers(address, "hallo", "at last"));
    CHECK(raw_got(half, "\0\0\0\7at last", 11));
    raw_put(hello, "0?\0\0\0\1!", 7);
    CHECK(answers(address, "!", "?"));
    CHECK(raw_got(hello, "\0\0\0\1?", 5));
    close(silent);
    close(hello);
    close(half);
    nw0_close(address);
}

static void half_a_large_question_is_kept(void) {
    size_t size = 100000;
    unsigned char *message = malloc(size), *room = malloc(size + 1), *other = malloc(size + 1);
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    fill(message, size);
    int slow = raw_connect(address);
    raw_put(slow, HELLO "\0\1\206\240", 12); /* 100,000 */
    raw_put(slow, message, size / 2);
    raw_delivered(slow);
    CHECK_FAILS(nw0_wait_for_message_from(address, room, size + 1, BRIEF, false), ETIMEDOUT);
    memset(room, 0, size); /* a buffer is its owner's again as soon as the call is over */
    int quick = raw_ask(address, "quick");
    CHECK(nw0_wait_for_message_from(address, room, size + 1, LIMIT, true) == 5);
    CHECK(memcmp(room, "quick", 6) == 0);
    raw_put(slow, message + size / 2, size - size / 2);
    CHECK(nw0_wait_for_message_from(address, other, size + 1, LIMIT, false) == (ssize_t)size);
    CHECK(memcmp(other, message, size) == 0 && other[size] == 0);
    close(slow);
    close(quick);
    nw0_close(address);
    free(message);
    free(room);
    free(other);
}

/* the half comes while the server waits, and then somebody else's question */
static void half_a_large_question_gives_way(void) {
    size_t size = 100000, half = size / 2;
    unsigned char *message = malloc(12 + size);
    server s;
    server_start(&s);
    memcpy(message, HELLO "\0\1\206\240", 12);
    fill(message + 12, size);
    int slow[3];
    for (int i = 0; i < 3; i++) {
        slow[i] = raw_connect(s.address);
        raw_put(slow[i], message, 12 + half);
        raw_delivered(slow[i]);
        usleep(30000); /* the server has read it by now: if not, this is an easier case */
        double start = check_now();
        CHECK(asks(s.address, "quick", "quick"));
        CHECK(check_now() - start < LIMIT / 2);
        CHECK(asks(s.address, "again",
                   "again")); /* so that the next half, too, meets a ready buffer */
    }
    for (int i = 2; i >= 0; i--) {
        raw_put(slow[i], message + 12 + half, size - half);
        CHECK(raw_got(slow[i], message + 8, 4 + size));
        close(slow[i]);
    }
    server_stop(&s);
    free(message);
}

static void a_question_may_come_byte_by_byte(void) {
    static const char bytes[] = HELLO "\0\0\0\3abc\0\0\0\0\0\0\0\1d";
    char address[NW0_ADDRESS_SIZE], room[10], all[10] = "";
    int count = 0;
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address);
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        raw_put(fd, bytes + i, 1);
        raw_delivered(fd);
        if (nw0_wait_for_message_from(address, room, sizeof room, 0, true) < 0) continue;
        strcat(all, room);
        count++;
    }
    CHECK(count == 3 && strcmp(all, "abcd") == 0);
    CHECK(raw_got(fd, "\0\0\0\0\0\0\0\0\0\0\0\0", 12) && raw_silent(fd));
    close(fd);
    nw0_close(address);
}

static void an_answer_may_come_byte_by_byte(void) {
    static const char bytes[] = "\0\0\0\5hello";
    char address[NW0_ADDRESS_SIZE], room[10];
    int listener = raw_listen(address);
    ask_unanswered(address, "slowly, please");
    int fd = raw_take_question(listener, "slowly, please");
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        CHECK_FAILS(nw0_wait_for_reply_from(address, room, sizeof room, 0), ETIMEDOUT);
        raw_put(fd, bytes + i, 1);
        raw_delivered(fd);
    }
    CHECK(fetches(address, "hello", LIMIT));
    close(fd);
    close(listener);
    nw0_close(address);
}

static void half_a_large_answer_is_kept(void) {
    size_t size = 100000;
    unsigned char *message = malloc(size), *room = malloc(size + 1), *other = malloc(size + 1);
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address);
    fill(message, size);
    ask_unanswered(address, "all of it");
    int fd = raw_take_question(listener, "all of it");
    raw_put(fd, "\0\1\206\240", 4);
    raw_put(fd, message, size / 2);
    raw_delivered(fd);
    CHECK_FAILS(nw0_wait_for_reply_from(address, room, size + 1, BRIEF), ETIMEDOUT);
    memset(room, 0, size);
    raw_put(fd, message + size / 2, size - size / 2);
    CHECK(nw0_wait_for_reply_from(address, other, size + 1, LIMIT) == (ssize_t)size);
    CHECK(memcmp(other, message, size) == 0 && other[size] == 0);
    close(fd);
    close(listener);
    nw0_close(address);
    free(message);
    free(room);
    free(other);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(half_a_question_holds_up_nobody);
    RUN(half_a_large_question_is_kept);
    RUN(half_a_large_question_gives_way);
    RUN(a_question_may_come_byte_by_byte);
    RUN(an_answer_may_come_byte_by_byte);
    RUN(half_a_large_answer_is_kept);
    nw0_shutdown();
    return check_report("messages/pieces");
}
