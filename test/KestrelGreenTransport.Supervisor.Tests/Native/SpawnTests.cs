using System.Globalization;
using System.Text;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests.Native;

public class SpawnTests
{
    [Theory]
    [InlineData("exit 0", 0, null)]
    [InlineData("exit 7", 7, null)]
    [InlineData("kill -SEGV $$", null, 11)]
    public void The_exit_of_a_child_is_collected(string script, int? code, int? signal)
    {
        var (status, _) = Shell(script);

        Assert.Equal(new ExitStatus(code, signal), status);
    }

    [Fact]
    public void A_child_holds_the_descriptors_it_was_given_and_no_others()
    {
        Descriptor.KeepAllToOurselves();
        var (given, other) = Descriptor.Pipe();
        using (given)
        using (other)
        {
            // $$ is the shell's own pid: readlink would show its own descriptors.
            var (_, output) = Shell($"readlink /proc/$$/fd/50; readlink /proc/$$/fd/{given.Number} /proc/$$/fd/{other.Number}", (given.Number, 50));

            Assert.StartsWith("pipe:", Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Descriptors_may_change_places_without_clobbering_each_other()
    {
        var (read, write) = Descriptor.Pipe();
        using (read)
        using (write)
        {
            var (_, output) = Shell(
                $"readlink /proc/$$/fd/{write.Number}; readlink /proc/$$/fd/{read.Number}; readlink /proc/$$/fd/1",
                (read.Number, write.Number),
                (write.Number, read.Number));

            var lines = output.Split('\n');
            Assert.Equal(lines[0], lines[1]);
            Assert.NotEqual(lines[0], lines[2]);
        }
    }

    [Fact]
    public void A_child_begins_with_every_signal_at_its_default_and_none_blocked()
    {
        var (_, output) = Shell("grep -E 'Sig(Blk|Ign)' /proc/self/status");

        var masks = output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => ulong.Parse(line.AsSpan(line.IndexOf('\t', StringComparison.Ordinal) + 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

        // Signals 32 and 33 belong to libc itself, which does not let programs set them.
        Assert.All(masks, mask => Assert.Equal(0ul, mask & ~0x180000000ul));
    }

    [Fact]
    public void A_child_leads_a_session_of_its_own_and_has_no_terminal()
    {
        var (_, output) = Shell("cat /proc/$$/stat; (exec 3</dev/tty) 2>/dev/null && echo a terminal || echo none");

        var lines = output.Split('\n');
        var stat = lines[0].Split(' ');
        Assert.Equal([stat[0], stat[0]], [stat[4], stat[5]]);
        Assert.Equal("none", lines[1]);
    }

    [Fact]
    public void A_missing_program_is_an_error_of_the_call_itself()
    {
        var result = Spawn.Start(new SpawnRequest
        {
            FileName = "/nowhere/at/all",
            Arguments = [],
            Descriptors = [],
            Environment = new Dictionary<string, string>(),
        });

        Assert.Null(result.Process);
        Assert.Equal("No such file or directory", result.Error);
    }

    [Fact]
    public void A_working_folder_and_arguments_are_the_same_where_the_C_library_cannot_change_folders()
    {
        var folder = Directory.CreateTempSubdirectory("green spawn '").FullName;
        try
        {
            var request = new SpawnRequest
            {
                FileName = "/bin/sh",
                Arguments = ["-c", "pwd -P; printf '%s|' \"$0\" \"$@\"; ps -o ppid= -p $$", "-zero", "two words", "$HOME", ""],
                Descriptors = [],
                Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
                WorkingDirectory = folder,
            };

            var (status, output) = Run(request);
            Assert.Equal(ExitStatus.Exited(0), status);
            Assert.StartsWith($"{folder}\n-zero|two words|$HOME||", output, StringComparison.Ordinal);
            Assert.Equal((status, output), Run(Spawn.ByShell(request)));
        }
        finally
        {
            Directory.Delete(folder);
        }
    }

    private static (ExitStatus Status, string Output) Shell(string script, params (int, int)[] descriptors) => Run(new SpawnRequest
    {
        FileName = "/bin/sh",
        Arguments = ["-c", script],
        Descriptors = descriptors,
        Environment = new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
    });

    private static (ExitStatus Status, string Output) Run(SpawnRequest request)
    {
        var (read, write) = Descriptor.Pipe();
        using (read)
        {
            var started = Spawn.Start(request with { Descriptors = [(write.Number, 1), .. request.Descriptors] });
            write.Dispose();
            using var child = started.Process;
            Assert.True(child is not null, started.Error);
            var output = ReadToEnd(read);
            ExitStatus? status;
            do
            {
                WaitFor(child.Number);
                status = child.Reap();
            }
            while (status is null);

            return (status.Value, output);
        }
    }

    private static unsafe string ReadToEnd(Descriptor pipe)
    {
        var text = new StringBuilder();
        var buffer = stackalloc byte[4096];
        while (true)
        {
            WaitFor(pipe.Number);
            var read = Libc.read(pipe.Number, buffer, 4096);
            if (read <= 0)
            {
                return text.ToString();
            }

            text.Append(Encoding.UTF8.GetString(buffer, (int)read));
        }
    }

    private static unsafe void WaitFor(int descriptor)
    {
        var poll = new Libc.PollFd { fd = descriptor, events = Libc.POLLIN };
        Assert.Equal(1, Libc.poll(&poll, 1, 60_000));
    }
}
