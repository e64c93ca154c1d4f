using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Settings;

/// <summary>Makes the options as ever; where a setting is wrong, a worker tells its supervisor that starting it again is no use.</summary>
internal sealed class ReportingOptionsFactory(
    IEnumerable<IConfigureOptions<GreenTransportOptions>> setups,
    IEnumerable<IPostConfigureOptions<GreenTransportOptions>> postConfigures,
    IEnumerable<IValidateOptions<GreenTransportOptions>> validations,
    WorkerFailure failure)
    : IOptionsFactory<GreenTransportOptions>
{
    /// <summary>The supervisor's exit code for a wrong setting (docs/signals-and-exit-codes.md).</summary>
    public const int WrongSetting = 2;

    private readonly OptionsFactory<GreenTransportOptions> _inner = new(setups, postConfigures, validations);

    public GreenTransportOptions Create(string name)
    {
        try
        {
            return _inner.Create(name);
        }
        catch (OptionsValidationException exception)
        {
            failure.Report(WrongSetting, exception.Message);
            throw;
        }
    }
}
