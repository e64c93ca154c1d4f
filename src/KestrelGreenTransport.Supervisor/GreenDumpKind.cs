namespace KestrelGreenTransport.Supervisor;

/// <summary>What to keep of a hung worker besides its stacks. The numbers are those of the runtime's own dump types.</summary>
public enum GreenDumpKind
{
    /// <summary>The managed stacks of all threads, as text, and nothing else.</summary>
    Stacks = 0,

    /// <summary>A small dump: modules, threads and stacks. About 20 MB.</summary>
    Mini = 1,

    /// <summary>A dump with the heap. As large as the memory that the app uses.</summary>
    Heap = 2,

    /// <summary>A dump of all memory.</summary>
    Full = 4,
}
