/**
 * Reads the bodies of requests within a budget of bytes and time.
 *
 * A body that is still arriving holds nothing but its own bytes. They count against its owner, a tenant or a key: when
 * an owner's unfinished bodies hold more than the budget, the oldest of them gives way. Whoever stalls is cut, whoever
 * sends is served, and no owner's stalled bodies take anything from another's.
 */
import type { IncomingMessage } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { closing, HttpProblem, tooLarge } from "./problem.ts";

export interface BodyReaderOptions {
  /** Largest body of all, bytes, before and after decompression. */
  readonly bytesMax: number;
  /** What the unfinished bodies of one owner may hold, bytes. Default 32 MiB, and at least one whole body. */
  readonly heldBytesMax?: number;
  /** Longest wait for a whole body, ms. Default 30,000. */
  readonly deadlineMs?: number;
  /** What a sender of a larger body does. Default `Send less at once.` */
  readonly advice?: string;
}

export interface BodyReader {
  /**
   * The request's body, with gzip undone; a compressed bomb stops at `bytesMax`.
   *
   * @param owner the tenant or key that the body counts against; only one that was authenticated
   * @param bytesMax of this body; default and upper limit: the reader's
   * @throws HttpProblem 413 over the limit, 400 for damaged gzip or a body that ended early, 415 for another content
   *   encoding, 408 after the deadline, 503 when the body gave way to its owner's newer ones
   */
  read(request: IncomingMessage, owner: string, bytesMax?: number): Promise<Buffer>;
}

/** What the unfinished bodies of one owner may hold, bytes. */
export const HELD_BYTES_MAX = 33_554_432;
/** Unfinished bodies of all owners together hold at most this many times what one owner's may. */
export const OWNERS_FULL_MAX = 8;
/** Every unfinished body counts as at least this many bytes: its socket, its request, its timer. */
export const BODY_FLOOR_BYTES = 16_384;
/** Longest wait for a whole body, ms. */
export const BODY_DEADLINE_MS = 30_000;
/** A body over its limit is read and thrown away up to this multiple, so that the sender gets to see the 413. */
const DISCARD_FACTOR = 8;

interface Upload {
  /** Counted against the owner. */
  charged: number;
  giveWay(): void;
}

interface Held {
  bytes: number;
  /** Oldest first. */
  readonly uploads: Set<Upload>;
}

export function createBodyReader(options: BodyReaderOptions): BodyReader {
  const { deadlineMs = BODY_DEADLINE_MS, advice = "Send less at once." } = options;
  const heldBytesMax = Math.max(options.heldBytesMax ?? HELD_BYTES_MAX, options.bytesMax + BODY_FLOOR_BYTES);
  const owners = new Map<string, Held>();
  let total = 0;

  /** Keeps one owner, and all owners together, within what they may hold: the oldest body of the largest gives way. */
  function makeRoom(own: Held): void {
    const oldestOf = (held: Held): Upload | undefined => held.uploads.values().next().value;
    while (own.bytes > heldBytesMax && own.uploads.size > 1) oldestOf(own)?.giveWay();
    while (total > heldBytesMax * OWNERS_FULL_MAX) {
      const largest = [...owners.values()].reduce((most, held) => (held.bytes > most.bytes ? held : most));
      oldestOf(largest)?.giveWay();
    }
  }

  function begin(owner: string, giveWay: () => void): { hold(bytes: number): void; end(): void } {
    const held = owners.get(owner) ?? { bytes: 0, uploads: new Set() };
    owners.set(owner, held);
    const upload: Upload = { charged: 0, giveWay };
    held.uploads.add(upload);
    const charge = (bytes: number): void => {
      held.bytes += bytes - upload.charged;
      total += bytes - upload.charged;
      upload.charged = bytes;
    };
    return {
      hold(bytes) {
        charge(Math.max(bytes, BODY_FLOOR_BYTES));
        makeRoom(held);
      },
      end() {
        charge(0);
        held.uploads.delete(upload);
        if (held.uploads.size === 0) owners.delete(owner);
      },
    };
  }

  function receive(request: IncomingMessage, owner: string, bytesMax: number): Promise<Buffer> {
    const overLimit = (): HttpProblem =>
      tooLarge(
        `The body is larger than ${bytesMax} bytes, the limit before and after decompression. ${advice}`,
      );
    if (Number(request.headers["content-length"] ?? 0) > bytesMax * DISCARD_FACTOR) {
      return Promise.reject(closing(overLimit()));
    }
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        budget.end();
        request.off("data", onData).off("end", onEnd).off("close", onGone);
        finish();
      };
      const fail = (problem: HttpProblem): void => settle(() => reject(problem));
      const budget = begin(owner, () => fail(closing(gaveWay(heldBytesMax))));
      const timer = setTimeout(() => fail(closing(timedOut(deadlineMs))), deadlineMs);
      const onData = (chunk: Buffer): void => {
        bytes += chunk.length;
        if (bytes > bytesMax * DISCARD_FACTOR) return fail(closing(overLimit()));
        if (bytes > bytesMax) chunks.length = 0;
        else chunks.push(chunk);
        budget.hold(bytes > bytesMax ? 0 : bytes);
      };
      const onEnd = (): void => {
        if (bytes > bytesMax) fail(overLimit());
        else settle(() => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
      };
      const onGone = (): void => fail(endedEarly());
      request.on("data", onData).on("end", onEnd).on("close", onGone);
      budget.hold(0);
    });
  }

  return {
    async read(request, owner, bytesMax = options.bytesMax) {
      const encoding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
      if (encoding !== "identity" && encoding !== "gzip") throw unsupportedEncoding();
      const body = await receive(request, owner, bytesMax);
      if (encoding === "identity") return body;
      try {
        return await gunzipUpTo(body, { maxOutputLength: bytesMax });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") {
          throw tooLarge(
            `The body is larger than ${bytesMax} bytes after decompression, which is the limit.`,
          );
        }
        throw badRequest(
          "bad-gzip",
          "Damaged body",
          "The content encoding says gzip, but the body is not complete, valid gzip.",
        );
      }
    },
  };
}

const gunzipUpTo = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);

function unsupportedEncoding(): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:unsupported-encoding",
    title: "Unsupported content encoding",
    status: 415,
    detail: "The content encoding must be gzip, or absent.",
  });
}

function timedOut(deadlineMs: number): HttpProblem {
  return new HttpProblem({
    type: "urn:plumbline:body-timeout",
    title: "Request timeout",
    status: 408,
    detail: `The body did not arrive within ${deadlineMs / 1000} s. Send it again, or less at once.`,
  });
}

function gaveWay(heldBytesMax: number): HttpProblem {
  return new HttpProblem(
    {
      type: "urn:plumbline:overloaded",
      title: "Temporarily unavailable",
      status: 503,
      detail: `The unfinished bodies of this key hold ${heldBytesMax} bytes, and this is the oldest of them. Send it again after Retry-After.`,
    },
    { "retry-after": "1" },
  );
}

function endedEarly(): HttpProblem {
  return badRequest("incomplete-body", "Incomplete body", "The body ended before it was complete.");
}

function badRequest(code: string, title: string, detail: string): HttpProblem {
  return new HttpProblem({ type: `urn:plumbline:${code}`, title, status: 400, detail });
}
