using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using KestrelGreenTransport.Supervisor.Building;
using Microsoft.Extensions.Configuration;

namespace KestrelGreenTransport.Supervisor.Checking;

/// <summary>Checks the certificate files in the app's Kestrel configuration: present, readable, with a private key, in date.</summary>
internal static class CertificateCheck
{
    private const string Area = "certificates";

    // A switch of Kestrel (.NET 10) in the app's runtime configuration.
    private const string WatchingIsOff = "Microsoft.AspNetCore.Server.Kestrel.DisableCertificateFileWatching";

    // Early enough to renew it in working hours.
    private static readonly TimeSpan Soon = TimeSpan.FromDays(14);

    /// <param name="configuration">The app's whole configuration.</param>
    /// <param name="contentRoot">The base of relative paths.</param>
    /// <param name="now">The time to compare validity with.</param>
    public static IEnumerable<Finding> Of(IConfiguration configuration, string contentRoot, DateTimeOffset now)
    {
        foreach (var (section, path) in Files(configuration))
        {
            yield return Look(section, contentRoot, path, now);
        }

        var kestrel = configuration.GetSection("Kestrel");
        var hasDefault = kestrel.GetSection("Certificates:Default").GetChildren().Any();
        foreach (var endpoint in kestrel.GetSection("Endpoints").GetChildren())
        {
            var isSecured = endpoint["Url"]?.StartsWith("https://", StringComparison.OrdinalIgnoreCase) == true;
            if (isSecured && !hasDefault && !endpoint.GetSection("Certificate").GetChildren().Any() && !endpoint.GetSection("Sni").GetChildren().Any())
            {
                yield return Finding.Warning(Area, $"{endpoint.Path} is https without a certificate: it works only with a development certificate, or with one set in code.");
            }
        }
    }

    /// <summary>Warns if Kestrel watches the files itself. What that loses was measured with samples/Https.</summary>
    /// <param name="configuration">The app's whole configuration.</param>
    /// <param name="command">How the app is started.</param>
    public static IEnumerable<Finding> OfWatching(IConfiguration configuration, AppCommand command)
    {
        var runtimeConfig = AppFile.Beside(command, ".runtimeconfig.json");
        if (Files(configuration).Any() && File.Exists(runtimeConfig) && !AppFile.IsSwitchedOn(runtimeConfig, WatchingIsOff))
        {
            yield return Finding.Warning(
                Area,
                "Kestrel watches the certificate files itself, and closes all connections of all workers at once when one changes. "
                + $"Turn that off in the project file (<RuntimeHostConfigurationOption Include=\"{WatchingIsOff}\" Value=\"true\" />) and renew with green reload.");
        }
    }

    private static IEnumerable<(IConfigurationSection Section, string Path)> Files(IConfiguration configuration)
    {
        var kestrel = configuration.GetSection("Kestrel");
        return from section in kestrel.GetSection("Certificates").GetChildren()
                   .Concat(kestrel.GetSection("Endpoints").GetChildren()
                       .SelectMany(static endpoint => endpoint.GetSection("Sni").GetChildren().Select(static sni => sni.GetSection("Certificate")).Prepend(endpoint.GetSection("Certificate"))))
               where section["Path"] is { Length: > 0 }
               select (section, section["Path"]!);
    }

    private static Finding Look(IConfigurationSection section, string contentRoot, string relative, DateTimeOffset now)
    {
        var path = Path.GetFullPath(relative, contentRoot);
        try
        {
            using var certificate = Load(path, contentRoot, section);
            if (!certificate.HasPrivateKey)
            {
                return Wrong($"{path} contains no private key: set its file in {section.Path}:KeyPath.");
            }

            var (from, to) = (new DateTimeOffset(certificate.NotBefore), new DateTimeOffset(certificate.NotAfter));
            var subject = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
            return now < from ? Wrong($"{path} ({subject}) is not valid before {Day(from)}.")
                : now > to ? Wrong($"{path} ({subject}) expired on {Day(to)}: renew it.")
                : to - now < Soon ? Finding.Warning(Area, $"{path} ({subject}) expires on {Day(to)}: renew it.")
                : Finding.Ok(Area, $"{path} ({subject}) is valid until {Day(to)}");
        }
        catch (Exception failed) when (failed is IOException or UnauthorizedAccessException)
        {
            return Wrong($"{path} cannot be read: {failed.Message}");
        }
        catch (CryptographicException failed)
        {
            return Wrong($"{path} cannot be used: {failed.Message.TrimEnd('.')}. Is {section.Path}:Password correct?");
        }

        Finding Wrong(string text) => Finding.Problem(Area, $"{section.Path}: {text}");
    }

    // In the same way as Kestrel itself.
    private static X509Certificate2 Load(string path, string contentRoot, IConfigurationSection section)
    {
        var password = section["Password"];
        if (section["KeyPath"] is not { Length: > 0 } key)
        {
            return File.ReadAllText(path).Contains("-----BEGIN", StringComparison.Ordinal)
                ? X509Certificate2.CreateFromPem(File.ReadAllText(path))
                : X509CertificateLoader.LoadPkcs12FromFile(path, password);
        }

        var keyPath = Path.GetFullPath(key, contentRoot);
        return string.IsNullOrEmpty(password)
            ? X509Certificate2.CreateFromPemFile(path, keyPath)
            : X509Certificate2.CreateFromEncryptedPemFile(path, password, keyPath);
    }

    private static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
}
