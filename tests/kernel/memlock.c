/* Preloaded into stapbpf: says yes to an unlimited RLIMIT_MEMLOCK.
 *
 * stapbpf asks for it before it loads anything, and ends if that is refused, as it is in containers without
 * CAP_SYS_RESOURCE. Since Linux 5.11 the limit does not count for eBPF any more. */
#include <sys/resource.h>

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
    return resource == RLIMIT_MEMLOCK ? 0 : prlimit(0, resource, limit, 0);
}
