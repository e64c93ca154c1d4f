using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Text;

namespace KestrelGreenTransport.Proxying;

/// <summary>
/// Version 2: twelve bytes that no other protocol begins with, version and command, family and transport, a length, the
/// two addresses, and values that the proxy added (TLVs), one of which may be a checksum of the whole header.
/// </summary>
internal static class ProxyHeaderV2
{
    public const int HeadLength = 16;
    public const byte Crc32C = 0x03;

    private const int Local = 0;
    private const int Proxy = 1;
    private const int Stream = 1;
    private const int Datagram = 2;
    private const int Unspecified = 0;
    private const int IPv4 = 1;
    private const int IPv6 = 2;
    private const int Unix = 3;
    private const int UnixAddress = 108;

    public static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <summary>Reads a header that begins with the signature.</summary>
    public static ProxyHeaderState Read(ReadOnlySpan<byte> bytes, out ProxyHeader header, out string problem)
    {
        header = default;
        problem = "";
        if (bytes.Length < HeadLength)
        {
            return ProxyHeaderState.Incomplete;
        }

        var (version, command) = (bytes[12] >> 4, bytes[12] & 0xF);
        var (family, transport) = (bytes[13] >> 4, bytes[13] & 0xF);
        var length = HeadLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        problem = (version, command, family, transport, length) switch
        {
            (not 2, _, _, _, _) => "its version is not 2",
            (_, > Proxy, _, _, _) => "its command is neither LOCAL nor PROXY",
            (_, _, > Unix, _, _) or (_, _, _, > Datagram, _) => "its address family or transport is unknown",
            (_, _, _, _, > ProxyHeaderParser.MaxLength) => "it is longer than 4096 bytes",
            _ => "",
        };
        if (problem.Length > 0)
        {
            return ProxyHeaderState.Malformed;
        }

        if (bytes.Length < length)
        {
            return ProxyHeaderState.Incomplete;
        }

        if (command == Local || family == Unspecified || transport != Stream)
        {
            // The proxy's own health check, or a kind that we do not know: the connection's real endpoints apply.
            header = new ProxyHeader(2, length, null, null, default);
            return ProxyHeaderState.Complete;
        }

        var body = bytes[HeadLength..length];
        var addresses = family switch { IPv4 => 12, IPv6 => 36, _ => 2 * UnixAddress };
        if (body.Length < addresses)
        {
            problem = "it is too short for its addresses";
            return ProxyHeaderState.Malformed;
        }

        problem = CheckValues(bytes[..length], HeadLength + addresses);
        if (problem.Length > 0)
        {
            return ProxyHeaderState.Malformed;
        }

        var (source, destination) = family switch
        {
            IPv4 => Internet(body, 4),
            IPv6 => Internet(body, 16),
            _ => (Path(body[..UnixAddress]), Path(body[UnixAddress..(2 * UnixAddress)])),
        };
        header = new ProxyHeader(2, length, source, destination, body[addresses..].ToArray());
        return ProxyHeaderState.Complete;
    }

    /// <summary>The next value that the proxy added; false if there is none, or not a whole one.</summary>
    public static bool TryNext(ReadOnlySpan<byte> values, out byte type, out int start, out int end)
    {
        const int Head = 3;
        (type, start, end) = (0, 0, 0);
        if (values.Length < Head)
        {
            return false;
        }

        type = values[0];
        start = Head;
        end = Head + BinaryPrimitives.ReadUInt16BigEndian(values[1..]);
        return end <= values.Length;
    }

    // What is wrong with the added values; empty if nothing is.
    private static string CheckValues(ReadOnlySpan<byte> header, int from)
    {
        for (var at = from; at < header.Length;)
        {
            if (!TryNext(header[at..], out var type, out var start, out var end))
            {
                return "a value in it is truncated";
            }

            if (type == Crc32C)
            {
                var sum = header[(at + start)..(at + end)];
                if (sum.Length != sizeof(uint) || BinaryPrimitives.ReadUInt32BigEndian(sum) != SumOf(header, at + start))
                {
                    return "its checksum is wrong";
                }
            }

            at += end;
        }

        return "";
    }

    // The checksum of the whole header, with zeros in place of the checksum itself.
    private static uint SumOf(ReadOnlySpan<byte> header, int sumAt)
    {
        var sum = uint.MaxValue;
        for (var i = 0; i < header.Length; i++)
        {
            sum = BitOperations.Crc32C(sum, i >= sumAt && i < sumAt + sizeof(uint) ? (byte)0 : header[i]);
        }

        return ~sum;
    }

    private static (EndPoint Source, EndPoint Destination) Internet(ReadOnlySpan<byte> body, int length)
    {
        var ports = body[(2 * length)..];
        return (
            new IPEndPoint(new IPAddress(body[..length]), BinaryPrimitives.ReadUInt16BigEndian(ports)),
            new IPEndPoint(new IPAddress(body[length..(2 * length)]), BinaryPrimitives.ReadUInt16BigEndian(ports[2..])));
    }

    // A path, or an abstract name, which begins with a zero byte; null for a socket without a name.
    private static UnixDomainSocketEndPoint? Path(ReadOnlySpan<byte> field)
    {
        var rest = field[1..];
        var length = rest.IndexOf((byte)0);
        var path = Encoding.UTF8.GetString(field[..(length < 0 ? field.Length : length + 1)]);

        // Bytes that are not UTF-8 grow when they are replaced, and .NET refuses a path that the kernel would not accept.
        return path is not ("" or "\0") && Encoding.UTF8.GetByteCount(path) < UnixAddress ? new UnixDomainSocketEndPoint(path) : null;
    }
}
