/* child.h - other processes: every fork and exec of the tests.
 *
 * A child is this program again, in a role that its first argument names; another program; or a fork
 * of the test itself. What NW0_RUN names ("valgrind -q") is put before this program, so that an
 * emulator runs the child as it runs the parent. A child that hangs is ended by its alarm.
 */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H
#include "port.h"
#include <limits.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

#define CHILD_LIMIT_S (CHECK_LIMIT_S / 2) /* so that it ends before the test that waits for it */

static char child_program[PATH_MAX]; /* how this program is called */
static int child_is;                 /* this process is a fork of the test */

/* ThreadSanitizer knows no threads in the child of a program with threads: there, a fork does only
 * what needs none. LeakSanitizer would wait for the parent's threads in a fork that exits */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define CHILD_HAS_NO_THREADS 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define CHILD_HAS_NO_THREADS 1
#endif
#ifndef CHILD_HAS_NO_THREADS
#define CHILD_HAS_NO_THREADS 0
#endif

const char *__tsan_default_options(void);
const char *__tsan_default_options(void) {
    return "die_after_fork=0";
}

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void) {
    return child_is;
}

/* valgrind lets a SIGCHLD that nobody handles end a wait with EINTR, in whichever thread it likes */
static inline void child_mask_sigchld(int how) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigprocmask(how, &set, NULL);
}

/* call first in main(): a name with a slash in it is good in every directory from here on */
static inline void child_begin(char **argv) {
    child_mask_sigchld(SIG_BLOCK);
    if (strchr(argv[0], '/') != NULL && realpath(argv[0], child_program) != NULL) return;
    snprintf(child_program, sizeof child_program, "%s", argv[0]);
}

/* whether this process was started by child_start() in this role, and then with which argument */
static inline const char *child_role(int argc, char **argv, const char *role) {
    if (argc < 2 || strcmp(argv[1], role) != 0) return NULL;
    return argc < 3 ? "" : argv[2];
}

/* the file "tests/..." of the project, which is above the directory of this program; or 0 */
static inline int child_file(char path[PATH_MAX], const char *name) {
    char directory[PATH_MAX];
    strcpy(directory, child_program);
    for (char *slash; (slash = strrchr(directory, '/')) != NULL;) {
        *slash = '\0';
        if (snprintf(path, PATH_MAX, "%s/%s", directory, name) >= PATH_MAX) return 0;
        if (access(path, R_OK) == 0) return 1;
    }
    return 0;
}

/* a fork of the test: 0 in the child, which starts with no faults, leaves by exit() or _exit(), and
 * has the test's whole time. What it prints is its own */
static inline pid_t child_fork(void) {
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid != 0) return pid;
    child_is = 1;
    check_faults = 0;
    alarm(CHECK_LIMIT_S);
    return 0;
}

/* another program, its words ended by a NULL; if it cannot be started, it ends with 127. What it
 * prints can be read from *out, unless out is NULL */
static inline pid_t child_exec(const char *const words[], int *out) {
    int ends[2] = {-1, -1};
    CHECK(out == NULL || pipe(ends) == 0);
    for (int i = 0; i < 2; i++) port_close_on_exec(ends[i]);
    fflush(stdout);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        signal(SIGALRM, SIG_DFL);
        child_mask_sigchld(SIG_UNBLOCK);
        alarm(CHILD_LIMIT_S);
        if (out != NULL) dup2(ends[1], STDOUT_FILENO);
        execvp(words[0], (char **)(uintptr_t)words);
        _exit(127);
    }
    if (out != NULL) close(ends[1]), *out = ends[0];
    return pid;
}

/* this program again, after the runner: "ROLE ARGUMENT" are its arguments, or the role alone */
static inline pid_t child_start_out(const char *role, const char *argument, int *out) {
    char runner[1000];
    const char *words[24], *given = getenv("NW0_RUN");
    int count = 0;
    snprintf(runner, sizeof runner, "%s", given != NULL ? given : "");
    for (char *word = strtok(runner, " \t"); word != NULL && count < 20; word = strtok(NULL, " \t"))
        words[count++] = word;
    words[count++] = child_program;
    words[count++] = role;
    words[count++] = argument;
    words[count] = NULL;
    return child_exec(words, out);
}

static inline pid_t child_start(const char *role, const char *argument) {
    return child_start_out(role, argument, NULL);
}

/* its status, as of waitpid(), once it has ended, or stopped, if that is asked for. One that takes
 * too long is killed, and that is a fault */
static inline int child_status(pid_t pid, int options) {
    int status = -1;
    pid_t ended = 0;
    for (double end = check_now() + CHECK_LIMIT_S * 0.75; pid > 0 && check_now() < end;) {
        ended = waitpid(pid, &status, WNOHANG | options);
        if (ended != 0 && !(ended < 0 && errno == EINTR)) break;
        usleep(500);
    }
    CHECK(pid > 0 && ended == pid);
    if (pid > 0 && ended == 0) kill(pid, SIGKILL), waitpid(pid, &status, 0);
    return status;
}

/* the next child that ends, whichever, each having an alarm of its own; -1 if there is none */
static inline pid_t child_any(int *status) {
    pid_t pid;
    do pid = wait(status);
    while (pid < 0 && errno == EINTR);
    return pid;
}

static inline int child_wait(pid_t pid) {
    return child_status(pid, 0);
}

static inline int child_ended_well(pid_t pid) {
    int status = child_wait(pid);
    if (status != 0) printf("    a child ended with status 0x%x\n", (unsigned)status);
    return status == 0;
}

/* a signal for this child, and never for everybody, if it could not be started: its id is -1 then */
static inline void child_signal(pid_t pid, int number) {
    CHECK(pid > 0 && kill(pid, number) == 0);
}

/* kills it, which it must not have forestalled by ending */
static inline void child_kill(pid_t pid) {
    child_signal(pid, SIGKILL);
    int status = child_wait(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* holds it up, until it is sent a SIGCONT: everything that is said to it meanwhile waits */
static inline void child_stop(pid_t pid) {
    child_signal(pid, SIGSTOP);
    CHECK(WIFSTOPPED(child_status(pid, WUNTRACED)));
}

/* a line that another process prints, or what there is of it before the end */
static inline const char *child_line(int fd, char *line, size_t size) {
    size_t n = 0;
    while (n + 1 < size && read(fd, line + n, 1) == 1 && line[n] != '\n') n++;
    line[n] = '\0';
    return line;
}
#endif
