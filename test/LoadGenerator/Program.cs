// Puts load on a server, and says of each request how it ended. Exits with 1 if any was lost.
//
//   LoadGenerator 127.0.0.1:8080 seconds=60 clients=32 path=/echo body=200 keep-alive=true pause-ms=0 ramp-ms=0 timeout-ms=60000
//     read-pause-ms=0 streams=0 tls=false requests-of-each=100 losses=FILE progress=FILE
//
// Ends early, with the same report, when standard input ends or each client has made requests-of-each requests. The file of progress
// gets a line about every second: how many requests were begun and answered so far, and the p99 of that second's answers in
// milliseconds.
using System.Globalization;
using System.Net;
using LoadGenerator;

var settings = args.Skip(1).Select(static arg => arg.Split('=', 2)).ToDictionary(static pair => pair[0], static pair => pair[1]);
int Number(string name, int otherwise) => settings.Remove(name, out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;

var seconds = Number("seconds", 10);
var plan = new LoadPlan
{
    EndPoint = IPEndPoint.Parse(args[0]),
    Clients = Number("clients", 16),
    Body = Number("body", 0),
    Pause = TimeSpan.FromMilliseconds(Number("pause-ms", 0)),
    Timeout = TimeSpan.FromMilliseconds(Number("timeout-ms", 60_000)),
    ReadPause = TimeSpan.FromMilliseconds(Number("read-pause-ms", 0)),
    Streams = Number("streams", 0),
    Path = settings.Remove("path", out var path) ? path : "/",
    Ramp = TimeSpan.FromMilliseconds(Number("ramp-ms", 0)),
    RequestsOfEach = Number("requests-of-each", 0) is > 0 and var each ? each : null,
    Tls = settings.Remove("tls", out var tls) && bool.Parse(tls) ? static (_, certificate, _, _) => certificate is not null : null,
    KeepAlive = !settings.Remove("keep-alive", out var keepAlive) || bool.Parse(keepAlive),
};
settings.Remove("losses", out var lossesFile);
settings.Remove("progress", out var progressFile);
if (settings.Count != 0)
{
    Console.Error.WriteLine($"unknown: {string.Join(", ", settings.Keys)}");
    return 2;
}

var load = Load.Start(plan);
var end = Task.WhenAny(Task.Delay(TimeSpan.FromSeconds(seconds)), Task.Run(static () => Console.In.ReadToEnd()), load.Clients);
while (await Task.WhenAny(end, Task.Delay(TimeSpan.FromSeconds(1))) != end)
{
    if (progressFile is not null)
    {
        await File.WriteAllTextAsync($"{progressFile}.new", string.Create(CultureInfo.InvariantCulture, $"{load.Report.Begun} {load.Report.Answered} {load.Report.NextPercentile(99).TotalMilliseconds:0.000}"));
        File.Move($"{progressFile}.new", progressFile, overwrite: true);
    }
}

await load.StopAsync();
Console.WriteLine(load.Report);
if (load.Report.Servers.Count != 0)
{
    Console.WriteLine($"answers by process: {string.Join(", ", load.Report.Servers.OrderByDescending(static one => one.Value).Select(static one => $"{one.Key}: {one.Value}"))}");
}

if (lossesFile is not null)
{
    await File.WriteAllLinesAsync(lossesFile, load.Report.Losses.Select(static loss => loss.ToString()));
}

return load.Report.Lost == 0 && load.Report.Begun == load.Report.Answered ? 0 : 1;
