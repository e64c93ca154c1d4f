using System.Collections.Concurrent;
using System.Globalization;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Hooks;

// Tell never blocks: events are queued for a separate thread, and events beyond its capacity are dropped and counted.
// Each hook has a time limit. A command that exceeds it is killed. A handler in code cannot be killed, so it keeps its thread
// and the next event is handled on another.

/// <summary>Calls hooks for events, in order, one at a time.</summary>
internal sealed class HookRunner : IDisposable
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    private const int Capacity = 1000;

    private readonly GreenSupervisorOptions _options;
    private readonly IReadOnlyList<(GreenHook Hook, string Command)> _commands;
    private readonly string _name;
    private readonly ILogger _logger;
    private readonly TimeSpan _limit;
    private readonly BlockingCollection<GreenHookEvent> _events = new(Capacity);
    private readonly ManualResetEventSlim _ended = new();
    private int _dropped;

    public HookRunner(GreenSupervisorOptions options, string name, ILogger logger)
        : this(options, name, logger, Limit)
    {
    }

    internal HookRunner(GreenSupervisorOptions options, string name, ILogger logger, TimeSpan limit)
    {
        _options = options;
        _name = name;
        _logger = logger;
        _limit = limit;
        _commands = [.. options.Hook.Select(HookNames.Parse).OfType<(GreenHook, string)>()];
        if (!HasAny)
        {
            _ended.Set();
            return;
        }

        new Thread(Run) { IsBackground = true, Name = "green-hooks" }.Start();
    }

    private bool HasAny => _commands.Count > 0 || _options.HasHandlers;

    /// <summary>Calls the hook that belongs to an effect, if there is one.</summary>
    public void Tell(Effect effect)
    {
        if (HasAny && HookFacts.Of(effect) is { } happened)
        {
            Tell(happened);
        }
    }

    public void Tell(GreenHookEvent happened)
    {
        if (HasAny && !_events.IsAddingCompleted && !_events.TryAdd(happened))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    /// <summary>Lets the queued hooks finish, each within its limit, and all of them within three times that.</summary>
    public void Dispose()
    {
        _events.CompleteAdding();
        if (_ended.Wait(3 * _limit))
        {
            _events.Dispose();
            _ended.Dispose();
        }
    }

    private void Run()
    {
        foreach (var happened in _events.GetConsumingEnumerable())
        {
            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
            {
                SupervisorLog.HooksNotTold(_logger, Counted.Of(dropped, "event"));
            }

            foreach (var (hook, command) in _commands)
            {
                if (hook == happened.Hook && HookCommand.Run(command, happened, _name, _limit) is { } problem)
                {
                    SupervisorLog.HookFailed(_logger, $"{HookNames.Of(hook)}={command}", problem);
                }
            }

            CallHandlers(happened);
        }

        _ended.Set();
    }

    private void CallHandlers(GreenHookEvent happened)
    {
        foreach (var handler in _options.HandlersOf(happened.Hook))
        {
            using var done = new ManualResetEventSlim();
            Exception? failure = null;
            new Thread(() =>
            {
                try
                {
                    handler(happened);
                }
                catch (Exception thrown)
                {
                    failure = thrown;
                }
                finally
                {
                    Signal(done);
                }
            })
            { IsBackground = true, Name = "green-hook" }.Start();
            var inTime = done.Wait(_limit);
            if (!inTime || failure is not null)
            {
                SupervisorLog.HookFailed(
                    _logger,
                    $"On{happened.Hook}",
                    failure?.ToString() ?? string.Create(CultureInfo.InvariantCulture, $"it has not returned within {_limit.TotalSeconds:0.#} s; later handlers do not wait for it"));
            }
        }
    }

    private static void Signal(ManualResetEventSlim done)
    {
        try
        {
            done.Set();
        }
        catch (ObjectDisposedException)
        {
            // The wait has already ended.
        }
    }
}
