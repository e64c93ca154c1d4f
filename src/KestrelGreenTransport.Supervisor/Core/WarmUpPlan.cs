using System.Collections.Immutable;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>How a new worker warms itself.</summary>
/// <param name="Requests">By which requests.</param>
/// <param name="Time">For how long at most.</param>
/// <param name="IsRecorded">Whether also by what clients asked the workers before it for.</param>
internal sealed record WarmUpPlan(ImmutableArray<WarmUpRequest> Requests, TimeSpan Time, bool IsRecorded = false);
