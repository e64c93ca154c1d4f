namespace FunctionalTests.Faults;

/// <summary>Rows of the matrix, as tests: see <see cref="BootFaults"/>.</summary>
public sealed class BootFaultTests
{
    public static TheoryData<string, string, int> Runs => FaultMatrix.Of(BootFaults.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task A_worker_that_does_not_come_up_costs_nothing(string faults, string way, int seed) => FaultMatrix.Run(BootFaults.All, faults, way, seed);
}
