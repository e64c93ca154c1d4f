using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests.Building;

public sealed class AppResolverTests : IDisposable
{
    private const string Dotnet = "/usr/share/dotnet/dotnet";

    // This test program itself: a managed app with its executable beside it.
    private static readonly string ThisApp = typeof(AppResolverTests).Assembly.Location;
    private static readonly string ThisExecutable = Path.ChangeExtension(ThisApp, null);
    private static readonly string Library = typeof(GreenSupervisor).Assembly.Location;

    private readonly string _folder = Directory.CreateTempSubdirectory("green-app-").FullName;
    private readonly ScriptedRunner _commands = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_dll_runs_under_the_dotnet_host_with_the_apps_arguments()
    {
        InstallThisApp();

        var app = Found("./Shop.dll", "--urls", "x");

        Assert.Equal(Dotnet, app.FileName);
        Assert.Equal([In("Shop.dll"), "--urls", "x"], app.Arguments);
        Assert.Equal("./Shop.dll", app.DisplayPath);
        Assert.Equal(_folder, app.WorkingDirectory);
        Assert.Empty(_commands.Ran);
    }

    [Fact]
    public void A_link_to_the_release_is_followed_each_time_and_the_shells_name_of_the_folder_is_kept()
    {
        InstallThisApp("releases/41");
        InstallThisApp("releases/42");
        Directory.CreateSymbolicLink(In("current"), "releases/41");
        Assert.Equal(In("releases/41/Shop.dll"), Found("current/Shop.dll").Arguments[0]);

        Directory.Delete(In("current"));
        Directory.CreateSymbolicLink(In("current"), "releases/42");
        Assert.Equal(In("releases/42/Shop.dll"), Found("current/Shop.dll").Arguments[0]);

        Assert.Equal(In("current"), RealPath.LogicalDirectory(In("releases/42"), In("current")));
        Assert.Equal(In("releases/41"), RealPath.LogicalDirectory(In("releases/41"), In("current")));
        Assert.Equal(In("releases/41"), RealPath.LogicalDirectory(In("releases/41"), null));
    }

    [Fact]
    public void An_executable_runs_by_itself()
    {
        File.Copy(ThisExecutable, In("Shop"));

        var app = Found("Shop", "a");

        Assert.Equal((In("Shop"), "a"), (app.FileName, string.Join(' ', app.Arguments)));
    }

    [Fact]
    public void The_dll_of_a_self_contained_app_gives_its_executable()
    {
        InstallThisApp();
        File.Copy(ThisExecutable, In("Shop"));
        Write("Shop.runtimeconfig.json", """{ "runtimeOptions": { "includedFrameworks": [ { "name": "Microsoft.NETCore.App", "version": "10.0.0" } ] } }""");

        Assert.Equal(In("Shop"), Found("Shop.dll").FileName);

        File.Delete(In("Shop"));
        Expect("Shop.dll", "Shop.dll is self-contained, but its executable Shop is not next to it. Publish it again.");
    }

    [Fact]
    public void A_project_folder_is_built_and_its_workers_start_in_it_from_a_copy_of_their_own()
    {
        InstallThisApp("src/bin/Release");
        Write("src/bin/Release/de/Shop.resources.dll", "");
        Write("src/bin/Release/publish/Shop.dll", "");
        Write("src/Shop.csproj", "<Project/>");
        Write("lib/Lib.csproj", "<Project/>");
        Write("src/obj/project.assets.json", """{ "libraries": { "Lib/1.0.0": { "type": "project", "path": "../lib/Lib.csproj" }, "Other/2.0.0": { "type": "package" } } }""");
        AnswerBuild();
        AnswerBuild();
        var resolver = new AppResolver(_folder, Dotnet, _commands);
        using var builds = resolver.Builds;

        var app = resolver.Resolve("src", ["a"]).App!;

        Assert.Equal("./src/bin/Release/Shop.dll", app.DisplayPath);
        Assert.Equal(In("src"), app.WorkingDirectory);
        Assert.Equal([In("src"), In("lib")], app.Project!.Sources);
        Assert.Equal([Path.Combine(app.Project.Folder, "Shop.dll"), "a"], app.Arguments);
        Assert.True(File.Exists(Path.Combine(app.Project.Folder, "de/Shop.resources.dll")));
        Assert.False(Directory.Exists(Path.Combine(app.Project.Folder, "publish")));

        // The next build gets another folder, and prints only errors.
        var next = resolver.Resolve("src", ["a"], _commands).App!;
        Assert.NotEqual(app.Project.Folder, next.Project!.Folder);
        Assert.Equal(
            [
                $"{Dotnet} build {In("src/Shop.csproj")} -c Release --nologo -v minimal -nodeReuse:false -p:UseSharedCompilation=false",
                $"{Dotnet} msbuild {In("src/Shop.csproj")} -p:Configuration=Release -getProperty:TargetPath -getProperty:ProjectAssetsFile -nodeReuse:false -p:UseSharedCompilation=false",
                $"{Dotnet} build {In("src/Shop.csproj")} -c Release --nologo -v quiet -clp:NoSummary -nodeReuse:false -p:UseSharedCompilation=false",
                $"{Dotnet} msbuild {In("src/Shop.csproj")} -p:Configuration=Release -getProperty:TargetPath -getProperty:ProjectAssetsFile -nodeReuse:false -p:UseSharedCompilation=false",
            ],
            _commands.Ran);
        builds.Dispose();
        Assert.False(Directory.Exists(app.Project.Folder) || Directory.Exists(next.Project.Folder));
    }

    [Fact]
    public void A_project_that_does_not_build_is_not_run()
    {
        Write("Shop.csproj", "<Project/>");
        _commands.Answer(new CommandResult(1, ""));

        Expect("Shop.csproj", "./Shop.csproj does not build; see the errors above.");
    }

    [Fact]
    public void A_project_for_several_frameworks_must_be_named_by_its_dll()
    {
        Write("Shop.csproj", "<Project/>");
        _commands.Answer(new CommandResult(0, ""));
        _commands.Answer(new CommandResult(0, """{ "Properties": { "TargetPath": "", "ProjectAssetsFile": "" } }"""));

        Expect("Shop.csproj", "./Shop.csproj builds for several frameworks, or does not build a single file: name the built dll.");
    }

    [Fact]
    public void What_does_not_exist_is_named_with_what_was_perhaps_meant()
    {
        Write("Shop.dll", "");
        Directory.CreateDirectory(In("src"));

        Expect("./Shpo.dll", "./Shpo.dll does not exist; did you mean ./Shop.dll?");
        Expect("Shop", "Shop does not exist; did you mean ./Shop.dll?");
        Expect("scr", "scr does not exist; did you mean ./src?");
        Expect("Elephant.dll", "Elephant.dll does not exist.");
        Expect("bin/Shop.dll", $"bin/Shop.dll does not exist: there is no folder {In("bin")}.");
    }

    [Fact]
    public void What_is_no_app_is_refused_with_the_way_out()
    {
        File.Copy(Library, In("Lib.dll"));
        File.Copy(ThisApp, In("Shop.dll"));
        Write("Text.dll", "MZ this is not");
        Write("run.sh", "#!/bin/sh\n");
        Write("notes.txt", "hello");
        Write("Shop.sln", "");
        File.Copy(ThisExecutable, In("app"));
        File.SetUnixFileMode(In("app"), UnixFileMode.UserRead);

        Expect("Text.dll", "Text.dll is not a .NET assembly. Name the app's dll, its executable, or its project folder.");
        Expect("Lib.dll", "Lib.dll is a library: it has no entry point. Name the dll of the app that uses it.");
        Expect("Shop.dll", "Shop.dll has no Shop.runtimeconfig.json next to it. Name the dll in the build or publish output (bin/…), not the one in obj/.");
        Expect("run.sh", "run.sh is a script: a worker must be the app itself. Name its dll, its executable, or its project folder.");
        Expect("notes.txt", "notes.txt is not a Linux program. Name the app's dll, its executable, or its project folder.");
        Expect("Shop.sln", "Shop.sln is a solution: name the app's project.");
        Expect("app", "app is not executable: chmod +x app");
    }

    [Fact]
    public void A_folder_without_one_project_says_what_could_be_named_instead()
    {
        Directory.CreateDirectory(In("empty"));
        Expect("empty", "empty contains no project.");

        InstallThisApp("publish");
        Expect("publish", "publish contains no project; did you mean ./publish/Shop.dll?");

        Write("two/A.csproj", "");
        Write("two/B.fsproj", "");
        Expect("two", "two contains several projects: name one of ./two/A.csproj, ./two/B.fsproj.");
    }

    [Fact]
    public void Without_a_dotnet_host_only_executables_can_run()
    {
        InstallThisApp();
        Write("src/Shop.csproj", "");
        var resolver = new AppResolver(_folder, null, _commands);

        Assert.Equal(
            "Shop.dll needs the dotnet host, but there is none in DOTNET_ROOT or PATH. Install the runtime (https://dotnet.microsoft.com/download) or name a self-contained executable.",
            resolver.Resolve("Shop.dll", []).Error);
        Assert.Equal(
            "./src/Shop.csproj needs the .NET SDK to build, but there is no dotnet in DOTNET_ROOT or PATH. Install it (https://dotnet.microsoft.com/download) or name a built dll.",
            resolver.Resolve("src", []).Error);
    }

    [Fact]
    public void The_dotnet_host_is_the_one_that_runs_us_else_by_its_root_else_by_the_path()
    {
        Write("root/dotnet", "");
        Write("path/dotnet", "");
        string? Variable(string name) => name switch { "DOTNET_ROOT" => In("root"), "PATH" => $"/nowhere:{In("path")}", _ => null };

        Assert.Equal("/opt/dotnet", DotnetHost.Find("/opt/dotnet", Variable));
        Assert.Equal(In("root/dotnet"), DotnetHost.Find("/opt/green", Variable));
        File.Delete(In("root/dotnet"));
        Assert.Equal(In("path/dotnet"), DotnetHost.Find("/opt/green", Variable));
    }

    [Fact]
    public void A_command_is_run_to_its_end_with_its_output_or_its_exit_code()
    {
        var runner = new CommandRunner(new Dictionary<string, string> { ["GREETING"] = "hello" });

        Assert.Equal(new CommandResult(3, $"hello from {_folder}\n"), runner.Run("/bin/sh", ["-c", "echo $GREETING from $(pwd); exit 3"], _folder, capture: true));
        Assert.Equal(new CommandResult(128 + 15, ""), runner.Run("/bin/sh", ["-c", "kill -TERM $$"], _folder, capture: true));
        Assert.Equal(100_000, runner.Run("/bin/sh", ["-c", "head -c 100000 /dev/zero | tr '\\0' x"], _folder, capture: true).Output.Length);
    }

    private string In(string path) => Path.Combine(_folder, path);

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(In(path))!);
        File.WriteAllText(In(path), text);
    }

    // Installed as an app of the installed runtime, even if these tests were published with their own.
    private void InstallThisApp(string folder = "")
    {
        Directory.CreateDirectory(In(folder));
        File.Copy(ThisApp, In(Path.Combine(folder, "Shop.dll")));
        Write(Path.Combine(folder, "Shop.runtimeconfig.json"), """{ "runtimeOptions": { "framework": { "name": "Microsoft.NETCore.App", "version": "10.0.0" } } }""");
    }

    private void AnswerBuild()
    {
        _commands.Answer(new CommandResult(0, ""));
        _commands.Answer(new CommandResult(
            0, $$"""{ "Properties": { "TargetPath": "{{In("src/bin/Release/Shop.dll")}}", "ProjectAssetsFile": "{{In("src/obj/project.assets.json")}}" } }"""));
    }

    private AppCommand Found(string app, params string[] arguments)
    {
        var resolution = new AppResolver(_folder, Dotnet, _commands).Resolve(app, arguments);
        Assert.Null(resolution.Error);
        return resolution.App!;
    }

    private void Expect(string app, string error)
    {
        var resolution = new AppResolver(_folder, Dotnet, _commands).Resolve(app, []);
        Assert.Null(resolution.App);
        Assert.Equal(error, resolution.Error);
    }

    private sealed class ScriptedRunner : ICommandRunner
    {
        private readonly Queue<CommandResult> _answers = new();

        public List<string> Ran { get; } = [];

        public void Answer(CommandResult result) => _answers.Enqueue(result);

        public CommandResult Run(string fileName, IReadOnlyList<string> arguments, string workingDirectory, bool capture)
        {
            Ran.Add($"{fileName} {string.Join(' ', arguments)}");
            return _answers.Dequeue();
        }
    }
}
