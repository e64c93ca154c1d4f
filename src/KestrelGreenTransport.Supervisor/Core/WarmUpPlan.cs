using System.Collections.Immutable;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervisor.Core;

/// <summary>How a new worker warms itself.</summary>
/// <param name="Requests">By which requests.</param>
/// <param name="Time">For how long at most.</param>
internal sealed record WarmUpPlan(ImmutableArray<WarmUpRequest> Requests, TimeSpan Time);
