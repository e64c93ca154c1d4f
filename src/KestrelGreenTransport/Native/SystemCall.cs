namespace KestrelGreenTransport.Native;

/// <summary>
/// System calls that are made by number, named as in C. A value holds the number of x64 and, in its upper half, that of the
/// newer architectures (asm-generic/unistd.h).
/// </summary>
internal enum SystemCall
{
    bind = 49 | (200 << 16),
    chdir = 80 | (49 << 16),
    connect = 42 | (203 << 16),
    execve = 59 | (221 << 16),
    exit_group = 231 | (94 << 16),
    fcntl = 72 | (25 << 16),
    futex = 202 | (98 << 16),
    gettid = 186 | (178 << 16),
    listen = 50 | (201 << 16),
    pidfd_open = 434 | (434 << 16),
    pidfd_send_signal = 424 | (424 << 16),
    prctl = 157 | (167 << 16),
    sched_getscheduler = 145 | (120 << 16),
    sched_setscheduler = 144 | (119 << 16),
    setfsgid = 123 | (152 << 16),
    setfsuid = 122 | (151 << 16),
    setgroups = 116 | (159 << 16),
    setresgid = 119 | (149 << 16),
    setresuid = 117 | (147 << 16),
    umask = 95 | (166 << 16),
    unlinkat = 263 | (35 << 16),
    write = 1 | (64 << 16),
}
