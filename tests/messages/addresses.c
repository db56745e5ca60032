/* addresses.c - how an address may be written, and which ones are refused. */
#include "nw0.h"

#include "messages.h"

static void nonsense_is_EINVAL(void) {
    static const char *const nonsense[] = {
        NULL,     "",   "127.0.0.1:99999", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:80:80",
        "a b:80", "-1", "127.0.0.1:-1"};
    char room[8];
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        const char *address = nonsense[i];
        CHECK_FAILS(nw0_send_message_to(address, "x", 1, room, sizeof room, LIMIT), EINVAL);
        CHECK_FAILS(nw0_wait_for_reply_from(address, room, sizeof room, LIMIT), EINVAL);
        CHECK_FAILS(nw0_wait_for_message_from(address, room, sizeof room, LIMIT, false), EINVAL);
        CHECK_FAILS(nw0_send_reply_to(address, "x", 1), EINVAL);
        CHECK_FAILS(nw0_close(address), EINVAL);
    }
    CHECK_FAILS(nw0_send_message_to("127.0.0.1", "x", 1, room, sizeof room, LIMIT),
                EINVAL); /* no port */
}

static void an_address_of_another_machine_is_EADDRNOTAVAIL(void) {
    char room[8];
    CHECK_FAILS(nw0_wait_for_message_from("192.0.2.1:5000", room, sizeof room, LIMIT, false),
                EADDRNOTAVAIL);
    CHECK(strstr(nw0_error(), "192.0.2.1:5000") != NULL);
}

static void an_address_that_is_taken_is_EADDRINUSE(void) {
    char address[NW0_ADDRESS_SIZE], room[8];
    int listener = raw_listen(address);
    CHECK_FAILS(nw0_wait_for_message_from(address, room, sizeof room, LIMIT, false), EADDRINUSE);
    CHECK(strstr(nw0_error(), address) != NULL);
    close(listener);
}

/* and nobody is told to look for another program when it is this one */
static void an_address_that_this_program_has_taken_is_EADDRINUSE_too(void) {
    char address[NW0_ADDRESS_SIZE], room[8];
    new_address(address);
    const char *port = strchr(address, ':') + 1;
    listen_at(address);
    CHECK_FAILS(nw0_wait_for_message_from(port, room, sizeof room, 0, false), EADDRINUSE);
    CHECK(strstr(nw0_error(), port) != NULL && strstr(nw0_error(), "this program") != NULL);
    CHECK(strstr(nw0_error(), "another program") == NULL);
    CHECK(nw0_close(address) >= 0);
}

static void an_address_may_be_spelled_in_several_ways(void) {
    char address[NW0_ADDRESS_SIZE], pattern[NW0_ADDRESS_SIZE];
    asker a;
    new_address(address);
    snprintf(pattern, sizeof pattern, "127.*%s", strchr(address, ':'));
    const char *port = strchr(address, ':') + 1;
    const char *const ways[] = {port, pattern, address};
    for (int there = 0; there < 3; there++)
        for (int here = 0; here < 3; here++) { /* a port alone is every address, and comes first */
            asker_start(&a, ways[there], "same?");
            CHECK(takes(ways[here], "same?", LIMIT));
            CHECK(replies(ways[there], "same"));
            CHECK(asker_got(&a, "same"));
        }
    CHECK(nw0_close(port) >= 0);
}

static void an_advertised_address_takes_messages_before_the_first_wait(void) {
    nw0_service service;
    CHECK(nw0_advertise("messages/early", NULL, &service) >= 0);
    int fd = raw_ask(service.address, "early");
    ask_unanswered(service.address, "too");
    CHECK(answers(service.address, "early", "in time"));
    CHECK(raw_got(fd, "\0\0\0\7in time", 11));
    CHECK(answers(service.address, "too", "as well"));
    CHECK(fetches(service.address, "as well", LIMIT));
    close(fd);
    CHECK(nw0_unadvertise("messages/early") >= 0);
    nw0_close(service.address);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(nonsense_is_EINVAL);
    RUN(an_address_of_another_machine_is_EADDRNOTAVAIL);
    RUN(an_address_that_is_taken_is_EADDRINUSE);
    RUN(an_address_that_this_program_has_taken_is_EADDRINUSE_too);
    RUN(an_address_may_be_spelled_in_several_ways);
    RUN(an_advertised_address_takes_messages_before_the_first_wait);
    nw0_shutdown();
    return check_report("messages/addresses");
}
