using KestrelGreenTransport.Supervisor.Privileges;

namespace KestrelGreenTransport.Supervisor.Tests.Privileges;

public sealed class WorkerIdentityTests
{
    private const uint Unknown = 3_999_999_999;

    [Fact]
    public void Without_the_settings_or_with_our_own_user_the_workers_run_as_we_do()
    {
        Assert.Null(WorkerIdentity.Of(new GreenSupervisorOptions(), 0, 0));
        Assert.Null(WorkerIdentity.Of(new GreenSupervisorOptions { User = "root" }, 0, 0));
        Assert.Null(WorkerIdentity.Of(new GreenSupervisorOptions { User = "1000", Group = "1000" }, 1000, 1000));
    }

    [Fact]
    public void A_user_brings_its_group_all_its_groups_and_its_home()
    {
        var identity = WorkerIdentity.Of(new GreenSupervisorOptions { User = "nobody" }, 0, 0)!;

        Assert.Equal(65_534u, identity.Uid);
        Assert.Contains(identity.Gid, identity.Groups);
        Assert.Contains(identity.Variables, static pair => pair.Key == "USER" && pair.Value == "nobody");
        Assert.DoesNotContain(0u, identity.Groups);
    }

    [Fact]
    public void A_number_that_nobody_knows_needs_a_group()
    {
        Refused("User ('3999999999'): no user has this id, so the group is unknown: give --group too.", new() { User = $"{Unknown}" });
        var identity = WorkerIdentity.Of(new GreenSupervisorOptions { User = $"{Unknown}", Group = "0" }, 0, 0)!;

        Assert.Equal((Unknown, 0u), (identity.Uid, identity.Gid));
        Assert.Empty(identity.Variables);
    }

    [Fact]
    public void Who_does_not_exist_and_who_is_not_root_is_told()
    {
        Refused("User ('no-such-user'): no such user: see `getent passwd`.", new() { User = "no-such-user" });
        Refused("Group ('no-such-group'): no such group: see `getent group`.", new() { User = "nobody", Group = "no-such-group" });
        Refused("User ('nobody'): only root may start workers as another user: start the supervisor as root, or omit the setting.", new() { User = "nobody" }, ownUid: 1000);
    }

    private static void Refused(string expected, GreenSupervisorOptions options, uint ownUid = 0)
    {
        var refused = Assert.Throws<StartupException>(() => WorkerIdentity.Of(options, ownUid, ownUid));
        Assert.Equal(expected, refused.Message);
        Assert.Equal(ExitCodes.Usage, refused.ExitCode);
    }
}
