using Microsoft.Extensions.Configuration;

namespace KestrelGreenTransport.Tests.Binding;

public class EndpointReloadTests
{
    [Fact]
    public async Task An_inherited_listener_can_leave_the_configuration_and_come_back()
    {
        using var first = Listeners.Tcp();
        using var second = Listeners.Tcp();
        var settings = new Dictionary<string, string?> { ["Endpoints:a:Url"] = $"http://{first.LocalEndPoint}", ["Endpoints:b:Url"] = $"http://{second.LocalEndPoint}" };
        var configuration = new ConfigurationBuilder().Add(new Reloadable(settings)).Build();
        await using var app = await TestApp.StartAsync(
            inherited: Listeners.Inherit(first, second), kestrel: options => options.Configure(configuration, reloadOnChange: true));
        Assert.Equal("hello", await TestApp.GetAsync(second.LocalEndPoint!));

        for (var round = 0; round < 3; round++)
        {
            settings.Remove("Endpoints:b:Url");
            configuration.Reload();
            await Wait.UntilAsync(() => app.State.Pools.Length == 1, "the second listener is not served");
            Assert.Equal("hello", await TestApp.GetAsync(first.LocalEndPoint!));

            settings["Endpoints:b:Url"] = $"http://{second.LocalEndPoint}";
            configuration.Reload();
            Assert.Equal("hello", await TestApp.GetAsync(second.LocalEndPoint!));
        }
    }

    private sealed class Reloadable(Dictionary<string, string?> settings) : ConfigurationProvider, IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public override void Load() => Data = new Dictionary<string, string?>(settings, StringComparer.OrdinalIgnoreCase);
    }
}
