using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Workers;

namespace KestrelGreenTransport.Supervisor.Tests.Workers;

public sealed class WorkerTextTests
{
    [Fact]
    public void What_a_worker_says_is_text_without_lines_or_orders_of_its_own()
    {
        const string hostile = "/\n[green] 2026-01-01 00:00:00.000 fail: \e[2Jforged\u202e";
        const string shown = "/ [green] 2026-01-01 00:00:00.000 fail: \\u001b[2Jforged\\u202e";

        var heard = WorkerText.Of(
            new LifelineMessage { Type = LifelineTypes.SlowRequest, Message = hostile, Method = hostile, Path = hostile, InFlight = [new InFlightRequest(hostile, hostile, 1)] });

        Assert.All([heard.Message, heard.Method, heard.Path, heard.InFlight![0].Method, heard.InFlight[0].Path], static text => Assert.Equal(shown, text));
        Assert.Null(WorkerText.Of(new LifelineMessage { Type = LifelineTypes.Hello }).Message);
    }
}
