using KestrelGreenTransport.Requests;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;

namespace KestrelGreenTransport.Tests.Requests;

public class RouteRecorderTests
{
    private static readonly TimeSpan Quick = TimeSpan.FromMilliseconds(1);

    private readonly RouteRecorder _recorder = new(["page", "sort by"]);

    [Fact]
    public void Of_each_route_one_example_is_kept_and_what_is_asked_for_most_comes_first()
    {
        Note("/items/{id}", "/items/7");
        Note("/items/{id}", "/items/8");
        Note("/", "/");
        Note("/items/{id}", "/items/9");
        Assert.Equal("/items/{id} by /items/7, / by /", Recorded());
        Assert.Equal(4, _recorder.Noted);
    }

    [Theory]
    [InlineData("/list?page=2&token=secret&sort+by=name", "/list?page=2&sort+by=name")]
    [InlineData("/list?PAGE=%7e&x", "/list?PAGE=%7e")]
    [InlineData("/list?token=secret", "/list")]
    [InlineData("/list?page", "/list?page")]
    [InlineData("/list?", "/list")]
    [InlineData("/a%20b?page=a%26token%3dx", "/a%20b?page=a%26token%3dx")]
    public void Of_a_query_only_the_values_stay_whose_names_are_allowed(string target, string kept)
    {
        Note("/{path}", target);
        Assert.Equal($"/{{path}} by {kept}", Recorded());
    }

    [Fact]
    public void What_must_never_be_replayed_is_never_kept()
    {
        Note("/a", "/a", method: "POST");
        Note("/a", "/a", method: "HEAD");
        Note("/a", "/a", status: 404);
        Note("/a", "/a", status: 500);
        Note("/a", "/a", status: 302);
        Note("/a", "/a", status: 101);
        Note("/a", "/a", authorization: "Bearer secret");
        Note("/a", "/a", took: TimeSpan.FromSeconds(2));
        Note("/a", "http://elsewhere/a");
        Note("/a", "/a b");
        Note("/a", $"/{new string('a', 600)}");
        Note(null, "/a");
        Assert.Equal("", Recorded());
    }

    [Fact]
    public void There_are_only_so_many()
    {
        for (var i = 0; i < 100; i++)
        {
            Note($"/{i}", $"/{i}");
        }

        Assert.Equal(50, _recorder.Read().Length);
    }

    [Fact]
    public void No_header_of_the_client_is_part_of_it()
    {
        Note("/a", "/a", cookie: "session=secret");
        var request = Assert.Single(_recorder.Read());
        Assert.Equal(("GET", "/a", null, null), (request.Method, request.Path, request.Headers, request.Body));
    }

    private string Recorded() => string.Join(", ", _recorder.Read().Select(static request => $"{request.Route} by {request.Path}"));

    private void Note(string? template, string target, string method = "GET", int status = 200, string? authorization = null, string? cookie = null, TimeSpan? took = null)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Response.StatusCode = status;
        context.Features.Get<IHttpRequestFeature>()!.RawTarget = target;
        if (authorization is not null)
        {
            context.Request.Headers.Authorization = authorization;
        }

        if (cookie is not null)
        {
            context.Request.Headers.Cookie = cookie;
        }

        if (template is not null)
        {
            context.SetEndpoint(new RouteEndpoint(static _ => Task.CompletedTask, RoutePatternFactory.Parse(template), 0, null, null));
        }

        _recorder.Note(context, took ?? Quick);
    }
}
