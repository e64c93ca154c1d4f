using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace KestrelGreenTransport.Tool.CommandLine;

/// <summary>The usual help, then the command's examples.</summary>
internal sealed class ExampleHelp(HelpAction usual, IReadOnlyDictionary<Command, string[]> examples) : SynchronousCommandLineAction
{
    public override bool ClearsParseErrors => true;

    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        var text = new StringWriter();
        parseResult.InvocationConfiguration.Output = text;
        usual.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output = output;
        output.Write(string.Join('\n', text.ToString().Split('\n').Select(static line => line.TrimEnd())));
        if (examples.TryGetValue(parseResult.CommandResult.Command, out var lines))
        {
            output.WriteLine("Examples:");
            foreach (var line in lines)
            {
                output.WriteLine($"  {line}");
            }
        }

        return 0;
    }
}
