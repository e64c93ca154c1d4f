using KestrelGreenTransport.Settings;

namespace KestrelGreenTransport.Tests.Settings;

/// <summary>An environment in which nothing is set.</summary>
internal sealed class NoVariables : IEnvironment
{
    public string? Get(string name) => null;
}
