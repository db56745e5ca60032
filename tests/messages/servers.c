/* servers.c - servers that start late, come back, or die. */
#include "nw0.h"

#include "child.h"
#include "messages.h"

static void *answer_late(void *argument) {
    usleep(150000);
    return answers(argument, "early", "late") ? argument : NULL;
}

static void a_server_may_start_late(void) {
    char address[NW0_ADDRESS_SIZE];
    new_address(address);
    double begin = check_now();
    pthread_t thread = start(answer_late, address);
    CHECK(asks(address, "early", "late"));
    CHECK(check_now() - begin >= 0.15);
    CHECK(check_now() - begin < 5);
    CHECK(finish(thread) != NULL);
    nw0_close(address);
}

static void a_server_may_restart_between_two_messages(void) {
    server s;
    server_start(&s);
    CHECK(asks(s.address, "before", "before"));
    server_stop(&s);
    server_start_again(&s);
    CHECK(asks(s.address, "after", "after"));
    server_stop(&s);
}

/* the other process: it answers until it is asked to die; then it says so, and is killed */
static int serve_and_die(const char *address) {
    char room[100];
    for (;;) {
        ssize_t n = nw0_wait_for_message_from(address, room, sizeof room, LIMIT, false);
        if (n < 0) return 1;
        if (strcmp(room, "die") == 0) break;
        nw0_send_reply_to(address, room, (size_t)n);
    }
    puts("taken");
    fflush(stdout);
    for (;;) pause();
}

typedef struct victim {
    pid_t pid;
    int out;
} victim;

static void *kill_when_asked(void *argument) {
    victim *v = argument;
    char line[10];
    int taken = strcmp(child_line(v->out, line, sizeof line), "taken") == 0;
    return taken && kill(v->pid, SIGKILL) == 0 ? argument : NULL;
}

/* it dies while it is asked, between two questions, and while it is asked again */
static void a_server_may_die_and_come_back(void) {
    char address[NW0_ADDRESS_SIZE], none[8];
    new_address(address);
    for (int life = 0; life < 3; life++) {
        victim v;
        v.pid = child_start_out("--serve", address, &v.out);
        CHECK(asks(address, "alive?", "alive?"));
        CHECK(asks(address, "still?", "still?"));
        if (life == 1) {
            child_kill(v.pid);
        } else {
            pthread_t killer = start(kill_when_asked, &v);
            CHECK_FAILS(nw0_send_message_to(address, "die", 3, none, sizeof none, LIMIT),
                        ECONNRESET);
            CHECK(finish(killer) != NULL);
            CHECK(WIFSIGNALED(child_wait(v.pid)));
        }
        close(v.out);
    }
    nw0_close(address);
}

int main(int argc, char **argv) {
    child_begin(argv);
    if (child_role(argc, argv, "--serve")) return serve_and_die(argv[2]);
    net_begin();
    check_begin(argc, argv);
    RUN(a_server_may_start_late);
    RUN(a_server_may_restart_between_two_messages);
    RUN(a_server_may_die_and_come_back);
    nw0_shutdown();
    return check_report("messages/servers");
}
