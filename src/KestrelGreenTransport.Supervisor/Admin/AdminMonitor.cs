using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>Samples the figures once a second and keeps an hour of them, for the page alone; it exists only with an admin endpoint.</summary>
internal sealed class AdminMonitor : IDisposable
{
    /// <summary>The time between two points of the charts.</summary>
    public static readonly TimeSpan SampleEvery = TimeSpan.FromSeconds(5);

    // One hour.
    private const int SamplesKept = 720;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly Func<Figures> _figures;
    private readonly bool _canAct;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Queue<Figures> _window = new();
    private readonly Queue<AdminSample> _samples = new();
    private readonly ITimer _timer;
    private AdminFrame _latest;
    private TaskCompletionSource _next = NewSource();
    private Figures _sampled;

    public AdminMonitor(Func<Figures> figures, bool canAct, TimeProvider time)
    {
        _figures = figures;
        _canAct = canAct;
        _time = time;
        _sampled = figures();
        _window.Enqueue(_sampled);
        _latest = Frame(_sampled, _sampled);
        _timer = time.CreateTimer(_ => Look(), null, LookEvery, LookEvery);
    }

    public AdminFrame Latest
    {
        get
        {
            lock (_gate)
            {
                return _latest;
            }
        }
    }

    /// <summary>The points of the last hour, oldest first.</summary>
    public IReadOnlyList<AdminSample> Samples
    {
        get
        {
            lock (_gate)
            {
                return [.. _samples];
            }
        }
    }

    /// <summary>Completes at the next sample.</summary>
    public Task Next
    {
        get
        {
            lock (_gate)
            {
                return _next.Task;
            }
        }
    }

    /// <summary>Waits for a sample in progress, because what it reads is about to be disposed.</summary>
    public void Dispose() => _timer.DisposeAsync().AsTask().Wait(LookEvery);

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Look()
    {
        var now = _figures();
        TaskCompletionSource looked;
        lock (_gate)
        {
            // Rates over the last few seconds: over a single second they jump.
            _window.Enqueue(now);
            while (_window.Peek().At < now.At - SampleEvery.TotalSeconds)
            {
                _window.Dequeue();
            }

            _latest = Frame(_window.Peek(), now);
            if (now.At - _sampled.At >= SampleEvery.TotalSeconds - (LookEvery.TotalSeconds / 2))
            {
                _samples.Enqueue(Sample(_sampled, now));
                if (_samples.Count > SamplesKept)
                {
                    _samples.Dequeue();
                }

                _sampled = now;
            }

            (looked, _next) = (_next, NewSource());
        }

        looked.SetResult();
    }

    private AdminFrame Frame(Figures before, Figures now) => new(
        now.Status, now.Since(before), [.. now.Requests.Select(one => new WorkerRates(one.Index, now.Since(before, one.Index)))], _canAct);

    private AdminSample Sample(Figures before, Figures now)
    {
        var rates = now.Since(before);
        var workers = now.Status.Workers;
        return new AdminSample(
            _time.GetUtcNow().ToUnixTimeMilliseconds(),
            Math.Round(rates.RequestsPerSecond, 2),
            Math.Round(rates.FailedPerSecond, 2),
            rates.P50,
            rates.P99,
            workers.Sum(static worker => worker.Connections),
            now.Status.Listeners.Sum(static listener => listener.Queued),
            workers.Count(static worker => worker.State == WorkerPhase.Serving),
            workers.Sum(static worker => worker.Restarts));
    }
}
