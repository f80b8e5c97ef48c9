import type { KnownBlock } from "@slack/web-api";
import type { Message } from "@plumbline/ports";
import { clip } from "@plumbline/schemas";
import { actionBlock } from "./action-block.ts";
import { escapeWithin, fenced, fitLines, LIMITS, linkTarget } from "./limits.ts";

/** State icons, always next to the word: colour and emoji alone say nothing to a screen reader. */
const STATES: Readonly<Record<Message["state"], string>> = {
  firing: "🔴 Firing",
  acknowledged: "🟠 Acknowledged",
  snoozed: "⚪ Snoozed",
  watching: "🟡 Watching",
  resolved: "✅ Resolved",
  dismissed: "⚪ Not a regression",
};

const LINES_MAX = 12;
const COMMAND_LENGTH_MAX = 500;
const QUOTES_MAX = 5;
const QUOTE_TITLE_LENGTH_MAX = 200;
const QUOTE_LENGTH_MAX = 2_000;
const LABEL_LENGTH_MAX = 100;
const LINK_LABEL_LENGTH_MAX = 75;
/** Slack counts the id in, of which an incident's own is the longest part. */
const ID_LENGTH_MAX = 200;

type Section = Extract<KnownBlock, { type: "section" }>;
type IdOf = (part: string) => string;

/** The message as Block Kit: header, what to do and why, quotes, fields, links, small print. */
export function renderBlocks(message: Message): KnownBlock[] {
  // Slack asks for new block ids with each edit.
  const id: IdOf = (part) => `${clip(message.incident_id, ID_LENGTH_MAX)}.${message.revision}.${part}`;
  const blocks: (KnownBlock | null)[] = [
    {
      type: "header",
      block_id: id("title"),
      text: { type: "plain_text", text: headline(message), emoji: true },
    },
    linesBlock(message, id),
    ...message.quotes.slice(0, QUOTES_MAX).map((quote, i) => quoteBlock(quote, id(`quote-${i}`))),
    fieldsBlock(message, id),
    actionBlock(message, id("actions")),
    linksBlock(message, id),
    contextBlock(message, id),
  ];
  return blocks.filter((block) => block !== null);
}

/** The whole message without blocks, for a workspace that refuses ours. */
export function renderText(message: Message): string {
  const fields = message.fields.map(({ label, value }) => `${label}: ${value}`);
  const quotes = message.quotes.map(({ title, text }) => `${title}:\n${text}`);
  const links = message.links.flatMap(({ label, url }) =>
    linkTarget(url) === null ? [] : [`${label}: ${url}`],
  );
  const [first, ...rest] = message.lines;
  const lines = [first, message.command, ...rest].filter((line) => line != null);
  return escapeWithin(
    [headline(message), ...lines, ...quotes, ...fields, ...links, message.context.join(" · ")].join("\n"),
    LIMITS.messageText,
  );
}

/** What to do in bold, the command that does it, and the rest. */
function linesBlock({ lines, command }: Message, id: IdOf): Section | null {
  if (lines.length === 0) return null;
  const code = command === null ? null : fenced(command, "`", COMMAND_LENGTH_MAX);
  const room = LIMITS.sectionText - (code === null ? 0 : code.length + 1);
  // Two characters for the bold of the first.
  const [first = "", ...rest] = fitLines(lines.slice(0, LINES_MAX), room, 2);
  return mrkdwn([bold(first), ...(code === null ? [] : [code]), ...rest].join("\n"), id("lines"));
}

function quoteBlock({ title, text }: Message["quotes"][number], blockId: string): Section {
  const heading = bold(escapeWithin(title, QUOTE_TITLE_LENGTH_MAX));
  return mrkdwn(`${heading}\n${fenced(text, "```", QUOTE_LENGTH_MAX)}`, blockId);
}

function fieldsBlock({ fields }: Message, id: IdOf): Section | null {
  if (fields.length === 0) return null;
  return {
    type: "section",
    block_id: id("fields"),
    fields: fields.slice(0, LIMITS.sectionFields).map(({ label, value }) => {
      const heading = `*${escapeWithin(label, LABEL_LENGTH_MAX)}*\n`;
      return {
        type: "mrkdwn",
        text: `${heading}${escapeWithin(value, LIMITS.fieldText - heading.length)}`,
        verbatim: true,
      };
    }),
  };
}

/** Whole links only: half an address leads nowhere. */
function linksBlock({ links }: Message, id: IdOf): Section | null {
  let text = "";
  for (const { label, url } of links) {
    const target = linkTarget(url);
    if (target === null) continue;
    const link = `${text === "" ? "" : " · "}<${target}|${escapeWithin(label, LINK_LABEL_LENGTH_MAX)}>`;
    if (text.length + link.length <= LIMITS.sectionText) text += link;
  }
  return text === "" ? null : mrkdwn(text, id("links"));
}

function contextBlock({ context }: Message, id: IdOf): KnownBlock | null {
  const texts = context.filter((text) => text !== "").slice(0, LIMITS.contextElements);
  if (texts.length === 0) return null;
  return {
    type: "context",
    block_id: id("context"),
    elements: texts.map((text) => ({
      type: "mrkdwn",
      text: escapeWithin(text, LIMITS.contextText),
      verbatim: true,
    })),
  };
}

function mrkdwn(text: string, blockId: string): Section {
  return { type: "section", block_id: blockId, text: { type: "mrkdwn", text, verbatim: true } };
}

function headline(message: Message): string {
  return clip(`${STATES[message.state]} · ${message.title}`, LIMITS.header);
}

function bold(escaped: string): string {
  // An asterisk inside would end the bold early.
  return escaped.includes("*") || escaped.trim() !== escaped || escaped === "" ? escaped : `*${escaped}*`;
}
