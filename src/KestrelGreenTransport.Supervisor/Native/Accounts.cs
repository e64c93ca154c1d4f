using System.Globalization;
using System.Runtime.InteropServices;

namespace KestrelGreenTransport.Supervisor.Native;

/// <summary>Users and groups, as the system's databases list them (NSS, so LDAP and others too).</summary>
internal static unsafe partial class Accounts
{
    private const int BufferSize = 64 * 1024;
    private const int MostGroups = 65_536;

    /// <summary>A user by name or number; null if the database has no such user.</summary>
    public static Account? User(string nameOrNumber)
    {
        var buffer = new byte[BufferSize];
        Passwd entry;
        Passwd* found;
        fixed (byte* start = buffer)
        {
            var error = TryNumber(nameOrNumber, out var uid)
                ? getpwuid_r(uid, &entry, start, BufferSize, &found)
                : getpwnam_r(nameOrNumber, &entry, start, BufferSize, &found);
            return error == 0 && found != null
                ? new Account(Marshal.PtrToStringUTF8((nint)found->Name) ?? "", found->Uid, found->Gid, Marshal.PtrToStringUTF8((nint)found->Home) ?? "/")
                : null;
        }
    }

    /// <summary>A group's number by its name or number; null if there is no group of that name.</summary>
    public static uint? Group(string nameOrNumber)
    {
        if (TryNumber(nameOrNumber, out var gid))
        {
            return gid;
        }

        var buffer = new byte[BufferSize];
        GroupEntry entry;
        GroupEntry* found;
        fixed (byte* start = buffer)
        {
            return getgrnam_r(nameOrNumber, &entry, start, BufferSize, &found) == 0 && found != null ? found->Gid : null;
        }
    }

    /// <summary>All groups that a user is in, including the given one.</summary>
    public static uint[] GroupsOf(string user, uint group)
    {
        var count = 64;
        while (true)
        {
            var groups = new uint[count];
            fixed (uint* start = groups)
            {
                if (getgrouplist(user, group, start, &count) >= 0)
                {
                    return groups[..count];
                }
            }

            if (count is <= 0 or > MostGroups)
            {
                return [group];
            }
        }
    }

    public static bool TryNumber(string text, out uint number) => uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getpwnam_r(string name, Passwd* entry, byte* buffer, nuint size, Passwd** found);

    [LibraryImport("libc")]
    private static partial int getpwuid_r(uint uid, Passwd* entry, byte* buffer, nuint size, Passwd** found);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getgrnam_r(string name, GroupEntry* entry, byte* buffer, nuint size, GroupEntry** found);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getgrouplist(string user, uint group, uint* groups, int* count);

    [StructLayout(LayoutKind.Sequential)]
    private struct Passwd
    {
        public byte* Name;
        public byte* Password;
        public uint Uid;
        public uint Gid;
        public byte* Gecos;
        public byte* Home;
        public byte* Shell;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct GroupEntry
    {
        public byte* Name;
        public byte* Password;
        public uint Gid;
        public byte** Members;
    }
}

/// <summary>A user of the system.</summary>
internal sealed record Account(string Name, uint Uid, uint Gid, string Home);
