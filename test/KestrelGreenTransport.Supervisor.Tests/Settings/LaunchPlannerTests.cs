using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Settings;

public sealed class LaunchPlannerTests : SettingsFixture
{
    [Theory]
    [InlineData("")]
    [InlineData("ASPNETCORE_URLS=http://127.0.0.1:5000;https://127.0.0.1:5001")]
    [InlineData("HTTP_PORTS=8080|HTTPS_PORTS=8443")]
    public void Without_a_bind_the_app_says_where_to_listen(string environment)
    {
        var plan = Plan("", environment.Split('|', StringSplitOptions.RemoveEmptyEntries));

        Assert.Empty(plan.Binds);
        Assert.False(plan.ExplicitBinds);
    }

    [Fact]
    public void A_bind_wins_over_all_of_them_and_is_explicit()
    {
        var plan = Plan("-b 127.0.0.1:1 -b unix:run/shop.sock -b fd://5 -b systemd", ["ASPNETCORE_URLS=nonsense"]);

        Assert.Equal($"tcp://127.0.0.1:1 unix:{Folder}/run/shop.sock fd://5 systemd", Show(plan));
        Assert.True(plan.ExplicitBinds);
        Assert.True(Plan("", ["GREEN_BIND=:1"]).ExplicitBinds);
    }

    [Theory]
    [InlineData("ASPNETCORE_URLS=nonsense", "ASPNETCORE_URLS ('nonsense') must contain URLs, such as http://127.0.0.1:8000.")]
    [InlineData("URLS=http://localhost:0", "URLS ('http://localhost:0') would get two different ports, one per address of localhost: write 127.0.0.1 or [::1].")]
    public void A_wrong_url_names_its_variable(string environment, string expected)
    {
        var input = Input("", [environment]);

        Assert.Equal([expected], LaunchPlanner.Plan(SettingsLoader.Load(input), input, App, _ => new AppResolution(App, null)).Problems);
    }

    [Fact]
    public void Only_transport_settings_that_somebody_set_are_handed_on_but_grace_always()
    {
        static string Variables(LaunchPlan plan) => string.Join(' ', plan.WorkerVariables.OrderBy(static pair => pair.Key).Select(static pair => $"{pair.Key}={pair.Value}"));

        Assert.Equal("GREEN_GRACEFUL_TIMEOUT=30s", Variables(Plan("-w 2 --timeout 10s")));
        Assert.Equal(
            "GREEN_BACKLOG=5 GREEN_GRACEFUL_TIMEOUT=1m30s GREEN_WORKER_CONNECTIONS=10",
            Variables(Plan("--worker-connections 10 --graceful-timeout 90s", ["GREEN_BACKLOG=5"])));
        Write("green.json", """{ "MaxReadBufferSize": "2MB" }""");
        Assert.Equal(
            "GREEN_ACCEPT_BATCH=auto GREEN_BACKEND=Epoll GREEN_GRACEFUL_TIMEOUT=30s GREEN_MAX_READ_BUFFER_SIZE=2MB",
            Variables(Plan("--backend Epoll", ["GREEN_ACCEPT_BATCH=auto"])));
    }

    [Theory]
    [InlineData("./bin/Shop.dll", "shop")]
    [InlineData("/srv/shop/Shop", "shop")]
    [InlineData("My.Shop.dll", "my.shop")]
    [InlineData("Ünï Shop.dll", "-n--shop")]
    [InlineData(".hidden", "hidden")]
    [InlineData("...", "app")]
    public void The_name_is_the_apps_in_lower_case(string path, string expected)
    {
        Assert.Equal(expected, LaunchPlanner.NameOf(path));
        Assert.True(SettingsCatalogue.IsName(expected));
    }

    [Fact]
    public void The_control_path_is_absolute_and_follows_the_name_unless_it_is_given()
    {
        Assert.Equal("/run/x/shop.sock", Plan("", ["RUNTIME_DIRECTORY=/run/x"]).Options.Control);
        Assert.Equal("/run/x/blog.sock", Plan("--name blog", ["RUNTIME_DIRECTORY=/run/x"]).Options.Control);
        Assert.Equal($"{Folder}/c.sock", Plan("--control c.sock", ["RUNTIME_DIRECTORY=/run/x"]).Options.Control);
    }

    private static AppCommand App => new("/srv/Shop", [], "Shop.dll");

    private LaunchPlan Plan(string commandLine, string[]? environment = null)
    {
        var input = Input(commandLine, environment);
        var (plan, problems) = LaunchPlanner.Plan(SettingsLoader.Load(input), input, App, _ => new AppResolution(App, null));
        Assert.Empty(problems);
        return plan!;
    }

    private static string Show(LaunchPlan plan) => string.Join(' ', plan.Binds.Select(static bind => bind switch
    {
        BindEndpoint endpoint => endpoint.Endpoint.ToString(),
        BindDescriptor descriptor => $"fd://{descriptor.Descriptor}",
        _ => bind.Text,
    }));
}
