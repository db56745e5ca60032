/* heap.c - how many bytes nw0.h allocates, and for what: all of it goes through here. Prints one
 * line for each: the heap of this process after the start, and what a connection, a service and a
 * subscriber add to it; the most that there was; and what remains at the end. */
#include <stddef.h>
#include <stdlib.h>

static long in_use, peak;

static void *counted_resize(void *old, size_t size) {
    size_t *block = old ? (size_t *)old - 2 : NULL, before = block ? *block : 0;
    block = realloc(block, size + 2 * sizeof *block); /* two, so that what follows stays aligned */
    if (!block) return NULL;
    *block = size;
    in_use += (long)size - (long)before;
    if (in_use > peak) peak = in_use;
    return block + 2;
}

static void counted_free(void *memory) {
    if (!memory) return;
    in_use -= (long)((size_t *)memory)[-2];
    free((size_t *)memory - 2);
}

#define NW0_MALLOC(size) counted_resize(NULL, size)
#define NW0_REALLOC(memory, size) counted_resize(memory, size)
#define NW0_FREE(memory) counted_free(memory)
#define NW0_IMPLEMENTATION
#include "nw0.h"

#define MANY 100

static nw0_service me;

static _Noreturn void fail(void) {
    fprintf(stderr, "%s\n", nw0_error());
    exit(1);
}

/* somebody who asks one question over its own connection, or subscribes, and stays */
static int caller(const char *words, size_t size) {
    struct sockaddr_in a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&a, 0, sizeof a);
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    a.sin_port = htons((unsigned short)atoi(strchr(me.address, ':') + 1));
    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) exit(1);
    if (send(fd, words, size, 0) != (ssize_t)size) exit(1);
    return fd;
}

static void ask_and_answer(void) {
    char message[10], reply[5];
    int fd = caller("\0\0\0\4nw0?\0\0\0\1x", 13);
    if (nw0_wait_for_message_from(me.address, message, sizeof message, 5, false) < 0) fail();
    if (nw0_send_reply_to(me.address, "y", 1) < 0) fail();
    if (recv(fd, reply, sizeof reply, MSG_WAITALL) != 5) exit(1);
}

static void start(void) {
    char message[10];
    if (nw0_advertise("heap", "127.0.0.1", &me) < 0) fail();
    nw0_wait_for_message_from(me.address, message, sizeof message, 0.1, false);
}

static void connections(void) {
    for (int i = 0; i < MANY; i++) ask_and_answer();
}

static void adverts(void) {
    char name[20];
    for (int i = 0; i < MANY; i++) {
        snprintf(name, sizeof name, "heap%d", i);
        if (nw0_advertise(name, "127.0.0.1:1", NULL) < 0) fail();
    }
}

static void subscribers(void) {
    if (nw0_send_news_to(me.address, "", "x", 1) < 0) fail();
    for (int i = 0; i < MANY; i++) caller("\0\0\0\4nw0!\0\0\0\0", 12);
    if (nw0_wait_for_subscribers(me.address, MANY, 5) < 0) fail();
}

static void print_added(const char *what, void (*add)(void), double count) {
    long before = in_use;
    add();
    printf("%s\t%.0f\n", what, (double)(in_use - before) / count);
}

int main(void) {
    print_added("start", start, 1);
    print_added("connection", connections, MANY);
    print_added("service", adverts, MANY);
    print_added("subscriber", subscribers, MANY);
    nw0_shutdown();
    printf("peak\t%ld\nleft\t%ld\n", peak, in_use);
    return 0;
}
