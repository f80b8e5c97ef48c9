/** Chat messages of other tools, whole or not at all: a prompt without one of its messages is another prompt. */
import { count } from "../text/spoken.ts";
import type { PromptMessage } from "@plumbline/prompts";
import { z } from "zod";

const Part = z.object({ type: z.enum(["text", "input_text"]).default("text"), text: z.string() }).strict();
const Message = z
  .object({
    role: z.string(),
    content: z.union([z.string(), z.array(z.union([z.string(), Part])).min(1)]),
    /** As Langfuse writes it. */
    type: z.literal("chatmessage").optional(),
  })
  .strict();

const ROLES: Readonly<Record<string, "system" | "user" | "assistant">> = {
  system: "system",
  developer: "system",
  user: "user",
  assistant: "assistant",
};

type ReadMessage =
  | { readonly kind: "read"; readonly message: Exclude<PromptMessage, { role: "history" }> }
  /** In one sentence without a full stop. */
  | { readonly kind: "refused"; readonly why: string };

/** @param contentOf writes a text of the source in our template language, or says why it can't */
export function readMessage(
  value: unknown,
  contentOf: (text: string) => { readonly text: string; readonly problems: readonly string[] },
  note: (text: string) => void,
): ReadMessage {
  const read = Message.safeParse(value);
  if (!read.success) return { kind: "refused", why: whyNoMessage(value) };
  const { role, content } = read.data;
  const known = ROLES[role];
  if (known === undefined) return refused(`a prompt here has no messages of the role ${role}`);
  if (known !== role) note(`role ${role} became ${known}`);
  const parts = typeof content === "string" ? [content] : content;
  if (parts.length > 1)
    note(`${count(parts.length, "part")} of a ${role} message became one text, a line each`);
  const written = parts.map((part) => contentOf(typeof part === "string" ? part : part.text));
  const problems = written.flatMap((each) => each.problems);
  if (problems.length > 0) return refused(problems.join("; "));
  return { kind: "read", message: { role: known, content: written.map(({ text }) => text).join("\n") } };
}

function refused(why: string): ReadMessage {
  return { kind: "refused", why };
}

function whyNoMessage(value: unknown): string {
  if (typeof value !== "object" || value === null) return "a message is no object with role and content";
  const { role, content, ...others } = value as Record<string, unknown>;
  if (typeof role !== "string") return "a message has no role";
  if (Array.isArray(content)) {
    const kinds = content.map((part: unknown) =>
      typeof part === "object" && part !== null && "type" in part ? String(part.type) : typeof part,
    );
    const foreign = kinds.find((kind) => !["text", "input_text", "string"].includes(kind));
    return foreign === undefined
      ? `the content of a ${role} message is no text, nor a list of texts alone`
      : `a ${role} message has a part of type ${foreign}, and messages here are text`;
  }
  if (typeof content !== "string") return `the content of a ${role} message is no text`;
  const fields = Object.keys(others).filter((name) => name !== "type");
  return `a ${role} message has ${fields.join(" and ") || "a type"} besides role and content`;
}
