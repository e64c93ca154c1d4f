namespace KestrelGreenTransport.Files;

/// <summary>Who may change which names stand in a folder. "Ours" is what belongs to this process's user or to root.</summary>
internal enum FolderAccess
{
    /// <summary>Only this user and root: one of them has put there whatever stands in it.</summary>
    OursAlone,

    /// <summary>Others may add names, but neither remove nor replace ours, as in /tmp.</summary>
    Sticky,

    /// <summary>Others may replace any name, ours too.</summary>
    Others,
}
