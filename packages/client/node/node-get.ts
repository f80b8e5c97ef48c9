import { Agent as HttpAgent, get as httpGet, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, get as httpsGet } from "node:https";
import { ANSWER_BYTES_MAX, type HttpGet } from "../http-get.ts";

/**
 * `fetch` keeps a process alive for as long as a request is open, and a long poll always is. Here a request that nobody
 * waits for does not: a script ends when its own work is done, `close` or not.
 */
export function createNodeGet(): HttpGet {
  const agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  return async (url, { headers, signal, isBackground }) => {
    const isSecure = url.startsWith("https:");
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = isSecure
        ? httpsGet(url, { headers, signal, agent: agents.https }, resolve)
        : httpGet(url, { headers, signal, agent: agents.http }, resolve);
      request.once("error", reject);
      request.once("socket", (socket) => {
        if (isBackground) socket.unref();
        else socket.ref();
      });
    });
    const body = await readWhole(response);
    return {
      status: response.statusCode ?? 0,
      body,
      header: (name) => {
        const value = response.headers[name];
        return Array.isArray(value) ? value.join(", ") : (value ?? null);
      },
    };
  };
}

function readWhole(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX)
        response.destroy(new RangeError(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`));
    });
    response.once("error", reject);
    response.once("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    // A connection that breaks within the answer; after `end` this changes nothing.
    response.once("close", () => reject(new Error("the answer broke off")));
  });
}
