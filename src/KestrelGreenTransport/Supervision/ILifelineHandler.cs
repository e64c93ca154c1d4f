using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Supervision;

/// <summary>Acts on what the supervisor says. On the beat thread, which it must not hold up.</summary>
internal interface ILifelineHandler
{
    /// <summary>Every handler gets every message, and ignores those that are for others.</summary>
    /// <param name="message">The message.</param>
    /// <param name="lifeline">For an answer.</param>
    void Receive(LifelineMessage message, Lifeline lifeline);

    void SupervisorGone()
    {
    }
}
