using System.Globalization;
using KestrelGreenTransport.Native;

namespace KestrelGreenTransport.WarmUp;

// No thread keeps the low priority: a priority that cannot be raised again is never lowered.

/// <summary>
/// Gives this whole process a low priority until disposed, so that its work does not slow down the processes that are serving.
///
/// It does so in three ways, because each works where others do not. Where the kernel groups threads by session (autogroup), a
/// thread's nice value counts only within its group, and any user may change the group's own value and change it back. In a container the
/// thread's value counts, but raising its priority again takes CAP_SYS_NICE or RLIMIT_NICE. Any user may switch to SCHED_BATCH
/// and back: such a thread gets its full share, but does not preempt others when it wakes.
/// </summary>
internal sealed class LowPriority : IDisposable
{
    private const int NicerBy = 10;
    private const int MostNice = 19;
    private const string Autogroup = "/proc/self/autogroup";

    // A thread created while the others are changed inherits the priority of its creator: two passes in a row must find none to change.
    private const int Looks = 2;

    private static readonly TimeSpan KernelsPause = TimeSpan.FromMilliseconds(110);
    private static readonly Lock Changing = new();
    private static LowPriority? _current;
    private static int _users;

    private readonly int _niceBefore = SchedulingCalls.NiceOf(ThreadAffinity.Caller);
    private readonly bool _mayBeNice;
    private readonly int? _groupBefore;

    private LowPriority(bool mayBeNice)
    {
        _mayBeNice = mayBeNice;
        _groupBefore = SchedulingCalls.LeadsSession ? GroupNice() : null;
        if (_groupBefore is { } group && !TrySetGroup(Math.Min(group + NicerBy, MostNice)))
        {
            _groupBefore = null;
        }

        // One pass is enough: a thread that it misses keeps its priority, which does no harm.
        SetAll(lowers: true);
    }

    private int Lower => Math.Min(_niceBefore + NicerBy, MostNice);

    /// <summary>Lowers the priority until the last instance is disposed. Linux only.</summary>
    public static LowPriority Begin() => Begin(MayComeBack());

    internal static LowPriority Begin(bool mayBeNice)
    {
        lock (Changing)
        {
            _users++;
            return _current ??= new LowPriority(mayBeNice);
        }
    }

    public void Dispose()
    {
        lock (Changing)
        {
            if (--_users > 0)
            {
                return;
            }

            _current = null;
            for (var clean = 0; clean < Looks; clean++)
            {
                clean = SetAll(lowers: false) ? -1 : clean;
            }

            // The kernel accepts this from an ordinary user at most ten times a second.
            using var pause = new ManualResetEventSlim();
            for (var tries = 0; _groupBefore is { } group && !TrySetGroup(group) && tries < 10; tries++)
            {
                pause.Wait(KernelsPause);
            }
        }
    }

    /// <summary>Whether a thread may return to its old nice value. A thread that exits afterwards tries it, because it may be unable to.</summary>
    public static bool MayComeBack()
    {
        var mayReturn = false;
        var probe = new Thread(() =>
        {
            var before = SchedulingCalls.NiceOf(ThreadAffinity.Caller);
            mayReturn = SchedulingCalls.SetNice(ThreadAffinity.Caller, Math.Min(before + 1, MostNice)).Ok && SchedulingCalls.SetNice(ThreadAffinity.Caller, before).Ok;
        });
        probe.Start();
        probe.Join();
        return mayReturn;
    }

    // True if there was a thread to change.
    private bool SetAll(bool lowers)
    {
        var changed = false;
        try
        {
            foreach (var folder in Directory.EnumerateDirectories("/proc/self/task"))
            {
                changed |= int.TryParse(Path.GetFileName(folder.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var thread) && Set(thread, lowers);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A system that hides its threads: none was lowered, and none is raised.
        }

        return changed;
    }

    // A thread whose priority the app has set keeps it.
    private bool Set(int thread, bool lowers)
    {
        if (_mayBeNice)
        {
            var (from, to) = lowers ? (_niceBefore, Lower) : (Lower, _niceBefore);
            return SchedulingCalls.NiceOf(thread) == from && SchedulingCalls.SetNice(thread, to).Ok;
        }
        else
        {
            var (from, to) = lowers ? (SchedulingCalls.SCHED_OTHER, SchedulingCalls.SCHED_BATCH) : (SchedulingCalls.SCHED_BATCH, SchedulingCalls.SCHED_OTHER);
            return SchedulingCalls.PolicyOf(thread).Value == from && SchedulingCalls.SetPolicy(thread, to).Ok;
        }
    }

    // "/autogroup-25 nice 0"; null where the kernel does not group threads, or does not tell.
    private static int? GroupNice()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/sched_autogroup_enabled").Trim() == "1"
                && File.ReadAllText(Autogroup).Split(' ', StringSplitOptions.TrimEntries) is [.., "nice", var nice]
                && int.TryParse(nice, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool TrySetGroup(int nice)
    {
        try
        {
            File.WriteAllText(Autogroup, nice.ToString(CultureInfo.InvariantCulture));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
