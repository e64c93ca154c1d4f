namespace KestrelGreenTransport.Tool.Tests;

/// <summary>Outputs that are compared with a file, letter by letter. UPDATE_GOLDEN=1 rewrites the files; read the diff.</summary>
internal static class GoldenFile
{
    public static void Expect(string name, string actual)
    {
        var file = Path.Combine(Folder(), name + ".txt");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(file, actual);
        }

        Assert.Equal(File.ReadAllText(file), actual);
    }

    /// <summary>The checkout.</summary>
    public static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "KestrelGreenTransport.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }

    private static string Folder() => Path.Combine(Root(), "test", "KestrelGreenTransport.Tool.Tests", "Golden");
}
