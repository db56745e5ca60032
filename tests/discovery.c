/* discovery.c - advertise, discover, lists, changes: over loopback, and byte for byte on the wire.
 *
 * Every test is a process of its own with a discovery port of its own, and several run at a time: most of them
 * wait for something. Three kinds of partners appear in them:
 *   puppet   a process that uses nw0.h and does what it is told
 *   ear      a plain UDP socket on the discovery port: it hears every broadcast
 *   mouth    a plain UDP socket elsewhere: it imitates a program that speaks the same language
 */
#define NW0_IMPLEMENTATION
#include "nw0.h"

#include "check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define SOON 10.0                  /* longer than anything takes that is going to happen at all */
#define AT_ONCE (1.5 * slowness()) /* before silence could be noticed, on a busy machine */
#define TOGETHER 6                 /* tests that run at the same time */
#define TTL 20                     /* of an advert that says nothing else */

static int port; /* the discovery port of this test */

/* valgrind takes many times as long, one thread after the other */
static double slowness(void) {
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "vgpreload") ? 4 : 1;
}

/* ---- a test is a process ------------------------------------------------------------------- */

static struct {
    pid_t pid;
    const char *name;
} running[TOGETHER];
static int running_count;

/* a port that nobody has, below those which the system hands out */
static void choose_port(void) {
    for (port = 30000 + (int)getpid() % 2000;; port++) {
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        int taken = bind(s, (struct sockaddr *)&in, sizeof in);
        close(s);
        if (!taken) break;
    }
    char text[16];
    snprintf(text, sizeof text, "%d", port);
    setenv("NW0_PORT", text, 1);
}

static void collect_one(void) {
    int status = 0, i = 0;
    pid_t pid = wait(&status);
    while (i < running_count && running[i].pid != pid) i++;
    if (i == running_count) return;
    if (status == 0) check_passed++;
    else check_failed++;
    if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 1))
        printf("FAILED %s: its process ended with status 0x%x\n", running[i].name,
               (unsigned)status);
    running[i] = running[--running_count];
}

static void run_apart(const char *name, void (*test)(void)) {
    if (!check_wanted(name)) return;
    if (running_count == TOGETHER) collect_one();
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        choose_port();
        check_failed = 0; /* the others' */
        check_run(name, test);
        exit(check_failed != 0);
    }
    running[running_count].pid = pid;
    running[running_count++].name = name;
}
#define RUN_APART(test) run_apart(#test, test)

/* ---- puppets ------------------------------------------------------------------------------- */

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

static int carry_out(const struct order *o, nw0_service *service) {
    switch (o->what) {
    case ADVERTISE: return nw0_advertise(o->name, o->address, service);
    case ADVERTISE_NEW: return nw0_advertise_ex(o->name, o->address, true, TTL, service);
    case ADVERTISE_BRIEFLY: return nw0_advertise_ex(o->name, o->address, false, 1, service);
    case UNADVERTISE: return nw0_unadvertise(o->name);
    case DISCOVER: return nw0_discover(o->name, SOON, service);
    case LIST: return nw0_discover_group(o->name, "", NULL, NULL, 0);
    case LIST_WITHIN_1_S: return nw0_discover_all(1, NULL, 0);
    case SHUTDOWN: nw0_shutdown(); return 0;
    case LEAVE: exit(0);
    }
    return -1;
}

static void obey(int line) {
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

/* err: what the puppet shall have as its stderr, or -1; start puppets before the test itself uses the library */
static struct puppet puppet_with_stderr(int err) {
    int ends[2];
    struct puppet p = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) < 0) abort();
    fflush(stdout);
    p.pid = fork();
    if (p.pid == 0) {
        alarm(CHECK_LIMIT_S);
        close(ends[0]);
        if (err >= 0) dup2(err, STDERR_FILENO);
        obey(ends[1]);
    }
    close(ends[1]);
    p.line = ends[0];
    return p;
}

static struct puppet puppet(void) {
    return puppet_with_stderr(-1);
}

static void order(const struct puppet *p, enum what what, const char *name, const char *address) {
    struct order o;
    memset(&o, 0, sizeof o);
    o.what = what;
    snprintf(o.name, sizeof o.name, "%s", name);
    snprintf(o.address, sizeof o.address, "%s", address);
    CHECK(write(p->line, &o, sizeof o) == (ssize_t)sizeof o);
}

static struct answer answer_of(const struct puppet *p) {
    struct answer a;
    memset(&a, 0, sizeof a);
    a.result = -2;
    CHECK(read(p->line, &a, sizeof a) == (ssize_t)sizeof a);
    return a;
}

static struct answer tell(const struct puppet *p, enum what what, const char *name,
                          const char *address) {
    order(p, what, name, address);
    return answer_of(p);
}

static void bury(struct puppet *p, int wanted_status) {
    int status = -1;
    CHECK(waitpid(p->pid, &status, 0) == p->pid && status == wanted_status);
    close(p->line);
}

static void dismiss(struct puppet *p) {
    order(p, LEAVE, "", "");
    bury(p, 0);
}

static void kill_9(struct puppet *p) {
    kill(p->pid, SIGKILL);
    bury(p, SIGKILL);
}

/* holds it up, until it is sent a SIGCONT: everything that is said to it meanwhile waits */
static void stop(const struct puppet *p) {
    int status = 0;
    kill(p->pid, SIGSTOP);
    CHECK(waitpid(p->pid, &status, WUNTRACED) == p->pid && WIFSTOPPED(status));
}

/* ---- ears, mouths and what they say -------------------------------------------------------- */

static struct sockaddr_in inet_address(const char *ip, int number) {
    struct sockaddr_in in;
    memset(&in, 0, sizeof in);
    in.sin_family = AF_INET;
    in.sin_port = htons((unsigned short)number);
    inet_pton(AF_INET, ip, &in.sin_addr);
    return in;
}

static int udp_socket(const char *ip, int number) {
    int s = socket(AF_INET, SOCK_DGRAM, 0), on = 1, room = 1 << 20;
    struct sockaddr_in in = inet_address(ip, number);
    if (number) setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    setsockopt(s, SOL_SOCKET, SO_BROADCAST, &on, sizeof on);
    setsockopt(s, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    if (bind(s, (struct sockaddr *)&in, sizeof in) < 0) {
        perror("a test's UDP socket");
        exit(2);
    }
    return s;
}

static int ear(void) {
    return udp_socket("0.0.0.0", port);
}
static int mouth(const char *ip) {
    return udp_socket(ip, 0);
}
/* NetworkZero itself speaks from the discovery port */
static int networkzero(void) {
    return udp_socket("127.0.0.1", port);
}

static const char *fill(const char *format, const char *name, const char *address, int ttl) {
    static char texts[8][512];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0], format, name, address, ttl);
    return text;
}

static const char *advert(const char *name, const char *address) {
    return fill("[\"%s\",\"%s\",%d]", name, address, TTL);
}
static const char *advert_for(const char *name, const char *address, int ttl) {
    return fill("[\"%s\",\"%s\",%d]", name, address, ttl);
}
static const char *goodbye(const char *name, const char *address) {
    return fill("[\"%s\",\"%s\",%d]", name, address, 0);
}

static const char *address_text(const struct sockaddr_in *in) {
    static char texts[4][32];
    static unsigned next;
    char ip[INET_ADDRSTRLEN], *text = texts[next++ % 4];
    inet_ntop(AF_INET, &in->sin_addr, ip, sizeof ip);
    snprintf(text, sizeof texts[0], "%s:%d", ip, ntohs(in->sin_port));
    return text;
}

static const char *address_of(int s) {
    struct sockaddr_in in;
    socklen_t size = sizeof in;
    getsockname(s, (struct sockaddr *)&in, &size);
    return address_text(&in);
}

/* a question about a name, "" being everybody, asked from this address; from this mouth */
static const char *question_from(const char *name, const char *address) {
    return fill("[\"?%s\",\"%s\",%d]", name, address, 0);
}
static const char *question(const char *name, int s) {
    return question_from(name, address_of(s));
}

static void say_bytes(int s, const void *bytes, size_t size, const struct sockaddr_in *to) {
    CHECK(sendto(s, bytes, size, 0, (const struct sockaddr *)to, sizeof *to) == (ssize_t)size);
}
static void say(int s, const char *text, const struct sockaddr_in *to) {
    say_bytes(s, text, strlen(text), to);
}

static void shout_bytes(int s, const void *bytes, size_t size) {
    struct sockaddr_in everybody = inet_address("127.255.255.255", port);
    say_bytes(s, bytes, size, &everybody);
}
static void shout(int s, const char *text) {
    shout_bytes(s, text, strlen(text));
}

/* the next datagram as text, or false when the time is up */
static bool hear(int s, char text[512], struct sockaddr_in *from, double seconds) {
    struct pollfd p = {.fd = s, .events = POLLIN};
    struct sockaddr_in source;
    socklen_t size = sizeof source;
    if (poll(&p, 1, seconds > 0 ? (int)(seconds * 1000) + 1 : 0) <= 0) return false;
    ssize_t n = recvfrom(s, text, 511, 0, (struct sockaddr *)&source, &size);
    if (n < 0) return false;
    text[n] = '\0';
    if (from) *from = source;
    return true;
}

/* whether this very datagram comes, whatever comes before it */
static bool hears_within(int s, const char *wanted, struct sockaddr_in *from, double seconds) {
    char text[512];
    double end = check_now() + seconds, left;
    while ((left = end - check_now()) > 0)
        if (hear(s, text, from, left) && strcmp(text, wanted) == 0) return true;
    printf("    not heard within %.1f s: %s\n", seconds, wanted);
    return false;
}
static bool hears(int s, const char *wanted, struct sockaddr_in *from) {
    return hears_within(s, wanted, from, SOON);
}

/* where a service's process can be asked directly: the source of its adverts */
static struct sockaddr_in mouth_of(int s, const char *name, const char *address) {
    struct sockaddr_in from;
    memset(&from, 0, sizeof from);
    CHECK(hears(s, advert(name, address), &from));
    return from;
}

/* What was shouted from s has been judged when the answer to a question after it is here. */
#define MARKER "127.0.0.1:7999"
static void set_marker(void) {
    CHECK(nw0_advertise("marker", MARKER, NULL) == 0);
}
static void settle(int s) {
    shout(s, question("marker", s));
    CHECK(hears(s, advert("marker", MARKER), NULL));
}

/* The same of what was said straight to the mouth of a program that advertises the marker. */
static void settle_straight(int s, const struct sockaddr_in *its_mouth) {
    say(s, question("marker", s), its_mouth);
    CHECK(hears(s, advert("marker", MARKER), NULL));
}

/* The library hears nothing before it is used for the first time. */
static void start_listening(void) {
    CHECK_FAILS(nw0_discover("nobody", 0, NULL), ETIMEDOUT);
}

/* ---- what is known, briefly ---------------------------------------------------------------- */

static bool known_at(const char *name, const char *address) {
    nw0_service s;
    return nw0_discover(name, 0, &s) == 0 && strcmp(s.name, name) == 0 &&
           strcmp(s.address, address) == 0;
}

static int count_known(void) {
    return nw0_discover_all(0, NULL, 0);
}

static bool is(const nw0_service *s, const char *name, const char *address) {
    return strcmp(s->name, name) == 0 && strcmp(s->address, address) == 0;
}

static bool starts(const char *text, const char *start) {
    return strncmp(text, start, strlen(start)) == 0;
}

static int port_of(const char *address) {
    const char *colon = strrchr(address, ':');
    return colon ? atoi(colon + 1) : -1;
}

static int listener(const char *ip, int number) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = inet_address(ip, number);
    if (bind(s, (struct sockaddr *)&in, sizeof in) == 0 && listen(s, 8) == 0) return s;
    close(s);
    return -1;
}

static int connection(const char *address) {
    int s = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in in = inet_address("127.0.0.1", port_of(address));
    if (connect(s, (struct sockaddr *)&in, sizeof in) == 0) return s;
    close(s);
    return -1;
}

/* ---- addresses ----------------------------------------------------------------------------- */

static void address_of_nothing_is_ours_with_a_free_port(void) {
    const char *nothing[] = {NULL, ""};
    for (int i = 0; i < 2; i++) {
        char canonical[NW0_ADDRESS_SIZE] = "";
        CHECK(nw0_address(nothing[i], canonical) == 0);
        CHECK(starts(canonical, "127.0.0.1:"));
        int s = listener("127.0.0.1", port_of(canonical));
        CHECK(s >= 0);
        close(s);
    }
}

static void address_takes_every_form(void) {
    static const struct {
        const char *given, *canonical;
    } forms[] = {
        {"8080", "127.0.0.1:8080"},           {"1", "127.0.0.1:1"},
        {"65535", "127.0.0.1:65535"},         {"127.0.0.1:8080", "127.0.0.1:8080"},
        {"127.0.0.9:8080", "127.0.0.9:8080"}, {"192.168.101.105:65535", "192.168.101.105:65535"},
        {"127.*:8080", "127.0.0.1:8080"},     {"127.0.0.*:8080", "127.0.0.1:8080"},
        {"localhost:8080", "127.0.0.1:8080"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char canonical[NW0_ADDRESS_SIZE] = "";
        CHECK(nw0_address(forms[i].given, canonical) == 0);
        CHECK(strcmp(canonical, forms[i].canonical) == 0);
        CHECK(nw0_address(forms[i].given, NULL) == 0);
    }
}

static void address_without_a_port_gets_a_free_one(void) {
    static const char *const forms[] = {"127.0.0.1", "127.*", "127.0.*", "localhost"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        char canonical[NW0_ADDRESS_SIZE] = "";
        CHECK(nw0_address(forms[i], canonical) == 0);
        CHECK(starts(canonical, "127.0.0.1:") && port_of(canonical) > 0 &&
              port_of(canonical) < 65536);
    }
}

static void pattern_that_no_interface_matches_is_refused(void) {
    char canonical[NW0_ADDRESS_SIZE] = "untouched";
    CHECK_FAILS(nw0_address("203.0.113.*", canonical), EADDRNOTAVAIL);
    CHECK(strstr(nw0_error(), "203.0.113.*") != NULL);
    CHECK_FAILS(nw0_address("203.0.113.*:8080", canonical), EADDRNOTAVAIL);
    CHECK_FAILS(nw0_advertise("x", "203.0.113.*", NULL), EADDRNOTAVAIL);
    CHECK(strcmp(canonical, "untouched") == 0);
}

static void pattern_of_many_stars_is_refused_at_once(void) {
    char pattern[64];
    memset(pattern, '*', 32);
    strcpy(pattern + 32, ".999");
    double start = check_now();
    CHECK_FAILS(nw0_address(pattern, NULL), EADDRNOTAVAIL);
    CHECK(check_now() - start < 2);
}

static void other_machines_have_no_free_port_for_us(void) {
    CHECK_FAILS(nw0_address("203.0.113.5", NULL), EADDRNOTAVAIL);
    CHECK_FAILS(nw0_advertise("x", "203.0.113.5", NULL), EADDRNOTAVAIL);
    CHECK(strstr(nw0_error(), "203.0.113.5") != NULL);
    CHECK(count_known() == 0);
}

static void nonsense_is_no_address(void) {
    static const char *const nonsense[] = {
        "65536",
        "99999999999999999999",
        "4294967376",
        "-1",
        "+80",
        "127.0.0.1:65536",
        "127.0.0.1:x",
        "127.0.0.1:-1",
        "127.0.0.1:80x",
        "127.0.0.1:80:80",
        "127.0.0.1:8080 ",
        " 127.0.0.1:8080",
        "127.0.0.1: 8080",
        "127.0.0.256:8080",
        "256.0.0.1",
        "1.2.3.4.5",
        "a b",
        "127.0.0.1:4294967376",
        "[::1]:8080",
        "::1",
        "127.*:x",
        "127.*:65536",
        "tab\there",
        "127.0.0.1:99999999999999999999",
        "224.0.0.1:80", /* for a group, or for everybody: nobody's own */
        "239.255.255.255:80",
        "255.255.255.255:80",
        "255.255.255.255",
    };
    char canonical[NW0_ADDRESS_SIZE];
    for (size_t i = 0; i < sizeof nonsense / sizeof nonsense[0]; i++) {
        errno = 0;
        int result = nw0_address(nonsense[i], canonical);
        if (result != -1 || errno != EINVAL)
            printf("    \"%s\" gave %d, errno %d\n", nonsense[i], result, errno);
        CHECK_FAILS(nw0_address(nonsense[i], canonical), EINVAL);
        CHECK_FAILS(nw0_advertise("x", nonsense[i], NULL), EINVAL);
    }
}

static void endless_text_is_no_address(void) {
    char text[5000];
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    CHECK_FAILS(nw0_address(text, NULL), EINVAL);
    memcpy(text, "127.0.0.1:", 10);
    CHECK_FAILS(nw0_address(text, NULL), EINVAL);
}

/* ---- advertising --------------------------------------------------------------------------- */

static void advertise_without_a_port_listens_at_once(void) {
    nw0_service s;
    CHECK(nw0_advertise("open", NULL, &s) == 0);
    int one = connection(s.address), two = connection(s.address);
    CHECK(one >= 0 && two >= 0);
    CHECK(listener("127.0.0.1", port_of(s.address)) < 0);
    close(one);
    close(two);
}

static void message_before_the_first_wait_is_queued(void) {
    nw0_service s;
    char message[16] = "";
    CHECK(nw0_advertise("open", "127.*", &s) == 0);
    int asker = connection(s.address);
    CHECK(write(asker, "\0\0\0\4nw0?\0\0\0\5early", 17) == 17);
    CHECK(nw0_wait_for_message_from(s.address, message, sizeof message, SOON, false) == 5);
    CHECK(strcmp(message, "early") == 0);
    close(asker);
}

static void advertise_with_a_port_binds_nothing(void) {
    char address[NW0_ADDRESS_SIZE];
    nw0_service s;
    CHECK(nw0_address(NULL, address) == 0);
    CHECK(nw0_advertise("another program's", address, &s) == 0);
    int other = listener("127.0.0.1", port_of(address));
    CHECK(other >= 0);
    close(other);
}

static void advertise_tells_what_it_advertised(void) {
    static const struct {
        const char *given, *start;
    } forms[] = {
        {NULL, "127.0.0.1:"},        {"", "127.0.0.1:"},
        {"7001", "127.0.0.1:7001"},  {"127.0.0.1:7002", "127.0.0.1:7002"},
        {"127.*", "127.0.0.1:"},     {"127.*:7003", "127.0.0.1:7003"},
        {"localhost", "127.0.0.1:"}, {"127.0.0.5:7004", "127.0.0.5:7004"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        nw0_service s;
        memset(&s, 'x', sizeof s);
        CHECK(nw0_advertise("form", forms[i].given, &s) == 0);
        CHECK(strcmp(s.name, "form") == 0 && starts(s.address, forms[i].start));
        CHECK(port_of(s.address) > 0 && known_at("form", s.address));
    }
    CHECK(nw0_advertise("form", NULL, NULL) == 0);
}

static void advertise_again_replaces(void) {
    int e = ear();
    CHECK(nw0_advertise("twice", "127.0.0.1:7001", NULL) == 0);
    CHECK(hears(e, advert("twice", "127.0.0.1:7001"), NULL));
    CHECK(nw0_advertise("twice", "127.0.0.1:7002", NULL) == 0);
    CHECK(hears(e, advert("twice", "127.0.0.1:7002"), NULL));
    CHECK(known_at("twice", "127.0.0.1:7002") && count_known() == 1);

    CHECK(nw0_unadvertise("twice") == 0); /* once is enough */
    char text[512];
    while (hear(e, text, NULL, SOON) && strcmp(text, goodbye("twice", "127.0.0.1:7002")) != 0)
        CHECK(strcmp(text, advert("twice", "127.0.0.1:7001")) != 0);
    CHECK(count_known() == 0);
    close(e);
}

static void names_reach_other_processes_unchanged(void) {
    static const char *const names[] = {"a",
                                        "chat/alice",
                                        "a b",
                                        "k\xc3\xb6ln",
                                        "\xe2\x98\x83",
                                        "\xf0\x9f\x98\x80 smiles",
                                        "q\"uote",
                                        "back\\slash",
                                        "tab\tline\n",
                                        "\x01\x1f\x7f",
                                        "semi?colon;[],",
                                        "\xf4\x8f\xbf\xbf"};
    struct puppet p = puppet();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        nw0_service s;
        CHECK(tell(&p, ADVERTISE, names[i], "127.0.0.1:7001").result == 0);
        CHECK(nw0_discover(names[i], SOON, &s) == 0);
        CHECK(is(&s, names[i], "127.0.0.1:7001"));
    }
    dismiss(&p);
}

static void names_that_are_none_are_refused(void) {
    static const char *const names[] = {"",
                                        "?",
                                        "?chat",
                                        "\xff",
                                        "a\x80",
                                        "\xc3",
                                        "\xc0\x80",
                                        "\xe0\x80\xaf",
                                        "\xed\xa0\x80",
                                        "\xe2\x98",
                                        "\xf4\x90\x80\x80",
                                        "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK_FAILS(nw0_advertise(names[i], NULL, NULL), EINVAL);
    CHECK_FAILS(nw0_advertise(NULL, NULL, NULL), EINVAL);
    CHECK(count_known() == 0);
}

static void name_of(char *name, const char *character, int count) {
    name[0] = '\0';
    while (count-- > 0) strcat(name, character);
}

/* An advert is at most 256 bytes: 4 quotes, 2 brackets, 2 commas, 21 for the longest address and 2 for the ttl leave
 * 225 for the name as JSON writes it; and the name itself, with its NUL, has NW0_NAME_SIZE. */
static void longest_names_are_exact(void) {
    static const struct {
        const char *character;
        int most;
    } limits[] = {{"a", 199}, {"\"", 112}, {"\\", 112}, {"\x01", 37}};
    char name[512];
    struct puppet p = puppet();
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        name_of(name, limits[i].character, limits[i].most);
        CHECK(tell(&p, ADVERTISE, name, "127.0.0.1:7001").result == 0);
        CHECK(nw0_discover(name, SOON, NULL) == 0);
        name_of(name, limits[i].character, limits[i].most + 1);
        CHECK_FAILS(nw0_advertise(name, "127.0.0.1:7001", NULL), ENAMETOOLONG);
    }
    dismiss(&p);
}

/* A ttl with a fraction makes an advert longer: what does not fit is refused, and what is accepted is sent. */
static void longest_names_make_room_for_the_ttl(void) {
    char name[256], escaped[256], wanted[512];
    int e = ear();
    name_of(name, "\"", 112);
    CHECK_FAILS(nw0_advertise_ex(name, "127.100.100.100:54321", false, 5.123, NULL), ENAMETOOLONG);
    name_of(name, "\"", 111);
    name_of(escaped, "\\\"", 111);
    CHECK(nw0_advertise_ex(name, "127.100.100.100:54321", false, 5.123, NULL) == 0);
    snprintf(wanted, sizeof wanted, "[\"%s\",\"127.100.100.100:54321\",5.123]", escaped);
    CHECK(strlen(wanted) == 256 && hears(e, wanted, NULL));
    close(e);
}

static void ttl_must_be_a_time(void) {
    const double wrong[] = {0, -1, -0.001, NAN, -INFINITY};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        CHECK_FAILS(nw0_advertise_ex("x", "7001", false, wrong[i], NULL), EINVAL);
    CHECK(count_known() == 0);
}

static void ttl_is_on_the_wire(void) {
    int e = ear();
    CHECK(nw0_advertise_ex("minute", "127.0.0.1:7001", false, 60, NULL) == 0);
    CHECK(hears(e, advert_for("minute", "127.0.0.1:7001", 60), NULL));
    close(e);
}

/* others may compute with it, and NetworkZero does not forget before it is over */
static void own_ttl_is_bounded(void) {
    static const char start[] = "[\"eternal\",\"127.0.0.1:7001\",";
    const double eternities[] = {1e300, 1e18, INFINITY};
    int e = ear();
    for (size_t i = 0; i < sizeof eternities / sizeof eternities[0]; i++) {
        char text[512] = "", *end = text;
        double ttl = 0;
        CHECK(nw0_advertise_ex("eternal", "7001", false, eternities[i], NULL) == 0);
        while (!starts(text, start) && hear(e, text, NULL, SOON)) continue;
        if (starts(text, start)) ttl = strtod(text + strlen(start), &end);
        CHECK(ttl > TTL && ttl <= 31536000 && strcmp(end, "]") == 0);
        CHECK(nw0_unadvertise("eternal") == 0);
        CHECK(hears(e, goodbye("eternal", "127.0.0.1:7001"), NULL));
    }
    close(e);
}

static void held_name_is_not_taken(void) {
    struct puppet holder = puppet(), second = puppet();
    CHECK(tell(&holder, ADVERTISE, "held", "127.0.0.1:7001").result == 0);
    struct answer a = tell(&second, ADVERTISE_NEW, "held", "127.0.0.1:7002");
    CHECK(a.result == -1 && a.error == EEXIST);
    CHECK(strstr(a.sentence, "held") != NULL && strstr(a.sentence, "127.0.0.1:7001") != NULL);
    nw0_service s;
    CHECK(nw0_discover("held", SOON, &s) == 0 && is(&s, "held", "127.0.0.1:7001"));
    CHECK(tell(&holder, UNADVERTISE, "held", "").result == 0);
    double end = check_now() + SOON; /* until the second one has heard that, too */
    do a = tell(&second, ADVERTISE_NEW, "held", "127.0.0.1:7002");
    while (a.result < 0 && a.error == EEXIST && check_now() < end);
    CHECK(a.result == 0 && is(&a.service, "held", "127.0.0.1:7002"));
    dismiss(&second);
    dismiss(&holder);
}

/* one that was killed, and about which nobody has heard yet that it is gone, does not count */
static void name_of_the_dead_is_free(void) {
    struct puppet holder = puppet();
    nw0_service s;
    CHECK(tell(&holder, ADVERTISE, "dead", "127.0.0.1:7001").result == 0);
    CHECK(nw0_discover("dead", SOON, &s) == 0);
    CHECK_FAILS(nw0_advertise_ex("dead", "7002", true, TTL, NULL), EEXIST);
    kill_9(&holder);
    CHECK(nw0_discover("dead", 0, &s) == 0 && is(&s, "dead", "127.0.0.1:7001"));
    CHECK(nw0_advertise_ex("dead", "7002", true, TTL, &s) == 0 && is(&s, "dead", "127.0.0.1:7002"));
    CHECK(nw0_unadvertise("dead") == 0);
}

struct heir {
    pthread_t thread;
    pthread_barrier_t *together;
    const char *address;
    int result, error;
};

static void *inherit(void *argument) {
    struct heir *h = argument;
    pthread_barrier_wait(h->together);
    h->result = nw0_advertise_ex("legacy", h->address, true, TTL, NULL);
    h->error = errno;
    return NULL;
}

/* both ask whether the holder lives, at the same time */
static void name_of_the_dead_goes_to_one_thread(void) {
    struct puppet holder = puppet();
    pthread_barrier_t together;
    struct heir heirs[2] = {{.together = &together, .address = "7002"},
                            {.together = &together, .address = "7003"}};
    CHECK(tell(&holder, ADVERTISE, "legacy", "127.0.0.1:7001").result == 0);
    CHECK(nw0_discover("legacy", SOON, NULL) == 0);
    kill_9(&holder);
    CHECK(pthread_barrier_init(&together, NULL, 2) == 0);
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&heirs[i].thread, NULL, inherit, &heirs[i]) == 0);
    for (int i = 0; i < 2; i++) pthread_join(heirs[i].thread, NULL);
    pthread_barrier_destroy(&together);
    struct heir *winner = &heirs[heirs[0].result != 0], *loser = &heirs[heirs[0].result == 0];
    CHECK(winner->result == 0 && loser->result == -1 && loser->error == EEXIST);
    CHECK(nw0_unadvertise("legacy") == 0);
}

static void own_name_counts_as_held(void) {
    CHECK(nw0_advertise_ex("ours", "7001", true, TTL, NULL) == 0);
    CHECK_FAILS(nw0_advertise_ex("ours", "7002", true, TTL, NULL), EEXIST);
    CHECK(known_at("ours", "127.0.0.1:7001"));
    CHECK(nw0_advertise_ex("ours", "7002", false, TTL, NULL) == 0);
    CHECK(known_at("ours", "127.0.0.1:7002"));
}

/* We advertise it, too, but it is another one's, and the sentence says whose. */
static void name_that_we_only_claim_is_the_holders(void) {
    struct puppet holder = puppet(), second = puppet();
    CHECK(tell(&holder, ADVERTISE, "shared", "127.0.0.1:7001").result == 0);
    CHECK(tell(&second, DISCOVER, "shared", "").result == 0);
    CHECK(tell(&second, ADVERTISE, "shared", "127.0.0.1:7002").result == 0);
    struct answer a = tell(&second, ADVERTISE_NEW, "shared", "127.0.0.1:7002");
    CHECK(a.result == -1 && a.error == EEXIST);
    CHECK(strstr(a.sentence, "a program") != NULL && strstr(a.sentence, "127.0.0.1:7001") != NULL);
    CHECK(strstr(a.sentence, "this program") == NULL);
    a = tell(&holder, ADVERTISE_NEW, "shared", "127.0.0.1:7003"); /* and there it is its own */
    CHECK(a.result == -1 && a.error == EEXIST);
    CHECK(strstr(a.sentence, "this program") != NULL && strstr(a.sentence, "127.0.0.1:7001") != NULL);
    dismiss(&second);
    dismiss(&holder);
}

static void own_services_are_limited_too(void) {
    char name[32];
    for (int i = 0; i < NW0_MAX_SERVICES; i++) {
        snprintf(name, sizeof name, "own/%d", i);
        CHECK(nw0_advertise(name, "7001", NULL) == 0);
    }
    CHECK_FAILS(nw0_advertise("one more", "7001", NULL), ENOBUFS);
    CHECK(count_known() == NW0_MAX_SERVICES);
    CHECK(nw0_advertise("own/7", "7002", NULL) == 0 && known_at("own/7", "127.0.0.1:7002"));
    CHECK(nw0_unadvertise("own/7") == 0);
    CHECK(nw0_advertise("one more", "7001", NULL) == 0 && known_at("one more", "127.0.0.1:7001"));
}

static void unadvertise_of_the_unknown_fails(void) {
    CHECK_FAILS(nw0_unadvertise("never advertised"), ENOENT);
    CHECK_FAILS(nw0_unadvertise(NULL), ENOENT);
    CHECK_FAILS(nw0_unadvertise("never advertised"), ENOENT);
    CHECK(strstr(nw0_error(), "never advertised") != NULL);
    CHECK(nw0_advertise("once", "7001", NULL) == 0);
    CHECK(nw0_unadvertise("once") == 0);
    CHECK(nw0_unadvertise("once") == -1);
    CHECK(nw0_discover("once", 0, NULL) == -1);
}

/* ---- discovering --------------------------------------------------------------------------- */

static void discover_finds_another_process(void) {
    struct puppet p = puppet();
    nw0_service s;
    struct answer a = tell(&p, ADVERTISE, "chat/bob", "");
    CHECK(a.result == 0);
    CHECK(nw0_discover("chat/bob", NW0_FOREVER, &s) == 0);
    CHECK(is(&s, a.service.name, a.service.address));
    CHECK(nw0_discover("chat/bob", SOON, NULL) == 0);
    dismiss(&p);
}

static void discover_waits_for_a_newcomer(void) {
    struct puppet early = puppet(), late = puppet();
    nw0_service s;
    order(&early, DISCOVER, "newcomer", ""); /* it waits, and so do we: */
    CHECK_FAILS(nw0_discover("newcomer", 0.2, &s), ETIMEDOUT);
    order(&late, ADVERTISE, "newcomer", "127.0.0.1:7001");
    CHECK(nw0_discover("newcomer", SOON, &s) == 0 && is(&s, "newcomer", "127.0.0.1:7001"));
    struct answer a = answer_of(&early);
    CHECK(a.result == 0 && is(&a.service, "newcomer", "127.0.0.1:7001"));
    CHECK(answer_of(&late).result == 0);
    dismiss(&late);
    dismiss(&early);
}

static void discover_in_vain_takes_its_time(void) {
    double start = check_now();
    CHECK_FAILS(nw0_discover("chat/nobody", 0.7, NULL), ETIMEDOUT);
    double took = check_now() - start;
    CHECK(took >= 0.7 && took < 3);
    CHECK(strstr(nw0_error(), "chat/nobody") != NULL);
    CHECK(strstr(nw0_error(), " 127.0.0.0/8 ") != NULL && strstr(nw0_error(), " 0.7 s") != NULL);
}

static void discover_with_no_time_never_waits(void) {
    double best = SOON;
    for (int i = 0; i < 5; i++) {
        double start = check_now();
        CHECK_FAILS(nw0_discover("nobody", 0, NULL), ETIMEDOUT);
        double took = check_now() - start;
        if (took < best) best = took;
        nw0_shutdown();
    }
    CHECK(best < 0.02 * slowness());
}

static void name_may_be_in_what_is_filled(void) {
    struct puppet p = puppet();
    nw0_service s;
    CHECK(tell(&p, ADVERTISE, "bob", "127.0.0.1:7001").result == 0);
    CHECK(nw0_discover("bob", SOON, &s) == 0);
    CHECK(nw0_discover(s.name, SOON, &s) == 0 && is(&s, "bob", "127.0.0.1:7001"));
    dismiss(&p);
    CHECK(nw0_advertise("ours", "127.0.0.1:7002", &s) == 0);
    CHECK(nw0_advertise(s.name, s.address, &s) == 0 && is(&s, "ours", "127.0.0.1:7002"));
    CHECK(nw0_discover(s.name, 0, &s) == 0 && is(&s, "ours", "127.0.0.1:7002"));
}

static void discover_needs_a_name(void) {
    CHECK_FAILS(nw0_discover(NULL, 0, NULL), EINVAL);
    CHECK_FAILS(nw0_discover("", 0, NULL), EINVAL);
}

static void discover_asks_for_the_name(void) {
    int e = ear();
    char text[512] = "";
    struct sockaddr_in from;
    CHECK_FAILS(nw0_discover("chat/carol", 0.5, NULL), ETIMEDOUT);
    while (hear(e, text, &from, SOON) && !starts(text, "[\"?chat/carol\"")) continue;
    CHECK(strcmp(text, question_from("chat/carol", address_text(&from))) == 0);
    CHECK(starts(address_text(&from), "127.0.0.1:") && ntohs(from.sin_port) != port);
    close(e);
}

/* ---- lists --------------------------------------------------------------------------------- */

static void advertise_all(const char *const names[], size_t count) {
    for (size_t i = 0; i < count; i++) CHECK(nw0_advertise(names[i], "127.0.0.1:7001", NULL) == 0);
}

static bool lists(const nw0_service services[], int count, const char *const names[]) {
    for (int i = 0; i < count; i++)
        if (!is(&services[i], names[i], "127.0.0.1:7001")) return false;
    return true;
}

static void lists_are_sorted_and_counted(void) {
    static const char *const given[] = {"b", "\xc3\xa9", "a", "Z", "a/b", "ab"};
    static const char *const sorted[] = {"Z", "a", "a/b", "ab", "b", "\xc3\xa9"};
    nw0_service s[8];
    advertise_all(given, 6);
    CHECK(nw0_discover_all(0, s, 8) == 6 && lists(s, 6, sorted));
    for (int capacity = 0; capacity < 8; capacity++) {
        memset(s, 'x', sizeof s);
        CHECK(nw0_discover_all(0, s, capacity) == 6);
        CHECK(lists(s, capacity < 6 ? capacity : 6, sorted));
        for (int i = capacity; i < 8; i++) CHECK(s[i].name[0] == 'x' && s[i].address[0] == 'x');
    }
    CHECK(nw0_discover_all(0, NULL, 0) == 6);
}

static void group_is_its_prefix(void) {
    static const char *const given[] = {"chat/bob",  "chat/alice", "chat",       "chatter/x",
                                        "chat:doug", "chat/x/y",   "other/alice"};
    static const char *const with_slash[] = {"chat/alice", "chat/bob", "chat/x/y"},
                             *const with_colon[] = {"chat:doug"};
    nw0_service s[8];
    advertise_all(given, 7);
    CHECK(nw0_discover_group("chat", NULL, NULL, s, 8) == 3 && lists(s, 3, with_slash));
    CHECK(nw0_discover_group("chat", "/", NULL, s, 8) == 3 && lists(s, 3, with_slash));
    CHECK(nw0_discover_group("chat", ":", NULL, s, 8) == 1 && lists(s, 1, with_colon));
    CHECK(nw0_discover_group("chat", "", NULL, s, 8) == 6);
    CHECK(nw0_discover_group("chat", "/x/", NULL, s, 8) == 1);
    CHECK(nw0_discover_group("cha", NULL, NULL, s, 8) == 0);
    memset(s, 'x', sizeof s);
    CHECK(nw0_discover_group("chat", NULL, NULL, s, 2) == 3 && lists(s, 2, with_slash) &&
          s[2].name[0] == 'x');
    CHECK(nw0_discover_group("chat", NULL, NULL, NULL, 0) == 3);
    CHECK_FAILS(nw0_discover_group(NULL, NULL, NULL, s, 8), EINVAL);
}

static void group_leaves_out_the_excluded(void) {
    static const char *const given[] = {"chat/bob", "chat/alice", "chat/doug"};
    static const char *const nobody[] = {NULL}, *const bob[] = {"chat/bob", "chat", "bob", NULL};
    static const char *const all[] = {"chat/doug", "chat/alice", "chat/bob", NULL};
    static const char *const left[] = {"chat/alice", "chat/doug"};
    nw0_service s[4];
    advertise_all(given, 3);
    CHECK(nw0_discover_group("chat", NULL, nobody, s, 4) == 3);
    CHECK(nw0_discover_group("chat", NULL, bob, s, 4) == 2 && lists(s, 2, left));
    CHECK(nw0_discover_group("chat", NULL, bob, NULL, 0) == 2);
    CHECK(nw0_discover_group("chat", NULL, all, s, 4) == 0);
}

/* What no wait at all shall be, though the machine is busy, shows in the best of a few. */
static void first_list_lets_the_network_answer(void) {
    struct puppet crowd = puppet(), fresh[4] = {puppet(), puppet(), puppet(), puppet()};
    char name[32];
    double best = SOON;
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "crowd/%d", i);
        CHECK(tell(&crowd, ADVERTISE, name, "127.0.0.1:7001").result == 0);
    }
    for (int i = 0; i < 4; i++) {
        struct answer a =
            i % 2 ? tell(&fresh[i], LIST, "crowd/", "") : tell(&fresh[i], LIST_WITHIN_1_S, "", "");
        CHECK(a.result == 50);
        if (a.took < best) best = a.took;
    }
    CHECK(best < 0.75 || slowness() > 1);
    for (int i = 3; i >= 0; i--) dismiss(&fresh[i]);
    dismiss(&crowd);
}

static void later_lists_do_not_wait(void) {
    double best = SOON;
    CHECK(nw0_discover_all(0, NULL, 0) == 0);
    for (int i = 0; i < 10; i++) {
        double start = check_now();
        CHECK(nw0_discover_all(0, NULL, 0) == 0);
        CHECK(nw0_discover_group("chat", NULL, NULL, NULL, 0) == 0);
        if (check_now() - start < best) best = check_now() - start;
    }
    CHECK(best < 0.05);
}

static void discover_all_waits_for_the_first(void) {
    struct puppet p = puppet();
    CHECK(nw0_discover_all(0, NULL, 0) == 0);
    order(&p, ADVERTISE, "first", "127.0.0.1:7001");
    nw0_service s;
    CHECK(nw0_discover_all(SOON, &s, 1) == 1 && is(&s, "first", "127.0.0.1:7001"));
    dismiss(&p);
}

static void discover_all_of_nothing_is_none(void) {
    double start = check_now();
    CHECK(nw0_discover_all(0.9, NULL, 0) == 0);
    CHECK(check_now() - start >= 0.9 && check_now() - start < 3);
}

/* ---- changes ------------------------------------------------------------------------------- */

/* someone's list of a group's members, and the last change in it */
static struct {
    nw0_service members[8], changed;
    int count;
} list;

static int change_in(const char *group, int capacity, double seconds) {
    memset(&list.changed, 0, sizeof list.changed);
    return nw0_wait_for_change(group, NULL, list.members, &list.count, capacity, &list.changed,
                               seconds);
}

static bool joins(const char *group, const char *name, const char *address) {
    int before = list.count;
    return change_in(group, 8, SOON) == NW0_JOINED && is(&list.changed, name, address) &&
           list.count == before + 1;
}

static bool leaves(const char *group, const char *name, const char *address) {
    int before = list.count;
    return change_in(group, 8, SOON) == NW0_LEFT && is(&list.changed, name, address) &&
           list.count == before - 1;
}

static bool has(const char *name, const char *address) {
    int found = 0;
    for (int i = 0; i < list.count; i++) found += is(&list.members[i], name, address);
    return found == 1;
}

static void members_join_and_leave(void) {
    struct puppet p = puppet();
    order(&p, ADVERTISE, "team/a", "127.0.0.1:7001");
    CHECK(joins("team", "team/a", "127.0.0.1:7001"));
    CHECK(answer_of(&p).result == 0);
    order(&p, ADVERTISE, "team/b", "127.0.0.1:7002");
    CHECK(joins("team", "team/b", "127.0.0.1:7002"));
    CHECK(has("team/a", "127.0.0.1:7001") && has("team/b", "127.0.0.1:7002"));
    CHECK(answer_of(&p).result == 0);
    order(&p, UNADVERTISE, "team/a", "");
    CHECK(leaves("team", "team/a", "127.0.0.1:7001"));
    CHECK(list.count == 1 && has("team/b", "127.0.0.1:7002"));
    CHECK(answer_of(&p).result == 0);
    dismiss(&p);
    CHECK(leaves("team", "team/b", "127.0.0.1:7002") && list.count == 0);
}

static void moving_is_leaving_and_joining(void) {
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "team/a", "127.0.0.1:7001").result == 0);
    CHECK(joins("team", "team/a", "127.0.0.1:7001"));
    CHECK(tell(&p, ADVERTISE, "team/a", "127.0.0.1:7002").result == 0);
    CHECK(leaves("team", "team/a", "127.0.0.1:7001") && list.count == 0);
    CHECK(joins("team", "team/a", "127.0.0.1:7002") && has("team/a", "127.0.0.1:7002"));
    dismiss(&p);
}

static void changes_elsewhere_are_no_changes(void) {
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "team", "127.0.0.1:7001").result == 0);
    CHECK(tell(&p, ADVERTISE, "teams/a", "127.0.0.1:7001").result == 0);
    CHECK(nw0_discover("teams/a", SOON, NULL) == 0);
    double start = check_now();
    CHECK_FAILS(change_in("team", 8, 0.3), ETIMEDOUT);
    CHECK(check_now() - start >= 0.3 && list.count == 0);
    CHECK_FAILS(change_in("team", 8, 0), ETIMEDOUT);
    CHECK(nw0_wait_for_change("team", "s/", list.members, &list.count, 8, NULL, SOON) ==
          NW0_JOINED);
    CHECK(has("teams/a", "127.0.0.1:7001"));
    dismiss(&p);
}

static void no_group_is_every_service(void) {
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "theirs", "127.0.0.1:7001").result == 0);
    CHECK(nw0_advertise("ours", "127.0.0.1:7002", NULL) == 0);
    CHECK(change_in(NULL, 8, SOON) == NW0_JOINED && change_in(NULL, 8, SOON) == NW0_JOINED);
    CHECK(has("ours", "127.0.0.1:7002") && has("theirs", "127.0.0.1:7001") && list.count == 2);
    CHECK(nw0_unadvertise("ours") == 0);
    CHECK(leaves(NULL, "ours", "127.0.0.1:7002"));
    dismiss(&p);
}

static void list_of_the_caller_is_what_counts(void) {
    CHECK(nw0_advertise("team/a", "127.0.0.1:7001", NULL) == 0);
    strcpy(list.members[0].name, "team/ghost");
    strcpy(list.members[0].address, "127.0.0.1:1");
    strcpy(list.members[1].name, "team/a");
    strcpy(list.members[1].address, "127.0.0.1:7001");
    list.count = 2;
    CHECK(leaves("team", "team/ghost", "127.0.0.1:1"));
    CHECK(list.count == 1 && has("team/a", "127.0.0.1:7001"));
    CHECK_FAILS(change_in("team", 8, 0), ETIMEDOUT);
    list.count = 0;
    CHECK(joins("team", "team/a", "127.0.0.1:7001"));
}

/* It is the caller's memory: whatever stands there, a few changes make it right. */
static void list_in_disorder_is_put_right(void) {
    static const char *const names[] = {"team/a", "team/b", "team/c"};
    static const char *const found[] = {"team/c", "team/b", "team/b", "team/a"};
    int changes = 0;
    advertise_all(names, 3);
    for (int i = 0; i < 4; i++) {
        strcpy(list.members[i].name, found[i]);
        memset(list.members[i].address, i == 3 ? '\0' : 'x', 5);
    }
    list.count = 4;
    while (changes < 20 && change_in("team", 8, 0) > 0) changes++;
    CHECK(errno == ETIMEDOUT && changes <= 4 + 3 && list.count == 3);
    for (int i = 0; i < 3; i++) CHECK(strcmp(list.members[i].name, names[i]) == 0);
}

static void full_list_stays_right(void) {
    static const char *const names[] = {"team/a", "team/b", "team/c"};
    advertise_all(names, 3);
    CHECK(change_in("team", 2, SOON) == NW0_JOINED && change_in("team", 2, SOON) == NW0_JOINED);
    nw0_service before[2];
    memcpy(before, list.members, sizeof before);
    memset(&list.members[2], 'x', sizeof list.members[2]);
    for (int i = 0; i < 3; i++) CHECK_FAILS(change_in("team", 2, SOON), ENOBUFS);
    CHECK(list.count == 2 && memcmp(before, list.members, sizeof before) == 0 &&
          list.members[2].name[0] == 'x');

    char gone[NW0_NAME_SIZE];
    strcpy(gone, before[0].name); /* room is made by whoever leaves */
    CHECK(nw0_unadvertise(gone) == 0);
    CHECK(change_in("team", 2, SOON) == NW0_LEFT && strcmp(list.changed.name, gone) == 0 &&
          list.count == 1);
    CHECK(change_in("team", 2, SOON) == NW0_JOINED && list.count == 2);
    CHECK_FAILS(change_in("team", 2, 0), ETIMEDOUT);
}

static void no_room_at_all_is_a_full_list(void) {
    CHECK(nw0_advertise("team/a", "127.0.0.1:7001", NULL) == 0);
    CHECK_FAILS(nw0_wait_for_change("team", NULL, NULL, &list.count, 0, NULL, SOON), ENOBUFS);
    CHECK(list.count == 0);
}

static void list_that_makes_no_sense_is_refused(void) {
    int negative = -1, three = 3;
    CHECK_FAILS(nw0_wait_for_change(NULL, NULL, list.members, NULL, 8, NULL, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_change(NULL, NULL, list.members, &negative, 8, NULL, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_change(NULL, NULL, list.members, &three, 2, NULL, 0), EINVAL);
    CHECK_FAILS(nw0_wait_for_change(NULL, NULL, NULL, &list.count, 8, NULL, 0), EINVAL);
}

/* ---- leaving ------------------------------------------------------------------------------- */

static void leaves_at_once(struct puppet *p, enum what how) {
    CHECK(tell(p, ADVERTISE, "leaver", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "leaver", "127.0.0.1:7001"));
    double start = check_now();
    order(p, how, "leaver", "");
    CHECK(leaves(NULL, "leaver", "127.0.0.1:7001"));
    CHECK(check_now() - start < AT_ONCE);
    if (how != LEAVE) CHECK(answer_of(p).result == 0);
}

static void goodbyes_are_seen_at_once(void) {
    struct puppet p = puppet();
    leaves_at_once(&p, UNADVERTISE);
    leaves_at_once(&p, SHUTDOWN);
    leaves_at_once(&p, LEAVE); /* an exit of the program */
    bury(&p, 0);
}

static void kill_is_seen_long_before_the_ttl(void) {
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "victim", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "victim", "127.0.0.1:7001"));
    double start = check_now();
    kill_9(&p);
    CHECK(leaves(NULL, "victim", "127.0.0.1:7001"));
    CHECK(check_now() - start < 3.5 + AT_ONCE);
}

static void restart_is_recognised_within_a_second(void) {
    struct puppet first = puppet(), second = puppet();
    CHECK(tell(&first, ADVERTISE, "server", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "server", "127.0.0.1:7001"));
    kill_9(&first);
    double start = check_now();
    CHECK(tell(&second, ADVERTISE, "server", "127.0.0.1:7002").result == 0);
    CHECK(leaves(NULL, "server", "127.0.0.1:7001"));
    CHECK(joins(NULL, "server", "127.0.0.1:7002"));
    CHECK(check_now() - start < 1 + AT_ONCE);
    dismiss(&second);
}

/* it was killed and started again where it was: nobody notices */
static void restart_in_the_same_place_is_no_change(void) {
    struct puppet first = puppet(), second = puppet();
    CHECK(tell(&first, ADVERTISE, "server", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "server", "127.0.0.1:7001"));
    kill_9(&first);
    CHECK(tell(&second, ADVERTISE, "server", "127.0.0.1:7001").result == 0);
    CHECK_FAILS(change_in(NULL, 8, 6),
                ETIMEDOUT); /* longer than silence lasts until it is noticed */
    dismiss(&second);
    CHECK(leaves(NULL, "server", "127.0.0.1:7001"));
}

static void used_again_after_shutdown(void) {
    int e = ear();
    for (int i = 0; i < 3; i++) {
        CHECK(nw0_advertise("phoenix", "127.0.0.1:7001", NULL) == 0);
        CHECK(hears(e, advert("phoenix", "127.0.0.1:7001"), NULL));
        nw0_shutdown();
        CHECK(hears(e, goodbye("phoenix", "127.0.0.1:7001"), NULL));
        CHECK(nw0_discover("phoenix", 0, NULL) == -1);
        nw0_shutdown();
        nw0_shutdown(); /* twice does no harm */
    }
    close(e);
}

/* ---- the wire: what is said ---------------------------------------------------------------- */

static void adverts_come_at_once_and_then_every_two_seconds(void) {
    int e = ear();
    struct puppet p = puppet();
    double start = check_now(), last, now;
    order(&p, ADVERTISE, "beat", "127.0.0.1:7001");
    CHECK(hears(e, advert("beat", "127.0.0.1:7001"), NULL));
    last = check_now();
    CHECK(last - start < AT_ONCE);
    for (int i = 0; i < 3; i++) {
        CHECK(hears(e, advert("beat", "127.0.0.1:7001"), NULL));
        now = check_now();
        CHECK(now - last < 2 + AT_ONCE);
        CHECK(i == 0 || now - last > 1); /* the first one may have come between two beats */
        last = now;
    }
    CHECK(answer_of(&p).result == 0);
    dismiss(&p);
    close(e);
}

static void every_form_of_address_is_announced_as_it_is_reached(void) {
    static const struct {
        const char *given, *heard;
    } forms[] = {{"7001", "127.0.0.1:7001"},
                 {"127.*:7002", "127.0.0.1:7002"},
                 {"127.0.0.5:7003", "127.0.0.5:7003"},
                 {"localhost:7004", "127.0.0.1:7004"}};
    int e = ear();
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct sockaddr_in from;
        memset(&from, 0, sizeof from);
        CHECK(nw0_advertise("form", forms[i].given, NULL) == 0);
        CHECK(hears(e, advert("form", forms[i].heard), &from));
        CHECK(starts(address_text(&from), "127.0.0.1:") && ntohs(from.sin_port) != port);
    }
    close(e);
}

static void goodbyes_have_no_ttl(void) {
    int e = ear();
    CHECK(nw0_advertise("one", "127.0.0.1:7001", NULL) == 0);
    CHECK(nw0_advertise("two", "127.0.0.1:7002", NULL) == 0);
    CHECK(nw0_unadvertise("one") == 0);
    CHECK(hears(e, goodbye("one", "127.0.0.1:7001"), NULL));
    nw0_shutdown();
    CHECK(hears(e, goodbye("two", "127.0.0.1:7002"), NULL));
    close(e);
}

static void question_is_answered_straight_to_the_asker(void) {
    int e = ear(), m = mouth("127.0.0.1");
    CHECK(nw0_advertise("asked", "127.0.0.1:7001", NULL) == 0);
    struct sockaddr_in its_mouth = mouth_of(e, "asked", "127.0.0.1:7001"), from;
    memset(&from, 0, sizeof from);
    shout(m, question("asked", m)); /* by broadcast */
    CHECK(hears(m, advert("asked", "127.0.0.1:7001"), &from));
    CHECK(strcmp(address_text(&from), address_text(&its_mouth)) == 0);
    say(m, question("asked", m), &its_mouth); /* and straight to the mouth */
    CHECK(hears(m, advert("asked", "127.0.0.1:7001"), &from));
    CHECK(strcmp(address_text(&from), address_text(&its_mouth)) == 0);
    close(m);
    close(e);
}

static void question_from_another_host_of_the_network_is_answered(void) {
    int m = mouth("127.0.0.77");
    CHECK(nw0_advertise("asked", "127.0.0.1:7001", NULL) == 0);
    shout(m, question("asked", m));
    CHECK(hears(m, advert("asked", "127.0.0.1:7001"), NULL));
    close(m);
}

static void everybody_is_asked_and_all_adverts_answer(void) {
    static const char *const names[] = {"one", "two", "three"};
    int m = mouth("127.0.0.1"), seen = 0;
    char text[512];
    advertise_all(names, 3);
    shout(m, question("", m));
    double start = check_now();
    while (seen != 7 && hear(m, text, NULL, SOON))
        for (int i = 0; i < 3; i++)
            if (strcmp(text, advert(names[i], "127.0.0.1:7001")) == 0) seen |= 1 << i;
    CHECK(seen == 7 && check_now() - start < AT_ONCE);
    close(m);
}

/* how long the answer to a question takes */
static double time_to_answer(int m, const char *name) {
    double start = check_now();
    shout(m, question(name, m));
    CHECK(hears(m, advert("marker", MARKER), NULL));
    return check_now() - start;
}

/* All who have something would answer at the same moment, and some answers be lost: so they wait for a while, and not
 * all of them the same. Who is asked by name is the only one. */
static void everybody_answers_after_a_random_while_and_one_at_once(void) {
    int m = mouth("127.0.0.1"), at_once = 0;
    double shortest = SOON, longest = 0;
    set_marker();
    for (int i = 0; i < 20; i++) {
        if (time_to_answer(m, "marker") < 0.01 * slowness()) at_once++;
        double took = time_to_answer(m, "");
        if (took < shortest) shortest = took;
        if (took > longest) longest = took;
    }
    CHECK(at_once > 10);
    CHECK(longest > 0.01 && longest - shortest > 0.01);
    close(m);
}

/* whoever asks in the name of another one must not be able to have him flooded */
static void answer_goes_to_the_asker_whatever_he_says(void) {
    int m = mouth("127.0.0.1"), victim = mouth("127.0.0.1");
    char text[512];
    set_marker();
    shout(m, question_from("marker", address_of(victim)));
    CHECK(hears(m, advert("marker", MARKER), NULL));
    shout(m, question_from("", address_of(victim)));
    CHECK(hears(m, advert("marker", MARKER), NULL));
    CHECK(!hear(victim, text, NULL, 0));
    close(m);
    close(victim);
}

static void question_about_others_is_not_answered(void) {
    static const char *const others[] = {"ours/nam",   "ours/",     "ours/name2",
                                         "ours/name/", "Ours/name", "other"};
    int m = mouth("127.0.0.1");
    char text[512] = "";
    set_marker();
    CHECK(nw0_advertise("ours/name", "7001", NULL) == 0);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) shout(m, question(others[i], m));
    shout(m, advert_for("?ours/name", address_of(m), TTL)); /* a question has no ttl */
    shout(m, question("marker", m));
    CHECK(hear(m, text, NULL, SOON) && strcmp(text, advert("marker", MARKER)) == 0);
    close(m);
}

/* asks without end for some seconds, and counts the answers */
static int answers_in(double seconds, int m, const struct sockaddr_in *to) {
    int answers = 0;
    char text[512];
    double end = check_now() + seconds;
    while (check_now() < end) {
        for (int i = 0; i < 40; i++) {
            if (i % 2) say(m, question("asked", m), to);
            else shout(m, question("asked", m));
        }
        while (hear(m, text, NULL, 0.002)) answers++;
    }
    return answers;
}

static void answers_are_at_most_a_thousand_a_second(void) {
    int e = ear(), m = mouth("127.0.0.1");
    CHECK(nw0_advertise("asked", "127.0.0.1:7001", NULL) == 0);
    struct sockaddr_in its_mouth = mouth_of(e, "asked", "127.0.0.1:7001");
    close(e);
    double start = check_now();
    int answers = answers_in(2.5, m, &its_mouth);
    CHECK(answers <= 1000 * (check_now() - start + 1));
    CHECK(answers >= 200); /* it is a bound, not a silence */
    bool again = false;
    char text[512];
    for (start = check_now(); !again && check_now() < start + SOON;) {
        say(m, question("asked", m), &its_mouth);
        again = hear(m, text, NULL, 0.2);
    }
    CHECK(again);
    close(m);
}

/* ---- the wire: what is heard --------------------------------------------------------------- */

static void well_formed_adverts_are_heard(void) {
    static const struct {
        const char *name, *datagram;
    } cases[] = {
        {"plain", "[\"plain\",\"127.0.0.1:7000\",20]"},
        {"spaces", " \t\r\n[ \"spaces\"\n,\t\"127.0.0.1:7000\" , 20\r] \n"},
        {"python", "[\"python\", \"127.0.0.1:7000\", 20]"},
        {"escape A", "[\"escape\\u0020\\u0041\",\"127.0.0.1:7000\",20]"},
        {"\xc3\xa9t\xc3\xa9", "[\"\\u00e9t\\u00E9\",\"127.0.0.1:7000\",20]"},
        {"\xe2\x98\x83", "[\"\\u2603\",\"127.0.0.1:7000\",20]"},
        {"\xf0\x9f\x98\x80", "[\"\\ud83d\\uDE00\",\"127.0.0.1:7000\",20]"},
        {"\xf4\x8f\xbf\xbf", "[\"\\udbff\\udfff\",\"127.0.0.1:7000\",20]"},
        {"k\xc3\xb6ln \xe2\x98\x83 \xf0\x9f\x98\x80",
         "[\"k\xc3\xb6ln \xe2\x98\x83 \xf0\x9f\x98\x80\",\"127.0.0.1:7000\",20]"},
        {"q\"b\\s/", "[\"q\\\"b\\\\s\\/\",\"127.0.0.1:7000\",20]"},
        {"\b\f\n\r\t", "[\"\\b\\f\\n\\r\\t\",\"127.0.0.1:7000\",20]"},
        {"\x01", "[\"\\u0001\",\"127.0.0.1:7000\",20]"},
        {"\x7f", "[\"\x7f\",\"127.0.0.1:7000\",20]"},
        {"a,b]\"", "[\"a,b]\\\"\",\"127.0.0.1:7000\",20]"},
        {"why?", "[\"why?\",\"127.0.0.1:7000\",20]"},
        {"fraction", "[\"fraction\",\"127.0.0.1:7000\",20.5]"},
        {"exponent", "[\"exponent\",\"127.0.0.1:7000\",2e1]"},
        {"exponent+", "[\"exponent+\",\"127.0.0.1:7000\",0.2E+2]"},
        {"exponent-", "[\"exponent-\",\"127.0.0.1:7000\",2000e-2]"},
        {"a year", "[\"a year\",\"127.0.0.1:7000\",31536000]"},
        {"for ever", "[\"for ever\",\"127.0.0.1:7000\",1e999]"},
        {"escaped address", "[\"escaped address\",\"127\\u002e0.0.1\\u003a7000\",20]"},
    };
    int m = networkzero();
    set_marker();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) shout(m, cases[i].datagram);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        nw0_service s;
        bool heard =
            nw0_discover(cases[i].name, SOON, &s) == 0 && is(&s, cases[i].name, "127.0.0.1:7000");
        if (!heard) printf("    was not heard: %s\n", cases[i].datagram);
        CHECK(heard);
    }
    CHECK(count_known() == 1 + (int)(sizeof cases / sizeof cases[0]));
    close(m);
}

#define AT ",\"127.0.0.1:7000\","
#define BYTES(text)                                                                                \
    { text, sizeof(text) - 1 }

static void malformed_datagrams_are_dropped(void) {
    /* clang-format off */
    static const struct { const char *bytes; size_t size; } cases[] = {
        /* not an array of three */
        BYTES(""), BYTES("["), BYTES("]"), BYTES("[]"), BYTES("null"), BYTES("20"), BYTES("\"x\""), BYTES("[\"x\"]"),
        BYTES("[\"x\",\"127.0.0.1:7000\"]"), BYTES("[\"x\"" AT "]"), BYTES("[\"x\"" AT "20,20]"), BYTES("[\"x\"" AT "20,]"),
        BYTES("[,\"127.0.0.1:7000\",20]"), BYTES("[\"x\",,20]"), BYTES("[\"x\"" AT "20"), BYTES("[\"x\"" AT), BYTES("[\"x"),
        BYTES("{\"x\":\"127.0.0.1:7000\",\"ttl\":20}"), BYTES("[[\"x\"" AT "20]]"), BYTES("(\"x\"" AT "20)"),
        BYTES("[\"x\";\"127.0.0.1:7000\";20]"), BYTES("[\"x\" \"127.0.0.1:7000\" 20]"), BYTES("[\"x\",\"127.0.0.1:7000\"20]"),
        /* not two strings */
        BYTES("[1" AT "20]"), BYTES("[null" AT "20]"), BYTES("[true" AT "20]"), BYTES("[[\"x\"]" AT "20]"), BYTES("[x" AT "20]"),
        BYTES("['x'" AT "20]"), BYTES("[\"x\",7000,20]"), BYTES("[\"x\",null,20]"), BYTES("[\"x\",[\"127.0.0.1:7000\"],20]"),
        BYTES("[\"x\",{},20]"),
        /* something after or before the end */
        BYTES("[\"x\"" AT "20]x"), BYTES("[\"x\"" AT "20]]"), BYTES("[\"x\"" AT "20]\0"), BYTES("[\"x\"" AT "20][]"),
        BYTES("x[\"x\"" AT "20]"), BYTES("\xef\xbb\xbf[\"x\"" AT "20]"), BYTES("\0[\"x\"" AT "20]"), BYTES("[\"x\"" AT "20],"),
        BYTES("[\"x\"" AT "20]\v"), BYTES("\f[\"x\"" AT "20]"), BYTES("[\"x\"" AT "\xc2\xa0" "20]"),
        /* a ttl that is none */
        BYTES("[\"x\"" AT "\"20\"]"), BYTES("[\"x\"" AT "-1]"), BYTES("[\"x\"" AT "-20]"), BYTES("[\"x\"" AT "NaN]"),
        BYTES("[\"x\"" AT "nan]"), BYTES("[\"x\"" AT "Infinity]"), BYTES("[\"x\"" AT "inf]"), BYTES("[\"x\"" AT "true]"),
        BYTES("[\"x\"" AT "null]"), BYTES("[\"x\"" AT "[20]]"), BYTES("[\"x\"" AT "{}]"), BYTES("[\"x\"" AT "020]"),
        BYTES("[\"x\"" AT "+20]"), BYTES("[\"x\"" AT ".5]"), BYTES("[\"x\"" AT "5.]"), BYTES("[\"x\"" AT "2e]"),
        BYTES("[\"x\"" AT "2e+]"), BYTES("[\"x\"" AT "0x14]"), BYTES("[\"x\"" AT "--20]"), BYTES("[\"x\"" AT "-]"),
        BYTES("[\"x\"" AT "2 0]"), BYTES("[\"x\"" AT "20s]"), BYTES("[\"x\"" AT "1_0]"),
        /* not UTF-8 */
        BYTES("[\"\xff\"" AT "20]"), BYTES("[\"x\x80\"" AT "20]"), BYTES("[\"\xc3\"" AT "20]"), BYTES("[\"\xe2\x98\"" AT "20]"),
        BYTES("[\"\xf0\x9f\x98\"" AT "20]"), BYTES("[\"\xc0\xaf\"" AT "20]"), BYTES("[\"\xc1\xbf\"" AT "20]"),
        BYTES("[\"\xe0\x80\xaf\"" AT "20]"), BYTES("[\"\xf0\x80\x80\xaf\"" AT "20]"), BYTES("[\"\xed\xa0\x80\"" AT "20]"),
        BYTES("[\"\xed\xa0\xbd\xed\xb8\x80\"" AT "20]"), BYTES("[\"\xf4\x90\x80\x80\"" AT "20]"), BYTES("[\"\xf5\x80\x80\x80\"" AT "20]"),
        BYTES("[\"x\xe2\x98"), BYTES("[\"\xe2\x28\xa1\"" AT "20]"),
        /* escapes that mean nothing */
        BYTES("[\"\\ud800\"" AT "20]"), BYTES("[\"\\udc00\"" AT "20]"), BYTES("[\"\\ud800x\"" AT "20]"), BYTES("[\"\\ud800\\n\"" AT "20]"),
        BYTES("[\"\\ud800\\u0041\"" AT "20]"), BYTES("[\"\\ud800\\ud800\"" AT "20]"), BYTES("[\"\\ude00\\ud83d\"" AT "20]"),
        BYTES("[\"\\u0000\"" AT "20]"), BYTES("[\"x\\u0000y\"" AT "20]"), BYTES("[\"\\u12\"" AT "20]"), BYTES("[\"\\u12g4\"" AT "20]"),
        BYTES("[\"\\u+123\"" AT "20]"), BYTES("[\"\\u 123\"" AT "20]"), BYTES("[\"\\x41\"" AT "20]"), BYTES("[\"\\'\"" AT "20]"),
        BYTES("[\"\\U00000041\"" AT "20]"), BYTES("[\"\\"), BYTES("[\"\\u00"), BYTES("[\"\\ud83d\\u"),
        /* bare control characters */
        BYTES("[\"x\ny\"" AT "20]"), BYTES("[\"x\ty\"" AT "20]"), BYTES("[\"x\0y\"" AT "20]"), BYTES("[\"\x1f\"" AT "20]"),
        /* names that are none */
        BYTES("[\"\"" AT "20]"), BYTES("[\"?\"" AT "20]"), BYTES("[\"?x\"" AT "20]"), BYTES("[\"\\u003fx\"" AT "20]"),
        /* addresses that are none */
        BYTES("[\"x\",\"\",20]"), BYTES("[\"x\",\"127.0.0.1\",20]"), BYTES("[\"x\",\"127.0.0.1:\",20]"), BYTES("[\"x\",\":7000\",20]"),
        BYTES("[\"x\",\"7000\",20]"), BYTES("[\"x\",\"127.0.0.1:0\",20]"), BYTES("[\"x\",\"127.0.0.1:65536\",20]"),
        BYTES("[\"x\",\"127.0.0.1:4294968296\",20]"), BYTES("[\"x\",\"127.0.0.1:-1\",20]"), BYTES("[\"x\",\"127.0.0.1:+70\",20]"),
        BYTES("[\"x\",\"127.0.0.1:07000\",20]"), BYTES("[\"x\",\"127.0.0.01:7000\",20]"), BYTES("[\"x\",\"127.0.0.256:7000\",20]"),
        BYTES("[\"x\",\"127.0.0:7000\",20]"), BYTES("[\"x\",\"127.0.0.1.1:7000\",20]"), BYTES("[\"x\",\"127.0.0.*:7000\",20]"),
        BYTES("[\"x\",\"127.0.0.1:7000x\",20]"), BYTES("[\"x\",\" 127.0.0.1:7000\",20]"), BYTES("[\"x\",\"127.0.0.1:7000 \",20]"),
        BYTES("[\"x\",\"127.0.0.1:7000:7000\",20]"), BYTES("[\"x\",\"localhost:7000\",20]"), BYTES("[\"x\",\"[::1]:7000\",20]"),
        BYTES("[\"x\",\"0.0.0.0:7000\",20]"), BYTES("[\"x\",\"224.0.0.1:7000\",20]"), BYTES("[\"x\",\"239.1.2.3:7000\",20]"),
        BYTES("[\"x\",\"255.255.255.255:7000\",20]"),
        BYTES("[\"x\",\"127..0.1:7000\",20]"), BYTES("[\"x\",\"0x7f.0.0.1:7000\",20]"), BYTES("[\"x\",\"127.0.0.1:7000\\u0000\",20]"),
    }; /* clang-format on */
    int m = mouth("127.0.0.1");
    set_marker();
    CHECK(count_known() == 1);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        shout_bytes(m, cases[i].bytes, cases[i].size);
        settle(m);
        if (count_known() != 1)
            printf("    was believed: %.*s\n", (int)cases[i].size, cases[i].bytes);
        CHECK(count_known() == 1);
    }
    close(m);
}

/* an advert of exactly so many bytes, with blanks at its end */
static void shout_padded(int m, const char *name, size_t size) {
    char datagram[2000];
    memset(datagram, ' ', sizeof datagram);
    const char *text = advert(name, "127.0.0.1:7000");
    memcpy(datagram, text, strlen(text));
    shout_bytes(m, datagram, size);
    settle(m);
}

static void adverts_have_at_most_256_bytes(void) {
    int m = networkzero();
    set_marker();
    shout_padded(m, "255", 255);
    shout_padded(m, "256", 256);
    CHECK(known_at("255", "127.0.0.1:7000") && known_at("256", "127.0.0.1:7000"));
    shout_padded(m, "257", 257);
    shout_padded(m, "300", 300);
    shout_padded(m, "1400", 1400);
    CHECK(count_known() == 3);
    close(m);
}

static void long_names_are_dropped_and_never_cut(void) {
    char name[256], longer[256], escaped[512];
    int m = networkzero();
    set_marker();
    name_of(name, "n", NW0_NAME_SIZE - 1);
    name_of(longer, "n", NW0_NAME_SIZE);
    shout(m, advert(longer, "127.0.0.1:7001"));
    settle(m);
    CHECK(count_known() == 1);
    shout(m, advert(name, "127.0.0.1:7002"));
    settle(m);
    CHECK(known_at(name, "127.0.0.1:7002") && count_known() == 2);
    name_of(name, "\xc3\xa9", 99); /* two bytes each, whatever they took in the datagram */
    name_of(escaped, "\xc3\xa9", 98);
    strcat(escaped, "\\u00e9");
    shout(m, advert(escaped, "127.0.0.1:7003"));
    settle(m);
    CHECK(known_at(name, "127.0.0.1:7003") && count_known() == 3);
    close(m);
}

static void networkzero_programs_live_by_their_ttl(void) {
    int m = networkzero();
    set_marker();
    CHECK(joins(NULL, "marker", MARKER));
    double start = check_now();
    shout(m, advert_for("short", "127.0.0.1:7001", 1));
    CHECK(joins(NULL, "short", "127.0.0.1:7001"));
    shout(m, advert_for("long", "127.0.0.1:7002", 7));
    CHECK(joins(NULL, "long", "127.0.0.1:7002"));
    CHECK(leaves(NULL, "short", "127.0.0.1:7001"));
    CHECK(check_now() - start >= 0.9 && check_now() - start < 2.5 + AT_ONCE);
    CHECK(leaves(NULL, "long", "127.0.0.1:7002"));
    CHECK(check_now() - start >= 6.5 && check_now() - start < 8.5 + AT_ONCE);
    close(m);
}

/* it cannot be asked whether it lives: so a second one has to wait */
static void networkzero_programs_keep_their_names_until_their_ttl(void) {
    int m = networkzero(), second = mouth("127.0.0.2");
    start_listening();
    double start = check_now();
    shout(m, advert_for("contested", "127.0.0.1:7001", 3));
    CHECK(joins(NULL, "contested", "127.0.0.1:7001"));
    do shout(second, advert("contested", "127.0.0.2:7002"));
    while (change_in(NULL, 8, 0.3) < 0 && check_now() - start < SOON);
    CHECK(list.count == 0 && check_now() - start >= 2.9);
    shout(second, advert("contested", "127.0.0.2:7002"));
    CHECK(joins(NULL, "contested", "127.0.0.2:7002"));
    close(second);
    close(m);
}

static void networkzero_programs_say_goodbye(void) {
    int m = networkzero();
    start_listening();
    shout(m, advert("python", "127.0.0.1:7001"));
    CHECK(joins(NULL, "python", "127.0.0.1:7001"));
    shout(m, goodbye("python", "127.0.0.1:7001"));
    CHECK(leaves(NULL, "python", "127.0.0.1:7001"));
    close(m);
}

/* one that fell silent is asked; one that answers stays, one that does not is gone */
static void silence_is_asked_about(void) {
    int mute = mouth("127.0.0.1"), quiet = mouth("127.0.0.1"), asked = 0, mute_asked = 0;
    char text[512];
    struct sockaddr_in from;
    double start, gone = 0;
    start_listening();
    start = check_now();
    shout(mute, advert("mute", "127.0.0.1:7001"));
    CHECK(joins(NULL, "mute", "127.0.0.1:7001"));
    shout(quiet, advert("quiet", "127.0.0.1:7002"));
    CHECK(joins(NULL, "quiet", "127.0.0.1:7002"));
    while (check_now() - start < 9) {
        if (hear(quiet, text, &from, 0.05) &&
            strcmp(text, question_from("quiet", address_text(&from))) == 0) {
            asked++;
            say(quiet, advert("quiet", "127.0.0.1:7002"), &from);
        }
        while (hear(mute, text, &from, 0))
            mute_asked += strcmp(text, question_from("mute", address_text(&from))) == 0;
        if (change_in(NULL, 8, 0) == NW0_LEFT && is(&list.changed, "mute", "127.0.0.1:7001"))
            gone = check_now() - start;
    }
    CHECK(gone > 2 && gone < 3.5 + AT_ONCE);
    CHECK(mute_asked >= 2 && asked >= 2);
    CHECK(list.count == 1 && has("quiet", "127.0.0.1:7002"));
    close(mute);
    close(quiet);
}

/* The ttl is for those who cannot ask back. One that is held up for longer answers when it goes on, as one does whose
 * machine is busy. */
static void ttl_does_not_hurry_those_who_can_ask(void) {
    int e = ear();
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE_BRIEFLY, "brief", "127.0.0.1:7001").result == 0);
    CHECK(joins(NULL, "brief", "127.0.0.1:7001"));
    CHECK(hears(e, advert_for("brief", "127.0.0.1:7001", 1), NULL));
    stop(&p);
    CHECK_FAILS(change_in(NULL, 8, 1.5), ETIMEDOUT);
    kill(p.pid, SIGCONT);
    CHECK_FAILS(change_in(NULL, 8, 1.5), ETIMEDOUT);
    CHECK(known_at("brief", "127.0.0.1:7001"));
    dismiss(&p);
    close(e);
}

/* An answer waits in the mouth, and the goodbye that was said after it in the ear: whichever is read first, nobody is
 * there afterwards who has left. */
static void goodbye_is_not_overtaken_by_an_answer_before_it(void) {
    int e = ear(), m = mouth("127.0.0.1");
    struct puppet p = puppet();
    CHECK(tell(&p, ADVERTISE, "marker", MARKER).result == 0);
    struct sockaddr_in its_mouth = mouth_of(e, "marker", MARKER);
    say(m, advert("ghost/0", "127.0.0.1:7001"), &its_mouth); /* what is said there is believed */
    settle_straight(m, &its_mouth);
    CHECK(tell(&p, LIST, "ghost/", "").result == 1);
    for (int i = 1; i <= 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "ghost/%d", i);
        stop(&p);
        say(m, advert(name, "127.0.0.1:7001"), &its_mouth);
        shout(m, goodbye(name, "127.0.0.1:7001"));
        kill(p.pid, SIGCONT);
        settle(m);
        settle_straight(m, &its_mouth);
        CHECK(tell(&p, LIST, name, "").result == 0);
    }
    dismiss(&p);
    close(m);
    close(e);
}

static void goodbye_of_a_stranger_does_not_count(void) {
    int m = mouth("127.0.0.1"), neighbour = mouth("127.0.0.1"), stranger = mouth("127.0.0.2"),
        python = networkzero();
    set_marker();
    shout(m, advert("x", "127.0.0.1:7001"));
    settle(m);
    CHECK(known_at("x", "127.0.0.1:7001"));
    const int others[] = {neighbour, stranger, python};
    for (int i = 0; i < 3; i++) {
        shout(others[i], goodbye("x", "127.0.0.1:7001"));
        shout(others[i], goodbye("marker", MARKER));
        settle(others[i]);
        CHECK(known_at("x", "127.0.0.1:7001") && known_at("marker", MARKER));
        close(others[i]);
    }
    shout(m, goodbye("x", "127.0.0.1:7001"));
    settle(m);
    CHECK(!known_at("x", "127.0.0.1:7001"));
    close(m);
}

/* answers every question about the name that reaches its mouth, for a time; how many there were */
static int defend(int m, const char *name, const char *address, double seconds) {
    int questions = 0;
    char text[512];
    struct sockaddr_in from;
    double end = check_now() + seconds, left;
    while ((left = end - check_now()) > 0)
        if (hear(m, text, &from, left) &&
            strcmp(text, question_from(name, address_text(&from))) == 0) {
            say(m, advert(name, address), &from);
            questions++;
        }
    return questions;
}

static void first_holder_keeps_its_name_while_it_answers(void) {
    int first = mouth("127.0.0.1"), second = mouth("127.0.0.2");
    start_listening();
    shout(first, advert("contested", "127.0.0.1:7001"));
    CHECK(joins(NULL, "contested", "127.0.0.1:7001"));
    for (int i = 0; i < 3; i++) {
        shout(second, advert("contested", "127.0.0.2:7002"));
        CHECK(defend(first, "contested", "127.0.0.1:7001", 1.2) > 0);
        CHECK_FAILS(change_in(NULL, 8, 0), ETIMEDOUT);
    }
    CHECK(known_at("contested", "127.0.0.1:7001"));
    double start = check_now(); /* it falls silent: the second takes its place */
    shout(second, advert("contested", "127.0.0.2:7002"));
    CHECK(leaves(NULL, "contested", "127.0.0.1:7001"));
    CHECK(joins(NULL, "contested", "127.0.0.2:7002"));
    CHECK(check_now() - start < 1 + AT_ONCE);
    close(first);
    close(second);
}

static void same_mouth_may_move_at_once(void) {
    int m = mouth("127.0.0.1");
    set_marker();
    shout(m, advert("mover", "127.0.0.1:7001"));
    shout(m, advert("mover", "127.0.0.1:7002"));
    settle(m);
    CHECK(known_at("mover", "127.0.0.1:7002"));
    close(m);
}

static void own_name_is_not_lost_to_others(void) {
    struct puppet observer = puppet();
    int m = mouth("127.0.0.2");
    set_marker();
    struct answer a = tell(&observer, DISCOVER, "marker", "");
    CHECK(a.result == 0 && is(&a.service, "marker", MARKER));
    CHECK(joins(NULL, "marker", MARKER));
    for (double start = check_now(); check_now() - start < 2.5;) {
        shout(m, advert("marker", "127.0.0.2:7002"));
        settle(m);
        CHECK_FAILS(change_in(NULL, 8, 0.3), ETIMEDOUT);
        a = tell(&observer, DISCOVER, "marker", "");
        CHECK(a.result == 0 && is(&a.service, "marker", MARKER));
    }
    dismiss(&observer);
    close(m);
}

static void flood(const char *ip, int count) {
    char name[32];
    int m = mouth(ip);
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "flood/%d", i);
        shout(m, advert(name, "127.0.0.2:7000"));
        if (i % 50 == 49) settle(m);
    }
    close(m);
}

static void flood_of_one_sender_harms_nobody(void) {
    struct puppet p = puppet();
    int python = networkzero(), newcomer = mouth("127.0.0.3");
    char name[32];
    set_marker();
    CHECK(tell(&p, ADVERTISE, "known/puppet", "127.0.0.1:7001").result == 0);
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof name, "known/%d", i);
        shout(python, advert_for(name, "127.0.0.1:7002", 600));
        CHECK(nw0_discover(name, SOON, NULL) == 0);
    }
    CHECK(nw0_discover("known/puppet", SOON, NULL) == 0);
    flood("127.0.0.2", 5000);
    int count = count_known();
    CHECK(count > 12 && count <= 1024);
    CHECK(nw0_discover_group("known", NULL, NULL, NULL, 0) == 11 && known_at("marker", MARKER));
    shout(newcomer, advert("new", "127.0.0.3:7003"));
    settle(newcomer);
    CHECK(known_at("new", "127.0.0.3:7003"));
    CHECK(tell(&p, ADVERTISE, "new/puppet", "127.0.0.1:7004").result == 0);
    CHECK(nw0_discover("new/puppet", SOON, NULL) == 0);
    CHECK(nw0_advertise("new/ours", "127.0.0.1:7005", NULL) == 0 &&
          known_at("new/ours", "127.0.0.1:7005"));
    close(newcomer);
    close(python);
    dismiss(&p);
}

/* ---- NW0_DEBUG ----------------------------------------------------------------------------- */

/* the next line out of the pipe that begins like this and has that word in it, or NULL */
static const char *line_of(FILE *lines, const char *start, const char *word) {
    static char line[1024];
    double end = check_now() + SOON; /* there is one at least every two seconds */
    while (check_now() < end && fgets(line, sizeof line, lines))
        if (starts(line, start) && strstr(line, word)) return line;
    printf("    no line \"%s ... %s\"\n", start, word);
    return NULL;
}

/* how many datagrams have been dropped, as the next line about that tells; from this mouth */
static long count_dropped(FILE *lines, int m) {
    const char *line = line_of(lines, "nw0: dropped", address_of(m));
    const char *number = line ? strstr(line, "number ") : NULL;
    return number ? strtol(number + strlen("number "), NULL, 10) : -1;
}

static void debug_tells_what_happens_and_why(void) {
    int ends[2], m;
    if (pipe(ends) < 0) abort();
    setenv("NW0_DEBUG", "1", 1);
    struct puppet p = puppet_with_stderr(ends[1]);
    unsetenv("NW0_DEBUG");
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    m = mouth("127.0.0.1");
    CHECK(tell(&p, ADVERTISE, "talker", "127.0.0.1:7001").result == 0);
    CHECK(line_of(lines, "nw0: sent", advert("talker", "127.0.0.1:7001")));
    shout(m, advert("visitor", "127.0.0.1:7002"));
    CHECK(line_of(lines, "nw0: heard", advert("visitor", "127.0.0.1:7002")));
    CHECK(line_of(lines, "nw0: joined", "visitor"));
    for (int i = 1; i <= 2; i++) {
        shout(m, "[\"odd\",\"127.0.0.1:7003\"]");
        CHECK(count_dropped(lines, m) == 2 * i - 1);
        shout(m, "[\"\xff\",\"127.0.0.1:7003\",20]");
        CHECK(count_dropped(lines, m) == 2 * i);
    }
    shout(m, goodbye("visitor", "127.0.0.1:7002"));
    CHECK(line_of(lines, "nw0: heard", goodbye("visitor", "127.0.0.1:7002")));
    CHECK(line_of(lines, "nw0: left", "visitor"));
    dismiss(&p);
    fclose(lines);
}

/* Whoever can send a datagram must not be able to write lines of his own, or to command the terminal. */
static void debug_prints_nothing_raw(void) {
    static const char *const tricks[] = {"[\"new\\nline\\u001b[2J\",\"127.0.0.1:7001\",20]",
                                         "[\"blank\"\n,\t\"127.0.0.1:7001\"\r,20]\n",
                                         "[\"new\\nline\\u001b[2J\",\"127.0.0.1:7001\",0]",
                                         "[\"bad\n\x1b[2J\",\"127.0.0.1:7001\",20]",
                                         "[\"?new\\nline\",\"127.0.0.1:7001\",0]",
                                         /* U+009B is ESC [ in one character, U+00E9 is harmless */
                                         "[\"caf\xc3\xa9 \\u009b31m\",\"127.0.0.1:7001\",20]",
                                         "[\"caf\xc3\xa9 \302\23331m\",\"127.0.0.1:7001\",20]",
                                         "[\"\xc2\x80 \xc2\x85 \xc2\x9f\",\"127.0.0.1:7001\",20]"};
    int ends[2], m, cafes = 0;
    char line[1024];
    if (pipe(ends) < 0) abort();
    setenv("NW0_DEBUG", "1", 1);
    struct puppet p = puppet_with_stderr(ends[1]);
    unsetenv("NW0_DEBUG");
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    m = mouth("127.0.0.1");
    CHECK(tell(&p, ADVERTISE, "marker", MARKER).result == 0);
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) shout(m, tricks[i]);
    settle(m);
    dismiss(&p);
    while (fgets(line, sizeof line, lines)) {
        line[strcspn(line, "\n")] = '\0';
        CHECK(starts(line, "nw0: "));
        for (const char *c = line; *c; c++) {
            CHECK((unsigned char)*c >= ' ' && *c != 0x7f);
            CHECK(!((unsigned char)*c == 0xc2 && (unsigned char)c[1] < 0xa0));
        }
        if (strstr(line, "joined") && strstr(line, "caf\xc3\xa9 ") && strstr(line, ".31m")) cafes++;
    }
    CHECK(cafes == 1); /* the second one is the same name */
    fclose(lines);
    close(m);
}

static void without_debug_it_is_silent(void) {
    int ends[2];
    char byte;
    if (pipe(ends) < 0) abort();
    struct puppet p = puppet_with_stderr(ends[1]);
    close(ends[1]);
    int m = mouth("127.0.0.1");
    CHECK(tell(&p, ADVERTISE, "marker", MARKER).result == 0);
    shout(m, "[\"visitor\",\"127.0.0.1:7002\",20]");
    shout(m, "[\"odd\",\"127.0.0.1:7003\"]");
    settle(m);
    dismiss(&p);
    CHECK(read(ends[0], &byte, 1) == 0); /* the end, and nothing before it */
    close(ends[0]);
    close(m);
}

/* ---- signals, threads, fork ---------------------------------------------------------------- */

static void nothing_to_do(int number) {
    (void)number;
}

/* a process that sends this one a signal again and again: one of them falls into any wait */
static pid_t pesterer(void) {
    struct sigaction act;
    memset(&act, 0, sizeof act);
    act.sa_handler = nothing_to_do;
    act.sa_flags = SA_RESTART;
    sigaction(SIGUSR1, &act, NULL);
    pid_t victim = getpid(), pid = fork();
    if (pid == 0) {
        while (getppid() == victim && kill(victim, SIGUSR1) == 0) poll(NULL, 0, 20);
        _exit(0);
    }
    return pid;
}

static void signals_end_every_wait(void) {
    pid_t pid = pesterer();
    CHECK_FAILS(nw0_discover("nobody", 30, NULL), EINTR);
    CHECK_FAILS(nw0_discover("nobody", NW0_FOREVER, NULL), EINTR);
    CHECK_FAILS(nw0_discover_all(30, NULL, 0), EINTR);
    CHECK_FAILS(change_in(NULL, 8, 30), EINTR);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static void *one_of_many(void *argument) {
    long number = (long)(intptr_t)argument, faults = 0;
    char name[32], address[32];
    nw0_service all[16];
    snprintf(name, sizeof name, "threads/%ld", number);
    for (int i = 0; i < 25; i++) {
        snprintf(address, sizeof address, "127.0.0.1:%d", 7000 + i);
        faults += nw0_advertise(name, address, NULL) != 0;
        faults += !known_at(name, address);
        faults += nw0_discover_group("threads", NULL, NULL, all, 16) < 1;
        faults += nw0_unadvertise(name) != 0;
        faults += known_at(name, address);
    }
    return (void *)(intptr_t)faults;
}

static void threads_may_do_all_this_at_once(void) {
    pthread_t threads[4];
    void *faults;
    for (intptr_t i = 0; i < 4; i++)
        CHECK(pthread_create(&threads[i], NULL, one_of_many, (void *)i) == 0);
    for (int i = 0; i < 4; i++) CHECK(pthread_join(threads[i], &faults) == 0 && faults == NULL);
    CHECK(count_known() == 0);
}

/* A child that only ends has no adverts to say goodbye for: they are its parent's. */
static void forked_child_leaves_the_adverts_of_its_parent_alone(void) {
    int e = ear(), status = -1;
    char text[512];
    CHECK(nw0_advertise("parent", "127.0.0.1:7001", NULL) == 0);
    CHECK(hears(e, advert("parent", "127.0.0.1:7001"), NULL));
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        nw0_shutdown(); /* as exit() does; but leak checkers miss the threads that stayed behind */
        _exit(0);
    }
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    CHECK(nw0_advertise("after", "127.0.0.1:7002", NULL) == 0);
    while (hear(e, text, NULL, SOON) && strcmp(text, advert("after", "127.0.0.1:7002")) != 0)
        CHECK(strcmp(text, goodbye("parent", "127.0.0.1:7001")) != 0);
    close(e);
}

int main(int argc, char **argv) {
    setenv("NW0_NETWORK", "127.*", 1);
    unsetenv("NW0_DEBUG");
    check_begin(argc, argv);

    /* those that wait longest come first */
    RUN_APART(silence_is_asked_about);
    RUN_APART(networkzero_programs_live_by_their_ttl);
    RUN_APART(adverts_come_at_once_and_then_every_two_seconds);
    RUN_APART(restart_in_the_same_place_is_no_change);
    RUN_APART(first_holder_keeps_its_name_while_it_answers);
    RUN_APART(networkzero_programs_keep_their_names_until_their_ttl);
    RUN_APART(kill_is_seen_long_before_the_ttl);
    RUN_APART(answers_are_at_most_a_thousand_a_second);
    RUN_APART(own_name_is_not_lost_to_others);
    RUN_APART(restart_is_recognised_within_a_second);
    RUN_APART(first_list_lets_the_network_answer);
    RUN_APART(discover_with_no_time_never_waits);
    RUN_APART(ttl_does_not_hurry_those_who_can_ask);
    RUN_APART(everybody_answers_after_a_random_while_and_one_at_once);

    RUN_APART(address_of_nothing_is_ours_with_a_free_port);
    RUN_APART(address_takes_every_form);
    RUN_APART(address_without_a_port_gets_a_free_one);
    RUN_APART(pattern_that_no_interface_matches_is_refused);
    RUN_APART(pattern_of_many_stars_is_refused_at_once);
    RUN_APART(other_machines_have_no_free_port_for_us);
    RUN_APART(nonsense_is_no_address);
    RUN_APART(endless_text_is_no_address);

    RUN_APART(advertise_without_a_port_listens_at_once);
    RUN_APART(message_before_the_first_wait_is_queued);
    RUN_APART(advertise_with_a_port_binds_nothing);
    RUN_APART(advertise_tells_what_it_advertised);
    RUN_APART(advertise_again_replaces);
    RUN_APART(names_reach_other_processes_unchanged);
    RUN_APART(names_that_are_none_are_refused);
    RUN_APART(longest_names_are_exact);
    RUN_APART(longest_names_make_room_for_the_ttl);
    RUN_APART(ttl_must_be_a_time);
    RUN_APART(ttl_is_on_the_wire);
    RUN_APART(own_ttl_is_bounded);
    RUN_APART(held_name_is_not_taken);
    RUN_APART(name_of_the_dead_is_free);
    RUN_APART(name_of_the_dead_goes_to_one_thread);
    RUN_APART(own_name_counts_as_held);
    RUN_APART(name_that_we_only_claim_is_the_holders);
    RUN_APART(own_services_are_limited_too);
    RUN_APART(unadvertise_of_the_unknown_fails);

    RUN_APART(discover_finds_another_process);
    RUN_APART(discover_waits_for_a_newcomer);
    RUN_APART(discover_in_vain_takes_its_time);
    RUN_APART(name_may_be_in_what_is_filled);
    RUN_APART(discover_needs_a_name);
    RUN_APART(discover_asks_for_the_name);

    RUN_APART(lists_are_sorted_and_counted);
    RUN_APART(group_is_its_prefix);
    RUN_APART(group_leaves_out_the_excluded);
    RUN_APART(later_lists_do_not_wait);
    RUN_APART(discover_all_waits_for_the_first);
    RUN_APART(discover_all_of_nothing_is_none);

    RUN_APART(members_join_and_leave);
    RUN_APART(moving_is_leaving_and_joining);
    RUN_APART(changes_elsewhere_are_no_changes);
    RUN_APART(no_group_is_every_service);
    RUN_APART(list_of_the_caller_is_what_counts);
    RUN_APART(list_in_disorder_is_put_right);
    RUN_APART(full_list_stays_right);
    RUN_APART(no_room_at_all_is_a_full_list);
    RUN_APART(list_that_makes_no_sense_is_refused);

    RUN_APART(goodbyes_are_seen_at_once);
    RUN_APART(used_again_after_shutdown);

    RUN_APART(every_form_of_address_is_announced_as_it_is_reached);
    RUN_APART(goodbyes_have_no_ttl);
    RUN_APART(question_is_answered_straight_to_the_asker);
    RUN_APART(question_from_another_host_of_the_network_is_answered);
    RUN_APART(everybody_is_asked_and_all_adverts_answer);
    RUN_APART(answer_goes_to_the_asker_whatever_he_says);
    RUN_APART(question_about_others_is_not_answered);

    RUN_APART(well_formed_adverts_are_heard);
    RUN_APART(malformed_datagrams_are_dropped);
    RUN_APART(adverts_have_at_most_256_bytes);
    RUN_APART(long_names_are_dropped_and_never_cut);
    RUN_APART(networkzero_programs_say_goodbye);
    RUN_APART(goodbye_is_not_overtaken_by_an_answer_before_it);
    RUN_APART(goodbye_of_a_stranger_does_not_count);
    RUN_APART(same_mouth_may_move_at_once);
    RUN_APART(flood_of_one_sender_harms_nobody);

    RUN_APART(debug_tells_what_happens_and_why);
    RUN_APART(debug_prints_nothing_raw);
    RUN_APART(without_debug_it_is_silent);
    RUN_APART(signals_end_every_wait);
    RUN_APART(threads_may_do_all_this_at_once);
    RUN_APART(forked_child_leaves_the_adverts_of_its_parent_alone);
    while (running_count > 0) collect_one();
    return check_report("discovery");
}
