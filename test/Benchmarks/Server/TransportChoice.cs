using KestrelGreenTransport;

namespace Benchmarks.Server;

/// <summary>The transport that the configuration chooses.</summary>
internal static class TransportChoice
{
    /// <summary>
    /// A requested setting of the transport that this build does not have, or null. Measuring a variant with the settings of
    /// another would be misleading.
    /// </summary>
    public static string? WhatIsMissing(IConfiguration configuration)
    {
        foreach (var setting in configuration.GetSection(GreenTransportOptions.SectionName).GetChildren())
        {
            if (typeof(GreenTransportOptions).GetProperty(setting.Key) is not { } property)
            {
                return $"{setting.Path} is no setting of this build";
            }

            if (property.PropertyType.IsEnum && !Enum.TryParse(property.PropertyType, setting.Value, ignoreCase: true, out _))
            {
                return $"{setting.Path}={setting.Value} is not among {string.Join(", ", Enum.GetNames(property.PropertyType))}";
            }
        }

        return null;
    }

    public static void Apply(IWebHostBuilder web, IConfiguration configuration)
    {
        switch (configuration["Transport"] ?? "stock")
        {
            case "stock":
                break;
            case "inline":
                web.UseSockets(static sockets => sockets.UnsafePreferInlineScheduling = true);
                break;
            case "green":
                web.UseGreenTransport();
                break;
            case var other:
                throw new ArgumentException($"Transport ({other}) must be stock, inline or green.");
        }
    }
}
