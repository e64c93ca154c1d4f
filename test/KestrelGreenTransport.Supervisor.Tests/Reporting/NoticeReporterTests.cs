using System.Runtime.CompilerServices;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Tests.Reporting;

public class NoticeReporterTests
{
    public static TheoryData<Type> Notices() =>
        [.. typeof(Notice).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Notice)))];

    [Theory]
    [MemberData(nameof(Notices))]
    public void Every_notice_of_the_arbiter_has_a_log_line(Type type)
    {
        var notice = (Notice)RuntimeHelpers.GetUninitializedObject(type);
        if (type.GetProperty("Exit") is { } exit)
        {
            exit.SetValue(notice, new LastExit(ExitReason.Crash, ExitStatus.Killed(9), 0) { Index = 1, Pid = 4121 });
        }

        if (type.GetProperty("Cause") is { } cause)
        {
            cause.SetValue(notice, new PreparationFailedNotice(2, "no"));
        }

        if (type.GetProperty("Request") is { } request)
        {
            request.SetValue(notice, new SlowRequest("GET", "/", TimeSpan.Zero));
        }

        var logger = new CountingLogger();
        using var writer = new OutputWriter(static text => text);
        new NoticeReporter(logger, new SupervisorOutput(writer, LogFormat.Of(default), TimeProvider.System), new Journal(TimeProvider.System)).Report(notice);

        Assert.Equal(1, logger.Lines);
    }

    private sealed class CountingLogger : ILogger
    {
        public int Lines { get; private set; }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Assert.NotEmpty(formatter(state, exception));
            Lines++;
        }
    }
}
