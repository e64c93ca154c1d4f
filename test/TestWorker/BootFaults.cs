using System.Globalization;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Supervisor;

namespace TestWorker;

/// <summary>
/// Faults before the app is serving, chosen by the variable TESTWORKER_BOOT, <c>fault</c> or <c>fault:detail</c>, or by the file
/// boot-fault beside the app, if only this release is broken.
/// </summary>
internal static class BootFaults
{
    private static readonly string File = Path.Combine(AppContext.BaseDirectory, "boot-fault");

    private static readonly string[] Parts =
        (Environment.GetEnvironmentVariable("TESTWORKER_BOOT") ?? (System.IO.File.Exists(File) ? System.IO.File.ReadAllText(File) : "")).Split(':', 2);

    private static string Detail => Parts is [_, var detail] ? detail : throw new InvalidOperationException($"TESTWORKER_BOOT={Parts[0]} needs :detail.");

    /// <summary>TESTWORKER_SUPERVISE=1 makes the app first try to become its own supervisor; with <c>library</c>, a library does that.</summary>
    public static Task<int?> TryRunAsync(string[] args) => Environment.GetEnvironmentVariable("TESTWORKER_SUPERVISE") switch
    {
        "1" => GreenSupervisor.TryRunAsync(args),
        "library" => SharedBoot.Boot.TryRunAsync(args),
        _ => Task.FromResult<int?>(null),
    };

    /// <summary>TESTWORKER_EMBED=1 makes the program a host that runs a supervisor as a service; its workers are the app.</summary>
    public static bool Embed => Environment.GetEnvironmentVariable("TESTWORKER_EMBED") == "1" && Environment.GetEnvironmentVariable("GREEN_WORKER") is null;

    /// <summary><c>plain</c>: an app whose author forgot UseGreenTransport().</summary>
    public static bool UsesGreenTransport => Parts[0] != "plain";

    /// <summary><c>own-endpoint:8081</c>: an app that configures an endpoint in code.</summary>
    public static int? OwnEndpointPort => Parts[0] == "own-endpoint" ? int.Parse(Detail, CultureInfo.InvariantCulture) : null;

    /// <summary>TESTWORKER_HTTP2=8081: the endpoint at this port speaks only HTTP/2, which is necessary without TLS.</summary>
    public static int? Http2Port =>
        Environment.GetEnvironmentVariable("TESTWORKER_HTTP2") is { } port ? int.Parse(port, CultureInfo.InvariantCulture) : null;

    /// <summary><c>dies-after-ready:50</c>: an app that crashes with an unhandled exception this many milliseconds after its start.</summary>
    public static TimeSpan? DiesAfter => Parts[0] == "dies-after-ready" ? TimeSpan.FromMilliseconds(int.Parse(Detail, CultureInfo.InvariantCulture)) : null;

    /// <summary>
    /// <c>own-listener:700</c>: an app that listens on its own socket, calls UseGreenTransport() and then takes this many
    /// milliseconds.
    /// </summary>
    public static TimeSpan? SlowAfterCall => Parts[0] == "own-listener" ? TimeSpan.FromMilliseconds(int.Parse(Detail, CultureInfo.InvariantCulture)) : null;

    public static TcpListener? ListenByItself()
    {
        if (SlowAfterCall is null)
        {
            return null;
        }

        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    /// <summary>Causes the chosen fault.</summary>
    public static void Commit()
    {
        switch (Parts[0])
        {
            case "hang":
                Thread.Sleep(Timeout.Infinite);
                break;

            // Moving the file is atomic, so exactly one of several workers takes the fault.
            case "hang-once":
                if (TryTake(Detail))
                {
                    Thread.Sleep(Timeout.Infinite);
                }

                break;

            // The first worker becomes ready only once the file exists, so that it is not the one that has been serving longest.
            case "first-waits" when Environment.GetEnvironmentVariable("GREEN_WORKER") == "1":
                while (!System.IO.File.Exists(Detail))
                {
                    Thread.Sleep(20);
                }

                break;

            case "slow":
                Thread.Sleep(int.Parse(Detail, CultureInfo.InvariantCulture));
                break;

            case "throw":
                Console.Error.WriteLine("about to fail");
                throw new InvalidOperationException(Detail);

            case "exit":
                Console.Error.WriteLine($"leaving with {Detail}");
                Environment.Exit(int.Parse(Detail, CultureInfo.InvariantCulture));
                break;

            default:
                break;
        }
    }

    private static bool TryTake(string file)
    {
        try
        {
            System.IO.File.Move(file, $"{file}.{Environment.ProcessId}");
            return true;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
    }
}
