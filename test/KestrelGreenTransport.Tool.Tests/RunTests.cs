namespace KestrelGreenTransport.Tool.Tests;

public sealed class RunTests : ToolFixture
{
    [Fact]
    public void The_app_is_run_with_the_settings_and_its_own_arguments_in_order()
    {
        InstallShop();
        Environment["GREEN_TIMEOUT"] = "10s";

        var outcome = Green("run", "-w", "2", "--bind", "127.0.0.1:8080", "./Shop.dll", "a", "--own", "b", "-b", ":1", "--", "-w", "9", "--");

        Assert.Equal(new Outcome(42, "", ""), outcome);
        Assert.Equal(2, Ran!.Options.Workers);
        Assert.Equal(TimeSpan.FromSeconds(10), Ran.Options.Timeout);
        Assert.Equal(["127.0.0.1:8080", ":1"], Ran.Binds.Select(static bind => bind.Text));
        Assert.Equal("/usr/bin/dotnet", Ran.App.FileName);
        Assert.Equal([Path.Combine(Folder, "Shop.dll"), "a", "--own", "b", "-w", "9", "--"], Ran.App.Arguments);
        Assert.Equal("shop", Ran.Name);
    }

    [Fact]
    public void Name_and_control_may_stand_before_the_command()
    {
        InstallShop();

        Green("--name", "first", "--control", "c.sock", "run", "-w", "1", "Shop.dll");

        Assert.Equal("first", Ran!.Name);
        Assert.Equal(Path.Combine(Folder, "c.sock"), Ran.Options.Control);
    }

    [Fact]
    public void Given_twice_the_last_one_counts()
    {
        InstallShop();

        Green("run", "-w", "1", "--workers", "3", "Shop.dll");

        Assert.Equal(3, Ran!.Options.Workers);
    }

    [Fact]
    public void An_argument_that_begins_with_an_at_sign_is_the_apps()
    {
        InstallShop();

        Green("run", "Shop.dll", "@file");

        Assert.Equal("@file", Ran!.App.Arguments[^1]);
    }

    [Fact]
    public void Wrong_settings_are_told_all_at_once_before_the_app_is_looked_at()
    {
        Environment["GREEN_BACKLOG"] = "x";
        Environment["GREEN_WORKRES"] = "3";
        Write("appsettings.json", """{ "GreenSupervisor": { "Name": "" } }""");

        var outcome = Green("run", "-w", "0", "-b", "8080", "./missing.dll");

        Assert.Equal(2, outcome.Code);
        Assert.Equal(
            """
            green: GREEN_WORKRES is not a setting; did you mean GREEN_WORKERS?
            green: Workers ('0', -w on the command line) must be a whole number from 1 to 1024.
            green: Bind ('8080', -b on the command line) is only a port: write :8080 for every address, 127.0.0.1:8080 for this machine only.
            green: Backlog ('x', GREEN_BACKLOG) must be a whole number from 1 to 1000000.
            green: Name ('', appsettings.json: GreenSupervisor:Name) must be 1 to 64 letters, digits, '-', '_' or '.', not beginning with '.'.

            """,
            outcome.Error);
    }

    [Fact]
    public void An_app_that_is_not_there_is_exit_code_4()
    {
        InstallShop();

        Assert.Equal(new Outcome(4, "", "green: ./Shpo.dll does not exist; did you mean ./Shop.dll?\n"), Green("run", "./Shpo.dll"));
    }

    [Fact]
    public void What_only_the_plan_shows_is_exit_code_2_too()
    {
        InstallShop();
        Environment["ASPNETCORE_URLS"] = "nonsense";

        Assert.Equal(
            new Outcome(2, "", "green: ASPNETCORE_URLS ('nonsense') must contain URLs, such as http://127.0.0.1:8000.\n"),
            Green("run", "Shop.dll"));
    }

    [Fact]
    public void Off_Linux_one_line_says_so() => Assert.Equal(
        new Outcome(2, "", "green: the supervisor needs Linux. The transport works here too: run ./Shop.dll without the supervisor.\n"),
        Green(Host() with { IsLinux = false }, "run", "./Shop.dll"));

    [Fact]
    public void Something_unexpected_is_exit_code_1_with_all_that_is_known()
    {
        InstallShop();

        var outcome = Green(Host() with { Run = static _ => throw new InvalidOperationException("the sky fell") }, "run", "Shop.dll");

        Assert.Equal(1, outcome.Code);
        Assert.StartsWith("green: unexpected: System.InvalidOperationException: the sky fell", outcome.Error);
    }
}
