namespace FunctionalTests.Manual;

/// <summary>This test types every console block of the page, except those that <see cref="ManualCoverageTests"/> lists.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class WalksAttribute(string page) : Attribute
{
    public string Page { get; } = page;
}
