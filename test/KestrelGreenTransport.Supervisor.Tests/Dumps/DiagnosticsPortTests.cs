using KestrelGreenTransport.Supervisor.Dumps;

namespace KestrelGreenTransport.Supervisor.Tests.Dumps;

public sealed class DiagnosticsPortTests
{
    [Fact]
    public void The_port_of_a_pid_is_that_of_its_youngest_process_however_many_digits_its_start_has()
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            foreach (var name in (string[])["7-999999", "7-5912345", "7-5812345", "77-9912345"])
            {
                File.WriteAllText(Path.Combine(folder.FullName, $"dotnet-diagnostic-{name}-socket"), "");
            }

            Assert.Equal("dotnet-diagnostic-7-5912345-socket", Path.GetFileName(DiagnosticsPort.PortOf(7, folder.FullName)));
            Assert.Null(DiagnosticsPort.PortOf(8, folder.FullName));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
