/* declarations.c - the header alone, as every file but one includes it; twice, which must do no harm. */
#include "nw0.h"
#include "nw0.h"

int declarations(const nw0_service *service);
int declarations(const nw0_service *service) {
    char reply[8];
    ssize_t size =
        nw0_send_message_to(service->address, "x", NW0_TEXT, reply, sizeof reply, NW0_FOREVER);
    return size < 0 ? nw0_advertise_ex("x", NULL, true, 20, NULL) : NW0_JOINED;
}
