using System.Text.Json;
using System.Text.RegularExpressions;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Tool.Tests;

public sealed class ConfigTests : ToolFixture
{
    [Fact]
    public void Each_setting_is_shown_with_its_value_and_its_source()
    {
        Environment["GREEN_TIMEOUT"] = "10s";
        Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:5000";
        Write("green.json", """{ "$schema": "docs/schemas/green.schema.json", "Backlog": 77 }""");
        Write("appsettings.json", """{ "GreenSupervisor": { "$schema": "x", "Name": "shop" } }""");

        var (code, output, error) = Green("config", "-w", "8", "--show-sources");

        Assert.Equal((0, ""), (code, error));
        var lines = output.Split('\n');
        Assert.Equal(lines[0].IndexOf("VALUE", StringComparison.Ordinal), lines.Single(static line => line.StartsWith("Workers ", StringComparison.Ordinal)).IndexOf('8'));
        Assert.Matches(@"(?m)^Workers +8 +-w on the command line$", output);
        Assert.Matches(@"(?m)^Bind +http://127.0.0.1:5000 +default$", output);
        Assert.Matches(@"(?m)^Timeout +10s +GREEN_TIMEOUT$", output);
        Assert.Matches(@"(?m)^Backlog +77 +green.json: Backlog$", output);
        Assert.Matches(@"(?m)^Name +shop +appsettings.json: GreenSupervisor:Name$", output);
        Assert.Matches(@"(?m)^GracefulTimeout +30s +default$", output);
        Assert.All(lines, static line => Assert.Equal(line.TrimEnd(), line));
        Assert.Equal(1 + SettingsCatalogue.All.Count, lines.TakeWhile(static line => line.Length > 0).Count());
    }

    [Fact]
    public void The_runtimes_variables_that_workers_get_besides_are_shown_unless_they_are_set()
    {
        Assert.Matches(@"(?m)^DOTNET_TC_DelaySingleProcMultiplier +1$", Green("config").Out);

        Environment["DOTNET_TC_DelaySingleProcMultiplier"] = "10";
        Write("Shop.runtimeconfig.json", """{ "runtimeOptions": { "configProperties": { "System.Runtime.TieredCompilation.CallCountingDelayMs": 100 } } }""");

        var variables = JsonDocument.Parse(Green("config", "--json", "-w", "2", "--env", "DOTNET_gcServer=1", "--env", "DOTNET_GCNoAffinitize=0", "./Shop.dll").Out)
            .RootElement.GetProperty("workerEnvironment");
        Assert.Equal("{}", variables.GetRawText());
    }

    [Theory]
    [InlineData("README.md", "appsettings.json")]
    [InlineData("docs/getting-started.md", "appsettings.json")]
    [InlineData("docs/configuration.md", "green.json")]
    public void The_settings_file_that_the_page_shows_is_taken_as_it_stands(string page, string file)
    {
        var text = Regex.Match(File.ReadAllText(Path.Combine(GoldenFile.Root(), page)), "```json\n(.*?)```", RegexOptions.Singleline).Groups[1].Value;
        Write(file, text);

        var (code, output, error) = Green("config", "--json");

        Assert.Equal((0, ""), (code, error));
        var shown = JsonDocument.Parse(text).RootElement;
        var settings = file == "green.json" ? shown : shown.GetProperty("GreenSupervisor");
        Assert.Equal(
            settings.EnumerateObject().Select(static setting => setting.Name).Order(),
            JsonDocument.Parse(output).RootElement.GetProperty("settings").EnumerateArray()
                .Where(setting => setting.GetProperty("source").GetString()!.StartsWith($"{file}: ", StringComparison.Ordinal))
                .Select(static setting => setting.GetProperty("name").GetString()!).Order());
    }

    [Fact]
    public void A_terminal_gets_lines_as_long_as_it_is_wide() =>
        Assert.All(Green(Host() with { IsTerminal = true, Width = 90, Environment = new Dictionary<string, string> { ["NO_COLOR"] = "1" } }, "config", "--show-sources").Out.Split('\n'), static line => Assert.InRange(line.Length, 0, 90));

    [Fact]
    public void Problems_are_told_all_at_once_and_are_exit_code_2()
    {
        Environment["GREEN_BACKLOG"] = "x";

        var (code, output, error) = Green("config", "-w", "0");

        Assert.Equal(2, code);
        Assert.Equal(2, error.Trim().Split('\n').Length);
        Assert.Contains("Workers", output);
    }

    [Fact]
    public void As_JSON_it_is_one_object()
    {
        var (code, output, error) = Green("config", "--json", "-b", ":1", "-b", ":2", "--log-format", "xml");

        Assert.Equal((2, ""), (code, error));
        var json = JsonDocument.Parse(output).RootElement;
        Assert.Equal(1, json.GetProperty("schemaVersion").GetInt32());
        var bind = json.GetProperty("settings").EnumerateArray().Single(static setting => setting.GetProperty("name").GetString() == "Bind");
        Assert.Equal("""[":1",":2"]""", bind.GetProperty("value").GetRawText());
        Assert.Equal("-b on the command line", bind.GetProperty("source").GetString());
        Assert.Equal("LogFormat ('xml', --log-format on the command line) must be text or json.", json.GetProperty("problems")[0].GetString());
    }

    [Fact]
    public void The_schema_is_printed_for_editors()
    {
        Assert.Contains("\"HeartbeatInterval\"", Green("config", "--schema", "green.json").Out);
        Assert.Equal(new Outcome(2, "", "green: --schema ('x.json') must be green.json or appsettings.json.\n"), Green("config", "--schema", "x.json"));
    }
}
