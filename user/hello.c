/* hello.c: the first program anybody runs. */
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
    printf("hello from process %d\n", getpid());
    return 0;
}
