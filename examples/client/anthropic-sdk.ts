/** Anthropic's SDK, wrapped: one line, and every message is told of. It retries by itself; that is one call, told of once. */
import { argv } from "node:process";
import Anthropic from "@anthropic-ai/sdk";
import { plumbline } from "./plumbline.ts";

const anthropic = plumbline.wrapAnthropic(new Anthropic());
const ticket = argv[2] ?? "I was charged 49.90 twice on 3 May";

const prompt = await plumbline.prompt("ticket-summary");
const messages = prompt.messages({ ticket });
const answer = await anthropic.messages.create(
  {
    model: "claude-haiku-4-5",
    max_tokens: 400,
    system: messages.flatMap(({ role, content }) =>
      role === "system" ? [{ type: "text", text: content }] : [],
    ),
    messages: messages.flatMap(({ role, content }) => (role === "system" ? [] : [{ role, content }])),
  },
  // They say which prompt version it was, and are taken off before the request leaves.
  { headers: { ...prompt.headers } },
);
const text = answer.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("");
process.stdout.write(`${text}\n${prompt.ref}\n`);
await plumbline.close();
