// What Node serves: one plain answer, whatever the path.   node node_server.js PORT
'use strict';
const http = require('http');

const server = http.createServer((request, response) => {
  response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 13 });
  response.end('Hello, World!');
});
server.keepAliveTimeout = 600000;
server.listen(Number(process.argv[2]), '127.0.0.1', 2048);
