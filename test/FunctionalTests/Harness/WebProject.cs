namespace FunctionalTests.Harness;

/// <summary>The source of an app on the transport, to be built by the supervisor.</summary>
internal static class WebProject
{
    /// <summary>Writes Shop.csproj and Program.cs.</summary>
    /// <param name="folder">An existing folder.</param>
    /// <param name="map">Statements that map endpoints of <c>app</c>.</param>
    public static async Task Write(string folder, string map = "")
    {
        await File.WriteAllTextAsync(Path.Combine(folder, "Shop.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk.Web">
              <PropertyGroup>
                <TargetFramework>net10.0</TargetFramework>
                <UseAppHost>false</UseAppHost>
                <ImplicitUsings>enable</ImplicitUsings>
                <RunAnalyzers>false</RunAnalyzers>
                <StaticWebAssetsEnabled>false</StaticWebAssetsEnabled>
              </PropertyGroup>
              <ItemGroup>
                {Repo.References}
              </ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), $"""
            var builder = WebApplication.CreateBuilder(args);
            builder.WebHost.UseGreenTransport();
            var app = builder.Build();
            {map}
            app.Run();
            """);
    }
}
