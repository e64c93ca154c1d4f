// The server that the benchmarks measure: one app over the chosen transport, so that two variants differ in nothing else. No
// logging, no routing, no middleware: the transport should dominate.
//
//   --Transport stock | inline | green    inline: stock with UnsafePreferInlineScheduling
//   --Protocol http | https | h2          what its one endpoint speaks (h2: cleartext HTTP/2 by prior knowledge)
//   --GreenTransport:Backend Epoll ...    any setting of the transport
//   --Postgres "Host=..."                 for /db
//
// It prints `READY <port>` and then answers lines on standard input (ControlLine); it exits at the end of the input.

using System.Net;
using Benchmarks.Server;
using Microsoft.AspNetCore.Server.Kestrel.Core;

var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
builder.Configuration.AddCommandLine(args);

if (TransportChoice.WhatIsMissing(builder.Configuration) is { } missing)
{
    Console.WriteLine($"UNSUPPORTED {missing}");
    return 3;
}

builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration();
TransportChoice.Apply(builder.WebHost, builder.Configuration);
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, endpoint =>
{
    switch (builder.Configuration["Protocol"] ?? "http")
    {
        case "https":
            endpoint.UseHttps(ServerCertificate.Create());
            break;
        case "h2":
            endpoint.Protocols = HttpProtocols.Http2;
            break;
    }
}));

using var takeovers = ControlLine.CountTakeovers();
await using var app = builder.Build();
await using var endpoints = new Endpoints(builder.Configuration["Postgres"]);
app.Run(endpoints.HandleAsync);
await app.StartAsync();

Console.WriteLine($"READY {new Uri(app.Urls.Single()).Port}");

// On this thread, which has no other work: it answers however busy or blocked the thread pool and the loops are.
ControlLine.AnswerUntilEnd(Console.In, Console.Out);

// Not StopAsync: it would wait for handlers that sleep.
Environment.Exit(0);
return 0;
