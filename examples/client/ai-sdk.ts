/** The AI SDK, any major: its provider is given our `fetch`, and `run` says which prompt it was. */
import { argv } from "node:process";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText } from "ai";
import { plumbline } from "./plumbline.ts";

const openai = createOpenAI({ fetch: plumbline.fetch() });
const ticket = argv[2] ?? "I was charged 49.90 twice on 3 May";

const prompt = await plumbline.prompt("ticket-summary");
const messages = prompt.messages({ ticket });
const { text } = await plumbline.run(prompt.tags, () =>
  generateText({
    model: openai(prompt.model),
    // The AI SDK takes what the system says apart.
    system: messages.flatMap(({ role, content }) => (role === "system" ? [content] : [])).join("\n"),
    messages: messages.filter(({ role }) => role !== "system"),
    maxRetries: 0,
  }),
);
process.stdout.write(`${text}\n${prompt.ref}\n`);
await plumbline.close();
