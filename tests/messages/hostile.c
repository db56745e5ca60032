/* hostile.c - strangers, who speak something else or hang up in the middle, and slow readers. */
#include "nw0.h"

#include "messages.h"

/* nobody makes a server keep answers for him without bound */
static void who_reads_no_answers_gets_no_more(void) {
    size_t size = 4000000;
    char address[NW0_ADDRESS_SIZE], *answer = calloc(1, size), room[10];
    int served = 0;
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address);
    raw_put(fd, HELLO, 8);
    for (int i = 0; i < 40; i++) raw_put_frame(fd, "more", 4);
    raw_delivered(fd);
    while (served < 40 &&
           nw0_wait_for_message_from(address, room, sizeof room, BRIEF, false) == 4) {
        CHECK(nw0_send_reply_to(address, answer, size) >= 0);
        served++;
    }
    CHECK(served >= 1 && served < 10);
    close(fd);
    nw0_close(address);
    free(answer);
}

static void what_is_not_ours_is_closed_without_an_answer(void) {
    static const struct {
        const char *bytes;
        size_t size;
    } strange[] = {
        {"G", 1},
        {"\1", 1},
        {"\377", 1},
        {"GET / HTTP/1.1\r\n\r\n", 18},
        {"\377\0\0\0\0\0\0\0\1\177", 10},
        {"\0\0\0\4nw0x", 8},
        {"\0\0\0\4NW0?", 8},
        {"\0\0\0\4nw1?\0\0\0\2hi", 14},
        {"\0\0\0\5nw0??", 9},
        {"\0\0\0\3nw0", 7},
        {"\0\0\0\0", 4},
        {"\0\377\377\377", 4},
        {HELLO "\1\0\0\0", 12},
        {HELLO "\377", 9},
        {HELLO "\0\0\0\2hi\1", 15}, /* the question before it may be answered */
    };
    server s;
    server_start(&s);
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        int fd = raw_connect(s.address), last = i + 1 == sizeof strange / sizeof *strange;
        raw_put(fd, strange[i].bytes, strange[i].size);
        if (last) CHECK(raw_got(fd, "\0\0\0\2hi", 6));
        CHECK(raw_closed(fd));
        close(fd);
        CHECK(asks(s.address, "still there?", "still there?"));
    }
    server_stop(&s);
}

static void callers_who_come_and_go_disturb_nobody(void) {
    server s;
    server_start(&s);
    for (int i = 0; i < 200; i++) {
        int fd = raw_connect(s.address);
        raw_put(fd, HELLO "\0\0\0\5ha", (size_t)i % 15);
        if (i % 2) raw_abort(fd);
        else close(fd);
        if (i % 20 == 0) CHECK(asks(s.address, "still there?", "still there?"));
    }
    server_stop(&s);
}

/* asks somebody who, once asked, says these bytes and then hangs up or not */
static int ask_a_stranger(const char *bytes, size_t size, int first, int hang_up) {
    char address[NW0_ADDRESS_SIZE];
    int listener = raw_listen(address), fd = -1, failure;
    asker a;
    asker_start(&a, address, "hello");
    if (first) {
        fd = raw_accept(listener);
        raw_put(fd, bytes, size);
    } else {
        fd = raw_take_question(listener, "hello");
        raw_put(fd, bytes, size);
    }
    if (hang_up) raw_leave(fd);
    pthread_join(a.thread, NULL);
    failure = a.got < 0 ? a.failure : 0;
    CHECK(a.took < LIMIT / 2);
    if (!hang_up) close(fd);
    CHECK(raw_unvisited(listener)); /* it is not asked again */
    close(listener);
    return failure;
}

static void a_ZeroMQ_peer_is_EPROTONOSUPPORT(void) {
    CHECK(ask_a_stranger("\377\0\0\0\0\0\0\0\1\177", 10, 1, 0) == EPROTONOSUPPORT);
    CHECK(ask_a_stranger("\377\0\0\0\0\0\0\0\1\177", 10, 0, 0) == EPROTONOSUPPORT);
    CHECK(ask_a_stranger("\377", 1, 0, 0) == EPROTONOSUPPORT);
}

static void a_ZeroMQ_peer_is_named_in_the_sentence(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    int listener = raw_listen(address);
    ask_unanswered(address, "hello");
    int fd = raw_take_question(listener, "hello");
    raw_put(fd, "\377\0\0\0\0\0\0\0\1\177", 10);
    CHECK_FAILS(nw0_wait_for_reply_from(address, none, sizeof none, LIMIT), EPROTONOSUPPORT);
    CHECK(strstr(nw0_error(), "ZeroMQ") != NULL && strstr(nw0_error(), address) != NULL);
    close(fd);
    close(listener);
    nw0_close(address);
}

static void who_answers_twice_is_a_stranger(void) {
    CHECK(ask_a_stranger("\0\0\0\2ok\0\0\0\2no", 12, 0, 0) == EPROTO);
    CHECK(ask_a_stranger("\0\0\0\0\0", 5, 0, 0) == EPROTO);
}

static void any_other_stranger_is_EPROTO(void) {
    CHECK(ask_a_stranger("HTTP/1.1 400 Bad Request\r\n\r\n", 28, 0, 0) == EPROTO);
    CHECK(ask_a_stranger("SSH-2.0-x\r\n", 11, 1, 0) == EPROTO);
    CHECK(ask_a_stranger("\1\0\0\0", 4, 0, 0) == EPROTO);
    CHECK(ask_a_stranger("\1", 1, 0, 0) == EPROTO);
}

static void a_server_that_hangs_up_is_ECONNRESET_at_once(void) {
    CHECK(ask_a_stranger("", 0, 0, 1) == ECONNRESET);
    CHECK(ask_a_stranger("\0\0", 2, 0, 1) == ECONNRESET);
    CHECK(ask_a_stranger("\0\0\0\7half an", 9, 0, 1) == ECONNRESET);
    CHECK(ask_a_stranger("", 0, 1, 1) == ECONNRESET); /* without having read the question */
}

/* a question too large for the kernel's buffers, to somebody who hangs up in the middle of it */
static char said_at_length[1000];

static void *ask_at_length(void *argument) {
    char *question = calloc(1, MOST), none[8];
    ssize_t n = nw0_send_message_to(argument, question, MOST, none, sizeof none, LIMIT);
    int failure = errno;
    free(question);
    snprintf(said_at_length, sizeof said_at_length, "%s", nw0_error());
    return n == -1 && failure == ECONNRESET ? argument : NULL;
}

static void a_server_that_hangs_up_on_a_long_question_is_ECONNRESET(void) {
    char address[NW0_ADDRESS_SIZE], some[1000];
    int listener = raw_listen(address);
    pthread_t thread = start(ask_at_length, address);
    int fd = raw_accept(listener);
    CHECK(raw_get(fd, some, sizeof some) == sizeof some);
    close(fd);
    CHECK(finish(thread) != NULL);
    CHECK(raw_unvisited(listener));
    CHECK(strstr(said_at_length, address) != NULL);
    CHECK(strstr(said_at_length, "nothing was sent") == NULL); /* a part of it was */
    close(listener);
}

/* takes a whole answer of this size from a socket, slowly at first */
static int raw_reads_slowly(int fd, const unsigned char *answer, size_t size) {
    size_t step = 4096, done = 0;
    char *piece = malloc(step);
    int same = raw_get(fd, piece, 4) == 4 && memcmp(piece, "\0\377\377\377", 4) == 0;
    for (; same && done < size; done += step) {
        if (step > size - done) step = size - done;
        same = raw_get(fd, piece, step) == step && memcmp(piece, answer + done, step) == 0;
        if (done < 64 * 4096) usleep(1000);
    }
    free(piece);
    return same && raw_silent(fd);
}

static void a_slow_reader_holds_up_nobody(void) {
    unsigned char *answer = malloc(MOST);
    char address[NW0_ADDRESS_SIZE];
    asker a;
    new_address(address);
    listen_at(address);
    fill(answer, MOST);
    int slow = raw_ask(address, "everything");
    CHECK(takes(address, "everything", LIMIT));
    double start = check_now();
    CHECK(nw0_send_reply_to(address, answer, MOST) >= 0);
    CHECK(check_now() - start < 5);
    unsigned char *copy = malloc(MOST);
    memcpy(copy, answer, MOST);
    memset(answer, 0, MOST); /* the answer is ours again */
    asker_start(&a, address, "short");
    CHECK(answers(address, "short", "and quick"));
    CHECK(asker_got(&a, "and quick"));
    CHECK(raw_reads_slowly(slow, copy, MOST)); /* while nobody calls the library any more */
    raw_put_frame(slow, "and now?", 8);
    CHECK(answers(address, "and now?", "that was all"));
    CHECK(raw_got(slow, "\0\0\0\14that was all", 16));
    close(slow);
    nw0_close(address);
    free(answer);
    free(copy);
}

static void who_never_reads_holds_up_nobody(void) {
    char *answer = calloc(1, MOST);
    char address[NW0_ADDRESS_SIZE];
    int fds[3];
    asker a;
    new_address(address);
    listen_at(address);
    double start = check_now();
    for (int i = 0; i < 3; i++) {
        fds[i] = raw_ask(address, "everything");
        CHECK(takes(address, "everything", LIMIT));
        CHECK(nw0_send_reply_to(address, answer, MOST) >= 0);
    }
    CHECK(check_now() - start < 10);
    close(fds[0]);
    raw_abort(fds[1]);
    asker_start(&a, address, "short");
    CHECK(answers(address, "short", "and quick"));
    CHECK(asker_got(&a, "and quick"));
    nw0_close(address);
    close(fds[2]);
    free(answer);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(who_reads_no_answers_gets_no_more);
    RUN(what_is_not_ours_is_closed_without_an_answer);
    RUN(callers_who_come_and_go_disturb_nobody);
    RUN(a_ZeroMQ_peer_is_EPROTONOSUPPORT);
    RUN(a_ZeroMQ_peer_is_named_in_the_sentence);
    RUN(any_other_stranger_is_EPROTO);
    RUN(who_answers_twice_is_a_stranger);
    RUN(a_server_that_hangs_up_is_ECONNRESET_at_once);
    RUN(a_server_that_hangs_up_on_a_long_question_is_ECONNRESET);
    RUN(a_slow_reader_holds_up_nobody);
    RUN(who_never_reads_holds_up_nobody);
    nw0_shutdown();
    return check_report("messages/hostile");
}
