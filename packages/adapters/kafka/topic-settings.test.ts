import { describe, expect, test } from "vitest";
import { judgeSettings, newSettings, settingNames } from "./topic-settings.ts";

const good = (replication: number): Map<string, string> =>
  new Map(newSettings("plumbline.calls", replication).map(({ name, value }) => [name, value]));

describe("a topic's settings", () => {
  test("as it is created are fine, with one copy and with three", () => {
    for (const replication of [1, 3]) {
      expect(judgeSettings("plumbline.calls", good(replication), replication).refusals).toEqual([]);
    }
    expect(good(3).get("min.insync.replicas")).toBe("2");
    expect(good(1).has("min.insync.replicas")).toBe(false);
    expect(settingNames("plumbline.calls")).toContain("min.insync.replicas");
  });

  test("with three copies and one in sync are refused, for an acknowledged record may be on one broker alone", () => {
    const found = good(3).set("min.insync.replicas", "1");
    expect(judgeSettings("plumbline.calls", found, 3).refusals).toEqual([
      expect.stringContaining("expected min.insync.replicas=2, found 1"),
    ]);
    expect(judgeSettings("plumbline.calls", good(3).set("min.insync.replicas", "3"), 3).refusals).toEqual([]);
  });

  test("with fewer copies than three come with advice, and no refusal", () => {
    const { refusals, advice } = judgeSettings("plumbline.calls", good(1), 1);
    expect(refusals).toEqual([]);
    expect(advice).toEqual([expect.stringContaining("has 1 copy of each record")]);
    expect(judgeSettings("plumbline.calls", good(3), 3).advice).toEqual([]);
  });

  test("of the registry keep everything: no number of milliseconds is enough", () => {
    const found = new Map(newSettings("plumbline.registry", 3).map(({ name, value }) => [name, value]));
    found.set("retention.ms", "99999999999999");
    expect(judgeSettings("plumbline.registry", found, 3).refusals).toEqual([
      expect.stringContaining("expected retention.ms=-1"),
    ]);
  });
});
