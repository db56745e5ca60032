/* tiny_network.c - a network of our own, in which the system gives every caller one of two ports. */
#include "nw0.h"

#include "child.h"
#include "talk.h"
#include <net/if.h>
#include <sys/syscall.h>

#define NOT_ALLOWED 77

static int in_a_tiny_network(void) {
    struct ifreq lo;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    memset(&lo, 0, sizeof lo);
    strcpy(lo.ifr_name, "lo");
    lo.ifr_flags = IFF_UP;
    if (syscall(SYS_unshare, 0x40000000) < 0 && syscall(SYS_unshare, 0x50000000) < 0)
        return NOT_ALLOWED;
    close(fd);
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (ioctl(fd, SIOCSIFFLAGS, &lo) < 0) return NOT_ALLOWED;
    close(fd);
    fd = open("/proc/sys/net/ipv4/ip_local_port_range", O_WRONLY);
    if (fd < 0 || write(fd, "50000 50001", 11) != 11) return NOT_ALLOWED;
    close(fd);
    return 0;
}

/* a port that the system could give to us as well, and where nobody listens: TCP connects a socket
 * to itself, if it tries often enough */
static int call_nobody(void) {
    char room[100];
    int result = in_a_tiny_network();
    if (result != 0) return result;
    for (int port = 50000; port <= 50001; port++) {
        char address[NW0_ADDRESS_SIZE];
        snprintf(address, sizeof address, "127.0.0.1:%d", port);
        CHECK_FAILS(nw0_send_message_to(address, "me?", 3, room, sizeof room, 0.5), ETIMEDOUT);
        CHECK(takes(address, "", 0) == 0 &&
              errno == ETIMEDOUT); /* the port is free for its server */
    }
    return check_faults;
}

static void nobody_talks_to_itself(void) {
    int status = child_wait(child_start("--alone", NULL));
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == NOT_ALLOWED) SKIP("no network namespaces here");
    CHECK(WEXITSTATUS(status) == 0);
}

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--alone")) return call_nobody();
    net_begin();
    check_begin(argc, argv);
    RUN(nobody_talks_to_itself);
    return check_report("linux/tiny_network");
}
