/** The inbox as HTML: complete without scripts, readable on a phone, in light and dark. */
import { actionRow } from "./actions.ts";
import { escapeHtml, safeUrl } from "./escape-html.ts";
import type { InboxMessage } from "./inbox.ts";

type Message = InboxMessage["message"];

interface StateMark {
  readonly word: string;
  /** Path of a 16 by 16 icon. Shapes differ, so that color is never the only sign. */
  readonly path: string;
}

const STATES: Readonly<Record<Message["state"], StateMark>> = {
  firing: {
    word: "Firing",
    path: "M8 1.5 15 14H1L8 1.5Zm-.9 4.6.25 4h1.3l.25-4H7.1ZM8 11a.9.9 0 1 0 0 1.8.9.9 0 0 0 0-1.8Z",
  },
  acknowledged: {
    word: "Acknowledged",
    path: "M8 2a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM2.5 14c0-3 2.4-5 5.5-5s5.5 2 5.5 5h-11Z",
  },
  snoozed: { word: "Snoozed", path: "M4 2h8v1.9L7.4 11H12v2H4v-1.9L8.6 4H4V2Z" },
  watching: {
    word: "Watching",
    path: "M8 3c3.4 0 6 2.400 7.300 5C14 10.600 11.400 13 8 13S2 10.600.700 8C2 5.400 4.600 3 8 3Zm0 2.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600Z",
  },
  resolved: {
    word: "Resolved",
    path: "m6.300 12.700-4.500-4.500 1.500-1.500 3 3 6.400-6.400 1.500 1.500-7.900 7.900Z",
  },
  dismissed: {
    word: "Not a regression",
    path: "M8 1.500a6.500 6.500 0 1 1 0 13 6.500 6.500 0 0 1 0-13Zm-4 5.600v1.800h8V7.100H4Z",
  },
};

interface PageOptions {
  /** Path of the inbox, without a slash at the end; "" at the root. */
  readonly basePath: string;
  /** Use cases watched now, or null when unknown: the empty page says what silence means. */
  readonly watching: number | null;
  /** Whether incidents have buttons. */
  readonly takesCommands: boolean;
}

export function renderPage(
  messages: readonly InboxMessage[],
  { basePath, watching, takesCommands }: PageOptions,
): string {
  const base = escapeHtml(basePath);
  const needsSomebody = messages.filter(({ message }) => message.state === "firing").length;
  const heading = needsSomebody === 0 ? "Inbox" : `Inbox (${needsSomebody} firing)`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${heading} · Plumbline</title>
<link rel="stylesheet" href="${base}/inbox.css">
<link rel="icon" href="${base}/inbox.svg" type="image/svg+xml">
<noscript><meta http-equiv="refresh" content="15"></noscript>
<script src="${base}/inbox.js" defer></script>
</head>
<body data-events="${base}/events">
<a class="skip" href="#incidents">Skip to incidents</a>
<header class="bar">
<h1><svg class="mark" viewBox="0 0 16 16" aria-hidden="true"><path d="M7.400 0h1.200v8L11 10.500 8 16l-3-5.500L7.400 8V0Z"/></svg>Plumbline <span class="where">inbox</span></h1>
<p class="live" id="live" role="status">Reload to see changes</p>
</header>
<main id="incidents" tabindex="-1">
${messages.length === 0 ? emptyState(watching) : summary(messages) + messages.map((each) => card(each, takesCommands)).join("\n")}
</main>
</body>
</html>
`;
}

function summary(messages: readonly InboxMessage[]): string {
  const counts = (Object.keys(STATES) as Message["state"][])
    .map((state) => ({ state, count: messages.filter(({ message }) => message.state === state).length }))
    .filter(({ count }) => count > 0)
    .map(
      ({ state, count }) =>
        `<li class="count ${state}"><b>${count}</b> ${STATES[state].word.toLowerCase()}</li>`,
    );
  return `<ul class="counts" aria-label="Incidents by state">${counts.join("")}</ul>\n`;
}

function emptyState(watching: number | null): string {
  const lead =
    watching === null
      ? "Plumbline compares each prompt version with the one before it, all the time."
      : `Plumbline is watching ${watching} use case${watching === 1 ? "" : "s"}.`;
  return `<section class="empty">
<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${STATES.resolved.path}"/></svg>
<h2>No incidents</h2>
<p>${lead} When a version answers worse, costs more or gets slower, one message appears here and changes as the incident does.</p>
<p>Silence means that nothing was found in what was measured. Calls that are not judged are not good calls: too little data is an incident of its own, and would be listed here.</p>
</section>`;
}

function card({ message, thread }: InboxMessage, takesCommands: boolean): string {
  const { word, path } = STATES[message.state];
  const id = escapeHtml(message.incident_id);
  const [lead, ...rest] = message.lines;
  const command =
    message.command === null
      ? ""
      : `<pre class="command" tabindex="0"><code>${escapeHtml(message.command)}</code></pre>`;
  return `<article class="card ${message.state}" id="${id}" aria-labelledby="${id}-title">
<p class="state"><svg viewBox="0 0 16 16" aria-hidden="true"><path fill-rule="evenodd" d="${path}"/></svg><span>${word}</span><span class="severity ${message.severity.toLowerCase()}">${message.severity}</span></p>
<h2 id="${id}-title">${escapeHtml(message.title)}</h2>
${lead === undefined ? "" : `<p class="lead">${escapeHtml(lead)}</p>`}
${command}
${rest.map((line) => `<p>${escapeHtml(line)}</p>`).join("\n")}
${message.quotes.map(quoted).join("\n")}
${fieldList(message)}
${takesCommands ? actionRow(message) : ""}
${linkRow(message)}
${history(message, thread)}
<footer class="context">${message.context.map((each) => `<span>${escapeHtml(each)}</span>`).join(" ")}</footer>
</article>`;
}

/** Lines of a difference carry their sign, so that color is never the only one. */
function quoted({ title, format, text }: Message["quotes"][number]): string {
  const lines = text.split("\n").map((line) => {
    const kind =
      format !== "diff" ? "" : line.startsWith("+") ? "added" : line.startsWith("−") ? "removed" : "";
    return kind === "" ? escapeHtml(line) : `<span class="${kind}">${escapeHtml(line)}</span>`;
  });
  return `<figure class="quote"><figcaption>${escapeHtml(title)}</figcaption><pre tabindex="0">${lines.join("\n")}</pre></figure>`;
}

function fieldList({ fields }: Message): string {
  if (fields.length === 0) return "";
  const items = fields.map(
    ({ label, value }) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<dl class="fields">${items.join("")}</dl>`;
}

function linkRow({ links, title }: Message): string {
  const safe = links.flatMap(({ label, url }) => {
    const href = safeUrl(url);
    return href === null ? [] : [{ label, href }];
  });
  if (safe.length === 0) return "";
  const items = safe.map(
    ({ label, href }) =>
      `<a href="${escapeHtml(href)}" aria-label="${escapeHtml(`${label}: ${title}`)}">${escapeHtml(label)}</a>`,
  );
  return `<p class="links">${items.join("")}</p>`;
}

function history(message: Message, thread: InboxMessage["thread"]): string {
  if (thread.length === 0) return "";
  const items = thread.flatMap(({ text }) => text.split("\n")).map((line) => `<li>${escapeHtml(line)}</li>`);
  const isOpen = message.state !== "resolved" && message.state !== "dismissed";
  return `<details id="${escapeHtml(message.incident_id)}-history"${isOpen ? " open" : ""}>
<summary>History (${items.length})</summary>
<ol>${items.join("")}</ol>
</details>`;
}
