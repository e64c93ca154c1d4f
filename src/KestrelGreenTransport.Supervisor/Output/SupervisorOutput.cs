namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>What the supervisor itself writes to standard error, in the chosen format, through the writer that never blocks.</summary>
internal sealed class SupervisorOutput(OutputWriter writer, LogFormat format, TimeProvider time)
{
    /// <summary>Writes a line that is not an event.</summary>
    public void Note(string text) => writer.Write(OutputStream.Error, format.OfNote(time.GetUtcNow(), text));
}
