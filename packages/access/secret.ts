/** The text of an API key: `plb_<10 characters that find it>_<43 characters that prove it>`. */
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from "node:crypto";

interface NewKey {
  /** Shown once, to who asked for the key. */
  readonly secret: string;
  readonly key_id: string;
  /** Base64. */
  readonly salt: string;
  /** Base64. */
  readonly hash: string;
}

const SALT_BYTES = 16;
const PROOF_BYTES = 32;
const HASH_BYTES = 32;
const KEY_ID_CHARS = 10;
/** About 50 ms and 16 MiB a guess. */
const SCRYPT: ScryptOptions = { N: 16_384, r: 8, p: 1 };
const SECRET = /^plb_([a-z2-7]{10})_([A-Za-z0-9_-]{43})$/;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

export async function createKey(): Promise<NewKey> {
  const key_id = [...randomBytes(KEY_ID_CHARS)].map((byte) => ALPHABET[byte % ALPHABET.length]!).join("");
  const secret = `plb_${key_id}_${randomBytes(PROOF_BYTES).toString("base64url")}`;
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(secret, salt);
  return { secret, key_id, salt: salt.toString("base64"), hash: hash.toString("base64") };
}

/** @returns the public prefix of `secret`; null when it is no key of this form */
export function keyIdOf(secret: string): string | null {
  return SECRET.exec(secret)?.[1] ?? null;
}

/** Whether `secret` is the one that `salt` and `hash` were made of. Compares in constant time. */
export async function isSecretOf(
  secret: string,
  { salt, hash }: Pick<NewKey, "salt" | "hash">,
): Promise<boolean> {
  const expected = Buffer.from(hash, "base64");
  const derived = await derive(secret, Buffer.from(salt, "base64"));
  return expected.length === derived.length && timingSafeEqual(expected, derived);
}

function derive(secret: string, salt: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, HASH_BYTES, SCRYPT, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
