using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;

namespace SignalRChat;

/// <summary>Sends what it reads from standard input, and prints what other users say.</summary>
internal static class Chatter
{
    public static async Task<int> RunAsync(Uri url, string name)
    {
        await using var connection = new HubConnectionBuilder()
            .WithUrl(new Uri(url, "/chat"), static options =>
            {
                // One request, and so one worker: nothing needs to be sticky.
                options.Transports = HttpTransportType.WebSockets;
                options.SkipNegotiation = true;
            })
            .WithAutomaticReconnect()
            .Build();
        connection.On<string>("Said", Console.WriteLine);
        connection.Reconnecting += static _ => Console.Out.WriteLineAsync("(reconnecting)");
        connection.Reconnected += static _ => Console.Out.WriteLineAsync("(connected again)");

        await connection.StartAsync();
        Console.WriteLine("(connected)");
        while (await Console.In.ReadLineAsync() is { } line)
        {
            await connection.InvokeAsync("Say", name, line);
        }

        return 0;
    }
}
