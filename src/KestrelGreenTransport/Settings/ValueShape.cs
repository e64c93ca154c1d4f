namespace KestrelGreenTransport.Settings;

/// <summary>The form of a setting's value, and what number stands for it.</summary>
internal enum ValueShape
{
    /// <summary>Any other text.</summary>
    Text,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>Such as <c>30s</c>; a bare number is seconds. In ticks.</summary>
    Duration,

    /// <summary>Such as <c>64KB</c>. In bytes.</summary>
    Size,

    /// <summary>Access rights in octal, such as <c>0660</c>.</summary>
    Mode,

    /// <summary>True or false: 1 or 0.</summary>
    Flag,
}
