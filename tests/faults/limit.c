/* limit.c - NW0_MAX_MESSAGE, when it is smaller than the largest frame. */
#define NW0_IMPLEMENTATION
#include "faults.h"

static void a_question_above_the_limit_is_hung_up_on(void) {
    char address[NW0_ADDRESS_SIZE], byte;
    new_address(address);
    pthread_t server = start(serve, address);
    CHECK(asked(address, "hello", 5, LIMIT));
    int fd = raw_connect(address);
    raw_put(fd, HELLO "\0\17\102\101", 12); /* one more than 1,000,000 */
    CHECK(recv(fd, &byte, 1, 0) == 0);
    close(fd);
    stop_serving(address, server);
    nw0_shutdown();
}

static void *answer_too_much(void *listener) {
    char question[17];
    int fd = port_close_on_exec(accept(*(int *)listener, NULL, NULL));
    raw_limit(fd);
    if (raw_get(fd, question, sizeof question) != 17) listener = NULL;
    if (send(fd, "\0\17\102\101", 4, MSG_NOSIGNAL) != 4) listener = NULL;
    (void)!recv(fd, question, 1, 0); /* it is hung up on */
    close(fd);
    return listener;
}

/* it may be a good answer, which only this program was not built for: and that is what it is told */
static void an_answer_above_the_limit_is_EPROTO(void) {
    char address[NW0_ADDRESS_SIZE], room[8];
    int listener = raw_listen(address);
    pthread_t server = start(answer_too_much, &listener);
    CHECK_FAILS(nw0_send_message_to(address, "hello", 5, room, sizeof room, LIMIT), EPROTO);
    CHECK(strstr(nw0_error(), "NW0_MAX_MESSAGE") != NULL);
    CHECK(finish(server) != NULL);
    close(listener);
    nw0_shutdown();
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(a_question_above_the_limit_is_hung_up_on);
    RUN(an_answer_above_the_limit_is_EPROTO);
    nw0_shutdown();
    return check_report("faults/limit");
}
