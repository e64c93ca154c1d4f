using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Building;
using KestrelGreenTransport.Supervisor.Settings;

namespace KestrelGreenTransport.Supervisor.Tests.Settings;

public sealed class WarmUpFileTests : SettingsFixture
{
    private const string Example = """
        @host = http://localhost:5000
        @kind = toys

        # The page that most clients ask for.
        GET {{host}}/products?kind={{kind}} HTTP/1.1
        Accept: text/html

        ### Looks without changing anything
        // another comment
        POST {{host}}/search
        Content-Type: application/json
        X-Shop: {{ kind }}

        {
          "text": "{{kind}}"
        }

        ###

        /list
          ?page=1
          &size=20

        ### Named by its host alone
        https://shop.example
        Host: other.example
        """;

    [Fact]
    public void Requests_are_read_as_Visual_Studio_and_VS_Code_read_them() => Assert.Equal(
        [
            "GET /products?kind=toys [Accept: text/html|Host: localhost:5000] ",
            "POST /search [Content-Type: application/json|X-Shop: toys|Host: localhost:5000] {/  \"text\": \"toys\"/}",
            "GET /list?page=1&size=20 [] ",
            "GET / [Host: other.example] ",
        ],
        WarmUpFile.Parse(Example).Select(Show));

    [Fact]
    public void The_example_of_the_manual_is_read()
    {
        var page = File.ReadAllText(Path.Combine(Checkout.Root, "docs", "configuration.md"));
        var example = page.Split("```http\n")[1].Split("```")[0];
        Assert.Equal(
            ["GET /products?page=1 [Accept: text/html|Host: localhost] ", "POST /search [Content-Type: application/json|Host: localhost] { \"text\": \"green\" }"],
            WarmUpFile.Parse(example).Select(Show));
    }

    [Theory]
    [InlineData("", "line 1: the file contains no request")]
    [InlineData("# nothing\n###\n", "line 3: the file contains no request")]
    [InlineData("GET /\n\n###\nGET here\n", "line 4: the path must begin with '/' and contain only visible ASCII characters")]
    [InlineData("GET / to all\n", "line 1: a request must be 'METHOD URL'")]
    [InlineData("G@T /\n", "line 1: 'G@T' cannot be a method")]
    [InlineData("GET /ä\n", "line 1: the path must begin with '/' and contain only visible ASCII characters")]
    [InlineData("GET /\nAccept\n", "line 2: a header must be 'Name: value' in ASCII")]
    [InlineData("GET /\nContent-Length: 3\n", "line 2: the worker sets Content-Length itself")]
    [InlineData("@a\nGET /\n", "line 1: a variable must be '@name = value'")]
    [InlineData("GET /\nX: {{token}}\n", "line 2: there is no variable 'token' above this line")]
    [InlineData("GET /\nX: {{token\n", "line 2: there is no variable '' above this line")]
    [InlineData("POST /\n\n< body.json\n", "line 3: a body from another file ('<') is not supported: write it here")]
    public void What_is_wrong_is_named_with_its_line(string text, string problem) =>
        Assert.Equal(problem, Assert.Throws<FormatException>(() => WarmUpFile.Parse(text)).Message);

    [Fact]
    public void A_body_may_be_large_but_not_without_end()
    {
        Assert.Single(WarmUpFile.Parse($"POST /\n\n{new string('x', WarmUpRequest.LongestBody)}"));
        Assert.Throws<FormatException>(() => WarmUpFile.Parse($"POST /\n\n{new string('x', WarmUpRequest.LongestBody + 1)}"));
    }

    [Fact]
    public void Paths_and_files_make_one_warm_up()
    {
        Write("warm/up.http", "POST /search\n\ntext\n");
        var (plan, problems) = Plan("--warm-up /a --warm-up @warm/up.http --warm-up /b?x=1,2");
        Assert.Empty(problems);
        Assert.Equal(["GET /a [] ", "POST /search [] text", "GET /b?x=1,2 [] "], plan!.WarmUp.Select(Show));
    }

    [Theory]
    [InlineData("--warm-up /a", null)]
    [InlineData("--warm-up recorded", "?")]
    [InlineData("--warm-up /a --warm-up recorded?page&sort", "?page&sort")]
    public void Routes_are_recorded_only_where_that_was_asked_for_and_values_of_the_query_only_by_name(string commandLine, string? recorded)
    {
        var (plan, problems) = Plan(commandLine);
        Assert.Empty(problems);
        Assert.Equal(recorded, plan!.RecordedQuery);
        Assert.Equal(commandLine.Contains("/a", StringComparison.Ordinal) ? 1 : 0, plan.WarmUp.Length);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_a_settings_error_that_names_file_and_line()
    {
        Write("up.http", "GET /\n\n###\nGET here\n");
        Assert.Equal(
            ["WarmUp ('@up.http', --warm-up on the command line) cannot be read: line 4: the path must begin with '/' and contain only visible ASCII characters."],
            Plan("--warm-up @up.http").Problems);
        Assert.StartsWith(
            "WarmUp ('@missing.http', GREEN_WARM_UP) cannot be read: Could not find file", Assert.Single(Plan("", "GREEN_WARM_UP=/a @missing.http").Problems), StringComparison.Ordinal);
        Assert.Equal(
            ["WarmUp ('health', --warm-up on the command line) must be a path that starts with '/', @ and a file of requests, or recorded, such as /health or @warmup.http."],
            Plan("--warm-up health").Problems);
    }

    [Fact]
    public void More_than_a_message_holds_is_refused()
    {
        Write("up.http", string.Join("\n###\n", Enumerable.Repeat($"POST /\n\n{new string('x', 20_000)}\n", 4)));
        Assert.Contains("names 4 requests of", Assert.Single(Plan("--warm-up @up.http").Problems), StringComparison.Ordinal);
        Write("up.http", string.Join("\n###\n", Enumerable.Repeat("GET /\n", WarmUpRequest.Most + 1)));
        Assert.Contains("names 201 requests of", Assert.Single(Plan("--warm-up @up.http").Problems), StringComparison.Ordinal);
    }

    private static string Show(WarmUpRequest request) =>
        $"{request.Method} {request.Path} [{string.Join('|', request.Headers ?? [])}] {request.Body?.Replace('\n', '/')}";

    private (LaunchPlan? Plan, IReadOnlyList<string> Problems) Plan(string commandLine, params string[] environment)
    {
        var input = Input(commandLine, environment);
        var app = new AppCommand("/srv/Shop", [], "Shop.dll");
        return LaunchPlanner.Plan(SettingsLoader.Load(input), input, app, _ => new AppResolution(app, null));
    }
}
