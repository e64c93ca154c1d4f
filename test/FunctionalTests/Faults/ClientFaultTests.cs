namespace FunctionalTests.Faults;

/// <summary>Rows of the matrix, as tests: see <see cref="ClientFaults"/>.</summary>
public sealed class ClientFaultTests
{
    public static TheoryData<string, string, int> Runs => FaultMatrix.Of(ClientFaults.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task Whatever_some_clients_do_the_others_are_served(string faults, string way, int seed) => FaultMatrix.Run(ClientFaults.All, faults, way, seed);
}
