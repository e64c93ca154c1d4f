using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace KestrelGreenTransport.Proxying;

/// <summary>
/// Version 1: a line such as <c>PROXY TCP4 192.0.2.7 198.51.100.1 56324 443</c>, terminated by CR and LF. Fields are
/// separated by one space, and numbers have no leading zeros, so that no two readers see different addresses in one line.
/// </summary>
internal static class ProxyHeaderV1
{
    /// <summary>The longest line that the protocol allows, with its CR and LF.</summary>
    private const int Longest = 107;

    private static readonly SearchValues<byte> InIPv6 = SearchValues.Create("0123456789abcdefABCDEF:."u8);

    public static ReadOnlySpan<byte> Signature => "PROXY "u8;

    /// <summary>Reads a line that begins with the signature.</summary>
    public static ProxyHeaderState Read(ReadOnlySpan<byte> bytes, out ProxyHeader header, out string problem)
    {
        header = default;
        problem = "";
        var line = bytes[..Math.Min(bytes.Length, Longest)];
        var end = line.IndexOf((byte)'\n');
        if (end < 0)
        {
            problem = "its line is longer than 107 bytes";
            return line.Length == Longest ? ProxyHeaderState.Malformed : ProxyHeaderState.Incomplete;
        }

        if (line[end - 1] != '\r')
        {
            problem = "its line does not end with CR and LF";
            return ProxyHeaderState.Malformed;
        }

        var rest = line[Signature.Length..(end - 1)];
        var protocol = Next(ref rest);
        if (protocol.SequenceEqual("UNKNOWN"u8))
        {
            // The rest of the line must be ignored.
            header = new ProxyHeader(1, end + 1, null, null, default);
            return ProxyHeaderState.Complete;
        }

        var isTcp6 = protocol.SequenceEqual("TCP6"u8);
        if (!isTcp6 && !protocol.SequenceEqual("TCP4"u8))
        {
            problem = "its protocol is not TCP4, TCP6 or UNKNOWN";
            return ProxyHeaderState.Malformed;
        }

        var (source, destination) = (Address(Next(ref rest), isTcp6), Address(Next(ref rest), isTcp6));
        var (sourcePort, destinationPort) = (Port(Next(ref rest)), Port(rest));
        if (source is null || destination is null || sourcePort < 0 || destinationPort < 0)
        {
            problem = "its addresses or ports are not written as the protocol requires";
            return ProxyHeaderState.Malformed;
        }

        header = new ProxyHeader(1, end + 1, new IPEndPoint(source, sourcePort), new IPEndPoint(destination, destinationPort), default);
        return ProxyHeaderState.Complete;
    }

    // The field up to the next space, which is skipped.
    private static ReadOnlySpan<byte> Next(ref ReadOnlySpan<byte> rest)
    {
        var space = rest.IndexOf((byte)' ');
        var field = space < 0 ? rest : rest[..space];
        rest = space < 0 ? default : rest[(space + 1)..];
        return field;
    }

    // IPAddress.Parse accepts more than the protocol does: octal and hexadecimal, scopes, ports, fewer than four numbers.
    private static IPAddress? Address(ReadOnlySpan<byte> text, bool isTcp6)
    {
        if (!isTcp6)
        {
            return IPv4(text);
        }

        return text.Length is >= 2 and <= 45 && !text.ContainsAnyExcept(InIPv6)
            && IPAddress.TryParse(Encoding.ASCII.GetString(text), out var address) && address.AddressFamily == AddressFamily.InterNetworkV6
            ? address
            : null;
    }

    private static IPAddress? IPv4(ReadOnlySpan<byte> text)
    {
        Span<byte> address = stackalloc byte[4];
        for (var i = 0; i < 4; i++)
        {
            var dot = text.IndexOf((byte)'.');
            if (dot < 0 != (i == 3))
            {
                return null;
            }

            var number = Number(dot < 0 ? text : text[..dot], byte.MaxValue);
            if (number < 0)
            {
                return null;
            }

            address[i] = (byte)number;
            text = text[(dot + 1)..];
        }

        return new IPAddress(address);
    }

    private static int Port(ReadOnlySpan<byte> text) => Number(text, ushort.MaxValue);

    // -1 if it is not a number, too large, or has leading zeros.
    private static int Number(ReadOnlySpan<byte> text, int most)
    {
        if (text.Length is 0 or > 5 || (text[0] == '0' && text.Length > 1))
        {
            return -1;
        }

        var number = 0;
        foreach (var digit in text)
        {
            if (!char.IsAsciiDigit((char)digit))
            {
                return -1;
            }

            number = (number * 10) + (digit - '0');
        }

        return number <= most ? number : -1;
    }
}
