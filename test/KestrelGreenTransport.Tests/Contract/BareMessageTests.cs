using System.Text;
using System.Text.Json;
using KestrelGreenTransport.Contract;

namespace KestrelGreenTransport.Tests.Contract;

public class BareMessageTests
{
    public static TheoryData<string> Bare => ["hello 1 4121 - -", "hello 1 - - -", "ready - - - -", "open - - - -", "siblingDied - - 3 -", "leader - - - yes", "leader - - - no"];

    public static TheoryData<string> Others =>
    [
        """{"type":"ready","id":5}""", """{"type":"ready","later":{}}""", """{"Type":"ready"}""", """{"type":"ready","pid":"7"}""", """{"type":"ready","pid":7.5}""",
        """{"type":"ready","pid":99999999999}""", """{"type":"drain"}""", """{"type":null}""", """{"type":"\ud800"}""", """{"type":1}""", """{"pid":7}""", "{}", "[]", "null",
        """{"type":"leader","yes":1}""", """{"type":"leader","yes":null}""", """{"type":"leader","yes":"true"}""", """{"type":"siblingDied","index":"3"}""", """{"type":"siblingDied","index":true}""",
        """{"type":"ready"} {}""", """{"type":"ready",}""", """{"type":"ready" """, "", "\u0000", """{"type":{"type":"ready"}}""",
    ];

    [Theory]
    [MemberData(nameof(Bare))]
    public void Is_written_and_read_as_the_serializer_does_it(string fields)
    {
        var parts = fields.Split(' ');
        var message = new LifelineMessage { Type = parts[0], ContractVersion = Number(parts[1]), Pid = Number(parts[2]), Index = Number(parts[3]), Yes = parts[4] == "-" ? null : parts[4] == "yes" };

        var packet = BareMessage.Write(message);

        Assert.Equal(Encoding.UTF8.GetString(JsonSerializer.SerializeToUtf8Bytes(message, LifelineJson.Default.LifelineMessage)), Encoding.UTF8.GetString(packet!));
        Assert.Equal(message, BareMessage.Read(packet));

        static int? Number(string text) => int.TryParse(text, out var number) ? number : null;
    }

    [Theory]
    [MemberData(nameof(Others))]
    public void Any_other_packet_is_what_the_serializer_makes_of_it(string packet)
    {
        var utf8 = Encoding.UTF8.GetBytes(packet);
        LifelineMessage? expected = null;
        try
        {
            expected = JsonSerializer.Deserialize(utf8, LifelineJson.Default.LifelineMessage);
        }
        catch (JsonException)
        {
            // The serializer does not read it either.
        }

        Assert.Equal(expected?.Type is not null, LifelineMessage.TryParse(utf8, out var message));
        Assert.Equal(expected?.Type is null ? null : expected, message);
    }

    [Fact]
    public void A_message_that_says_more_is_the_serializers()
    {
        Assert.Null(BareMessage.Write(new LifelineMessage { Type = LifelineTypes.Ready, Message = "and more" }));
        Assert.Null(BareMessage.Write(new LifelineMessage { Type = LifelineTypes.Drain, DeadlineMs = 5 }));
    }
}
