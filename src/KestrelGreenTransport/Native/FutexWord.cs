using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>
/// A word on which threads of this process park, by futex(2): the cheapest way to sleep and to be woken. It may be woken at
/// any time, even if no thread is parked on it.
/// </summary>
internal sealed unsafe class FutexWord
{
    private const int WaitPrivate = 128;
    private const int WakePrivate = 1 | 128;

    // Pinned while this object lives.
    private readonly int[] _word = GC.AllocateArray<int>(1, pinned: true);

    public int Value
    {
        get => Volatile.Read(ref _word[0]);
        set => Volatile.Write(ref _word[0], value);
    }

    private nint Address => (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_word));

    public int Exchange(int value) => Interlocked.Exchange(ref _word[0], value);

    public bool TryReplace(int from, int to) => Interlocked.CompareExchange(ref _word[0], to, from) == from;

    /// <summary>
    /// Sleeps while the word has this value, until a wake or the limit; null waits for ever. May also return for no reason:
    /// check the word again.
    /// </summary>
    public void WaitWhile(int value, TimeSpan? limit)
    {
        if (Value != value)
        {
            return;
        }

        if (limit is not { } span)
        {
            _ = SystemCalls.Make(SystemCall.futex, Address, WaitPrivate, value);
            return;
        }

        var time = new Libc.TimeSpec { Seconds = (nint)(span.Ticks / TimeSpan.TicksPerSecond), Nanoseconds = (nint)(span.Ticks % TimeSpan.TicksPerSecond * 100) };
        _ = SystemCalls.Make(SystemCall.futex, Address, WaitPrivate, value, (nint)(&time));
    }

    public void WakeOne() => _ = SystemCalls.Make(SystemCall.futex, Address, WakePrivate, 1);
}
