import type { KnownBlock } from "@slack/web-api";
import type { Message } from "@plumbline/ports";

/** State icons, always next to the word: colour and emoji alone say nothing to a screen reader. */
const STATES: Readonly<Record<Message["state"], string>> = {
  firing: "🔴 Firing",
  acknowledged: "🟠 Acknowledged",
  snoozed: "⚪ Snoozed",
  watching: "🟡 Watching",
  resolved: "✅ Resolved",
  dismissed: "⚪ Not a regression",
};

// Slack's limits, in characters and counts. One block too long fails the whole post.
const HEADER_LENGTH_MAX = 150;
const SECTION_LENGTH_MAX = 3_000;
const FIELD_LENGTH_MAX = 2_000;
const FIELDS_MAX = 10;
const CONTEXT_ELEMENTS_MAX = 10;
const CONTEXT_LENGTH_MAX = 300;
const LINES_MAX = 10;
const TEXT_LENGTH_MAX = 4_000;

/** The message as Block Kit: header, sentences, fields, links, small print. */
export function renderBlocks(message: Message): KnownBlock[] {
  // Slack asks for new block ids with each edit.
  const id = (part: string): string => `${message.incident_id}.${message.revision}.${part}`;
  const blocks: KnownBlock[] = [
    {
      type: "header",
      block_id: id("title"),
      text: { type: "plain_text", text: headline(message), emoji: true },
    },
  ];
  const lines = message.lines.slice(0, LINES_MAX);
  if (lines.length > 0) {
    const each = Math.floor(SECTION_LENGTH_MAX / lines.length) - 1;
    blocks.push({
      type: "section",
      block_id: id("lines"),
      text: {
        type: "mrkdwn",
        text: lines.map((line, i) => bold(escapeWithin(line, each - 2), i === 0)).join("\n"),
        verbatim: true,
      },
    });
  }
  const fields = message.fields.slice(0, FIELDS_MAX);
  if (fields.length > 0) {
    blocks.push({
      type: "section",
      block_id: id("fields"),
      fields: fields.map(({ label, value }) => ({
        type: "mrkdwn",
        text: `*${escapeWithin(label, 100)}*\n${escapeWithin(value, FIELD_LENGTH_MAX - 110)}`,
        verbatim: true,
      })),
    });
  }
  const links = message.links.map(({ label, url }) => `<${linkTarget(url)}|${escapeWithin(label, 100)}>`);
  if (links.length > 0) {
    blocks.push({
      type: "section",
      block_id: id("links"),
      text: { type: "mrkdwn", text: links.join(" · "), verbatim: true },
    });
  }
  const context = message.context.slice(0, CONTEXT_ELEMENTS_MAX);
  if (context.length > 0) {
    blocks.push({
      type: "context",
      block_id: id("context"),
      elements: context.map((text) => ({
        type: "mrkdwn",
        text: escapeWithin(text, CONTEXT_LENGTH_MAX),
        verbatim: true,
      })),
    });
  }
  return blocks;
}

/** The whole message without blocks, for a workspace that refuses ours. */
export function renderText(message: Message): string {
  const fields = message.fields.map(({ label, value }) => `${label}: ${value}`);
  const links = message.links.map(({ label, url }) => `${label}: ${url}`);
  return escapeWithin(
    [headline(message), ...message.lines, ...fields, ...links, message.context.join(" · ")].join("\n"),
    TEXT_LENGTH_MAX,
  );
}

/** `&`, `<` and `>` are Slack's only control characters; escaped, nobody can be mentioned or linked by a text. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function headline(message: Message): string {
  return clip(`${STATES[message.state]} · ${message.title}`, HEADER_LENGTH_MAX);
}

/** Escaped text of at most `length` characters, cut between characters of the original, never inside an entity. */
function escapeWithin(text: string, length: number): string {
  const escaped = escapeText(text);
  if (escaped.length <= length) return escaped;
  let room = length - 1;
  let end = 0;
  for (const character of text) {
    const cost = escapeText(character).length;
    if (cost > room) break;
    room -= cost;
    end += character.length;
  }
  return `${escapeText(text.slice(0, end))}…`;
}

function bold(escaped: string, isBold: boolean): string {
  // An asterisk inside would end the bold early.
  return isBold && !escaped.includes("*") && escaped !== "" ? `*${escaped}*` : escaped;
}

function linkTarget(url: string): string {
  return escapeText(url).replaceAll("|", "%7C");
}

function clip(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
