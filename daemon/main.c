/* main.c: where the program begins. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "daemon/command.h"

/* Where standard input, output or error is closed, the next socket or pipe would take its number,
 * and be read from, logged to or handed to the helper. It is taken here, by what can only be used
 * the other way round, so that using it is still the error that it was.
 */
static void occupy_standard_files(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
    occupy_standard_files();
    return command_main(argc, argv);
}
