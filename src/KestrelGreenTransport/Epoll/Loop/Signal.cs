namespace KestrelGreenTransport.Epoll.Loop;

/// <summary>What a parked thread of an event loop is told.</summary>
internal enum Signal
{
    None,

    /// <summary>You lead the loop.</summary>
    Lead,

    /// <summary>The loop is on offer: take it if you are in time, else wait for the next offer.</summary>
    TryOffer,

    /// <summary>The loop has ended.</summary>
    End,
}
