/** Chat completions, which most servers speak, in the shapes that they really send. */
import { clip } from "@plumbline/features";
import { ExternalError } from "@plumbline/ports";
import { z } from "zod";
import { usageOf } from "./usage.ts";
import { type Address, noAnswer, type Wire, type WireAnswer } from "./wire.ts";

export function openAiWire({ baseUrl, apiKey }: Address): Wire {
  return {
    url: `${baseUrl.replace(/\/+$/, "")}/chat/completions`,
    headers: apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` },
    read,
  };
}

const Part = z.union([
  z.string(),
  z.object({ type: z.string().catch("text"), text: z.string().nullish(), refusal: z.string().nullish() }),
]);
const Completion = z.object({
  choices: z.array(
    z.object({
      finish_reason: z.string().nullish().catch(null),
      message: z
        .object({
          content: z.union([z.string(), z.array(Part)]).nullish(),
          refusal: z.string().nullish(),
        })
        .nullish(),
      /** Of servers that speak the older completions. */
      text: z.string().nullish(),
      error: z.unknown().optional(),
    }),
  ),
  usage: z.unknown().optional(),
});

function read(body: unknown): WireAnswer {
  const parsed = Completion.safeParse(body);
  if (!parsed.success)
    throw new ExternalError("external_invalid_response", "the answer is not a chat completion");
  const [choice] = parsed.data.choices;
  if (choice === undefined) throw noAnswer("the answer has no choices");
  if (choice.error !== undefined && choice.error !== null) throw noAnswer("the answer ended with an error");
  const { message, finish_reason } = choice;
  const content = message?.content ?? choice.text ?? "";
  const parts = typeof content === "string" ? [content] : content;
  const refusal =
    message?.refusal ??
    parts.flatMap((part) => (typeof part === "string" ? [] : (part.refusal ?? [])))[0] ??
    "";
  return {
    // Parts of other types are the model's thinking, or no text.
    text: parts
      .map((part) =>
        typeof part === "string" ? part : /^(?:output_)?text$/.test(part.type) ? (part.text ?? "") : "",
      )
      .join(""),
    ended:
      refusal !== ""
        ? "refused"
        : finish_reason === "content_filter"
          ? "filtered"
          : finish_reason === "length" || finish_reason === "max_tokens"
            ? "length"
            : "complete",
    ...(refusal === "" ? {} : { refusal: clip(refusal, 300) }),
    usage: usageOf(parsed.data.usage),
  };
}
