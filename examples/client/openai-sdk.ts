/** OpenAI's SDK under a policy: the policy retries and falls back, so the SDK does not. */
import { argv } from "node:process";
import { hasLength, hasNoPii } from "@plumbline/client/validators";
import OpenAI from "openai";
import { plumbline } from "./plumbline.ts";

const openai = plumbline.wrapOpenAI(new OpenAI({ maxRetries: 0 }));
const ticket = argv[2] ?? "I was charged 49.90 twice on 3 May";

const answer = await plumbline.withPolicy("ticket-summary", {
  vars: { ticket },
  call: async ({ model, prompt, signal }) => {
    const completion = await openai.chat.completions.create(
      { ...prompt.config, model, messages: prompt.messages({ ticket }) },
      { signal },
    );
    return completion.choices[0]?.message.content ?? "";
  },
  validate: [hasLength({ max: 2_000 }), hasNoPii(["card", "iban"])],
  template: () => "There is no summary right now; the whole ticket is below.",
});
process.stdout.write(`${answer.text}\n${answer.path}\n`);
await plumbline.close();
