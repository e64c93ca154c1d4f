namespace KestrelGreenTransport;

/// <summary>
/// The transport's settings, bound from the configuration section <c>GreenTransport</c>. In a worker the supervisor's
/// <c>GREEN_*</c> variables win over that section, and the section wins over the lambda in code.
/// </summary>
public sealed class GreenTransportOptions
{
    /// <summary>The section that these options are bound from.</summary>
    public const string SectionName = "GreenTransport";

    /// <summary>
    /// How many connections each listener holds at most. When they are all taken this process stops accepting: clients
    /// wait in the kernel's queue, or a sibling takes them. From 1 to 1,000,000. Defaults to 1000.
    /// (gunicorn: worker_connections; gevent: StreamServer's spawn=Pool(n))
    /// </summary>
    public int WorkerConnections { get; set; } = 1000;
}
