/** The buttons of a message as Block Kit. What they carry comes back to the registry, signed by Slack. */
import type { ActionsBlockElement, KnownBlock, PlainTextElement } from "@slack/web-api";
import type { Message, MessageAction } from "@plumbline/ports";
import { clip } from "@plumbline/schemas";

// Slack's limits, in characters and counts.
const ELEMENTS_MAX = 25;
const BUTTON_LENGTH_MAX = 75;
const CONFIRM = { title: 100, text: 300, yes: 30 };

/** Null for a message without actions. */
export function actionBlock({ actions }: Pick<Message, "actions">, block_id: string): KnownBlock | null {
  if (actions.length === 0) return null;
  return { type: "actions", block_id, elements: actions.slice(0, ELEMENTS_MAX).map(elementOf) };
}

function elementOf(action: MessageAction): ActionsBlockElement {
  const { id: action_id, label, style, value, confirm, choices } = action;
  if (choices.length > 0) {
    return {
      type: "static_select",
      action_id,
      placeholder: plain(label, BUTTON_LENGTH_MAX),
      options: choices.map((choice) => ({
        text: plain(choice.label, BUTTON_LENGTH_MAX),
        value: choice.value,
      })),
    };
  }
  return {
    type: "button",
    action_id,
    text: plain(label, BUTTON_LENGTH_MAX),
    value,
    ...(style === "plain" ? {} : { style }),
    ...(confirm === null
      ? {}
      : {
          confirm: {
            title: plain(confirm.title, CONFIRM.title),
            text: plain(confirm.text, CONFIRM.text),
            confirm: plain(confirm.yes, CONFIRM.yes),
            deny: plain("Cancel", CONFIRM.yes),
            style: style === "danger" ? "danger" : "primary",
          },
        }),
  };
}

function plain(text: string, length: number): PlainTextElement {
  return { type: "plain_text", text: clip(text, length) };
}
