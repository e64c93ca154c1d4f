namespace KestrelGreenTransport;

/// <summary>Which PROXY protocol header each connection begins with.</summary>
public enum GreenTransportProxyProtocol
{
    /// <summary>None: clients connect directly, or the proxy speaks HTTP alone.</summary>
    Off,

    /// <summary>Version 1, a line of text. (nginx: proxy_protocol on; HAProxy: send-proxy)</summary>
    V1,

    /// <summary>Version 2, binary. (HAProxy: send-proxy-v2; AWS Network Load Balancer)</summary>
    V2,

    /// <summary>Either of them.</summary>
    Any,
}
