/* talk_nng.c - nng: REQ and REP, PUB and SUB, with the longest queues that it allows. */
#include "talk.h"
#include <errno.h>
#include <nng/nng.h>
#include <nng/protocol/pubsub0/pub.h>
#include <nng/protocol/pubsub0/sub.h>
#include <nng/protocol/reqrep0/rep.h>
#include <nng/protocol/reqrep0/req.h>
#include <string.h>
#include <unistd.h>

#define QUEUE 8192

const size_t talk_headroom = 0;
static nng_socket socket_;

static void check(int result, const char *what) {
    if (result == 0) return;
    fprintf(stderr, "%s: %s\n", what, nng_strerror(result));
    exit(1);
}

static void listen_at(char address[ADDRESS_SIZE]) {
    nng_listener listener;
    int port;
    check(nng_listener_create(&listener, socket_, "tcp://127.0.0.1:0"), "nng_listener_create");
    check(nng_listener_start(listener, 0), "nng_listener_start");
    check(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port), "the port");
    snprintf(address, ADDRESS_SIZE, "tcp://127.0.0.1:%d", port);
}

static size_t receive(char *buffer, size_t room) {
    size_t size = room;
    check(nng_recv(socket_, buffer, &size, 0), "nng_recv");
    return size;
}

void answer_at(char address[ADDRESS_SIZE]) {
    check(nng_rep0_open(&socket_), "nng_rep0_open");
    check(nng_socket_set_size(socket_, NNG_OPT_RECVMAXSZ, 0), "no limit");
    listen_at(address);
}

void answer_forever(char *buffer, size_t room, size_t reply_size, bool many) {
    (void)many;
    for (;;) {
        size_t size = receive(buffer, room);
        check(nng_send(socket_, buffer, reply_size == ECHO ? size : reply_size, 0), "nng_send");
    }
}

void ask_at(const char *address) {
    check(nng_req0_open(&socket_), "nng_req0_open");
    check(nng_socket_set_size(socket_, NNG_OPT_RECVMAXSZ, 0), "no limit");
    check(nng_dial(socket_, address, NULL, 0), "nng_dial");
}

size_t ask(char *message, size_t size, char *reply, size_t room) {
    check(nng_send(socket_, message, size, 0), "nng_send");
    return receive(reply, room);
}

static volatile int subscriber_count; /* nng's own threads count them */

static void one_more(nng_pipe pipe, nng_pipe_ev event, void *unused) {
    (void)pipe, (void)event, (void)unused;
    __atomic_add_fetch(&subscriber_count, 1, __ATOMIC_SEQ_CST);
}

void publish_at(char address[ADDRESS_SIZE]) {
    check(nng_pub0_open(&socket_), "nng_pub0_open");
    check(nng_socket_set_int(socket_, NNG_OPT_SENDBUF, QUEUE), "the queue");
    check(nng_pipe_notify(socket_, NNG_PIPE_EV_ADD_POST, one_more, NULL), "nng_pipe_notify");
    listen_at(address);
}

void wait_for_subscribers(int count) {
    while (__atomic_load_n(&subscriber_count, __ATOMIC_SEQ_CST) < count) usleep(1000);
}

void publish(const char *data, size_t size) {
    check(nng_send(socket_, (char *)data, size, 0), "nng_send");
}

void subscribe_to(const char *address) {
    check(nng_sub0_open(&socket_), "nng_sub0_open");
    check(nng_socket_set_int(socket_, NNG_OPT_RECVBUF, QUEUE), "the queue");
    check(nng_socket_set(socket_, NNG_OPT_SUB_SUBSCRIBE, "", 0), "subscribe");
    check(nng_socket_set_size(socket_, NNG_OPT_RECVMAXSZ, 0), "no limit");
    check(nng_dial(socket_, address, NULL, 0), "nng_dial");
}

char next_item(char *buffer, size_t room) {
    receive(buffer, room);
    return buffer[0];
}
