import { expect, test } from "vitest";
import { readAudit } from "./read-audit.ts";

const report = (high: number, critical: number): string =>
  JSON.stringify({
    vulnerabilities: high + critical === 0 ? {} : { "left-pad": { severity: "high" } },
    metadata: { vulnerabilities: { high, critical, total: 3 }, dependencies: { prod: 132 } },
  });

test.each([
  ["no finding of high severity", report(0, 0), true, "132 production packages"],
  ["a high one", report(1, 0), false, "1 high"],
  ["a critical one", report(0, 1), false, "left-pad"],
  [
    "a registry without the list",
    '{"message":"405 Method Not Allowed","statusCode":405}',
    true,
    "NOT AUDITED",
  ],
  ["the same, nested", '{"error":{"statusCode":405}}', true, "NOT AUDITED"],
  ["a registry that is down", '{"message":"503","statusCode":503}', false, "503"],
  ["a registry that refuses us", '{"error":{"statusCode":401}}', false, "401"],
  ["no JSON", "npm ERR!", false, "nothing that can be read"],
  ["an empty object", "{}", false, "failed"],
])("%s", (_what, output, isOk, says) => {
  expect(readAudit(output)).toMatchObject({ isOk, says: expect.stringContaining(says) });
});
