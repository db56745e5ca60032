/* faults.h - what the tests of faults share: the hooks, and a use of everything while there is a
 * fault. Over loopback.
 *
 * NW0_FAULT is asked before each system call of the library, NW0_SHORT how much a transfer may move
 * at most. This header brings nw0.h, which is built with both: it comes first, and after
 * NW0_IMPLEMENTATION.
 */
#ifndef TESTS_FAULTS_H
#define TESTS_FAULTS_H
#include "memory.h"

static int my_fault(const char *name);
static size_t my_short(const char *name, size_t size);

#define NW0_FAULT(name) my_fault(#name)
#define NW0_SHORT(name, size) my_short(#name, size)
#define NW0_ADVERT_INTERVAL_S 0.25 /* so that what a round repairs is repaired soon */
#define NW0_MAX_MESSAGE 1000000
#include "nw0.h"

#include "talk.h"

#define LARGE 100000

/* ---- the hooks ---- */

typedef struct fault {
    const char *name; /* of the call */
    int error;
    long first, last; /* of the calls of that name, counted from 1, which fail */
    long every;       /* if not 0: each that this divides, instead */
} fault;

static fault now_fault, next_fault; /* the second is armed when the first has hit */
static long fault_calls, fault_hits, piece;
static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;

static int my_fault(const char *name) {
    int error = 0;
    pthread_mutex_lock(&fault_lock);
    if (now_fault.error != 0 && strcmp(name, now_fault.name) == 0) {
        long n = ++fault_calls;
        if (now_fault.every ? n % now_fault.every == 0
                            : n >= now_fault.first && n <= now_fault.last) {
            error = now_fault.error;
            fault_hits++;
            if (next_fault.error != 0) {
                now_fault = next_fault;
                next_fault.error = 0;
                fault_calls = 0;
            }
        }
    }
    pthread_mutex_unlock(&fault_lock);
    if (error != 0) errno = error;
    return error != 0;
}

static size_t my_short(const char *name, size_t size) {
    size_t most = (size_t)__atomic_load_n(&piece, __ATOMIC_SEQ_CST);
    (void)name;
    return most != 0 && size > most ? most : size;
}

static inline void arm_both(fault f, fault after_it) {
    pthread_mutex_lock(&fault_lock);
    now_fault = f;
    next_fault = after_it;
    fault_calls = fault_hits = 0;
    pthread_mutex_unlock(&fault_lock);
}

static inline void arm(fault f) {
    fault none = {"none", 0, 0, 0, 0};
    arm_both(f, none);
}

/* how often it has hit */
static inline long disarm(void) {
    pthread_mutex_lock(&fault_lock);
    long hits = fault_hits;
    now_fault.error = next_fault.error = 0;
    pthread_mutex_unlock(&fault_lock);
    return hits;
}

static inline long calls_so_far(void) {
    pthread_mutex_lock(&fault_lock);
    long calls = fault_calls;
    pthread_mutex_unlock(&fault_lock);
    return calls;
}

/* at most so many bytes in one transfer from here on; 0: as many as there are */
static inline void move_at_most(long most) {
    __atomic_store_n(&piece, most, __ATOMIC_SEQ_CST);
}

/* ---- what is allowed ---- */

/* before a call: no errno, and a sentence that is not about it */
static inline void forget_errors(void) {
    (void)nw0_address("127.0.0.1:stale", NULL);
    errno = 0;
}

/* success, or -1 with a cause and a sentence about it: nothing else is allowed, whatever failed */
static inline int allowed(ssize_t result, int error) {
    const char *sentence = nw0_error();
    return result >= 0 || (result == -1 && error != 0 && strlen(sentence) >= 20 &&
                           strstr(sentence, "stale") == NULL);
}

/* ---- a server, and its clients ---- */

static int served_wrongly; /* by the server thread */

/* answers every message with itself, and goes on whatever fails, until the message is "stop" */
static inline void *serve(void *address) {
    char *room = malloc(LARGE + 1);
    for (int stop = 0; !stop;) {
        forget_errors();
        ssize_t n = nw0_wait_for_message_from(address, room, LARGE + 1, NW0_FOREVER, false);
        if (!allowed(n, errno)) __atomic_add_fetch(&served_wrongly, 1, __ATOMIC_SEQ_CST);
        if (n < 0) {
            usleep(5000);
            continue;
        }
        stop = strcmp(room, "stop") == 0;
        forget_errors();
        int replied = nw0_send_reply_to(address, room, (size_t)n);
        if (!allowed(replied, errno)) __atomic_add_fetch(&served_wrongly, 1, __ATOMIC_SEQ_CST);
    }
    free(room);
    return NULL;
}

/* an answer is the whole question, or there is none */
static inline int asked(const char *address, const char *question, size_t size, double wait_s) {
    static char reply[LARGE + 1];
    forget_errors();
    ssize_t n = nw0_send_message_to(address, question, size, reply, sizeof reply, wait_s);
    CHECK(allowed(n, errno));
    CHECK(n < 0 || (n == (ssize_t)size && memcmp(reply, question, size) == 0));
    return n >= 0;
}

static inline void stop_serving(const char *address, pthread_t server) {
    CHECK(asked(address, "stop", 4, LIMIT));
    finish(server);
}

static inline const char *large_question(void) {
    static char question[LARGE];
    static int filled;
    if (!filled) fill((unsigned char *)question, LARGE);
    filled = 1;
    return question;
}

/* ---- everything once ---- */

static inline int advertised(const char *name, const char *address) {
    nw0_service service;
    forget_errors();
    int result = nw0_advertise(name, address, &service);
    CHECK(allowed(result, errno));
    return result >= 0;
}

static inline int discovered(const char *name, double wait_s) {
    nw0_service service;
    forget_errors();
    int result = nw0_discover(name, wait_s, &service);
    CHECK(allowed(result, errno));
    return result >= 0;
}

static double look_s; /* how long the library's own thread has for its part */

/* everything once; whether all of it went well */
static inline int use(const char *address, double wait_s) {
    int well = advertised("faults/service", address);
    well &= advertised("faults/own", NULL);
    well &= discovered("faults/service", wait_s);
    well &= !discovered("faults/nobody", look_s);
    well &= asked(address, "hello", 5, wait_s);
    well &= asked(address, large_question(), LARGE, wait_s);
    forget_errors();
    int left = nw0_unadvertise("faults/own");
    CHECK(allowed(left, errno));
    return well && left >= 0;
}

/* whether somebody who asks the network for the service is told of it: discovery is alive */
static inline int is_told(const char *name) {
    char text[512], question[300], head[256];
    int fd = udp_socket("127.0.0.1", 0), told = 0;
    int size = snprintf(question, sizeof question, "[\"?%s\",\"%s\",0]", name, address_of(fd));
    snprintf(head, sizeof head, "[\"%s\"", name);
    for (double end = check_now() + LIMIT; !told && check_now() < end;) {
        udp_shout(fd, question, (size_t)size);
        if (udp_hear(fd, text, NULL, 0.05)) told = strncmp(text, head, strlen(head)) == 0;
    }
    close(fd);
    return told;
}

/* what the library's own thread calls, it calls when it has its turn */
static inline void wait_for_a_call(void) {
    for (double end = check_now() + LIMIT; calls_so_far() == 0 && check_now() < end;) usleep(1000);
}

static int went_well; /* the last use with a fault, if that was not met */

/* uses everything while the fault is there, and again without it; whether the fault was met */
static inline int survives(fault f, double wait_s) {
    char address[NW0_ADDRESS_SIZE];
    int faults = check_faults, descriptors = descriptor_count();
    new_address(address);
    served_wrongly = 0;
    arm(f);
    pthread_t server = start(serve, address);
    went_well = use(address, wait_s);
    if (look_s > 0) wait_for_a_call();
    int met = disarm() > 0;
    CHECK(use(address, LIMIT));
    CHECK(is_told("faults/service"));
    stop_serving(address, server);
    nw0_shutdown();
    CHECK(served_wrongly == 0);
    CHECK(descriptor_count() == descriptors);
    CHECK(live_allocations == 0);
    if (check_faults > faults)
        printf("    when %s failed with %s, calls %ld to %ld\n", f.name, strerror(f.error), f.first,
               f.last);
    return met;
}

/* the Nth call fails, for each N that there is; and all from the Nth on, for some */
static inline void survives_all(const char *name, int error) {
    int met = 1;
    long n;
    for (n = 1; met && n <= 30; n++) {
        fault f = {name, error, n, n, 0};
        met = survives(f, 0.5);
        CHECK(met || n > 1); /* it is called at all */
    }
    for (n = 1; n <= 16; n *= 4) {
        fault f = {name, error, n, 1000000000, 0};
        survives(f, 0.05);
    }
}
#endif
