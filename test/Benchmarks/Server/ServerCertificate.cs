using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Benchmarks.Server;

/// <summary>A certificate for localhost that lives as long as the process.</summary>
internal static class ServerCertificate
{
    public static X509Certificate2 Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = DateTimeOffset.UtcNow;
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
