// The floor: an HTTP answer with nothing of HTTP in it. One epoll loop, one recv, one send. Whatever bytes arrive are
// taken for one request and answered with a fixed response; nothing is parsed, so it must not be asked for anything
// but small requests, one at a time for each connection.
//
//   floor PORT      on 127.0.0.1

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEAD \
    "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\n" \
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: floor\r\n"
static const char keep_alive[] = HEAD "\r\nHello, World!";
static const char closing[] = HEAD "Connection: close\r\n\r\nHello, World!";

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void accept_all(int epoll, int listener) {
    for (;;) {
        int client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0) return;
        int on = 1;
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = client};
        epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
    }
}

// The one thing looked for: without it there would be no floor for a new connection for each request.
static int wants_close(const char *request, size_t length) {
    return memmem(request, length, "Connection: close", 17) != NULL;
}

static void answer(int client) {
    char request[4096];
    ssize_t received = recv(client, request, sizeof request, 0);
    if (received < 0 && errno == EAGAIN) return;
    int last = received <= 0 || wants_close(request, (size_t)received);
    if (received > 0) {
        const char *response = last ? closing : keep_alive;
        size_t length = last ? sizeof closing - 1 : sizeof keep_alive - 1;
        if (send(client, response, length, MSG_NOSIGNAL) < 0) last = 1;
    }
    if (last) close(client);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: floor PORT\n");
        return 2;
    }

    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0) fail("bind");
    if (listen(listener, 2048) < 0) fail("listen");

    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event listening = {.events = EPOLLIN, .data.fd = listener};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &listening) < 0) fail("epoll_ctl");

    struct epoll_event events[512];
    for (;;) {
        int count = epoll_wait(epoll, events, 512, -1);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener) accept_all(epoll, listener);
            else answer(events[i].data.fd);
        }
    }
}
