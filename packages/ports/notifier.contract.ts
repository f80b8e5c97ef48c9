import { describe, expect, test } from "vitest";
import type { Message, Notifier } from "./notifier.ts";

/** One notifier under test, with the view of somebody who looks at the channel. */
export interface NotifierFixture {
  readonly notifier: Notifier;
  /** A second notifier on the same channel: the process after a crash. */
  readonly reopen: () => Promise<Notifier>;
  /** What the channel shows: one entry per message, with the lines of its thread. */
  readonly shown: () => Promise<
    readonly { incident_id: string; revision: number; title: string; thread: readonly string[] }[]
  >;
  readonly close: () => Promise<void>;
}

/**
 * What every notifier promises. An adapter's test calls this with a way to open a fresh, empty channel.
 */
export function notifierContract(name: string, open: () => Promise<NotifierFixture>): void {
  const options = { signal: new AbortController().signal };

  async function withChannel(work: (fixture: NotifierFixture) => Promise<void>): Promise<void> {
    const fixture = await open();
    try {
      await work(fixture);
    } finally {
      await fixture.close();
    }
  }

  describe(`${name} is a notifier`, () => {
    test("a posted message is shown once, and its handle edits it", () =>
      withChannel(async ({ notifier, shown }) => {
        const { ref } = await notifier.post(message({ revision: 1, title: "first" }), options);
        await notifier.update(ref, message({ revision: 2, title: "second" }), "lee acknowledged", options);

        expect(await shown()).toMatchObject([
          {
            revision: 2,
            title: expect.stringContaining("second"),
            thread: [expect.stringContaining("lee acknowledged")],
          },
        ]);
      }));

    test("an edit without a reply changes the message and adds nothing to its history", () =>
      withChannel(async ({ notifier, shown }) => {
        const { ref } = await notifier.post(message({ revision: 1, title: "first" }), options);
        await notifier.update(ref, message({ revision: 2, title: "second" }), "", options);

        expect(await shown()).toMatchObject([{ revision: 2, thread: [] }]);
      }));

    test("an incident that was never posted is not found", () =>
      withChannel(async ({ notifier }) => {
        await notifier.post(message({ incident_id: "inc_0000000000000001" }), options);
        expect(await notifier.find("inc_0000000000000002", options)).toBeNull();
      }));

    test("another process finds the message whose answer was lost, and edits it", () =>
      withChannel(async ({ notifier, reopen, shown }) => {
        const { ref } = await notifier.post(message({ revision: 3, title: "before the crash" }), options);
        const after = await reopen();

        const found = await after.find(message().incident_id, options);
        expect(found).toEqual({ ref, revision: 3 });
        await after.update(ref, message({ revision: 4, title: "after the crash" }), "", options);

        expect(await shown()).toMatchObject([
          { revision: 4, title: expect.stringContaining("after the crash") },
        ]);
        expect(await after.find(message().incident_id, options)).toEqual({ ref, revision: 4 });
      }));

    test("an older revision never replaces a newer one", () =>
      withChannel(async ({ notifier, shown }) => {
        const { ref } = await notifier.post(message({ revision: 5, title: "newest" }), options);
        await notifier.update(ref, message({ revision: 4, title: "late" }), "a late line", options);

        expect(await shown()).toMatchObject([
          { revision: 5, title: expect.stringContaining("newest"), thread: [] },
        ]);
      }));

    test("incidents do not mix", () =>
      withChannel(async ({ notifier, shown }) => {
        const a = await notifier.post(message({ incident_id: "inc_000000000000000a", title: "a1" }), options);
        await notifier.post(message({ incident_id: "inc_000000000000000b", title: "b1" }), options);
        await notifier.update(
          a.ref,
          message({ incident_id: "inc_000000000000000a", title: "a2", revision: 2 }),
          "",
          options,
        );

        const titles = new Map((await shown()).map((each) => [each.incident_id, each.title]));
        expect(titles.size).toBe(2);
        expect(titles.get("inc_000000000000000a")).toContain("a2");
        expect(titles.get("inc_000000000000000b")).toContain("b1");
      }));

    test("markup in texts is shown as text", () =>
      withChannel(async ({ notifier, shown }) => {
        const title = "<script>alert(1)</script> & <!channel>";
        await notifier.post(message({ title, lines: ["<b>*bold*</b> & more"] }), options);
        const [first] = await shown();
        expect(first?.title).toContain("alert(1)");
      }));

    test("a message as long as the limits allow is accepted", () =>
      withChannel(async ({ notifier, shown }) => {
        await notifier.post(
          message({
            title: "t".repeat(150),
            preview: "p".repeat(250),
            lines: Array.from({ length: 12 }, () => "<&>".repeat(400)),
            fields: Array.from({ length: 14 }, (_, i) => ({ label: `label ${i}`, value: "v".repeat(2_500) })),
            context: Array.from({ length: 14 }, (_, i) => `context ${i}`),
          }),
          options,
        );
        expect(await shown()).toHaveLength(1);
      }));
  });
}

/** A message as alerts would render it; `changes` says what a test is about. */
export function message(changes: Partial<Message> = {}): Message {
  return {
    incident_id: "inc_00000000000000aa",
    tenant: "default",
    revision: 1,
    state: "firing",
    severity: "SEV2",
    preview: "[SEV2] ticket-summary: faithfulness fell from 94.1% to 78.9% on v15. Roll back to v14.",
    title: "ticket-summary: faithfulness fell from 94.1% to 78.9% on v15",
    lines: [
      "Roll back to v14.",
      "Faithfulness fell by 15.2 points. Only requests that mention money got worse.",
    ],
    command: "npx @plumbline/cli rollback ticket-summary --to v14 --reason inc_00000000000000aa",
    quotes: [
      {
        title: "Prompt, v14 to v15",
        format: "diff",
        text: "+ Be careful with amounts.",
        call_ids: [],
        until: null,
      },
    ],
    fields: [{ label: "Severity", value: "SEV2" }],
    context: ["inc_00000000000000aa", "judge faithfulness@3"],
    links: [{ label: "Runbook", url: "https://example.com/runbooks/quality-regression.md" }],
    actions: [],
    ...changes,
  };
}
