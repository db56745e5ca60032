/* sizes.c - every size arrives whole, sizes can be asked for, and a small buffer loses nothing. */
#include "nw0.h"

#include "messages.h"

/* the message comes back, with a NUL, into a buffer at this offset with so many bytes to spare, and
 * nothing before and beyond the buffer is touched */
static int echoes(const char *address, const unsigned char *message, size_t size, size_t offset,
                  size_t spare) {
    static unsigned char untouched[4200];
    size_t capacity = size + 1 + spare;
    unsigned char *room = malloc(offset + capacity + 64), *reply = room + offset;
    memset(untouched, 0xA5, sizeof untouched);
    memset(room, 0xA5, offset + capacity + 64);
    ssize_t n = nw0_send_message_to(address, message, size, reply, capacity, LIMIT);
    int right = n == (ssize_t)size && memcmp(reply, message, size) == 0 && reply[size] == 0 &&
                memcmp(room, untouched, offset) == 0 &&
                memcmp(reply + capacity, untouched, 64) == 0;
    if (!right)
        printf("    size %zu, offset %zu, %zu to spare: gave %ld: %s\n", size, offset, spare,
               (long)n, nw0_error());
    free(room);
    return right;
}

static void every_size_arrives_whole(void) {
    unsigned char *message = malloc(MOST);
    server s;
    server_start(&s);
    for (size_t power = 1; power <= MOST + 1; power *= 2)
        for (size_t size = power - 1; size <= power + 1 && size <= MOST; size++) {
            fill(message, size);
            CHECK(echoes(s.address, message, size, 0, 0));
        }
    server_stop(&s);
    free(message);
}

static void the_largest_fits_both_kinds_of_buffer(void) {
    unsigned char *message = malloc(MOST);
    server s;
    server_start(&s);
    fill(message, MOST);
    CHECK(echoes(s.address, message, MOST, 0, 0)); /* the server has a buffer ready */
    CHECK(echoes(s.address, message, MOST, 0, 0)); /* the server asks for the size */
    server_stop(&s);
    free(message);
}

static void large_messages_arrive_at_every_offset(void) {
    size_t size = 150000;
    unsigned char *message = malloc(size);
    server s;
    server_start(&s);
    fill(message, size);
    for (size_t offset = 0; offset < 4200; offset += offset < 40 || offset >= 4060 ? 1 : 335)
        for (size_t spare = 0; spare <= 100; spare += 100)
            CHECK(echoes(s.address, message, size - offset, offset, spare));
    server_stop(&s);
    free(message);
}

typedef struct sender {
    const char *address;
    const unsigned char *message;
    int faults;
} sender;

/* a new thread tries anew which way it sends such memory */
static void *send_all_sizes(void *argument) {
    static const size_t sizes[] = {16384, 16385, 32768, 32769, 100000, 1 << 20};
    sender *s = argument;
    for (int i = 0; i < 12; i++)
        s->faults += !echoes(s->address, s->message, sizes[i % 6], 0, 0);
    return NULL;
}

static void large_messages_may_begin_with_a_page(void) {
    enum { PAGE = 4096 };
    void *pages = NULL;
    server s;
    CHECK(posix_memalign(&pages, PAGE, (1 << 20) + PAGE + 16) == 0);
    fill(pages, (1 << 20) + PAGE + 16);
    server_start(&s);
    for (int offset = PAGE - 16; offset < PAGE + 16; offset++) {
        sender one = {s.address, (unsigned char *)pages + offset, 0};
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, send_all_sizes, &one) == 0);
        pthread_join(thread, NULL);
        CHECK(one.faults == 0);
    }
    server_stop(&s);
    free(pages);
}

static void a_message_has_a_limit(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    char *huge = calloc(1, MOST + 1);
    int listener = raw_listen(address);
    CHECK_FAILS(nw0_send_message_to(address, huge, MOST + 1, none, sizeof none, BRIEF), EMSGSIZE);
    CHECK(raw_unvisited(listener));
    close(listener);
    free(huge);
}

static void an_answer_has_a_limit(void) {
    char address[NW0_ADDRESS_SIZE];
    char *huge = calloc(1, MOST + 1);
    new_address(address);
    listen_at(address);
    int fd = raw_ask(address, "much?");
    CHECK(takes(address, "much?", LIMIT));
    CHECK_FAILS(nw0_send_reply_to(address, huge, MOST + 1), EMSGSIZE);
    CHECK(replies(address, "less"));
    CHECK(raw_got(fd, "\0\0\0\4less", 8));
    close(fd);
    nw0_close(address);
    free(huge);
}

static void the_size_of_a_message_can_be_asked(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int fd = raw_ask(address, "twelve bytes");
    CHECK(nw0_wait_for_message_from(address, NULL, 0, LIMIT, false) == 12);
    CHECK(nw0_wait_for_message_from(address, NULL, 0, LIMIT, true) ==
          12); /* no answer to that yet */
    CHECK(raw_silent(fd));
    CHECK(takes(address, "twelve bytes", 0));
    CHECK_FAILS(nw0_wait_for_message_from(address, NULL, 0, 0, false), ETIMEDOUT);
    close(fd);
    nw0_close(address);
}

static void the_size_of_an_empty_message_can_be_asked(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int fd = raw_ask(address, "");
    CHECK(nw0_wait_for_message_from(address, NULL, 0, LIMIT, false) == 0);
    CHECK(answers(address, "", "so be it"));
    CHECK(raw_got(fd, "\0\0\0\10so be it", 12));
    close(fd);
    nw0_close(address);
}

static void asking_for_the_size_waits_for_the_message(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    int fd = raw_connect(address);
    raw_put(fd, HELLO "\0\0\0\5hal", 15);
    raw_delivered(fd);
    CHECK_FAILS(nw0_wait_for_message_from(address, NULL, 0, BRIEF, false), ETIMEDOUT);
    raw_put(fd, "lo", 2);
    CHECK(nw0_wait_for_message_from(address, NULL, 0, LIMIT, false) == 5);
    CHECK(takes(address, "hallo", 0));
    close(fd);
    nw0_close(address);
}

static void the_size_of_an_answer_can_be_asked(void) {
    char address[NW0_ADDRESS_SIZE];
    server s;
    server_start(&s);
    CHECK(nw0_send_message_to(s.address, "seven..", 7, NULL, 0, LIMIT) == 7);
    CHECK(nw0_wait_for_reply_from(s.address, NULL, 0, LIMIT) == 7);
    CHECK(fetches(s.address, "seven..", 0));
    CHECK(nw0_send_message_to(s.address, "", 0, NULL, 0, LIMIT) == 0);
    CHECK(fetches(s.address, "", 0));
    CHECK(nw0_send_message_to(s.address, "left there", 10, NULL, 0, LIMIT) == 10);
    CHECK(asks(s.address, "next", "next"));
    memcpy(address, s.address, sizeof address);
    server_stop(&s);
    CHECK(nw0_wait_for_reply_from(address, NULL, 0, 0) == -1);
}

static void a_small_buffer_loses_no_message(void) {
    char address[NW0_ADDRESS_SIZE], room[7] = "......";
    new_address(address);
    listen_at(address);
    int fd = raw_ask(address, "hello");
    CHECK_FAILS(nw0_wait_for_message_from(address, room, 5, LIMIT, true),
                EMSGSIZE); /* no room for the NUL */
    CHECK_FAILS(nw0_wait_for_message_from(address, room, 1, LIMIT, true), EMSGSIZE);
    CHECK_FAILS(nw0_wait_for_message_from(address, room, 0, LIMIT, true), EMSGSIZE);
    CHECK(raw_silent(fd) && strcmp(room + 5, ".") == 0);
    CHECK(nw0_wait_for_message_from(address, room, 6, LIMIT, true) == 5);
    CHECK(strcmp(room, "hello") == 0);
    CHECK(raw_got(fd, "\0\0\0\0", 4));
    close(fd);
    nw0_close(address);
}

static void a_small_buffer_loses_no_answer(void) {
    char room[7] = "......";
    server s;
    server_start(&s);
    CHECK_FAILS(nw0_send_message_to(s.address, "hello", 5, room, 5, LIMIT), EMSGSIZE);
    CHECK_FAILS(nw0_wait_for_reply_from(s.address, room, 1, LIMIT), EMSGSIZE);
    CHECK_FAILS(nw0_wait_for_reply_from(s.address, room, 0, LIMIT), EMSGSIZE);
    CHECK(strcmp(room + 5, ".") == 0);
    CHECK(nw0_wait_for_reply_from(s.address, room, 6, LIMIT) == 5);
    CHECK(strcmp(room, "hello") == 0);
    server_stop(&s);
}

/* the first buffer holds less than the message: what has come of it must be kept elsewhere */
static void a_small_buffer_loses_no_large_message(void) {
    size_t size = 200000;
    unsigned char *message = malloc(size), *room = malloc(size + 1);
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    listen_at(address);
    fill(message, size);
    int fd = raw_connect(address);
    raw_put(fd, HELLO, 8);
    raw_put_frame(fd, message, size);
    CHECK_FAILS(nw0_wait_for_message_from(address, room, size, LIMIT, false), EMSGSIZE);
    memset(room, 0, size);
    CHECK_FAILS(nw0_wait_for_message_from(address, room, 1000, LIMIT, false), EMSGSIZE);
    memset(room, 0, size);
    CHECK(nw0_wait_for_message_from(address, room, size + 1, LIMIT, false) == (ssize_t)size);
    CHECK(memcmp(room, message, size) == 0);
    close(fd);
    nw0_close(address);
    free(message);
    free(room);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(every_size_arrives_whole);
    RUN(the_largest_fits_both_kinds_of_buffer);
    RUN(large_messages_arrive_at_every_offset);
    RUN(large_messages_may_begin_with_a_page);
    RUN(a_message_has_a_limit);
    RUN(an_answer_has_a_limit);
    RUN(the_size_of_a_message_can_be_asked);
    RUN(the_size_of_an_empty_message_can_be_asked);
    RUN(asking_for_the_size_waits_for_the_message);
    RUN(the_size_of_an_answer_can_be_asked);
    RUN(a_small_buffer_loses_no_message);
    RUN(a_small_buffer_loses_no_answer);
    RUN(a_small_buffer_loses_no_large_message);
    nw0_shutdown();
    return check_report("messages/sizes");
}
