namespace FunctionalTests.Harness;

/// <summary>An nginx that hides nothing: it sends each request to one worker, once, and passes on the result.</summary>
internal sealed class StrictNginx : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly ChildProgram _process;

    private StrictNginx(TemporaryFolder folder, ChildProgram process, int port) => (_folder, _process, Target) = (folder, process, Target.Loopback(port));

    public Target Target { get; }

    /// <summary>Starts an nginx in front of an app, and waits until the app answers through it.</summary>
    public static async Task<StrictNginx> Before(Target app)
    {
        var folder = new TemporaryFolder();
        using var port = new FreePort();
        await File.WriteAllTextAsync(folder.File("nginx.conf"), $$"""
            {{(Environment.UserName == "root" ? "user root;" : "")}}
            pid nginx.pid;
            error_log stderr warn;
            events { worker_connections 1024; }
            http {
                access_log off;
                client_body_temp_path body;
                proxy_temp_path proxy;
                fastcgi_temp_path fastcgi;
                uwsgi_temp_path uwsgi;
                scgi_temp_path scgi;
                upstream app {
                    server 127.0.0.1:{{app.Port}} max_fails=0;
                    keepalive 16;
                    keepalive_timeout 500ms;
                }
                server {
                    listen 127.0.0.1:{{port.Number}};
                    location / {
                        proxy_pass http://app;
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_next_upstream off;
                    }
                }
            }
            """);
        var process = ChildProgram.Start("nginx", ["-p", folder.Path, "-c", "nginx.conf", "-e", "stderr", "-g", "daemon off;"]);
        var nginx = new StrictNginx(folder, process, port.Release());
        await Eventually.Get("nginx answers", () => nginx.Target.Get("/pid"), static _ => true, process.Describe);
        return nginx;
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Dispose();
    }
}
