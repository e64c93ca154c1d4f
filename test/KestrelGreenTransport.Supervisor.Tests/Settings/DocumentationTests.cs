using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor.Reporting;
using KestrelGreenTransport.Supervisor.Settings;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Tests.Settings;

/// <summary>The documentation matches the code. UPDATE_GOLDEN=1 rewrites the generated parts; read the diff.</summary>
public sealed partial class DocumentationTests : SettingsFixture
{
    // All of gunicorn 23, and the two variables that it reads.
    private const string GunicornSettings = """
        config wsgi_app bind backlog workers worker_class threads worker_connections max_requests max_requests_jitter timeout graceful_timeout keepalive
        limit_request_line limit_request_fields limit_request_field_size reload reload_engine reload_extra_files spew check_config print_config
        preload_app sendfile reuse_port chdir daemon raw_env pidfile worker_tmp_dir user group umask initgroups tmp_upload_dir secure_scheme_headers
        forwarded_allow_ips accesslog disable_redirect_access_to_syslog access_log_format errorlog loglevel capture_output logger_class logconfig
        logconfig_dict logconfig_json syslog_addr syslog syslog_prefix syslog_facility enable_stdio_inheritance statsd_host dogstatsd_tags
        statsd_prefix proc_name default_proc_name pythonpath paste on_starting on_reload when_ready pre_fork post_fork post_worker_init worker_int
        worker_abort pre_exec pre_request post_request child_exit worker_exit nworkers_changed on_exit ssl_context proxy_protocol proxy_allow_ips
        keyfile certfile ssl_version cert_reqs ca_certs suppress_ragged_eofs do_handshake_on_connect ciphers raw_paste_global_conf
        permit_obsolete_folding strip_header_spaces permit_unconventional_http_method permit_unconventional_http_version casefold_http_method
        forwarder_headers header_map GUNICORN_CMD_ARGS WEB_CONCURRENCY
        """;

    [Fact]
    public void The_table_of_settings_is_the_catalogue() => Expect("settings", Table());

    [Theory]
    [InlineData("green.json", "green.schema.json")]
    [InlineData("appsettings.json", "appsettings.schema.json")]
    public void The_schemas_are_the_catalogue(string file, string schema)
    {
        var path = Path.Combine(Path.GetDirectoryName(Document("configuration.md").Path)!, "schemas", schema);
        var expected = SettingsSchema.Of(file);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, expected);
        }

        Assert.Equal(expected, File.ReadAllText(path));
    }

    [Fact]
    public void The_schema_knows_every_setting_with_its_form()
    {
        var properties = JsonDocument.Parse(SettingsSchema.Of("green.json")).RootElement.GetProperty("properties");

        Assert.All(SettingsCatalogue.All, setting => Assert.Contains(setting.Help.Replace("`", "", StringComparison.Ordinal), properties.GetProperty(setting.Name).GetProperty("description").GetString()));
        Assert.Equal(1024, properties.GetProperty("Workers").GetProperty("anyOf")[0].GetProperty("maximum").GetInt32());
        Assert.Equal(64, properties.GetProperty("Standby").GetProperty("maximum").GetInt32());
        Assert.Equal("""["text","json"]""", JsonSerializer.Serialize(properties.GetProperty("LogFormat").GetProperty("enum")));
        Assert.Equal("string", properties.GetProperty("Bind").GetProperty("items").GetProperty("type").GetString());
    }

    [Fact]
    public void The_table_of_the_transports_settings_is_the_transports()
    {
        Expect("transport", TransportTable());
        Assert.All(TransportSettings.All, setting => Assert.Equal(setting.Variable, SettingsCatalogue.Find(setting.Name)!.Variable));
        Assert.All(TransportSettings.All, static setting => Assert.True(SettingsCatalogue.Find(setting.Name)!.IsTransport));
    }

    [Fact]
    public void Every_exit_code_has_its_row()
    {
        var rows = Part(Document("signals-and-exit-codes.md").Text, "exit codes");
        var codes = typeof(ExitCodes).GetFields(BindingFlags.Public | BindingFlags.Static);

        Assert.All(codes, code => Assert.Contains($"| {code.GetRawConstantValue()} | {code.Name} |", rows));
        Assert.Equal(codes.Length + 2, rows.Trim().Split('\n').Length);
    }

    [Fact]
    public void The_worker_contract_names_the_limits_of_messages()
    {
        var text = Document("worker-contract.md").Text.ReplaceLineEndings(" ");

        Assert.All(
            (string[])
            [
                $"`exitCode` is at most {LifelineRules.LargestExitCode}, `errno` {LifelineRules.LargestErrno}, `state` {(int)WorkerState.Draining},",
                $"`index` is from 1 to {LifelineRules.MostWorkers:N0}.",
                $"Texts have at most {LifelineRules.LongestText:N0} characters, `endpoint` {LifelineRules.LongestEndpoint}, `type` {LifelineRules.LongestType};",
                $"`buckets` at most {LifelineRules.MostBuckets:N0} counts, `inFlight` {LifelineRules.MostInFlight} requests, `warmUp` {WarmUpRequest.Most}.",
            ],
            limits => Assert.Contains(limits, text));
    }

    [Fact]
    public void Every_event_has_its_row_with_its_level_and_no_id_is_used_twice()
    {
        var rows = Part(Document("observability.md").Text, "events");
        var events = typeof(SupervisorLog).GetMethods(BindingFlags.Public | BindingFlags.Static)
            .Select(static method => (method.Name, Attribute: method.GetCustomAttribute<LoggerMessageAttribute>()))
            .Where(static found => found.Attribute is not null)
            .ToList();

        Assert.All(events, found => Assert.Contains($"| {found.Attribute!.EventId} | {found.Name} | {found.Attribute.Level.ToString().ToLowerInvariant()} |", rows));
        Assert.Equal(events.Count, events.DistinctBy(static found => found.Attribute!.EventId).Count());
        Assert.Equal(events.Count + 2, rows.Trim().Split('\n').Length);
    }

    [Fact]
    public void The_options_have_the_documented_defaults_and_one_property_for_each_setting()
    {
        var options = new GreenSupervisorOptions();

        Assert.Equal(
            SettingsCatalogue.Own.Select(static setting => setting.Name).Order(),
            typeof(GreenSupervisorOptions).GetProperties(BindingFlags.Public | BindingFlags.Instance).Select(static property => property.Name).Order());
        Assert.All(
            SettingsCatalogue.Own.Where(static setting => char.IsAsciiDigit(setting.Default[0]) && !setting.Default.Contains(' ')),
            setting => Assert.Equal(setting.Default, SettingsCatalogue.BootTimeout == setting ? "60s" : setting.Read(options)[0]));
        Assert.Equal(TimeSpan.FromSeconds(60), options.BootTimeout);
    }

    [Fact]
    public void No_two_settings_share_an_option_or_a_variable()
    {
        var options = SettingsCatalogue.All.SelectMany(static setting => setting.Options).ToList();

        Assert.Equal(options.Count, options.Distinct().Count());
        Assert.Equal(SettingsCatalogue.All.Count, SettingsCatalogue.All.Select(static setting => setting.Variable).Distinct().Count());
    }

    [Fact]
    public void The_documented_green_json_is_taken()
    {
        var example = JsonExample().Match(Document("configuration.md").Text).Groups[1].Value;
        Write("green.json", example);

        var loaded = Load();

        Assert.Empty(loaded.Problems);
        Assert.Equal(4, loaded.Options.Workers);
    }

    [Fact]
    public void The_documented_errors_are_those_that_are_given()
    {
        Write("appsettings.json", """{ "GreenSupervisor": { "Timeout": "soon" } }""");
        var text = Document("configuration.md").Text;

        Assert.All(Load("-w 0").Problems, problem => Assert.Contains($"green: {problem}\n", text));
    }

    [Fact]
    public void Every_documented_address_is_taken()
    {
        var text = Document("configuration.md").Text;
        var rows = text[text.IndexOf("| `-b` |", StringComparison.Ordinal)..text.IndexOf("`-b` does not take `https://`", StringComparison.Ordinal)];
        var addresses = rows.Split('\n').Skip(2).SelectMany(static row => Code().Matches(row.Split('|').ElementAtOrDefault(1) ?? "")).Select(static code => code.Groups[1].Value).ToList();

        Assert.True(addresses.Count >= 10);
        Assert.All(addresses, static address => Assert.Null(BindParser.Check(address)));
    }

    [Fact]
    public void Who_comes_from_gunicorn_finds_each_setting_that_has_a_counterpart_and_options_that_there_are()
    {
        var text = Document("from-gunicorn.md").Text;
        var theirs = SettingsCatalogue.All.SelectMany(static setting => (setting.Counterpart ?? "").Split(", "))
            .Where(static counterpart => counterpart.StartsWith("gunicorn: ", StringComparison.Ordinal))
            .Select(static counterpart => counterpart["gunicorn: ".Length..])
            .Where(static setting => !setting.Contains(' '))
            .Distinct()
            .ToList();
        Assert.Contains("worker_connections", theirs);
        Assert.All(theirs, setting => Assert.Contains($"`{setting}`", text));

        var ours = SettingsCatalogue.All.SelectMany(static setting => setting.Options).ToHashSet();
        Assert.All(LongOption().Matches(text), option => Assert.Contains(option.Groups[1].Value, ours));
    }

    [Fact]
    public void Who_comes_from_gunicorn_finds_every_setting_of_theirs()
    {
        var text = Document("from-gunicorn.md").Text;

        Assert.All(GunicornSettings.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries), setting => Assert.Contains($"`{setting}`", text));
    }

    private static string Table()
    {
        var table = new StringBuilder("\n| setting | option | variable | default | allowed | what it does | elsewhere |\n|---|---|---|---|---|---|---|\n");
        foreach (var setting in SettingsCatalogue.Own)
        {
            table.Append("| ").AppendJoin(" | ",
                setting.Name,
                string.Join(", ", setting.Options.Select(static option => $"`{option}`")),
                $"`{setting.Variable}`",
                setting.Default,
                setting.Range,
                setting.Help,
                setting.Counterpart ?? "").Append(" |\n");
        }

        return table.ToString();
    }

    private static string TransportTable()
    {
        var table = new StringBuilder("\n| setting | option | variable | default | allowed | what it does | elsewhere |\n|---|---|---|---|---|---|---|\n");
        foreach (var setting in TransportSettings.All)
        {
            table.Append("| ").AppendJoin(" | ",
                setting.Name, $"`{setting.Option}`", $"`{setting.Variable}`", setting.Default, setting.Range, setting.Help, setting.Counterpart ?? "").Append(" |\n");
        }

        return table.ToString();
    }

    private static void Expect(string part, string expected)
    {
        var (path, text) = Document("configuration.md");
        var written = Part(text, part);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            var start = text.IndexOf($"<!-- /{part}", StringComparison.Ordinal) - written.Length;
            File.WriteAllText(path, text[..start] + expected + text[(start + written.Length)..]);
            return;
        }

        Assert.Equal(expected, written);
    }

    private static (string Path, string Text) Document(string name)
    {
        var path = Path.Combine(Checkout.Root, "docs", name);
        return (path, File.ReadAllText(path));
    }

    // From after the line of the opening marker to the closing marker.
    private static string Part(string text, string name)
    {
        var start = text.IndexOf("-->", text.IndexOf($"<!-- {name}", StringComparison.Ordinal), StringComparison.Ordinal) + 3;
        return text[start..text.IndexOf($"<!-- /{name}", StringComparison.Ordinal)];
    }

    [GeneratedRegex("`(--[a-z-]+)")]
    private static partial Regex LongOption();

    [GeneratedRegex("A complete `green.json`:\\s+```json\\s+(.*?)```", RegexOptions.Singleline)]
    private static partial Regex JsonExample();

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
