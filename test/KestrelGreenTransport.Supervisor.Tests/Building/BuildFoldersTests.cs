using KestrelGreenTransport.Supervisor.Building;

namespace KestrelGreenTransport.Supervisor.Tests.Building;

public sealed class BuildFoldersTests : IDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("green-builds-").FullName;

    public BuildFoldersTests()
    {
        File.SetUnixFileMode(_home, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(Temporary);
        File.SetUnixFileMode(Temporary, (UnixFileMode)0b1_111_111_111);
        Directory.CreateDirectory(Output);
        File.WriteAllText(Path.Combine(Output, "Shop.dll"), "built");
    }

    private string Temporary => Path.Combine(_home, "tmp");

    private string Output => Path.Combine(_home, "bin");

    public void Dispose() => Directory.Delete(_home, recursive: true);

    [Fact]
    public void A_leftover_of_ours_goes_and_a_folder_that_another_user_named_so_stays()
    {
        var elsewhere = Directory.CreateDirectory(Path.Combine(_home, "elsewhere")).FullName;
        File.WriteAllText(Path.Combine(elsewhere, "precious"), "precious");
        var ours = Old(Path.Combine(Temporary, "green-build-ours"), elsewhere);
        var theirs = Environment.IsPrivilegedProcess ? AsUser.Run(65534, () => Old(Path.Combine(Temporary, "green-build-theirs"), elsewhere)) : null;

        using (var builds = new BuildFolders(Temporary))
        {
            Assert.Equal("built", File.ReadAllText(Path.Combine(builds.Keep(Output), "Shop.dll")));
            Assert.False(Directory.Exists(ours));
            Assert.True(theirs is null || File.Exists(Path.Combine(theirs, "1", "Shop.dll")));
        }

        Assert.Equal(theirs is null ? [] : [theirs], Directory.GetFileSystemEntries(Temporary));
        Assert.True(File.Exists(Path.Combine(elsewhere, "precious")));
    }

    [Fact]
    public void Where_others_could_replace_what_is_built_nothing_is_kept()
    {
        File.SetUnixFileMode(Temporary, (UnixFileMode)0b111_111_111);
        using var builds = new BuildFolders(Temporary);

        Assert.Contains("set TMPDIR", Assert.Throws<IOException>(() => builds.Keep(Output)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Temporary));
    }

    // As a killed supervisor leaves it, with a link that leads out of it.
    private static string Old(string path, string elsewhere)
    {
        Directory.CreateDirectory(Path.Combine(path, "1"));
        File.WriteAllText(Path.Combine(path, "1", "Shop.dll"), "old");
        File.CreateSymbolicLink(Path.Combine(path, "1", "link"), elsewhere);
        Directory.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc));
        return path;
    }
}
