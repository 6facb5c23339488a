/* The bare floor of a server: it reads so many bytes and writes so many, and looks at none of them. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static char buffer[65536];
static long asked, answered;
static int hear(int file) { /* 1 when a request has come, 0 at the end */
    for (long had = 0, now; had < asked; had += now) if ((now = read(file, buffer, asked - had)) <= 0) return 0;
    return 1;
}
static void answer(int file) { if (write(file, buffer, answered) != answered) exit(1); }
int main(int argc, char **argv) { /* socket, bytes of a request, bytes of an answer, and perhaps a number of clients */
    if (argc < 4) return 2;
    asked = atol(argv[2]), answered = atol(argv[3]);
    long crowd = argc > 4 ? atol(argv[4]) : 0;
    int *waits = calloc(crowd + 1, sizeof *waits);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strncpy(at.sun_path, argv[1], sizeof at.sun_path - 1);
    int door = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(door, (void *)&at, sizeof at) != 0 || listen(door, 4096) != 0) return 1;
    /* All of the crowd ask first and are answered together, when the one after them has asked for the second time. */
    for (long i = 0; i < crowd; i++) if ((waits[i] = accept(door, NULL, NULL)) < 0 || !hear(waits[i])) return 1;
    for (int client; (client = accept(door, NULL, NULL)) >= 0; close(client))
        for (int times = 0; hear(client); answer(client))
            if (++times == 2) for (long i = 0; i < crowd; i++) answer(waits[i]);
    return 0;
}
