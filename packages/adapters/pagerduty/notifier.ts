import type { Message, Notifier } from "@plumbline/ports";
import { clip } from "@plumbline/schemas";
import { sendJson } from "../webhook/send-json.ts";

interface PagerDutyOptions {
  /** Integration key of a service, Events API v2. */
  readonly routingKey: string;
  /** Address of the API; tests point it at a fake. */
  readonly url?: string;
  /** Longest wait for one request, ms. */
  readonly timeoutMs?: number;
}

const EVENTS_URL = "https://events.pagerduty.com/v2/enqueue";
// PagerDuty's limits, in characters.
const SUMMARY_LENGTH_MAX = 1_024;
const KEY_LENGTH_MAX = 255;

const SEVERITIES: Readonly<Record<Message["severity"], string>> = {
  SEV1: "critical",
  SEV2: "error",
  SEV3: "warning",
};
const ACTIONS: Readonly<Record<Message["state"], "trigger" | "acknowledge" | "resolve">> = {
  firing: "trigger",
  acknowledged: "acknowledge",
  snoozed: "acknowledge",
  watching: "acknowledge",
  resolved: "resolve",
  dismissed: "resolve",
};

/** Pages by PagerDuty: one alert an incident, triggered, acknowledged and resolved as the incident is. */
export function createPagerDutyNotifier({
  routingKey,
  url = EVENTS_URL,
  timeoutMs = 10_000,
}: PagerDutyOptions): Notifier {
  /** What each incident was last told as: numbers alone page nobody again. */
  const told = new Map<
    string,
    { readonly action: string; readonly severity: string; readonly revision: number }
  >();

  async function send(message: Message, signal: AbortSignal): Promise<void> {
    const { incident_id, severity, revision } = message;
    const action = ACTIONS[message.state];
    const last = told.get(incident_id);
    if (last !== undefined && last.revision > revision) return;
    if (last?.action !== action || last.severity !== severity) {
      await sendJson({
        url,
        body: JSON.stringify(eventOf(message, routingKey)),
        headers: {},
        timeoutMs,
        signal,
      });
    }
    told.set(incident_id, { action, severity, revision });
  }

  return {
    name: "pagerduty",
    async post(message, { signal }) {
      await send(message, signal);
      return { ref: message.incident_id };
    },
    async update(_ref, message, _reply, { signal }) {
      await send(message, signal);
    },
    // The key of the alert makes a second trigger the same alert.
    find: () => Promise.resolve(null),
  };
}

function eventOf(message: Message, routing_key: string) {
  const { incident_id, severity, state, preview, title, command, lines, fields, context, links } = message;
  return {
    routing_key,
    event_action: ACTIONS[state],
    dedup_key: clip(incident_id, KEY_LENGTH_MAX),
    payload: {
      summary: clip(preview, SUMMARY_LENGTH_MAX),
      source: "plumbline",
      severity: SEVERITIES[severity],
      custom_details: {
        title,
        ...(command !== null && { command }),
        text: lines.join("\n"),
        ...Object.fromEntries(fields.map(({ label, value }) => [label, value])),
        small_print: context.join(" "),
      },
    },
    links: links.flatMap(({ label, url }) => (/^https?:\/\//i.test(url) ? [{ href: url, text: label }] : [])),
  };
}
