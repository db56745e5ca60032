/* idle.c - how long a call takes in a program to whose address so many connections lead that say
 * nothing. Whose calls look at each connection is slower the more there are.
 *
 *     idle CALL KIND COUNT CPU SECONDS    prints the seconds of a call
 *
 * KIND: askers (who have asked nothing yet) or subscribers (to topics that do not come).
 * CALL, each of which is for this program's own address, or for that of a second program:
 *     answer        takes a question and answers it, from an asker that has always one more
 *     ask           asks a question, and gets the answer
 *     message       looks for a question where there is none
 *     publish       publishes an item that nobody wants
 *     news          looks for news where there is none
 *     close         closes another address
 *     discover      looks up a name that is known
 *     change        looks for a change where there is none */
#include "bench.h"
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <dirent.h>
#include <string.h>
#include <sys/resource.h>

#define MOST 1024
#define PATIENCE_S 20

static nw0_service me, other, services[MOST];
static char text[100];
static int known;

static _Noreturn void die(const char *what) {
    perror(what);
    exit(1);
}

static _Noreturn void fail(void) {
    fprintf(stderr, "%s\n", nw0_error());
    exit(1);
}

/* ---- the calls ---- */

/* A look of 0 seconds finds nothing, and everything else is wrong. */
static void must_be_nothing(ssize_t result) {
    if (result >= 0 || errno != ETIMEDOUT) fail();
}

static void call_answer(void) {
    if (nw0_wait_for_message_from(me.address, text, sizeof text, PATIENCE_S, false) < 0) fail();
    if (nw0_send_reply_to(me.address, "yes", NW0_TEXT) < 0) fail();
}

static void call_ask(void) {
    if (nw0_send_message_to(other.address, "?", NW0_TEXT, text, sizeof text, PATIENCE_S) < 0)
        fail();
}

static void call_message(void) {
    must_be_nothing(nw0_wait_for_message_from(me.address, text, sizeof text, 0, false));
}

static void call_publish(void) {
    if (nw0_send_news_to(me.address, "t", "0123456789", 10) < 0) fail();
}

static void call_news(void) {
    must_be_nothing(nw0_wait_for_news_from(other.address, "t", NULL, text, sizeof text, 0));
}

static void call_close(void) {
    if (nw0_close(other.address) < 0) fail();
}

static void call_discover(void) {
    if (nw0_discover(me.name, 0, NULL) < 0) fail();
}

static void call_change(void) {
    must_be_nothing(nw0_wait_for_change(NULL, NULL, services, &known, MOST, NULL, 0));
}

/* ---- what must be so before the first, and before each ---- */

/* In its first second an address keeps what it publishes for those who come late. */
static void begin_publishing(void) {
    double end = now() + 1.2;
    while (now() < end) call_publish(), usleep(1000);
}

static void begin_watching(void) {
    while (nw0_wait_for_change(NULL, NULL, services, &known, MOST, NULL, 0.7) > 0) continue;
}

static void open_another(void) {
    if (nw0_address("127.0.0.1", other.address) < 0) fail();
    must_be_nothing(nw0_wait_for_message_from(other.address, text, sizeof text, 0, false));
}

typedef struct {
    const char *name;
    void (*call)(void), (*begin)(void), (*prepare)(void); /* begin, prepare: NULL if nothing */
} kind_of_call;

static const kind_of_call calls[] = {
    {"answer", call_answer, NULL, NULL},     {"ask", call_ask, NULL, NULL},
    {"message", call_message, NULL, NULL},   {"publish", call_publish, begin_publishing, NULL},
    {"news", call_news, NULL, NULL},         {"close", call_close, NULL, open_another},
    {"discover", call_discover, NULL, NULL}, {"change", call_change, begin_watching, NULL},
};

/* Seconds of a call: the median of some short stretches of time. What prepares it is not counted.
 */
static double measure(const kind_of_call *k, double seconds) {
    double each[SLICES];
    for (int slice = -1; slice < SLICES; slice++) { /* the first is to get warm */
        double start = now(), end = start + seconds / SLICES, spent = 0;
        int count = 0;
        do {
            double before = k->prepare ? (k->prepare(), now()) : 0;
            k->call();
            if (k->prepare) spent += now() - before;
            count++;
        } while (now() < end);
        if (!k->prepare) spent = now() - start;
        if (slice >= 0) each[slice] = spent / count;
    }
    return median(each, SLICES);
}

/* ---- the other processes ---- */

/* Forks before anything of nw0.h is used; *in and *out are pipes between the two. */
static bool forks(int *in, int *out) {
    int down[2], up[2];
    pid_t parent = getpid(), child;
    if (pipe(down) < 0 || pipe(up) < 0) die("pipe");
    child = fork();
    if (child < 0) die("fork");
    *in = child == 0 ? down[0] : up[0];
    *out = child == 0 ? up[1] : down[1];
    if (child > 0) return false;
    end_with_parent();
    if (getppid() != parent) exit(1);
    return true;
}

static void say(int out, const char address[NW0_ADDRESS_SIZE]) {
    if (write(out, address, NW0_ADDRESS_SIZE) != NW0_ADDRESS_SIZE) die("write");
}

static void hear(int in, char address[NW0_ADDRESS_SIZE]) {
    if (read(in, address, NW0_ADDRESS_SIZE) != NW0_ADDRESS_SIZE) die("another process ended");
}

static void connect_one(const struct sockaddr_in *a, bool subscribes) {
    static const char news[] = "\0\0\0\4nw0!\0\0\0\5other", questions[] = "\0\0\0\4nw0?";
    const char *words = subscribes ? news : questions;
    size_t size = subscribes ? sizeof news - 1 : sizeof questions - 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)a, sizeof *a) < 0) die("connect");
    if (send(fd, words, size, MSG_NOSIGNAL) != (ssize_t)size) die("send");
}

/* All those who say nothing. */
static _Noreturn void crowd(int in, int out, bool subscribes, int count) {
    char address[NW0_ADDRESS_SIZE];
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    hear(in, address);
    a.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
    for (int i = 0; i < count; i++) connect_one(&a, subscribes);
    say(out, address);
    for (;;) pause();
}

/* Asks for ever; or is asked, with an address of its own. */
static _Noreturn void second_program(int in, int out, bool asks) {
    char address[NW0_ADDRESS_SIZE];
    hear(in, address);
    if (!asks && nw0_address("127.0.0.1", address) < 0) fail();
    if (!asks) must_be_nothing(nw0_wait_for_message_from(address, text, sizeof text, 0, true));
    say(out, address);
    for (;;) {
        ssize_t n =
            asks ? nw0_send_message_to(address, "?", NW0_TEXT, text, sizeof text, NW0_FOREVER)
                 : nw0_wait_for_message_from(address, text, sizeof text, NW0_FOREVER, true);
        if (n < 0) fail();
    }
}

static int open_descriptors(void) {
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    if (!folder) die("/proc/self/fd");
    while (readdir(folder)) count++;
    closedir(folder);
    return count;
}

/* Lets the crowd in: all of it is accepted when we have as many descriptors more. */
static void accept_crowd(int in, int out, int count) {
    double end = now() + PATIENCE_S;
    int before;
    call_message(); /* what a first wait opens is not one of them */
    before = open_descriptors();
    say(out, me.address);
    while (open_descriptors() < before + count) {
        if (now() > end) errno = ETIMEDOUT, die("not all connections were accepted");
        must_be_nothing(nw0_wait_for_message_from(me.address, text, sizeof text, 0.002, false));
    }
    hear(in, text);
}

static const kind_of_call *find_call(const char *name) {
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0) return &calls[i];
    return NULL;
}

static void allow_descriptors(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
    const kind_of_call *k = argc == 6 ? find_call(argv[1]) : NULL;
    int crowd_in, crowd_out, other_in, other_out;
    if (!k) return fprintf(stderr, "usage: see idle.c\n"), 2;
    bool asks = strcmp(k->name, "answer") == 0, subscribes = strcmp(argv[2], "subscribers") == 0;
    end_with_parent();
    pin(atoi(argv[4]));
    allow_descriptors();
    if (forks(&crowd_in, &crowd_out)) crowd(crowd_in, crowd_out, subscribes, atoi(argv[3]));
    if (forks(&other_in, &other_out)) second_program(other_in, other_out, asks);
    if (nw0_advertise("idle", "127.0.0.1", &me) < 0 || nw0_discover("idle", PATIENCE_S, NULL) < 0)
        fail();
    accept_crowd(crowd_in, crowd_out, atoi(argv[3]));
    say(other_out, me.address);
    hear(other_in, other.address);
    if (k->begin) k->begin();
    printf("%.9f\n", measure(k, atof(argv[5])));
    fflush(stdout);
    _exit(0);
}
