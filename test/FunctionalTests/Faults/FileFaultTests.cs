namespace FunctionalTests.Faults;

/// <summary>Rows of the matrix, as tests: see <see cref="FileFaults"/>.</summary>
public sealed class FileFaultTests
{
    public static TheoryData<string, string, int> Runs => FaultMatrix.Of(FileFaults.All);

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Runs))]
    public Task What_is_wrong_with_a_file_is_not_held_against_its_worker(string faults, string way, int seed) => FaultMatrix.Run(FileFaults.All, faults, way, seed);
}
