using System.Collections.Immutable;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>How a new worker warms up.</summary>
/// <param name="Requests">The requests that it makes to itself.</param>
/// <param name="Time">The longest time that it may take.</param>
/// <param name="IsRecorded">Whether it also makes the requests that were recorded from clients of earlier workers.</param>
internal sealed record WarmUpPlan(ImmutableArray<WarmUpRequest> Requests, TimeSpan Time, bool IsRecorded = false);
