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
    expect(slack.messages[0]?.text).toContain("faithfulness fell from 94.1% to 78.9% on v15");
    expect(slack.messages[0]?.text).toContain("Only requests that mention money got worse");
  });

  test("no text can mention a channel or forge a link", async () => {
    await open().post(
      message({ preview: "<!channel> a & b", lines: ["<https://evil.example|click>"], command: null }),
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

  test.each(["cant_update_message", "edit_window_closed"])(
    "a message that nobody may edit any more (%s) is told in its thread, once a change, with what is true now",
    async (error) => {
      const slackNotifier = open();
      const { ref } = await slackNotifier.post(message(), options);
      const changed = message({ revision: 2, preview: "[SEV2 resolved] ticket-summary: over" });
      slack.fail("chat.update", { kind: "error", error });
      await slackNotifier.update(ref, changed, "10:06 UTC · Resolved.", options);
      expect(slack.messages).toHaveLength(1);
      expect(slack.messages[0]?.thread).toEqual([
        "[SEV2 resolved] ticket-summary: over\n10:06 UTC · Resolved.",
      ]);
      // New numbers alone are no news.
      slack.fail("chat.update", { kind: "error", error });
      await slackNotifier.update(ref, message({ revision: 3 }), "", options);
      expect(slack.messages[0]?.thread).toHaveLength(1);
    },
  );

  test.each([
    { error: "message_not_found", code: "external_gone" },
    { error: "msg_too_long", code: "external_refused_one" },
    { error: "is_archived", code: "external_refused" },
    { error: "token_revoked", code: "external_refused" },
  ])("a refusal says whether it is about the message or about all: $error", async ({ error, code }) => {
    const slackNotifier = open();
    const { ref } = await slackNotifier.post(message(), options);
    slack.fail("chat.update", { kind: "error", error });
    await expect(slackNotifier.update(ref, message({ revision: 2 }), "", options)).rejects.toMatchObject({
      code,
    });
  });
});
