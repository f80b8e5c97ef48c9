import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { BadFileError, MissingFileError } from "./bad-file.ts";

interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
}

/**
 * Lines of a text file, gzip or plain, told apart by its first bytes; empty lines are left out.
 *
 * @throws MissingFileError, or BadFileError when the compressed file is damaged
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  const isCompressed = await isGzip(file);
  const bytes = createReadStream(file);
  const text: Readable = isCompressed ? bytes.pipe(createGunzip()) : bytes;
  // An error of the file behind the pipe would otherwise end the process.
  if (text !== bytes) bytes.on("error", (error) => text.destroy(error));
  const lines = createInterface({ input: text, crlfDelay: Infinity });
  let failure: Error | null = null;
  text.on("error", (error) => {
    failure = error;
    lines.close();
  });
  let number = 0;
  try {
    for await (const line of lines) {
      number += 1;
      if (line !== "") yield { number, text: line };
    }
  } finally {
    bytes.destroy();
  }
  if (failure !== null)
    throw new BadFileError(file, number + 1, "", `the file is damaged: ${String(failure)}`);
}

async function isGzip(file: string): Promise<boolean> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(2), 0, 2, 0);
      return bytesRead === 2 && buffer[0] === 0x1f && buffer[1] === 0x8b;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new MissingFileError(file, { cause });
  }
}
