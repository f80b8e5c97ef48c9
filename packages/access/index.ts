/** API keys: how they are made, kept, followed and asked for. */
export { stateOf, type StoredKey } from "./key-book.ts";
export { createKeyDirectory, type KeyDirectory } from "./key-directory.ts";
export { createKeyGuard, type StaticKey } from "./key-guard.ts";
export { KEY_RATES } from "./rate-limit.ts";
export { IdentityConfig, withIdentity } from "./identity.ts";
export { createKey } from "./secret.ts";
export { OPEN_PATH, sessionRoutes } from "./session-routes.ts";
export { createSessions, withSessions, type Sessions } from "./sessions.ts";
export { AccessConfig, openAccess } from "./open-access.ts";
