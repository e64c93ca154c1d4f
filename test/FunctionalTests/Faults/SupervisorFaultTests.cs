namespace FunctionalTests.Faults;

/// <summary>Rows of the matrix, as tests: see <see cref="SupervisorFaults"/>.</summary>
public sealed class SupervisorFaultTests
{
    public static TheoryData<string, string, int> Runs => FaultMatrix.Of(SupervisorFaults.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task Whatever_the_supervisor_suffers_the_workers_serve_on(string faults, string way, int seed) => FaultMatrix.Run(SupervisorFaults.All, faults, way, seed);
}
