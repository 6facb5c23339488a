/* The bare floor: every script the moment its last predecessor has ended, with nothing but posix_spawn and wait. */
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#define MOST 4096
extern char **environ;
static char path[MOST][512];
static pid_t pid[MOST];
static int count, left[MOST], followers[MOST], follower[MOST][256];
static int start(int job) {
    char *words[] = {path[job], "start", NULL};
    return posix_spawn(&pid[job], path[job], NULL, NULL, words, environ);
}
int main(int argc, char **argv) { /* lines of: path, number of predecessors, their line numbers from 0 */
    FILE *plan = argc > 1 ? fopen(argv[1], "r") : NULL;
    for (int before; plan && fscanf(plan, "%511s %d", path[count], &left[count]) == 2; count++)
        for (int i = 0; i < left[count] && fscanf(plan, "%d", &before) == 1; i++) follower[before][followers[before]++] = count;
    for (int job = 0; job < count; job++) if (left[job] == 0 && start(job) != 0) return 1;
    for (int ended = 0; ended < count; ended++) {
        int job = 0;
        for (pid_t who = wait(NULL); pid[job] != who;) if (who < 0 || ++job == count) return 1;
        pid[job] = 0;
        for (int i = 0; i < followers[job]; i++) if (--left[follower[job][i]] == 0 && start(follower[job][i]) != 0) return 1;
    }
    return count == 0;
}
