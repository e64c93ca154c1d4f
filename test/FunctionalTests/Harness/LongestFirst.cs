using FunctionalTests.Harness;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace FunctionalTests.Harness;

/// <summary>
/// Begins with the classes and collections that take longest, so that no long one is left to run alone at the end. The others
/// keep their random order, beside and after them.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    private static readonly string[] Longest =
        ["builds", "SeveralHostsTests", "ReloadTests", "WatchTests", "SupervisorFaultTests", "WorkerFaultTests", "FileFaultTests", "ManualWalkTests", "ClientFaultTests", "WorkerContractPageTests"];

    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderBy(static collection => Array.FindIndex(Longest, name => collection.TestCollectionDisplayName.Contains(name, StringComparison.Ordinal)) is >= 0 and var place ? place : Longest.Length)];
}
