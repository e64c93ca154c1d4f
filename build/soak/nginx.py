"""An nginx in front of the workers, which hides nothing: it sends each request to one worker, once."""
import os
import shutil
import socket
import subprocess
import tempfile
import time

from cluster import Failure

_CONFIGURATION = """
{user}
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream app {{
        server 127.0.0.1:{app} max_fails=0;
        keepalive 32;
        keepalive_timeout {keepalive};
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_next_upstream off;
        }}
    }}
}}
"""


class Nginx:
    def __init__(self, app, keepalive):
        self.folder = tempfile.mkdtemp(prefix="green-nginx-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        with open(os.path.join(self.folder, "nginx.conf"), "w") as file:
            # As root, nginx would pass its work to another user, who may not enter the folder.
            file.write(_CONFIGURATION.format(user="user root;" if os.getuid() == 0 else "", app=app, port=self.port, keepalive=keepalive))
        self.process = subprocess.Popen(
            ["nginx", "-p", self.folder, "-c", "nginx.conf", "-e", os.path.join(self.folder, "error.log"), "-g", "daemon off;"],
            # Ctrl+C is only for the soak, which then stops nginx.
            stdin=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self):
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
                return self
            except OSError as error:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise Failure(f"nginx does not listen: {error}") from None
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(30)
        with open(os.path.join(self.folder, "error.log"), errors="replace") as log:
            for line in log.readlines()[:20]:
                print(f"nginx says: {line.rstrip()}")
        shutil.rmtree(self.folder)
