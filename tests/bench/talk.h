/* talk.h - what bare sockets, nw0.h, libzmq and nng must be able to do here, so that talk.c can
 * measure them all in the same way. Each of talk_bare.c, talk_nw0.c, talk_zmq.c and talk_nng.c
 * defines these functions once, and becomes a program together with talk.c.
 *
 * Whatever fails ends the program (die): a figure of something that failed is none. */
#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define ADDRESS_SIZE 64
#define ECHO ((size_t)-1) /* as the size of a reply: the question itself */

/* How many bytes before a message belong to whoever sends it: bare sockets put the length there, so
 * that one send() does. */
extern const size_t talk_headroom;

/* ---- questions and answers ---- */

/* Opens a place of 127.0.0.1 where questions are answered. */
void answer_at(char address[ADDRESS_SIZE]);

/* Answers for ever. buffer, headroom included, holds room bytes, and is used for all. many: a
 * server for many connections; else the fastest for one. */
void answer_forever(char *buffer, size_t room, size_t reply_size, bool many);

void ask_at(const char *address);

/* Sends a message and returns the size of the reply, which is then at reply + talk_headroom. */
size_t ask(char *message, size_t size, char *reply, size_t room);

/* ---- news ---- */

void publish_at(char address[ADDRESS_SIZE]);
void wait_for_subscribers(int count);
void publish(const char *data, size_t size);
void subscribe_to(const char *address);

/* Waits for the next item and returns its first byte. */
char next_item(char *buffer, size_t room);

/* ---- for all of them ---- */

static inline _Noreturn void die(const char *what) {
    perror(what);
    exit(1);
}

#endif
