namespace KestrelGreenTransport.Requests;

/// <summary>A request's path for logs and status: short enough, and on one line whatever the client wrote into it.</summary>
internal static class ShownPath
{
    /// <param name="path">As the app sees it, percent-decoded: it may contain a new line or an escape sequence.</param>
    /// <param name="longest">In characters.</param>
    public static string Of(string path, int longest)
    {
        var cut = path.Length <= longest ? path : path[..longest];
        return cut.Any(IsNoText) ? string.Concat(cut.Select(static c => IsNoText(c) ? '?' : c)) : cut;
    }

    private static bool IsNoText(char c) => char.IsControl(c) || c is '\u2028' or '\u2029';
}
