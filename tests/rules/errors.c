/* errors.c - every failure sets errno and leaves a sentence, which belongs to its thread. */
#include "nw0.h"

#include "rules.h"

static void *fail_otherwise(void *argument) {
    CHECK_FAILS(nw0_discover("rules/other", 0, NULL), ETIMEDOUT);
    return strstr(nw0_error(), "rules/other") != NULL ? argument : NULL;
}

static void errors_belong_to_a_thread(void) {
    char sentence[1000];
    CHECK_FAILS(nw0_discover("rules/nobody", 0, NULL), ETIMEDOUT);
    CHECK(strstr(nw0_error(), "rules/nobody") != NULL);
    snprintf(sentence, sizeof sentence, "%s", nw0_error());
    CHECK(finish(start(fail_otherwise, sentence)) != NULL);
    CHECK(strcmp(sentence, nw0_error()) == 0);
    nw0_shutdown();
}

static void *no_error_yet(void *argument) {
    return nw0_error() != NULL ? argument : NULL;
}

static void a_thread_without_an_error_has_a_sentence_too(void) {
    int anything;
    CHECK(finish(start(no_error_yet, &anything)) != NULL);
}

/* success leaves the sentence of the last failure: it is of the last failure, not the last call */
static void an_error_lasts_until_the_next(void) {
    CHECK_FAILS(nw0_discover("rules/nobody", 0, NULL), ETIMEDOUT);
    CHECK(echo_round_trip());
    CHECK(strstr(nw0_error(), "rules/nobody") != NULL);
    nw0_shutdown();
}

#define FAILS(call, thing)                                                                         \
    do {                                                                                           \
        errno = 0;                                                                                 \
        CHECK((call) == -1 && errno != 0);                                                         \
        CHECK(strlen(nw0_error()) >= 20 && strstr(nw0_error(), thing) != NULL);                    \
    } while (0)

static void every_failure_sets_errno_and_names_the_thing(void) {
    nw0_service service;
    char room[8], canonical[NW0_ADDRESS_SIZE], line[] = "play \"so what", *words[4];
    int count = 0;
    waits_begin();
    FAILS(nw0_address("127.0.0.1:nonsense", canonical), "127.0.0.1:nonsense");
    FAILS(nw0_advertise("?rules", NULL, &service), "?rules");
    FAILS(nw0_advertise("rules/x", "127.0.0.1:nonsense", &service), "127.0.0.1:nonsense");
    FAILS(nw0_unadvertise("rules/unknown"), "rules/unknown");
    FAILS(nw0_discover("rules/nobody", 0, &service), "rules/nobody");
    FAILS(nw0_wait_for_change("rules", NULL, &service, &count, 1, NULL, 0), "rules");
    FAILS(nw0_send_message_to(absent_address, "x", 1, room, sizeof room, 0), absent_address);
    FAILS(nw0_wait_for_reply_from(own_address, room, sizeof room, 0), own_address);
    FAILS(nw0_wait_for_message_from(own_address, room, sizeof room, 0, false),
          strchr(own_address, ':') + 1);
    FAILS(nw0_send_reply_to(own_address, "x", 1), own_address);
    FAILS(nw0_send_news_to("192.0.2.1:5000", "rules", "x", 1), "192.0.2.1:5000");
    FAILS(nw0_wait_for_subscribers(own_address, 1, 0), strchr(own_address, ':') + 1);
    FAILS(nw0_wait_for_news_from(absent_address, NULL, NULL, room, sizeof room, 0), absent_address);
    FAILS(nw0_fd("192.0.2.1:5000"), "192.0.2.1:5000");
    FAILS(nw0_news_fd("127.0.0.1:nonsense", NULL), "127.0.0.1:nonsense");
    FAILS(nw0_close(silent_address), silent_address);
    FAILS(nw0_action_and_params(line, words, 4), "play \"so what");
    FAILS(nw0_bytes_to_string(NULL, 3, room, sizeof room), "data");
    FAILS(nw0_string_to_bytes("not base64!", room, sizeof room), "not base64!");
    waits_end();
}

int main(int argc, char **argv) {
    net_begin();
    check_begin(argc, argv);
    RUN(errors_belong_to_a_thread);
    RUN(a_thread_without_an_error_has_a_sentence_too);
    RUN(an_error_lasts_until_the_next);
    RUN(every_failure_sets_errno_and_names_the_thing);
    nw0_shutdown();
    return check_report("rules/errors");
}
