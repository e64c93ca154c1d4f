using System.CommandLine;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace KestrelGreenTransport.Tool.CommandLine;

/// <summary>A worker's index on the command line. It is parsed as text, so that an invalid one is reported like other errors.</summary>
internal static class WorkerArgument
{
    public static Argument<string?> Optional(string description)
    {
        var argument = new Argument<string?>("WORKER") { Description = description, Arity = ArgumentArity.ZeroOrOne };

        // Without this an unknown option would be parsed as a worker.
        argument.Validators.Add(static result =>
        {
            if (result.Tokens is [var token, ..] && token.Value.StartsWith('-'))
            {
                result.AddError(token.Value);
            }
        });
        return argument;
    }

    public static bool TryRead(string? text, out int? worker, [NotNullWhen(false)] out string? error)
    {
        (worker, error) = (null, null);
        if (text is null)
        {
            return true;
        }

        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index >= 1)
        {
            worker = index;
            return true;
        }

        error = $"WORKER ('{text}') must be a worker's index, as shown in column # of green status.";
        return false;
    }
}
