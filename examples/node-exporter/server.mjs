// The exporter at http://127.0.0.1:PORT/metrics: `node server.mjs PORT`; port 0 takes a free one. The first line tells the URL.

import { createServer } from "node:http";

import { Exporter } from "./exporter.mjs";

const exporter = new Exporter();
exporter.drive({ requests: 20 });

const server = createServer((request, response) => {
  if (request.method !== "GET" || request.url !== "/metrics") {
    response.writeHead(request.url === "/metrics" ? 405 : 404).end();
    return;
  }
  const { status, content_type, body } = exporter.scrape({ accept: request.headers.accept });
  response.writeHead(status, { "Content-Type": content_type, "Content-Length": body.length, Vary: "Accept" }).end(body);
});

server.listen(Number(process.argv[2] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${server.address().port}/metrics`);
});
process.on("SIGTERM", () => server.close());
