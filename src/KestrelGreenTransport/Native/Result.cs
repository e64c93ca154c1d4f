using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Native;

/// <summary>The result of a system call: a value, or an error number. No policy, no exception.</summary>
internal readonly record struct Result(long Value, int Error)
{
    public bool Ok => Error == 0;

    public string Message => Marshal.GetPInvokeErrorMessage(Error);

    /// <summary>Wraps the return value of a call declared with <c>SetLastError</c>: -1 means that errno has the error.</summary>
    public static Result From(long returned) => returned == -1 ? new(-1, Marshal.GetLastPInvokeError()) : new(returned, 0);

    /// <summary>The same for a call declared without it: the runtime preserves errno across the return from native code.</summary>
    public static Result FromRaw(long returned) => returned == -1 ? new(-1, Marshal.GetLastSystemError()) : new(returned, 0);

    public override string ToString() => Ok ? $"{Value}" : $"errno {Error} ({Message})";
}
