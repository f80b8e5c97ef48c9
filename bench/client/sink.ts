/** Takes whatever is sent, as a collector and as an OpenTelemetry endpoint do, and keeps nothing. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  let lines = 0;
  request.on("data", (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) lines += 1;
  });
  request.on("end", () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ accepted: lines, rejected: [] }));
  });
});
server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
