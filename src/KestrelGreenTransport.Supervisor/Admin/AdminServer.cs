using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Binding;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Files;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>
/// The supervisor's own Kestrel for the admin endpoint, without host, container or configuration: the Kestrel settings in the app's
/// files are not meant for it. It runs on the thread pool, for which the supervisor's thread never waits.
/// </summary>
internal sealed class AdminServer : IDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HeadersLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan KeepAliveLimit = TimeSpan.FromSeconds(20);

    private readonly KestrelServer _server;
    private readonly CancellationTokenSource _stopping;

    private AdminServer(KestrelServer server, CancellationTokenSource stopping)
    {
        _server = server;
        _stopping = stopping;
    }

    /// <summary>Starts to listen and answer.</summary>
    /// <exception cref="StartupException">It cannot listen there.</exception>
    public static AdminServer Start(AdminPlan plan, Func<CancellationToken, AdminApp> app)
    {
        var options = new KestrelServerOptions { AddServerHeader = false, AllowSynchronousIO = false };

        // More than AdminConnections allows, for connections that are being closed.
        options.Limits.MaxConcurrentConnections = 2 * AdminConnections.Most;
        options.Limits.MaxRequestBodySize = 4096;
        options.Limits.RequestHeadersTimeout = HeadersLimit;
        options.Limits.KeepAliveTimeout = KeepAliveLimit;
        var connections = new AdminConnections();
        var stopping = new CancellationTokenSource();
        var server = new KestrelServer(
            Options.Create(options),
            new SocketTransportFactory(Options.Create(new SocketTransportOptions { CreateBoundListenSocket = Bind }), NullLoggerFactory.Instance),
            NullLoggerFactory.Instance);
        try
        {
            foreach (var endpoint in plan.Endpoints)
            {
                Listen(options, endpoint, connections);
            }

            server.StartAsync(new Application(app(stopping.Token), connections), CancellationToken.None).GetAwaiter().GetResult();
            return new AdminServer(server, stopping);
        }
        catch (Exception failed) when (failed is IOException or AddressInUseException or SocketException or UnauthorizedAccessException)
        {
            server.Dispose();
            stopping.Dispose();
            var why = failed is AddressInUseException || failed.InnerException is AddressInUseException ? "address already in use" : failed.Message.TrimEnd('.');
            throw new StartupException(ExitCodes.CannotBind, $"the admin endpoint cannot listen on {plan.Text}: {why}. Give another address with --admin.");
        }
    }

    public void Dispose()
    {
        // Event streams never end by themselves.
        _stopping.Cancel();
        using (var limit = new CancellationTokenSource(StopLimit))
        {
            _server.StopAsync(limit.Token).GetAwaiter().GetResult();
        }

        _server.Dispose();
        _stopping.Dispose();
    }

    private static void Listen(KestrelServerOptions options, ListenEndpoint endpoint, AdminConnections connections)
    {
        if (endpoint.IP is { } ip)
        {
            options.Listen(ip, Configure);
            return;
        }

        options.Listen(endpoint.ToEndPoint(), Configure);

        void Configure(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http1;
            listen.Use(next => connection => connections.Serve(connection, next));
        }
    }

    // Replaces a path left by a killed supervisor, but no other file, and makes it accessible to this user alone before any client can connect.
    private static Socket Bind(EndPoint endPoint)
    {
        if (endPoint is not UnixDomainSocketEndPoint unix)
        {
            return SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
        }

        if (unix.ToString() is ['/', ..] path && SocketFolder.WhyNot(path) is { } open)
        {
            throw new IOException(open);
        }

        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            UnixSocketBinder.Bind(socket, unix, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class Application(AdminApp app, AdminConnections connections) : IHttpApplication<HttpContext>
    {
        public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

        public async Task ProcessRequestAsync(HttpContext context)
        {
            var isHealth = AdminApp.IsHealthCheck(context.Request);
            if (!connections.TryBegin(context.Features, isHealth))
            {
                await AdminApp.Refuse(context.Response);
                return;
            }

            try
            {
                await app.Answer(context);
            }
            finally
            {
                connections.End(context.Features, isHealth);
            }
        }

        public void DisposeContext(HttpContext context, Exception? exception)
        {
        }
    }
}
