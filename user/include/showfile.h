/* showfile.h: for programs that without arguments show what a file of /proc says. */
#ifndef USER_SHOWFILE_H
#define USER_SHOWFILE_H

/* Prints PATH; complains in the name of WHO.  A program's exit status. */
int show_file(const char *who, const char *path);

#endif
