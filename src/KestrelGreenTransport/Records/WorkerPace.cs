using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Records;

/// <summary>
/// How much processor time a request costs one worker, and how many methods its runtime compiles, over the last seconds. It
/// decides purely, and belongs to one thread at a time.
/// </summary>
/// <param name="knowsLife">Whether the figures of the process's whole life are used until there are enough of the last seconds.</param>
internal sealed class WorkerPace(bool knowsLife = false)
{
    /// <summary>Fewer requests say nothing.</summary>
    public const int LeastRequests = 50;

    /// <summary>A process that has answered this many requests is past its first seconds.</summary>
    public const int ManyRequests = 1000;

    // Noise, and an uneven share of slow requests, stay below this.
    private const double SlowerBy = 1.3;

    private static readonly long Window = TimeSpan.FromSeconds(2).ToNanoseconds();
    private static readonly long Step = TimeSpan.FromMilliseconds(200).ToNanoseconds();

    // Samples are a step apart: as many as the window has, one before it, and one more. A ring: the runtime compiles a queue of a
    // struct of ours only when it meets one, and here a client may be waiting to be accepted.
    private readonly BoardRecord[] _samples = new BoardRecord[(int)(Window / Step) + 2];
    private BoardRecord _last;
    private int _first;
    private int _count;

    /// <summary>Nanoseconds of processor time per request; null while too little is known.</summary>
    public double? CpuPerRequest { get; private set; }

    /// <summary>Methods compiled per second; null while too little is known.</summary>
    public double? MethodsPerSecond { get; private set; }

    /// <summary>
    /// Whether a worker is hot: its requests cost hardly more than its siblings' do or, where no sibling's cost is known, its runtime compiles
    /// hardly anything. Null if nothing is known.
    /// </summary>
    public static bool? IsHot(WorkerPace one, IEnumerable<WorkerPace> siblings)
    {
        var costs = siblings.Select(static sibling => sibling.CpuPerRequest).OfType<double>().Order().ToList();
        return one.CpuPerRequest is not { } cost ? null
            : costs.Count > 0 ? cost <= SlowerBy * costs[costs.Count / 2]
            : one.MethodsPerSecond <= BoardRecord.FewMethodsPerSecond;
    }

    /// <summary>Adds the worker's record of now. A record of another process starts over.</summary>
    public void Add(BoardRecord record)
    {
        if (record.Pid != _last.Pid)
        {
            _count = 0;
            CpuPerRequest = knowsLife && record.Requests >= ManyRequests ? record.CpuNanoseconds / (double)record.Requests : null;
            MethodsPerSecond = null;
        }
        else if (record.WrittenAt - _last.WrittenAt < Step)
        {
            return;
        }

        _last = record;
        while (_count == _samples.Length || (_count > 1 && record.WrittenAt - _samples[_first].WrittenAt > Window))
        {
            _first = (_first + 1) % _samples.Length;
            _count--;
        }

        _samples[(_first + _count++) % _samples.Length] = record;
        var first = _samples[_first];
        if (record.Requests - first.Requests >= LeastRequests)
        {
            CpuPerRequest = (record.CpuNanoseconds - first.CpuNanoseconds) / (double)(record.Requests - first.Requests);
        }

        if (record.WrittenAt > first.WrittenAt)
        {
            MethodsPerSecond = (record.CompiledMethods - first.CompiledMethods) * 1e9 / (record.WrittenAt - first.WrittenAt);
        }
    }
}
