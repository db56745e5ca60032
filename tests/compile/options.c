/* options.c - what is set before the include does what it says. It is built with one option or
 * another, and runs, over loopback: what holds for every value of an option is tested with each. */
#include <stddef.h>

static void *counted_malloc(size_t size);
static void *counted_realloc(void *old, size_t size);
static void counted_free(void *old);

#define NW0_MALLOC counted_malloc
#define NW0_REALLOC counted_realloc
#define NW0_FREE counted_free
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "check.h"

#define LIMIT 20.0
#define HELLO "\0\0\0\4nw0?"

/* ---- memory, with its size in front ---- */

typedef union block {
    size_t size;
    max_align_t aligned;
} block;

static size_t held; /* by the library; bytes */

static void *counted_realloc(void *old, size_t size) {
    block *b = old == NULL ? NULL : (block *)old - 1;
    size_t before = b == NULL ? 0 : b->size;
    b = (block *)realloc(b, sizeof *b + size);
    if (b == NULL) return NULL;
    b->size = size;
    __atomic_add_fetch(&held, size - before, __ATOMIC_SEQ_CST);
    return b + 1;
}

static void *counted_malloc(size_t size) {
    return counted_realloc(NULL, size);
}

static void counted_free(void *old) {
    if (old == NULL) return;
    __atomic_sub_fetch(&held, ((block *)old - 1)->size, __ATOMIC_SEQ_CST);
    free((block *)old - 1);
}

static size_t held_now(void) {
    return __atomic_load_n(&held, __ATOMIC_SEQ_CST);
}

/* ---- discovery ---- */

static int discovery_port = NW0_PORT; /* unless that is everybody's, which others may use */
static char name[NW0_NAME_SIZE];      /* nobody else's */

static struct sockaddr_in socket_address(const char *ip, int port) {
    struct sockaddr_in sin;
    memset(&sin, 0, sizeof sin);
    sin.sin_family = AF_INET;
    sin.sin_addr.s_addr = inet_addr(ip);
    sin.sin_port = htons((uint16_t)port);
    return sin;
}

/* an ear of our own, which hears every advert that is broadcast on this machine */
static int ear_open(void) {
    struct sockaddr_in sin = socket_address("0.0.0.0", discovery_port);
    struct timeval limit = {(time_t)LIMIT, 0};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    CHECK(bind(fd, (struct sockaddr *)&sin, sizeof sin) == 0);
    return fd;
}

static void an_advert_goes_to_the_port_and_carries_the_ttl(void) {
    char text[512] = "", advert[512];
    nw0_service service;
    int ear = ear_open();
    ssize_t n = 0;
    CHECK(nw0_advertise(name, "127.0.0.1", &service) >= 0);
    snprintf(advert, sizeof advert, "[\"%s\",\"%s\",%g]", name, service.address,
             (double)NW0_ADVERT_TTL_S);
    while (n >= 0 && strstr(text, name) == NULL)
        if ((n = recv(ear, text, sizeof text - 1, 0)) >= 0) text[n] = 0;
    CHECK(strcmp(text, advert) == 0);
    if (strcmp(text, advert) != 0) printf("    heard %s, not %s\n", text, advert);
    close(ear);
    nw0_shutdown();
}

/* when the next advert for our name is heard */
static double heard_at(int ear) {
    char text[512] = "";
    ssize_t n;
    do {
        n = recv(ear, text, sizeof text - 1, 0);
        text[n < 0 ? 0 : n] = '\0';
    } while (n >= 0 && strstr(text, name) == NULL);
    CHECK(n >= 0);
    return check_now();
}

/* a busy machine makes some of the gaps longer, but never all of them shorter */
static void adverts_come_in_the_interval(void) {
    int ear = ear_open();
    CHECK(nw0_advertise(name, "127.0.0.1", NULL) >= 0);
    double first = heard_at(ear), last = first, least = LIMIT;
    for (int i = 0; i < 4; i++) {
        double now = heard_at(ear);
        if (now - last < least) least = now - last;
        last = now;
    }
    CHECK(least < 1.5 * NW0_ADVERT_INTERVAL_S && last - first > 2.0 * NW0_ADVERT_INTERVAL_S);
    if (check_faults) printf("    the shortest %.2f s, all %.2f s\n", least, last - first);
    close(ear);
    nw0_shutdown();
}

/* the smallest table has room for the only one there is. Said again, for it may come too early */
static void the_service_of_another_program_is_discovered(void) {
    struct sockaddr_in everybody = socket_address("127.255.255.255", discovery_port),
                       from = socket_address("127.0.0.1", 0);
    char advert[512];
    nw0_service service;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, found = -1;
    int size = snprintf(advert, sizeof advert, "[\"%s\",\"127.0.0.1:4321\",20]", name);
    setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    CHECK(bind(fd, (struct sockaddr *)&from, sizeof from) == 0);
    for (double end = check_now() + 5; found < 0 && check_now() < end;) {
        CHECK(sendto(fd, advert, (size_t)size, 0, (struct sockaddr *)&everybody,
                     sizeof everybody) == size);
        found = nw0_discover(name, 0.1, &service);
    }
    CHECK(found >= 0 && strcmp(service.address, "127.0.0.1:4321") == 0);
    close(fd);
    nw0_shutdown();
}

/* ---- messages ---- */

/* a client that sends one question after the other, without end, while the caller's buffer is much
 * larger than any of them: what is read beyond the first has to be kept */
static void a_client_that_pipelines_takes_little_memory(void) {
    enum { CLIENTS = 10, LARGE = 1 << 20, FEW = 8192 };
    static char room[LARGE], questions[LARGE] = HELLO "\0\0\0\1a"; /* and then empty ones */
    int fds[CLIENTS], port = check_port();
    struct sockaddr_in sin = socket_address("127.0.0.1", port);
    char address[NW0_ADDRESS_SIZE];
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    CHECK_FAILS(nw0_wait_for_message_from(address, room, LARGE, 0, false), ETIMEDOUT);
    size_t before = held_now(), most = before;
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK(connect(fds[i], (struct sockaddr *)&sin, sizeof sin) == 0);
        CHECK(send(fds[i], questions, LARGE, MSG_DONTWAIT | MSG_NOSIGNAL) > 10 * FEW);
    }
    for (int i = 0; i < 10 * CLIENTS; i++) {
        CHECK(nw0_wait_for_message_from(address, room, LARGE, LIMIT, true) >= 0);
        if (held_now() > most) most = held_now();
    }
    CHECK(most - before < CLIENTS * FEW);
    if (most - before >= CLIENTS * FEW)
        printf("    %lu bytes for each client\n", (unsigned long)(most - before) / CLIENTS);
    for (int i = 0; i < CLIENTS; i++) close(fds[i]);
    nw0_shutdown();
    CHECK(held_now() == 0);
}

int main(int argc, char **argv) {
    char port[8];
    if (NW0_PORT == 9999) discovery_port = 20000 + (int)(getpid() % 10000);
    snprintf(port, sizeof port, "%d", discovery_port);
    snprintf(name, sizeof name, "options/%ld", (long)getpid());
    setenv("NW0_NETWORK", "127.*", 1);
    if (NW0_PORT == 9999) setenv("NW0_PORT", port, 1);
    else unsetenv("NW0_PORT");
    check_begin(argc, argv);
    RUN(an_advert_goes_to_the_port_and_carries_the_ttl);
    RUN(the_service_of_another_program_is_discovered);
    if (NW0_ADVERT_INTERVAL_S < 2) RUN(adverts_come_in_the_interval);
    if (NW0_MAX_MESSAGE <= 1000) RUN(a_client_that_pipelines_takes_little_memory);
    return check_report("options");
}
