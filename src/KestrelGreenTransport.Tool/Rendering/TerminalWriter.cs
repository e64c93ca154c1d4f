using System.Text;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Tool.Rendering;

/// <summary>
/// Writes to a terminal what workers and their clients said, among other things: it can be coloured, and do no more.
/// </summary>
internal sealed class TerminalWriter(TextWriter terminal) : TextWriter
{
    /// <summary>The terminal itself, for who means to steer it.</summary>
    public TextWriter Terminal { get; } = terminal;

    public override Encoding Encoding => Terminal.Encoding;

    public override void Write(char value) => Terminal.Write(TerminalText.Of(value.ToString()));

    public override void Write(char[] buffer, int index, int count) => Terminal.Write(TerminalText.Of(new string(buffer, index, count)));

    public override void Write(string? value) => Terminal.Write(value is null ? null : TerminalText.Of(value));

    public override void WriteLine(string? value) => Terminal.WriteLine(value is null ? null : TerminalText.OfLine(value));

    public override void Flush() => Terminal.Flush();
}
