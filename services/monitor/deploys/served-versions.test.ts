import type { VersionActivity } from "@plumbline/ports";
import { expect, test } from "vitest";
import { ServedVersions } from "./served-versions.ts";

const useCase = { tenant: "t", env: "e", use_case: "u" };

const activity = (prompt_version: string, first: string, last: string): VersionActivity => ({
  ...useCase,
  prompt_version,
  calls: 1,
  sampled: 1,
  first_started_at: `2026-03-20T${first}:00.000Z`,
  last_started_at: `2026-03-20T${last}:00.000Z`,
  last_ingested_at: `2026-03-20T${last}:01.000Z`,
});

test("overlapping looks widen what is known, and say nothing twice", () => {
  const served = new ServedVersions();
  served.merge([activity("v1", "08:00", "09:00")]);
  served.merge([activity("v1", "08:30", "10:00"), activity("", "08:00", "11:00")]);
  expect(served.of(useCase)).toEqual([
    {
      prompt_version: "v1",
      first_started_at: "2026-03-20T08:00:00.000Z",
      last_started_at: "2026-03-20T10:00:00.000Z",
    },
  ]);
  expect(served.newestMs).toBe(Date.parse("2026-03-20T11:00:01.000Z"));
});

test.each([
  { name: "the version with the newest call", version: "v2", gone: null },
  { name: "a version beside it, as in a canary", version: "v3", gone: null },
  {
    name: "a version without a call for a quarter of an hour",
    version: "v1",
    gone: "2026-03-20T09:00:00.000Z",
  },
  { name: "a version that nobody knows", version: "v9", gone: null },
])("$name is gone since $gone", ({ version, gone }) => {
  const served = new ServedVersions();
  served.merge([
    activity("v1", "08:00", "09:00"),
    activity("v2", "08:30", "10:00"),
    activity("v3", "08:40", "09:50"),
  ]);
  expect(served.serving(useCase)?.prompt_version).toBe("v2");
  expect(served.goneSince(useCase, version)).toBe(gone);
});

test("where the registry took it back, a version is gone after a shorter silence", () => {
  const served = new ServedVersions();
  served.merge([activity("v1", "08:00", "09:00"), activity("v2", "08:30", "09:01")]);
  expect(served.goneSince(useCase, "v1")).toBeNull();
  expect(served.goneSince(useCase, "v1", 30_000)).toBe("2026-03-20T09:00:00.000Z");
  expect(served.goneSince(useCase, "v1", 90_000)).toBeNull();
});

test("when all traffic stops nobody is gone: silence is a matter of coverage", () => {
  const served = new ServedVersions();
  served.merge([activity("v1", "08:00", "09:00")]);
  expect(served.goneSince(useCase, "v1")).toBeNull();
});
