using System.Buffers;
using System.Diagnostics;

namespace KestrelGreenTransport.Epoll.Memory;

/// <summary>
/// A pooled, pinned block of memory, and at the same time a link in a connection's chain of received or unsent bytes.
///
/// It has one owner at a time: a connection's reader, its writer, or a cache. It stays pinned while it lives, so that no
/// call has to pin it. Debug builds assert that a block is returned by the owner that rented it: a block held by two
/// connections shows one client the bytes of another.
/// </summary>
internal sealed unsafe class Block : ReadOnlySequenceSegment<byte>, IDisposable
{
    private readonly IMemoryOwner<byte> _owner;
    private MemoryHandle _pin;
    private object? _holder;

    public Block(IMemoryOwner<byte> owner, bool isReusable)
    {
        _owner = owner;
        IsReusable = isReusable;
        Whole = owner.Memory;
        _pin = Whole.Pin();
        Pointer = (byte*)_pin.Pointer;
        Memory = Whole;
    }

    /// <summary>Whether a cache may keep it: an oversized block is used for one write and then freed.</summary>
    public bool IsReusable { get; }

    public Memory<byte> Whole { get; }

    public byte* Pointer { get; }

    /// <summary>Where the filled part ends.</summary>
    public int End { get; set; }

    public int Free => Whole.Length - End;

    public Block? NextBlock => (Block?)Next;

    /// <summary>Appends a block. The content of this one is final from now on.</summary>
    public void Append(Block next)
    {
        // A sequence takes the length of an inner segment from its Memory.
        Memory = Whole[..End];
        next.RunningIndex = RunningIndex + End;
        Next = next;
    }

    /// <summary>The block was handed to an owner.</summary>
    [Conditional("DEBUG")]
    public void NoteTaken(object holder)
    {
        var before = Interlocked.Exchange(ref _holder, holder);
        Debug.Assert(before is null, "A block was given out that another owner still has.");
    }

    /// <summary>The block was returned by its owner.</summary>
    [Conditional("DEBUG")]
    public void NoteReturned(object holder)
    {
        var before = Interlocked.Exchange(ref _holder, null);
        Debug.Assert(before == holder, before is null ? "A block came back twice." : "A block came back from an owner that it was not given to.");
    }

    /// <summary>Clears the block for its next owner.</summary>
    public void Reset()
    {
        if (Next is not null)
        {
            Next = null;
            Memory = Whole;
        }

        End = 0;
        RunningIndex = 0;
    }

    public void Dispose()
    {
        _pin.Dispose();
        _owner.Dispose();
    }
}
