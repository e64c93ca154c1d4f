using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Supervisor.Listening;

/// <summary>
/// Binds what a plan asks for, sharing sockets that are already held. All or nothing: if one bind fails, the others are
/// released.
/// </summary>
/// <param name="listeners">The sockets held; each socket returned gets one more user.</param>
/// <param name="stored">Sockets of an earlier supervisor, used before new ones are created.</param>
internal sealed class ListenerBinder(ListenerSet listeners, StoredSockets stored)
{
    private const string StopOrMove = "Stop that process, or change the app's endpoint.";

    /// <param name="plan">What to bind, and how.</param>
    /// <param name="isStart">Whether descriptors inherited by the process still have their original meaning.</param>
    /// <exception cref="StartupException">A socket cannot be bound; the message says which process holds it and what to try.</exception>
    public ImmutableArray<BoundListener> Bind(LaunchPlan plan, bool isStart)
    {
        var bound = new List<BoundListener>();
        try
        {
            foreach (var spec in plan.Binds)
            {
                switch (spec)
                {
                    case BindEndpoint endpoint:
                        if (BindOne(plan, endpoint, bound) is { } listener)
                        {
                            bound.Add(listener);
                        }

                        break;
                    case BindDescriptor descriptor:
                        bound.Add(AdoptOnce(plan, $"fd://{descriptor.Descriptor}", descriptor.Descriptor, spec.Text, isStart));
                        break;
                    case BindSystemd:
                        bound.AddRange(AdoptFromSystemd(plan, spec.Text));
                        break;
                }
            }

            RequireAnyNameOfLocalhost(plan, bound);
            return [.. bound];
        }
        catch
        {
            bound.ForEach(listener => listeners.Release(listener));
            throw;
        }
    }

    /// <summary>Binds what an app asks for. Errors are written for the app's operator, who gave no <c>-b</c>.</summary>
    /// <param name="plan">How.</param>
    /// <param name="endpoint">Where.</param>
    /// <param name="key">The key under which it is found later.</param>
    /// <param name="user">The user with whose rights to bind; null for ours.</param>
    [SuppressMessage("Design", "CA1031", Justification = "Whatever it fails of, the worker that waits for it is told.")]
    public BindOutcome BindAsked(LaunchPlan plan, ListenEndpoint endpoint, string key, ProcessCredentials? user)
    {
        try
        {
            return new BindOutcome(BindAt(plan, endpoint, key, user), null, 0);
        }
        catch (AddressInUseException)
        {
            var holder = ProcFs.HolderOf(endpoint);
            return new BindOutcome(
                null,
                $"cannot listen on {endpoint}, requested by the app: address already in use{(holder is null ? "" : $" (held by {holder})")}. {StopOrMove}",
                Errno.EADDRINUSE);
        }
        catch (SocketException e)
        {
            var remedy = user is not null && e.SocketErrorCode == SocketError.AccessDenied
                ? "The workers' user may not bind it. Name it in -b, ASPNETCORE_URLS or Kestrel:Endpoints: then the supervisor's user binds it."
                : Remedy(endpoint, isOfApp: true, e);
            return new BindOutcome(null, $"cannot listen on {endpoint}, requested by the app: {e.Message}. {remedy}", BindOutcome.ErrnoOf(e.SocketErrorCode));
        }
        catch (IOException e)
        {
            // A Unix path: the message already has the reason and the next step.
            return new BindOutcome(null, e.Message, 0);
        }
        catch (Exception e)
        {
            return new BindOutcome(null, $"cannot listen on {endpoint}, requested by the app: {e.Message}", 0);
        }
    }

    private BoundListener? BindOne(LaunchPlan plan, BindEndpoint spec, List<BoundListener> bound)
    {
        try
        {
            return BindAt(plan, spec.Endpoint, KeyOf(spec.Endpoint, bound));
        }
        catch (SocketException) when (spec.DualStackFallback)
        {
            return BindOne(plan, spec with { Endpoint = ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Any, spec.Endpoint.IP!.Port)), DualStackFallback = false }, bound);
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
            throw new StartupException(ExitCodes.CannotBind, $"cannot listen on {spec.Text}: {e.Message}. {Remedy(spec.Endpoint, IsOfApp(spec), e)}");
        }
        catch (IOException e)
        {
            // A Unix path: the message already has the reason and the next step.
            throw new StartupException(ExitCodes.CannotBind, e.Message);
        }
    }

    private BoundListener BindAt(LaunchPlan plan, ListenEndpoint endpoint, string key, ProcessCredentials? user = null)
    {
        if (listeners.Share(key) is { } held)
        {
            return held;
        }

        if (stored.Take(key) is { } kept)
        {
            // Listen again, since the backlog may have changed. DeferAccept and ReusePort stay as they were bound.
            kept.Listen(plan.Options.Backlog);
            return Add(plan, ListenEndpoint.Of(kept.LocalEndPoint!), kept, key, user);
        }

        if (user is not null)
        {
            var theirs = UserBinder.Bind(user, endpoint, plan.Options.Transport);
            return Add(plan, ListenEndpoint.Of(theirs.LocalEndPoint!), theirs, key, user);
        }

        var listening = SocketBinder.Bind(endpoint.ToEndPoint(), plan.Options.Transport);
        return Add(plan, ListenEndpoint.Of(listening.EndPoint), listening.Socket, key, null);
    }

    private BoundListener Add(LaunchPlan plan, ListenEndpoint endpoint, Socket socket, string key, ProcessCredentials? user)
    {
        var file = endpoint is { UnixPath: { } path, IsAbstract: false } ? SocketFile.Find(path) : null;
        if (file is not null && file.Owner != (user?.Uid ?? Libc.geteuid()))
        {
            // Not the file that was bound: the path leads elsewhere by now.
            file.Dispose();
            file = null;
        }

        return listeners.Add(new BoundListener(endpoint, socket, key, plan.Options.Backlog, ownsPath: !stored.IsOffered, file));
    }

    // Several binds may ask for a free port, so each gets a number.
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
                $"cannot listen on {string.Join(", ", plan.Binds.Select(static spec => spec.Text).Distinct())}: this machine does not have these addresses. Try -b 127.0.0.1:8000.");
        }
    }

    private StartupException InUse(BindEndpoint spec)
    {
        if (spec.Endpoint.IP is { } wanted && listeners.All.FirstOrDefault(one => one.Endpoint.IP?.Port == wanted.Port) is { } ours)
        {
            return new StartupException(
                ExitCodes.CannotBind,
                $"cannot listen on {spec.Text}: this supervisor itself holds {ours.Endpoint.IP}, which overlaps, until its current workers have exited. Reload once without that port, or restart the supervisor.");
        }

        var holder = ProcFs.HolderOf(spec.Endpoint);
        var by = holder is null ? "" : $" (held by {holder})";
        var remedy = IsOfApp(spec) ? StopOrMove
            : spec.Endpoint.IP is { } ip
            ? string.Create(CultureInfo.InvariantCulture, $"Try -b {new IPEndPoint(ip.Address, ip.Port + 1)}, or stop that process.")
            : "Stop that process, or listen elsewhere.";
        return new StartupException(ExitCodes.CannotBind, $"cannot listen on {spec.Text}: address already in use{by}. {remedy}");
    }

    // An endpoint that the app configured as a url may have a certificate, which -b would drop.
    private static bool IsOfApp(BindSpec spec) => spec.Text.StartsWith("http", StringComparison.OrdinalIgnoreCase);

    private static string Remedy(ListenEndpoint endpoint, bool isOfApp, SocketException exception) => exception switch
    {
        { SocketErrorCode: SocketError.AccessDenied } when endpoint.IP is { Port: < 1024 } =>
            "Ports below 1024 need root: use a higher one, or grant the capability with `setcap cap_net_bind_service=+ep` or systemd's AmbientCapabilities.",
        { SocketErrorCode: SocketError.AddressNotAvailable } => "This machine does not have that address: see `ip address`.",
        _ => isOfApp ? "Change the app's endpoint." : "Try another address with -b.",
    };

    private IEnumerable<BoundListener> AdoptFromSystemd(LaunchPlan plan, string text)
    {
        const string prefix = "systemd#";
        var held = listeners.All.Where(static one => one.Key?.StartsWith(prefix, StringComparison.Ordinal) == true).Select(one => listeners.Share(one.Key!)!).ToList();
        if (held.Count > 0)
        {
            return held;
        }

        var left = stored.TakeAll(prefix);
        return left.Count > 0
            ? [.. left.Select(one => Left(plan, one.Socket, one.Key))]
            : SystemdDescriptors().Select((number, i) => Adopt(plan, text, number, string.Create(CultureInfo.InvariantCulture, $"{prefix}{i:D4}")));
    }

    private BoundListener AdoptOnce(LaunchPlan plan, string key, int descriptor, string text, bool isStart) =>
        listeners.Share(key) is { } held ? held
        : stored.Take(key) is { } left ? Left(plan, left, key)
        : isStart ? Adopt(plan, text, descriptor, key)
        : throw new StartupException(
            ExitCodes.CannotBind, $"cannot listen on {text}: descriptors are inherited only when the supervisor starts. Restart it, or name an address.");

    private BoundListener Left(LaunchPlan plan, Socket socket, string key) =>
        listeners.Add(new BoundListener(ListenEndpoint.Of(socket.LocalEndPoint!), socket, key, plan.Options.Backlog, ownsPath: false));

    private BoundListener Adopt(LaunchPlan plan, string text, int descriptor, string key)
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
                $"cannot listen on {text}: descriptor {descriptor} is {(asked.Ok ? "not a listening socket" : asked.Message)}. The process that starts green must pass it on, bound and listening.");
        }

        _ = Libc.AdoptDescriptor(descriptor);
        var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        return listeners.Add(new BoundListener(ListenEndpoint.Of(socket.LocalEndPoint!), socket, key, plan.Options.Backlog, ownsPath: false));
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
                "cannot listen on systemd: no sockets were passed (LISTEN_FDS and LISTEN_PID). Start green from a .socket unit, or give addresses with -b.");
        }

        return given;
    }
}
