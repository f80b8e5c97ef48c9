/**
 * Block Kit as Slack's reference documents it, for what our messages are made of: what may stand in a block, and how long and
 * how many. One block that does not fit fails the whole call, as `invalid_blocks`.
 */
import { z } from "zod";

const text = (most: number) => z.string().min(1).max(most);
const plain = (most: number) =>
  z.strictObject({ type: z.literal("plain_text"), text: text(most), emoji: z.boolean().optional() });
const mrkdwn = (most: number) =>
  z.strictObject({ type: z.literal("mrkdwn"), text: text(most), verbatim: z.boolean().optional() });
const block_id = z.string().min(1).max(255).optional();
const action_id = z.string().min(1).max(255);

const confirm = z
  .strictObject({
    title: plain(100),
    text: z.union([plain(300), mrkdwn(300)]),
    confirm: plain(30),
    deny: plain(30),
    style: z.enum(["primary", "danger"]).optional(),
  })
  .optional();

const option = z.strictObject({ text: plain(75), value: text(150), description: plain(75).optional() });

const Element = z.discriminatedUnion("type", [
  z.strictObject({
    type: z.literal("button"),
    action_id,
    text: plain(75),
    value: z.string().max(2_000).optional(),
    url: text(3_000).optional(),
    style: z.enum(["primary", "danger"]).optional(),
    accessibility_label: text(75).optional(),
    confirm,
  }),
  z.strictObject({
    type: z.literal("static_select"),
    action_id,
    placeholder: plain(150),
    options: z.array(option).min(1).max(100),
    confirm,
  }),
  z.strictObject({ type: z.literal("overflow"), action_id, options: z.array(option).min(1).max(5), confirm }),
]);

const Block = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("header"), block_id, text: plain(150) }),
  z
    .strictObject({
      type: z.literal("section"),
      block_id,
      text: z.union([plain(3_000), mrkdwn(3_000)]).optional(),
      fields: z
        .array(z.union([plain(2_000), mrkdwn(2_000)]))
        .min(1)
        .max(10)
        .optional(),
    })
    .refine(({ text: own, fields }) => own !== undefined || fields !== undefined, "needs text or fields"),
  z.strictObject({
    type: z.literal("context"),
    block_id,
    elements: z
      .array(z.union([plain(3_000), mrkdwn(3_000)]))
      .min(1)
      .max(10),
  }),
  z.strictObject({ type: z.literal("actions"), block_id, elements: z.array(Element).min(1).max(25) }),
  z.strictObject({ type: z.literal("divider"), block_id }),
]);

/** Of one message. */
const Blocks = z
  .array(Block)
  .max(50)
  .refine((blocks) => {
    const ids = blocks.flatMap((block) => (block.block_id === undefined ? [] : [block.block_id]));
    return new Set(ids).size === ids.length;
  }, "block ids must differ")
  .refine((blocks) => {
    const ids = blocks.flatMap((block) =>
      block.type === "actions" ? block.elements.map((element) => element.action_id) : [],
    );
    return new Set(ids).size === ids.length;
  }, "action ids must differ");

/** What Slack would refuse, each with its place; none of what it takes. */
export function blockProblems(blocks: unknown): string[] {
  const parsed = Blocks.safeParse(blocks);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
}
