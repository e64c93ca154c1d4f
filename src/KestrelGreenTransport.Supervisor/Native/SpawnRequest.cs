namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>A process to be started.</summary>
internal sealed record SpawnRequest
{
    /// <summary>The executable's path; PATH is not searched.</summary>
    public required string FileName { get; init; }

    /// <summary>The arguments after the executable's own name.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment; nothing is inherited.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Which of our descriptors the child gets, and under which numbers. All others are closed in it.</summary>
    public required IReadOnlyList<(int Ours, int Theirs)> Descriptors { get; init; }

    /// <summary>The child's working directory; null means ours.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>
    /// Whether it leads its own session, and so its own process group: the terminal's Ctrl+C does not reach it, and it has no
    /// controlling terminal into which it could inject input (TIOCSTI).
    /// </summary>
    public bool OwnSession { get; init; } = true;

    /// <summary>The user that it runs as; null for our own.</summary>
    public ProcessCredentials? RunAs { get; init; }
}
