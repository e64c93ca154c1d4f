namespace KestrelGreenTransport.Accepting;

/// <summary>Waits for a slot of a full pool.</summary>
internal interface ISlotWaiter
{
    /// <summary>The slot is yours. Called once, by the thread that ended a connection: must not block and must not throw.</summary>
    void Granted(Slot slot);
}
