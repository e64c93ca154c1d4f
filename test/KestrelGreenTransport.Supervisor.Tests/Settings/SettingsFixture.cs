using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Settings;

/// <summary>A temporary folder, and settings that are read in it.</summary>
public abstract class SettingsFixture : IDisposable
{
    private protected string Folder { get; } = Directory.CreateTempSubdirectory("green-settings-").FullName;

    public void Dispose()
    {
        Directory.Delete(Folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected void Write(string file, string text)
    {
        var path = Path.Combine(Folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    /// <summary>Settings from a command line like <c>-w 2 --app-option</c>, and variables like <c>GREEN_WORKERS=3</c>.</summary>
    private protected SettingsInput Input(string commandLine = "", string[]? environment = null, Action<GreenSupervisorOptions>? configure = null)
    {
        var split = CommandLineSplit.Of(commandLine.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Empty(split.Problems);
        return new SettingsInput
        {
            CommandLine = split.Given,
            AppArguments = split.AppArguments,
            Environment = (environment ?? []).Select(static pair => pair.Split('=', 2)).ToDictionary(static pair => pair[0], static pair => pair[1]),
            CurrentDirectory = Folder,
            Configure = configure,
        };
    }

    private protected LoadedSettings Load(string commandLine = "", string[]? environment = null, Action<GreenSupervisorOptions>? configure = null) =>
        SettingsLoader.Load(Input(commandLine, environment, configure));
}
