using System.Buffers.Binary;
using FsCheck;
using FsCheck.Fluent;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Records;

namespace KestrelGreenTransport.Tests.Records;

[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class HeartbeatFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ListLogger _log = new();

    private string Path => _folder.File("worker-3.beat");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_written_beat_is_read_back_with_an_even_sequence()
    {
        using var file = Writer();
        Assert.True(file.Write(WorkerState.Serving, 123));
        Assert.True(file.Write(WorkerState.Draining, 456));

        var reading = Read();
        Assert.Equal(HeartbeatOutcome.Beat, reading.Outcome);
        Assert.Equal(new HeartbeatRecord(4, 77, 3, 9, WorkerState.Draining, 2, 456), reading.Beat);
        Assert.Equal(HeartbeatRecord.Size, new FileInfo(Path).Length);
        Assert.Empty(_log.Ids);
    }

    [Fact]
    public void A_missing_file_is_made_for_its_owner_alone()
    {
        using var file = Writer();
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path));
    }

    [Fact]
    public void A_file_that_the_supervisor_made_is_used_as_it_is()
    {
        File.WriteAllBytes(Path, []);
        using var supervisors = File.OpenHandle(Path);
        using var file = Writer();
        file.Write(WorkerState.Serving, 5);
        Assert.Equal(5, HeartbeatFileReader.Read(supervisors).Beat.MonotonicNanoseconds);
    }

    [Fact]
    public void A_symbolic_link_is_not_followed()
    {
        var target = _folder.File("precious");
        File.WriteAllText(target, "precious");
        File.CreateSymbolicLink(Path, target);
        using var file = Writer();
        Assert.False(file.Write(WorkerState.Serving, 5));
        Assert.Equal("precious", File.ReadAllText(target));
        Assert.Equal([100], _log.Ids);
    }

    [Theory]
    [InlineData(0, HeartbeatOutcome.None)]
    [InlineData(1, HeartbeatOutcome.Truncated)]
    [InlineData(HeartbeatRecord.Size - 1, HeartbeatOutcome.Truncated)]
    [InlineData(HeartbeatRecord.Size + 100, HeartbeatOutcome.Beat)]
    public void A_file_of_another_size_is_told_apart(int size, object expected)
    {
        WriteBeat();
        using (var file = File.OpenWrite(Path))
        {
            file.SetLength(size);
        }

        Assert.Equal((HeartbeatOutcome)expected, Read().Outcome);
    }

    [Fact]
    public void A_file_of_zeros_holds_no_beat_yet()
    {
        File.WriteAllBytes(Path, new byte[HeartbeatRecord.Size]);
        var reading = Read();
        Assert.Equal(HeartbeatOutcome.None, reading.Outcome);
        Assert.False(reading.IsUnreadable);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(4)]
    [InlineData(32)]
    public void Garbage_in_magic_version_or_state_is_no_beat(int offset)
    {
        WriteBeat();
        Overwrite(offset, 0x7F);
        var reading = Read();
        Assert.Equal(HeartbeatOutcome.Garbage, reading.Outcome);
        Assert.True(reading.IsUnreadable);
    }

    [Fact]
    public void A_record_whose_writer_died_in_the_middle_is_reported_as_torn()
    {
        WriteBeat();
        Overwrite(HeartbeatRecord.SequenceOffset, 3);
        Assert.Equal(HeartbeatOutcome.Torn, Read().Outcome);
    }

    [Fact]
    public void The_first_write_ever_is_torn_until_it_is_whole()
    {
        var record = new byte[HeartbeatRecord.Size];
        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(HeartbeatRecord.SequenceOffset), 1);
        File.WriteAllBytes(Path, record);
        Assert.Equal(HeartbeatOutcome.Torn, Read().Outcome);
    }

    [Fact]
    public void A_reader_beside_a_busy_writer_never_sees_half_a_record()
    {
        using var file = Writer();
        file.Write(WorkerState.Serving, 1);
        using var reader = File.OpenHandle(Path);
        var stop = false;
        var writing = new Thread(() =>
        {
            for (long at = 2; !Volatile.Read(ref stop); at++)
            {
                file.Write(WorkerState.Serving, at);
            }
        });
        writing.Start();

        var beats = 0;
        while (beats < 5_000)
        {
            var reading = HeartbeatFileReader.Read(reader);
            if (reading.HasBeat)
            {
                // Both fields grow together: a mixture of two records would show.
                Assert.Equal(reading.Beat.Beats, reading.Beat.MonotonicNanoseconds);
                Assert.Equal(2UL * (ulong)reading.Beat.Beats, reading.Beat.Sequence);
                beats++;
            }
            else
            {
                Assert.Equal(HeartbeatOutcome.Torn, reading.Outcome);
            }
        }

        Volatile.Write(ref stop, true);
        writing.Join();
    }

    [Fact]
    public void A_deleted_file_is_reported_once_and_written_on()
    {
        using var file = Writer();
        file.Write(WorkerState.Serving, 1);
        using var supervisors = File.OpenHandle(Path);
        File.Delete(Path);
        file.Check();
        file.Check();
        Assert.True(file.Write(WorkerState.Serving, 2));
        Assert.Equal(2, HeartbeatFileReader.Read(supervisors).Beat.MonotonicNanoseconds);
        Assert.False(File.Exists(Path));
        Assert.Equal([103], _log.Ids);
    }

    [Fact]
    public void A_full_disk_is_reported_once_and_throws_nothing()
    {
        using var file = new HeartbeatFile("/dev/full", 77, 3, 9, _log);
        file.Check();
        Assert.False(file.Write(WorkerState.Serving, 1));
        Assert.False(file.Write(WorkerState.Serving, 2));
        Assert.Equal(2, file.Beats);
        Assert.Equal([101], _log.Ids);
        Assert.Contains("No space left on device", _log.Texts[0], StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_cannot_be_opened_is_reported_once_and_again_when_it_works()
    {
        var late = _folder.File("late");
        using var file = new HeartbeatFile(System.IO.Path.Combine(late, "worker-3.beat"), 77, 3, 9, _log);
        file.Check();
        Assert.False(file.Write(WorkerState.Serving, 1));
        file.Check();
        Assert.Equal([100], _log.Ids);

        Directory.CreateDirectory(late);
        file.Check();
        Assert.True(file.Write(WorkerState.Serving, 2));
        Assert.Equal([100, 102], _log.Ids);
    }

    [Fact]
    public void A_read_that_fails_says_why()
    {
        using var writeOnly = File.OpenHandle(Path, FileMode.Create, FileAccess.Write);
        var reading = HeartbeatFileReader.Read(writeOnly);
        Assert.Equal(HeartbeatOutcome.Failed, reading.Outcome);
        Assert.Equal(KestrelGreenTransport.Native.Errno.EBADF, reading.Error);
    }

    [Fact]
    public void Any_bytes_are_judged_without_a_crash() => Check.QuickThrowOnFailure(Prop.ForAll<byte[]>(bytes =>
    {
        var outcome = HeartbeatFileReader.Parse(bytes, out var record);
        return outcome == HeartbeatOutcome.Beat ? !record.IsBeingWritten : record == default;
    }));

    [Fact]
    public void Any_damage_to_a_record_is_judged_without_a_crash() => Check.QuickThrowOnFailure(Prop.ForAll<byte, byte>((place, value) =>
    {
        var bytes = new byte[HeartbeatRecord.Size];
        new HeartbeatRecord(2, 77, 3, 9, WorkerState.Serving, 1, 5).Write(bytes);
        bytes[place % bytes.Length] = value;
        var outcome = HeartbeatFileReader.Parse(bytes, out _);
        return outcome is HeartbeatOutcome.Beat or HeartbeatOutcome.Torn or HeartbeatOutcome.Garbage;
    }));

    private HeartbeatFile Writer()
    {
        var file = new HeartbeatFile(Path, 77, 3, 9, _log);
        file.Check();
        return file;
    }

    private void WriteBeat()
    {
        using var file = Writer();
        file.Write(WorkerState.Serving, 5);
    }

    private void Overwrite(int offset, byte value)
    {
        using var file = File.OpenHandle(Path, FileMode.Open, FileAccess.Write);
        RandomAccess.Write(file, [value], offset);
    }

    private HeartbeatReading Read()
    {
        Assert.True(RecordFile.OpenForReading(Path, out var file).Ok);
        using (file)
        {
            return HeartbeatFileReader.Read(file!);
        }
    }
}
