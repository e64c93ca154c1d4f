namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>What the supervisor itself says on standard error, in the chosen format, by way of the writer that never waits.</summary>
internal sealed class SupervisorOutput(OutputWriter writer, LogFormat format, TimeProvider time)
{
    /// <summary>Says a line that is no event.</summary>
    public void Note(string text) => writer.Write(OutputStream.Error, format.OfNote(time.GetUtcNow(), text));
}
