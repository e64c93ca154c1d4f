namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>Takes whole lines of output.</summary>
internal interface ILineWriter
{
    /// <summary>Queues a line that ends with a newline. Never blocks.</summary>
    void Write(OutputStream stream, ReadOnlyMemory<byte> line);
}
