namespace KestrelGreenTransport.Accepting;

/// <summary>Somebody who waits for a slot of a full pool.</summary>
internal interface ISlotWaiter
{
    /// <summary>
    /// The slot is yours. Called once, by the thread on which a connection ended: it must not block and must not throw.
    /// </summary>
    void Granted(Slot slot);
}
