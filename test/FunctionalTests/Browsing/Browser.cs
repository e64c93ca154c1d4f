using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using FunctionalTests.Harness;

namespace FunctionalTests.Browsing;

/// <summary>A headless Chromium with one page, driven over its DevTools protocol. Keeps what is written to the console.</summary>
internal sealed class Browser : IAsyncDisposable
{
    // Chromium has no sandbox as root; the other flags keep it from connecting to anything but the page.
    private static readonly string[] Flags =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", "--disable-extensions", "--no-proxy-server", "--remote-debugging-port=0", "about:blank",
    ];

    private readonly ChildProgram _process;
    private readonly TemporaryFolder _profile;
    private readonly ClientWebSocket _socket = new();
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonNode?>> _asked = new();
    private readonly ConcurrentQueue<string> _console = new();
    private readonly CancellationTokenSource _ended = new();
    private string? _session;
    private int _lastId;

    private Browser(ChildProgram process, TemporaryFolder profile) => (_process, _profile) = (process, profile);

    /// <summary>Messages, errors and refused requests that the page has caused so far.</summary>
    public IReadOnlyCollection<string> Console => _console;

    public static async Task<Browser> Start()
    {
        var profile = new TemporaryFolder();
        var process = ChildProgram.Start("chromium", [.. Flags, $"--user-data-dir={profile.Path}"], [new("HOME", profile.Path)]);
        var browser = new Browser(process, profile);
        try
        {
            var line = await process.Line("DevTools listening on ws://");
            await browser._socket.ConnectAsync(new Uri(line[line.IndexOf("ws://", StringComparison.Ordinal)..].Trim()), browser._ended.Token);
            _ = browser.Listen();
            var target = await browser.Ask("Target.createTarget", new JsonObject { ["url"] = "about:blank" });
            var attached = await browser.Ask("Target.attachToTarget", new JsonObject { ["targetId"] = (string?)target?["targetId"], ["flatten"] = true });
            browser._session = (string?)attached?["sessionId"];
            foreach (var domain in new[] { "Page", "Runtime", "Log", "Network" })
            {
                await browser.Ask($"{domain}.enable");
            }

            return browser;
        }
        catch
        {
            await browser.DisposeAsync();
            throw;
        }
    }

    public Task Open(string address) => Ask("Page.navigate", new JsonObject { ["url"] = address });

    /// <summary>The value of an expression, as text; promises are awaited.</summary>
    public async Task<string> Evaluate(string expression)
    {
        var answer = await Ask("Runtime.evaluate", new JsonObject { ["expression"] = expression, ["returnByValue"] = true, ["awaitPromise"] = true });
        return answer?["exceptionDetails"] is { } failed
            ? throw new InvalidOperationException($"{expression}: {failed.ToJsonString()}")
            : answer?["result"]?["value"]?.ToString() ?? "";
    }

    /// <summary>Waits until an expression is true.</summary>
    public Task Until(string expression) => Eventually.Get(
        expression,
        async () => await Evaluate($"Boolean({expression})"),
        static value => value == "true",
        () => $"{string.Join('\n', _console)}\n{_process.Describe()}");

    /// <summary>Sets the size of the window, and whether it asks for dark colours.</summary>
    public async Task Look(int width, int height, bool dark)
    {
        await Ask("Emulation.setDeviceMetricsOverride", new JsonObject { ["width"] = width, ["height"] = height, ["deviceScaleFactor"] = 1, ["mobile"] = width < 600 });
        await Ask("Emulation.setEmulatedMedia", new JsonObject
        {
            ["features"] = new JsonArray(new JsonObject { ["name"] = "prefers-color-scheme", ["value"] = dark ? "dark" : "light" }),
        });
    }

    /// <summary>Saves a picture of the whole page.</summary>
    public async Task Screenshot(string path)
    {
        var answer = await Ask("Page.captureScreenshot", new JsonObject { ["format"] = "png", ["captureBeyondViewport"] = true });
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, Convert.FromBase64String((string)answer!["data"]!));
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _socket.Dispose();
        await _process.DisposeAsync();
        _profile.Dispose();
        _ended.Dispose();
    }

    private async Task<JsonNode?> Ask(string method, JsonObject? parameters = null)
    {
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<JsonNode?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _asked[id] = answer;
        var request = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters ?? [] };
        if (_session is not null)
        {
            request["sessionId"] = _session;
        }

        await _socket.SendAsync(Encoding.UTF8.GetBytes(request.ToJsonString()), WebSocketMessageType.Text, endOfMessage: true, _ended.Token);
        return await answer.Task.WaitAsync(Eventually.Limit, _ended.Token);
    }

    private async Task Listen()
    {
        var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        try
        {
            while (true)
            {
                var received = await _socket.ReceiveAsync(buffer, _ended.Token);
                message.Write(buffer, 0, received.Count);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    return;
                }

                if (received.EndOfMessage)
                {
                    Take(JsonNode.Parse(message.ToArray())!);
                    message.SetLength(0);
                }
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or WebSocketException or ObjectDisposedException)
        {
            // The browser is gone.
        }
    }

    private void Take(JsonNode message)
    {
        if (message["id"] is { } id && _asked.TryRemove((int)id, out var asked))
        {
            if (message["error"] is { } error)
            {
                asked.SetException(new InvalidOperationException(error.ToJsonString()));
            }
            else
            {
                asked.SetResult(message["result"]);
            }

            return;
        }

        if ((string?)message["method"] is "Runtime.consoleAPICalled" or "Runtime.exceptionThrown" or "Log.entryAdded")
        {
            _console.Enqueue(message["params"]!.ToJsonString());
        }

        // A page that asks "are you sure?" waits for the user.
        if ((string?)message["method"] == "Page.javascriptDialogOpening")
        {
            _ = Ask("Page.handleJavaScriptDialog", new JsonObject { ["accept"] = true });
        }
    }
}
