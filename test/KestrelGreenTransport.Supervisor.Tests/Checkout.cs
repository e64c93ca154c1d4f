namespace KestrelGreenTransport.Supervisor.Tests;

/// <summary>The source tree that the tests were built in: some of them compare its pages with its code.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "KestrelGreenTransport.sln")))
        {
            folder = folder.Parent;
        }

        return folder.FullName;
    }
}
