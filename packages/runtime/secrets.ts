/** The values of a process's secrets, so that no log line shows one, whoever put it there. */

/** Variables whose values are secrets. Each may come as a file too, named by `<variable>_FILE`. */
const SECRET_NAME = /_(KEY|KEYS|TOKEN|SECRET|PASSWORD)$|^PLUMBLINE_CLICKHOUSE_URL$/;
/** Files and switches that only sound like secrets. */
const NO_SECRET: ReadonlySet<string> = new Set([
  "PLUMBLINE_TLS_KEY",
  "PLUMBLINE_KAFKA_TLS_KEY",
  "PLUMBLINE_REQUIRE_KEYS",
]);
/** A shorter value would blacken ordinary words. */
const SECRET_CHARS_MIN = 6;
/** A key of ours, from wherever it comes: its prefix says whose it is, and may be shown. */
const OWN_KEY = /(plb_[a-z2-7]{10}_)[A-Za-z0-9_-]{43}/g;
const HIDDEN = "[secret]";

const known = new Set<string>();

export function isSecretName(variable: string): boolean {
  return SECRET_NAME.test(variable) && !NO_SECRET.has(variable);
}

/** Keeps the secrets in the value of `variable` out of the log from now on. */
export function rememberSecret(variable: string, value: string): void {
  for (const secret of secretsIn(variable, value)) {
    if (secret.length < SECRET_CHARS_MIN) continue;
    for (const form of formsOf(secret)) known.add(form);
  }
}

/** Whether the value of a variable may hold a secret: an address may, in its password. */
export function maySecret(variable: string): boolean {
  return isSecretName(variable) || variable.endsWith("_URL");
}

/** A secret as it is, as JSON writes it, once and within a text that was JSON already, and as addresses write it. */
function formsOf(secret: string): readonly string[] {
  const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
  const once = inJson(secret);
  // The longest first: a shorter one may be a part of it.
  return [inJson(once), once, encodeURIComponent(secret.replaceAll(/\p{Surrogate}/gu, "")), secret];
}

/** `line` without any known secret. */
export function redactSecrets(line: string): string {
  let clean = line.includes("plb_") ? line.replace(OWN_KEY, `$1${HIDDEN}`) : line;
  for (const secret of known) if (clean.includes(secret)) clean = clean.replaceAll(secret, HIDDEN);
  return clean;
}

/** What may be shown of a variable's value: of an address all but the password, of a list of keys their owners. */
export function maskSecrets(variable: string, value: string): string {
  if (variable.endsWith("_URL")) return maskPassword(value);
  if (!isSecretName(variable)) return value;
  if (!variable.endsWith("_KEYS")) return HIDDEN;
  return value
    .split(",")
    .map((pair) => (pair.includes("=") ? `${HIDDEN}=${pair.slice(pair.lastIndexOf("=") + 1)}` : HIDDEN))
    .join(",");
}

function maskPassword(address: string): string {
  // Only where the password is can it be left out: what is no URL may hold it anywhere.
  if (!/^https?:\/\//.test(address) || !URL.canParse(address))
    return address.includes("@") ? HIDDEN : address;
  return address.replace(/^([^:]+:\/\/[^:/?#@]*):[^/?#]*@/, `$1:${HIDDEN}@`);
}

/** Of a list of `key=owner` the keys, of an address its password. */
function secretsIn(variable: string, value: string): readonly string[] {
  if (variable.endsWith("_KEYS")) {
    return value.split(",").map((pair) => pair.slice(0, Math.max(pair.lastIndexOf("="), 0)).trim());
  }
  if (!variable.endsWith("_URL")) return [value];
  if (!URL.canParse(value)) return [];
  const { username, password } = new URL(value);
  if (password === "") return [];
  const plain = decoded(password);
  const basic = Buffer.from(`${decoded(username)}:${plain}`).toString("base64");
  return [password, plain, basic];
}

/** A part of an address without its percent-encoding; as it is where that is none. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
