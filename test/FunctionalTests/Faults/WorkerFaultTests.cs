namespace FunctionalTests.Faults;

/// <summary>Rows of the matrix, as tests: see <see cref="WorkerFaults"/>.</summary>
public sealed class WorkerFaultTests
{
    public static TheoryData<string, string, int> Runs => FaultMatrix.Of(WorkerFaults.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task Whatever_happens_to_a_worker_the_cluster_serves_on(string faults, string way, int seed) => FaultMatrix.Run(WorkerFaults.All, faults, way, seed);
}
