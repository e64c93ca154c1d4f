using System.Net;
using System.Text;
using KestrelGreenTransport.Contract;
using KestrelGreenTransport.Supervisor.Admin;
using KestrelGreenTransport.Supervisor.Core;
using KestrelGreenTransport.Supervisor.Settings;
using KestrelGreenTransport.Supervisor.Tests.Settings;
using Microsoft.AspNetCore.Http;

namespace KestrelGreenTransport.Supervisor.Tests.Admin;

public sealed class AdminGuardTests : SettingsFixture
{
    private const string Token = "0123456789abcdef";

    private static readonly AdminPlan Local = new("127.0.0.1:9090", [ListenEndpoint.Tcp(new IPEndPoint(IPAddress.Loopback, 9090))], Token, IsRemote: false);
    private static readonly AdminPlan Remote = new(":9090", [ListenEndpoint.Tcp(new IPEndPoint(IPAddress.IPv6Any, 9090))], Token, IsRemote: true);

    [Theory]
    [InlineData("127.0.0.1:9090", null)]
    [InlineData("localhost:9090", null)]
    [InlineData("LOCALHOST", null)]
    [InlineData("[::1]:9090", null)]
    [InlineData("127.0.0.2", null)]
    [InlineData("evil.example:9090", 403)]
    [InlineData("127.0.0.1.evil.example", 403)]
    [InlineData("10.0.0.1:9090", 403)]
    [InlineData("", 403)]
    public void A_name_that_somebody_pointed_here_is_refused(string host, int? status) =>
        Assert.Equal(status, new AdminGuard(Local).Refuses(Request("GET", "/status", host))?.Status);

    [Theory]
    [InlineData("/status", null, 401)]
    [InlineData("/", "Bearer wrong-wrong-wrong", 401)]
    [InlineData("/metrics", "Bearer 0123456789abcdef", null)]
    [InlineData("/", "BASIC", null)]
    [InlineData("/healthz", null, null)]
    [InlineData("/readyz", null, null)]
    public void From_elsewhere_everything_but_the_health_checks_asks_for_the_token(string path, string? authorization, int? status)
    {
        var request = Request("GET", path, "prod.example:9090");
        request.Headers.Authorization = authorization == "BASIC" ? $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"any:{Token}"))}" : authorization;

        Assert.Equal(status, new AdminGuard(Remote).Refuses(request)?.Status);
    }

    [Fact]
    public void An_action_is_a_post_with_the_token_in_a_header_from_no_other_site()
    {
        var guard = new AdminGuard(Local);

        Assert.Equal(405, guard.RefusesAction(With(Request("GET"), Token))?.Status);
        Assert.Equal(401, guard.RefusesAction(Request("POST"))?.Status);
        Assert.Equal(401, guard.RefusesAction(With(Request("POST"), Token + "x"))?.Status);
        Assert.Null(guard.RefusesAction(With(Request("POST"), Token)));
        Assert.Null(guard.RefusesAction(With(Request("POST"), Token, "http://127.0.0.1:9090")));
        Assert.Equal(403, guard.RefusesAction(With(Request("POST"), Token, "http://evil.example"))?.Status);
        Assert.Equal(403, guard.RefusesAction(With(Request("POST"), Token, "null"))?.Status);
        Assert.Equal(403, new AdminGuard(Local with { Token = null }).RefusesAction(With(Request("POST"), Token))?.Status);

        var byBrowser = Request("POST");
        byBrowser.Headers.Authorization = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"any:{Token}"))}";
        Assert.Equal(401, new AdminGuard(Remote).RefusesAction(byBrowser)?.Status);
    }

    [Theory]
    [InlineData("--admin 0.0.0.0:9090", false)]
    [InlineData("--admin :9090 --admin-allow-remote", false)]
    [InlineData("--admin :9090 --admin-token 0123456789abcdef", false)]
    [InlineData("--admin :9090 --admin-token 0123456789abcdef --admin-allow-remote", true)]
    [InlineData("--admin 127.0.0.1:9090", true)]
    [InlineData("--admin localhost:9090", true)]
    [InlineData("--admin unix:admin.sock", true)]
    public void Other_machines_are_let_in_only_on_purpose_and_with_a_token(string commandLine, bool isRight)
    {
        var problems = new List<string>();
        var plan = AdminPlan.Of(Load(commandLine), Folder, problems);

        Assert.NotNull(plan);
        Assert.Equal(isRight, problems.Count == 0);
        Assert.All(problems, static problem => Assert.Contains("add --admin-allow-remote and a token (AdminToken), or listen on 127.0.0.1.", problem));
    }

    [Fact]
    public void A_token_may_stand_in_a_file_and_is_never_repeated_in_an_error()
    {
        Write("token", Token + "\n");
        Write("short", "short");
        var problems = new List<string>();

        Assert.Equal(Token, AdminPlan.Of(Load("--admin 127.0.0.1:9090 --admin-token @token"), Folder, problems)!.Token);
        Assert.Empty(problems);
        AdminPlan.Of(Load("--admin 127.0.0.1:9090 --admin-token @short"), Folder, problems);
        AdminPlan.Of(Load("--admin 127.0.0.1:9090 --admin-token @missing"), Folder, problems);
        Assert.Equal(2, problems.Count);
        Assert.DoesNotContain("secret", Assert.Single(Load("--admin-token secret").Problems));
    }

    [Theory]
    [InlineData((int)SupervisorPhase.Running, 2, 2, true)]
    [InlineData((int)SupervisorPhase.Degraded, 1, 2, true)]
    [InlineData((int)SupervisorPhase.Degraded, 1, 3, false)]
    [InlineData((int)SupervisorPhase.Starting, 0, 1, false)]
    [InlineData((int)SupervisorPhase.Stopping, 2, 2, false)]
    public void It_is_ready_while_half_of_the_workers_serve_and_it_does_not_stop(int state, int serving, int target, bool isReady) =>
        Assert.Equal(isReady, AdminApp.IsReady((SupervisorPhase)state, serving, target));

    private static HttpRequest Request(string method, string path = "/actions/scale", string host = "127.0.0.1:9090")
    {
        var request = new DefaultHttpContext().Request;
        (request.Method, request.Path, request.Host) = (method, path, new HostString(host));
        return request;
    }

    private static HttpRequest With(HttpRequest request, string token, string? origin = null)
    {
        request.Headers[AdminGuard.TokenHeader] = token;
        request.Headers.Origin = origin;
        return request;
    }
}
