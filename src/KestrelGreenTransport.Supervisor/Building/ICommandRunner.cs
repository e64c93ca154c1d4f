namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>Runs a command to its end, for a person or for us.</summary>
internal interface ICommandRunner
{
    /// <summary>Runs it with its errors on our standard error.</summary>
    /// <param name="fileName">The executable's path.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="workingDirectory">Where it runs.</param>
    /// <param name="capture">Whether its standard output is wanted back; else it goes to our standard error.</param>
    CommandResult Run(string fileName, IReadOnlyList<string> arguments, string workingDirectory, bool capture);
}

/// <param name="ExitCode">0 is success; a signal counts as 128 and its number, as in a shell.</param>
/// <param name="Output">What it wrote to standard output, if that was wanted.</param>
internal sealed record CommandResult(int ExitCode, string Output);
