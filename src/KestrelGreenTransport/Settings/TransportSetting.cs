using System.Text;

namespace KestrelGreenTransport.Settings;

/// <summary>
/// One setting of the transport in its text form: configuration, environment, <c>green run</c>'s options and the
/// documentation are all made from this.
/// </summary>
/// <param name="Name">The option's name, also the key in the section <c>GreenTransport</c>.</param>
/// <param name="Form">What the text must look like, for error messages: "a duration such as 30s".</param>
/// <param name="TrySet">Sets the option from a text; false if the text has another form.</param>
internal sealed record TransportSetting(string Name, string Form, Func<GreenTransportOptions, string, bool> TrySet)
{
    /// <summary>The placeholder for the value in help texts.</summary>
    public required string ValueName { get; init; }

    /// <summary>The allowed values, in words.</summary>
    public required string Range { get; init; }

    /// <summary>The default, in words or as a value.</summary>
    public required string Default { get; init; }

    /// <summary>One line of help.</summary>
    public required string Help { get; init; }

    /// <summary>The name of the same setting elsewhere; null if there is none.</summary>
    public string? Counterpart { get; init; }

    /// <summary>Whether several values may be given, separated by commas.</summary>
    public bool IsList { get; init; }

    /// <summary>The environment variable: WorkerConnections is <c>GREEN_WORKER_CONNECTIONS</c>.</summary>
    public string Variable { get; } = "GREEN_" + Words(Name, '_').ToUpperInvariant();

    /// <summary>The option of <c>green run</c>: WorkerConnections is <c>--worker-connections</c>.</summary>
    public string Option { get; } = "--" + Words(Name, '-');

    /// <summary>What is wrong with a text, as a predicate ("must be …"); null if nothing is.</summary>
    public string? Check(string text)
    {
        var options = new GreenTransportOptions();
        if (!TrySet(options, text))
        {
            return $"must be {Form}";
        }

        return GreenTransportOptionsValidator.Problems(options).Where(problem => problem.Setting == Name).Select(static problem => $"must be {problem.Rule}").FirstOrDefault();
    }

    private static string Words(string name, char separator)
    {
        var words = new StringBuilder();
        foreach (var letter in name)
        {
            if (char.IsAsciiLetterUpper(letter) && words.Length > 0)
            {
                words.Append(separator);
            }

            words.Append(char.ToLowerInvariant(letter));
        }

        return words.ToString();
    }
}
