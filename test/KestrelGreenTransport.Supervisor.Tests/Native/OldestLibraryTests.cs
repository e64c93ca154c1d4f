using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using KestrelGreenTransport.Native;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Tests.Native;

/// <summary>Every C library function that we call exists in the oldest one that .NET 10 supports: glibc 2.28, RHEL 8's.</summary>
public class OldestLibraryTests
{
    private static readonly Version Oldest = new(2, 28);

    // The only function that may be missing: then a shell does its work.
    private static readonly HashSet<string> Replaced = ["posix_spawn_file_actions_addchdir_np"];

    [Fact]
    public void Every_native_call_is_in_the_oldest_library()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64 && File.Exists("/lib/x86_64-linux-gnu/libc.so.6"), "the table is read from glibc's own library of x64");
        var since = Exports("/lib/x86_64-linux-gnu/libc.so.6");
        var calls = new[] { typeof(Libc).Assembly, typeof(Posix).Assembly }
            .SelectMany(static assembly => assembly.GetTypes())
            .SelectMany(static type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(static method => method.GetCustomAttribute<DllImportAttribute>())
            .OfType<DllImportAttribute>()
            .Select(static import => import.EntryPoint!)
            .ToHashSet();

        Assert.Contains("epoll_wait", calls);
        Assert.Contains("posix_spawn", calls);
        Assert.DoesNotContain(calls.Except(Replaced), call => !since.TryGetValue(call, out var version) || version > Oldest);
    }

    // 00000000000e7f80 g    DF .text	0000000000000034  GLIBC_2.2.5 fork; a version in parentheses is an older one that exists beside a newer one.
    private static Dictionary<string, Version> Exports(string library)
    {
        using var objdump = Process.Start(new ProcessStartInfo("objdump", ["-T", library]) { RedirectStandardOutput = true })!;
        var lines = objdump.StandardOutput.ReadToEnd().Split('\n');
        objdump.WaitForExit();
        return lines
            .Select(static line => line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
            .Where(static fields => fields.Length >= 2 && fields[^2].Contains("GLIBC_2", StringComparison.Ordinal))
            .GroupBy(static fields => fields[^1], static fields => Version.Parse(fields[^2].Trim('(', ')')["GLIBC_".Length..]))
            .ToDictionary(static symbol => symbol.Key, static symbol => symbol.Min()!);
    }
}
