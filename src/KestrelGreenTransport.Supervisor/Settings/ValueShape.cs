namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>What form a setting's value has where there is more than text.</summary>
internal enum ValueShape
{
    Text,

    /// <summary>A whole number.</summary>
    Number,

    /// <summary>Such as <c>30s</c>; a bare number is seconds.</summary>
    Duration,

    /// <summary>True or false.</summary>
    Flag,
}
