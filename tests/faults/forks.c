/* Forks anew and ends, over and over, for at most half a minute or until a file is there: never the same
   process for longer than a moment. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int count, char **args) {
    if (count != 3)
        return 2;
    const char *stop = args[1], *beat = args[2];
    time_t end = time(NULL) + 30;
    for (unsigned long generation = 1; time(NULL) < end; generation++) {
        if (access(stop, F_OK) == 0)
            return 0;
        if (fork() != 0)
            _exit(0);
        usleep(200);
        if (generation % 10 == 0) {
            int file = open(beat, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
            if (write(file, ".", 1) != 1)
                return 1;
            close(file);
        }
    }
    return 0;
}
