namespace KestrelGreenTransport.Supervisor.Output;

/// <summary>Where whole lines go.</summary>
internal interface ILineWriter
{
    /// <summary>Queues a line that ends with a newline. Never waits.</summary>
    void Write(OutputStream stream, ReadOnlyMemory<byte> line);
}
