using KestrelGreenTransport.Supervision;
using Microsoft.Extensions.Options;

namespace KestrelGreenTransport.Settings;

/// <summary>Creates the options as usual. If a setting is invalid, a worker tells its supervisor that restarting it will not help.</summary>
internal sealed class ReportingOptionsFactory(
    IEnumerable<IConfigureOptions<GreenTransportOptions>> setups,
    IEnumerable<IPostConfigureOptions<GreenTransportOptions>> postConfigures,
    IEnumerable<IValidateOptions<GreenTransportOptions>> validations,
    WorkerFailure failure)
    : IOptionsFactory<GreenTransportOptions>
{
    /// <summary>The supervisor's exit code for an invalid setting (docs/signals-and-exit-codes.md).</summary>
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
