using FunctionalTests.Harness;

namespace FunctionalTests.Lifecycle;

/// <summary>Apps that never start serving: an exit code for scripts, and a sentence for people.</summary>
public sealed class BootFailureTests
{
    [Fact]
    public async Task A_crash_loop_at_the_first_boot_ends_with_3_and_the_last_lines_of_the_worker()
    {
        await using var green = GreenRun.Start(["-w", "2"], environment: ("TESTWORKER_BOOT", "throw:no database today"));
        Assert.Equal(3, await green.Exit());
        Assert.Contains("about to fail", green.Process.Output, StringComparison.Ordinal);

        // The last lines are the supervisor's, and include the worker's lines, so that the reader need not scroll.
        var ending = string.Join('\n', green.Process.ErrorLines.TakeLast(25));
        Assert.Contains("no database today", ending, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task An_app_that_leaves_at_boot_ends_with_3()
    {
        await using var green = GreenRun.Start(["-w", "1"], environment: ("TESTWORKER_BOOT", "exit:9"));
        Assert.Equal(3, await green.Exit());
        Assert.Contains("leaving with 9", green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task An_app_that_hangs_at_the_first_boot_ends_with_3_after_the_boot_timeout()
    {
        await using var green = GreenRun.Start(["-w", "2", "--boot-timeout", "2s"], environment: ("TESTWORKER_BOOT", "hang"));
        Assert.Equal(3, await green.Exit());
        Assert.Matches(@"was not ready within 2\.0 s \(BootTimeout\)", green.Process.Output);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task A_missing_app_ends_with_4_and_its_path()
    {
        await using var green = GreenRun.Start(["-w", "1"], app: "/no/such/Shop.dll");
        Assert.Equal(4, await green.Exit());
        Assert.Contains("/no/such/Shop.dll", green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task A_file_that_is_no_app_ends_with_4()
    {
        using var folder = new TemporaryFolder();
        var file = folder.File("Notes.dll");
        await File.WriteAllTextAsync(file, "not a program");
        await using var green = GreenRun.Start(["-w", "1"], app: file);
        Assert.Equal(4, await green.Exit());
        Assert.Matches(@"Notes\.dll.*\.NET", green.Process.Output);
        green.AssertNothingLeft();
    }

    [Fact]
    public async Task An_app_that_forgot_UseGreenTransport_ends_with_4_and_is_told_the_line_to_add()
    {
        await using var green = GreenRun.Start(["-w", "1", "--boot-timeout", "4s"], environment: ("TESTWORKER_BOOT", "plain"));
        Assert.Equal(4, await green.Exit());
        Assert.Contains("never called builder.WebHost.UseGreenTransport()", green.Process.Output, StringComparison.Ordinal);
        green.AssertNothingLeft();
    }
}
