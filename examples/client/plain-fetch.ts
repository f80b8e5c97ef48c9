/** No SDK: the instrumented `fetch` and a policy. */
import { argv, env } from "node:process";
import { plumbline } from "./plumbline.ts";

const fetch = plumbline.fetch();
const url = env["OPENAI_BASE_URL"] ?? "https://api.openai.com/v1";
const ticket = argv[2] ?? "I was charged 49.90 twice on 3 May";

const answer = await plumbline.withPolicy("ticket-summary", {
  vars: { ticket },
  call: async ({ model, prompt, signal }) => {
    const response = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${env["OPENAI_API_KEY"]}` },
      body: JSON.stringify({ ...prompt.config, model, messages: prompt.messages({ ticket }) }),
      signal,
    });
    // Of a failure, what the policy needs to know is what `fetch` saw.
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const { choices } = (await response.json()) as { choices: { message: { content: string | null } }[] };
    return choices[0]?.message.content ?? "";
  },
  template: () => "There is no summary right now; the whole ticket is below.",
});
process.stdout.write(`${answer.text}\n${answer.path}\n`);
await plumbline.close();
