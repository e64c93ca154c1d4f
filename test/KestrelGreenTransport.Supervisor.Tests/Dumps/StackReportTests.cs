using System.Text;
using KestrelGreenTransport.Supervisor.Dumps;

namespace KestrelGreenTransport.Supervisor.Tests.Dumps;

public class StackReportTests
{
    private const string Sleeping = """
        {"is_managed":"true","native_thread_id":"0x1a","stack_frames":[
          {"is_managed":"false","unmanaged_name":"pthread_cond_wait","native_module":"libc.so.6"},
          {"is_managed":"false","native_module":"libcoreclr.so"},
          {"is_managed":"true","token":"0x0"},
          {"is_managed":"true","method_name":"System.Threading.Thread.Sleep(Int32)","filename":"System.Private.CoreLib.dll"},
          {"is_managed":"true","method_name":"Shop.Orders.List()","filename":"Shop.dll"}]}
        """;

    [Fact]
    public void Equal_stacks_are_told_once_with_their_threads()
    {
        var json = Report(Sleeping, Native("0x2"), Sleeping.Replace("0x1a", "0x1b"), Lone);
        Assert.Equal(
            """
            worker 2
            4 threads, 3 with managed frames, in 2 different stacks

            2 threads: 26 27
                [libc.so.6!pthread_cond_wait]
                System.Private.CoreLib!System.Threading.Thread.Sleep(Int32)
                Shop!Shop.Orders.List()

            thread 28
                exception System.OutOfMemoryException
                lambda_method7(System.Object)

            """,
            StackReport.Render(json, ["worker 2"]));
    }

    [Fact]
    public void A_worker_writes_no_lines_of_its_own_and_steers_no_terminal()
    {
        var text = StackReport.Render(Report(Sleeping.Replace("Shop.Orders", "Shop\\n\\u001b[2JForged", StringComparison.Ordinal)), []);

        Assert.Contains("Shop!Shop \\u001b[2JForged.List()\n", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("""{"payload":{"threads":7}}""")]
    [InlineData("""{"payload":{"threads":[{"native""")]
    public void What_is_no_report_is_none(string json) => Assert.Null(StackReport.Render(Encoding.UTF8.GetBytes(json), []));

    private static string Lone => """
        {"is_managed":"true","native_thread_id":"0x1c","managed_exception_type":"System.OutOfMemoryException",
         "stack_frames":[{"is_managed":"true","method_name":"lambda_method7(System.Object)"}]}
        """;

    private static string Native(string id) =>
        """{"is_managed":"false","native_thread_id":"ID","stack_frames":[{"is_managed":"false","unmanaged_name":"poll"}]}""".Replace("ID", id, StringComparison.Ordinal);

    private static byte[] Report(params string[] threads) =>
        Encoding.UTF8.GetBytes("{\"payload\":{\"protocol_version\":\"1.0.0\",\"threads\":[" + string.Join(',', threads) + "]},\"parameters\":{}}");
}
