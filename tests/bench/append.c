/* The floor of a durable write: one process that appends 4 KB to a file and calls fdatasync. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char block[4096];
    memset(block, 'x', sizeof block);
    if (argc < 2)
        return 2;
    int fd = open(argv[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd < 0 || write(fd, block, sizeof block) != (ssize_t)sizeof block || fdatasync(fd) != 0)
        return 1;
    return close(fd) == 0 ? 0 : 1;
}
