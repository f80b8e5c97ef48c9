/** API keys over HTTP. Each change is one record of the keys topic, which every process that asks for keys follows. */
import { createKey, stateOf, type KeyDirectory, type StoredKey } from "@plumbline/access";
import type { Clock } from "@plumbline/ports";
import {
  HttpProblem,
  type Principal,
  type Request,
  type Response,
  type Route,
} from "@plumbline/runtime/http";
import {
  CreateKeyBody,
  RevokeKeyBody,
  RotateKeyBody,
  type KeyAnswer,
  type KeyEvent,
  type KeyView,
} from "@plumbline/schemas";
import { notFound, readJson } from "./read-request.ts";

interface KeyRouteDeps {
  readonly keys: KeyDirectory;
  readonly clock: Clock;
}

export function keyRoutes({ keys, clock }: KeyRouteDeps): readonly Route[] {
  const iso = (ms: number): string => new Date(ms).toISOString();

  /** A key that `sender` may administer; another tenant's does not exist for it. */
  async function keyOf(request: Request, sender: Principal): Promise<StoredKey> {
    await keys.catchUp();
    const keyId = String(request.params["key_id"]);
    const key = keys.book.get(keyId);
    if (key !== undefined && mayAdminister(sender, key.tenant)) return key;
    throw notFound("key-unknown", `There is no key ${keyId}. List them: plumbline keys list`);
  }

  async function make(
    response: Response,
    sender: Principal,
    wanted: Pick<StoredKey, "tenant" | "name" | "scopes" | "expires_at" | "replaces">,
  ): Promise<void> {
    const { secret, key_id, salt, hash } = await createKey();
    const event: KeyEvent = {
      ...wanted,
      scopes: [...wanted.scopes],
      type: "created",
      key_id,
      salt,
      hash,
      at: iso(clock.now()),
      actor: sender.name,
    };
    await keys.record(event);
    response.locals["key_id"] = key_id;
    const key = viewOf(keys.book.get(key_id)!, clock.now());
    response.status(201).json({ key, secret } satisfies KeyAnswer);
  }

  return [
    {
      method: "GET",
      path: "/v1/keys",
      access: "admin",
      async handle(_request, response, sender) {
        await keys.catchUp();
        const mine = keys.book.all().filter(({ tenant }) => mayAdminister(sender, tenant));
        response.json({ keys: mine.map((key) => viewOf(key, clock.now())) });
      },
    },
    {
      method: "POST",
      path: "/v1/keys",
      access: "admin",
      async handle(request, response, sender) {
        const {
          name,
          scopes,
          tenant = sender.tenant,
          expires_at,
        } = await readJson(request, sender.tenant, CreateKeyBody);
        if (!mayAdminister(sender, tenant)) throw otherTenant(sender);
        const expires = expires_at === null ? null : Date.parse(expires_at);
        if (expires !== null && expires <= clock.now()) throw inThePast();
        const expiry = expires === null ? null : iso(expires);
        await make(response, sender, {
          tenant,
          name,
          scopes: [...new Set(scopes)],
          expires_at: expiry,
          replaces: null,
        });
      },
    },
    {
      method: "POST",
      path: "/v1/keys/:key_id/rotate",
      access: "admin",
      async handle(request, response, sender) {
        const { grace_seconds } = await readJson(request, sender.tenant, RotateKeyBody);
        const key = await keyOf(request, sender);
        const now = clock.now();
        if (stateOf(key, now) !== "active") throw notActive(key);
        const { tenant, name, scopes, expires_at, key_id } = key;
        await make(response, sender, { tenant, name, scopes, expires_at, replaces: key_id });
        await keys.record(revoked(key_id, sender, now, now + grace_seconds * 1000));
      },
    },
    {
      method: "POST",
      path: "/v1/keys/:key_id/revoke",
      access: "admin",
      async handle(request, response, sender) {
        await readJson(request, sender.tenant, RevokeKeyBody);
        const { key_id } = await keyOf(request, sender);
        const now = clock.now();
        await keys.record(revoked(key_id, sender, now, now));
        response.json({ key: viewOf(keys.book.get(key_id)!, clock.now()) } satisfies KeyAnswer);
      },
    },
  ];

  function revoked(key_id: string, sender: Principal, nowMs: number, stopsMs: number): KeyEvent {
    return { type: "revoked", key_id, stops_at: iso(stopsMs), at: iso(nowMs), actor: sender.name };
  }
}

export function mayAdminister(sender: Principal, tenant: string): boolean {
  return sender.isOperator || sender.tenant === tenant;
}

function viewOf(key: StoredKey, nowMs: number): KeyView {
  const { key_id, tenant, name, scopes, created_at, created_by } = key;
  const { expires_at, stops_at, replaces, last_used_on } = key;
  const state = stateOf(key, nowMs);
  const dates = { created_at, created_by, expires_at, stops_at, replaces, last_used_on };
  return { key_id, tenant, name, scopes: [...scopes], state, ...dates };
}

export function otherTenant({ name, tenant }: Principal): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:forbidden",
    title: "Forbidden",
    status: 403,
    detail: `The key of ${name} administers tenant ${tenant}. Another tenant's keys and texts need the admin key of the environment (PLUMBLINE_ADMIN_KEY).`,
    field: "tenant",
  });
}

function inThePast(): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:bad-request",
    title: "Bad request",
    status: 400,
    detail: "expires_at lies in the past. Give a later time, or none.",
    field: "expires_at",
  });
}

function notActive({ key_id, name }: StoredKey): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:key-not-active",
    title: "Conflict",
    status: 409,
    detail: `The key ${key_id} of ${name} holds no more, so there is nothing to replace. Make a new one: plumbline keys create`,
  });
}
