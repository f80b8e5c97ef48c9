import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { closing, HttpProblem, tooLarge } from "./problem.ts";
import type { Request } from "./route.ts";

/** A body over its limit is read and thrown away up to this multiple, so that the sender gets to see the 413. */
const DISCARD_FACTOR = 8;

/**
 * The request's body, with gzip undone. At most `bytesMax` bytes are held, before and after decompression: a
 * compressed bomb stops at the limit.
 *
 * @throws HttpProblem 413 over the limit, 400 for damaged gzip, 415 for another content encoding
 */
export async function readBody(request: Request, { bytesMax }: { bytesMax: number }): Promise<Buffer> {
  const encoding = (request.get("content-encoding") ?? "identity").trim().toLowerCase();
  if (encoding !== "identity" && encoding !== "gzip") {
    throw new HttpProblem({
      type: "urn:plumbline:unsupported-encoding",
      title: "Unsupported content encoding",
      status: 415,
      detail: "The content encoding must be gzip, or absent.",
    });
  }
  const overLimit = `The body is larger than ${bytesMax} bytes, the limit before and after decompression. Send it in smaller batches.`;
  const announced = Number(request.get("content-length") ?? 0);
  if (announced > bytesMax * DISCARD_FACTOR) throw closing(tooLarge(overLimit));

  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > bytesMax * DISCARD_FACTOR) throw closing(tooLarge(overLimit));
    if (bytes > bytesMax) chunks.length = 0;
    else chunks.push(chunk as Buffer);
  }
  if (bytes > bytesMax) throw tooLarge(overLimit);
  const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  if (encoding === "identity") return body;
  try {
    return await gunzipUpTo(body, { maxOutputLength: bytesMax });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooLarge(overLimit);
    throw new HttpProblem({
      type: "urn:plumbline:bad-gzip",
      title: "Damaged body",
      status: 400,
      detail: "The content encoding says gzip, but the body is not complete, valid gzip.",
    });
  }
}

const gunzipUpTo = promisify<Buffer, { maxOutputLength: number }, Buffer>(gunzip);
