import type { IncidentEvent } from "@plumbline/schemas";
import { detection } from "../../alerts/detection.fixture.ts";

/**
 * One request for each route that asks for a key, and what it is answered. `USE_CASE` and its version are tenant X's:
 * `right` is the answer to X's key, `other` that to a key of tenant Y with the same scope.
 */
export interface Sample {
  /** Path to ask, where the pattern has parameters. */
  readonly path?: string;
  readonly body?: unknown;
  /** Status for the right key of the tenant that the data belongs to. */
  readonly right: number;
  /** Status for a key of another tenant with the scope. */
  readonly other: number;
  /** What another tenant's key gets to see instead, for the reference. */
  readonly otherMeans: string;
}

export const USE_CASE = "ticket-summary";
const OF = `/v1/use-cases/${USE_CASE}`;
const NOT_THERE = "the use case does not exist for it";
const OWN_ONLY = "its own alone";
const CALL = { app: "a", use_case: "u", model: "m", status: "ok", latency_ms: 1 };
const FEEDBACK = {
  feedback_id: "f1",
  call_id: "0198f3a0-0000-7000-8000-000000000001",
  use_case: "u",
  kind: "thumb",
  value: 1,
  given_at: "2026-11-24T09:15:00.000Z",
};
const INBOX = { right: 200, other: 200, otherMeans: OWN_ONLY };
const SAME = { right: 200, other: 200, otherMeans: "the same" };
/** Unknown names are 404 for everybody. */
const RUNBOOK = { path: "/runbooks/none.md", right: 404, other: 404, otherMeans: "the same" };

const LETTER_ID = "plumbline.calls/0/7";
/** A dead letter of tenant X. */
export const DEAD_LETTER = {
  key: "k",
  value: new TextEncoder().encode("{"),
  headers: { tenant: "team-x", topic: "plumbline.calls", partition: "0", offset: "7", reason: "not_json" },
};

/** An alert of tenant X that names no version to take back. */
export const INCIDENT: IncidentEvent = {
  type: "detected",
  incident_id: "inc_00000000000000a1",
  at: "2026-11-24T10:02:00.000Z",
  actor: "monitor",
  detection: detection({ tenant: "team-x", use_case: USE_CASE }),
};
const INCIDENT_PATH = `/v1/incidents/${INCIDENT.incident_id}`;

/** @param version of the use case @param keyId of a key of tenant X that nothing else needs */
export function samplesOf(version: string, keyId: string): Readonly<Record<string, Sample>> {
  const there = (body: unknown, right: number): Sample => ({
    body,
    right,
    other: 404,
    otherMeans: NOT_THERE,
  });
  const alert = (command: string, body: unknown, right = 200): Sample => ({
    path: `${INCIDENT_PATH}/${command}`,
    body,
    right,
    other: 404,
    otherMeans: "the alert does not exist for it",
  });
  return {
    "POST /v1/calls": { body: CALL, right: 200, other: 200, otherMeans: "stored as its own" },
    "POST /v1/feedback": { body: FEEDBACK, right: 200, other: 200, otherMeans: "stored as its own" },
    "GET /v1/live": {
      path: `/v1/live?use_cases=${USE_CASE}`,
      right: 200,
      other: 200,
      otherMeans: "listed as missing",
    },
    "GET /v1/live/pick": {
      path: `/v1/live/pick?use_cases=${USE_CASE}&conversation_id=c`,
      right: 200,
      other: 200,
      otherMeans: "nothing is picked",
    },
    "GET /v1/use-cases": { right: 200, other: 200, otherMeans: OWN_ONLY },
    "GET /v1/use-cases/:use_case": { path: OF, right: 200, other: 404, otherMeans: NOT_THERE },
    "GET /v1/use-cases/:use_case/versions/:version": {
      path: `${OF}/versions/v1`,
      right: 200,
      other: 404,
      otherMeans: NOT_THERE,
    },
    "GET /v1/use-cases/:use_case/history": {
      path: `${OF}/history`,
      right: 200,
      other: 404,
      otherMeans: NOT_THERE,
    },
    "POST /v1/use-cases/:use_case/versions": {
      path: `${OF}/versions`,
      body: {},
      right: 400,
      other: 400,
      otherMeans: "registered as its own",
    },
    "POST /v1/use-cases/:use_case/evals": {
      path: `${OF}/evals`,
      body: {},
      right: 400,
      other: 400,
      otherMeans: NOT_THERE,
    },
    "POST /v1/use-cases/:use_case/approvals": {
      path: `${OF}/approvals`,
      // Whoever pushed a version may not approve it: the handler was reached.
      ...there({ prompt_version: version }, 403),
    },
    "POST /v1/use-cases/:use_case/promote": {
      path: `${OF}/promote`,
      ...there({ prompt_version: version, expected_revision: 1 }, 200),
    },
    "POST /v1/use-cases/:use_case/advance": {
      path: `${OF}/advance`,
      ...there({ prompt_version: version, step: 1, expected_revision: 1, reason: "r" }, 409),
    },
    "POST /v1/use-cases/:use_case/rollback": { path: `${OF}/rollback`, ...there({ reason: "r" }, 409) },
    "POST /v1/use-cases/:use_case/quarantine": {
      path: `${OF}/quarantine`,
      ...there({ prompt_version: version, reason: "r" }, 200),
    },
    "POST /v1/use-cases/:use_case/policies": {
      path: `${OF}/policies`,
      body: {},
      right: 400,
      other: 400,
      otherMeans: NOT_THERE,
    },
    "POST /v1/use-cases/:use_case/drills": {
      path: `${OF}/drills`,
      body: {},
      right: 400,
      other: 400,
      otherMeans: NOT_THERE,
    },
    "GET /v1/fleets": { right: 200, other: 200, otherMeans: OWN_ONLY },
    "POST /v1/fleets/:env/models": {
      path: "/v1/fleets/production/models",
      body: { model: "openai/none", state: "off", reason: "r" },
      right: 200,
      other: 200,
      otherMeans: "switched off for its own fleet",
    },
    "POST /v1/fleets/:env/automation": {
      path: "/v1/fleets/production/automation",
      body: { state: "running", reason: "r" },
      right: 200,
      other: 200,
      otherMeans: "said of its own fleet",
    },
    "GET /v1/incidents": { right: 200, other: 200, otherMeans: OWN_ONLY },
    "GET /v1/incidents/:incident_id": {
      path: INCIDENT_PATH,
      right: 200,
      other: 404,
      otherMeans: "the alert does not exist for it",
    },
    "POST /v1/incidents/:incident_id/acknowledge": alert("acknowledge", {}),
    "POST /v1/incidents/:incident_id/snooze": alert("snooze", { for_minutes: 1 }),
    "POST /v1/incidents/:incident_id/dismiss": alert("dismiss", { why: "w" }),
    "POST /v1/incidents/:incident_id/reopen": alert("reopen", {}),
    "POST /v1/incidents/:incident_id/note": alert("note", { text: "t" }),
    "POST /v1/incidents/:incident_id/rollback": alert("rollback", {}, 409),
    "GET /v1/dead-letters": { right: 200, other: 200, otherMeans: OWN_ONLY },
    "GET /v1/dead-letters/:topic/:partition/:offset": {
      path: `/v1/dead-letters/${LETTER_ID}`,
      right: 200,
      other: 404,
      otherMeans: "the dead letter does not exist for it",
    },
    "POST /v1/dead-letters/redrive": {
      body: { ids: [LETTER_ID] },
      right: 200,
      other: 200,
      otherMeans: "left out as unknown",
    },
    "GET /v1/keys": { right: 200, other: 200, otherMeans: OWN_ONLY },
    "POST /v1/keys": {
      body: { name: "n", scopes: ["read"], tenant: "team-x" },
      right: 201,
      other: 403,
      otherMeans: "only the admin key of the environment makes keys of other tenants",
    },
    "POST /v1/keys/:key_id/rotate": {
      path: `/v1/keys/${keyId}/rotate`,
      body: {},
      right: 201,
      other: 404,
      otherMeans: "the key does not exist for it",
    },
    "POST /v1/keys/:key_id/revoke": {
      path: `/v1/keys/${keyId}/revoke`,
      body: {},
      right: 200,
      other: 404,
      otherMeans: "the key does not exist for it",
    },
    "POST /v1/erasures": {
      body: { kind: "call", id: "none", tenant: "team-x", dry_run: true },
      right: 202,
      other: 403,
      otherMeans: "only the admin key of the environment erases what is another tenant's",
    },
    "GET /v1/erasures/:erasure_id": {
      path: "/v1/erasures/none",
      right: 404,
      other: 404,
      otherMeans: "the erasure does not exist for it",
    },
    "GET /v1/rollouts": { right: 200, other: 200, otherMeans: "those of the service's own registry key" },
    "GET /v1/automation": { right: 200, other: 200, otherMeans: "that of the service's own registry key" },
    "POST /v1/session": { right: 204, other: 204, otherMeans: "a session of its own" },
    "GET /v1/session": { right: 200, other: 200, otherMeans: OWN_ONLY },
    "DELETE /v1/session": { right: 204, other: 204, otherMeans: OWN_ONLY },
    "GET /": INBOX,
    "GET /messages": INBOX,
    "GET /events": INBOX,
    "GET /inbox.css": SAME,
    "GET /inbox.js": SAME,
    "GET /inbox.svg": SAME,
    "GET /runbooks/:name": RUNBOOK,
  };
}
