/** The guard of a server that asks for keys: those of the environment, and those of the keys topic. */
import { createHmac, randomBytes } from "node:crypto";
import type { Clock } from "@plumbline/ports";
import { AccessRefused, type Guard, type Principal, type Request } from "@plumbline/runtime/http";
import { SCOPES, type Scope } from "@plumbline/schemas";
import { stateOf, type StoredKey } from "./key-book.ts";
import type { KeyDirectory } from "./key-directory.ts";
import { RateLimit, UNKNOWN_BODY_BYTES } from "./rate-limit.ts";
import { isSecretOf, keyIdOf } from "./secret.ts";

/** A key of the environment. It has no expiry and is not in the keys topic. */
export interface StaticKey {
  readonly secret: string;
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** May act for any tenant. */
  readonly isOperator: boolean;
}

interface KeyGuardOptions {
  readonly clock: Clock;
  readonly staticKeys: readonly StaticKey[];
  /** Null where there is no log; then only static keys hold. */
  readonly directory: KeyDirectory | null;
  readonly rateLimit?: RateLimit;
}

/** Digests of presented keys whose check is remembered. */
const CHECKED_MAX = 10_000;
/** Checks by scrypt at once, and waiting: guessing costs the guesser, and not the requests that are known already. */
const CHECKS_AT_ONCE = 2;
const CHECKS_WAITING_MAX = 64;

export function createKeyGuard(options: KeyGuardOptions): Guard {
  const { clock, staticKeys, directory, rateLimit = new RateLimit() } = options;
  // Keys are looked up by a keyed digest: the time it takes says nothing about how much of a guess was right.
  const digestKey = randomBytes(32);
  const digestOf = (secret: string): string =>
    createHmac("sha256", digestKey).update(secret).digest("base64");
  const byDigest = new Map(staticKeys.map((key) => [digestOf(key.secret), principalOf(key, null)]));
  const checked = new Map<string, boolean>();
  const slots = createSlots();

  async function isRight(secret: string, digest: string, key: StoredKey): Promise<boolean> {
    const known = checked.get(digest);
    if (known !== undefined) return known;
    const right = await slots.run(() => isSecretOf(secret, key));
    checked.set(digest, right);
    if (checked.size > CHECKED_MAX) checked.delete(checked.keys().next().value!);
    return right;
  }

  async function identify(request: Request, scope: Scope): Promise<Principal> {
    const secret = bearerOf(request);
    if (secret === null) throw unauthorized(`No API key came with the request. ${needs(scope)}`);
    const digest = digestOf(secret);
    const fixed = byDigest.get(digest);
    if (fixed !== undefined) return fixed;
    const keyId = directory === null ? null : keyIdOf(secret);
    if (keyId === null || directory === null) throw unauthorized(`The API key is unknown. ${needs(scope)}`);
    if (directory.book.get(keyId) === undefined) await directory.refresh();
    const key = directory.book.get(keyId);
    if (key === undefined && !directory.isLoaded) throw notLoaded();
    if (key === undefined || !(await isRight(secret, digest, key))) {
      throw unauthorized(`The API key is unknown. ${needs(scope)}`);
    }
    const principal = principalOf({ ...key, isOperator: false }, keyId);
    const state = stateOf(key, clock.now());
    if (state !== "active") {
      const when = state === "revoked" ? key.stops_at : key.expires_at;
      throw unauthorized(
        `The API key ${keyId} of ${key.name} ${state === "revoked" ? "was revoked" : "expired"} on ${when}. Ask an admin for another one: plumbline keys create`,
        principal,
      );
    }
    directory.noteUse(keyId);
    return principal;
  }

  return {
    asksForKeys: true,
    async check(request, scope) {
      const principal = await identify(request, scope);
      if (!mayUse(principal, scope)) throw forbidden(principal, scope);
      const bytes = bodyBytesOf(request);
      const bucket = principal.key_id ?? `${principal.tenant} ${principal.name}`;
      const waitSeconds = rateLimit.take(bucket, scope, bytes, clock.now());
      if (waitSeconds > 0) throw tooMany(principal, scope, waitSeconds);
      return principal;
    },
  };
}

export function mayUse({ scopes }: Principal, scope: Scope): boolean {
  return scopes.has("admin") || scopes.has(scope);
}

function principalOf(
  { tenant, name, scopes, isOperator }: Omit<StaticKey, "secret">,
  key_id: string | null,
): Principal {
  return { tenant, name, scopes: new Set(scopes), key_id, isOperator };
}

function bearerOf(request: Request): string | null {
  const [scheme = "", secret = "", ...rest] = (request.get("authorization") ?? "").trim().split(/ +/);
  return scheme.toLowerCase() === "bearer" && secret !== "" && rest.length === 0 ? secret : null;
}

function bodyBytesOf(request: Request): number {
  const announced = request.get("content-length");
  if (announced !== undefined) return Number(announced) || 0;
  return request.get("transfer-encoding") === undefined ? 0 : UNKNOWN_BODY_BYTES;
}

/** Runs at most `CHECKS_AT_ONCE` at a time. */
function createSlots() {
  let running = 0;
  const waiting: (() => void)[] = [];
  return {
    async run<T>(work: () => Promise<T>): Promise<T> {
      if (running >= CHECKS_AT_ONCE) {
        if (waiting.length >= CHECKS_WAITING_MAX) throw tooManyChecks();
        await new Promise<void>((resolve) => waiting.push(resolve));
      } else running += 1;
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) running -= 1;
        else next();
      }
    },
  };
}

function needs(scope: Scope): string {
  return `This needs a key with scope ${scope}: send it as \`authorization: Bearer <key>\`.`;
}

function unauthorized(detail: string, sender: AccessRefused["sender"] = null): AccessRefused {
  return new AccessRefused(
    { type: "urn:plumbline:unauthorized", title: "Unauthorized", status: 401, detail },
    { "www-authenticate": "Bearer" },
    sender,
  );
}

export function forbidden(principal: Principal, scope: Scope): AccessRefused {
  const has = SCOPES.filter((each) => principal.scopes.has(each)).join(", ");
  return new AccessRefused(
    {
      type: "urn:plumbline:forbidden",
      title: "Forbidden",
      status: 403,
      detail: `This needs scope ${scope}; the key of ${principal.name} has ${has}. Use another key, or ask an admin for one: plumbline keys create`,
    },
    {},
    principal,
  );
}

function tooMany(principal: Principal, scope: Scope, seconds: number): AccessRefused {
  return new AccessRefused(
    {
      type: "urn:plumbline:rate-limited",
      title: "Too many requests",
      status: 429,
      detail: `The key of ${principal.name} is over its rate for scope ${scope}. Send this again after Retry-After.`,
    },
    { "retry-after": String(seconds) },
    principal,
  );
}

function tooManyChecks(): AccessRefused {
  return new AccessRefused(
    {
      type: "urn:plumbline:rate-limited",
      title: "Too many requests",
      status: 429,
      detail: "Too many new keys are being checked. Send this again after Retry-After.",
    },
    { "retry-after": "1" },
    null,
  );
}

function notLoaded(): AccessRefused {
  return new AccessRefused(
    {
      type: "urn:plumbline:keys-unknown",
      title: "Not loaded yet",
      status: 503,
      detail: "The API keys were not read from the log yet. Send this again after Retry-After.",
    },
    { "retry-after": "1" },
    null,
  );
}
