/* talk_zmq.c - libzmq: REQ and REP, PUB and SUB, without a high-water mark, so that no news is lost
 * as long as there is memory. */
#include "talk.h"
#include <zmq.h>

const size_t talk_headroom = 0;
static void *context, *socket_;

static void open_socket(int kind) {
    int zero = 0;
    context = zmq_ctx_new();
    socket_ = zmq_socket(context, kind);
    if (!socket_) die("zmq_socket");
    zmq_setsockopt(socket_, ZMQ_LINGER, &zero, sizeof zero);
    zmq_setsockopt(socket_, ZMQ_SNDHWM, &zero, sizeof zero);
    zmq_setsockopt(socket_, ZMQ_RCVHWM, &zero, sizeof zero);
}

static void bind_to(int kind, char address[ADDRESS_SIZE]) {
    size_t size = ADDRESS_SIZE;
    open_socket(kind);
    if (zmq_bind(socket_, "tcp://127.0.0.1:*") < 0 ||
        zmq_getsockopt(socket_, ZMQ_LAST_ENDPOINT, address, &size) < 0)
        die("zmq_bind");
}

static void connect_to(int kind, const char *address) {
    open_socket(kind);
    if (zmq_connect(socket_, address) < 0) die("zmq_connect");
}

static size_t receive(char *buffer, size_t room) {
    int n = zmq_recv(socket_, buffer, room, 0);
    if (n < 0) die("zmq_recv");
    return (size_t)n;
}

void answer_at(char address[ADDRESS_SIZE]) {
    bind_to(ZMQ_REP, address);
}

void answer_forever(char *buffer, size_t room, size_t reply_size, bool many) {
    (void)many;
    for (;;) {
        size_t size = receive(buffer, room);
        if (zmq_send(socket_, buffer, reply_size == ECHO ? size : reply_size, 0) < 0)
            die("zmq_send");
    }
}

void ask_at(const char *address) {
    connect_to(ZMQ_REQ, address);
}

size_t ask(char *message, size_t size, char *reply, size_t room) {
    if (zmq_send(socket_, message, size, 0) < 0) die("zmq_send");
    return receive(reply, room);
}

void publish_at(char address[ADDRESS_SIZE]) {
    int yes = 1;
    bind_to(ZMQ_XPUB, address); /* PUB, but it says who has subscribed */
    zmq_setsockopt(socket_, ZMQ_XPUB_VERBOSE, &yes, sizeof yes);
}

void wait_for_subscribers(int count) {
    char subscription[10];
    for (int i = 0; i < count; i++) receive(subscription, sizeof subscription);
}

void publish(const char *data, size_t size) {
    if (zmq_send(socket_, data, size, 0) < 0) die("zmq_send");
}

void subscribe_to(const char *address) {
    connect_to(ZMQ_SUB, address);
    zmq_setsockopt(socket_, ZMQ_SUBSCRIBE, "", 0);
}

char next_item(char *buffer, size_t room) {
    receive(buffer, room);
    return buffer[0];
}
