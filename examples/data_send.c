/* data_send FILE: sends a file of up to 16 million bytes to data_receive. A message is bytes, not
 * text: here it is the name of the file, a zero byte, and all that is in the file as it is.
 *     cc -I. examples/data_send.c -o data_send -pthread && ./data_send photo.jpg */
#define NW0_IMPLEMENTATION
#include "nw0.h"
#include <stdio.h>
#include <string.h>

enum { CAPACITY = 16000000 };

static char message[CAPACITY];

int main(int argc, char **argv) {
    nw0_service receiver;
    char answer[400];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (argc != 2) return fprintf(stderr, "usage: data_send FILE\n"), 2;
    if (!file) return perror(argv[1]), 1;

    const char *slash = strrchr(argv[1], '/'), *name = slash ? slash + 1 : argv[1];
    size_t size = strlen(name) + 1;
    memcpy(message, name, size);
    size += fread(message + size, 1, sizeof message - size, file);
    bool complete = size < sizeof message && !ferror(file);
    fclose(file);
    if (!complete) return fprintf(stderr, "data_send: too large, or not readable\n"), 1;

    if (nw0_discover("files", 10, &receiver) < 0 ||
        nw0_send_message_to(receiver.address, message, size, answer, sizeof answer, 60) < 0)
        return fprintf(stderr, "data_send: %s\n", nw0_error()), 1;
    printf("%s\n", answer);
    return 0;
}
