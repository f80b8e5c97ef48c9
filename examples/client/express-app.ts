/** A server: a conversation stays with its version, the answer's `call_id` lets feedback refer to it. */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { env } from "node:process";
import express from "express";
import OpenAI from "openai";
import { plumbline } from "./plumbline.ts";

const openai = plumbline.wrapOpenAI(new OpenAI({ maxRetries: 0 }));
const app = express();
app.use(express.json());

app.post("/summaries", async (request, response) => {
  const { ticket, conversation_id } = request.body as { ticket: string; conversation_id?: string };
  const left = new AbortController();
  // Whoever hangs up has no use for an answer.
  response.once("close", () => left.abort());
  const { text, path, call_id } = await plumbline.withPolicy("ticket-summary", {
    vars: { ticket },
    conversation_id,
    signal: left.signal,
    call: async ({ model, prompt, signal }) => {
      const messages = prompt.messages({ ticket });
      const completion = await openai.chat.completions.create(
        { ...prompt.config, model, messages },
        { signal },
      );
      return completion.choices[0]?.message.content ?? "";
    },
    template: () => "There is no summary right now; the whole ticket is below.",
  });
  response.json({ text, path, call_id });
});

const server = app.listen(Number(env["PORT"] ?? 0), "127.0.0.1");
await once(server, "listening");
process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);

process.once("SIGTERM", () => {
  server.close(() => void plumbline.close(3_000));
  server.closeIdleConnections();
});
