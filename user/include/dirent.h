/* dirent.h: what is in a folder.  POSIX, as far as it goes. */
#ifndef USER_DIRENT_H
#define USER_DIRENT_H

#include <sys/types.h>

#define DT_DIR 4
#define DT_REG 8
#define DT_LNK 10

struct dirent { /* Linux's linux_dirent64 */
    uint64_t d_ino;
    int64_t d_off;
    uint16_t d_reclen;
    uint8_t d_type;
    char d_name[];
};

typedef struct dir DIR;

DIR *opendir(const char *path);
struct dirent *readdir(DIR *d); /* valid until the next one; NULL: no more */
int closedir(DIR *d);
/* The names in PATH but "." and "..", in order, each and the array from malloc();
 * how many, or -1. */
int dir_names(const char *path, char ***names);
/* FN for PATH/NAME of each of them: what these return, or'ed together; -1: errno. */
int dir_each(const char *path, int (*fn)(const char *below));

#endif
