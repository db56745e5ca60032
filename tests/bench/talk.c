/* talk.c - measures one of those who can talk (talk.h), over TCP at 127.0.0.1. Each command is a
 * process that forks whom it talks to; it prints one line of numbers. SERVER and CLIENT are
 * processors.
 *
 *     round-trip SERVER CLIENT SECONDS SIZE OFFSET   seconds for a message and its echo
 *     throughput SERVER CLIENT SECONDS SIZE OFFSET   bytes a second, one way; the reply is one byte
 *     flood SERVER CLIENT SUBSCRIBERS SIZE COUNT     items delivered a second, and lost, in percent
 *     paced SERVER CLIENT SUBSCRIBERS SIZE COUNT     the same, with 1,000 items a second
 *     answer SERVER                                  says its port and answers until it is killed
 *
 * Buffers begin OFFSET bytes after the beginning of a page. */
#include "bench.h"
#include "talk.h"
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PAGE 4096
#define PATIENCE_S 20 /* how long news may be on its way */

/* ---- processes ---- */

/* Forks; the child is on that processor, and does not survive its parent. */
static pid_t fork_on(int cpu) {
    pid_t parent = getpid(), child = fork();
    if (child < 0) die("fork");
    if (child > 0) return child;
    end_with_parent();
    if (getppid() != parent) exit(1);
    pin(cpu);
    return 0;
}

static void read_all(int fd, void *bytes, size_t size) {
    if (read(fd, bytes, size) != (ssize_t)size) die("the other process said nothing");
}

static void write_all(int fd, const void *bytes, size_t size) {
    if (write(fd, bytes, size) != (ssize_t)size) die("write");
}

/* Memory in which a message lies so many bytes after the beginning of a page, with the headroom
 * before it: for all at the same place, because that decides how fast it can be copied. Touched, so
 * that no page is missing when time counts. */
static char *buffer_of(size_t room, size_t offset) {
    size_t size = (PAGE + offset + room + PAGE - 1) / PAGE * PAGE;
    char *memory = aligned_alloc(PAGE, size);
    if (!memory) die("memory");
    memset(memory, 'x', size);
    return memory + PAGE + offset - talk_headroom;
}

static size_t room_for(size_t size) {
    return talk_headroom + size + 1;
}

/* ---- one asks, one answers ---- */

/* Starts somebody who answers, and calls there. */
static pid_t begin_talking(int server, int client, size_t size, size_t offset, size_t reply) {
    char address[ADDRESS_SIZE];
    int ends[2];
    if (pipe(ends) < 0) die("pipe");
    pid_t child = fork_on(server);
    if (child == 0) {
        answer_at(address);
        write_all(ends[1], address, sizeof address);
        answer_forever(buffer_of(room_for(size), offset), room_for(size), reply, false);
    }
    pin(client);
    read_all(ends[0], address, sizeof address);
    ask_at(address);
    return child;
}

/* Seconds for one message and its reply: the median of some short stretches of time, because a
 * stretch in which the machine did something else says nothing. */
static double seconds_each(double seconds, size_t size, size_t offset, size_t reply_size) {
    char *message = buffer_of(room_for(size), offset), *reply = buffer_of(room_for(size), offset);
    double each[SLICES];
    for (int slice = -1; slice < SLICES; slice++) { /* the first is to get warm */
        double start = now(), end = start + seconds / SLICES;
        int count = 0;
        do {
            if (ask(message + talk_headroom, size, reply, room_for(size)) != reply_size)
                die("the reply is wrong");
            count++;
        } while (now() < end);
        if (slice >= 0) each[slice] = (now() - start) / count;
    }
    return median(each, SLICES);
}

static double measure_talk(char **words, bool echo) {
    int server = atoi(words[0]), client = atoi(words[1]);
    double seconds = atof(words[2]);
    size_t size = (size_t)atol(words[3]), offset = (size_t)atol(words[4]);
    pid_t child = begin_talking(server, client, size, offset, echo ? ECHO : 1);
    double each = seconds_each(seconds, size, offset, echo ? size : 1);
    kill(child, SIGKILL);
    return each;
}

static void measure_round_trip(char **words) {
    printf("%.9f\n", measure_talk(words, true));
}

static void measure_throughput(char **words) {
    double size = atof(words[3]);
    printf("%.0f\n", size / measure_talk(words, false));
}

static void answer(char **words) {
    char address[ADDRESS_SIZE];
    size_t room = room_for(1000000);
    pin(atoi(words[0]));
    answer_at(address);
    printf("%s\n", strrchr(address, ':') + 1);
    fflush(stdout);
    char *buffer = malloc(room); /* not touched: here memory is measured, too */
    answer_forever(buffer, room, ECHO, true);
}

/* ---- one publishes, many listen ---- */

typedef struct {
    double at;  /* when the end was heard */
    long count; /* the items before it */
} heard;

/* A subscriber: counts until it hears the end, says so, and stays connected. */
static _Noreturn void listen_to(const char *address, size_t size, int out) {
    char *buffer = buffer_of(size + 1, 0);
    heard all = {0, 0};
    subscribe_to(address);
    while (next_item(buffer, size + 1) != 'e') all.count++;
    all.at = now();
    write_all(out, &all, sizeof all);
    for (;;) pause();
}

/* Says the end until all have heard it: to one who is behind even that may get lost. */
static heard collect(int in, int subscribers, char *data, size_t size) {
    heard each, total = {0, 0};
    struct pollfd p = {in, POLLIN, 0};
    double deadline = now() + PATIENCE_S;
    data[0] = 'e';
    publish(data, size);
    for (int known = 0; known < subscribers;) {
        if (now() > deadline) errno = ETIMEDOUT, die("news");
        if (poll(&p, 1, 5) <= 0) {
            publish(data, size);
            continue;
        }
        read_all(in, &each, sizeof each);
        total.count += each.count;
        if (each.at > total.at) total.at = each.at;
        known++;
    }
    return total;
}

/* a thousand a second: the time of item number i */
static void wait_for_turn(double start, long i) {
    double until = start + (double)i / 1000, left;
    while ((left = until - now()) > 0) usleep((useconds_t)(left * 1e6));
}

static void measure_news(char **words, bool paced) {
    int publisher = atoi(words[0]), listeners = atoi(words[1]), subscribers = atoi(words[2]);
    size_t size = (size_t)atol(words[3]);
    long count = atol(words[4]);
    char address[ADDRESS_SIZE], *data = buffer_of(size, 0);
    pid_t children[subscribers];
    int to_all[2], from_all[2];
    if (pipe(to_all) < 0 || pipe(from_all) < 0) die("pipe");
    for (int i = 0; i < subscribers; i++) {
        if ((children[i] = fork_on(listeners)) != 0) continue;
        read_all(to_all[0], address, sizeof address);
        listen_to(address, size, from_all[1]);
    }
    pin(publisher);
    publish_at(address);
    for (int i = 0; i < subscribers; i++) write_all(to_all[1], address, sizeof address);
    wait_for_subscribers(subscribers);
    data[0] = 'n';
    double start = now();
    for (long i = 0; i < count; i++) {
        if (paced) wait_for_turn(start, i);
        publish(data, size);
    }
    heard total = collect(from_all[0], subscribers, data, size);
    for (int i = 0; i < subscribers; i++) kill(children[i], SIGKILL);
    printf("%.0f %.4f\n", (double)total.count / (total.at - start),
           100 - 100.0 * (double)total.count / ((double)count * subscribers));
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    end_with_parent();
    if (strcmp(what, "round-trip") == 0 && argc == 7) measure_round_trip(argv + 2);
    else if (strcmp(what, "throughput") == 0 && argc == 7) measure_throughput(argv + 2);
    else if (strcmp(what, "flood") == 0 && argc == 7) measure_news(argv + 2, false);
    else if (strcmp(what, "paced") == 0 && argc == 7) measure_news(argv + 2, true);
    else if (strcmp(what, "answer") == 0 && argc == 3) answer(argv + 2);
    else return fprintf(stderr, "usage: see talk.c\n"), 2;
    fflush(stdout);
    _exit(0); /* libraries that wait for their threads at the end are not what is measured */
}
