import { WebClient, type LogLevel, type Logger as SlackLogger } from "@slack/web-api";
import { ExternalError, type Message, type Notifier } from "@plumbline/ports";
import { renderBlocks, renderText } from "./blocks.ts";
import { isNotEditable, platformCode, toExternalError } from "./errors.ts";
import { escapeText } from "./limits.ts";

/** Logger of this adapter; pino fits. */
interface SlackNotifierLogger {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

interface SlackNotifierOptions {
  /** Bot token. Scopes: chat:write, and channels:history (groups:history for a private channel) to find lost posts. */
  readonly token: string;
  /** Channel id (`C…`), not its name: names can't be searched for lost posts. */
  readonly channel: string;
  /** Base of the API with a slash at the end; tests point it at a fake. */
  readonly apiUrl?: string;
  readonly logger?: SlackNotifierLogger;
  /** Whether messages have buttons: somebody must take the clicks. Default false. */
  readonly buttons?: boolean;
  /** Longest wait for one call, ms. */
  readonly timeoutMs?: number;
}

const EVENT_TYPE = "plumbline_incident";
const HISTORY_PAGE = 200;
/** A lost post is looked for in the newest 1,000 messages of the channel. */
const HISTORY_PAGES_MAX = 5;

/**
 * Shows incidents in one Slack channel: one message per incident, edited as it changes, its history in the thread.
 *
 * Each method makes its calls once. Retries, pacing and order belong to the caller's outbox: the Slack client's own
 * retries post twice after a timeout, and its queue stops for every channel on one rate limit.
 */
export function createSlackNotifier(options: SlackNotifierOptions): Notifier {
  const { token, channel, apiUrl, logger, buttons = false, timeoutMs = 5_000 } = options;
  const client = new WebClient(token, {
    ...(apiUrl === undefined ? {} : { slackApiUrl: apiUrl }),
    retryConfig: { retries: 0 },
    timeout: timeoutMs,
    rejectRateLimitedCalls: true,
    logger: clientLogger(logger),
  });
  /** Newest revision this process showed, by ref: an edit that comes late is dropped. */
  const shown = new Map<string, number>();

  /** Sends with blocks; if Slack refuses the blocks, with text alone. An ugly alert is better than none. */
  async function withBlocks<Result>(
    message: Message,
    send: (body: { text: string; blocks: ReturnType<typeof renderBlocks> }) => Promise<Result>,
  ): Promise<Result> {
    try {
      return await send({
        text: escapeText(message.preview),
        blocks: renderBlocks(buttons ? message : { ...message, actions: [] }),
      });
    } catch (error) {
      const code = platformCode(error);
      if (code !== "invalid_blocks" && code !== "invalid_blocks_format") throw error;
      logger?.warn({ incident_id: message.incident_id, revision: message.revision }, "slack.invalid_blocks");
      // An empty list removes the blocks of the version before; leaving it out would keep them.
      return send({ text: renderText(message), blocks: [] });
    }
  }

  return {
    name: "slack",

    async post(message, { signal }) {
      const answer = await call("chat.postMessage", signal, () =>
        withBlocks(message, (body) =>
          client.chat.postMessage({
            channel,
            ...body,
            metadata: metadata(message),
            unfurl_links: false,
            unfurl_media: false,
          }),
        ),
      );
      if (answer.channel === undefined || answer.ts === undefined) {
        throw new ExternalError("external_invalid_response", "slack chat.postMessage: no channel or ts");
      }
      const ref = `${answer.channel}:${answer.ts}`;
      shown.set(ref, message.revision);
      return { ref };
    },

    async update(ref, message, reply, { signal }) {
      if ((shown.get(ref) ?? 0) > message.revision) return;
      const { channelId, ts } = parseRef(ref);
      let isEdited = true;
      await call("chat.update", signal, async () => {
        try {
          await withBlocks(message, (body) =>
            client.chat.update({ channel: channelId, ts, ...body, metadata: metadata(message) }),
          );
        } catch (error) {
          if (!isNotEditable(error)) throw error;
          isEdited = false;
          logger?.warn(
            { incident_id: message.incident_id, revision: message.revision, code: platformCode(error) },
            "slack.not_editable",
          );
        }
      });
      shown.set(ref, message.revision);
      if (reply === "") return;
      await call("chat.postMessage", signal, () =>
        client.chat.postMessage({
          channel: channelId,
          thread_ts: ts,
          // The root is not true any more, and can't be put right.
          text: escapeText(isEdited ? reply : `${message.preview}\n${reply}`),
          unfurl_links: false,
          unfurl_media: false,
        }),
      );
    },

    async find(incident_id, { signal }) {
      let cursor = "";
      for (let page = 0; page < HISTORY_PAGES_MAX; page++) {
        const answer = await call("conversations.history", signal, () =>
          client.conversations.history({
            channel,
            limit: HISTORY_PAGE,
            include_all_metadata: true,
            ...(cursor === "" ? {} : { cursor }),
          }),
        );
        for (const { ts, metadata: found } of answer.messages ?? []) {
          if (found?.event_type !== EVENT_TYPE || ts === undefined) continue;
          const payload: Record<string, unknown> = found.event_payload ?? {};
          if (payload["incident_id"] !== incident_id) continue;
          const ref = `${channel}:${ts}`;
          const revision = Number(payload["revision"]) || 0;
          shown.set(ref, Math.max(revision, shown.get(ref) ?? 0));
          return { ref, revision };
        }
        cursor = answer.response_metadata?.next_cursor ?? "";
        if (cursor === "") return null;
      }
      return null;
    },
  };
}

/** Makes one call of the Slack API. @throws ExternalError */
async function call<Result>(
  method: string,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  if (signal.aborted) {
    throw new ExternalError("external_unavailable", `slack ${method}: stopping`, { retryable: true });
  }
  try {
    return await work();
  } catch (error) {
    throw toExternalError(error, method);
  }
}

/** By which a message is found again. */
function metadata({ incident_id, revision }: Message) {
  return { event_type: EVENT_TYPE, event_payload: { incident_id, revision } };
}

function parseRef(ref: string): { channelId: string; ts: string } {
  const [channelId, ts] = ref.split(":");
  if (channelId === undefined || ts === undefined) throw new RangeError(`slack: bad message ref ${ref}`);
  return { channelId, ts };
}

/** The client writes to the console unless given a logger. Its lines never hold message texts at these levels. */
function clientLogger(logger: SlackNotifierLogger | undefined): SlackLogger {
  const line =
    (level: "debug" | "warn") =>
    (...parts: unknown[]): void =>
      logger?.[level]({ detail: parts.map(String).join(" ") }, "slack.client");
  return {
    debug: () => undefined,
    info: line("debug"),
    warn: line("debug"),
    error: line("warn"),
    setLevel: () => undefined,
    getLevel: () => "warn" as LogLevel,
    setName: () => undefined,
  };
}
