using KestrelGreenTransport.Supervisor.Building;

namespace KestrelGreenTransport.Supervisor.Tests.Building;

public sealed class SourceFilesTests
{
    [Theory]
    [InlineData("Program.cs")]
    [InlineData("Pages/Index.cshtml")]
    [InlineData("Pages/Index.razor.css")]
    [InlineData("Shop.csproj")]
    [InlineData("appsettings.Development.json")]
    [InlineData("green.json")]
    [InlineData(".editorconfig")]
    public void What_is_built_or_read_at_the_start_is_source(string path) => Assert.True(SourceFiles.IsSource(path));

    [Theory]
    [InlineData("obj/Debug/net10.0/Shop.AssemblyInfo.cs")]
    [InlineData("bin/Release/net10.0/appsettings.json")]
    [InlineData("Lib/obj/Lib.cs")]
    [InlineData(".git/index.cs")]
    [InlineData("node_modules/x/y.cs")]
    [InlineData(".#Program.cs")]
    [InlineData("#Program.cs#")]
    [InlineData("Program.cs~")]
    [InlineData("~Program.cs")]
    [InlineData(".Program.cs.swp")]
    [InlineData("4913")]
    [InlineData("Program.cs.tmp")]
    [InlineData("shop.db")]
    [InlineData("logs/today.log")]
    [InlineData("data.json")]
    [InlineData("wwwroot/site.css")]
    public void What_builds_editors_and_the_app_itself_write_is_not(string path) => Assert.False(SourceFiles.IsSource(path));
}
