using System.Buffers.Binary;
using System.Net;
using System.Numerics;
using System.Text;

namespace KestrelGreenTransport.Tests.Proxying;

/// <summary>PROXY headers, written as the specification says.</summary>
internal static class Headers
{
    public const string Magic = "\r\n\r\n\0\r\nQUIT\n";

    public static byte[] V1(string line) => Encoding.ASCII.GetBytes(line + "\r\n");

    /// <summary>A version 2 header: PROXY, TCP.</summary>
    public static byte[] V2(IPEndPoint source, IPEndPoint destination, params byte[] values) => V2(
        0x21,
        source.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? (byte)0x11 : (byte)0x21,
        [.. source.Address.GetAddressBytes(), .. destination.Address.GetAddressBytes(), .. Number(source.Port), .. Number(destination.Port), .. values]);

    public static byte[] V2(byte command, byte family, params byte[] body) =>
        [.. Encoding.Latin1.GetBytes(Magic), command, family, .. Number(body.Length), .. body];

    /// <summary>One value that a proxy adds.</summary>
    public static byte[] Value(byte type, params byte[] value) => [type, .. Number(value.Length), .. value];

    /// <summary>Fills in the checksum of a header whose last value is the checksum, zero so far.</summary>
    public static byte[] Summed(byte[] header)
    {
        var sum = header.Aggregate(uint.MaxValue, BitOperations.Crc32C);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(header.Length - 4), ~sum);
        return header;
    }

    private static byte[] Number(int number) => [(byte)(number >> 8), (byte)number];
}
