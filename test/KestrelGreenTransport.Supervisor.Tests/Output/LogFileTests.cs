using KestrelGreenTransport.Supervisor.Output;

namespace KestrelGreenTransport.Supervisor.Tests.Output;

public sealed class LogFileTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("green-test-").FullName;

    private string FilePath => Path.Combine(_folder, "green.log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Both_streams_go_on_in_a_new_file_after_a_rotation()
    {
        File.WriteAllText(FilePath, "before\n");
        using var writer = new OutputWriter(static text => text, file: LogFile.Open(FilePath));
        writer.Write(OutputStream.Out, "one");
        writer.Write(OutputStream.Error, "two");
        Assert.True(writer.Flush(Limit));
        File.Move(FilePath, FilePath + ".1");

        writer.Reopen();
        Assert.True(writer.Flush(Limit));
        writer.Write(OutputStream.Out, "three");
        Assert.True(writer.Flush(Limit));

        Assert.Equal("before\none\ntwo\n", File.ReadAllText(FilePath + ".1"));
        Assert.Equal("three\n", File.ReadAllText(FilePath));
    }

    [Fact]
    public void When_it_cannot_be_opened_anew_the_old_file_says_so_and_goes_on()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "logs")).FullName;
        using var writer = new OutputWriter(static text => text, file: LogFile.Open(Path.Combine(folder, "green.log")));
        Directory.Move(folder, folder + "-moved");

        writer.Reopen();
        Assert.True(writer.Flush(Limit));

        Assert.Contains("cannot be reopened", File.ReadAllText(Path.Combine(folder + "-moved", "green.log")), StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_another_user_put_in_its_place_is_followed_neither_at_the_start_nor_after_a_rotation()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "logs")).FullName;
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        var (path, precious) = (Path.Combine(folder, "green.log"), Path.Combine(_folder, "precious"));
        File.WriteAllText(precious, "precious");
        Link();
        Assert.Contains($"other users may write to {folder}", Assert.Throws<StartupException>(() => LogFile.Open(path)).Message);

        File.Delete(path);
        using var writer = new OutputWriter(static text => text, file: LogFile.Open(path));
        File.Move(path, path + ".1");
        Link();
        writer.Reopen();
        Assert.True(writer.Flush(Limit));

        Assert.Contains("it is a symbolic link", File.ReadAllText(path + ".1"), StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(precious));

        void Link() => _ = Environment.IsPrivilegedProcess
            ? AsUser.Run(65534, () => File.CreateSymbolicLink(path, precious))
            : File.CreateSymbolicLink(path, precious);
    }

    [Fact]
    public void One_that_cannot_be_opened_at_the_start_is_a_wrong_setting() =>
        Assert.Equal(ExitCodes.Usage, Assert.Throws<StartupException>(() => LogFile.Open(Path.Combine(_folder, "no", "green.log"))).ExitCode);
}
