using System.Globalization;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Listening;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.AspNetCore.Connections;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Binds each address briefly, as the supervisor would, and releases it.</summary>
internal static class BindCheck
{
    private const string Area = "binds";

    /// <param name="plan">What to bind.</param>
    /// <param name="running">The supervisor of the same name, if one runs: addresses that it holds are fine.</param>
    public static IEnumerable<Finding> Of(LaunchPlan plan, StatusDocument? running)
    {
        var held = running?.Listeners.Select(static listener => listener.Endpoint).ToHashSet() ?? [];
        foreach (var group in plan.Binds.GroupBy(static bind => bind.Text))
        {
            if (group.First() is not BindEndpoint)
            {
                yield return Finding.Ok(Area, $"{group.Key}: not checked here, since the supervisor inherits it at its start");
            }
            else if (group.OfType<BindEndpoint>().Any(bind => held.Contains($"{bind.Endpoint}")))
            {
                yield return Finding.Ok(Area, $"{group.Key}: held by the running supervisor {running!.Name} (pid {running.SupervisorPid})");
            }
            else
            {
                yield return Try(plan with { Binds = [.. group] }, group.Key);
            }
        }
    }

    /// <summary>The same for the admin endpoint.</summary>
    public static IEnumerable<Finding> OfAdmin(AdminPlan? admin, StatusDocument? running)
    {
        foreach (var endpoint in admin?.Endpoints ?? [])
        {
            Finding finding;
            try
            {
                SocketBinder.Bind(endpoint.ToEndPoint(), new GreenTransportOptions()).Socket.Dispose();
                finding = Finding.Ok(Area, $"{endpoint}: can be bound (Admin)");
            }
            catch (Exception failed) when (failed is AddressInUseException or IOException or SocketException)
            {
                var holder = failed is AddressInUseException ? ProcFs.HolderOf(endpoint) : null;
                finding = running is not null && holder?.EndsWith(string.Create(CultureInfo.InvariantCulture, $"pid {running.SupervisorPid}"), StringComparison.Ordinal) == true
                    ? Finding.Ok(Area, $"{endpoint}: held by the running supervisor {running.Name} (pid {running.SupervisorPid}) (Admin)")
                    : Finding.Problem(Area, $"Admin ('{admin!.Text}'): cannot listen on {endpoint}: {(failed is AddressInUseException ? "address already in use" : failed.Message.TrimEnd('.'))}{(holder is null ? "" : $" (held by {holder})")}. Give another address with --admin.");
            }

            yield return finding;
        }
    }

    private static Finding Try(LaunchPlan plan, string text)
    {
        try
        {
            using var none = StoredSockets.Of(static _ => null);
            using var bound = new ListenerSet();
            _ = new ListenerBinder(bound, none).Bind(plan, isStart: true);
            return Finding.Ok(Area, $"{text}: can be bound");
        }
        catch (StartupException failed)
        {
            return Finding.Problem(Area, failed.Message);
        }
    }
}
