import { message } from "@plumbline/ports/notifier.contract";
import { expect, test } from "vitest";
import { actionRow } from "./actions.ts";

const ACTION = {
  id: "pl.rollback",
  label: `Roll back to <b>v1</b> "now"`,
  style: "danger",
  value: JSON.stringify({ incident_id: "inc_00000000000000aa", command: "rollback" }),
  confirm: { title: "Roll back?", text: `<script>"it's"</script>`, yes: "Roll back" },
  choices: [],
  asks: null,
} as const;

test("a button carries its value and its question, and none of it is markup", () => {
  const html = actionRow(message({ actions: [ACTION] }));
  expect(html).not.toMatch(/<script|<b>/);
  expect(html.match(/<button/g)).toHaveLength(1);
  expect(html).toContain('id="pl.rollback-inc_00000000000000aa"');
  expect(html).toContain("&quot;command&quot;:&quot;rollback&quot;");
});

test("a message without actions has no row", () => {
  expect(actionRow(message())).toBe("");
});
