import { request, type Agent } from "node:http";

/** `unreached`: nobody listened, so nothing was sent. Any other failure may have been stored. */
export interface Answer {
  readonly kind: "answered" | "unanswered" | "unreached";
  readonly status: number;
  readonly body: string;
}

const ANSWER_MS = 30_000;

/** Posts once, and never throws: what goes wrong is the answer. */
export function post(
  agent: Agent,
  target: URL,
  body: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  return new Promise((resolve) => {
    const end = (kind: Answer["kind"], status = 0, text = ""): void => resolve({ kind, status, body: text });
    const outgoing = request(target, {
      agent,
      method: "POST",
      timeout: ANSWER_MS,
      headers: { ...headers, "content-length": Buffer.byteLength(body) },
    });
    outgoing.on("error", (error: NodeJS.ErrnoException) =>
      end(error.code === "ECONNREFUSED" ? "unreached" : "unanswered"),
    );
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("response", (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", () => end("unanswered"));
      response.on("close", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        if (response.complete) end("answered", response.statusCode ?? 0, text);
        else end("unanswered");
      });
    });
    outgoing.end(body);
  });
}
