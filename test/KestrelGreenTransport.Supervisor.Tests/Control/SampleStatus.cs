using System.Text.Json;
using KestrelGreenTransport.Supervisor.Control;
using KestrelGreenTransport.Supervisor.Core;

namespace KestrelGreenTransport.Supervisor.Tests.Control;

/// <summary>The example of the documentation: one worker that was replaced once.</summary>
internal static class SampleStatus
{
    /// <summary>What <c>green status --json</c> prints of <see cref="Document"/>: a contract, property by property.</summary>
    public static readonly string Json = """
        {"schemaVersion":1,"name":"hello","version":"1.0.0","supervisorPid":4120,"state":"running","generation":3,"startedAt":"2026-01-01T12:00:00Z",
        "workersTarget":2,"verdicts":{"frozenProcess":0,"threadPoolStarvation":0,"blockedLoop":0,"hungRequest":0,"noHeartbeat":0},"listeners":[{"endpoint":"tcp://127.0.0.1:8080","backlog":2048,"queued":0}],
        "workers":[{"index":1,"pid":4121,"generation":3,"state":"serving","uptimeSeconds":12.5,"heartbeatAgeSeconds":0.4,"connections":12,
        "connectionsLimit":1000,"requestsInFlight":1,"requestsTotal":4012,"acceptedTotal":80,"restarts":0,"rssBytes":91000000,"cpuSeconds":1.9,
        "warmUp":null,"compiledMethods":5222,"compiledMethodsPerSecond":0.5,"cpuMicrosecondsPerRequest":14.2,"hot":true,"leader":true,"verdict":null,"lastExit":{"reason":"stale","exitCode":null,"signal":"SIGKILL","at":"2026-01-01T11:00:00Z","verdict":"threadPoolStarvation","index":2,"pid":4110}}]}
        """.ReplaceLineEndings("");

    public static readonly StatusDocument Document = new()
    {
        Name = "hello",
        Version = "1.0.0",
        SupervisorPid = 4120,
        State = SupervisorPhase.Running,
        Generation = 3,
        StartedAt = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero),
        WorkersTarget = 2,
        Listeners = [new ListenerStatus("tcp://127.0.0.1:8080", 2048, 0)],
        Workers = [Worker(1)],
    };

    public static WorkerStatus Worker(int index, WorkerPhase state = WorkerPhase.Serving) => new()
    {
        Index = index,
        Pid = state == WorkerPhase.Backoff ? null : 4120 + index,
        Generation = 3,
        State = state,
        UptimeSeconds = state == WorkerPhase.Backoff ? null : 12.5,
        HeartbeatAgeSeconds = state == WorkerPhase.Backoff ? null : 0.4,
        Connections = 12,
        ConnectionsLimit = 1000,
        RequestsInFlight = 1,
        RequestsTotal = 4012,
        AcceptedTotal = 80,
        Restarts = 0,
        RssBytes = 91_000_000,
        CpuSeconds = 1.9,
        CompiledMethods = 5222,
        CompiledMethodsPerSecond = 0.5,
        CpuMicrosecondsPerRequest = 14.2,
        Hot = true,
        Leader = index == 1,
        LastExit = new LastExitStatus("stale", null, "SIGKILL", new DateTimeOffset(2026, 1, 1, 11, 0, 0, TimeSpan.Zero), "threadPoolStarvation", 2, 4110),
    };

    /// <summary>The supervisor's answer that carries this document: one line.</summary>
    public static string Answer(StatusDocument document) =>
        JsonSerializer.Serialize(new ControlResponse { Status = document }, ControlJson.Default.ControlResponse) + "\n";
}
