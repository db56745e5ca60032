/* chat_room NAME: a room for any number of people. Type a line and Enter, and all see it; Ctrl-D or
 * Ctrl-C leaves. Nobody is the server: each publishes news, and subscribes to everybody else.
 *     cc -I. examples/chat_room.c -o chat_room -pthread
 *     ./chat_room alice         on one machine
 *     ./chat_room bob           on another */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CAPACITY = 1000, LINE_SIZE = 500 };
static nw0_service me, people[CAPACITY]; /* I am among the people, too */
static int count;
static volatile sig_atomic_t leaving;

static void leave(int signal_number) {
    (void)signal_number;
    leaving = 1;
}

static bool is_me(const nw0_service *person) {
    return strcmp(person->name, me.name) == 0;
}

/* a line on the screen; what others send must not move the cursor about */
static void show(const nw0_service *person, const char *separator, const char *text) {
    const char *parts[] = {person->name + strlen("room/"), separator, text};
    for (int i = 0; i < 3; i++)
        for (const char *c = parts[i]; *c; c++) putchar(iscntrl((unsigned char)*c) ? '?' : *c);
    putchar('\n');
    fflush(stdout);
}

/* what somebody has said since we last looked; the first look subscribes */
static void hear(const nw0_service *person) {
    char line[LINE_SIZE];
    while (nw0_wait_for_news_from(person->address, NULL, NULL, line, sizeof line, 0) >= 0)
        show(person, ": ", line);
    if (errno == ETIMEDOUT || errno == EINTR) return;
    fprintf(stderr, "chat_room: %s\n", nw0_error());
    nw0_close(person->address); /* the next look begins anew */
}

static void say(const char *line) {
    if (!*line) return;
    /* who has just come may not listen yet: that takes a moment */
    nw0_wait_for_subscribers(me.address, count - 1, 3);
    if (nw0_send_news_to(me.address, NULL, line, NW0_TEXT) < 0)
        fprintf(stderr, "chat_room: %s\n", nw0_error());
}

/* says the lines that are complete; false at the end. (fgets may take two lines at once and keep
 * one for itself: poll() would not know.) */
static bool read_keyboard(void) {
    static char typed[LINE_SIZE];
    static size_t used; /* of it, without Enter yet */
    ssize_t n = read(STDIN_FILENO, typed + used, sizeof typed - 1 - used);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    used += (size_t)n;
    typed[used] = '\0';
    char *line = typed, *end;
    while ((end = (char *)memchr(line, '\n', used)) != NULL) {
        *end = '\0';
        say(line);
        used -= (size_t)(end + 1 - line);
        line = end + 1;
    }
    memmove(typed, line, used + 1);
    if (n > 0 && used < sizeof typed - 1) return true;
    say(typed); /* a last line without Enter, or a very long one in pieces */
    used = 0;
    return n > 0;
}

/* who has come, and who has gone, since the last look? */
static void look_around(const char *came) {
    nw0_service who;
    int change;
    while ((change = nw0_wait_for_change("room", NULL, people, &count, CAPACITY, &who, 0)) > 0) {
        if (is_me(&who)) continue;
        if (change == NW0_LEFT) {
            hear(&who); /* its last words */
            nw0_close(who.address);
        }
        show(&who, " ", change == NW0_JOINED ? came : "has left");
    }
}

int main(int argc, char **argv) {
    static struct pollfd watched[CAPACITY + 1]; /* the keyboard, and everybody's news */
    char name[NW0_NAME_SIZE];
    if (argc != 2) return fprintf(stderr, "usage: chat_room NAME\n"), 2;
    snprintf(name, sizeof name, "room/%s", argv[1]);
    if (nw0_advertise_ex(name, NULL, true, 20, &me) < 0) /* true: fail if that name is taken */
        return fprintf(stderr, "chat_room: %s\n", nw0_error()), 1;
    signal(SIGINT, leave);
    signal(SIGTERM, leave);
    nw0_discover_group("room", NULL, NULL, NULL, 0); /* the first time, this lets all answer */
    look_around("is here");
    show(&me, " ", "is you; type something");

    while (!leaving) {
        watched[count].fd = STDIN_FILENO;
        for (int i = 0; i < count; i++) /* poll() passes over what is -1 */
            watched[i].fd = is_me(&people[i]) ? -1 : nw0_news_fd(people[i].address, NULL);
        for (int i = 0; i <= count; i++) watched[i].events = POLLIN, watched[i].revents = 0;
        poll(watched, (nfds_t)count + 1, 100); /* 0.1 s, and then a look at who is there */
        bool typed = watched[count].revents != 0;
        for (int i = 0; i < count; i++)
            if (!is_me(&people[i])) hear(&people[i]);
        look_around("has joined");
        if (typed && !read_keyboard()) return 0;
    }
    return 0; /* the library says goodbye when a program ends by itself */
}
