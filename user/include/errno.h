/* errno.h: the last error of a call, and Linux's numbers. */
#ifndef USER_ERRNO_H
#define USER_ERRNO_H

#include "../../libs/errno.h"

int *errno_place(void);
#define errno (*errno_place())

#endif
