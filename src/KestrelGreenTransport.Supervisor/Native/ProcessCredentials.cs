using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>The user and groups that a process runs as; all ids (real, effective, saved) are set to these.</summary>
internal sealed record ProcessCredentials(uint Uid, uint Gid, ImmutableArray<uint> Groups);
