import { ExternalError } from "@plumbline/ports";
import { message, notifierContract } from "@plumbline/ports/notifier.contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startFakeSlack, type FakeSlack, type FakeSlackFault } from "../../../test/fake-slack.ts";
import { createSlackNotifier } from "./notifier.ts";

const options = { signal: new AbortController().signal };

notifierContract("slack", async () => {
  const slack = await startFakeSlack();
  const open = () =>
    createSlackNotifier({ token: "xoxb-test", channel: slack.channel, apiUrl: slack.apiUrl });
  return {
    notifier: open(),
    reopen: async () => open(),
    shown: async () =>
      slack.messages.map(({ metadata, blocks, thread }) => ({
        incident_id: String(metadata?.event_payload["incident_id"]),
        revision: Number(metadata?.event_payload["revision"]),
        title: blocks.find((block) => block.type === "header")?.text?.text ?? "",
        thread,
      })),
    close: () => slack.close(),
  };
});

describe("the slack notifier", () => {
  let slack: FakeSlack;
  const open = (timeoutMs = 5_000) =>
    createSlackNotifier({ token: "xoxb-test", channel: slack.channel, apiUrl: slack.apiUrl, timeoutMs });
  beforeEach(async () => {
    slack = await startFakeSlack();
  });
  afterEach(() => slack.close());

  test.each<{
    name: string;
    fault: FakeSlackFault;
    code: string;
    retryable: boolean;
    retryAfterMs: number | null;
  }>([
    {
      name: "a rate limit keeps Slack's own wait",
      fault: { kind: "rate_limited", retry_after_s: 30 },
      code: "external_rate_limited",
      retryable: true,
      retryAfterMs: 30_000,
    },
    {
      name: "a server error may have been shown",
      fault: { kind: "http", status: 503 },
      code: "external_unavailable",
      retryable: false,
      retryAfterMs: null,
    },
    {
      name: "a lost answer may have been shown",
      fault: { kind: "lost_answer" },
      code: "external_unavailable",
      retryable: false,
      retryAfterMs: null,
    },
    {
      name: "an internal error of Slack may have been shown",
      fault: { kind: "error", error: "internal_error" },
      code: "external_unavailable",
      retryable: false,
      retryAfterMs: null,
    },
    {
      name: "a revoked token needs a person",
      fault: { kind: "error", error: "token_revoked" },
      code: "external_refused",
      retryable: false,
      retryAfterMs: null,
    },
    {
      name: "an archived channel needs a person",
      fault: { kind: "error", error: "is_archived" },
      code: "external_refused",
      retryable: false,
      retryAfterMs: null,
    },
    {
      name: "a forbidden request needs a person",
      fault: { kind: "http", status: 403 },
      code: "external_refused",
      retryable: false,
      retryAfterMs: null,
    },
  ])("$name", async ({ fault, code, retryable, retryAfterMs }) => {
    slack.fail("chat.postMessage", fault);
    const error = await open()
      .post(message(), options)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ExternalError);
    expect(error).toMatchObject({ code, retryable, retryAfterMs });
  });

  test("a connection that was never made is safe to repeat", async () => {
    const notifier = open();
    await slack.close();
    await expect(notifier.post(message(), options)).rejects.toMatchObject({
      code: "external_unavailable",
      retryable: true,
    });
    slack = await startFakeSlack();
  });

  test("an answer later than the timeout is ambiguous and is not sent again by the client", async () => {
    slack.fail("chat.postMessage", { kind: "slow", delay_ms: 400 });
    await expect(open(100).post(message(), options)).rejects.toMatchObject({
      code: "external_unavailable",
      retryable: false,
    });
    expect(slack.calls).toEqual(["chat.postMessage"]);
  });

  test("refused blocks are sent again as plain text that says everything", async () => {
    slack.fail("chat.postMessage", { kind: "error", error: "invalid_blocks" });
    await open().post(message(), options);
    expect(slack.messages).toHaveLength(1);
    expect(slack.messages[0]).toMatchObject({ blocks: [] });
    expect(slack.messages[0]?.text).toContain("faithfulness down 15.2 pp on v15");
    expect(slack.messages[0]?.text).toContain("1,127 judged of 22,540 calls");
  });

  test("no text can mention a channel or forge a link", async () => {
    await open().post(
      message({ preview: "<!channel> a & b", lines: ["<https://evil.example|click>"] }),
      options,
    );
    const [shown] = slack.messages;
    expect(shown?.text).toBe("&lt;!channel&gt; a &amp; b");
    expect(shown?.blocks[1]?.text?.text).toBe("*&lt;https://evil.example|click&gt;*");
  });

  test("state is said in words and not only by an icon", async () => {
    await open().post(message({ state: "resolved" }), options);
    expect(slack.messages[0]?.blocks[0]?.text?.text).toMatch(/^✅ Resolved · /);
  });
});
