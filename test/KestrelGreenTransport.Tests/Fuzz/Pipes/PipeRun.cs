using System.Collections.Concurrent;
using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using KestrelGreenTransport.Tests.Epoll;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace KestrelGreenTransport.Tests.Fuzz.Pipes;

/// <summary>
/// Runs a story on one connection and records what happens. The app also plays the client, so the order of all steps is certain,
/// and different transports can be compared line by line.
/// </summary>
internal sealed class PipeRun(PipeStory story, Socket client)
{
    private readonly List<string> _notes = [];
    private readonly PipeModel _model = new();
    private readonly TaskCompletionSource _connected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _handled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ConnectionContext _connection = null!;
    private ReadResult _result;
    private Task? _leftBehind;
    private long _received;
    private int _step;

    private PipeReader Input => _connection.Transport.Input;

    private PipeWriter Output => _connection.Transport.Output;

    /// <summary>Starts an app; each connection runs the story of the client that made it.</summary>
    public static async Task<(ServedApp App, Func<PipeStory, Task<string>> Run)> StartAsync(ServedBy by)
    {
        var runs = new ConcurrentDictionary<int, PipeRun>();
        var app = await ServedApp.RunAsync(
            by, connection => runs[((IPEndPoint)connection.RemoteEndPoint!).Port].HandleAsync(connection), static options => options.EventLoops = 2);
        return (app, RunStoryAsync);

        async Task<string> RunStoryAsync(PipeStory story)
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = 8192 };
            client.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var port = ((IPEndPoint)client.LocalEndPoint!).Port;
            var run = runs[port] = new PipeRun(story, client);
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, app.Address.Port);
                run._connected.SetResult();
                return await run.FinishAsync();
            }
            finally
            {
                runs.TryRemove(port, out _);
            }
        }
    }

    private async Task HandleAsync(ConnectionContext connection)
    {
        _connection = connection;
        try
        {
            // Otherwise the client's connect might get the error of a reset.
            await _connected.Task;

            // A small buffer, so that a flush waits if the client does not receive.
            connection.Features.Get<IConnectionSocketFeature>()!.Socket.SendBufferSize = 8192;
            connection.ConnectionClosed.Register(_closed.SetResult);
            for (_step = 0; _step < story.Steps.Count; _step++)
            {
                var step = story.Steps[_step];
                await TakeAsync(step);
                _model.Apply(step);
            }

            _handled.SetResult();
        }
        catch (Exception exception)
        {
            _handled.SetException(exception);
        }
    }

    private async Task<string> FinishAsync()
    {
        try
        {
            await Wait.ForAsync(_handled.Task);

            // At the same time: a connection closes when everything is sent, and the sockets need not have room for all of it.
            var end = EndAsync();
            await Wait.ForAsync(_closed.Task);
            if (_leftBehind is not null)
            {
                Note(await WhatComesOfAsync(_leftBehind));
            }

            Note(await end);
        }
        catch (Exception exception)
        {
            Note($"failed: {exception}");
        }

        return string.Join('\n', _notes);
    }

    // The last thing that the client sees.
    private async Task<string> EndAsync()
    {
        if (_model is { IsEnded: true, IsReset: false } && story.Steps.Any(static step => step.What is PipeAction.Reset or PipeAction.ReadUntilReset))
        {
            return "reset by the client";
        }

        var isAny = _model.Observed < _model.Sent;
        try
        {
            var buffer = new byte[16 * 1024];
            while (await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory()).AsTask()) is > 0 and var length)
            {
                Bytes.Check(buffer.AsSpan(0, length), _received);
                _received += length;
            }

            // An abort drops what has not been sent yet.
            return isAny ? "any end" : _model.IsEnded ? "end of stream after an abort" : $"end of stream after {_received} of {_model.Flushed + _model.Unflushed}";
        }
        catch (SocketException exception)
        {
            return isAny ? "any end" : exception.SocketErrorCode.ToString();
        }
    }

    private async ValueTask TakeAsync(PipeStep step)
    {
        switch (step.What)
        {
            case PipeAction.Send:
                await SendAsync(step.A);
                break;
            case PipeAction.HalfClose:
                client.Shutdown(SocketShutdown.Send);
                break;
            case PipeAction.Reset:
                client.Reset();
                await Wait.ForAsync(_closed.Task);
                break;
            case PipeAction.Receive:
                await ReceiveAsync(_model.ToReceive(step));
                break;
            case PipeAction.ReadAll:
                await ReadAllAsync(tries: false);
                break;
            case PipeAction.TryReadAll:
                await ReadAllAsync(tries: true);
                break;
            case PipeAction.TryReadNothing:
                Note(Input.TryRead(out _));
                break;
            case PipeAction.Advance:
                var (consumed, examined) = _model.ToAdvance(step);
                Input.AdvanceTo(_result.Buffer.GetPosition(consumed - _model.Consumed), _result.Buffer.GetPosition(examined - _model.Consumed));
                break;
            case PipeAction.AdvanceBack:
                Note(Record.Exception(() => Input.AdvanceTo(_result.Buffer.Start, _result.Buffer.Start)));
                break;
            case PipeAction.ReadUntilSent:
                await ReadUntilAsync(() => SendAsync(step.A), read => HoldAsync(read));
                break;
            case PipeAction.ReadUntilCancelled:
                await ReadUntilAsync(() => Run(Input.CancelPendingRead), read => HoldAsync(read));
                break;
            case PipeAction.ReadUntilToken:
                using (var source = new CancellationTokenSource())
                {
                    await ReadUntilAsync(() => source.CancelAsync(), WhatComesOfReadAsync, source.Token);
                }

                break;
            case PipeAction.ReadUntilHalfClosed:
                await ReadUntilAsync(() => Run(() => client.Shutdown(SocketShutdown.Send)), read => HoldAsync(read));
                break;
            case PipeAction.ReadUntilReset:
                await ReadUntilAsync(() => Run(client.Reset), WhatComesOfReadAsync);
                break;
            case PipeAction.ReadUntilAborted:
                await ReadUntilAsync(() => Run(() => Abort(step.A)), WhatComesOfReadAsync);
                break;
            case PipeAction.ReadUntilOutputCompleted:
                // Receives everything: the input ends when the output has been sent.
                await ReadUntilAsync(() => Task.WhenAll(Run(() => Output.Complete()), ReceiveAsync((int)(_model.Flushed + _model.Unflushed - _received))), WhatComesOfReadAsync);
                break;
            case PipeAction.ReadAndEnd:
                _leftBehind = Input.ReadAsync().AsTask();
                Note(_leftBehind.IsCompleted);
                break;
            case PipeAction.CancelRead:
                Input.CancelPendingRead();
                break;
            case PipeAction.ReadCancelled:
                var result = step.A == 0 ? await Wait.ForAsync(Input.ReadAsync().AsTask()) : Input.TryRead(out var tried) ? tried : default;
                Note(result.IsCanceled);
                Input.AdvanceTo(result.Buffer.Start, result.Buffer.GetPosition(_model.Examined - _model.Consumed));
                break;
            case PipeAction.ReadWithCancelledToken:
                Note(await WhatComesOfAsync(() => Input.ReadAsync(new CancellationToken(canceled: true)).AsTask()));
                break;
            default:
                await WriteAsync(step);
                break;
        }
    }

    private async ValueTask WriteAsync(PipeStep step)
    {
        switch (step.What)
        {
            case PipeAction.Write:
                Write(step.A, step.B);
                break;
            case PipeAction.Flush:
                Note(await Wait.ForAsync(Output.FlushAsync().AsTask()));
                break;
            case PipeAction.CancelFlush:
                Output.CancelPendingFlush();
                break;
            case PipeAction.FlushWithCancelledToken:
                Note(await WhatComesOfAsync(() => Output.FlushAsync(new CancellationToken(canceled: true)).AsTask()));
                break;
            case PipeAction.FlushMuch:
                await FlushMuchAsync(step.A, static (flush, receive) => receive());
                break;
            case PipeAction.FlushMuchUntilCancelled:
                await FlushMuchAsync(step.A, async (flush, receive) =>
                {
                    await Run(Output.CancelPendingFlush);
                    Note(await Wait.ForAsync(flush));
                    await receive();
                });
                break;
            case PipeAction.FlushMuchUntilToken:
                using (var source = new CancellationTokenSource())
                {
                    await FlushMuchAsync(
                        step.A,
                        async (flush, receive) =>
                        {
                            await source.CancelAsync();
                            Note(await WhatComesOfAsync(flush));
                            await receive();
                        },
                        source.Token);
                }

                break;
            case PipeAction.CompleteInput:
                await Input.CompleteAsync(Error(step.A));
                break;
            case PipeAction.CompleteOutput:
                await Output.CompleteAsync(Error(step.A));
                break;
            case PipeAction.Abort:
                Abort(step.A);
                break;
            case PipeAction.ReadAfterEnd:
                Note(await WhatComesOfAsync(() => ReadToTheEndAsync()));
                break;
            case PipeAction.FlushAfterEnd:
                await FlushToTheEndAsync();
                Note("completed");
                break;
            case PipeAction.Nonsense:
                Note($"{(PipeNonsense)step.A}: {await WhatComesOfAsync(() => TryNonsenseAsync((PipeNonsense)step.A))}");
                break;
            case PipeAction.Block:
                Thread.Sleep(step.A);
                break;
            case PipeAction.Yield:
                await Task.Yield();
                break;
        }
    }

    private async Task SendAsync(int length)
    {
        var bytes = new byte[length];
        Bytes.Fill(bytes, _model.Sent);
        await client.SendAllAsync(bytes);
    }

    private async Task ReceiveAsync(int length)
    {
        var buffer = new byte[length];
        for (var got = 0; got < length;)
        {
            var received = await Wait.ForAsync(client.ReceiveAsync(buffer.AsMemory(got)).AsTask());
            Assert.NotEqual(0, received);
            Bytes.Check(buffer.AsSpan(got, received), _received);
            got += received;
            _received += received;
        }
    }

    private async Task ReadAllAsync(bool tries)
    {
        var expected = _model.Sent - _model.Consumed;
        while (true)
        {
            if (!tries)
            {
                _result = await Wait.ForAsync(Input.ReadAsync().AsTask());
            }
            else
            {
                await Wait.UntilAsync(() => Input.TryRead(out _result), "TryRead finds what was sent");
            }

            if (_result.Buffer.Length >= expected && (_result.IsCompleted || !_model.IsHalfClosed))
            {
                break;
            }

            Input.AdvanceTo(_result.Buffer.Start, _result.Buffer.End);
        }

        NoteResult();
    }

    private async Task ReadUntilAsync(Func<Task> happens, Func<ValueTask<ReadResult>, ValueTask> awaits, CancellationToken cancellationToken = default)
    {
        var read = Input.ReadAsync(cancellationToken);
        Note(read.IsCompleted);

        // On another thread; the app continues on the thread that completes its read.
        var happening = Task.Run(happens, CancellationToken.None);
        await awaits(read);
        await Wait.ForAsync(happening);
    }

    private async ValueTask HoldAsync(ValueTask<ReadResult> read)
    {
        _result = await read;
        NoteResult();
    }

    private async ValueTask WhatComesOfReadAsync(ValueTask<ReadResult> read) => Note(await WhatComesOfAsync(read.AsTask()));

    private void NoteResult()
    {
        var position = _model.Consumed;
        foreach (var segment in _result.Buffer)
        {
            Bytes.Check(segment.Span, position);
            position += segment.Length;
        }

        Note($"{_result.Buffer.Length} bytes, completed {_result.IsCompleted}, cancelled {_result.IsCanceled}");
    }

    private async Task ReadToTheEndAsync()
    {
        while (true)
        {
            var result = await Wait.ForAsync(Input.ReadAsync().AsTask());
            Input.AdvanceTo(result.Buffer.End);
            Assert.False(result.IsCompleted, "the input is completed without an error");
        }
    }

    private async Task FlushToTheEndAsync()
    {
        while (!(await Wait.ForAsync(Output.WriteAsync(new byte[100]).AsTask())).IsCompleted)
        {
            await Task.Yield();
        }
    }

    private void Write(int length, int hint)
    {
        for (var written = 0; written < length;)
        {
            var memory = Output.GetMemory(hint);
            Assert.True(memory.Length >= Math.Max(hint, 1), $"{memory.Length} bytes for a hint of {hint}");
            var size = Math.Min(memory.Length, length - written);
            Bytes.Fill(memory.Span[..size], _model.Flushed + _model.Unflushed + written);
            Output.Advance(size);
            written += size;
        }

        Note(Output.UnflushedBytes);
    }

    private async Task FlushMuchAsync(int length, Func<Task<FlushResult>, Func<Task>, Task> happens, CancellationToken cancellationToken = default)
    {
        Write(length, 0);
        var flush = Output.FlushAsync(cancellationToken).AsTask();
        await happens(flush, () => ReceiveAsync((int)(_model.Flushed + _model.Unflushed + length - _received)));
        Note(await WhatComesOfAsync(flush));
        if (flush.IsCompletedSuccessfully)
        {
            Note(await flush);
        }
    }

    private void Abort(int variant) => _connection.Abort(variant == 0 ? new ConnectionAbortedException("for the test") : null!);

    private async Task TryNonsenseAsync(PipeNonsense nonsense)
    {
        switch (nonsense)
        {
            case PipeNonsense.ReadWhileReading or PipeNonsense.ReadWhenCompleted:
                await Wait.ForAsync(Input.ReadAsync().AsTask());
                break;
            case PipeNonsense.TryReadWhileReading or PipeNonsense.TryReadWhenCompleted:
                Input.TryRead(out _);
                break;
            case PipeNonsense.ConsumeMoreThanExamined:
                Input.AdvanceTo(_result.Buffer.End, _result.Buffer.Start);
                break;
            case PipeNonsense.AdvanceWithoutRead or PipeNonsense.AdvanceInputWhenCompleted:
                Input.AdvanceTo(default);
                break;
            case PipeNonsense.CancelReadWhenCompleted:
                Input.CancelPendingRead();
                break;
            case PipeNonsense.CompleteInputAgain:
                await Input.CompleteAsync();
                break;
            case PipeNonsense.NegativeSizeHint:
                Output.GetMemory(-1);
                break;
            case PipeNonsense.AdvanceByLessThanNothing:
                Output.Advance(-1);
                break;
            case PipeNonsense.AdvanceTooFar:
                Output.Advance(1_000_000);
                break;
            case PipeNonsense.AdvanceByNothing or PipeNonsense.AdvanceOutputWhenCompleted:
                Output.Advance(0);
                break;
            case PipeNonsense.GetMemoryWhenCompleted:
                Output.GetMemory();
                break;
            case PipeNonsense.GetSpanWhenCompleted:
                Output.GetSpan();
                break;
            case PipeNonsense.FlushWhenCompleted:
                await Wait.ForAsync(Output.FlushAsync().AsTask());
                break;
            case PipeNonsense.WriteWhenCompleted:
                await Wait.ForAsync(Output.WriteAsync(new byte[1]).AsTask());
                break;
            case PipeNonsense.CompleteOutputAgain:
                await Output.CompleteAsync();
                break;
        }
    }

    private static Task Run(Action action) => Task.Run(action);

    private static InvalidOperationException? Error(int variant) => variant == 0 ? null : new InvalidOperationException("for the test");

    private static async Task<string> WhatComesOfAsync(Func<Task> act)
    {
        Task task;
        try
        {
            task = act();
        }
        catch (Exception exception)
        {
            return exception.GetType().Name;
        }

        return await WhatComesOfAsync(task);
    }

    private static async Task<string> WhatComesOfAsync(Task task) =>
        await Record.ExceptionAsync(() => Wait.ForAsync(task)) is { } exception ? Name(exception) : "no exception";

    // A task may turn an OperationCanceledException into a TaskCanceledException, which derives from it.
    private static string Name(Exception exception) => exception is OperationCanceledException ? nameof(OperationCanceledException) : exception.GetType().Name;

    private void Note(FlushResult flush) => Note($"flush completed {flush.IsCompleted}, cancelled {flush.IsCanceled}");

    private void Note(Exception? exception) => Note(exception?.GetType().Name ?? "no exception");

    private void Note(object? what) => _notes.Add(string.Create(CultureInfo.InvariantCulture, $"{_step,3} {what}"));
}
