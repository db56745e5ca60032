/* strict.c - in a strict mode (-std=c99) the header cannot get what it needs from the system if
 * another header came first. It must say so, and not drown the reader in errors. */
#include <stdio.h>
#define NW0_IMPLEMENTATION
#include "nw0.h"
