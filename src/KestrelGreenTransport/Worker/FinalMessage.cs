using System.Text;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervision;

namespace KestrelGreenTransport.Worker;

/// <summary>
/// Tells the supervisor that this process is dying of an OutOfMemoryException (a heap limit): its exit code is the same as
/// for any other unhandled exception. The packet is built up front, because by then there is no memory to build it.
/// </summary>
internal sealed class FinalMessage : IDisposable
{
    private readonly LifelineSocket _lifeline;
    private readonly byte[] _outOfMemory = Encoding.UTF8.GetBytes($"{{\"type\":\"{LifelineTypes.OutOfMemory}\"}}");

    public FinalMessage(LifelineSocket lifeline)
    {
        _lifeline = lifeline;
        AppDomain.CurrentDomain.UnhandledException += OnUnhandled;
    }

    public void Dispose() => AppDomain.CurrentDomain.UnhandledException -= OnUnhandled;

    private void OnUnhandled(object sender, UnhandledExceptionEventArgs e)
    {
        if (e.ExceptionObject is OutOfMemoryException)
        {
            _ = _lifeline.Send(_outOfMemory);
        }
    }
}
