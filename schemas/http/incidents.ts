/** Incidents over HTTP, and what people do about them: on the page, in Slack and on the command line the same commands. */
import { z } from "zod";
import { ContentHash } from "../registry/registry-http.ts";

/** What a person may do about an incident. */
const INCIDENT_COMMANDS = ["acknowledge", "snooze", "dismiss", "reopen", "note", "rollback"] as const;
export type IncidentCommandName = (typeof INCIDENT_COMMANDS)[number];

/** Longest snooze, minutes: a week. */
const SNOOZE_MINUTES_MAX = 10_080;
const NOTE_CHARS_MAX = 2_000;

const IncidentId = z
  .string()
  .regex(/^inc_[0-9a-f]{16}$/, "must be inc_ and 16 hex digits, as the alert shows it");

/** What a button of a message carries back when it is pressed. */
export const IncidentActionValue = z
  .object({
    incident_id: IncidentId,
    command: z.enum(INCIDENT_COMMANDS),
    expected_revision: z.number().int().positive().describe("state_revision of the incident that was shown"),
    for_minutes: z.number().int().positive().max(SNOOZE_MINUTES_MAX).optional().describe("of a snooze"),
    from: ContentHash.optional().describe("of a rollback: the version that is taken back"),
    to: ContentHash.optional().describe("of a rollback: the version that serves instead"),
  })
  .strict();
export type IncidentActionValue = z.infer<typeof IncidentActionValue>;

const expected_revision = z
  .number()
  .int()
  .positive()
  .optional()
  .describe(
    "state_revision that the sender saw; it is refused when the state changed since. Default: as it is now",
  );
const words = (what: string) => z.string().trim().min(1, `must say ${what}`).max(NOTE_CHARS_MAX);

export const AcknowledgeBody = z.object({ expected_revision }).strict();
export const SnoozeBody = z
  .object({
    expected_revision,
    for_minutes: z.number().int().min(1).max(SNOOZE_MINUTES_MAX).describe("how long nobody is told"),
  })
  .strict();
export const DismissBody = z
  .object({
    expected_revision,
    why: words("why it is no regression").describe("kept, and counted against the rule"),
  })
  .strict();
export const ReopenBody = z.object({ expected_revision }).strict();
export const NoteBody = z.object({ text: words("something") }).strict();
export const RollBackIncidentBody = z
  .object({
    expected_revision,
    from: ContentHash.optional().describe(
      "refused when this one is not live any more. Default: the version it blames",
    ),
    to: ContentHash.optional().describe("default: the version that it was compared with"),
    reason: z
      .string()
      .trim()
      .max(NOTE_CHARS_MAX)
      .default("")
      .describe("kept in the history, beside the incident's id"),
  })
  .strict();

const Version = z.object({
  prompt_version: z.string(),
  number: z
    .number()
    .int()
    .positive()
    .nullable()
    .describe("per use case, v<number>; null outside the registry"),
});

export const IncidentView = z.object({
  incident_id: z.string(),
  tenant: z.string(),
  env: z.string(),
  use_case: z.string(),
  kind: z.string().describe("what the monitor asserts, such as quality"),
  metric: z.string(),
  severity: z.string().describe("SEV1, SEV2 or SEV3"),
  state: z.string().describe("firing, acknowledged, snoozed, watching, resolved or dismissed"),
  summary: z.string().describe("the alert's own sentence"),
  revision: z.number().int(),
  state_revision: z.number().int().describe("send as expected_revision with a command"),
  episode: z.number().int(),
  opened_at: z.string(),
  state_changed_at: z.string(),
  state_changed_by: z.string(),
  snoozed_until: z.string().nullable(),
  candidate: Version,
  incumbent: Version.nullable(),
  slices: z
    .array(z.string())
    .describe("names of input predicates that explain it, the clearest first; empty when it is in all alike"),
  commands: z.array(z.string()).describe("what may be done about it in its state"),
  history: z.array(z.object({ at: z.string(), actor: z.string(), text: z.string() })).describe("newest last"),
});
export type IncidentView = z.output<typeof IncidentView>;

/** How often people said that a rule was wrong. */
export const RulePrecision = z.object({
  kind: z.string(),
  metric: z.string(),
  alerts: z.number().int().describe("times that it fired"),
  dismissed: z.number().int().describe("of those, that people dismissed as no regression"),
  precision: z.number().nullable().describe("share of alerts that nobody dismissed; null before the first"),
});
export type RulePrecision = z.output<typeof RulePrecision>;

export const IncidentsAnswer = z.object({
  incidents: z.array(IncidentView).describe("open ones first; within, the newest change first"),
  rules: z.array(RulePrecision),
});
export type IncidentsAnswer = z.output<typeof IncidentsAnswer>;

/** Answer of a command. */
export const IncidentCommandAnswer = z.object({
  incident: IncidentView,
  changed: z.boolean().describe("false: the same command had been given already"),
});
export type IncidentCommandAnswer = z.output<typeof IncidentCommandAnswer>;
