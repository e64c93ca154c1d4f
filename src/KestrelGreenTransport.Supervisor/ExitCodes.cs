namespace KestrelGreenTransport.Supervisor;

/// <summary>The exit codes of <c>green</c> and of an app run by <see cref="GreenSupervisor"/> (docs/signals-and-exit-codes.md).</summary>
public static class ExitCodes
{
    /// <summary>Success; also <c>green run</c> ended by INT, QUIT or TERM.</summary>
    public const int Ok = 0;

    /// <summary>An unexpected error.</summary>
    public const int Unexpected = 1;

    /// <summary>A wrong command line or setting.</summary>
    public const int Usage = 2;

    /// <summary>No worker of the first generation was ever ready.</summary>
    public const int BootFailure = 3;

    /// <summary>The app is missing, is not a .NET app, does not use the transport, or configures endpoints that were not inherited.</summary>
    public const int AppNotStartable = 4;

    /// <summary>A listening socket cannot be bound.</summary>
    public const int CannotBind = 5;

    /// <summary>No supervisor answers.</summary>
    public const int NoSupervisor = 6;

    /// <summary>A reload failed; the old generation keeps serving.</summary>
    public const int ReloadFailed = 7;

    /// <summary>Ctrl+C in a client command.</summary>
    public const int Interrupted = 130;
}
