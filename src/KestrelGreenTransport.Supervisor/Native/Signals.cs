using System.Globalization;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>Linux signal numbers and names.</summary>
internal static class Signals
{
    public const int SIGHUP = 1;
    public const int SIGINT = 2;
    public const int SIGQUIT = 3;
    public const int SIGABRT = 6;
    public const int SIGKILL = 9;
    public const int SIGUSR1 = 10;
    public const int SIGUSR2 = 12;
    public const int SIGTERM = 15;
    public const int SIGCHLD = 17;
    public const int SIGTTIN = 21;
    public const int SIGTTOU = 22;
    public const int SIGWINCH = 28;

    private static readonly string[] Names =
    [
        "", "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1",
        "SIGSEGV", "SIGUSR2", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP",
        "SIGTTIN", "SIGTTOU", "SIGURG", "SIGXCPU", "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    ];

    public static string NameOf(int signal) =>
        signal > 0 && signal < Names.Length ? Names[signal] : string.Create(CultureInfo.InvariantCulture, $"signal {signal}");

    /// <summary>
    /// Resets those of the given signals that this process inherited as ignored. A script's shell starts <c>green run &amp;</c> with INT
    /// and QUIT ignored, nohup ignores HUP, and the runtime sets no handler for an ignored signal.
    /// </summary>
    public static void StopIgnoring(params ReadOnlySpan<int> signals)
    {
        var ignored = ProcFs.IgnoredSignals();
        foreach (var signal in signals)
        {
            if ((ignored >> (signal - 1) & 1) != 0)
            {
                _ = Posix.signal(signal, Posix.SIG_DFL);
            }
        }
    }
}
