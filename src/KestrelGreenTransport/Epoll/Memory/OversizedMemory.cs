using System.Buffers;

namespace KestrelGreenTransport.Epoll.Memory;

/// <summary>A buffer for the rare write that asks for more contiguous memory than a block of the pool has.</summary>
internal sealed class OversizedMemory(int size) : IMemoryOwner<byte>
{
    private byte[]? _array = ArrayPool<byte>.Shared.Rent(size);

    public Memory<byte> Memory => _array;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _array, null) is { } array)
        {
            ArrayPool<byte>.Shared.Return(array);
        }
    }
}
