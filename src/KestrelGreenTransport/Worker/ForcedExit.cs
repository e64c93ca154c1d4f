using System.Globalization;
using System.Text;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Ends a worker that does not exit by itself. Environment.Exit would wait for whatever hangs, so this is _exit(2); the
/// reason is written to stderr only if that does not block.
/// </summary>
internal class ForcedExit
{
    private const int StandardError = 2;

    public virtual unsafe void Leave(int exitCode, string reason)
    {
        var line = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"green: pid {Environment.ProcessId} is forced to exit: {reason}\n"));
        var poll = new Libc.PollFd { fd = StandardError, events = Libc.POLLOUT };
        if (Libc.poll(&poll, 1, 0) > 0 && (poll.revents & Libc.POLLOUT) != 0)
        {
            fixed (byte* bytes = line)
            {
                _ = Libc.write(StandardError, bytes, (nuint)line.Length);
            }
        }

        Libc._exit(exitCode);
    }
}
