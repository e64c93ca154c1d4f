namespace FunctionalTests.Faults;

/// <summary>Rows of the matrix, as tests: see <see cref="HostileWorkerFaults"/>.</summary>
public sealed class HostileWorkerFaultTests
{
    public static TheoryData<string, string, int> Runs => FaultMatrix.Of(HostileWorkerFaults.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task A_worker_of_another_user_that_was_broken_into_reaches_nothing_of_its_supervisors(string faults, string way, int seed) =>
        FaultMatrix.Run(HostileWorkerFaults.All, faults, way, seed);
}
