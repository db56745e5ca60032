/* python.c - a program in another language publishes and subscribes: wire/news.py. */
#include "nw0.h"

#include "child.h"
#include "talk.h"

static int has_python(void) {
    const char *words[] = {"python3", "-c", "", NULL};
    return child_wait(child_exec(words, NULL)) == 0;
}

static pid_t start_python(const char *script, const char *what, const char *where,
                          const char *prefix, const char *count, int *out) {
    const char *words[] = {"python3", script, what, where, prefix, count, NULL};
    if (prefix == NULL) words[4] = words[5], words[5] = NULL;
    return child_exec(words, out);
}

/* the line that the other program prints for an item */
static void describe(char *line, const char *topic, const unsigned char *data, size_t size) {
    line += sprintf(line, "%s ", topic);
    for (size_t i = 0; i < size; i++) line += sprintf(line, "%02x", data[i]);
}

static void python_subscribes(const char *script) {
    char address[NW0_ADDRESS_SIZE], topic[NW0_NAME_SIZE], line[3000], right[3000];
    unsigned char data[1000];
    int out[2];
    new_address(address);
    publish_at(address);
    pid_t all = start_python(script, "subscribe", address, "", "41", &out[0]);
    pid_t some = start_python(script, "subscribe", address, "n/1", "11", &out[1]);
    CHECK(has_subscribers(address, 2));
    for (size_t i = 0; i < 40; i++) {
        snprintf(topic, sizeof topic, "n/%d", (int)i);
        fill(data, i * 25);
        CHECK(nw0_send_news_to(address, topic, data, i * 25) == (i == 1 || i / 10 == 1 ? 2 : 1));
    }
    CHECK(sends(address, "\303\244", "") == 1);
    for (size_t i = 0; i < 40 && !check_faults; i++) {
        snprintf(topic, sizeof topic, "n/%d", (int)i);
        fill(data, i * 25);
        describe(right, topic, data, i * 25);
        CHECK(strcmp(child_line(out[0], line, sizeof line), right) == 0);
        if (i == 1 || i / 10 == 1) CHECK(strcmp(child_line(out[1], line, sizeof line), right) == 0);
    }
    CHECK(strcmp(child_line(out[0], line, sizeof line), "\303\244 ") == 0);
    CHECK(child_ended_well(all) && child_ended_well(some));
    close(out[0]);
    close(out[1]);
    nw0_close(address);
}

static void python_publishes(const char *script) {
    char line[100], topic[NW0_NAME_SIZE], right[40];
    unsigned char data[5000];
    const char *about[] = {"item/0", "item/1", "item/23", NULL};
    int out;
    pid_t pid = start_python(script, "publish", "0", NULL, "30", &out);
    CHECK(strncmp(child_line(out, line, sizeof line), "listening at ", 13) == 0);
    const char *address = line + 13, *from[] = {address, NULL};
    for (int i = 0; i < 30 && !check_faults; i++) {
        if (i > 1 && i / 10 != 1 && i != 23) continue;
        ssize_t n = nw0_wait_for_news_from_any(from, about, topic, data, sizeof data, LIMIT);
        snprintf(right, sizeof right, "item/%d", i);
        CHECK(strcmp(topic, right) == 0 && n == i * 97);
        for (int k = 0; k < n; k++) CHECK(data[k] == (unsigned char)(i + k));
    }
    CHECK(nw0_wait_for_news_from_any(from, about, topic, data, sizeof data, 0) == -1);
    CHECK(child_ended_well(pid));
    close(out);
    nw0_close(address);
}

static void another_language_speaks_the_same_frames(void) {
    char script[PATH_MAX];
    if (!child_file(script, "tests/wire/news.py")) SKIP("tests/wire/news.py was not found");
    if (!has_python()) SKIP("no python3");
    python_subscribes(script);
    python_publishes(script);
}

int main(int argc, char **argv) {
    child_begin(argv);
    net_begin();
    check_begin(argc, argv);
    RUN(another_language_speaks_the_same_frames);
    nw0_shutdown();
    return check_report("news/python");
}
