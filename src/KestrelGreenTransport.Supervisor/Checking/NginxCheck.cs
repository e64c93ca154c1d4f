using System.Globalization;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Checks whether an nginx configuration fits the supervisor behind it: it proxies to it, and its time limits are in the right order.</summary>
internal static class NginxCheck
{
    private const string Area = "nginx";
    private const int DefaultUpstreamKeepAlive = 60;

    // Kestrel's KeepAliveTimeout.
    private static readonly TimeSpan KestrelKeepAlive = TimeSpan.FromSeconds(130);

    /// <param name="path">The nginx configuration.</param>
    /// <param name="binds">Where the supervisor listens.</param>
    /// <param name="options">The supervisor's settings.</param>
    public static IEnumerable<Finding> Of(string path, IReadOnlyList<BindSpec> binds, GreenSupervisorOptions options)
    {
        IReadOnlyList<NginxDirective> all;
        string? unreadable = null;
        try
        {
            all = [.. NginxDirective.Read(path).SelectMany(static directive => directive.Flatten())];
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException or FormatException)
        {
            (all, unreadable) = ([], failed.Message);
        }

        return unreadable is null ? Look(path, all, binds, options) : [Finding.Problem(Area, $"{path} cannot be read: {unreadable}")];
    }

    private static IEnumerable<Finding> Look(string path, IReadOnlyList<NginxDirective> all, IReadOnlyList<BindSpec> binds, GreenSupervisorOptions options)
    {
        var upstreams = all.Where(static one => one is { Name: "upstream", Arguments: [_] }).ToList();
        var passes = all.Where(static one => one is { Name: "proxy_pass" or "grpc_pass", Arguments: [_] })
            .Select(static one => Target(one.Arguments[0])).Distinct().ToList();
        var ours = upstreams.Where(upstream => passes.Contains(upstream.Arguments[0]) && Servers(upstream).Any(server => Leads(server, binds))).ToList();
        if (ours.Count == 0 && !passes.Any(pass => Leads(pass, binds)))
        {
            yield return Finding.Problem(Area, $"no proxy_pass in {path} points to {string.Join(" or ", binds.Select(static bind => bind.Text))}: nginx would send the requests elsewhere.");
            yield break;
        }

        yield return Finding.Ok(Area, $"{path} points here");
        if (ours.Count == 0)
        {
            yield return Finding.Warning(Area, "proxy_pass names the address directly, so nginx opens a connection for each request: put the address in an upstream block with keepalive 32.");
        }

        foreach (var finding in ours.SelectMany(upstream => LookAt(upstream, all, options)))
        {
            yield return finding;
        }

        foreach (var finding in TimeLimits(all, options))
        {
            yield return finding;
        }
    }

    private static IEnumerable<Finding> LookAt(NginxDirective upstream, IReadOnlyList<NginxDirective> all, GreenSupervisorOptions options)
    {
        var name = upstream.Arguments[0];
        if (Number(upstream.Block.FirstOrDefault(static one => one.Name == "keepalive")) is not { } keepAlive)
        {
            yield return Finding.Warning(Area, $"upstream {name} has no keepalive: nginx opens a connection for each request. Add keepalive 32 to reuse connections.");
            yield break;
        }

        if (!all.Any(static one => one is { Name: "proxy_http_version", Arguments: ["1.1"] })
            || !all.Any(static one => one is { Name: "proxy_set_header", Arguments: [var header, _] } && header.Equals("Connection", StringComparison.OrdinalIgnoreCase)))
        {
            yield return Finding.Warning(Area, $"keepalive of upstream {name} has no effect without proxy_http_version 1.1 and an empty Connection header.");
        }

        var idle = TimeSpan.FromSeconds(DefaultUpstreamKeepAlive);
        if (upstream.Block.FirstOrDefault(static one => one.Name == "keepalive_timeout") is { Arguments: [var text, ..] } && Time(text) is { } given)
        {
            idle = given;
        }

        if (idle >= KestrelKeepAlive)
        {
            yield return Finding.Warning(Area, string.Create(CultureInfo.InvariantCulture,
                $"keepalive_timeout of upstream {name} ({Duration.Format(idle)}) is not shorter than Kestrel's KeepAliveTimeout ({Duration.Format(KestrelKeepAlive)}): nginx may send a request just as Kestrel closes the connection."));
        }

        var processes = Number(all.FirstOrDefault(static one => one.Name == "worker_processes")) ?? Environment.ProcessorCount;
        var slots = (long)options.Workers * options.WorkerConnections;
        if ((long)processes * keepAlive >= slots)
        {
            yield return Finding.Problem(Area, string.Create(CultureInfo.InvariantCulture,
                $"nginx (worker processes: {processes}) keeps up to {Counted.Of(keepAlive, "idle connection")} per process, and all workers here together have {Counted.Of(slots, "slot")}: idle connections would take them all. Lower keepalive or raise WorkerConnections."));
        }
    }

    private static IEnumerable<Finding> TimeLimits(IReadOnlyList<NginxDirective> all, GreenSupervisorOptions options)
    {
        foreach (var directive in all.Where(static one => one is { Name: "proxy_read_timeout", Arguments: [_] }))
        {
            if (Time(directive.Arguments[0]) is { } limit && limit < options.GracefulTimeout)
            {
                yield return Finding.Warning(Area, string.Create(CultureInfo.InvariantCulture,
                    $"proxy_read_timeout ({Duration.Format(limit)}) is shorter than GracefulTimeout ({Duration.Format(options.GracefulTimeout)}): a stopping worker would wait for requests that nginx has given up."));
            }
        }
    }

    private static IEnumerable<string> Servers(NginxDirective upstream) =>
        upstream.Block.Where(static one => one is { Name: "server", Arguments.Count: > 0 }).Select(static one => one.Arguments[0]);

    // http://app/path and http://127.0.0.1:8080, http://unix:/run/shop.sock:/path
    private static string Target(string url)
    {
        var rest = url.Contains("://", StringComparison.Ordinal) ? url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..] : url;
        return rest.StartsWith("unix:", StringComparison.Ordinal)
            ? rest.IndexOf(':', 5) is >= 0 and var end ? rest[..end] : rest
            : rest.Split('/')[0];
    }

    private static bool Leads(string server, IReadOnlyList<BindSpec> binds) => binds.OfType<BindEndpoint>().Any(bind =>
    {
        if (bind.Endpoint.IP is not { } ip)
        {
            return server == bind.Endpoint.ToString();
        }

        var colon = server.LastIndexOf(':');
        var (host, port) = colon > 0 && server[^1] != ']' ? (server[..colon], server[(colon + 1)..]) : (server, "80");
        return port == ip.Port.ToString(CultureInfo.InvariantCulture)
            && (ip.Address.Equals(System.Net.IPAddress.Any) || ip.Address.Equals(System.Net.IPAddress.IPv6Any)
                || host == ip.Address.ToString() || host == $"[{ip.Address}]"
                || (host.Equals("localhost", StringComparison.OrdinalIgnoreCase) && System.Net.IPAddress.IsLoopback(ip.Address)));
    });

    private static int? Number(NginxDirective? directive) =>
        directive is { Arguments: [var text, ..] } && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    // nginx's time syntax: a bare number is seconds, as in ours. Other forms (months, variables) are not judged.
    private static TimeSpan? Time(string text) => Duration.TryParse(text, out var time) ? time : null;
}
