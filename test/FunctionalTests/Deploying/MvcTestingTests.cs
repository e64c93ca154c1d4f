using Microsoft.AspNetCore.Mvc.Testing;

namespace FunctionalTests.Deploying;

/// <summary>
/// Hello's Program.cs begins with TryRunAsync, and its appsettings.json asks for a supervisor. Run by a test framework, it must
/// still be one ordinary app.
/// </summary>
public sealed class MvcTestingTests
{
    [Fact]
    public async Task WebApplicationFactory_gets_the_app_and_no_supervisor()
    {
        await using var factory = new WebApplicationFactory<Program>();
        using var client = factory.CreateClient();
        Assert.Equal($"Hello from process {Environment.ProcessId}\n", await client.GetStringAsync("/"));
    }

    [Fact]
    public async Task WebApplicationFactory_with_Kestrel_gets_the_transport_and_no_supervisor()
    {
        await using var factory = new WebApplicationFactory<Program>();
        factory.UseKestrel(0);
        factory.StartServer();
        using var client = factory.CreateClient();
        Assert.NotEqual(80, client.BaseAddress!.Port);
        Assert.Equal($"Hello from process {Environment.ProcessId}\n", await client.GetStringAsync("/"));
    }
}
