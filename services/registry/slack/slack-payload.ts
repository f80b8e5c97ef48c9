/** What Slack sends when somebody presses a button or answers a dialog, as far as we read it. */
import { IncidentActionValue } from "@plumbline/schemas";
import { z } from "zod";

const user = z.object({ id: z.string().min(1) });

const SlackPayload = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("block_actions"),
    user,
    response_url: z.string().default(""),
    trigger_id: z.string().default(""),
    actions: z
      .array(
        z.object({
          action_id: z.string(),
          action_ts: z.string(),
          value: z.string().optional(),
          selected_option: z.object({ value: z.string() }).nullish(),
        }),
      )
      .min(1),
  }),
  z.object({
    type: z.literal("view_submission"),
    user,
    view: z.object({
      id: z.string(),
      private_metadata: z.string(),
      state: z.object({
        values: z.record(z.string(), z.record(z.string(), z.object({ value: z.string().nullish() }))),
      }),
    }),
  }),
]);
type SlackPayload = z.output<typeof SlackPayload>;
export type SlackClick = Extract<SlackPayload, { type: "block_actions" }>;
export type SlackSubmission = Extract<SlackPayload, { type: "view_submission" }>;

/** Id of the one field of our dialogs. */
export const WORDS_FIELD = "words";

/** The form `payload=<JSON>` that Slack posts; null when it is none, or of a kind that we do not read. */
export function readPayload(body: string): SlackPayload | null {
  const parsed = SlackPayload.safeParse(parseJson(new URLSearchParams(body).get("payload") ?? ""));
  return parsed.success ? parsed.data : null;
}

/** What the message put on its button; null for buttons of others, links among them. */
export function readValue(text: string | undefined): IncidentActionValue | null {
  const parsed = IncidentActionValue.safeParse(parseJson(text ?? ""));
  return parsed.success ? parsed.data : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A dialog with one question. @param carried what comes back with the answer */
export function questionView(title: string, question: string, carried: string): object {
  return {
    type: "modal",
    callback_id: "pl.words",
    private_metadata: carried,
    title: { type: "plain_text", text: title },
    submit: { type: "plain_text", text: "Save" },
    close: { type: "plain_text", text: "Cancel" },
    blocks: [
      {
        type: "input",
        block_id: WORDS_FIELD,
        label: { type: "plain_text", text: question },
        element: { type: "plain_text_input", action_id: WORDS_FIELD, multiline: true, max_length: 2_000 },
      },
    ],
  };
}
