using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace KestrelGreenTransport.Supervisor.Admin;

/// <summary>The page: one file without external resources. Only its own script and style are allowed, by their hashes.</summary>
internal static partial class AdminPage
{
    private static readonly string Text = Read();

    public static byte[] Bytes { get; } = Encoding.UTF8.GetBytes(Text);

    public static string ContentSecurityPolicy { get; } =
        $"default-src 'none'; script-src '{HashOf(Script())}'; style-src '{HashOf(Style())}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static string HashOf(Regex element) =>
        $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(element.Match(Text).Groups[1].Value)))}";

    private static string Read()
    {
        using var stream = typeof(AdminPage).Assembly.GetManifestResourceStream("KestrelGreenTransport.Supervisor.Admin.page.html")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex Style();
}
