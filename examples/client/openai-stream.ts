/** The same, streamed. Until the first word another rung may answer; after it the error is thrown where it is read. */
import { argv } from "node:process";
import { streamWithPolicy } from "@plumbline/client/stream";
import OpenAI from "openai";
import { plumbline } from "./plumbline.ts";

const openai = plumbline.wrapOpenAI(new OpenAI({ maxRetries: 0 }));
const ticket = argv[2] ?? "I was charged 49.90 twice on 3 May";

const answer = await streamWithPolicy(plumbline, "ticket-summary", {
  vars: { ticket },
  call: async function* ({ model, prompt, signal }) {
    const chunks = await openai.chat.completions.create(
      {
        ...prompt.config,
        model,
        messages: prompt.messages({ ticket }),
        stream: true,
        // Without it nobody is told how many tokens there were.
        stream_options: { include_usage: true },
      },
      { signal },
    );
    for await (const chunk of chunks) yield chunk.choices[0]?.delta.content ?? "";
  },
});
for await (const text of answer.stream) process.stdout.write(text);
process.stdout.write(`\n${answer.path}\n`);
await plumbline.close();
