using System.Text;

namespace KestrelGreenTransport.Settings;

/// <summary>One setting of the transport, as text in configuration and environment knows it.</summary>
/// <param name="Name">The option's name, also the key in the section <c>GreenTransport</c>.</param>
/// <param name="Form">What a text must look like, for error messages: "a duration such as 30s".</param>
/// <param name="TrySet">Sets the option from a text; false when the text has another form.</param>
internal sealed record TransportSetting(string Name, string Form, Func<GreenTransportOptions, string, bool> TrySet)
{
    /// <summary>The environment variable: WorkerConnections is <c>GREEN_WORKER_CONNECTIONS</c>.</summary>
    public string Variable { get; } = VariableOf(Name);

    private static string VariableOf(string name)
    {
        var variable = new StringBuilder("GREEN");
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterUpper(letter))
            {
                variable.Append('_');
            }

            variable.Append(char.ToUpperInvariant(letter));
        }

        return variable.ToString();
    }
}
