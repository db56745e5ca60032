/* allocator_main.c - counts what allocator.c takes and gives back, from several threads. */
#include "nw0.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int held, taken;

void *mine_malloc(size_t size);
void *mine_realloc(void *old, size_t size);
void mine_free(void *old);

static void count(int change) {
    pthread_mutex_lock(&lock);
    held += change;
    taken += change > 0;
    pthread_mutex_unlock(&lock);
}

void *mine_malloc(size_t size) {
    count(1);
    return malloc(size ? size : 1);
}

void *mine_realloc(void *old, size_t size) {
    if (old == NULL) count(1);
    return realloc(old, size ? size : 1);
}

void mine_free(void *old) {
    if (old != NULL) count(-1);
    free(old);
}

static void *ask(void *address) {
    static char message[200000], reply[200001];
    memset(message, 'x', sizeof message);
    ssize_t size = nw0_send_message_to((const char *)address, message, sizeof message, reply,
                                       sizeof reply, 10);
    return size == (ssize_t)sizeof message ? address : NULL;
}

int main(void) {
    static char buffer[200001];
    nw0_service me;
    pthread_t asker;
    void *fine = NULL;
    if (nw0_advertise("allocator", "127.0.0.1", &me) < 0) return printf("%s\n", nw0_error()), 1;
    pthread_create(&asker, NULL, ask, me.address);
    ssize_t size = nw0_wait_for_message_from(me.address, buffer, sizeof buffer, 10, false);
    if (size < 0 || nw0_send_reply_to(me.address, buffer, (size_t)size) < 0)
        printf("%s\n", nw0_error());
    pthread_join(asker, &fine);
    nw0_shutdown();
    if (fine == NULL) return printf("the answer did not come\n"), 1;
    if (held != 0) return printf("%d of %d blocks were not given back\n", held, taken), 1;
    return 0;
}
