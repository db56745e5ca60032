/* discovery.h - what the tests of discovery share.
 *
 * Every test is a process of its own with a discovery port of its own, and several run at a time:
 * most of them wait for something. Three kinds of partners appear in them:
 *   puppet   a process that uses nw0.h and does what it is told
 *   ear      a plain UDP socket on the discovery port: it hears every broadcast
 *   mouth    a plain UDP socket elsewhere: it imitates a program that speaks the same language
 */
#ifndef TESTS_DISCOVERY_H
#define TESTS_DISCOVERY_H
#include "child.h"
#include "talk.h"

#define AT_ONCE (1.5 * slowness()) /* before silence could be noticed, on a busy machine */
#define TOGETHER 6                 /* tests that run at the same time */
#define TTL 20                     /* of an advert that says nothing else */

static int port; /* the discovery port of this test */

static inline double slowness(void) {
    return check_valgrind() ? 4 : 1;
}

/* leaves the test where loopback has not got this address */
#define NEEDS(ip)                                                                                  \
    do {                                                                                           \
        if (!net_has(ip)) SKIP("this system has no address " ip);                                  \
    } while (0)

/* ---- a test is a process ---- */

enum { WENT_WELL = 0, FAILED = 3, SKIPPED = 77 }; /* how it ends, unless it crashes */

static struct {
    pid_t pid;
    const char *name;
    int port;
} running[TOGETHER];
static int running_count;

/* a discovery port that no test which still runs has */
static inline int free_port(void) {
    for (;;) {
        int candidate = net_discovery_port(), i = 0;
        while (i < running_count && running[i].port != candidate) i++;
        if (i == running_count) return candidate;
    }
}

static inline void collect_one(void) {
    int status = 0, i = 0;
    pid_t pid = child_any(&status);
    while (i < running_count && running[i].pid != pid) i++;
    if (i == running_count) return;
    int end = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (end == WENT_WELL) check_passed++;
    else if (end == SKIPPED) check_skipped++;
    else check_failed++;
    if (end != WENT_WELL && end != SKIPPED && end != FAILED)
        printf("FAILED %s: its process ended with status 0x%x\n", running[i].name,
               (unsigned)status);
    running[i] = running[--running_count];
}

/* a fork of a process that has no other threads: leaks can be looked for in it, too */
static inline pid_t fork_alone(void) {
    pid_t pid = child_fork();
    if (pid == 0) child_is = 0;
    return pid;
}

static inline void run_apart(const char *name, void (*test)(void)) {
    if (!check_wanted(name)) return;
    if (running_count == TOGETHER) collect_one();
    port = free_port();
    pid_t pid = fork_alone();
    if (pid == 0) {
        net_use(port);
        check_failed = check_skipped = 0; /* the others' */
        check_run(name, test);
        exit(check_failed ? FAILED : check_skipped ? SKIPPED : WENT_WELL);
    }
    running[running_count].pid = pid;
    running[running_count].port = port;
    running[running_count++].name = name;
}
#define RUN_APART(test) run_apart(#test, test)

static inline void discovery_begin(int argc, char **argv) {
    unsetenv("NW0_DEBUG");
    net_begin();
    check_begin(argc, argv);
}

static inline int discovery_report(const char *program) {
    while (running_count > 0) collect_one();
    return check_report(program);
}

/* ---- puppets ---- */

enum what {
    ADVERTISE,
    ADVERTISE_NEW,
    ADVERTISE_BRIEFLY,
    UNADVERTISE,
    DISCOVER,
    LIST,
    LIST_WITHIN_1_S,
    SHUTDOWN,
    LEAVE
};

struct order {
    enum what what;
    char name[300], address[64];
};
struct answer {
    int result, error;
    double took;
    nw0_service service;
    char sentence[512];
};
struct puppet {
    pid_t pid;
    int line;
};

static inline int carry_out(const struct order *o, nw0_service *service) {
    switch (o->what) {
    case ADVERTISE: return nw0_advertise(o->name, o->address, service);
    case ADVERTISE_NEW: return nw0_advertise_ex(o->name, o->address, true, TTL, service);
    case ADVERTISE_BRIEFLY: return nw0_advertise_ex(o->name, o->address, false, 1, service);
    case UNADVERTISE: return nw0_unadvertise(o->name);
    case DISCOVER: return nw0_discover(o->name, LIMIT, service);
    case LIST: return nw0_discover_group(o->name, "", NULL, NULL, 0);
    case LIST_WITHIN_1_S: return nw0_discover_all(1, NULL, 0);
    case SHUTDOWN: nw0_shutdown(); return 0;
    case LEAVE: exit(0);
    }
    return -1;
}

static inline void obey(int line) {
    struct order o;
    while (read(line, &o, sizeof o) == (ssize_t)sizeof o) {
        struct answer a;
        memset(&a, 0, sizeof a);
        double start = check_now();
        errno = 0;
        a.result = carry_out(&o, &a.service);
        a.error = errno;
        a.took = check_now() - start;
        snprintf(a.sentence, sizeof a.sentence, "%s", nw0_error());
        if (write(line, &a, sizeof a) < 0) break;
    }
    exit(0);
}

/* err: what the puppet shall have as its stderr, or -1. Start puppets before the test itself uses
 * the library */
static inline struct puppet puppet_with_stderr(int err) {
    int ends[2];
    struct puppet p = {-1, -1};
    if (port_pair(ends) < 0) abort();
    p.pid = fork_alone();
    if (p.pid == 0) {
        close(ends[0]);
        if (err >= 0) dup2(err, STDERR_FILENO);
        obey(ends[1]);
    }
    close(ends[1]);
    p.line = ends[0];
    return p;
}

static inline struct puppet puppet(void) {
    return puppet_with_stderr(-1);
}

static inline void order(const struct puppet *p, enum what what, const char *name,
                         const char *address) {
    struct order o;
    memset(&o, 0, sizeof o);
    o.what = what;
    snprintf(o.name, sizeof o.name, "%s", name);
    snprintf(o.address, sizeof o.address, "%s", address);
    CHECK(write(p->line, &o, sizeof o) == (ssize_t)sizeof o);
}

static inline struct answer answer_of(const struct puppet *p) {
    struct answer a;
    memset(&a, 0, sizeof a);
    a.result = -2;
    CHECK(read(p->line, &a, sizeof a) == (ssize_t)sizeof a);
    return a;
}

static inline struct answer tell(const struct puppet *p, enum what what, const char *name,
                                 const char *address) {
    order(p, what, name, address);
    return answer_of(p);
}

/* one that was told to leave */
static inline void bury(struct puppet *p) {
    CHECK(child_ended_well(p->pid));
    close(p->line);
}

static inline void dismiss(struct puppet *p) {
    order(p, LEAVE, "", "");
    bury(p);
}

static inline void kill_9(struct puppet *p) {
    child_kill(p->pid);
    close(p->line);
}

/* ---- ears, mouths and what they say ---- */

static inline int ear(void) {
    return udp_socket("0.0.0.0", port);
}
static inline int mouth(const char *ip) {
    return udp_socket(ip, 0);
}
/* NetworkZero itself speaks from the discovery port */
static inline int networkzero(void) {
    return udp_socket("127.0.0.1", port);
}

static inline const char *datagram(const char *name, const char *address, int ttl) {
    static char texts[8][512];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], "[\"%s\",\"%s\",%d]", name, address, ttl);
    return text;
}

static inline const char *advert(const char *name, const char *address) {
    return datagram(name, address, TTL);
}
static inline const char *advert_for(const char *name, const char *address, int ttl) {
    return datagram(name, address, ttl);
}
static inline const char *goodbye(const char *name, const char *address) {
    return datagram(name, address, 0);
}

/* a question about a name, "" being everybody, asked from this address; from this mouth */
static inline const char *question_from(const char *name, const char *address) {
    char asked[400];
    snprintf(asked, sizeof asked, "?%s", name);
    return datagram(asked, address, 0);
}
static inline const char *question(const char *name, int s) {
    return question_from(name, address_of(s));
}

static inline void say(int s, const char *text, const struct sockaddr_in *to) {
    udp_say(s, text, strlen(text), to);
}
static inline void shout(int s, const char *text) {
    udp_shout(s, text, strlen(text));
}

/* whether this very datagram comes, whatever comes before it */
static inline bool hears(int s, const char *wanted, struct sockaddr_in *from) {
    char text[512];
    double end = check_now() + LIMIT, left;
    while ((left = end - check_now()) > 0)
        if (udp_hear(s, text, from, left) && strcmp(text, wanted) == 0) return true;
    printf("    not heard within %.1f s: %s\n", LIMIT, wanted);
    return false;
}

/* where a service's process can be asked directly: the source of its adverts */
static inline struct sockaddr_in mouth_of(int s, const char *name, const char *address) {
    struct sockaddr_in from;
    memset(&from, 0, sizeof from);
    CHECK(hears(s, advert(name, address), &from));
    return from;
}

/* What was shouted from s has been judged when the answer to a question after it is here. */
#define MARKER "127.0.0.1:7999"
static inline void set_marker(void) {
    CHECK(nw0_advertise("marker", MARKER, NULL) == 0);
}
static inline void settle(int s) {
    shout(s, question("marker", s));
    CHECK(hears(s, advert("marker", MARKER), NULL));
}

/* The library hears nothing before it is used for the first time. */
static inline void start_listening(void) {
    CHECK_FAILS(nw0_discover("nobody", 0, NULL), ETIMEDOUT);
}

/* ---- what is known, briefly ---- */

static inline bool is(const nw0_service *s, const char *name, const char *address) {
    return strcmp(s->name, name) == 0 && strcmp(s->address, address) == 0;
}

static inline bool known_at(const char *name, const char *address) {
    nw0_service s;
    return nw0_discover(name, 0, &s) == 0 && is(&s, name, address);
}

static inline int count_known(void) {
    return nw0_discover_all(0, NULL, 0);
}

static inline void advertise_all(const char *const names[], size_t count) {
    for (size_t i = 0; i < count; i++) CHECK(nw0_advertise(names[i], "127.0.0.1:7001", NULL) == 0);
}

/* ---- words, ports ---- */

static inline bool starts(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static inline void name_of(char *name, const char *character, int count) {
    name[0] = '\0';
    while (count-- > 0) strcat(name, character);
}

static inline int port_of(const char *address) {
    const char *colon = strrchr(address, ':');
    return colon ? atoi(colon + 1) : -1;
}

/* a socket that listens there, or -1: it is somebody else's */
static inline int listener(const char *ip, int number) {
    struct sockaddr_in sin = inet_address(ip, number);
    int s = raw_socket();
    if (bind(s, (struct sockaddr *)&sin, sizeof sin) == 0 && listen(s, 8) == 0) return s;
    close(s);
    return -1;
}

/* ---- changes ---- */

/* someone's list of a group's members, and the last change in it */
static struct {
    nw0_service members[8], changed;
    int count;
} list;

static inline int change_in(const char *group, int capacity, double seconds) {
    memset(&list.changed, 0, sizeof list.changed);
    return nw0_wait_for_change(group, NULL, list.members, &list.count, capacity, &list.changed,
                               seconds);
}

static inline bool joins(const char *group, const char *name, const char *address) {
    int before = list.count;
    return change_in(group, 8, LIMIT) == NW0_JOINED && is(&list.changed, name, address) &&
           list.count == before + 1;
}

static inline bool leaves(const char *group, const char *name, const char *address) {
    int before = list.count;
    return change_in(group, 8, LIMIT) == NW0_LEFT && is(&list.changed, name, address) &&
           list.count == before - 1;
}

static inline bool has(const char *name, const char *address) {
    int found = 0;
    for (int i = 0; i < list.count; i++) found += is(&list.members[i], name, address);
    return found == 1;
}
#endif
