using System.Net.Sockets;
using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>What <c>green run</c> refuses before it starts anything: the exit code, what is wrong, and the next step.</summary>
public sealed class StartRefusalTests
{
    [Fact]
    public async Task A_taken_port_ends_with_5_and_names_the_holder()
    {
        using var holder = new FreePort();
        await using var green = GreenRun.Start(["-w", "1", "-b", $"127.0.0.1:{holder.Number}"]);
        Assert.Equal(5, await green.Exit());
        Assert.Contains($"127.0.0.1:{holder.Number}", green.Process.Output, StringComparison.Ordinal);
        Assert.Contains($"pid {Environment.ProcessId}", green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task A_timeout_that_is_too_small_for_the_beat_ends_with_2_and_says_how_large_it_must_be()
    {
        await using var green = GreenRun.Start(["-w", "1", "--timeout", "1s", "--heartbeat-interval", "1s"]);
        Assert.Equal(2, await green.Exit());
        Assert.Matches(@"Timeout \(1s\b.*\) must be at least twice HeartbeatInterval \(1s\b.*\)", green.Process.Output);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task An_unknown_option_ends_with_2_and_a_suggestion()
    {
        await using var green = GreenRun.Start(["--worker", "1"]);
        Assert.Equal(2, await green.Exit());
        Assert.Contains("--worker", green.Process.Output, StringComparison.Ordinal);
        Assert.Contains("--workers", green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Theory]
    [InlineData("-w", "none", "Workers")]
    [InlineData("-w", "0", "Workers")]
    [InlineData("--timeout", "soon", "Timeout")]
    [InlineData("-b", "127.0.0.1:99999", "99999")]
    public async Task A_wrong_value_ends_with_2_and_names_the_setting_and_the_value(string option, string value, string named)
    {
        await using var green = GreenRun.Start([option, value]);
        Assert.Equal(2, await green.Exit());
        Assert.Contains(named, green.Process.Output, StringComparison.Ordinal);
        Assert.Contains(value, green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task A_unix_path_in_a_folder_that_does_not_exist_ends_with_5()
    {
        await using var green = GreenRun.Start(["-w", "1", "-b", "unix:/no/such/folder/app.sock"]);
        Assert.Equal(5, await green.Exit());
        Assert.Contains("/no/such/folder", green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task A_unix_path_without_rights_ends_with_5()
    {
        using var folder = new TemporaryFolder();
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        using var runtime = new TemporaryFolder();
        string[] command = ["dotnet", Repo.Green, "run", "--name", "rights", "-w", "1", "-b", $"unix:{folder.File("app.sock")}", Repo.TestWorker];

        // Root may write anywhere. User nobody may not, but needs its own home and run-time folder.
        if (Environment.IsPrivilegedProcess)
        {
            File.SetUnixFileMode(runtime.Path, (UnixFileMode)0b111_111_111);
            File.SetUnixFileMode(folder.Path, (UnixFileMode)0b101_101_101);
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", .. command];
        }

        await using var green = await ChildProgram.Run(
            command[0], command[1..], [new("RUNTIME_DIRECTORY", runtime.Path), new("HOME", runtime.Path), new("DOTNET_CLI_HOME", runtime.Path)]);
        if (await green.Exit() != 5)
        {
            // If the checkout itself is closed to user nobody, the program cannot even be read.
            Assert.SkipWhen(
                green.Output.Contains("does not exist", StringComparison.Ordinal) || green.Output.Contains("Permission denied", StringComparison.OrdinalIgnoreCase) && !green.Output.Contains("app.sock", StringComparison.Ordinal),
                $"nobody may not read {Repo.Green}: {green.Output}");
        }

        Assert.Equal(5, await green.Exit());
        Assert.Contains(folder.File("app.sock"), green.Output, StringComparison.Ordinal);
        Assert.Contains("ermission denied", green.Output, StringComparison.Ordinal);
        File.SetUnixFileMode(folder.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Theory]
    [InlineData("--control", "shop.sock", 1, "cannot create the control socket ", "the file system is read-only")]
    [InlineData("--control", "run/shop.sock", 1, "cannot create the control socket ", "its folder cannot be created: Read-only file system")]
    [InlineData("-b", "shop.sock", 5, "Cannot listen on unix:", "the file system is read-only")]
    public async Task A_socket_on_a_read_only_file_system_is_refused_by_that_name(string option, string file, int exitCode, string beginning, string reason)
    {
        using var folder = new TemporaryFolder();
        var path = folder.File(file);
        string[] rights = Environment.IsPrivilegedProcess ? [] : ["--user", "--map-root-user"];
        await using var green = GreenRun.Start(
            ["-w", "1", option, option == "-b" ? $"unix:{path}" : path],
            wrapper: ["unshare", .. rights, "--mount", "sh", "-c", $"mount -t tmpfs -o ro green-test '{folder.Path}' && exec \"$@\"", "sh"]);

        Assert.Equal(exitCode, await green.Exit());
        Assert.Contains($"{beginning}{path}: {reason}", green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task A_socket_file_that_nobody_listens_on_is_replaced_and_one_in_use_is_not()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("app.sock");
        using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(path));
            dead.Listen();
            Assert.True(File.Exists(path));
            await using var refused = GreenRun.Start(["-w", "1", "-b", $"unix:{path}"]);
            Assert.Equal(5, await refused.Exit());
            Assert.True(File.Exists(path));

            // .NET removes the file with the socket; a killed process leaves it behind.
            File.Move(path, path + ".kept");
        }

        File.Move(path + ".kept", path);
        await using var green = GreenRun.Start(["-w", "1", "-b", $"unix:{path}"]);
        var status = await green.Serving(1);
        Assert.Equal(status.Workers[0].Pid, await (await green.Target()).Pid());
        await green.StopCleanly();
    }

    [Fact]
    public async Task A_second_supervisor_of_the_same_name_is_refused_and_the_first_serves_on()
    {
        await using var green = GreenRun.Start(["-w", "1"]);
        var status = await green.Serving(1);
        await using var second = await ChildProgram.Run(
            "dotnet", [Repo.Green, "run", "--name", green.Name, "-w", "1", "-b", "127.0.0.1:0", Repo.TestWorker], green.Environment);

        Assert.NotEqual(0, await second.Exit());
        Assert.Contains(green.Name, second.Output, StringComparison.Ordinal);
        Assert.Contains("--name", second.Output, StringComparison.Ordinal);
        Assert.Equal(status.Workers[0].Pid, (await green.Status()).Workers[0].Pid);
        Assert.Equal(status.Workers[0].Pid, await (await green.Target()).Pid());
        await green.StopCleanly();
    }

    [Fact]
    public async Task What_a_killed_supervisor_left_does_not_stop_the_next_one_of_that_name()
    {
        using var folder = new TemporaryFolder();
        string[] command = [Repo.Green, "run", "--name", "again", "-w", "1", "-b", "127.0.0.1:0", Repo.TestWorker];
        KeyValuePair<string, string?>[] environment = [new("RUNTIME_DIRECTORY", folder.Path)];
        await using (var first = ChildProgram.Start("dotnet", command, environment))
        {
            await first.Line("worker 1 .* is ready");
            Kernel.Signal(first.Pid, Kernel.SIGKILL);
            await first.Exit();
            Assert.NotEmpty(Directory.EnumerateFileSystemEntries(folder.Path));
        }

        await using var second = ChildProgram.Start("dotnet", command, environment);
        await second.Line("worker 1 .* is ready");
        Kernel.Signal(second.Pid, Kernel.SIGTERM);
        Assert.Equal(0, await second.Exit());
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder.Path));
    }
}
