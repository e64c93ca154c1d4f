namespace KestrelGreenTransport.Files;

/// <summary>Who may change the names in a folder. "Ours" is what belongs to this process's user or to root.</summary>
internal enum FolderAccess
{
    /// <summary>Only this user and root: one of them has made everything in it.</summary>
    OursAlone,

    /// <summary>Others may add names, but neither remove nor replace ours, as in /tmp.</summary>
    Sticky,

    /// <summary>Others may replace any name, including ours.</summary>
    Others,
}
