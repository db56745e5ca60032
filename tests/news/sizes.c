/* sizes.c - topics, items of every size, and buffers that are too small for them. */
#define NW0_NEWS_BUFFER 200000 /* some items are larger */
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "talk.h"

static void topics_have_rules(void) {
    char address[NW0_ADDRESS_SIZE], topic[NW0_NAME_SIZE + 1];
    new_address(address);
    subscribe_here(address, "", 1);
    memset(topic, 't', sizeof topic);
    topic[NW0_NAME_SIZE] = '\0';
    CHECK_FAILS(sends(address, topic, "x"), ENAMETOOLONG);
    topic[NW0_NAME_SIZE - 1] = '\0';
    CHECK(sends(address, topic, "long") == 1);
    CHECK(comes(address, "", topic, "long", LIMIT));
    CHECK_FAILS(sends(address, "\377", "x"), EINVAL);
    CHECK_FAILS(sends(address, "a\303", "x"), EINVAL);
    CHECK_FAILS(sends(address, "\355\240\200", "x"), EINVAL);
    CHECK_FAILS(sends(address, "\300\200", "x"), EINVAL);
    const char *const allowed[] = {"", "?", "?chat", "/", " ", "\303\244\342\202\254", "\n\1"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        CHECK(sends(address, allowed[i], "y") == 1);
        CHECK(comes(address, "", allowed[i], "y", LIMIT));
    }
    nothing_comes(address, "", 0);
    nw0_close(address);
}

/* news of that size goes out and comes back, with a NUL; nothing beyond the buffer is touched */
static int arrives(const char *address, const unsigned char *data, size_t size) {
    unsigned char *room = malloc(size + 65);
    char topic[NW0_NAME_SIZE] = "?";
    memset(room, 0xA5, size + 65);
    int count = nw0_send_news_to(address, "size", data, size);
    ssize_t n = nw0_wait_for_news_from(address, "", topic, room, size + 1, LIMIT);
    int right = count == 1 && n == (ssize_t)size && memcmp(room, data, size) == 0;
    right = right && room[size] == 0 && strcmp(topic, "size") == 0;
    for (size_t i = 1; i < 65; i++) right = right && room[size + i] == 0xA5;
    if (!right)
        printf("    size %zu: went to %d, gave %ld: %s\n", size, count, (long)n, nw0_error());
    free(room);
    return right;
}

static void every_size_arrives_whole(void) {
    unsigned char *data = malloc(MOST);
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "", 1);
    for (size_t power = 1; power <= MOST + 1; power *= 2)
        for (size_t size = power - 1; size <= power + 1 && size <= MOST; size++) {
            fill(data, size);
            CHECK(arrives(address, data, size));
        }
    nw0_close(address);
    free(data);
}

static void news_has_a_limit(void) {
    char address[NW0_ADDRESS_SIZE];
    char *huge = calloc(1, MOST + 1);
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK_FAILS(nw0_send_news_to(address, "a", huge, MOST + 1), EMSGSIZE);
    CHECK_FAILS(nw0_send_news_to(address, "a", NULL, 1), EINVAL);
    nothing_comes(address, "", BRIEF);
    CHECK(sends(address, "a", "less") == 1);
    CHECK(comes(address, "", "a", "less", LIMIT));
    nw0_close(address);
    free(huge);
}

static void the_size_can_be_asked(void) {
    char address[NW0_ADDRESS_SIZE], topic[NW0_NAME_SIZE] = "?";
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK(sends(address, "one", "twelve bytes") == 1 && sends(address, "two", "") == 1);
    CHECK(nw0_wait_for_news_from(address, NULL, topic, NULL, 0, LIMIT) == 12);
    CHECK(strcmp(topic, "one") == 0);
    CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, 0) == 12);
    CHECK(comes(address, "", "one", "twelve bytes", 0));
    CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == 0);
    CHECK(comes(address, "", "two", "", 0));
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, NULL, 0, 0), ETIMEDOUT);
    nw0_close(address);
}

static void a_small_buffer_loses_nothing(void) {
    char address[NW0_ADDRESS_SIZE], room[7] = "......";
    new_address(address);
    subscribe_here(address, "", 1);
    CHECK(sends(address, "a", "hello") == 1 && sends(address, "b", "next") == 1);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 5, LIMIT), EMSGSIZE);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 1, LIMIT), EMSGSIZE);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 0, LIMIT), EMSGSIZE);
    CHECK(strcmp(room + 5, ".") == 0);
    CHECK(nw0_wait_for_news_from(address, "", NULL, room, 6, 0) == 5);
    CHECK(strcmp(room, "hello") == 0);
    CHECK(comes(address, "", "b", "next", LIMIT));
    nw0_close(address);
}

/* the first buffer holds less than the item: what has come of it must be kept elsewhere */
static void a_small_buffer_loses_nothing_large(void) {
    size_t size = 200000;
    unsigned char *data = malloc(size), *room = malloc(size + 1);
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    subscribe_here(address, "", 1);
    fill(data, size);
    for (int i = 0; i < 3; i++) {
        CHECK(nw0_send_news_to(address, "large", data, size) == 1);
        CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, size, LIMIT), EMSGSIZE);
        memset(room, 0, size);
        CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 1000, LIMIT), EMSGSIZE);
        CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, 0) == (ssize_t)size);
        memset(room, 0, size);
        CHECK(nw0_wait_for_news_from(address, "", NULL, room, size + 1, 0) == (ssize_t)size);
        CHECK(memcmp(room, data, size) == 0);
        CHECK(sends(address, "small", "too") == 1 && comes(address, "", "small", "too", LIMIT));
    }
    nw0_close(address);
    free(data);
    free(room);
}

/* half of it comes while one waits with a large buffer, the rest while one asks for the size */
static void half_an_item_survives_a_change_of_buffers(void) {
    size_t size = 300000, cut = 123456;
    unsigned char *data = malloc(size), *room = malloc(size + 1);
    char address[NW0_ADDRESS_SIZE], *item = malloc(size + 20);
    int listener = raw_listen(address);
    fill(data, size);
    size_t used = encode_item(item, "large", data, size);
    nothing_comes(address, "", 0);
    int fd = raw_take_subscriber(listener, "");
    raw_put(fd, item, cut);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, size + 1, BRIEF), ETIMEDOUT);
    memset(room, 0, size);
    raw_put(fd, item + cut, used - cut - 1);
    CHECK_FAILS(nw0_wait_for_news_from(address, "", NULL, room, 10, BRIEF), ETIMEDOUT);
    raw_put(fd, item + used - 1, 1);
    CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, LIMIT) == (ssize_t)size);
    CHECK(nw0_wait_for_news_from(address, "", NULL, room, size + 1, 0) == (ssize_t)size);
    CHECK(memcmp(room, data, size) == 0);
    close(fd);
    close(listener);
    nw0_close(address);
    free(data);
    free(room);
    free(item);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(topics_have_rules);
    RUN(every_size_arrives_whole);
    RUN(news_has_a_limit);
    RUN(the_size_can_be_asked);
    RUN(a_small_buffer_loses_nothing);
    RUN(a_small_buffer_loses_nothing_large);
    RUN(half_an_item_survives_a_change_of_buffers);
    nw0_shutdown();
    return check_report("news/sizes");
}
