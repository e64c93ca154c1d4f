using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json;

namespace KestrelGreenTransport.Supervisor.Building;

/// <summary>What a file is, as far as starting it goes.</summary>
internal static class AppFile
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public static bool IsElf(string path)
    {
        Span<byte> magic = stackalloc byte[4];
        using var file = File.OpenRead(path);
        return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual((ReadOnlySpan<byte>)[0x7f, (byte)'E', (byte)'L', (byte)'F']);
    }

    public static bool MayExecute(string path) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Executable) != 0;

    public static bool IsScript(string path)
    {
        Span<byte> start = stackalloc byte[2];
        using var file = File.OpenRead(path);
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length && start.SequenceEqual("#!"u8);
    }

    public static ManagedKind Managed(string path)
    {
        using var file = File.OpenRead(path);
        using var image = new PEReader(file);
        try
        {
            return !image.HasMetadata || !image.GetMetadataReader().IsAssembly ? ManagedKind.None
                : image.PEHeaders.CorHeader!.EntryPointTokenOrRelativeVirtualAddress != 0 ? ManagedKind.App
                : ManagedKind.Library;
        }
        catch (BadImageFormatException)
        {
            return ManagedKind.None;
        }
    }

    /// <summary>What the build puts beside an app: <c>Shop.deps.json</c>.</summary>
    /// <param name="command">How the app is started.</param>
    /// <param name="extension">Of the file, with its dot.</param>
    public static string Beside(AppCommand command, string extension) =>
        command.Arguments is [var managed, ..] && managed.EndsWith(".dll", StringComparison.Ordinal) ? Path.ChangeExtension(managed, extension) : command.FileName + extension;

    /// <summary>Whether a runtime configuration turns a switch of the framework's on; false when it cannot be read.</summary>
    public static bool IsSwitchedOn(string runtimeConfig, string name) => "true".Equals(Property(runtimeConfig, name), StringComparison.OrdinalIgnoreCase);

    /// <summary>The value of a property in a runtime configuration; null if it is not set there or the file cannot be read.</summary>
    public static string? Property(string runtimeConfig, string name)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(runtimeConfig));
            return document.RootElement.TryGetProperty("runtimeOptions", out var options)
                && options.TryGetProperty("configProperties", out var properties)
                && properties.TryGetProperty(name, out var value) ? value.ToString() : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static string RuntimeConfigOf(string dll) => Path.ChangeExtension(dll, ".runtimeconfig.json");

    /// <summary>Whether the app brings its own runtime; the dotnet host does not run such a dll.</summary>
    public static bool IsSelfContained(string runtimeConfig)
    {
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(runtimeConfig));
            return document.RootElement.TryGetProperty("runtimeOptions", out var options) && options.TryGetProperty("includedFrameworks", out _);
        }
        catch (JsonException)
        {
            // The host will say what is wrong with it, better than we can.
            return false;
        }
    }
}

internal enum ManagedKind
{
    /// <summary>No .NET assembly.</summary>
    None,

    /// <summary>An assembly without an entry point.</summary>
    Library,

    App,
}
