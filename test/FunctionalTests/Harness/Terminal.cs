using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace FunctionalTests.Harness;

/// <summary>A pseudo terminal: the test holds the master side, as a terminal window does.</summary>
internal sealed partial class Terminal : IDisposable
{
    private const int O_RDWR = 2;
    private const int O_NOCTTY = 0x100;
    private const int O_CLOEXEC = 0x80000;
    private const nuint TIOCSWINSZ = 0x5414;
    private const short POLLIN = 1;

    private readonly int _master;
    private readonly StringBuilder _screen = new();
    private readonly Thread _reader;
    private volatile bool _closing;

    public Terminal()
    {
        _master = Check(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), nameof(posix_openpt));
        Check(grantpt(_master), nameof(grantpt));
        Check(unlockpt(_master), nameof(unlockpt));
        var name = new byte[64];
        Check(ptsname_r(_master, name, (nuint)name.Length), nameof(ptsname_r));
        Path = Encoding.ASCII.GetString(name, 0, Array.IndexOf(name, (byte)0));
        _reader = new Thread(Read) { IsBackground = true, Name = "terminal" };
        _reader.Start();
    }

    /// <summary>The device that programs open.</summary>
    public string Path { get; }

    public string Screen
    {
        get
        {
            lock (_screen)
            {
                return _screen.ToString();
            }
        }
    }

    /// <summary>
    /// A command line that runs a program with this as its controlling terminal, which a session leader without one gets when it
    /// opens a terminal. (The harness starts every program as a session leader.)
    /// </summary>
    public IEnumerable<string> Run(params IEnumerable<string> command) => ["-c", "exec 0<>\"$0\" 1>&0 2>&0; exec \"$@\"", Path, .. command];

    /// <summary>The user resizes the window: the kernel sends WINCH to the foreground processes.</summary>
    public void Resize(ushort rows, ushort columns)
    {
        Span<ushort> size = [rows, columns, 0, 0];
        Check(ioctl(_master, TIOCSWINSZ, ref size[0]), nameof(ioctl));
    }

    /// <summary>The user types.</summary>
    public void Type(string keys)
    {
        var bytes = Encoding.UTF8.GetBytes(keys);
        Check((int)write(_master, bytes, (nuint)bytes.Length), nameof(write));
    }

    /// <summary>The user presses Ctrl+C: the kernel sends INT to the foreground processes.</summary>
    public void PressControlC() => Check((int)write(_master, [3], 1), nameof(write));

    /// <summary>The user closes the window: the kernel sends HUP to the session's leader and the foreground processes.</summary>
    public void Dispose()
    {
        if (!_closing)
        {
            _closing = true;
            _reader.Join();
            Check(close(_master), nameof(close));
        }
    }

    // Polls with a timeout, since a pending read would keep the terminal open after it is closed.
    private void Read()
    {
        var buffer = new byte[4096];
        while (!_closing)
        {
            var polled = new PollFd { Descriptor = _master, Events = POLLIN };
            if (poll(ref polled, 1, 50) <= 0)
            {
                continue;
            }

            var count = (int)read(_master, buffer, (nuint)buffer.Length);
            if (count > 0)
            {
                lock (_screen)
                {
                    _screen.Append(Encoding.UTF8.GetString(buffer, 0, count));
                }
            }
            else
            {
                // EIO: no process has the terminal open, not yet or no longer.
                Thread.Sleep(50);
            }
        }
    }

    private static int Check(int result, string call) =>
        result >= 0 ? result : throw new Win32Exception(Marshal.GetLastPInvokeError(), call);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int posix_openpt(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int grantpt(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unlockpt(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ptsname_r(int descriptor, [Out] byte[] name, nuint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int descriptor, nuint request, ref ushort size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int poll(ref PollFd descriptors, nuint count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int descriptor, [Out] byte[] buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int descriptor, byte[] buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollFd
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
