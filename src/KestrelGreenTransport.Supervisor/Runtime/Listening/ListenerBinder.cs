using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Settings;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Supervisor.Runtime;

/// <summary>Binds what the plan asks for. All or nothing: when one cannot be bound, the others are let go.</summary>
internal static class ListenerBinder
{
    /// <param name="plan">What to bind, and how.</param>
    /// <param name="stored">Sockets of an earlier supervisor, which come first.</param>
    /// <exception cref="StartupException">A socket cannot be bound; the message says who holds it and what to try.</exception>
    public static ImmutableArray<BoundListener> Bind(LaunchPlan plan, StoredSockets stored)
    {
        var bound = new List<BoundListener>();
        try
        {
            foreach (var spec in plan.Binds)
            {
                switch (spec)
                {
                    case BindEndpoint endpoint:
                        if (BindOne(plan, endpoint, stored, bound) is { } listener)
                        {
                            bound.Add(listener);
                        }

                        break;
                    case BindDescriptor descriptor:
                        bound.Add(AdoptOnce($"fd://{descriptor.Descriptor}", descriptor.Descriptor, spec.Text, stored));
                        break;
                    case BindSystemd:
                        bound.AddRange(AdoptFromSystemd(spec.Text, stored));
                        break;
                }
            }

            RequireAnyNameOfLocalhost(plan, bound);
            return [.. bound];
        }
        catch
        {
            bound.ForEach(static listener => listener.Dispose());
            throw;
        }
    }

    /// <summary>Binds what an app asks for. Errors are words for the app's operator, who gave no <c>-b</c>.</summary>
    public static BindOutcome BindAsked(LaunchPlan plan, ListenEndpoint endpoint, string key, StoredSockets stored)
    {
        try
        {
            return new BindOutcome(BindAt(plan, endpoint, key, stored), null, 0);
        }
        catch (AddressInUseException)
        {
            var holder = ProcFs.HolderOf(endpoint);
            return new BindOutcome(
                null,
                $"cannot listen on {endpoint}, as the app asks: address already in use{(holder is null ? "" : $" (held by {holder})")}. Stop the other one, change the app's endpoint, or say with -b where to listen.",
                Errno.EADDRINUSE);
        }
        catch (SocketException e)
        {
            var remedy = Remedy(new BindEndpoint(endpoint.ToString(), endpoint), e);
            return new BindOutcome(null, $"cannot listen on {endpoint}, as the app asks: {e.Message}. {remedy}", BindOutcome.ErrnoOf(e.SocketErrorCode));
        }
        catch (IOException e)
        {
            // A Unix path: the message has the reason and the next step already.
            return new BindOutcome(null, e.Message, 0);
        }
    }

    private static BoundListener? BindOne(LaunchPlan plan, BindEndpoint spec, StoredSockets stored, List<BoundListener> bound)
    {
        try
        {
            return BindAt(plan, spec.Endpoint, KeyOf(spec.Endpoint, bound), stored);
        }
        catch (SocketException) when (spec.DualStackFallback)
        {
            return BindOne(plan, spec with { Endpoint = ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Any, spec.Endpoint.IP!.Port)), DualStackFallback = false }, stored, bound);
        }
        catch (SocketException e) when (spec.Optional && e.SocketErrorCode is SocketError.AddressNotAvailable or SocketError.AddressFamilyNotSupported)
        {
            return null;
        }
        catch (AddressInUseException)
        {
            throw InUse(spec);
        }
        catch (SocketException e)
        {
            throw new StartupException(ExitCodes.CannotBind, $"cannot listen on {spec.Text}: {e.Message}. {Remedy(spec, e)}");
        }
        catch (IOException e)
        {
            // A Unix path: the message has the reason and the next step already.
            throw new StartupException(ExitCodes.CannotBind, e.Message);
        }
    }

    private static BoundListener BindAt(LaunchPlan plan, ListenEndpoint endpoint, string key, StoredSockets stored)
    {
        if (stored.Take(key) is { } kept)
        {
            // Again, for the backlog may have changed. DeferAccept and ReusePort stay as they were bound.
            kept.Listen(plan.Options.Backlog);
            return new BoundListener(ListenEndpoint.Of(kept.LocalEndPoint!), kept, key, ownsPath: !stored.IsOffered);
        }

        var options = new GreenTransportOptions { Backlog = plan.Options.Backlog, UnixFileMode = plan.Options.UnixFileMode };
        foreach (var setting in TransportSettings.All)
        {
            // Checked before: NoDelay and what else a listener has from the start.
            if (plan.Options.Transport.TryGetValue(setting.Name, out var text))
            {
                setting.TrySet(options, text);
            }
        }

        var listening = SocketBinder.Bind(endpoint.ToEndPoint(), options);
        return new BoundListener(ListenEndpoint.Of(listening.EndPoint), listening.Socket, key, ownsPath: !stored.IsOffered);
    }

    // Several may ask for a free port: each has its number.
    private static string KeyOf(ListenEndpoint endpoint, List<BoundListener> bound)
    {
        var key = endpoint.ToString();
        return endpoint.IP is { Port: 0 }
            ? string.Create(CultureInfo.InvariantCulture, $"{key}#{1 + bound.Count(one => one.Key?.StartsWith(key + "#", StringComparison.Ordinal) == true)}")
            : key;
    }

    private static void RequireAnyNameOfLocalhost(LaunchPlan plan, List<BoundListener> bound)
    {
        if (bound.Count == 0 && plan.ExplicitBinds)
        {
            throw new StartupException(
                ExitCodes.CannotBind,
                $"cannot listen on {string.Join(", ", plan.Binds.Select(static spec => spec.Text).Distinct())}: this machine has none of these addresses. Try -b 127.0.0.1:8000.");
        }
    }

    private static StartupException InUse(BindEndpoint spec)
    {
        var holder = ProcFs.HolderOf(spec.Endpoint);
        var by = holder is null ? "" : $" (held by {holder})";
        var remedy = spec.Endpoint.IP is { } ip
            ? string.Create(CultureInfo.InvariantCulture, $"Try -b {new IPEndPoint(ip.Address, ip.Port + 1)}, or stop the other one.")
            : "Stop the other one, or listen elsewhere.";
        return new StartupException(ExitCodes.CannotBind, $"cannot listen on {spec.Text}: address already in use{by}. {remedy}");
    }

    private static string Remedy(BindEndpoint spec, SocketException exception) => exception switch
    {
        { SocketErrorCode: SocketError.AccessDenied } when spec.Endpoint.IP is { Port: < 1024 } =>
            "Ports below 1024 are for root: use a higher one, or give the right with `setcap cap_net_bind_service=+ep` or systemd's AmbientCapabilities.",
        { SocketErrorCode: SocketError.AddressNotAvailable } => "This machine has no such address: see `ip address`.",
        _ => "Try another address with -b.",
    };

    private static IEnumerable<BoundListener> AdoptFromSystemd(string text, StoredSockets stored)
    {
        const string prefix = "systemd#";
        var left = stored.TakeAll(prefix);
        return left.Count > 0
            ? left.Select(static one => new BoundListener(ListenEndpoint.Of(one.Socket.LocalEndPoint!), one.Socket, one.Key, ownsPath: false))
            : SystemdDescriptors().Select((number, i) => Adopt(text, number, string.Create(CultureInfo.InvariantCulture, $"{prefix}{i:D4}")));
    }

    private static BoundListener AdoptOnce(string key, int descriptor, string text, StoredSockets stored) =>
        stored.Take(key) is { } left ? new BoundListener(ListenEndpoint.Of(left.LocalEndPoint!), left, key, ownsPath: false) : Adopt(text, descriptor, key);

    private static BoundListener Adopt(string text, int descriptor, string key)
    {
        var accepting = 0;
        int length = sizeof(int);
        Result asked;
        unsafe
        {
            asked = Result.From(Libc.getsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_ACCEPTCONN, &accepting, &length));
        }

        if (!asked.Ok || accepting == 0)
        {
            throw new StartupException(
                ExitCodes.CannotBind,
                $"cannot listen on {text}: descriptor {descriptor} is {(asked.Ok ? "not a listening socket" : asked.Message)}. Whoever starts green must pass it on, bound and listening.");
        }

        _ = Libc.AdoptDescriptor(descriptor);
        var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        return new BoundListener(ListenEndpoint.Of(socket.LocalEndPoint!), socket, key, ownsPath: false);
    }

    private static IReadOnlyList<int> SystemdDescriptors()
    {
        var (pid, fds) = (Environment.GetEnvironmentVariable(ContractVariables.ListenPid), Environment.GetEnvironmentVariable(ContractVariables.ListenFds));
        var given = SystemdSockets.Count(pid, fds, Environment.ProcessId) is { } count
            ? StoredSockets.Split(count, Environment.GetEnvironmentVariable(ContractVariables.ListenFdNames)).Given
            : [];
        if (given.Count == 0)
        {
            throw new StartupException(
                ExitCodes.CannotBind,
                "cannot listen on systemd: no sockets were passed (LISTEN_FDS and LISTEN_PID). Start this by a .socket unit, or give addresses with -b.");
        }

        return given;
    }
}
