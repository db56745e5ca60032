/* pieces.c - transfers that move only a few bytes at a time, and are interrupted. */
#define NW0_IMPLEMENTATION
#include "faults.h"

static void exchange_in_pieces(long most, long every) {
    static const char *const calls[] = {"sendmsg", "recvmsg"};
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    move_at_most(most);
    pthread_t server = start(serve, address);
    for (size_t i = 0; i < 2; i++) {
        fault f = {calls[i], EAGAIN, 0, 0, every};
        if (every) arm(f);
        for (size_t size = 0; size <= 20; size++)
            CHECK(asked(address, large_question(), size, LIMIT));
        CHECK(asked(address, large_question(), 1000, LIMIT));
        CHECK(asked(address, large_question(), 5000, LIMIT));
        CHECK(!every || disarm() > 20);
    }
    stop_serving(address, server);
    move_at_most(0);
    nw0_shutdown();
    CHECK(live_allocations == 0);
}

static void frames_may_move_in_any_pieces(void) {
    static const long pieces[] = {1, 2, 3, 5, 7};
    for (int i = 0; i < 5; i++) exchange_in_pieces(pieces[i], 0);
}

static void frames_may_move_with_interruptions(void) {
    exchange_in_pieces(1, 2);
    exchange_in_pieces(2, 3);
    exchange_in_pieces(7, 2);
    exchange_in_pieces(100, 2);
}

/* what a slow reader gets from the library's own thread is whole too */
static void a_rest_may_move_in_any_pieces(void) {
    char address[NW0_ADDRESS_SIZE], room[8];
    unsigned char *answer = malloc(MOST);
    fault f = {"sendmsg", EAGAIN, 0, 0, 2};
    new_address(address);
    fill(answer, MOST);
    listen_at(address);
    int fd = raw_ask(address, "all");
    CHECK(nw0_wait_for_message_from(address, room, sizeof room, LIMIT, false) == 3);
    move_at_most(1000);
    arm(f);
    CHECK(nw0_send_reply_to(address, answer, MOST) >= 0);
    CHECK(raw_got(fd, "\0\17\102\100", 4));
    CHECK(raw_got(fd, answer, MOST));
    CHECK(disarm() > 0);
    move_at_most(0);
    close(fd);
    nw0_shutdown();
    free(answer);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(frames_may_move_in_any_pieces);
    RUN(frames_may_move_with_interruptions);
    RUN(a_rest_may_move_in_any_pieces);
    nw0_shutdown();
    return check_report("faults/pieces");
}
