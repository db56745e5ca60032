/* sockets.c - each call that makes, opens or uses a socket fails. */
#define NW0_IMPLEMENTATION
#include "faults.h"

static void nothing_fails(void) {
    fault f = {"none", EIO, 1, 1, 0};
    CHECK(!survives(f, LIMIT));
    CHECK(went_well);
}

static void socket_may_fail(void) {
    survives_all("socket", EMFILE);
    survives_all("socket", ENOBUFS);
}

static void bind_may_fail(void) {
    survives_all("bind", EADDRINUSE);
}

static void listen_may_fail(void) {
    survives_all("listen", EADDRINUSE);
}

static void accept_may_fail(void) {
    survives_all("accept", ECONNABORTED);
    survives_all("accept", EMFILE);
    survives_all("accept", EINTR);
}

static void connect_may_fail(void) {
    survives_all("connect", ENETUNREACH);
    survives_all("connect", ECONNREFUSED);
    survives_all("connect", EINTR);
}

static void sendmsg_may_fail(void) {
    survives_all("sendmsg", EAGAIN);
    survives_all("sendmsg", EINTR);
    survives_all("sendmsg", ENOBUFS);
    survives_all("sendmsg", EPIPE);
}

static void recvmsg_may_fail(void) {
    survives_all("recvmsg", EAGAIN);
    survives_all("recvmsg", EINTR);
    survives_all("recvmsg", ECONNRESET);
}

static void sendto_may_fail(void) {
    look_s = 0.02;
    survives_all("sendto", ENETUNREACH);
    survives_all("sendto", ENETDOWN);
    survives_all("sendto", ENOBUFS);
    survives_all("sendto", EPERM);
    look_s = 0;
}

static void recvfrom_may_fail(void) {
    look_s = 0.02;
    survives_all("recvfrom", EINTR);
    survives_all("recvfrom", ECONNREFUSED);
    look_s = 0;
}

static void socketpair_may_fail(void) {
    survives_all("socketpair", EMFILE);
}

static void setsockopt_may_fail(void) {
    survives_all("setsockopt", ENOBUFS);
}

static void getsockname_may_fail(void) {
    survives_all("getsockname", ENOBUFS);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(nothing_fails);
    RUN(socket_may_fail);
    RUN(bind_may_fail);
    RUN(listen_may_fail);
    RUN(accept_may_fail);
    RUN(connect_may_fail);
    RUN(sendmsg_may_fail);
    RUN(recvmsg_may_fail);
    RUN(sendto_may_fail);
    RUN(recvfrom_may_fail);
    RUN(socketpair_may_fail);
    RUN(setsockopt_may_fail);
    RUN(getsockname_may_fail);
    nw0_shutdown();
    return check_report("faults/sockets");
}
