/* contract.c - the public functions of nw0.h, written down a second time. This compiles only while
 * nw0.h declares them in the same way, and links only while it defines every one of them.
 *     cc -std=c99 -I. -fsyntax-only tests/compile/contract.c
 * CONTRACT_LINK adds a main() that refers to each function; CONTRACT_NEWS makes it ask for news too. */
#ifdef CONTRACT_LINK
#define NW0_IMPLEMENTATION
#endif
#include "nw0.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* addresses */
int nw0_address(const char *address, char canonical[NW0_ADDRESS_SIZE]);

/* discovery */
int nw0_advertise(const char *name, const char *address, nw0_service *service);
int nw0_advertise_ex(const char *name, const char *address, bool fail_if_exists, double ttl_s,
                     nw0_service *service);
int nw0_unadvertise(const char *name);
int nw0_discover(const char *name, double wait_for_s, nw0_service *service);
int nw0_discover_all(double wait_for_s, nw0_service services[], int capacity);
int nw0_discover_group(const char *group, const char *separator, const char *const exclude[],
                       nw0_service services[], int capacity);
int nw0_wait_for_change(const char *group, const char *separator, nw0_service members[], int *count,
                        int capacity, nw0_service *changed, double wait_for_s);

/* messages */
ssize_t nw0_send_message_to(const char *address, const void *message, size_t size, void *reply,
                            size_t capacity, double wait_for_reply_s);
ssize_t nw0_wait_for_reply_from(const char *address, void *reply, size_t capacity,
                                double wait_for_s);
ssize_t nw0_wait_for_message_from(const char *address, void *message, size_t capacity,
                                  double wait_for_s, bool autoreply);
int nw0_send_reply_to(const char *address, const void *reply, size_t size);

/* news */
int nw0_send_news_to(const char *address, const char *topic, const void *data, size_t size);
int nw0_wait_for_subscribers(const char *address, int count, double wait_for_s);
ssize_t nw0_wait_for_news_from(const char *address, const char *prefix, char topic[NW0_NAME_SIZE],
                               void *data, size_t capacity, double wait_for_s);
ssize_t nw0_wait_for_news_from_any(const char *const addresses[], const char *const prefixes[],
                                   char topic[NW0_NAME_SIZE], void *data, size_t capacity,
                                   double wait_for_s);
int nw0_fd(const char *address);
int nw0_news_fd(const char *address, const char *prefix);

/* helpers */
int nw0_action_and_params(char *commandline, char *words[], int capacity);
ssize_t nw0_bytes_to_string(const void *data, size_t size, char *string, size_t capacity);
ssize_t nw0_string_to_bytes(const char *string, void *data, size_t capacity);

/* errors, and the end */
const char *nw0_error(void);
int nw0_close(const char *address);
void nw0_shutdown(void);

#ifdef __cplusplus
}
#endif

/* a condition that must hold: an array of -1 elements does not compile */
#define CONTRACT(name, condition) typedef char contract_##name[(condition) ? 1 : -1]
CONTRACT(name_size, NW0_NAME_SIZE == 200);
CONTRACT(address_size, NW0_ADDRESS_SIZE == 24);
CONTRACT(service_name, sizeof(((nw0_service *)0)->name) == NW0_NAME_SIZE);
CONTRACT(service_address, sizeof(((nw0_service *)0)->address) == NW0_ADDRESS_SIZE);
CONTRACT(service, sizeof(struct nw0_service) == NW0_NAME_SIZE + NW0_ADDRESS_SIZE);
CONTRACT(text, NW0_TEXT == (size_t)-1);
CONTRACT(joined, NW0_JOINED == 1 && NW0_LEFT == 2);
#ifdef CONTRACT_LINK
/* the defaults of the options; only the implementation needs to know them */
CONTRACT(port, NW0_PORT == 9999);
CONTRACT(interval, NW0_ADVERT_INTERVAL_S == 2);
CONTRACT(ttl, NW0_ADVERT_TTL_S == 20);
CONTRACT(services, NW0_MAX_SERVICES == 1024);
CONTRACT(message, NW0_MAX_MESSAGE == 16777215);

#include <stdio.h>

typedef void (*contract_function)(void);
#define FUNCTION(name) (contract_function) name

int main(void) {
    const contract_function all[] = {
        FUNCTION(nw0_address),
        FUNCTION(nw0_advertise),
        FUNCTION(nw0_advertise_ex),
        FUNCTION(nw0_unadvertise),
        FUNCTION(nw0_discover),
        FUNCTION(nw0_discover_all),
        FUNCTION(nw0_discover_group),
        FUNCTION(nw0_wait_for_change),
        FUNCTION(nw0_send_message_to),
        FUNCTION(nw0_wait_for_reply_from),
        FUNCTION(nw0_wait_for_message_from),
        FUNCTION(nw0_send_reply_to),
#ifdef CONTRACT_NEWS
        FUNCTION(nw0_send_news_to),
        FUNCTION(nw0_wait_for_subscribers),
        FUNCTION(nw0_wait_for_news_from),
        FUNCTION(nw0_wait_for_news_from_any),
        FUNCTION(nw0_fd),
        FUNCTION(nw0_news_fd),
#endif
        FUNCTION(nw0_action_and_params),
        FUNCTION(nw0_bytes_to_string),
        FUNCTION(nw0_string_to_bytes),
        FUNCTION(nw0_error),
        FUNCTION(nw0_close),
        FUNCTION(nw0_shutdown),
    };
    const double forever = NW0_FOREVER;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] == NULL) return 1;
    return forever < 0 ? 0 : 1;
}
#endif
