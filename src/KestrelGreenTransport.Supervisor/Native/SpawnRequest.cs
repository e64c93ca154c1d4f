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

    /// <summary>Whether it leads a process group of its own, so that the terminal's Ctrl+C does not reach it.</summary>
    public bool OwnProcessGroup { get; init; } = true;
}
