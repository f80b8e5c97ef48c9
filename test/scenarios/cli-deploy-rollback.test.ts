/** `plumbline rollback` believes served calls, not the registry: calls in a real ClickHouse, read over HTTP. */
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { envelope, startDeployProject, type DeployProject } from "./cli-deploy-project.ts";
import { callRow, openStoreWithSql, type StoreWithSql } from "./tail-store.ts";

let store: StoreWithSql;
beforeAll(async () => {
  store = await openStoreWithSql();
});
afterAll(() => store.close());

interface Live extends DeployProject {
  readonly v1: string;
  readonly v2: string;
}

/** v2 is live, v1 was before. */
async function withTwoVersions(): Promise<Live> {
  const project = await startDeployProject();
  await project.plumbline("init");
  await project.admit(1, null);
  await project.plumbline("promote", "ticket-summary", "v1", "--yes");
  await project.admit(2, "v1");
  const { stdout } = await project.plumbline("promote", "ticket-summary", "v2", "--yes", "--json");
  const [top] = (JSON.parse(stdout) as { data: { live: { prompt_version: string }[] } }).data.live;
  const answer = await fetch(`${project.url}/v1/use-cases/ticket-summary`);
  const { versions } = (await answer.json()) as { versions: { number: number; prompt_version: string }[] };
  return {
    ...project,
    v1: versions.find(({ number }) => number === 1)!.prompt_version,
    v2: top!.prompt_version,
  };
}

let n = 0;
async function serve(
  version: string,
  count: number,
  at: number,
  { app = "helpdesk", emitter = null }: { app?: string; emitter?: string | null } = {},
): Promise<void> {
  const rows = Array.from({ length: count }, (_, i) => {
    n += 1;
    return callRow(n, at + i, { prompt_version: version, env: "production", app, emitter_id: emitter });
  });
  await store.store.insertCalls(rows);
}

/** When the registry's log took the rollback. */
async function movedAt(url: string): Promise<number> {
  return vi.waitFor(async () => {
    const answer = await fetch(`${url}/v1/use-cases/ticket-summary/history?limit=1`);
    const { entries } = (await answer.json()) as { entries: { type: string; at: string }[] };
    expect(entries[0]?.type).toBe("rolled_back");
    return Date.parse(entries[0]!.at);
  }, 60_000);
}

const rollback = (project: Live, timeout: string, calls = "20"): ReturnType<Live["plumbline"]> =>
  project.plumbline(
    ..."rollback ticket-summary --reason worse --yes --json --timeout".split(" "),
    timeout,
    "--calls",
    calls,
    "--sql",
    store.sqlUrl,
  );

test("the switch is confirmed by served calls, and its time is that of the last call of the old version", async () => {
  const project = await withTwoVersions();
  const running = rollback(project, "30");
  const at = await movedAt(project.url);
  await serve(project.v2, 3, at + 400);
  await serve(project.v1, 25, at + 500);
  const done = await running;
  expect(done.exitCode).toBe(0);
  expect(envelope(done).data).toMatchObject({
    to: project.v1,
    confirmation: {
      confirmed_by: "served_calls",
      served: {
        is_confirmed: true,
        new_calls: 25,
        old_calls: 3,
        last_old_call_ms: 402,
        first_new_call_ms: 500,
        clients: 1,
        clients_switched: 1,
      },
    },
  });
});

test("calls of the old version that go on are a failure, whatever the registry says", async () => {
  const project = await withTwoVersions();
  const running = rollback(project, "2", "5");
  const at = await movedAt(project.url);
  await serve(project.v2, 2, at + 900, { app: "worker" });
  await serve(project.v1, 10, at + 10, { app: "web" });
  const done = await running;
  expect(done.exitCode).toBe(5);
  const { ok, data, warnings } = envelope(done);
  expect(ok).toBe(false);
  expect(data["confirmation"]).toMatchObject({ confirmed_by: "not_confirmed", served: { old_calls: 2 } });
  expect(warnings[0]).toContain(
    "Not confirmed within 2 s: 2 calls of v2 after the switch, the last one 0.9 s after it",
  );
});

test("without traffic it says that only the registry confirmed it", async () => {
  const project = await withTwoVersions();
  const done = await rollback(project, "1");
  expect(done.exitCode).toBe(0);
  expect(envelope(done).data["confirmation"]).toMatchObject({ confirmed_by: "registry_only" });
  expect(envelope(done).warnings[0]).toContain("No call was stored within 1 s");
});

test("too few calls to prove it are said, and are no failure when no client is behind", async () => {
  const project = await withTwoVersions();
  const running = rollback(project, "2");
  const at = await movedAt(project.url);
  await serve(project.v2, 1, at + 100);
  await serve(project.v1, 4, at + 200);
  const done = await running;
  expect(done.exitCode).toBe(0);
  expect(envelope(done).data["confirmation"]).toMatchObject({ confirmed_by: "not_confirmed" });
  expect(envelope(done).warnings[0]).toContain("only 4 calls of v1 came within 2 s: fewer than the 20");
});

test("each process of an application is asked: a twentieth may hang, and no more", async () => {
  const project = await withTwoVersions();
  const running = rollback(project, "30");
  const at = await movedAt(project.url);
  // The one that hangs first: the command looks while the others are being stored.
  await serve(project.v2, 3, at + 900, { emitter: "hung" });
  for (let i = 0; i < 19; i += 1) await serve(project.v1, 2, at + 200, { emitter: `process ${i}` });
  const done = await running;
  expect(done.exitCode).toBe(0);
  expect(envelope(done).data["confirmation"]).toMatchObject({
    confirmed_by: "served_calls",
    served: { new_calls: 38, old_calls: 3, clients_switched: 19, clients_behind: 1 },
  });

  const again = await withTwoVersions();
  const waiting = rollback(again, "2");
  const later = await movedAt(again.url);
  await serve(again.v2, 1, later + 900, { emitter: "hung" });
  await serve(again.v1, 40, later + 200, { emitter: "fast" });
  const failed = await waiting;
  expect(failed.exitCode).toBe(5);
  expect(envelope(failed).warnings[0]).toContain("of v1, from 1 of ");
});
