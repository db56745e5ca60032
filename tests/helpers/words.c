/* words.c - words as a shell splits them: checked against the shell itself. What is read ends at a
 * guard page, so that one byte too far crashes.
 */
#include "nw0.h"

#include "helpers.h"

/* the words of a line, each in brackets: "[a][b c]" */
static const char *words_of(const char *line) {
    static char text[EDGE_SIZE];
    char *words[64];
    int count = nw0_action_and_params(text_at_edge(line), words, 64);
    if (count < 0) return "failed";
    text[0] = '\0';
    for (int i = 0; i < count; i++) {
        strcat(text, "[");
        strcat(text, words[i]);
        strcat(text, "]");
    }
    return text;
}

static void words_are_what_blanks_divide(void) {
    static const struct {
        const char *line, *words;
    } cases[] = {
        {"", ""},
        {"   \t ", ""},
        {"stop", "[stop]"},
        {"  move 3\t-4  ", "[move][3][-4]"},
        {"'one word' two", "[one word][two]"},
        {"\"one word\" two", "[one word][two]"},
        {"say \"\" ''", "[say][][]"},
        {"it's 'one", "[its one]"},
        {"a\"b c\"'d e'f", "[ab cd ef]"},
        {"one\\ word", "[one word]"},
        {"\\\"\\'\\\\", "[\"'\\]"},
        {"\"say \\\"hi\\\" \\\\o\"", "[say \"hi\" \\o]"},
        {"'no \\escape\"'", "[no \\escape\"]"},
        {"\"it's\"", "[it's]"},
        {"k\xc3\xb6ln \xe2\x98\x83", "[k\xc3\xb6ln][\xe2\x98\x83]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *words = words_of(cases[i].line);
        if (strcmp(words, cases[i].words) != 0) printf("    <%s> gave %s\n", cases[i].line, words);
        CHECK(strcmp(words, cases[i].words) == 0);
    }
}

/* whether every quote in the line is closed, and no backslash is its last character */
static bool complete(const char *line) {
    char quote = '\0';
    for (; *line; line++) {
        if (*line == '\\' && quote != '\'') {
            if (*++line == '\0') return false;
        } else if (quote == '\0' && (*line == '\'' || *line == '"')) {
            quote = *line;
        } else if (*line == quote) {
            quote = '\0';
        }
    }
    return quote == '\0';
}

static void throw_a_line(char line[32]) {
    do {
        unsigned length = dice(24);
        for (unsigned i = 0; i < length; i++) line[i] = "ab \t'\"\\'\" b"[dice(11)];
        line[length] = '\0';
    } while (!complete(line));
}

/* the shell that the system has splits the same lines, and must come to the same words */
static void words_are_those_of_the_shell(void) {
    enum { LINES = 400 };
    static char lines[LINES][32];
    char path[] = "/tmp/nw0_words_XXXXXX", command[64], answer[256];
    FILE *script = fdopen(mkstemp(path), "w");
    for (int i = 0; i < LINES; i++) {
        throw_a_line(lines[i]);
        fprintf(script, "set -- %s\nfor word; do printf '[%%s]' \"$word\"; done; echo\n", lines[i]);
    }
    fclose(script);
    snprintf(command, sizeof command, "sh %s", path);
    FILE *shell = popen(command, "r");
    for (int i = 0; i < LINES; i++) {
        CHECK(fgets(answer, sizeof answer, shell) != NULL);
        answer[strcspn(answer, "\n")] = '\0';
        const char *words = words_of(lines[i]);
        if (strcmp(words, answer) != 0)
            printf("    <%s> gave %s, the shell says %s\n", lines[i], words, answer);
        CHECK(strcmp(words, answer) == 0);
    }
    CHECK(pclose(shell) == 0);
    unlink(path);
}

static void quote_without_end_is_refused(void) {
    static const char *const lines[] = {"'",        "\"",     "say 'hello", "say \"hello",
                                        "a 'b' 'c", "\"it's", "'a\\'b'",    "\"a\\\""};
    char *words[8];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CHECK_FAILS(nw0_action_and_params(text_at_edge(lines[i]), words, 8), EINVAL);
}

static void backslash_at_the_end_is_refused(void) {
    static const char *const lines[] = {"\\", "say \\", "say \"x\\", "'x'\\"};
    char *words[8];
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        CHECK_FAILS(nw0_action_and_params(text_at_edge(lines[i]), words, 8), EINVAL);
    CHECK(nw0_action_and_params(text_at_edge("'\\' \\\\"), words, 8) == 2);
}

static void more_words_than_room_are_counted(void) {
    char untouched[] = "x", *words[8];
    for (int capacity = 0; capacity < 8; capacity++) {
        for (int i = 0; i < 8; i++) words[i] = untouched;
        CHECK(nw0_action_and_params(text_at_edge("a 'b b' c d \"e\""), words, capacity) == 5);
        static const char *const wanted[] = {"a", "b b", "c", "d", "e"};
        for (int i = 0; i < 8; i++) {
            if (i < capacity && i < 5) CHECK(strcmp(words[i], wanted[i]) == 0);
            else CHECK(words[i] == untouched);
        }
    }
    CHECK(nw0_action_and_params(text_at_edge("a b"), NULL, 0) == 2);
}

static void line_with_an_open_quote_stays_as_it_was(void) {
    char line[] = "say \"hello\" 'bob", *words[8];
    CHECK_FAILS(nw0_action_and_params(line, words, 8), EINVAL);
    CHECK(strcmp(line, "say \"hello\" 'bob") == 0);
}

static void words_need_a_line_and_room(void) {
    char line[] = "say", *words[8];
    CHECK_FAILS(nw0_action_and_params(NULL, words, 8), EINVAL);
    CHECK_FAILS(nw0_action_and_params(line, NULL, 8), EINVAL);
}

static void words_lie_in_the_line(void) {
    char *line = text_at_edge("move 'far away' fast"), *words[3];
    CHECK(nw0_action_and_params(line, words, 3) == 3);
    for (int i = 0; i < 3; i++) CHECK(words[i] >= line && words[i] + strlen(words[i]) < edge(0));
}

int main(int argc, char **argv) {
    check_begin(argc, argv);
    RUN(words_are_what_blanks_divide);
    RUN(words_are_those_of_the_shell);
    RUN(quote_without_end_is_refused);
    RUN(backslash_at_the_end_is_refused);
    RUN(more_words_than_room_are_counted);
    RUN(line_with_an_open_quote_stays_as_it_was);
    RUN(words_need_a_line_and_room);
    RUN(words_lie_in_the_line);
    return check_report("helpers/words");
}
