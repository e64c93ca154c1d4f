using System.IO.MemoryMappedFiles;
using System.Runtime.Loader;
using KestrelGreenTransport.Supervisor.Native;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Tests.Workers;

public sealed class LoadedFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("green-loaded-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("r-xp", "/srv/libshop.so", true)]
    [InlineData("r-xp", "/srv/Shop", true)]
    [InlineData("r--s", "/srv/Shop.dll", true)]
    [InlineData("r--p", "/srv/Shop.dll", true)]
    [InlineData("r--s", "/srv/Shop.exe", true)]
    [InlineData("rw-s", "/srv/shop.db-shm", false)]
    [InlineData("r--s", "/srv/shop.db", false)]
    [InlineData("r--p", "/usr/lib/locale/C.utf8/LC_CTYPE", false)]
    [InlineData("rw-s", "/tmp/.dotnet/shm/global/shop", false)]
    [InlineData("rw-s", "/srv/shop.log", false)]
    [InlineData("rw-s", "/srv/plugin-cache.dll", false)]
    [InlineData("rwxs", "/dev/shm/doublemapper", false)]
    public void Only_what_a_loader_maps_is_code(string access, string path, bool isCode) => Assert.Equal(
        isCode ? [(path, 4711UL)] : [],
        LoadedFiles.CodeIn(ProcFs.FileMappingsIn($"7f0000000000-7f0000001000 {access} 00000000 fe:01 4711                       {path}\n")));

    [Fact]
    public void A_file_of_several_mappings_is_one_file() => Assert.Equal(
        [("/srv/My Shop.dll", 7UL)],
        LoadedFiles.CodeIn(ProcFs.FileMappingsIn("""
            7f01-7f02 r--p 00000000 fe:01 7   /srv/My Shop.dll
            7f02-7f03 r-xp 00001000 fe:01 7   /srv/My Shop.dll
            7f03-7f04 rw-p 00002000 fe:01 7   /srv/My Shop.dll
            7f04-7f05 r-xp 00000000 fe:01 8   /srv/Old.dll (deleted)
            7f05-7f06 rw-p 00000000 00:00 0
            """)));

    [Fact]
    public void An_assembly_that_was_overwritten_is_found_and_data_that_the_process_shares_is_not()
    {
        // An IL-only assembly, as an app's own is: the case of a deploy with cp.
        var assembly = Path.Combine(_folder, "Shop.dll");
        File.Copy(typeof(LoadedFilesTests).Assembly.Location, assembly);
        var context = new AssemblyLoadContext("shop", isCollectible: true);
        Assert.NotEmpty(context.LoadFromAssemblyPath(assembly).GetTypes());
        var shared = Path.Combine(_folder, "shop.db-shm");
        File.WriteAllBytes(shared, new byte[32_768]);
        var read = Path.Combine(_folder, "shop.db");
        File.WriteAllBytes(read, new byte[32_768]);
        using var written = MemoryMappedFile.CreateFromFile(shared, FileMode.Open);
        using var writer = written.CreateViewAccessor();
        using var data = MemoryMappedFile.CreateFromFile(read, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using var reader = data.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
        Assert.Subset(ProcFs.FileMappingsOf(Environment.ProcessId).Select(static mapping => mapping.Path).ToHashSet(), new HashSet<string> { assembly, shared, read });

        foreach (var path in new[] { assembly, shared, read })
        {
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddHours(1));
        }

        Assert.Equal([assembly], LoadedFiles.OverwrittenOf(Environment.ProcessId));
        context.Unload();
    }
}
