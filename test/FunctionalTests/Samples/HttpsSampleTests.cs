using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using FunctionalTests.Harness;

namespace FunctionalTests.Samples;

/// <summary>samples/Https, with its settings and its script, as its page says to use them.</summary>
public sealed class HttpsSampleTests : IDisposable
{
    private static readonly string[] AnyPort = ["--Kestrel:Endpoints:Https:Url=https://127.0.0.1:0"];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_renewed_certificate_is_taken_up_by_a_reload_that_loses_nothing_and_a_broken_one_is_not()
    {
        File.Copy(Repo.Path("samples/Https/appsettings.json"), _folder.File("appsettings.json"));
        var first = await Renew();
        Assert.Contains("(localhost) is valid until", await Check(0), StringComparison.Ordinal);
        await using var sample = GreenRun.StartApp(Repo.HttpsSample, AnyPort, _folder.Path);
        await sample.Serving(2);
        var target = await sample.Target();
        await AnswersWithWhatIsOnDisk(target);
        var seen = new ConcurrentQueue<string>();
        await using var busy = LoadClient.PostOverTls(target, clients: 3, seen);
        await using var resting = LoadClient.PostOverTls(target, clients: 3, seen, pause: TimeSpan.FromSeconds(1.2));
        await busy.More(100);
        var second = await Renew();
        await busy.More(100);
        Assert.Equal([first], seen.Distinct());
        await using (var reload = await sample.Command("reload"))
        {
            Assert.True(await reload.Exit() == 0, reload.Describe());
        }

        // The workers that used the first certificate are gone, and all of their clients have reconnected.
        await busy.More(100);
        await resting.More(6);
        Assert.Equal([first, second], seen.Distinct());
        await AnswersWithWhatIsOnDisk(target);

        await File.WriteAllTextAsync(_folder.File("certificates/live/privkey.pem"), "half a key");
        Assert.Contains("Kestrel:Endpoints:Https:Certificate: ", await Check(2), StringComparison.Ordinal);
        await using (var reload = await sample.Command("reload"))
        {
            Assert.True(await reload.Exit() == 7, reload.Describe());
        }

        await busy.More(100);
        foreach (var load in new[] { busy, resting })
        {
            await load.Stop();
            load.AssertNothingLost();
        }

        Assert.Equal(second, seen.Last());
        await sample.StopCleanly();
    }

    /// <summary>Runs the sample's script; returns the hash of the certificate that it made.</summary>
    private async Task<string> Renew()
    {
        await using var renew = await ChildProgram.Run("bash", [Repo.Path("samples/Https/renew.sh"), _folder.File("certificates")]);
        Assert.True(await renew.Exit() == 0, renew.Describe());
        using var certificate = X509CertificateLoader.LoadCertificateFromFile(_folder.File("certificates/live/fullchain.pem"));
        return certificate.GetCertHashString();
    }

    /// <summary>Sends a request as the page says, trusting only the certificate on disk.</summary>
    private async Task AnswersWithWhatIsOnDisk(Target target)
    {
        await using var curl = await ChildProgram.Run(
            "curl", ["--silent", "--show-error", "--cacert", _folder.File("certificates/live/fullchain.pem"), $"https://localhost:{target.Port}/"]);
        Assert.StartsWith("https, HTTP/2, process ", curl.Output, StringComparison.Ordinal);
    }

    private async Task<string> Check(int code)
    {
        await using var check = await ChildProgram.Run(
            "dotnet", [Repo.Green, "check", Repo.HttpsSample, .. AnyPort], [new("RUNTIME_DIRECTORY", _folder.Path)], _folder.Path);
        Assert.True(await check.Exit() == code, check.Describe());
        return check.Output;
    }
}
