import type { OutsideCase } from "../case.ts";

interface FieldCase extends OutsideCase {
  /** In place of what a whole call has. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly expected:
    | {
        readonly kind: "stored";
        /** Fields of the call as it lies in the log. */
        readonly as: Readonly<Record<string, unknown>>;
        /** Fields that the warnings name. */
        readonly warned: readonly string[];
      }
    | { readonly kind: "refused"; readonly field: string; readonly message: RegExp };
}

const unknown = (given: string, field: string, value: unknown): FieldCase => ({
  given,
  becomes: `${field} is unknown, the call is stored`,
  fields: { [field]: value },
  expected: { kind: "stored", as: { [field]: null }, warned: [field] },
});
const refused = (given: string, field: string, value: unknown, message: RegExp): FieldCase => ({
  given,
  becomes: "refused: it is required",
  fields: { [field]: value },
  expected: { kind: "refused", field, message },
});

export const FIELD_CASES: readonly FieldCase[] = [
  unknown("a token count with a fraction", "input_tokens", 12.5),
  unknown("a negative token count", "output_tokens", -1),
  unknown("a token count in quotes", "input_tokens", "120"),
  unknown("a token count of 2^63", "cached_input_tokens", 2 ** 63),
  unknown("a cost in quotes", "cost_usd", "0.002"),
  unknown("a time to the first token over a day", "ttft_ms", 86_400_001),
  unknown("a conversation id that is a number", "conversation_id", 42),
  unknown("an input that is a list of messages", "input", [{ role: "user", content: "Hi" }]),
  unknown("a prompt version that is a number", "prompt_version", 15),
  unknown("an error type that is too long", "error_type", "x".repeat(201)),
  {
    given: "a null attribute beside a good one",
    becomes: "that attribute is left out, the other is kept",
    fields: { attributes: { tier: null, plan: "pro" } },
    expected: { kind: "stored", as: { attributes: { plan: "pro" } }, warned: ["attributes.tier"] },
  },
  {
    given: "an attribute that is a number",
    becomes: "that attribute is left out",
    fields: { attributes: { retries: 3 } },
    expected: { kind: "stored", as: { attributes: {} }, warned: ["attributes.retries"] },
  },
  {
    given: "a variable that is an object",
    becomes: "that variable is left out, the others are kept",
    fields: { vars: { ticket: "text", meta: { a: 1 } } },
    expected: { kind: "stored", as: { vars: { ticket: "text" } }, warned: ["vars.meta"] },
  },
  {
    given: "an attempt with a latency over a day",
    becomes: "that attempt is left out, the others are kept",
    fields: {
      attempts: [
        { model: "a", path: "primary", status: "error", latency_ms: 90_000_000 },
        { model: "b", path: "retry", status: "ok", latency_ms: 5 },
      ],
    },
    expected: {
      kind: "stored",
      as: { attempts: [{ model: "b", path: "retry", status: "ok", latency_ms: 5 }] },
      warned: ["attempts.0"],
    },
  },
  {
    given: "three wrong fields at once",
    becomes: "each is unknown, and each is named",
    fields: { input_tokens: 1.5, output_tokens: "x", attributes: { a: null } },
    expected: {
      kind: "stored",
      as: { input_tokens: null, output_tokens: null, attributes: {} },
      warned: ["input_tokens", "output_tokens", "attributes.a"],
    },
  },
  refused("30 February", "started_at", "2026-02-30T10:00:00Z", /ISO 8601/),
  refused("a model that is null", "model", null, /model/),
  refused("a status that nobody knows", "status", "fine", /one of ok/),
  refused("a latency in quotes", "latency_ms", "812", /a number/),
  refused("an environment that is a number", "env", 5, /env/),
  {
    given: "a wrong optional field beside a wrong required one",
    becomes: "refused: the required one decides",
    fields: { input_tokens: -1, model: 5 },
    expected: { kind: "refused", field: "model", message: /also wrong: input_tokens/ },
  },
];
