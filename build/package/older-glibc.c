// Linked into the green of linux-x64 that build/pack.sh makes, so that it starts on glibc 2.28 (RHEL 8), the oldest that .NET 10 is
// supported on, wherever it was built. A linker takes the newest version of each symbol that its own glibc has. These are the symbols
// that have a newer version than 2.28: each is defined here, and calls the version that has been there from the beginning.
// ToolPackageTests finds one that is missing here, and names it.
#define OLDER(name, version) \
    __asm__(".symver older_" #name ", " #name "@GLIBC_" version "\n" \
            ".globl " #name "\n.hidden " #name "\n.type " #name ", @function\n" \
            #name ": jmp *older_" #name "@GOTPCREL(%rip)\n");

OLDER(dladdr, "2.2.5")
OLDER(dlclose, "2.2.5")
OLDER(dlerror, "2.2.5")
OLDER(dlopen, "2.2.5")
OLDER(dlsym, "2.2.5")
OLDER(exp, "2.2.5")
OLDER(log, "2.2.5")
OLDER(log2, "2.2.5")
OLDER(pow, "2.2.5")
OLDER(pthread_attr_getstack, "2.2.5")
OLDER(pthread_attr_setstacksize, "2.2.5")
OLDER(pthread_condattr_setclock, "2.3.3")
OLDER(pthread_create, "2.2.5")
OLDER(pthread_getattr_np, "2.2.5")
OLDER(pthread_join, "2.2.5")
OLDER(pthread_key_create, "2.2.5")
OLDER(pthread_kill, "2.2.5")
OLDER(pthread_mutexattr_destroy, "2.2.5")
OLDER(pthread_mutexattr_init, "2.2.5")
OLDER(pthread_mutexattr_settype, "2.2.5")
OLDER(pthread_once, "2.2.5")
OLDER(pthread_rwlock_rdlock, "2.2.5")
OLDER(pthread_rwlock_unlock, "2.2.5")
OLDER(pthread_rwlock_wrlock, "2.2.5")
OLDER(pthread_setname_np, "2.12")
OLDER(pthread_setspecific, "2.2.5")
OLDER(pthread_sigmask, "2.2.5")
OLDER(shm_open, "2.2.5")
OLDER(shm_unlink, "2.2.5")

// Before 2.34 the program itself brought the function that runs its constructors, and start-up code made since then does not.
typedef void (*Constructor)(int, char **, char **);
extern Constructor __init_array_start[] __attribute__((visibility("hidden")));
extern Constructor __init_array_end[] __attribute__((visibility("hidden")));

static void construct(int argc, char **argv, char **environment)
{
    for (Constructor *one = __init_array_start; one != __init_array_end; one++)
        (*one)(argc, argv, environment);
}

__asm__(".symver older_start_main, __libc_start_main@GLIBC_2.2.5");
extern int older_start_main(void *, int, char **, Constructor, void *, void *, void *);

__attribute__((visibility("hidden"))) int __libc_start_main(void *main, int argc, char **argv, Constructor init, void *fini, void *end, void *stack)
{
    (void)init;
    (void)fini;
    return older_start_main(main, argc, argv, construct, 0, end, stack);
}
