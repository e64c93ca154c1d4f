namespace FunctionalTests.Manual;

/// <summary>Every console block of the page is typed by this test, but for those that <see cref="ManualCoverageTests"/> lists.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class WalksAttribute(string page) : Attribute
{
    public string Page { get; } = page;
}
