import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { message, notifierContract } from "@plumbline/ports/notifier.contract";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inboxHandler, type InboxHandlerOptions } from "./handler.ts";
import { openInboxNotifier, type Inbox } from "./inbox.ts";

const options = { signal: new AbortController().signal };

notifierContract("inbox", async () => {
  const dir = await mkdtemp(join(tmpdir(), "inbox-"));
  const notifier = await openInboxNotifier({ dir });
  return {
    notifier,
    reopen: () => openInboxNotifier({ dir }),
    // What a reader would see after a restart: from disk, not from memory.
    shown: async () =>
      (await openInboxNotifier({ dir }))
        .messages(null)
        .map(({ message: { incident_id, revision, title }, thread }) => ({
          incident_id,
          revision,
          title,
          thread: thread.map((line) => line.text),
        })),
    close: () => rm(dir, { recursive: true }),
  };
});

describe("the inbox", () => {
  let dir: string;
  let inbox: Inbox;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "inbox-"));
    inbox = await openInboxNotifier({ dir });
  });
  afterEach(() => rm(dir, { recursive: true }));

  async function serve<Result>(
    handlerOptions: InboxHandlerOptions,
    work: (url: string) => Promise<Result>,
  ): Promise<Result> {
    const handle = inboxHandler(inbox, handlerOptions);
    const server = createServer((request, response) => handle(request, response, null));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  test("posting twice shows one message", async () => {
    await inbox.post(message(), options);
    await inbox.post(message({ revision: 2 }), options);
    expect(inbox.messages(null)).toHaveLength(1);
  });

  test("a reply that is sent again appears once", async () => {
    const { ref } = await inbox.post(message(), options);
    await inbox.update(ref, message({ revision: 2 }), "10:06 UTC · Acknowledged by lee.", options);
    await inbox.update(ref, message({ revision: 2 }), "10:06 UTC · Acknowledged by lee.", options);
    expect(inbox.messages(null)[0]?.thread).toHaveLength(1);
  });

  test("half-written and foreign files are not shown and do not stop the inbox", async () => {
    await inbox.post(message(), options);
    await writeFile(join(dir, "inc_x.json.deadbeef.part"), '{"ref":');
    await writeFile(join(dir, "inc_broken.json"), "{");
    expect((await openInboxNotifier({ dir })).messages(null)).toHaveLength(1);
    expect(await readdir(dir)).not.toContain("inc_x.json.deadbeef.part");
  });

  test("a reader sees and hears of its tenant's messages alone; files of before tenants are for operators", async () => {
    await inbox.post(message({ incident_id: "a", tenant: "team-a" }), options);
    await inbox.post(message({ incident_id: "b", tenant: "team-b" }), options);
    const { tenant: _, ...old } = message({ incident_id: "old" });
    await writeFile(
      join(dir, "old.json"),
      JSON.stringify({ ref: "old", sequence: 9, message: old, thread: [] }),
    );
    const again = await openInboxNotifier({ dir });
    const ids = (tenant: string | null): string[] =>
      again.messages(tenant).map((each) => each.message.incident_id);
    expect(ids("team-a")).toEqual(["a"]);
    expect(ids("default")).toEqual([]);
    expect(ids(null).toSorted()).toEqual(["a", "b", "old"]);
    const heard: string[] = [];
    again.onChange("team-a", () => heard.push("team-a"));
    again.onChange(null, () => heard.push("operator"));
    await again.post(message({ incident_id: "b", tenant: "team-b", revision: 2 }), options);
    expect(heard).toEqual(["operator"]);
  });

  test("a rewrite reaches every text of a stored message, and is on disk when it resolves", async () => {
    const word = "customer=canary";
    const { ref } = await inbox.post(
      message({
        title: word,
        preview: word,
        lines: [word],
        command: word,
        quotes: [
          { title: word, format: "text", text: word, call_ids: ["kept"], until: null },
          { title: "an example", format: "text", text: "of somebody", call_ids: ["erased"], until: null },
        ],
        fields: [{ label: word, value: word }],
        context: [word],
        links: [{ label: word, url: "https://example.com/" }],
      }),
      options,
    );
    await inbox.update(ref, message({ incident_id: "other" }), word, options);
    await inbox.update(ref, message({ revision: 2, title: word }), word, options);
    expect(
      await inbox.rewrite(
        (text, tenant) => text.replaceAll(word, `customer=erased for ${tenant}`),
        ({ call_ids }) => !call_ids.includes("erased"),
      ),
    ).toBe(2);
    const files = await Promise.all((await readdir(dir)).map((name) => readFile(join(dir, name), "utf8")));
    expect(files).toHaveLength(2);
    expect(files.join("")).not.toContain("canary");
    expect(files.join("")).not.toContain("of somebody");
    expect(files.join("")).toContain("customer=erased for default");
  });

  test("an incident id with a path in it stays inside the folder", async () => {
    const { ref } = await inbox.post(message({ incident_id: "../../etc/passwd" }), options);
    expect(ref).toMatch(/^hash_[0-9a-f]{32}$/);
    expect(await readdir(dir)).toEqual([`${ref}.json`]);
  });

  test("what was shown survives kill -9 of the process that showed it", async () => {
    const script = `
      import { openInboxNotifier } from ${JSON.stringify(new URL("./inbox.ts", import.meta.url).href)};
      const inbox = await openInboxNotifier({ dir: ${JSON.stringify(dir)} });
      const message = ${JSON.stringify(message())};
      const { ref } = await inbox.post(message, {});
      for (let revision = 2; ; revision++) {
        await inbox.update(ref, { ...message, revision }, "", {});
        if (revision === 20) process.kill(process.pid, "SIGKILL");
      }`;
    await new Promise<void>((resolve) => {
      const args = ["--conditions=source", "--import", "tsx", "--input-type=module", "--eval", script];
      execFile(process.execPath, args, () => resolve());
    });
    const [survivor] = (await openInboxNotifier({ dir })).messages(null);
    expect(survivor?.message.revision).toBeGreaterThanOrEqual(20);
  });

  test("firing incidents come first, and closed ones last", async () => {
    await inbox.post(message({ incident_id: "a", state: "firing" }), options);
    await inbox.post(message({ incident_id: "c", state: "resolved" }), options);
    await inbox.post(message({ incident_id: "b", state: "acknowledged" }), options);
    expect(inbox.messages(null).map((each) => each.message.incident_id)).toEqual(["a", "b", "c"]);
  });

  test("the page escapes every text, and its policy allows no inline script", async () => {
    const evil = `<script>alert("x")</script>'"`;
    await inbox.post(
      message({
        title: evil,
        lines: [evil],
        command: evil,
        quotes: [{ title: evil, format: "diff", text: `+ ${evil}`, call_ids: [], until: null }],
        fields: [{ label: evil, value: evil }],
        context: [evil],
        links: [
          { label: evil, url: "javascript:alert(1)" },
          { label: "ok", url: `https://example.com/?q="><script>` },
        ],
      }),
      options,
    );
    await serve({}, async (url) => {
      const answer = await fetch(url);
      const html = await answer.text();
      expect(html).not.toMatch(/<script>/);
      expect(html).not.toContain("javascript:");
      expect(html.match(/<script/g)).toHaveLength(1);
      const policy = answer.headers.get("content-security-policy");
      expect(policy).toContain("script-src 'self'");
      expect(policy).not.toContain("unsafe");
    });
  });

  test("the empty page says how many use cases are watched and what silence means", async () => {
    await serve({ watching: () => 3 }, async (url) => {
      const html = await (await fetch(url)).text();
      expect(html).toContain("No incidents");
      expect(html).toContain("watching 3 use cases");
    });
  });

  test("mounted under a path, the page's own links lead there", async () => {
    await serve({ basePath: "/inbox" }, async (url) => {
      const html = await (await fetch(`${url}/inbox`)).text();
      expect(html).toContain('href="/inbox/inbox.css"');
      expect((await fetch(`${url}/inbox/inbox.css`)).headers.get("content-type")).toContain("text/css");
      expect((await fetch(`${url}/elsewhere`)).status).toBe(404);
    });
  });

  test("runbooks are served, and nothing else of the disk is", async () => {
    await writeFile(join(dir, "coverage.md"), "# Coverage");
    await serve({ runbooksDir: dir }, async (url) => {
      expect(await (await fetch(`${url}/runbooks/coverage.md`)).text()).toBe("# Coverage");
      expect((await fetch(`${url}/runbooks/..%2f..%2fetc%2fpasswd.md`)).status).toBe(404);
      expect((await fetch(`${url}/runbooks/absent.md`)).status).toBe(404);
    });
  });

  test("an open page is told of a change, and its stream ends with the service", async () => {
    const stop = new AbortController();
    await serve({ signal: stop.signal }, async (url) => {
      const answer = await fetch(`${url}/events`);
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
      let seen = "";
      await inbox.post(message(), options);
      while (!seen.includes("event: change")) seen += (await reader.read()).value ?? "";
      stop.abort();
      while (!(await reader.read()).done);
      expect(seen).toContain("event: change");
    });
  });

  test("the inbox can only be read", async () => {
    await serve({}, async (url) => {
      expect((await fetch(url, { method: "POST" })).status).toBe(405);
    });
  });
});
