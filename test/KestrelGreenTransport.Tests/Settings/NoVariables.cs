using KestrelGreenTransport.Settings;

namespace KestrelGreenTransport.Tests.Settings;

/// <summary>An environment without variables.</summary>
internal sealed class NoVariables : IEnvironment
{
    public string? Get(string name) => null;
}
