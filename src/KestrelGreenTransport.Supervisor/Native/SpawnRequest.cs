namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>A process to be started.</summary>
internal sealed record SpawnRequest
{
    /// <summary>The executable's path; PATH is not searched.</summary>
    public required string FileName { get; init; }

    /// <summary>Arguments after the executable's own name.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The whole environment; nothing is inherited.</summary>
    public required IReadOnlyDictionary<string, string> Environment { get; init; }

    /// <summary>Which of our descriptors become which of the child's. All others are closed in it.</summary>
    public required IReadOnlyList<(int Ours, int Theirs)> Descriptors { get; init; }

    /// <summary>Where it starts; null means here.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>
    /// Whether it leads a session of its own, and so a process group: the terminal's Ctrl+C does not reach it, and it has no
    /// terminal, into which it could push what the person there seems to type.
    /// </summary>
    public bool OwnSession { get; init; } = true;

    /// <summary>Whom it runs as; null for whoever runs this process.</summary>
    public ProcessCredentials? RunAs { get; init; }
}
