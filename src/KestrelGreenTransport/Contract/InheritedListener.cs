using System.Globalization;

namespace KestrelGreenTransport.Contract;

/// <summary>A listening socket that this process was born with.</summary>
/// <param name="Descriptor">Its number in this process.</param>
/// <param name="Endpoint">Where it listens.</param>
internal sealed record InheritedListener(int Descriptor, ListenEndpoint Endpoint)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Descriptor}={Endpoint}");

    /// <summary>Writes the value of <c>GREEN_LISTEN</c>.</summary>
    public static string Format(IEnumerable<InheritedListener> listeners) => string.Join(';', listeners);

    /// <summary>Reads the value of <c>GREEN_LISTEN</c>.</summary>
    /// <exception cref="FormatException">The text is not a list of <c>descriptor=endpoint</c>; the message shows the entry.</exception>
    public static IReadOnlyList<InheritedListener> Parse(string text)
    {
        var listeners = new List<InheritedListener>();
        foreach (var entry in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var equals = entry.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0
                || !int.TryParse(entry.AsSpan(0, equals), NumberStyles.None, CultureInfo.InvariantCulture, out var descriptor)
                || !ListenEndpoint.TryParse(entry[(equals + 1)..], out var endpoint))
            {
                throw new FormatException(
                    $"{ContractVariables.Listen}: '{entry}' is not descriptor=endpoint, as in 3=tcp://0.0.0.0:8080 or 4=unix:/run/app.sock.");
            }

            listeners.Add(new InheritedListener(descriptor, endpoint));
        }

        return listeners;
    }
}
