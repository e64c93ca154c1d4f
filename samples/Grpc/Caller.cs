using Grpc.Core;
using Grpc.Net.Client;

namespace GrpcSample;

/// <summary>Shows which worker answers: always the same one over one channel, all of them over several channels.</summary>
internal static class Caller
{
    public static async Task<int> RunAsync(string url)
    {
        using (var channel = GrpcChannel.ForAddress(url))
        {
            var client = new Greeter.GreeterClient(channel);
            Print("1 channel, 40 calls", await Greet(client, 40));

            using var count = client.Count(new CountRequest { To = 3 });
            await foreach (var reply in count.ResponseStream.ReadAllAsync())
            {
                Console.WriteLine($"{reply.Number} from process {reply.Process}");
            }
        }

        var channels = Enumerable.Range(0, 8).Select(_ => GrpcChannel.ForAddress(url)).ToArray();
        var answers = await Task.WhenAll(channels.Select(static channel => Greet(new Greeter.GreeterClient(channel), 5)));
        Print("8 channels, 40 calls", answers.SelectMany(static processes => processes));
        foreach (var channel in channels)
        {
            channel.Dispose();
        }

        return 0;
    }

    private static async Task<IReadOnlyList<int>> Greet(Greeter.GreeterClient client, int calls)
    {
        var processes = new List<int>();
        while (processes.Count < calls)
        {
            processes.Add((await client.GreetAsync(new GreetRequest { Name = "you" })).Process);
        }

        return processes;
    }

    private static void Print(string what, IEnumerable<int> processes) => Console.WriteLine(
        $"{what}: {string.Join(", ", processes.GroupBy(static process => process).Select(static calls => $"{calls.Count()} by process {calls.Key}"))}");
}
