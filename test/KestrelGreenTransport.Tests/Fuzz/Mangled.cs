using System.Text;

namespace KestrelGreenTransport.Tests.Fuzz;

/// <summary>A text corrupted on its way: bytes changed, cut out, duplicated or joined with another text.</summary>
internal static class Mangled
{
    /// <summary>One of the texts, mangled up to four times, or not at all.</summary>
    public static byte[] Of(Random random, IReadOnlyList<string> texts) => Of(random, Encoding.UTF8.GetBytes(texts[random.Next(texts.Count)]), texts);

    /// <summary>These bytes, mangled up to four times, or not at all.</summary>
    public static byte[] Of(Random random, byte[] bytes, IReadOnlyList<string> texts)
    {
        var changed = bytes.ToList();
        for (var times = random.Next(5); times > 0; times--)
        {
            var at = random.Next(changed.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < changed.Count:
                    changed[at] = (byte)random.Next(256);
                    break;
                case 1 when at < changed.Count:
                    changed[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    changed.RemoveRange(at, random.Next(changed.Count - at + 1));
                    break;
                case 3:
                    changed.InsertRange(at, changed.GetRange(0, random.Next(at + 1)));
                    break;
                default:
                    changed.InsertRange(at, Encoding.UTF8.GetBytes(texts[random.Next(texts.Count)]));
                    break;
            }
        }

        return [.. changed];
    }

    /// <summary>Passes these bytes to a reader; if that fails, reports the fewest bytes that still fail.</summary>
    public static async Task CheckAsync(byte[] bytes, Func<byte[], Task> read)
    {
        if (await FailureAsync(bytes) is not { } failure)
        {
            return;
        }

        for (var count = bytes.Length; count > 0; count /= 2)
        {
            for (var first = 0; first + count <= bytes.Length;)
            {
                byte[] shorter = [.. bytes[..first], .. bytes[(first + count)..]];
                if (await FailureAsync(shorter) is { } still)
                {
                    (bytes, failure) = (shorter, still);
                }
                else
                {
                    first += count;
                }
            }
        }

        var text = string.Concat(bytes.Select(static one => one is >= 0x20 and < 0x7F and not (byte)'\\' ? $"{(char)one}" : $"\\x{one:X2}"));

        // Only the throwing frame: the same fault should give the same message, whichever way led there.
        Assert.Fail($"The bytes \"{text}\": {failure.GetType().Name}: {failure.Message}\n{failure.StackTrace?.Split('\n').FirstOrDefault(static frame => frame.Contains("KestrelGreenTransport", StringComparison.Ordinal))}");

        async Task<Exception?> FailureAsync(byte[] candidate) => await Record.ExceptionAsync(() => read(candidate));
    }
}
