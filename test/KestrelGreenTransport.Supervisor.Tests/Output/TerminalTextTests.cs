using System.Text;
using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Tests.Output;

public class TerminalTextTests
{
    [Theory]
    [InlineData("GET /shop 200", "GET /shop 200")]
    [InlineData("a\ttab, ünï and 漢字 “quoted”", "a\ttab, ünï and 漢字 “quoted”")]
    [InlineData("\e[2J\e[Hcleared", "\\u001b[2J\\u001b[Hcleared")]
    [InlineData("\e]0;a title\a", "\\u001b]0;a title\\u0007")]
    [InlineData("\e]52;c;Y3VybCBldmls\e\\", "\\u001b]52;c;Y3VybCBldmls\\u001b\\")]
    [InlineData("real\rfake", "real\\u000dfake")]
    [InlineData("real\b\b\b\bfake\u007f", "real\\u0008\\u0008\\u0008\\u0008fake\\u007f")]
    [InlineData("\u009b2Jeight bits", "\\u009b2Jeight bits")]
    [InlineData("abc\u202etxt.exe\u2066", "abc\\u202etxt.exe\\u2066")]
    [InlineData("a\u200eb\u200fc\u061cd", "a\\u200eb\\u200fc\\u061cd")]
    [InlineData("\e[31mred\e[0m", "\e[31mred\e[0m\e[0m")]
    [InlineData("\e[38;2;1:2:3mtrue colour", "\e[38;2;1:2:3mtrue colour\e[0m")]
    [InlineData("\e[8", "\\u001b[8")]
    [InlineData("\e[>4;1m", "\\u001b[>4;1m")]
    public void Only_colours_steer_and_they_end_with_their_line(string line, string shown)
    {
        Assert.Equal(shown, TerminalText.OfLine(line));
        Assert.Equal(shown, Encoding.UTF8.GetString(TerminalText.OfLine(Encoding.UTF8.GetBytes(line)).Span));
        Assert.Equal(shown + "\n", Encoding.UTF8.GetString(TerminalText.OfLine(Encoding.UTF8.GetBytes(line + "\n")).Span));
    }

    [Theory]
    [InlineData("GET /shop", "GET /shop")]
    [InlineData("GET /\n[green] fail: forged\r\t", "GET / [green] fail: forged  ")]
    [InlineData("\e[31mred\e[0m\u202e", "\\u001b[31mred\\u001b[0m\\u202e")]
    public void A_part_of_a_line_begins_none_of_its_own_and_has_no_colour(string text, string shown) => Assert.Equal(shown, TerminalText.OneLine(text));

    [Fact]
    public void A_line_with_nothing_in_it_is_passed_on_as_it_is()
    {
        ReadOnlyMemory<byte> line = "[worker 1] GET /shop 200\n"u8.ToArray();

        Assert.Equal(line, TerminalText.OfLine(line));
    }

    [Fact]
    public void Bytes_that_are_no_text_steer_nothing_either() =>
        Assert.Equal("a\ufffd2Jb", Encoding.UTF8.GetString(TerminalText.OfLine(new byte[] { (byte)'a', 0x9b, (byte)'2', (byte)'J', (byte)'b' }).Span));
}
