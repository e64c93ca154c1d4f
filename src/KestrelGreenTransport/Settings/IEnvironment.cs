namespace KestrelGreenTransport.Settings;

/// <summary>The process's environment variables; tests replace them.</summary>
internal interface IEnvironment
{
    string? Get(string name);
}

internal sealed class ProcessEnvironment : IEnvironment
{
    public string? Get(string name) => Environment.GetEnvironmentVariable(name);
}
