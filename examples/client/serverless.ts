/**
 * A function of a platform that freezes a process between its requests: nothing runs in the background, so events are sent
 * before the answer. Where the platform has `waitUntil`, hand it the flush instead. Prompts come with the image
 * (`plumbline bundle`), so that a cold start waits for nobody.
 */
import { readFileSync } from "node:fs";
import { env } from "node:process";
import { type Bundle, createClient } from "@plumbline/client";
import OpenAI from "openai";

const bundle = env["PROMPT_BUNDLE"];
const plumbline = createClient({
  url: env["PLUMBLINE_URL"],
  registryUrl: env["PLUMBLINE_REGISTRY_URL"],
  app: "examples",
  fallbackAfterMs: 50,
  ...(bundle === undefined ? {} : { bundle: JSON.parse(readFileSync(bundle, "utf8")) as Bundle }),
});
const openai = plumbline.wrapOpenAI(new OpenAI({ maxRetries: 0 }));

export async function handler(event: {
  readonly ticket: string;
}): Promise<{ readonly text: string; readonly path: string }> {
  const { ticket } = event;
  const { text, path } = await plumbline.withPolicy("ticket-summary", {
    vars: { ticket },
    // On an edge runtime nothing carries a context to the SDK: the headers do.
    call: async ({ model, prompt, signal, headers }) => {
      const messages = prompt.messages({ ticket });
      const completion = await openai.chat.completions.create(
        { ...prompt.config, model, messages },
        { signal, headers },
      );
      return completion.choices[0]?.message.content ?? "";
    },
    template: () => "There is no summary right now; the whole ticket is below.",
  });
  await plumbline.flush(2_000);
  return { text, path };
}
