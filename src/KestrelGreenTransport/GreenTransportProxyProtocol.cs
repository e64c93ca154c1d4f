namespace KestrelGreenTransport;

/// <summary>The version of the PROXY protocol header that each connection begins with.</summary>
public enum GreenTransportProxyProtocol
{
    /// <summary>No header: clients connect directly, or the proxy speaks only HTTP.</summary>
    Off,

    /// <summary>Version 1, a line of text. (nginx: proxy_protocol on; HAProxy: send-proxy)</summary>
    V1,

    /// <summary>Version 2, binary. (HAProxy: send-proxy-v2; AWS Network Load Balancer)</summary>
    V2,

    /// <summary>Version 1 or version 2.</summary>
    Any,
}
