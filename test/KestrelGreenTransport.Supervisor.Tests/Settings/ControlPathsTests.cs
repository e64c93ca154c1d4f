using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Settings;

public sealed class ControlPathsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("green-paths-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("/run/shop", "/run/user/5", 5, "/run/shop")]
    [InlineData("/run/shop:/run/other", null, 0, "/run/shop")]
    [InlineData(null, "/run/user/5", 5, "/run/user/5/green")]
    [InlineData("", "", 0, "/run/green")]
    [InlineData(null, "/run/user/5", 0, "/run/green")]
    [InlineData(null, null, 1000, "/tmp/green-1000")]
    public void The_service_managers_directory_comes_first_then_the_sessions_then_the_users_own(
        string? runtime, string? session, uint user, string expected)
    {
        string? Variable(string name) => name switch { "RUNTIME_DIRECTORY" => runtime, "XDG_RUNTIME_DIR" => session, _ => null };

        Assert.Equal(expected, ControlPaths.Directory(Variable, user));
    }

    [Fact]
    public void Names_are_those_of_the_socket_files_in_order()
    {
        File.WriteAllText(ControlPaths.Socket(_folder, "shop"), "");
        File.WriteAllText(ControlPaths.Socket(_folder, "blog.v2"), "");
        File.WriteAllText(Path.Combine(_folder, "notes.txt"), "");

        Assert.Equal(["blog.v2", "shop"], ControlPaths.Names(_folder));
    }

    [Fact]
    public void A_missing_directory_holds_no_names() => Assert.Empty(ControlPaths.Names(Path.Combine(_folder, "none")));
}
