/* lost.c - whoever is being sent something is looked at: whether its machine is still there. How the
 * kernel tells that is Linux's (TCP_INFO), so the looks can be counted; what a machine that is gone
 * leads to is shown between hosts. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static int looks;

static int counted_getsockopt(int fd, int level, int name, void *value, socklen_t *size) {
    if (level == IPPROTO_TCP && name == TCP_INFO) __atomic_add_fetch(&looks, 1, __ATOMIC_SEQ_CST);
    return getsockopt(fd, level, name, value, size);
}

#define getsockopt counted_getsockopt
#define NW0_IMPLEMENTATION
#include "nw0.h"
#undef getsockopt

#include "talk.h"

static int looks_now(void) {
    return __atomic_load_n(&looks, __ATOMIC_SEQ_CST);
}

/* a program that advertises nothing has nothing else that would wake its thread now and then */
static void who_reads_slowly_is_looked_at_each_time(void) {
    char address[NW0_ADDRESS_SIZE], *answer = calloc(1, MOST), *copy = malloc(4 + MOST);
    new_address(address);
    listen_at(address);
    for (int i = 0; i < 3; i++) {
        int fd = raw_ask(address, "much"), before = looks_now();
        CHECK(takes(address, "much", LIMIT));
        CHECK(nw0_send_reply_to(address, answer, MOST) == 0);
        double limit = check_now() + LIMIT;
        while (looks_now() == before && check_now() < limit) usleep(1000);
        CHECK(looks_now() > before);
        CHECK(raw_get(fd, copy, 4 + MOST) == 4 + MOST);
        close(fd);
    }
    nw0_close(address);
    free(answer);
    free(copy);
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(who_reads_slowly_is_looked_at_each_time);
    nw0_shutdown();
    return check_report("linux/lost");
}
