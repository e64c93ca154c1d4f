namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>The system calls that a <see cref="SystemCallProgram"/> can make, named as in C.</summary>
internal enum SystemCall
{
    bind,
    chdir,
    connect,
    execve,
    exit_group,
    fcntl,
    listen,
    prctl,
    setgroups,
    setresgid,
    setresuid,
    umask,
    unlinkat,
    write,
}
