using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>Runs a command as a child in our own process group, so that Ctrl+C ends it too.</summary>
internal sealed class CommandRunner(IReadOnlyDictionary<string, string> environment) : ICommandRunner
{
    private const int StandardOutput = 1;
    private const int StandardError = 2;

    public CommandResult Run(string fileName, IReadOnlyList<string> arguments, string workingDirectory, bool capture)
    {
        var (read, write) = Descriptor.Pipe();
        using (read)
        {
            Spawned spawned;
            using (write)
            {
                spawned = Spawn.Start(new SpawnRequest
                {
                    FileName = fileName,
                    Arguments = arguments,
                    Environment = WithoutServers(environment),
                    Descriptors = [(capture ? write.Number : StandardError, StandardOutput), (StandardError, StandardError)],
                    WorkingDirectory = workingDirectory,
                    OwnSession = false,
                });
            }

            using var child = spawned.Process ?? throw new IOException($"cannot start {fileName}: {spawned.Error}");
            var output = ReadToEnd(read.Number);
            WaitReadable(child.Number);
            var exit = child.Reap()!.Value;
            return new CommandResult(CodeOf(exit), output);
        }
    }

    /// <summary>The exit code as a shell reports it.</summary>
    public static int CodeOf(ExitStatus status) => status.Code ?? 128 + status.Signal ?? 1;

    /// <summary>Turns off the MSBuild server: a build in a server that outlives the command could not be ended with it.</summary>
    public static IReadOnlyDictionary<string, string> WithoutServers(IReadOnlyDictionary<string, string> environment) =>
        new Dictionary<string, string>(environment) { ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0" };

    private static unsafe string ReadToEnd(int descriptor)
    {
        var all = new MemoryStream();
        var buffer = stackalloc byte[4096];
        while (true)
        {
            WaitReadable(descriptor);
            var count = Libc.read(descriptor, buffer, 4096);
            if (count == 0)
            {
                return Encoding.UTF8.GetString(all.GetBuffer(), 0, (int)all.Length);
            }

            var result = Result.From(count);
            if (result.Ok)
            {
                all.Write(new ReadOnlySpan<byte>(buffer, (int)count));
            }
            else if (result.Error is not (Errno.EAGAIN or Errno.EINTR))
            {
                throw new NativeException("read", result);
            }
        }
    }

    private static unsafe void WaitReadable(int descriptor)
    {
        var entry = new Libc.PollFd { fd = descriptor, events = Libc.POLLIN };
        Result polled;
        do
        {
            polled = Result.From(Libc.poll(&entry, 1, -1));
        }
        while (polled.Error == Errno.EINTR);
    }
}
