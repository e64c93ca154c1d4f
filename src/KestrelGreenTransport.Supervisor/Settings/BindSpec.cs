using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>One <c>-b</c>, parsed.</summary>
/// <param name="Text">As the user wrote it.</param>
internal abstract record BindSpec(string Text);

/// <summary>Bind this endpoint. Port 0 lets the kernel choose.</summary>
/// <param name="Text">As the user wrote it.</param>
/// <param name="Endpoint">Where.</param>
/// <param name="Optional">One of localhost's two addresses: it may fail to bind if the other one succeeds.</param>
/// <param name="DualStackFallback">For <c>:port</c>: where IPv6 is off, bind 0.0.0.0 instead of [::].</param>
internal sealed record BindEndpoint(string Text, ListenEndpoint Endpoint, bool Optional = false, bool DualStackFallback = false) : BindSpec(Text);

/// <summary>A listening socket that the supervisor itself inherited: <c>fd://3</c>.</summary>
internal sealed record BindDescriptor(string Text, int Descriptor) : BindSpec(Text);

/// <summary>All sockets passed by systemd socket activation.</summary>
internal sealed record BindSystemd(string Text) : BindSpec(Text);
