/* loop.c - a loop of one's own: nw0_news_fd(), and nw0_fd() where news is published. */
#include "nw0.h"

#include "news.h"
#include <sys/select.h>

static int is_readable(int fd, double wait_s) {
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, (int)(wait_s * 1000)) == 1 && (p.revents & POLLIN);
}

/* the same by select(), and by epoll where there is one */
static int is_readable_three_ways(int fd) {
    fd_set set;
    struct timeval none = {0, 0};
    int readable = is_readable(fd, 0);
    FD_ZERO(&set);
    FD_SET(fd, &set);
    CHECK(select(fd + 1, &set, NULL, NULL, &none) == readable);
    if (PORT_HAS_EPOLL) CHECK(port_epoll(fd) == readable);
    return readable;
}

/* nothing is there, and nothing is worth a call */
static int is_quiet(int fd) {
    return !is_readable(fd, BRIEF) && !is_readable_three_ways(fd);
}

/* one with 0 seconds is worth calling, but may find nothing */
static void look_for_news(const char *address, int fd) {
    CHECK(is_readable(fd, LIMIT));
    nothing_comes(address, "", 0);
}

/* a test of these descriptors is skipped where the library has none */
static int has_no_epoll(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    int fd = nw0_fd(address), failure = errno;
    if (fd < 0) {
        CHECK(failure == ENOTSUP);
        CHECK_FAILS(nw0_news_fd(address, ""), ENOTSUP);
        check_skip("no epoll");
    }
    nw0_close(address);
    return fd < 0;
}

static void nw0_news_fd_is_readable_when_a_wait_is_worth_calling(void) {
    char address[NW0_ADDRESS_SIZE];
    if (has_no_epoll()) return;
    new_address(address);
    publish_at(address);
    int fd = nw0_news_fd(address, ""); /* subscribes by itself */
    CHECK(fd >= 0);
    CHECK(has_subscribers(address, 1));
    CHECK(nw0_news_fd(address, NULL) == fd && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(nw0_news_fd(address, "other") != fd);
    CHECK(is_quiet(fd));
    for (int i = 0; i < 20; i++) {
        CHECK(sends(address, "a", "b") == 1);
        CHECK(is_readable(fd, LIMIT) && is_readable_three_ways(fd));
        CHECK(comes(address, "", "a", "b", 0));
        CHECK(!is_readable_three_ways(fd));
    }
    CHECK(is_quiet(fd));
    nw0_close(address);
}

/* what was read in one gulp keeps it readable until all is taken */
static void nw0_news_fd_stays_readable_while_there_is_more(void) {
    char address[NW0_ADDRESS_SIZE], stream[8000], text[20];
    size_t used = 0;
    if (has_no_epoll()) return;
    int listener = raw_listen(address), fd = nw0_news_fd(address, "");
    CHECK(fd >= 0);
    int raw = raw_take_subscriber(listener, "");
    for (int i = 0; i < 300; i++) {
        snprintf(text, sizeof text, "%d", i);
        used += encode_item(stream + used, "n", text, strlen(text));
    }
    for (int round = 0; round < 3; round++) {
        raw_put(raw, stream, used);
        raw_delivered(raw);
        for (int i = 0; i < 300; i++) {
            snprintf(text, sizeof text, "%d", i);
            CHECK(is_readable(fd, 0));
            if (round == 1) CHECK(nw0_wait_for_news_from(address, "", NULL, NULL, 0, 0) >= 0);
            if (round == 1) CHECK(is_readable(fd, 0));
            if (round == 2) CHECK(nw0_wait_for_news_from(address, "", NULL, text, 1, 0) == -1);
            if (round == 2) CHECK(is_readable(fd, 0));
            CHECK(comes(address, "", "n", text, 0));
        }
        CHECK(is_quiet(fd));
    }
    raw_put(raw, stream, used - 1); /* the last one is not whole */
    raw_delivered(raw);
    for (int i = 0; i < 299; i++) {
        snprintf(text, sizeof text, "%d", i);
        CHECK(is_readable(fd, 0));
        CHECK(comes(address, "", "n", text, 0));
    }
    if (is_readable(fd, 0)) nothing_comes(address, "", 0);
    CHECK(is_quiet(fd));
    raw_put(raw, stream + used - 1, 1);
    CHECK(is_readable(fd, LIMIT) && comes(address, "", "n", "299", 0));
    CHECK(is_quiet(fd));
    close(raw);
    close(listener);
    nw0_close(address);
}

static void nw0_news_fd_brings_a_publisher_back(void) {
    char address[NW0_ADDRESS_SIZE];
    if (has_no_epoll()) return;
    int listener = raw_listen(address), fd = nw0_news_fd(address, "");
    CHECK(fd >= 0);
    for (int i = 0; i < 3; i++) {
        int raw = raw_take_subscriber(listener, "");
        CHECK(is_quiet(fd));
        raw_put_item(raw, "a", "b");
        CHECK(is_readable(fd, LIMIT) && comes(address, "", "a", "b", 0));
        CHECK(is_quiet(fd));
        close(raw);
        look_for_news(address, fd);
        CHECK(is_readable(listener, LIMIT)); /* it calls again without another wait */
    }
    close(listener);
    nw0_close(address);
}

static void nw0_fd_is_readable_when_a_wait_is_worth_calling(void) {
    char address[NW0_ADDRESS_SIZE];
    if (has_no_epoll()) return;
    for (int publishing = 0; publishing < 2; publishing++) {
        new_address(address);
        int fd = nw0_fd(address); /* listens by itself */
        CHECK(fd >= 0 && nw0_fd(address) == fd && fcntl(fd, F_GETFD) == FD_CLOEXEC);
        if (publishing) publish_at(address);
        CHECK(is_quiet(fd));
        for (int i = 0; i < 3; i++) {
            const char *question = i == 1 ? "" : "hello";
            int raw = raw_connect(address);
            raw_put(raw, HELLO, 8);
            raw_put_frame(raw, question, strlen(question));
            CHECK(is_readable(fd, LIMIT));
            double limit = check_now() + LIMIT; /* its bytes may come one by one */
            while (nw0_wait_for_message_from(address, NULL, 0, 0, false) < 0 && check_now() < limit)
                CHECK(is_readable(fd, LIMIT));
            CHECK(is_readable(fd, 0)); /* asking for the size takes nothing */
            CHECK(takes(address, question, 0));
            CHECK(is_quiet(fd));
            CHECK(nw0_send_reply_to(address, "hi", 2) >= 0);
            CHECK(raw_got(raw, "\0\0\0\2hi", 6));
            raw_put(raw, "\0\0\0\1x\0\0\0\1y", 10); /* two at once */
            raw_delivered(raw);
            CHECK(is_readable(fd, LIMIT) && takes(address, "x", 0));
            CHECK(nw0_send_reply_to(address, "", 0) >= 0);
            CHECK(is_readable(fd, 0) && takes(address, "y", 0));
            CHECK(nw0_send_reply_to(address, "", 0) >= 0);
            CHECK(is_quiet(fd));
            raw_put(raw, "\0\0\0\4ha", 6);
            CHECK(is_readable(fd, LIMIT)); /* half a message may be worth a call, but only one */
            CHECK_FAILS(nw0_wait_for_message_from(address, NULL, 0, 0, false), ETIMEDOUT);
            CHECK(is_quiet(fd));
            raw_put(raw, "lf", 2);
            CHECK(is_readable(fd, LIMIT) && takes(address, "half", 0));
            close(raw);
            listen_at(address); /* hangs up */
            CHECK(is_quiet(fd));
        }
        nw0_close(address);
    }
}

/* subscribers are not messages */
static void nw0_fd_is_quiet_when_subscribers_come(void) {
    char address[NW0_ADDRESS_SIZE];
    if (has_no_epoll()) return;
    new_address(address);
    publish_at(address);
    int fd = nw0_fd(address), raw = raw_subscribe(address, "a");
    CHECK(has_subscribers(address, 1));
    CHECK(is_quiet(fd));
    CHECK(sends(address, "a", "b") == 1);
    CHECK(is_quiet(fd));
    raw_put_frame(raw, "b", 1);
    CHECK(is_wanted_by(address, "b", 1));
    CHECK(nw0_fd(address) == fd && is_quiet(fd));
    close(raw);
    nw0_close(address);
}

static void *wait_for_two(void *address) {
    return nw0_wait_for_subscribers(address, 2, LIMIT) == 2 ? address : NULL;
}

/* another thread that waits for subscribers takes nothing away */
static void nw0_fd_shows_messages_while_subscribers_are_awaited(void) {
    char address[NW0_ADDRESS_SIZE];
    if (has_no_epoll()) return;
    new_address(address);
    publish_at(address);
    int fd = nw0_fd(address), caller = raw_connect(address);
    raw_put(caller, HELLO "\0\0\0\0", 12);
    raw_delivered(caller);
    CHECK(is_readable(fd, LIMIT));
    CHECK_FAILS(nw0_wait_for_subscribers(address, 1, BRIEF), ETIMEDOUT);
    CHECK(is_readable(fd, 0));
    pthread_t thread = start(wait_for_two, address);
    int one = raw_subscribe(address, "");
    CHECK(has_subscribers(address, 1));
    for (double limit = check_now() + BRIEF; check_now() < limit;) usleep(1000);
    CHECK(is_readable(fd, 0));
    CHECK(answers(address, "", "yes"));
    int two = raw_subscribe(address, "");
    CHECK(finish(thread) != NULL);
    close(one);
    close(two);
    close(caller);
    nw0_close(address);
}

/* stdin, messages and news in one loop */
static void one_loop_hears_everything(void) {
    char address[NW0_ADDRESS_SIZE], station[NW0_ADDRESS_SIZE], key;
    int keyboard[2], keys = 0, messages = 0, items = 0;
    if (has_no_epoll()) return;
    new_address(address);
    new_address(station);
    CHECK(pipe(keyboard) == 0);
    struct pollfd p[3] = {{keyboard[0], POLLIN, 0}, {nw0_fd(address), POLLIN, 0}, {-1, POLLIN, 0}};
    publish_at(station);
    p[2].fd = nw0_news_fd(station, "");
    CHECK(has_subscribers(station, 1));
    int caller = raw_connect(address);
    raw_put(caller, HELLO, 8);
    for (int i = 0; i < 50; i++) {
        CHECK(write(keyboard[1], "k", 1) == 1);
        CHECK(sends(station, "n", "?") == 1);
        raw_put(caller, "\0\0\0\1?", 5);
    }
    double limit = check_now() + LIMIT;
    while ((keys < 50 || messages < 50 || items < 50) && check_now() < limit) {
        CHECK(poll(p, 3, (int)(LIMIT * 1000)) > 0);
        if (p[0].revents) keys += read(keyboard[0], &key, 1) == 1;
        if (p[1].revents && takes(address, "?", 0))
            messages += nw0_send_reply_to(address, "!", 1) >= 0;
        if (p[2].revents)
            items += nw0_wait_for_news_from(station, "", NULL, &key, 1, 0) == -1 &&
                     errno == EMSGSIZE && comes(station, "", "n", "?", 0);
    }
    CHECK(keys == 50 && messages == 50 && items == 50);
    CHECK(poll(p, 3, (int)(BRIEF * 1000)) == 0);
    close(caller);
    close(keyboard[0]);
    close(keyboard[1]);
    nw0_close(address);
    nw0_close(station);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(nw0_news_fd_is_readable_when_a_wait_is_worth_calling);
    RUN(nw0_news_fd_stays_readable_while_there_is_more);
    RUN(nw0_news_fd_brings_a_publisher_back);
    RUN(nw0_fd_is_readable_when_a_wait_is_worth_calling);
    RUN(nw0_fd_is_quiet_when_subscribers_come);
    RUN(nw0_fd_shows_messages_while_subscribers_are_awaited);
    RUN(one_loop_hears_everything);
    nw0_shutdown();
    return check_report("news/loop");
}
