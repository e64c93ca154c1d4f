namespace KestrelGreenTransport.Settings;

/// <summary>A setting whose value is a text, or several.</summary>
internal sealed class TextSetting<TOptions>(
    string name, string range, Func<TOptions, string, string?> take, Func<TOptions, IReadOnlyList<string>> read, Action<TOptions>? clear = null)
    : Setting<TOptions>(name)
    where TOptions : class
{
    public override string Range => range;

    public override void Clear(TOptions options) => clear?.Invoke(options);

    public override string? Take(TOptions options, string text, bool inAnyRange = false) => take(options, text);

    public override IReadOnlyList<string> Read(TOptions options) => read(options);
}
