using System.Collections.Immutable;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>Whom a process runs as: by all of its ids, real, effective and saved.</summary>
internal sealed record ProcessCredentials(uint Uid, uint Gid, ImmutableArray<uint> Groups);
