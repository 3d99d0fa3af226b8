/* string.h: ISO C11 7.24, as far as it goes. */
#ifndef USER_STRING_H
#define USER_STRING_H

#include "../../libs/string.h"

char *strdup(const char *s);
char *strstr(const char *s, const char *part);
char *strtok_r(char *s, const char *separators, char **rest);
size_t strspn(const char *s, const char *set);
size_t strcspn(const char *s, const char *set);
char *strcpy(char *dst, const char *src);
char *strcat(char *dst, const char *src);
const char *strerror(int number);

#endif
