namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>How much a finding matters.</summary>
internal enum Severity
{
    /// <summary>It was checked, and nothing is wrong.</summary>
    Ok,

    /// <summary>The app will run, but the operator should know about it.</summary>
    Warning,

    /// <summary>The app will not run, or not as intended.</summary>
    Problem,
}

/// <summary>The result of a check.</summary>
/// <param name="Area">What was checked: settings, app, binds …</param>
/// <param name="Severity">How much it matters.</param>
/// <param name="Text">A sentence with the next step.</param>
internal sealed record Finding(string Area, Severity Severity, string Text)
{
    public static Finding Ok(string area, string text) => new(area, Severity.Ok, text);

    public static Finding Warning(string area, string text) => new(area, Severity.Warning, text);

    public static Finding Problem(string area, string text) => new(area, Severity.Problem, text);
}

/// <summary>What <c>green check --json</c> prints.</summary>
internal sealed record CheckDocument
{
    public int SchemaVersion { get; init; } = 1;

    /// <summary>Whether <c>green run</c> would work: no finding is a problem.</summary>
    public required bool Ok { get; init; }

    public required IReadOnlyList<CheckFinding> Findings { get; init; }
}

/// <param name="Area">What was checked.</param>
/// <param name="Severity"><c>ok</c>, <c>warning</c> or <c>problem</c>.</param>
/// <param name="Text">The finding.</param>
internal sealed record CheckFinding(string Area, string Severity, string Text);
