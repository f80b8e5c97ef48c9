/** HTTPS by files, which are read again when they change: a renewed certificate needs no restart. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { createServer, type Server } from "node:https";
import type { ServerOptions } from "node:http";
import { InvalidConfigError } from "../variables/load-config.ts";
import type { Logger } from "../logger.ts";
import { isFileError, whyUnreadable } from "../system-error.ts";

/** Paths of PEM files. */
export interface TlsFiles {
  /** The certificate, followed by those between it and its root. */
  readonly cert: string;
  readonly key: string;
}

const LOOK_MS = 5_000;

/** @throws InvalidConfigError when a file can't be read, or the two are no pair */
export function createTlsServer(files: TlsFiles, limits: ServerOptions, logger: Logger): Server {
  let server: Server;
  try {
    server = createServer({ ...limits, ...readFiles(files), minVersion: "TLSv1.2" });
  } catch (cause) {
    throw new InvalidConfigError(`PLUMBLINE_TLS_CERT, PLUMBLINE_TLS_KEY: ${whyOfPair(cause)}`, { cause });
  }
  const reload = (): void => {
    try {
      server.setSecureContext(readFiles(files));
      logger.info({ cert: files.cert }, "tls.reloaded");
    } catch (error) {
      // Half a renewal: the old pair serves on until both files fit.
      logger.warn({ err: error, cert: files.cert }, "tls.reload_failed");
    }
  };
  const all = [files.cert, files.key];
  for (const file of all) watchFile(file, { interval: LOOK_MS, persistent: false }, reload);
  server.once("close", () => {
    for (const file of all) unwatchFile(file, reload);
  });
  return server;
}

function whyOfPair(error: unknown): string {
  if (isFileError(error)) return `${error.path} can't be read: ${whyUnreadable(error)}`;
  return error instanceof Error ? error.message : String(error);
}

function readFiles({ cert, key }: TlsFiles): { readonly cert: Buffer; readonly key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}
