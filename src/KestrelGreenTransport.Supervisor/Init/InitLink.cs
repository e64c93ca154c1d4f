using System.Globalization;
using System.Text;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Init;

/// <summary>How a supervisor tells its init which process to follow: its pid, in a pipe.</summary>
internal sealed class InitLink : IDisposable
{
    private readonly Descriptor _pipe;

    private InitLink(Descriptor pipe) => _pipe = pipe;

    /// <summary>The connection to the init that started us; null if there is none.</summary>
    public static InitLink? Find()
    {
        return int.TryParse(ContractVariables.Take(OwnVariables.Init), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && Libc.AdoptDescriptor(number).Ok
            ? new InitLink(new Descriptor(number))
            : null;
    }

    /// <summary>Tells the init that this process is the supervisor now.</summary>
    public unsafe void AnnounceSupervisor()
    {
        var text = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
        fixed (byte* start = text)
        {
            _ = Libc.write(_pipe.Number, start, (nuint)text.Length);
        }
    }

    /// <summary>Passes the pipe to a child too; returns the variable's value for it.</summary>
    public string PlaceIn(List<(int Ours, int Theirs)> descriptors, int number)
    {
        descriptors.Add((_pipe.Number, number));
        return number.ToString(CultureInfo.InvariantCulture);
    }

    public void Dispose() => _pipe.Dispose();
}
