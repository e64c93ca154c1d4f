using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Settings;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Tests.Control;
using KestrelGreenTransport.Supervisor.Tests.Settings;
using KestrelGreenTransport.Tests.Fuzz;
using Microsoft.Extensions.Logging.Abstractions;

namespace KestrelGreenTransport.Supervisor.Tests.Fuzz;

/// <summary>
/// Random input from operators and their programs: addresses, settings, <c>green.json</c>, requests to the control socket. The
/// supervisor must refuse it with a reason, or read it as something that round-trips.
/// </summary>
public class OperatorFuzzTests : SettingsFixture
{
    private static readonly string[] Texts =
    [
        "127.0.0.1:8080", ":8080", "*:80", "[::1]:8080", "localhost:80", "unix:/run/app.sock", "unix:@app", "http://unix:/a", "fd://3", "systemd", "http://+:80/", "https://a:1",
        "tcp://[::]:0", "4", "1000000", "30s", "1h30m", "00:00:30", "250ms", "64KB", "unlimited", "auto", "true", "0", "0660", "0o777", "shop", "/run/shop.sock", "json", "Epoll",
        "any", "10.0.0.0/8,::1", "0-3,7", " ", ",", "\0", "ä",
    ];

    private static readonly string[] Files =
    [
        """{"Workers":2,"Bind":["127.0.0.1:8080",":81"],"Timeout":"30s"}""", """{"$schema":"x","Backlog":"2048","UnixFileMode":"660"}""",
        """{"Name":null,"LogFormat":true,"Bind":{"a":[1]}}""", """{"workers":1e3,"Workers":-1}""", "[]", "null", "\"\"", "{}", "// {\n{}",
    ];

    private static readonly string[] Requests =
    [
        """{"command":"status"}""", """{"command":"stop","quick":true}""", """{"command":"scale","workers":4}""", """{"command":"logs","worker":1,"last":10,"after":3}""",
        """{"command":"events","last":-1}""", """{"command":"reload"}""", """{"command":"restart","worker":2}""", """{"command":"drain"}""", """{"command":"figures"}""",
        """{"command":"reloads"}""", """{"command":"dump","worker":1,"kind":"stacks"}""", """{"command":"upgrade","wait":true}""", """{"command":"\ud800"}""", """{"command":null}""", "[[[[",
    ];

    [Fact]
    public Task No_address_and_no_setting_brings_its_parser_down() => FuzzBudget.Of(seconds: 1).RunAsync(atOnce: 1, static seed =>
        Mangled.CheckAsync(Mangled.Of(new Random(seed), Texts), static bytes =>
        {
            var text = Encoding.UTF8.GetString(bytes);
            ReadBind(text);
            foreach (var setting in SettingsCatalogue.All)
            {
                // As the loader passes it.
                ReadSetting(setting, setting.Split(text) is [var first, ..] ? first : "");
            }

            return Task.CompletedTask;
        }));

    [Fact]
    public Task No_settings_that_are_found_bring_the_loader_down() => FuzzBudget.Of(seconds: 1).RunAsync(atOnce: 1, seed =>
    {
        var random = new Random(seed);
        var settings = SettingsCatalogue.All;
        var environment = Enumerable.Range(0, random.Next(4)).Select(_ => settings[random.Next(settings.Count)].Variable).Distinct()
            .ToDictionary(static name => name, _ => Encoding.UTF8.GetString(Mangled.Of(random, Texts)));
        return Mangled.CheckAsync(Mangled.Of(random, Files), file =>
        {
            File.WriteAllBytes(Path.Combine(Folder, SettingsLoader.GreenJson), file);
            var loaded = SettingsLoader.Load(new SettingsInput { Environment = environment, CurrentDirectory = Folder });
            Assert.All(loaded.Problems, static problem => Assert.True(problem[^1] is '.' or '?', problem));
            return Task.CompletedTask;
        });
    });

    [Fact]
    public async Task No_request_brings_the_control_socket_down()
    {
        var path = Path.Combine(Folder, "control.sock");
        var journal = new Journal(TimeProvider.System);
        journal.AddLine(1, 4121, OutputStream.Out, "a line");
        var taken = new List<SupervisorEvent>();
        using var server = new ControlServer(
            ControlSocket.Bind(path),
            (happened, isTaken) =>
            {
                taken.Add(happened);
                isTaken();
            },
            (request, named, ended) =>
            {
                taken.Add(request);
                named(taken.Count);
                ended(new EndOperation(taken.Count, request, OperationOutcome.Refused, 0, null), "for the test");
            },
            static () => SampleStatus.Document,
            ControlQuestions.Of(journal, static () => new Figures { At = 1, Status = SampleStatus.Document, Requests = [] }, static () => new SupervisorState { Settings = new ArbiterSettings(), Target = 2 }, TimeProvider.System),
            new[] { "dump", "requests" }.ToDictionary(static command => command, static _ => (Action<ControlRequest, Action<ControlResponse>>)(static (_, answer) => answer(new ControlResponse { Error = "for the test" }))),
            NullLogger.Instance,
            TimeProvider.System);

        await FuzzBudget.Of(seconds: 1).RunAsync(atOnce: 1, seed => Mangled.CheckAsync(Mangled.Of(new Random(seed), Requests), async bytes =>
        {
            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            client.Connect(new UnixDomainSocketEndPoint(path));
            byte[] request = [.. bytes.Where(static one => one != '\n'), (byte)'\n'];
            await client.SendAsync(request);
            using var reader = new StreamReader(new NetworkStream(client));
            var answer = JsonSerializer.Deserialize((await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)))!, ControlJson.Default.ControlResponse)!;
            Assert.True(answer.Error is not null || answer.Status is not null || answer.Lines is not null || answer.Figures is not null || answer.Reloads is not null);
        }));
        Assert.All(taken.OfType<ScaleRequested>(), static scale => Assert.InRange(scale.Workers, 1, ArbiterSettings.MaxWorkers));
    }

    private static void ReadBind(string text)
    {
        if (!BindParser.TryParse(text, "/", out var binds, out var error))
        {
            Assert.NotEmpty(error);
            return;
        }

        foreach (var bind in binds.OfType<BindEndpoint>())
        {
            // It can be passed to the workers.
            Assert.Equal(bind.Endpoint, Assert.Single(InheritedListener.Parse(InheritedListener.Format([new InheritedListener(7, bind.Endpoint)]))).Endpoint);
        }
    }

    private static void ReadSetting(Setting<GreenSupervisorOptions> setting, string text)
    {
        var (once, again) = (new GreenSupervisorOptions(), new GreenSupervisorOptions());
        if (setting.Take(once, text) is { } wrong)
        {
            Assert.NotEmpty(wrong);
            return;
        }

        // It can be passed on, and stays the same.
        var written = setting.Read(once);
        Assert.All(written.SelectMany(setting.Split), one => Assert.Null(setting.Take(again, one)));
        Assert.Equal(written, setting.Read(again));
    }
}
