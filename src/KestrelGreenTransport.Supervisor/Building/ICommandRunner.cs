namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>Runs a command to its end.</summary>
internal interface ICommandRunner
{
    /// <summary>Runs a command, with its errors on our standard error or in the log.</summary>
    /// <param name="fileName">The executable's path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="workingDirectory">Where it runs.</param>
    /// <param name="capture">Whether to return its standard output, instead of sending it where its errors go.</param>
    CommandResult Run(string fileName, IReadOnlyList<string> arguments, string workingDirectory, bool capture);
}

/// <param name="ExitCode">0 is success; a signal counts as 128 plus its number, as in a shell.</param>
/// <param name="Output">What it wrote to standard output, if captured.</param>
internal sealed record CommandResult(int ExitCode, string Output);
