using System.Collections.Immutable;
using System.Globalization;
using KestrelGreenTransport.Supervisor.Native;

namespace KestrelGreenTransport.Supervisor.Privileges;

/// <summary>The user and groups that the workers run as, if not the supervisor's.</summary>
/// <param name="Uid">The user's number.</param>
/// <param name="Gid">The group's number.</param>
/// <param name="Groups">All groups.</param>
/// <param name="Account">The user's entry in the system's database; null if it has none.</param>
internal sealed record WorkerIdentity(uint Uid, uint Gid, ImmutableArray<uint> Groups, Account? Account)
{
    /// <summary>Looks up the user and the group; null if the workers run as the supervisor does.</summary>
    /// <param name="options">The settings.</param>
    /// <param name="ownUid">The supervisor's user.</param>
    /// <param name="ownGid">The supervisor's group.</param>
    /// <exception cref="StartupException">There is no such user or group, or the supervisor may not start processes as another user.</exception>
    public static WorkerIdentity? Of(GreenSupervisorOptions options, uint ownUid, uint ownGid)
    {
        if (options.User is null && options.Group is null)
        {
            return null;
        }

        var account = options.User is { } user ? Accounts.User(user) : null;
        var uid = ownUid;
        if (options.User is { } named)
        {
            uid = account?.Uid ?? (Accounts.TryNumber(named, out var number) ? number : throw Wrong("User", named, "no such user: see `getent passwd`"));
        }

        uint gid;
        if (options.Group is { } group)
        {
            gid = Accounts.Group(group) ?? throw Wrong("Group", group, "no such group: see `getent group`");
        }
        else
        {
            gid = account?.Gid ?? throw Wrong("User", options.User!, "no user has this id, so the group is unknown: give --group too");
        }

        if (uid == ownUid && gid == ownGid)
        {
            return null;
        }

        return ownUid == 0
            ? new WorkerIdentity(uid, gid, [.. account is null ? [gid] : Accounts.GroupsOf(account.Name, gid)], account)
            : throw Wrong(options.User is null ? "Group" : "User", options.User ?? options.Group!, "only root may start workers as another user: start the supervisor as root, or omit the setting");
    }

    /// <summary>The ids for a child to take on.</summary>
    public ProcessCredentials Credentials => new(Uid, Gid, Groups);

    /// <summary>The variables that a login would set: libraries use them to find their files.</summary>
    public IEnumerable<KeyValuePair<string, string>> Variables => Account is { } account
        ? [new("HOME", account.Home), new("USER", account.Name), new("LOGNAME", account.Name)]
        : [];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Account?.Name ?? $"{Uid}"} ({Uid}:{Gid})");

    private static StartupException Wrong(string setting, string value, string why) => new(ExitCodes.Usage, $"{setting} ('{value}'): {why}.");
}
