/* talk_bare.c - plain sockets that move the same frames as nw0.h: what there is to be compared
 * with. No limits of time, no names, no checks; one program, one purpose. */
#include "talk.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LENGTH 4 /* a frame: its length, then as many bytes */
#define QUESTIONS "\0\0\0\4nw0?"
#define INTRODUCTION 8 /* the first frame of one who asks */

const size_t talk_headroom = LENGTH;

static void put_length(char *at, size_t size) {
    uint32_t length = htonl((uint32_t)size);
    memcpy(at, &length, LENGTH);
}

static size_t get_length(const char *at) {
    uint32_t length;
    memcpy(&length, at, LENGTH);
    return ntohl(length);
}

/* ---- sockets ---- */

static int listener;

static void listen_at(char address[ADDRESS_SIZE]) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof a;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&a, sizeof a) < 0 || listen(listener, SOMAXCONN) < 0 ||
        getsockname(listener, (struct sockaddr *)&a, &length) < 0)
        die("listen");
    snprintf(address, ADDRESS_SIZE, "127.0.0.1:%d", ntohs(a.sin_port));
}

static void send_at_once(int fd) {
    int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static int call(const char *address) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    a.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) die("connect");
    send_at_once(fd);
    return fd;
}

static void send_all(int fd, const char *bytes, size_t size) {
    for (size_t done = 0; done < size;) {
        ssize_t n = send(fd, bytes + done, size - done, MSG_NOSIGNAL);
        if (n < 0) die("send");
        done += (size_t)n;
    }
}

/* Receives one frame, length and all; of the next one nothing can have come. False: the end. */
static bool receive_frame(int fd, char *frame, size_t room) {
    size_t got = 0, size = LENGTH;
    while (got < size) {
        ssize_t n = recv(fd, frame + got, room - got, 0);
        if (n <= 0) return false;
        got += (size_t)n;
        if (got >= LENGTH) size = LENGTH + get_length(frame);
    }
    return true;
}

/* ---- questions and answers ---- */

void answer_at(char address[ADDRESS_SIZE]) {
    listen_at(address);
}

static size_t make_reply(char *frame, size_t reply_size) {
    if (reply_size != ECHO) put_length(frame, reply_size);
    return LENGTH + get_length(frame);
}

/* one connection after the other, with calls that wait */
static void answer_one(char *buffer, size_t room, size_t reply_size) {
    char introduction[INTRODUCTION];
    int fd = accept(listener, NULL, NULL);
    send_at_once(fd);
    if (recv(fd, introduction, sizeof introduction, MSG_WAITALL) == INTRODUCTION)
        while (receive_frame(fd, buffer, room))
            send_all(fd, buffer, make_reply(buffer, reply_size));
    close(fd);
}

/* Of a caller in the epoll server: its introduction is read with what follows. It keeps nothing
 * between two calls, because a small message comes in one piece; one that does not is the end. */
static bool answer_ready(int fd, char *buffer, size_t room) {
    ssize_t n = recv(fd, buffer, room, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return true;
    if (n >= INTRODUCTION && memcmp(buffer, QUESTIONS, INTRODUCTION) == 0) {
        n -= INTRODUCTION;
        if (n == 0) return true;
        memmove(buffer, buffer + INTRODUCTION, (size_t)n);
    }
    if (n < LENGTH || (size_t)n != LENGTH + get_length(buffer)) return false;
    return send(fd, buffer, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == n;
}

static void watch(int set, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void accept_caller(int set) {
    int fd = accept(listener, NULL, NULL);
    if (fd < 0) die("accept");
    send_at_once(fd);
    watch(set, fd);
}

static _Noreturn void answer_many(char *buffer, size_t room) {
    struct epoll_event events[64];
    int set = epoll_create1(0);
    watch(set, listener);
    for (;;) {
        int n = epoll_wait(set, events, 64, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_caller(set);
            else if (!answer_ready(fd, buffer, room)) close(fd);
        }
    }
}

void answer_forever(char *buffer, size_t room, size_t reply_size, bool many) {
    if (many) answer_many(buffer, room);
    for (;;) answer_one(buffer, room, reply_size);
}

static int server;

void ask_at(const char *address) {
    server = call(address);
    send_all(server, QUESTIONS, INTRODUCTION);
}

size_t ask(char *message, size_t size, char *reply, size_t room) {
    put_length(message - LENGTH, size);
    send_all(server, message - LENGTH, LENGTH + size);
    if (!receive_frame(server, reply, room)) die("recv");
    return get_length(reply);
}

/* ---- news: one send for each item and subscriber, which waits for the slow ones ---- */

static int subscribers[1000], subscriber_count;

void publish_at(char address[ADDRESS_SIZE]) {
    listen_at(address);
}

void wait_for_subscribers(int count) {
    for (; subscriber_count < count; subscriber_count++) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) die("accept");
        send_at_once(fd);
        subscribers[subscriber_count] = fd;
    }
}

void publish(const char *data, size_t size) {
    char head[LENGTH + 1 + LENGTH] = "\0\0\0\1n";
    put_length(head + LENGTH + 1, size);
    for (int i = 0; i < subscriber_count; i++) {
        struct iovec parts[2] = {{head, sizeof head}, {(char *)data, size}};
        ssize_t n = writev(subscribers[i], parts, 2); /* waits until all of it is taken */
        if (n != (ssize_t)(sizeof head + size)) die("writev");
    }
}

/* What a subscriber has read: as much as there was, so that many small items need one call. */
static char news[1 << 20];
static size_t news_done, news_got;

void subscribe_to(const char *address) {
    server = call(address);
}

static void have(size_t size) {
    if (news_got - news_done >= size) return;
    memmove(news, news + news_done, news_got - news_done);
    news_got -= news_done;
    news_done = 0;
    while (news_got < size) {
        ssize_t n = recv(server, news + news_got, sizeof news - news_got, 0);
        if (n <= 0) die("recv");
        news_got += (size_t)n;
    }
}

char next_item(char *buffer, size_t room) {
    size_t head = LENGTH + 1 + LENGTH, size;
    have(head);
    size = get_length(news + news_done + LENGTH + 1);
    if (size > room) errno = EMSGSIZE, die("news");
    have(head + size);
    memcpy(buffer, news + news_done + head, size);
    news_done += head + size;
    return buffer[0];
}
