namespace KestrelGreenTransport.Supervisor.Settings;

/// <summary>The form of a setting's value in JSON.</summary>
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
