using System.Runtime.CompilerServices;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Output;
using KestrelGreenTransport.Supervisor.Reporting;
using Microsoft.Extensions.Logging;

namespace KestrelGreenTransport.Supervisor.Tests.Reporting;

public sealed class NoticeReporterTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("green-notices-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

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

    [Theory]
    [InlineData(150, false, "the .NET runtime that the app needs is not installed")]
    [InlineData(131, false, "the .NET runtime that the app needs is not installed")]
    [InlineData(1, false, "check that it calls builder.WebHost.UseGreenTransport()")]
    [InlineData(1, true, null)]
    public void The_last_word_on_an_app_that_never_came_up_fits_the_way_it_ended(int exitCode, bool saidHello, string? lastWord)
    {
        var file = Path.Combine(_folder, "green.log");
        using (var writer = new OutputWriter(static text => text, file: LogFile.Open(file)))
        {
            var reporter = new NoticeReporter(
                new CountingLogger(), new SupervisorOutput(writer, LogFormat.Of(default), TimeProvider.System), new Journal(TimeProvider.System));
            reporter.Report(new WorkerDiedNotice(1, 4121, new LastExit(ExitReason.Crash, ExitStatus.Exited(exitCode), 0) { Index = 1, Pid = 4121 }, null));
            reporter.Report(new BootFailureNotice(1, saidHello));
            reporter.ReportAtTheEnd();
            writer.Flush(TimeSpan.FromSeconds(60));
        }

        var written = File.ReadAllLines(file);
        Assert.Equal(lastWord is null ? 1 : 2, written.Length);
        Assert.Contains("worker 1 wrote nothing.", written[0], StringComparison.Ordinal);
        Assert.Contains(lastWord ?? "", written[^1], StringComparison.Ordinal);
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
